//! What is found, and what is not, in projects as people have them.

use sapa_project::{Diagnostic, FileRole, Loaded, ProjectFile, check, load};

const CONFIG: &str = "recipe: default.v1\nassistant_id: a\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\n- name: CountVectorsFeaturizer\n- name: LogisticRegressionClassifier\npolicies:\n- name: RulePolicy\n";
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
        assert_eq!(found(&[("domain.yml", &domain)]), ["N0505 domain.yml:18"]);
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
    assert_eq!(with_form("[asked]", "{active_loop: my_form}", ""), ["N0505 domain.yml:15", "E0509 domain.yml:17"]);
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
        assert_eq!(found(&[("config.yml", &config)]), ["E0601 config.yml:10"], "{name}");
        assert!(cure(&[("config.yml", &config)]).contains(successor), "{name}");
    }
}

#[test]
fn a_button_is_shown_where_it_stands() {
    let buttons = "    buttons:\n    - title: A\n      payload: /hi\n    - title: B\n      payload: /hello_there\n    - title: C\n      payload: '/hi{\"size\": 1}'\n";
    assert_eq!(found(&[("domain.yml", &format!("{DOMAIN}{buttons}"))]), ["W0504 domain.yml:9", "W0515 domain.yml:11"]);
}

#[test]
fn slots_and_actions_that_nothing_uses_are_notes() {
    let domain = format!(
        "{DOMAIN}  utter_bye:\n  - text: 'Bye, {{name}}.'\nslots:\n  name: {{type: any, mappings: [{{type: custom, action: action_name}}]}}\n  idle: {{type: any, mappings: [{{type: custom}}]}}\n  seen: {{type: bool, mappings: [{{type: custom}}]}}\nactions: [action_name, action_idle, validate_x, action_ask_y, utter_bye]\n"
    );
    let data = DATA.replace("- intent: bye\n  - action: utter_hi", "- intent: bye\n  - action: utter_bye");
    let files: [(&str, &str); 2] = [("domain.yml", &domain), ("data/x.yml", &data)];
    assert_eq!(found(&files), ["N0505 domain.yml:9", "N0506 domain.yml:11"]);
}

#[test]
fn a_form_that_asks_for_what_nothing_fills_is_a_warning() {
    let of = |condition: &str, actions: &str| {
        let domain = format!(
            "{DOMAIN}  utter_ask_size:\n  - text: S?\nactions: [{actions}]\nforms:\n  my_form:\n    required_slots: [size]\n  other_form:\n    required_slots: [size]\nslots:\n  size: {{type: any, mappings: [{{type: from_text, conditions: [{{{condition}}}]}}, {{type: from_intent, value: 1, conditions: [{{active_loop: other_form}}]}}]}}\n"
        );
        found(&[("domain.yml", &domain)]).into_iter().filter(|line| line.starts_with("W0516")).collect::<Vec<_>>()
    };
    let unfilled = ["W0516 domain.yml:10"];
    assert_eq!(of("active_loop: other_form", ""), unfilled);
    assert_eq!(of("active_loop: null", ""), unfilled);
    assert_eq!(of("active_loop: my_form, requested_slot: other", ""), unfilled);
    assert_eq!(of("active_loop: other_form", "validate_my_form"), Vec::<String>::new());
    assert_eq!(of("active_loop: other_form", "action_ask_size"), Vec::<String>::new());
    assert_eq!(of("active_loop: my_form, requested_slot: size", ""), Vec::<String>::new());
}

#[test]
fn a_retrieval_intent_without_its_response_is_a_warning() {
    let domain = format!("{DOMAIN}  utter_faq/name:\n  - text: Me.\n");
    let nlu = "nlu:\n- intent: faq/name\n  examples: |\n    - who?\n    - your name?\n- intent: faq/age\n  examples: |\n    - how old?\n    - age?\n";
    let data = format!("{DATA}- rule: t\n  steps:\n  - intent: faq\n  - action: utter_faq\n");
    let files: [(&str, &str); 3] = [("domain.yml", &domain), ("data/x.yml", &data), ("data/faq.yml", nlu)];
    assert_eq!(found(&files), ["W0604 data/faq.yml:4", "W0517 data/faq.yml:8"]);
}

