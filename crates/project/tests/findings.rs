//! What is found, and what is not, in projects as people have them.

use sapa_project::{Diagnostic, FileRole, Loaded, ProjectFile, check, load};

const CONFIG: &str = "recipe: default.v1\nassistant_id: a\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\npolicies:\n- name: RulePolicy\n";
const DOMAIN: &str = "intents: [hi, bye]\nresponses:\n  utter_hi:\n  - text: Hi.\n";
const DATA: &str = "nlu:\n- intent: hi\n  examples: |\n    - hi\n    - hello\n- intent: bye\n  examples: |\n    - bye\n    - see you\nrules:\n- rule: r\n  steps:\n  - intent: hi\n  - action: utter_hi\n- rule: s\n  steps:\n  - intent: bye\n  - action: utter_hi\n";

/// A sound project with these files added, or put in the place of its own.
fn project(files: &[(&str, &str)]) -> Loaded {
    let own = [("config.yml", CONFIG), ("domain.yml", DOMAIN), ("data/x.yml", DATA)];
    let kept = own.into_iter().filter(|(path, _)| files.iter().all(|(other, _)| other != path));
    let role = |path: &str| match path {
        "config.yml" => FileRole::Config,
        path if path.starts_with("domain") => FileRole::Domain,
        _ => FileRole::Data,
    };
    let file = |(path, text): (&str, &str)| ProjectFile {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
        role: role(path),
    };
    load(kept.chain(files.iter().copied()).map(file).collect(), &|_| None)
}

/// Everything found, each as `code path:line`.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let loaded = project(files);
    let place = |diagnostic: &Diagnostic| {
        let first = diagnostic.annotations.first();
        first.map(|annotation| loaded.project.sources.place(annotation.span)).unwrap_or_default()
    };
    let all = loaded.diagnostics.iter().chain(&check(&loaded.project)).cloned().collect::<Vec<_>>();
    all.iter().map(|diagnostic| format!("{} {}", diagnostic.code, place(diagnostic))).collect()
}

/// The cure of the only finding.
fn cure(files: &[(&str, &str)]) -> String {
    let loaded = project(files);
    assert_eq!(loaded.diagnostics.len(), 1, "{:?}", loaded.diagnostics);
    loaded.diagnostics[0].help.clone().unwrap_or_default()
}

#[test]
fn a_sound_project_has_no_findings() {
    assert_eq!(found(&[]), Vec::<String>::new());
}

#[test]
fn files_without_a_role_are_notes() {
    for (path, text) in [
        ("data/a.json", "{\"a\": 1}"),
        ("data/a.json", "[1, 2]"),
        ("data/a.json", "\"text\""),
        ("data/a.yml", "- one\n- two: 2\n"),
        ("data/a.yml", "nothing but text\n"),
        ("data/a.json", "{\"intents\": [{\"tag\": \"hi\", \"patterns\": [\"hi\"]}], \"slots\": 3}"),
    ] {
        assert_eq!(found(&[(path, text)]), [format!("N0202 {path}:1")], "{text}");
    }
}

#[test]
fn files_that_look_like_training_data_stay_errors() {
    for (path, text) in [
        ("data/a.yml", "- intent: hi\n  examples: |\n    - hey\n"),
        ("data/a.yml", "- story: s\n  steps: []\n"),
        ("data/a.yml", "- nlu: 1\n- |\n  nlu:\n"),
        ("domain.yml", "- intents\n"),
    ] {
        assert!(found(&[(path, text)]).contains(&format!("E0201 {path}:1")), "{text}: {:?}", found(&[(path, text)]));
    }
    let luis = "{\"luis_schema_version\": \"7.0\", \"utterances\": 1}";
    assert!(found(&[("data/a.json", luis)]).iter().any(|line| line.starts_with("E0202")));
}

#[test]
fn class_paths_of_rasas_own_slots_are_their_types() {
    let types = |module: &str| {
        let slot = |class: &str| format!("  s{class}:\n    type: {module}.{class}\n    mappings: [{{type: custom}}]\n");
        let slots: String = ["TextSlot", "BooleanSlot", "FloatSlot", "ListSlot", "AnySlot"].map(slot).concat();
        format!("{DOMAIN}slots:\n{slots}")
    };
    for module in ["rasa.shared.core.slots", "rasa.core.slots"] {
        let domain = types(module);
        assert_eq!(found(&[("domain.yml", &domain)]), Vec::<String>::new());
        let slots = project(&[("domain.yml", &domain)]).project.domain.slots;
        assert_eq!(format!("{:?}", slots["sBooleanSlot"].slot_type), "Bool");
    }
    let domain = types("my.slots");
    assert!(found(&[("domain.yml", &domain)]).iter().all(|line| line.starts_with("E0503")));
}

