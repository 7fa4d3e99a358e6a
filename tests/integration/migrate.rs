//! `sapa data migrate`: domains of Rasa 2 become domains that load.

use crate::support::Project;

/// A domain of Rasa 2 for the data of [`Project::tiny`].
const OLD_DOMAIN: &str = r#"version: "2.0"
# The helpful bot.
intents: [greet, hours, book, inform, work]
entities:
- city
- cuisine
- people:
    roles: [adults]
slots:
  city: {type: text}
  quiet_city:
    type: unfeaturized
    auto_fill: false
  cuisine:
    type: text
    auto_fill: false
    influence_conversation: false
  people:
    type: text
    influence_conversation: false
forms:
  table_form:
    ignored_intents: [hours]
    required_slots:
      cuisine:
      - type: from_entity
        entity: cuisine
      - type: from_text
        not_intent: greet
      people:
      - {type: from_entity, entity: people, role: adults}
      - {type: from_intent, intent: work, value: "${SEATS} of four"}
actions: [action_work]
responses:
  utter_greet: [{text: Hello!}]
  utter_hours: [{text: "Open: 9-17"}]
  utter_ask_cuisine: [{text: Which cuisine?}]
  utter_ask_people: [{text: How many?}]
  utter_booked: [{text: "Booked: {cuisine} for {people}."}]
  utter_done:
  - text: ${SEATS} and out
"#;

fn text(project: &Project, path: &str) -> String {
    std::fs::read_to_string(project.path(path)).expect("a file")
}