#[test]
fn an_annotation_within_a_word_is_a_warning_where_words_are_learnt() {
    let nlu = "nlu:\n- intent: hi\n  examples: |\n    - hi [Ann](name)\n    - hi An[n](name)\n    - hi [Ann](name)!\n    - hi [A](name)nn\n";
    let domain = format!("entities: [name]\n{DOMAIN}");
    let misaligned = |config: &str| {
        let found = found(&[("config.yml", config), ("domain.yml", &domain), ("data/n.yml", nlu)]);
        found.into_iter().filter(|line| line.starts_with("W0905")).collect::<Vec<_>>()
    };
    let tagging = CONFIG.replace("policies:", "- name: CRFEntityExtractor\npolicies:");
    assert_eq!(misaligned(&tagging), ["W0905 data/n.yml:5", "W0905 data/n.yml:7"]);
    assert_eq!(misaligned(CONFIG), Vec::<String>::new());
    let own_tokens = tagging.replace("WhitespaceTokenizer", "WhitespaceTokenizer\n  token_pattern: '.'");
    assert_eq!(misaligned(&own_tokens), Vec::<String>::new());
}

#[test]
fn a_domain_of_rasa_2_is_named_once() {
    let forms = "forms:\n  f:\n    required_slots:\n      a: [{type: from_text}]\n  g:\n    b: [{type: from_text}]\n";
    let slots = "slots:\n  a: {type: text}\n  b: {type: text}\n";
    let named = |domain: &str| {
        let found = found(&[("domain.yml", domain)]);
        found.into_iter().filter(|line| line.starts_with("E0512")).collect::<Vec<_>>()
    };
    assert_eq!(named(&format!("{DOMAIN}{forms}{slots}")), ["E0512 domain.yml:5"]);
    assert_eq!(named(&format!("{DOMAIN}{slots}")), ["E0512 domain.yml:5"]);
    // A single slot may have been forgotten.
    assert_eq!(named(&format!("{DOMAIN}slots:\n  a: {{type: text}}\n")), Vec::<String>::new());
    let ignored = "forms:\n  f:\n    required_slots: []\n    ignored_intents: [hi]\n";
    assert_eq!(named(&format!("{DOMAIN}{ignored}")), Vec::<String>::new());
}

/// What is said of data that the pipeline has no component for.
fn without_component(pipeline: &[&str], nlu: &str) -> Vec<String> {
    let names: String = pipeline.iter().map(|name| format!("- name: {name}\n")).collect();
    let config =
        format!("recipe: default.v1\nassistant_id: a\nlanguage: en\npipeline:\n{names}policies:\n- name: RulePolicy\n");
    let domain = format!("entities: [city: {{roles: [to]}}, size]\n{DOMAIN}  utter_faq/name:\n  - text: Me.\n");
    let nlu = format!("nlu:\n{nlu}");
    let found = found(&[("config.yml", &config), ("domain.yml", &domain), ("data/z.yml", &nlu)]);
    found.into_iter().filter_map(|line| line.strip_prefix("W0604 ").map(str::to_owned)).collect()
}

#[test]
fn data_that_no_component_uses_is_a_warning() {
    let featurized = ["WhitespaceTokenizer", "CountVectorsFeaturizer"];
    let cases: [(&str, &[&str]); 7] = [
        ("- intent: bye\n  examples: |\n    - to [Rome](city)\n", &["CRFEntityExtractor", "DIETClassifier"]),
        ("- intent: bye\n  examples: |\n    - [Rome]{\"entity\": \"city\", \"role\": \"to\"}\n", &["DIETClassifier"]),
        ("- synonym: Rome\n  examples: |\n    - roma\n", &["EntitySynonymMapper"]),
        ("- regex: zip\n  examples: |\n    - \\d{5}\n", &["RegexFeaturizer", "RegexEntityExtractor"]),
        ("- lookup: city\n  examples: |\n    - Rome\n", &["RegexFeaturizer", "RegexEntityExtractor"]),
        ("- intent: faq/name\n  examples: |\n    - who?\n", &["ResponseSelector"]),
        ("", &[]),
    ];
    for (nlu, components) in cases {
        let with = |more: &[&str]| {
            without_component(&[&featurized[..], &["LogisticRegressionClassifier"], more].concat(), nlu)
        };
        let expected: &[&str] = match nlu {
            "" => &[],
            nlu if nlu.starts_with("- lookup") => &["data/z.yml:2"],
            _ => &["data/z.yml:4"],
        };
        assert_eq!(with(&[]), expected, "{nlu}");
        for component in components {
            assert_eq!(with(&[component]), Vec::<String>::new(), "{nlu} {component}");
        }
        assert_eq!(with(&["my.own.Component"]), Vec::<String>::new(), "what is not known may do anything");
    }
    assert_eq!(without_component(&featurized, ""), ["data/x.yml:4"], "two intents and no classifier");
}

