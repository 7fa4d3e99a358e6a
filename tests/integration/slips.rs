//! Slips that would change what a bot does: each is named, at its line.

use crate::support::Project;

/// A file, what stands in it, what a slip makes of it, and the finding.
const SLIPS: &[(&str, &str, &str, &str)] = &[
    // A dash is forgotten: the action would be lost.
    ("data/rules.yml", "  - action: utter_greet", "    action: utter_greet", "E0406 data/rules.yml"),
    ("data/rules.yml", "  - intent: greet\n", "  - or: []\n  - intent: greet\n", "W0403 data/rules.yml"),
    ("data/rules.yml", "  - intent: greet\n", "  - intnet: greet\n", "E0406 data/rules.yml"),
    ("data/rules.yml", "  - intent: greet\n", "  - intent:greet\n", "E0406 data/rules.yml"),
    ("data/rules.yml", "  - intent: greet\n", "  - intent: greet\n  - bot: hi\n", "E0405 data/rules.yml"),
    ("data/rules.yml", "  steps:\n", "  conditions: [{active_loop: null}]\n  steps:\n", "E0208 data/rules.yml"),
    ("data/rules.yml", "  steps:\n", "  condition:\n  steps:\n", "E0202 data/rules.yml"),
    ("data/nlu.yml", "  examples: |\n", "  exampels: |\n", "E0208 data/nlu.yml"),
    ("data/nlu.yml", "- intent: greet", "- intnt: greet", "E0208 data/nlu.yml"),
    ("domain.yml", "- action_work", "- action_work:\n    send_domian: true", "E0208 domain.yml"),
    ("domain.yml", "entities: [city]", "entities: [city: {rols: [a]}]", "W0204 domain.yml"),
    ("domain.yml", "    required_slots:", "  required_slots:", "E0209 domain.yml"),
    ("domain.yml", "    type: text\n", "    type: text\n    intent: greet\n", "E0209 domain.yml"),
    ("domain.yml", "    buttons:", "    butons:", "E0208 domain.yml"),
    ("domain.yml", "payload: italian", "payload: 5", "E0202 domain.yml"),
    ("domain.yml", "- action_work", "- action_work:\n  send_domain: true", "E0209 domain.yml"),
    (
        "domain.yml",
        "  - text: Hello!",
        "  - text: Hello!\n    condtion: [{type: slot, name: cuisine, value: x}]",
        "E0208 domain.yml",
    ),
    ("config.yml", "- name: RulePolicy", "- name: FlowPolicy", "E0602 config.yml"),
    ("config.yml", "- name: RulePolicy", "", "W0809 data/rules.yml"),
    ("config.yml", "- name: RulePolicy", "- name: RulePolicy\n  core_fallback_threshold: high", "E0901 config.yml"),
    ("config.yml", "- name: RulePolicy", "- name: RulePolicy\n  restrict_rules: \"no\"", "E0901 config.yml"),
    ("config.yml", "- name: MemoizationPolicy", "- name: MemoizationPolicy\n  max_history: -1", "E0901 config.yml"),
    (
        "config.yml",
        "- name: RulePolicy",
        "- name: RulePolicy\n  core_fallback_action_name: utter_defualt",
        "E0401 config.yml",
    ),
    (
        "config.yml",
        "- name: LogisticRegressionClassifier",
        "- name: LogisticRegressionClassifier\n- name: FallbackClassifier\n  treshold: 0.5",
        "W0204 config.yml",
    ),
    (
        "domain.yml",
        "    - type: from_text\n",
        "    - {type: from_entity, entity: }\n    - type: from_text\n",
        "E0203 domain.yml",
    ),
    ("domain.yml", "  - text: Hello!", "  - text: Hello {name!", "W0519 domain.yml"),
    ("domain.yml", "payload: italian", "payload: '/inform{\"city\": rome}'", "W0518 domain.yml"),
    ("domain.yml", "- action_work", "- action_work\n- validate_table_fom", "W0522 domain.yml"),
    ("domain.yml", "- action_work", "- action_work\n- utter_nope", "W0523 domain.yml"),
    ("domain.yml", "- action_work", "- action_work\n- table_form", "W0524 domain.yml"),
    ("domain.yml", "- action_work", "- action_work\n- action_listen", "W0525 domain.yml"),
    ("domain.yml", "    required_slots:", "    required_slot:", "E0506 domain.yml"),
    ("domain.yml", "responses:", "templates:", "E0513 domain.yml"),
    ("domain.yml", "  - text: Done.", "  - text: Done.\n    channel: telegrm\n  - text: Done!", "W0527 domain.yml"),
    ("config.yml", "- name: LogisticRegressionClassifier", "", "W0604 data/nlu.yml"),
    ("data/nlu.yml", "    - hello", "    - to [Rome] (city)", "W0312 data/nlu.yml"),
    ("data/nlu.yml", "    - hello", "    - to [Rome]{\"entity\": \"city\", \"valeu\": 1}", "W0204 data/nlu.yml"),
    ("data/rules.yml", "  - intent: greet", "  - intent: nlu_fallback", "W0605 data/rules.yml"),
    ("data/rules.yml", "  - active_loop: table_form\n", "", "E0805 data/rules.yml"),
];