#[test]
fn a_domain_of_rasa_2_is_refused_slot_by_slot_and_the_cure_helps() {
    let project = Project::tiny();
    project.write("domain.yml", OLD_DOMAIN);
    project.write(".env", "SEATS=six\n");
    let told = project.sapa(&["train"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    for line in [10, 11, 14, 18, 25] {
        assert!(told.err.contains(&format!("domain.yml:{line}:")), "line {line} is not named: {}", told.err);
    }
    assert!(told.err.contains("`sapa data migrate`"), "{}", told.err);

    let migrated = project.sapa(&["data", "migrate"]);
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    assert!(migrated.err.contains("N0504") && migrated.err.contains("domain.yml:11:"), "{migrated:?}");
    assert_eq!(text(&project, "original_domain.yml"), OLD_DOMAIN);
    let trained = project.sapa(&["train", "-d", "new_domain.yml"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let chat = project.sapa_with_input(&["shell"], "book a table\nthai\nwork\n");
    assert!(chat.out.contains("Which cuisine?") && chat.out.contains("How many?"), "{chat:?}");
}

#[test]
fn a_slots_type_may_be_written_as_rasas_class() {
    let project = Project::tiny();
    project.write("domain.yml", OLD_DOMAIN.replace("type: unfeaturized", "type: rasa.core.slots.UnfeaturizedSlot"));
    assert_eq!(project.sapa(&["data", "migrate"]).code, Some(0));
    assert!(text(&project, "new_domain.yml").contains("  quiet_city:\n    type: any\n"));
}

#[test]
fn mappings_of_forms_move_to_their_slots() {
    let project = Project::tiny();
    project.write("domain.yml", OLD_DOMAIN);
    assert_eq!(project.sapa(&["data", "migrate", "--out", "made/new.yml"]).code, Some(0));
    let new = text(&project, "made/new.yml");
    let (_, slots) = new.split_once("\nslots:\n").expect("slots");
    let (slots, rest) = slots.split_once("forms:\n").expect("forms");
    assert_eq!(
        slots,
        r#"  city:
    type: text
    mappings:
    - type: from_entity
      entity: city
  quiet_city:
    type: any
    mappings:
    - type: custom
  cuisine:
    type: text
    influence_conversation: false
    mappings:
    - type: from_entity
      entity: cuisine
      conditions:
      - active_loop: table_form
    - type: from_text
      not_intent: greet
      conditions:
      - active_loop: table_form
        requested_slot: cuisine
  people:
    type: text
    influence_conversation: false
    mappings:
    - type: from_entity
      entity: people
      role: adults
      conditions:
      - active_loop: table_form
    - type: from_intent
      intent: work
      value: "${SEATS} of four"
      conditions:
      - active_loop: table_form
        requested_slot: people
    - type: from_entity
      entity: people
"#
    );
    assert!(new.starts_with("version: \"3.1\"\nintents:\n- greet\n"), "{new}");
    assert!(
        rest.starts_with(
            "  table_form:\n    required_slots:\n    - cuisine\n    - people\n    ignored_intents:\n    - hours\n"
        ),
        "{rest}"
    );
}

#[test]
fn two_forms_that_fill_a_slot_alike_share_a_mapping_with_two_conditions() {
    let project = Project::empty();
    let form = |name: &str| {
        format!("  {name}:\n    size:\n    - {{type: from_text}}\n    - {{type: from_entity, entity: size}}\n")
    };
    project.write("domain.yml", format!("intents: [a]\nforms:\n{}{}", form("one_form"), form("two_form")));
    let migrated = project.sapa(&["data", "migrate"]);
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    assert!(migrated.err.contains("W0512"), "{migrated:?}");
    let new = text(&project, "new_domain.yml");
    let (_, slots) = new.split_once("\nslots:\n").expect("slots");
    let shared = |more: &str| format!("      - active_loop: one_form{more}\n      - active_loop: two_form{more}\n");
    for conditions in [shared("\n        requested_slot: size"), shared("")] {
        assert_eq!(slots.matches(&format!("      conditions:\n{conditions}")).count(), 1, "{new}");
    }
    assert!(slots.starts_with("  size:\n    type: any\n"), "{new}");
}

#[test]
fn a_split_domain_becomes_a_folder_of_new_files() {
    let project = Project::tiny();
    let (head, forms) = OLD_DOMAIN.split_once("forms:").expect("forms");
    let (forms, responses) = forms.split_once("actions:").expect("actions");
    project.write("domain/slots.yml", head);
    project.write("domain/deep/forms.yml", format!("version: \"2.0\"\nforms:{forms}"));
    project.write("domain/responses.yml", format!("actions:{responses}"));
    project.write("domain/notes.yml", "nothing: here\n");
    let migrated = project.sapa(&["data", "migrate", "-d", "domain"]);
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    let kept = |folder: &str| project.files(folder).into_keys().collect::<Vec<_>>();
    assert_eq!(kept("new_domain"), ["deep/forms.yml", "responses.yml", "slots.yml"]);
    assert_eq!(kept("original_domain"), ["deep/forms.yml", "notes.yml", "responses.yml", "slots.yml"]);
    project.write(".env", "SEATS=six\n");
    let checked = project.sapa(&["data", "validate", "-d", "new_domain"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn nothing_is_overwritten_and_a_new_domain_is_not_migrated_again() {
    let project = Project::tiny();
    let told = project.sapa(&["data", "migrate"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.err.contains("E0511") && told.err.contains("domain.yml:1:"), "{told:?}");
    assert!(!project.path("original_domain.yml").exists() && !project.path("new_domain.yml").exists());

    project.write("domain.yml", OLD_DOMAIN);
    project.write("new_domain.yml", "mine: 1\n");
    let told = project.sapa(&["data", "migrate"]);
    assert_eq!((told.code, text(&project, "new_domain.yml").as_str()), (Some(1), "mine: 1\n"), "{told:?}");
    assert_eq!(project.sapa(&["data", "migrate", "--out", "other.yml"]).code, Some(0));
    let again = project.sapa(&["data", "migrate", "--out", "third.yml"]);
    assert!(again.code == Some(1) && again.err.contains("original_domain.yml"), "{again:?}");
    let lost = project.sapa(&["data", "migrate", "-d", "domian.yml"]);
    assert!(lost.code == Some(1) && lost.err.contains("did you mean `domain.yml`?"), "{lost:?}");
}