#[test]
fn patterns_find_only_entities_of_their_names() {
    let pipeline =
        ["WhitespaceTokenizer", "CountVectorsFeaturizer", "LogisticRegressionClassifier", "RegexEntityExtractor"];
    let nlu = "- intent: bye\n  examples: |\n    - to [Rome](city)\n    - a [small](size) one\n";
    assert_eq!(without_component(&pipeline, nlu), ["data/z.yml:4"]);
    let lookup = |name: &str| format!("{nlu}- lookup: {name}\n  examples: |\n    - Rome\n");
    assert_eq!(without_component(&pipeline, &lookup("cities")), ["data/z.yml:4"]);
    assert_eq!(without_component(&pipeline, &lookup("city")), Vec::<String>::new());
}

#[test]
fn what_is_listed_as_an_action_and_is_none_is_a_warning() {
    let domain = format!(
        "{DOMAIN}  utter_ask_size:\n  - text: S?\n  utter_faq/name:\n  - text: Me.\nforms:\n  f:\n    required_slots: [size]\nslots:\n  size: {{type: text, mappings: [{{type: from_text}}]}}\nactions:\n- utter_hi\n- utter_nope\n- f\n- action_listen\n- action_restart\n- utter_faq\n"
    );
    let found = found(&[("domain.yml", &domain)]);
    let found: Vec<&String> = found.iter().filter(|line| line.starts_with("W05")).collect();
    assert_eq!(found, ["W0523 domain.yml:16", "W0524 domain.yml:17", "W0525 domain.yml:18"]);
}

#[test]
fn a_section_that_is_not_read_is_told_in_place_of_what_follows() {
    let of = |domain: &str| {
        let found = found(&[("domain.yml", domain)]);
        found.into_iter().filter(|line| !line.starts_with('N')).collect::<Vec<_>>()
    };
    assert_eq!(of(&DOMAIN.replace("intents:", "intent:")), ["W0204 domain.yml:1"]);
    assert_eq!(of(&DOMAIN.replace("responses:", "respones:")), ["E0513 domain.yml:2"]);
    assert_eq!(of(&DOMAIN.replace("responses:", "templates:")), ["E0513 domain.yml:2"]);
    assert_eq!(of(&DOMAIN.replace("[hi, bye]", "{hi: {}, bye: {}}")), ["E0202 domain.yml:1"]);
    let rules = format!("{DATA}- rule: f\n  steps:\n  - intent: bye\n  - action: f\n  - active_loop: f\n");
    let forms = format!("{DOMAIN}forms:\n- f\n");
    let told = found(&[("domain.yml", &forms), ("data/x.yml", &rules)]);
    assert_eq!(told, ["E0202 domain.yml:6"]);
}

#[test]
fn a_slip_of_required_slots_is_the_only_finding() {
    let domain = format!(
        "{DOMAIN}  utter_ask_size:\n  - text: S?\nslots:\n  size: {{type: text, mappings: [{{type: from_entity, entity: size, conditions: [{{active_loop: f}}]}}]}}\nentities: [size]\nforms:\n  f:\n    required_slot:\n    - size\n"
    );
    assert_eq!(found(&[("domain.yml", &domain)]), ["E0506 domain.yml:12"]);
    assert_eq!(cure(&[("domain.yml", &domain)]), "did you mean `required_slots`?");
}

#[test]
fn an_action_that_is_used_as_a_form_belongs_under_forms() {
    let cure = |rule: &str| {
        let data = format!("{DATA}- rule: f\n  steps:\n  - intent: bye\n  {rule}");
        let found = check(&project(&[("data/x.yml", &data)]).project);
        let unknown = found.into_iter().find(|finding| finding.code == "E0401").expect("a finding");
        unknown.help.unwrap_or_default()
    };
    for (rule, words) in [
        ("- action: order\n  - active_loop: order\n", "add `order:` with its `required_slots` to `forms:`"),
        ("- action: order_form\n", "add `order_form:` with its `required_slots` to `forms:`"),
        ("- action: action_send_form\n", "add `- action_send_form` to `actions:`"),
        ("- action: action_hi\n", "add `- action_hi` to `actions:`"),
        ("- action: utter_h\n", "did you mean `utter_hi`? If not, add `utter_h:` to `responses:`"),
    ] {
        assert!(cure(rule).contains(words), "{rule}: {}", cure(rule));
    }
}

