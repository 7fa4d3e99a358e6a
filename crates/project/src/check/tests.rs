use crate::{Diagnostic, FileRole, ProjectFile, load};

const CONFIG: &str = "recipe: default.v1\nassistant_id: a\nlanguage: id\npipeline:\n- name: WhitespaceTokenizer\n- name: CountVectorsFeaturizer\n- name: LogisticRegressionClassifier\n- name: CRFEntityExtractor\npolicies:\n- name: RulePolicy\n";

const DOMAIN: &str = "version: \"3.1\"
intents: [salam, tanya]
entities:
- kota:
    roles: [asal]
slots:
  kota:
    type: text
    mappings:
    - {type: from_entity, entity: kota}
  setuju:
    type: bool
    mappings:
    - {type: custom}
responses:
  utter_salam:
  - text: Halo {kota}
  utter_ask_kota:
  - text: Kota apa?
actions: [action_cari]
forms:
  kota_form:
    required_slots: [kota]
";

fn project(domain: &str, data: &str) -> crate::Loaded {
    let file =
        |path: &str, text: &str, role| ProjectFile { path: path.to_owned(), bytes: text.as_bytes().to_vec(), role };
    let files = vec![
        file("domain.yml", domain, FileRole::Domain),
        file("config.yml", CONFIG, FileRole::Config),
        file("data/x.yml", data, FileRole::Data),
    ];
    let loaded = load(files, &|_| None);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded
}

/// `code path:line help` of every finding that is not a note.
fn findings(domain: &str, data: &str) -> Vec<String> {
    all(domain, data).into_iter().filter(|line| !line.starts_with('N')).collect()
}

fn all(domain: &str, data: &str) -> Vec<String> {
    let loaded = project(domain, data);
    let sources = &loaded.project.sources;
    let line = |diagnostic: &Diagnostic| {
        let place = diagnostic.annotations.first().map(|annotation| sources.place(annotation.span)).unwrap_or_default();
        format!("{} {place} {}", diagnostic.code, diagnostic.help.as_deref().unwrap_or("-"))
    };
    super::check(&loaded.project).iter().map(line).collect()
}

#[test]
fn a_sound_project_has_no_errors_or_warnings() {
    let data = "nlu:\n- intent: salam\n  examples: |\n    - halo\n    - hai\n- intent: tanya\n  examples: |\n    - ke [Solo](kota)\n    - dari [Kudus](kota)\nrules:\n- rule: r\n  steps:\n  - intent: salam\n  - action: utter_salam\n  - action: action_cari\n- rule: f\n  steps:\n  - intent: tanya\n  - action: kota_form\n  - active_loop: kota_form\n";
    assert_eq!(all(DOMAIN, data), Vec::<String>::new());
}

#[test]
fn unknown_names_in_stories_carry_the_nearest_name() {
    let data = "stories:\n- story: s\n  steps:\n  - intent: salm\n    entities: [kotta]\n  - action: utter_slam\n  - action: action_lain_sekali\n  - slot_was_set:\n    - koto: x\n    - setuju\n  - active_loop: kota_from\n  - or:\n    - intent: tany\n    - intent: salam\n";
    assert_eq!(
        findings(DOMAIN, data),
        [
            "W0401 data/x.yml:4 did you mean `salam`?",
            "W0402 data/x.yml:5 did you mean `kota`?",
            "E0401 data/x.yml:6 did you mean `utter_salam`? If not, add `utter_slam:` to `responses:` of the domain",
            "E0401 data/x.yml:7 add `- action_lain_sekali` to `actions:` of the domain",
            "E0402 data/x.yml:9 did you mean `kota`?",
            "W0410 data/x.yml:10 write `- setuju: <value>`",
            "E0403 data/x.yml:11 did you mean `kota_form`?",
            "W0401 data/x.yml:13 did you mean `tanya`?",
        ]
    );
}

#[test]
fn a_rule_has_one_user_turn_and_two_places_are_shown() {
    let data = "rules:\n- rule: r\n  steps:\n  - intent: salam\n  - action: utter_salam\n  - intent: tanya\n  - action: utter_salam\n";
    assert_eq!(
        findings(DOMAIN, data),
        ["E0404 data/x.yml:6 make it a story, or split it into rules with one user turn each"]
    );
}

#[test]
fn checkpoints_need_both_ends() {
    let data = "stories:\n- story: a\n  steps:\n  - intent: salam\n  - checkpoint: lanjut\n- story: b\n  steps:\n  - checkpoint: lanjutt\n  - intent: tanya\n";
    assert_eq!(
        findings(DOMAIN, data),
        ["W0409 data/x.yml:5 did you mean `lanjutt`?", "W0409 data/x.yml:8 did you mean `lanjut`?"]
    );
}