/// A form that asks for `asked`, and a slot `size` that a condition ties to it.
fn with_form(required: &str, condition: &str, actions: &str) -> Vec<String> {
    let slot = |name: &str, condition: &str| {
        format!("  {name}:\n    type: any\n    mappings: [{{type: from_text{condition}}}]\n")
    };
    let domain = format!(
        "{DOMAIN}  utter_ask_asked:\n  - text: A?\nactions: [{actions}]\nforms:\n  my_form:\n    required_slots: {required}\nslots:\n{}{}",
        slot("asked", ", conditions: [{active_loop: my_form}]"),
        slot("size", &format!(", conditions: [{condition}]")),
    );
    found(&[("domain.yml", &domain)])
}

#[test]
fn a_form_that_never_asks_for_a_conditioned_slot_is_an_error() {
    assert_eq!(with_form("[asked]", "{active_loop: my_form}", ""), ["E0509 domain.yml:17"]);
    assert_eq!(with_form("[asked, size]", "{active_loop: my_form}", ""), ["N0503 domain.yml:10"]);
}

#[test]
fn a_form_whose_slots_are_chosen_at_run_time_is_a_warning() {
    let of_size = |found: Vec<String>| found.into_iter().filter(|line| line.ends_with(":17")).collect::<Vec<_>>();
    assert_eq!(of_size(with_form("[asked]", "{active_loop: my_form}", "validate_my_form")), ["W0513 domain.yml:17"]);
    assert_eq!(of_size(with_form("[]", "{active_loop: my_form}", "")), ["W0513 domain.yml:17"]);
}

#[test]
fn what_is_said_of_a_condition_is_true() {
    let label = |condition: &str| {
        let domain = format!(
            "{DOMAIN}forms:\n  f:\n    required_slots: [a]\nslots:\n  a: {{type: any, mappings: [{{type: custom}}]}}\n  b: {{type: any, mappings: [{{type: from_text, conditions: [{condition}]}}]}}\n"
        );
        let found = check(&project(&[("domain.yml", &domain)]).project);
        let error = found.iter().find(|finding| finding.code == "E0509").expect("an error");
        error.annotations[0].label.clone()
    };
    // The form is active: the mapping does fill the slot.
    assert_eq!(label("{active_loop: f}"), "`f` never asks for `b`");
    assert_eq!(label("{active_loop: f, requested_slot: a}"), "`f` never asks for `b`");
    assert!(label("{active_loop: f, requested_slot: b}").contains("can never hold"));
}

#[test]
fn a_retrieval_intent_with_its_key_counts_as_its_base() {
    let domain = DOMAIN.replace("[hi, bye]", "[hi, bye, faq/name]");
    let data = format!("{DATA}- rule: t\n  steps:\n  - intent: faq\n  - action: utter_hi\n");
    let nlu = "nlu:\n- intent: faq/name\n  examples: |\n    - who?\n    - your name?\n";
    let files: [(&str, &str); 3] = [("domain.yml", &domain), ("data/x.yml", &data), ("data/faq.yml", nlu)];
    assert_eq!(found(&files), ["W0514 domain.yml:1"]);
    let domain = project(&files).project.domain;
    assert!(domain.intents["faq"].is_retrieval && !domain.intents.contains_key("faq/name"));
}

#[test]
fn the_domain_is_read_from_domain_files_only() {
    let stale = "intents: [hi, old]\nslots:\n  broken: {type: nonsense}\nresponses:\n  utter_bye:\n  - text: Bye.\n";
    let files = [("data/old.yml", stale)];
    assert_eq!(found(&files), ["W0207 data/old.yml:1", "N0403 data/old.yml:5"]);
    let domain = project(&files).project.domain;
    assert!(!domain.intents.contains_key("old") && !domain.slots.contains_key("broken"));
    assert!(domain.responses.contains_key("utter_bye"), "responses of NLU files count");
    assert!(cure(&files).contains("--domain data/old.yml"));
}

#[test]
fn a_name_with_a_colon_and_nothing_is_known_all_the_same() {
    let domain = DOMAIN.replace("[hi, bye]", "\n- hi:\n- bye");
    assert_eq!(found(&[("domain.yml", &domain)]), ["E0202 domain.yml:2"]);
}

#[test]
fn removed_components_are_named_with_their_successor() {
    for (name, successor) in [
        ("FallbackPolicy", "FallbackClassifier"),
        ("rasa.core.policies.two_stage_fallback.TwoStageFallbackPolicy", "action_two_stage_fallback"),
        ("MappingPolicy", "RulePolicy"),
        ("FormPolicy", "RulePolicy"),
        ("KerasPolicy", "TEDPolicy"),
        ("EmbeddingPolicy", "TEDPolicy"),
    ] {
        let config = format!("{CONFIG}- name: {name}\n");
        assert_eq!(found(&[("config.yml", &config)]), ["E0601 config.yml:8"], "{name}");
        assert!(cure(&[("config.yml", &config)]).contains(successor), "{name}");
    }
}

#[test]
fn a_button_is_shown_where_it_stands() {
    let buttons = "    buttons:\n    - title: A\n      payload: /hi\n    - title: B\n      payload: /hello_there\n    - title: C\n      payload: '/hi{\"size\": 1}'\n";
    assert_eq!(found(&[("domain.yml", &format!("{DOMAIN}{buttons}"))]), ["W0504 domain.yml:9", "W0515 domain.yml:11"]);
}