#[test]
fn words_for_a_bool_are_told_where_they_stand() {
    let slots = "slots:\n  ok:\n    type: bool\n    initial_value: no\n    mappings:\n    - type: from_intent\n      intent: hi\n      value: yes\n    - {type: from_intent, intent: bye, value: true}\n  word: {type: text, initial_value: yes, mappings: [{type: custom}]}\n";
    let data = format!(
        "{DATA}- rule: b\n  condition:\n  - slot_was_set:\n    - ok: On\n    - ok: \"true\"\n    - word: yes\n  steps:\n  - action: utter_hi\n"
    );
    let condition = "    condition:\n    - {type: slot, name: ok, value: off}\n  - text: Hey.\n";
    let domain = format!("{DOMAIN}{condition}{slots}");
    let found = found(&[("domain.yml", &domain), ("data/x.yml", &data)]);
    let found: Vec<&String> = found.iter().filter(|line| line.starts_with("W0526")).collect();
    assert_eq!(found, ["W0526 data/x.yml:22", "W0526 domain.yml:4", "W0526 domain.yml:11", "W0526 domain.yml:15"]);
}

#[test]
fn a_top_level_key_that_nothing_reads_is_a_note() {
    let notes = |path: &str, text: String| {
        let mut found = found(&[(path, &text)]);
        found.retain(|line| line.starts_with("N0203") || line.starts_with("W0204"));
        found
    };
    assert_eq!(notes("domain.yml", format!("{DOMAIN}zzz: 1\nx-menu: 2\n")), ["N0203 domain.yml:5"]);
    assert_eq!(notes("data/x.yml", format!("aturan: []\n{DATA}")), ["N0203 data/x.yml:1"]);
    assert_eq!(notes("data/x.yml", format!("ruls: []\n{DATA}")), ["W0204 data/x.yml:1"]);
    assert_eq!(notes("data/y.yml", "only: for people\n".to_owned()), Vec::<String>::new());
}

#[test]
fn what_nearly_asks_for_a_slot_is_told_once() {
    let with = |slots: &str, responses: &str| {
        let slot = "{type: text, mappings: [{type: custom}]}";
        let slots_of: String = ["city", "size"].map(|name| format!("  {name}: {slot}\n")).concat();
        let domain = format!(
            "{DOMAIN}{responses}slots:\n{slots_of}forms:\n  my_form:\n    required_slots: [{slots}]\nactions: [validate_my_form]\n"
        );
        let mut found = found(&[("domain.yml", &domain), ("data/x.yml", DATA)]);
        found.retain(|line| line.contains("W0531") || line.contains("N0503"));
        found
    };
    let near = "  utter_ask_ctiy: [{text: Where?}]\n";
    assert_eq!(with("city", near), ["W0531 domain.yml:11"]);
    let domain = format!(
        "{DOMAIN}slots:\n  city: {{type: text, mappings: [{{type: custom}}]}}\nforms:\n  my_form: {{required_slots: [city]}}\nactions: [action_ask_ctiy]\n"
    );
    let loaded = project(&[("domain.yml", &domain), ("data/x.yml", DATA)]);
    let cure = check(&loaded.project).into_iter().find(|d| d.code == "W0531").and_then(|d| d.help);
    assert_eq!(cure.as_deref(), Some("rename `action_ask_ctiy` to `action_ask_city`"));
    // It asks already; nothing is near; what is near asks for another slot.
    assert_eq!(with("city", &format!("{near}  utter_ask_city: [{{text: Where?}}]\n")), Vec::<String>::new());
    assert_eq!(with("size", near), Vec::<String>::new());
    assert_eq!(with("city, size", "  utter_ask_size: [{text: How big?}]\n"), Vec::<String>::new());
}