#[test]
fn mappings_forms_and_intents_of_the_domain_are_linked() {
    let domain = DOMAIN.replace(
        "- {type: from_entity, entity: kota}",
        "- {type: from_entity, entity: kotta, conditions: [{active_loop: kota_frm}]}\n    - {type: from_entity, entity: kota, role: asl}\n    - {type: custom, action: action_crai}\n    - {type: from_text, intent: salm}",
    );
    let domain = domain.replace("    - {type: custom}\n", "    - {type: from_intent, value: 1, conditions: [{active_loop: kota_form}]}\n    - {type: from_trigger_intent, value: 1, conditions: [{active_loop: kota_form}]}\n");
    let domain = domain.replace("required_slots: [kota]", "required_slots: [kota, kotaa]\n    ignored_intents: tany");
    let domain = domain.replace("intents: [salam, tanya]", "intents: [{salam: {use_entities: [kot]}}, tanya]");
    assert_eq!(
        findings(&domain, "nlu: []\n"),
        [
            "W0502 domain.yml:2 did you mean `kota`?",
            "W0502 domain.yml:10 did you mean `kota`?",
            "E0509 domain.yml:10 did you mean `kota_form`?",
            "W0502 domain.yml:11 did you mean `asal`?",
            "E0401 domain.yml:12 did you mean `action_cari`? If not, add `- action_crai` to `actions:` of the domain",
            "W0503 domain.yml:13 did you mean `salam`?",
            "E0509 domain.yml:17 add `setuju` to `required_slots` of `kota_form`, or remove the condition",
            "E0508 domain.yml:27 did you mean `kota`?",
            "W0503 domain.yml:28 did you mean `tanya`?",
        ]
    );
}

#[test]
fn buttons_placeholders_and_conditions_of_responses_are_linked() {
    let domain = DOMAIN.replace(
        "  - text: Halo {kota}\n",
        "  - text: Halo {kotta}\n    buttons:\n    - {title: a, payload: '/salm{{\"kotta\": \"x\"}}'}\n    condition:\n    - {type: slot, name: seteju, value: true}\n",
    );
    let found = all(&domain, "nlu: []\n");
    for expected in [
        "N0502 domain.yml:17 did you mean `kota`?",
        "W0504 domain.yml:19 did you mean `salam`?",
        "W0515 domain.yml:19 did you mean `kota`?",
        "W0506 domain.yml:21 did you mean `setuju`?",
    ] {
        assert!(found.iter().any(|line| line == expected), "{expected}: {found:?}");
    }
}

#[test]
fn nlu_data_is_held_against_itself_and_the_domain() {
    let data = "nlu:\n- intent: salam\n  examples: |\n    - halo\n    - ke [Solo](kotta)\n- intent: tanyaa\n  examples: |\n    - halo\n    - apa\n- regex: nip\n  examples: |\n    - (\\d{18}\n- synonym: A\n  examples: |\n    - satu\n- synonym: B\n  examples: |\n    - Satu\n";
    assert_eq!(
        findings(DOMAIN, data),
        [
            "W0309 data/x.yml:5 did you mean `kota`?",
            "W0306 data/x.yml:8 keep it under one of them",
            "W0308 data/x.yml:8 did you mean `tanya`?",
            "E0303 data/x.yml:12 put a backslash before characters such as ( [ { * + ? that mean themselves",
            "W0604 data/x.yml:12 add `- name: RegexFeaturizer` behind the tokenizer, or `- name: RegexEntityExtractor`",
            "W0604 data/x.yml:15 add `- name: EntitySynonymMapper` to `pipeline` of config.yml, behind the entity extractors",
            "W0305 data/x.yml:18 -",
        ]
    );
}

#[test]
fn unused_and_thin_parts_are_notes() {
    let data = "nlu:\n- intent: salam\n  examples: |\n    - halo\nstories:\n- story: s\n  steps:\n  - intent: salam\n  - action: action_cari\n";
    let codes: Vec<String> = all(DOMAIN, data).iter().map(|line| line[..5].to_owned()).collect();
    assert_eq!(codes, ["N0302", "N0301", "N0402", "N0403"]);
}

#[test]
fn forms_need_the_rule_policy_and_something_to_ask() {
    let domain = DOMAIN.replace("  utter_ask_kota:\n  - text: Kota apa?\n", "");
    assert!(all(&domain, "nlu: []\n").iter().any(|line| line.starts_with("N0503 domain.yml:")));
    let mut loaded = project(DOMAIN, "nlu: []\n");
    loaded.project.config.policies.clear();
    assert!(
        super::check(&loaded.project)
            .iter()
            .any(|diagnostic| diagnostic.code == crate::codes::FORM_WITHOUT_RULE_POLICY)
    );
}

#[test]
fn a_greedy_from_text_mapping_is_noted() {
    let domain = DOMAIN.replace("{type: custom}", "{type: from_text}");
    assert!(all(&domain, "nlu: []\n").iter().any(|line| line.starts_with("N0501 domain.yml:14")));
}