#[test]
fn each_slip_is_named_where_it_stands() {
    for (path, from, to, finding) in SLIPS {
        let project = Project::tiny();
        project.edit(path, from, to);
        let (code, place) = finding.split_once(' ').expect("a code and a file");
        let told = project.sapa(&["data", "validate", "--format", "json"]);
        let found: serde_json::Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"));
        let found = found.as_array().expect("findings");
        let is_it = |d: &&serde_json::Value| d["code"] == *code && d.to_string().contains(place);
        assert!(found.iter().any(|d| is_it(&d)), "{to:?} is not found as {finding}: {found:#?}");
    }
}

#[test]
fn a_server_of_words_may_have_those_of_a_response_that_is_only_listed() {
    let project = Project::tiny();
    project.edit("domain.yml", "- action_work", "- action_work\n- utter_nope");
    let is_told = || project.sapa(&["data", "validate"]).err.contains("W0523");
    assert!(is_told());
    project.write("endpoints.yml", "nlg:\n  url: http://localhost:5056/nlg\n");
    assert!(!is_told());
}

#[test]
fn every_wrong_option_is_told_at_once_before_anything_is_learnt() {
    let project = Project::tiny();
    let options =
        "- name: LogisticRegressionClassifier\n  max_iter: x\n  tol: y\n- name: FallbackClassifier\n  threshold: high";
    project.edit("config.yml", "- name: LogisticRegressionClassifier", options);
    for command in [&["data", "validate"][..], &["train"]] {
        let told = project.sapa(command);
        assert_eq!((told.code, told.err.matches("error[E0901]").count()), (Some(1), 3), "{told:?}");
    }
}

#[test]
fn findings_name_files_as_they_are_seen_from_the_current_folder() {
    let project = Project::tiny();
    project.edit("data/rules.yml", "action: utter_greet", "action: utter_gret");
    let folder = project.path("").file_name().expect("a name").to_string_lossy().into_owned();
    let mut command = project.command(&["data", "validate"]);
    let file = |name: &str| format!("{folder}/{name}");
    command.current_dir(project.path("").parent().expect("a folder above"));
    command.args(["-c", &file("config.yml"), "-d", &file("domain.yml"), "--data", &file("data")]);
    let told = command.output().expect("the program");
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains(&format!("--> {folder}/data/rules.yml:")), "{told}");
}

#[test]
fn an_unchanged_model_stands_under_the_name_that_is_asked_for() {
    let project = Project::tiny().trained();
    let again = project.sapa(&["train", "--fixed-model-name", "prod"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(project.path("models/prod.sapa").exists() && again.out.contains("prod.sapa"), "{again:?}");
    for name in ["", ".", "a/b"] {
        assert_ne!(project.sapa(&["train", "--fixed-model-name", name]).code, Some(0), "{name:?}");
    }
}

#[test]
fn nothing_tested_is_nothing_passed() {
    let project = Project::tiny().trained();
    project.write("tests/test_a.yml", "rules:\n- rule: a\n  steps:\n  - intent: greet\n  - action: utter_greet\n");
    let told = project.sapa(&["test", "core", "--e2e", "--fail-on-prediction-errors"]);
    assert!(told.code == Some(1) && told.out.contains("no test stories"), "{told:?}");
    assert!(!told.out.contains("0 of 0"), "{told:?}");
}

#[test]
fn files_in_the_way_are_not_written_over() {
    let project = Project::tiny();
    let domain = std::fs::read(project.path("domain.yml")).expect("the domain");
    let converted = project.sapa(&["data", "convert", "nlu", "--data", "data", "-f", "yaml", "--out", "domain.yml"]);
    assert!(converted.code == Some(1) && converted.err.contains("exists already"), "{converted:?}");
    assert_eq!(std::fs::read(project.path("domain.yml")).expect("the domain"), domain);
    let split = project.sapa(&["data", "split", "nlu", "-u", "data", "--out", "data/parts"]);
    assert!(split.code == Some(1) && split.err.contains("training data"), "{split:?}");
}