#[test]
fn brackets_that_annotate_nothing_are_told_where_an_entity_was_meant() {
    let domain = format!("entities: [size]\n{DOMAIN}");
    let told = |example: &str| {
        let nlu = format!("nlu:\n- intent: hi\n  examples: |\n    - {example}\n");
        found(&[("domain.yml", &domain), ("data/n.yml", &nlu)]).iter().any(|line| line == "W0312 data/n.yml:4")
    };
    for broken in ["[big] (size)", "a [big](size", "a [](size) b", "[big]()", "[big]  ( size )", "[a] [big] (size:b)"] {
        assert!(told(broken), "{broken}");
    }
    for broken in ["[big][size]", "(big)[size] x", "[big]{\"entity\": \"size\" x", "[big] {\"entity\": \"size\"}"] {
        assert!(told(broken), "{broken}");
    }
    for sound in [
        "[big](size)",
        "[big][x]",
        "(big)[1]",
        "[a] {b}",
        "(big) [size]",
        "see [here] (http://a.example)",
        "[x] (y)",
        "a [x] b",
        "[] ()",
        "size (big)",
    ] {
        assert!(!told(sound), "{sound}");
    }
    let stories = "stories:\n- story: a\n  steps:\n  - user: a [big] (size)\n  - action: utter_hi\n";
    let found = found(&[("domain.yml", &domain), ("data/s.yml", stories)]);
    assert!(found.iter().any(|line| line == "W0312 data/s.yml:4"), "{found:?}");
}

#[test]
fn a_fallback_that_is_missing_or_too_early_is_a_warning() {
    let of = |pipeline: &[&str]| {
        let names: String = pipeline.iter().map(|name| format!("- name: {name}\n")).collect();
        let config = CONFIG.replace("- name: LogisticRegressionClassifier\n", &names);
        let data = format!("{DATA}- rule: f\n  steps:\n  - intent: nlu_fallback\n  - action: utter_hi\n");
        found(&[("config.yml", &config), ("data/x.yml", &data)])
    };
    let (learns, doubts, keywords) = ("LogisticRegressionClassifier", "FallbackClassifier", "KeywordIntentClassifier");
    assert_eq!(of(&[learns]), ["W0605 data/x.yml:21"]);
    assert_eq!(of(&[learns, doubts]), Vec::<String>::new());
    assert_eq!(of(&[learns, keywords, doubts]), Vec::<String>::new());
    assert_eq!(of(&[learns, doubts, keywords]), ["W0606 config.yml:8"]);
}

#[test]
fn a_channel_that_nearly_has_the_name_of_one_is_a_warning() {
    let of = |channel: &str| found(&[("domain.yml", &format!("{DOMAIN}    channel: {channel}\n  - text: Hey.\n"))]);
    assert_eq!(of("telegrm"), ["W0527 domain.yml:5"]);
    assert_eq!(of("Slack"), ["W0527 domain.yml:5"]);
    assert_eq!(of("telegram"), Vec::<String>::new());
    assert_eq!(of("my_channel"), Vec::<String>::new());
}

#[test]
fn a_form_slot_that_is_left_to_custom_actions_needs_some() {
    let of = |actions: &str| {
        let domain = format!(
            "{DOMAIN}  utter_ask_size:\n  - text: S?\nactions: [{actions}]\nforms:\n  f:\n    required_slots: [size]\nslots:\n  size: {{type: any, mappings: [{{type: custom}}]}}\n"
        );
        found(&[("domain.yml", &domain)]).into_iter().filter(|line| line.starts_with("W0516")).collect::<Vec<_>>()
    };
    assert_eq!(of("utter_hi"), ["W0516 domain.yml:10"]);
    assert_eq!(of("action_find_size"), Vec::<String>::new());
}

#[test]
fn what_is_wrong_in_a_mapping_is_shown_at_its_own_line() {
    let domain = format!(
        "{DOMAIN}slots:\n  size:\n    type: any\n    mappings:\n    - type: from_entity\n      entity: sise\n      intent: ho\n      not_intent: [by]\n      conditions:\n      - active_loop: g\n        requested_slot: siz\n"
    );
    let found = found(&[("domain.yml", &domain)]);
    let found: Vec<&String> = found.iter().filter(|line| !line.starts_with('N')).collect();
    assert_eq!(
        found,
        [
            "W0204 domain.yml:12",
            "W0502 domain.yml:10",
            "W0503 domain.yml:11",
            "W0503 domain.yml:12",
            "E0509 domain.yml:14",
            "E0402 domain.yml:15"
        ]
    );
}
