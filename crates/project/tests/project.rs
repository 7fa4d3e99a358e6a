//! Whole projects, sound and broken, through the public interface.

use sapa_project::domain::{MappingKind, SlotType};
use sapa_project::{
    Diagnostic, FileRole, Loaded, ProjectFile, Severity, StepKind, StoryKind, check, load, load_test_stories,
    render_text,
};
use serde_json::json;

const CONFIG: &str = "recipe: default.v1\nassistant_id: a\nlanguage: id\npipeline:\n- name: WhitespaceTokenizer\npolicies:\n- name: RulePolicy\n";
const DOMAIN: &str = "version: \"3.1\"\nintents: [salam]\nresponses:\n  utter_salam:\n  - text: Halo\n";

fn file(path: &str, text: impl Into<Vec<u8>>, role: FileRole) -> ProjectFile {
    ProjectFile { path: path.to_owned(), bytes: text.into(), role }
}

fn load_with(config: &str, domain: &str, data: &str) -> Loaded {
    load(
        vec![
            file("config.yml", config, FileRole::Config),
            file("data/d.yml", data, FileRole::Data),
            file("domain.yml", domain, FileRole::Domain),
        ],
        &|_| None,
    )
}

/// `code path:line message` of every finding.
fn lines(loaded: &Loaded) -> Vec<String> {
    let place = |diagnostic: &Diagnostic| {
        diagnostic
            .annotations
            .first()
            .map(|annotation| loaded.project.sources.place(annotation.span))
            .unwrap_or_default()
    };
    loaded
        .diagnostics
        .iter()
        .map(|diagnostic| format!("{} {} {}", diagnostic.code, place(diagnostic), diagnostic.message))
        .collect()
}

/// `code:line` of every finding in the data file.
fn data_findings(data: &str) -> Vec<String> {
    brief(&load_with(CONFIG, DOMAIN, data))
}

fn domain_findings(domain: &str) -> Vec<String> {
    brief(&load_with(CONFIG, domain, "nlu: []\n"))
}

fn config_findings(config: &str) -> Vec<String> {
    brief(&load_with(config, DOMAIN, "nlu: []\n"))
}

fn brief(loaded: &Loaded) -> Vec<String> {
    let line = |diagnostic: &Diagnostic| {
        diagnostic.annotations.first().map_or(0, |annotation| loaded.project.sources.line_column(annotation.span).0)
    };
    loaded.diagnostics.iter().map(|diagnostic| format!("{}:{}", diagnostic.code, line(diagnostic))).collect()
}

#[test]
fn the_order_in_which_files_are_given_does_not_matter() {
    let files = || {
        vec![
            file("config.yml", CONFIG, FileRole::Config),
            file("data/b.yml", "nlu:\n- intent: salam\n  examples: |\n    - b\n", FileRole::Data),
            file("data/a.yml", "nlu:\n- intent: salam\n  examples: |\n    - a\n", FileRole::Data),
            file("domain.yml", DOMAIN, FileRole::Domain),
        ]
    };
    let forward = load(files(), &|_| None);
    let backward = load(files().into_iter().rev().collect(), &|_| None);
    let texts =
        |loaded: &Loaded| loaded.project.nlu.examples.iter().map(|example| example.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&forward), ["a", "b"]);
    assert_eq!((texts(&forward), forward.project.domain.clone()), (texts(&backward), backward.project.domain.clone()));
}

#[test]
fn one_data_file_may_hold_everything() {
    let data = "version: \"3.1\"\nnlu:\n- intent: faq/jam\n  examples: |\n    - jam buka?\nstories:\n- story: s\n  steps:\n  - intent: faq\n  - action: utter_faq\nrules:\n- rule: r\n  steps:\n  - intent: salam\n  - action: utter_salam\nresponses:\n  utter_faq/jam:\n  - text: Pukul 08.00\n  utter_salam:\n  - text: Halo lagi\nentities: [kota]\n";
    let loaded = load_with(CONFIG, DOMAIN, data);
    assert_eq!(brief(&loaded), ["W0501:19", "W0207:21"]);
    let project = &loaded.project;
    assert_eq!(project.stories.len(), 2);
    assert!(project.domain.intents["faq"].is_retrieval && !project.domain.entities.contains_key("kota"));
    assert_eq!(project.domain.responses["utter_salam"][0].content["text"], "Halo lagi");
    assert!(project.domain.has_action("utter_faq") && project.domain.has_action("utter_faq/jam"));
    assert!(check(project).iter().all(|diagnostic| diagnostic.severity != Severity::Error), "{:?}", check(project));
}

#[test]
fn nlu_items_of_every_kind_are_read_with_exact_spans() {
    let data = "nlu:\n- intent: salam\n  metadata: {a: 1}\n  examples: |\n    - é halo [Solo](kota:Surakarta)  \n- intent: salam\n  examples:\n  - text: |\n      hai\n    metadata: {b: 2}\n- synonym: Nomor Induk\n  examples: |\n    - NIP\n- regex: nip\n  examples: |\n    - \\d{18}\n- lookup: kota\n  examples: |\n    - Kudus\n- lookup: kota\n  examples: |\n    - Demak\n";
    let loaded = load_with(CONFIG, DOMAIN, data);
    assert_eq!(brief(&loaded), Vec::<String>::new());
    let nlu = &loaded.project.nlu;
    let covered = |span: sapa_project::Span| &data[span.start..span.end];
    assert_eq!(
        (nlu.examples[0].text.as_str(), covered(nlu.examples[0].span)),
        ("é halo Solo", "é halo [Solo](kota:Surakarta)")
    );
    assert_eq!((nlu.examples[0].entities[0].start, nlu.examples[0].entities[0].end), (7, 11));
    assert_eq!(json!(nlu.examples[0].metadata), json!({"intent": {"a": 1}}));
    assert_eq!((nlu.examples[1].text.as_str(), covered(nlu.examples[1].span)), ("hai", "hai"));
    assert_eq!(json!(nlu.examples[1].metadata), json!({"example": {"b": 2}}));
    let synonyms: Vec<(&str, &str)> =
        nlu.synonyms.iter().map(|synonym| (synonym.text.as_str(), synonym.value.as_str())).collect();
    assert_eq!(synonyms, [("Solo", "Surakarta"), ("NIP", "Nomor Induk")]);
    assert_eq!((nlu.regexes[0].pattern.as_str(), covered(nlu.regexes[0].span)), (r"\d{18}", r"\d{18}"));
    assert_eq!(nlu.lookups.len(), 1);
    assert_eq!(nlu.lookups[0].elements, ["Kudus", "Demak"]);
}

#[test]
fn broken_nlu_items_are_each_reported_and_the_rest_is_read() {
    let data = "nlu:\n- intent: salam\n  examples: |\n    - halo\n    tanpa tanda\n    - [x]{\"entity\"}\n- intent:\n  examples: |\n    - a\n- intents: salam\n- intent: a/b/c\n  examples: |\n    - x\n- intent: kosong\n- synonym: s\n  examples:\n  - a\n- 5\n- intent: 7\n  examples: |\n    - x\n- intent: salam\n  examples:\n  - polos\n- intent: salam\n  exampels: |\n    - x\n- intent: salam\n  examples: |\n    -\n    - terakhir\n";
    let loaded = load_with(CONFIG, DOMAIN, data);
    assert_eq!(
        brief(&loaded),
        [
            "W0301:5", "E0301:6", "W0303:7", "E0208:10", "E0302:11", "W0302:14", "E0202:17", "E0202:18", "E0202:19",
            "E0202:24", "E0208:26", "W0310:30"
        ]
    );
    let texts: Vec<&str> = loaded.project.nlu.examples.iter().map(|example| example.text.as_str()).collect();
    assert_eq!(texts, ["halo", "x", "polos", "terakhir"]);
}

#[test]
fn stories_and_rules_are_read_as_written() {
    let data = "stories:\n- story: s\n  steps:\n  - checkpoint: awal\n    slot_was_set: [{nama: Ann}]\n  - intent: /salam\n    entities:\n    - kota\n    - kota: Roma\n      role: ke\n      group: \"1\"\n  - or:\n    - intent: salam\n    - slot_was_set: [{a: true}, b]\n  - slot_was_set: [{kota: null}, nama]\n  - active_loop: null\n  - user: \"ke [Solo](kota)\"\n  - bot: Halo!\n  - metadata: x\nrules:\n- rule: r\n  condition: [{active_loop: f}]\n  conversation_start: true\n  wait_for_user_input: false\n  steps:\n  - intent: salam\n  - action: utter_salam\n";
    let loaded = load_with(CONFIG, DOMAIN, data);
    assert_eq!(brief(&loaded), ["W0405:6"]);
    let story = &loaded.project.stories[0];
    assert_eq!(story.steps.len(), 7);
    let StepKind::User(user) = &story.steps[1].kind else { panic!("a user turn") };
    assert_eq!(user.intent.as_deref(), Some("salam"));
    assert_eq!(
        (user.entities[0].value.clone(), user.entities[1].role.as_deref(), user.entities[1].group.as_deref()),
        (json!(""), Some("ke"), Some("1"))
    );
    let StepKind::Or(alternatives) = &story.steps[2].kind else { panic!("an or step") };
    assert_eq!(alternatives.len(), 3);
    let StepKind::SlotWasSet(slots) = &story.steps[3].kind else { panic!("slots") };
    assert_eq!((slots[0].value.clone(), slots[1].value.clone()), (Some(json!(null)), None));
    assert_eq!(story.steps[4].kind, StepKind::ActiveLoop(None));
    let StepKind::User(end_to_end) = &story.steps[5].kind else { panic!("a user turn") };
    assert_eq!(
        (end_to_end.intent.as_deref(), end_to_end.text.as_deref(), end_to_end.entities[0].range),
        (None, Some("ke Solo"), Some((3, 7)))
    );
    assert_eq!(loaded.project.domain.e2e_actions, ["Halo!"]);
    let rule = &loaded.project.stories[1];
    assert!(
        matches!(&rule.kind, StoryKind::Rule { condition, conversation_start: true, wait_for_user_input: false } if condition.len() == 1)
    );
}

#[test]
fn broken_steps_are_each_reported_and_the_rest_is_read() {
    let data = "stories:\n- story: s\n  steps:\n  - utter_salam\n  - actoin: utter_salam\n  - intent: faq/jam\n  - or:\n    - action: x\n  - slot_was_set: {a: 1}\n  - action: 5\n  - action: utter_salam\n- steps: []\n- story: tanpa langkah\nrules:\n- rule: r\n  conversation_started: yes\n  wait_for_user_input: yes\n  condition:\n  - intent: salam\n  steps:\n  - checkpoint: c\n- rule: t\n  steps: teks\n";
    let loaded = load_with(CONFIG, DOMAIN, data);
    assert_eq!(
        brief(&loaded),
        [
            "E0406:4", "E0406:5", "W0406:6", "W0407:8", "E0202:9", "E0202:10", "E0203:12", "W0404:13", "E0208:16",
            "E0202:17", "E0405:19", "E0405:21", "E0202:23"
        ]
    );
    let last = loaded.project.stories[0].steps.last().map(|step| step.kind.clone());
    assert_eq!(last, Some(StepKind::Action("utter_salam".to_owned())));
}

#[test]
fn the_domain_is_read_with_all_slot_types_and_implicit_slots() {
    let domain = "intents:\n- tanya:\n    use_entities: [kota]\n- salam:\n    ignore_entities: [nip]\nentities:\n- kota:\n    roles: [asal]\n- nip\n- diam:\n    influence_conversation: false\nslots:\n  a: {type: categorical, values: [Ya, No, null, 1], mappings: [{type: from_intent, value: x, intent: tanya, not_intent: [salam]}]}\n  b: {type: float, min_value: 1, max_value: 5, mappings: [{type: from_text}], initial_value: 2}\n  c: {type: any, mappings: [{type: custom, action: action_x}]}\nforms:\n  f: {required_slots: [a]}\n  g: [b]\n  h: []\nactions:\n- action_x: {send_domain: true}\n- action_listen\nresponses:\n  utter_b:\n  - text: x\n    channel: telegram\n    condition: [{type: slot, name: a, value: ya}]\n  utter_a:\n  - custom: {k: v}\nsession_config:\n  session_expiration_time: 0\n  carry_over_slots_to_new_session: false\n";
    let loaded = load_with(CONFIG, domain, "nlu: []\n");
    assert_eq!(lines(&loaded), ["W0204 domain.yml:13 `not_intent` has no effect beside `intent`"]);
    let domain = &loaded.project.domain;
    let used = |intent: &str| domain.intents[intent].used_entities.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(used("tanya"), ["kota", "kota#asal"]);
    assert_eq!(used("salam"), ["kota", "kota#asal"]);
    assert_eq!(used("nlu_fallback"), ["kota", "kota#asal", "nip"]);
    assert_eq!(
        domain.slots["a"].slot_type,
        SlotType::Categorical { values: vec!["ya".into(), "no".into(), "1".into()] }
    );
    assert_eq!(domain.slots["a"].mappings[0].not_intent, ["salam"]);
    assert_eq!(domain.slots["b"].slot_type, SlotType::Float { min_value: 1.0, max_value: 5.0 });
    assert!(!domain.slots["c"].influence_conversation);
    assert_eq!(domain.slots["c"].mappings[0].kind, MappingKind::Custom { action: Some("action_x".into()) });
    assert_eq!(domain.slots.keys().collect::<Vec<_>>(), ["a", "b", "c", "requested_slot", "session_started_metadata"]);
    assert!(domain.slots["requested_slot"].is_implicit);
    assert_eq!((domain.forms["g"].required_slots.len(), domain.forms["h"].required_slots.len()), (1, 0));
    assert_eq!(domain.responses["utter_b"][0].channel.as_deref(), Some("telegram"));
    assert_eq!(json!(domain.responses["utter_b"][0].content), json!({"text": "x"}));
    assert_eq!(domain.responses["utter_b"][0].condition_json, json!([{"type": "slot", "name": "a", "value": "ya"}]));
    assert_eq!(domain.action_names[13..], ["action_x", "utter_a", "utter_b", "f", "g", "h"]);
    assert_eq!(domain.session_config.session_expiration_time, 0.0);
}

#[test]
fn raw_has_the_version_first_intents_sorted_and_the_rest_as_written() {
    let domain = "intents: [b, a, {c: {use_entities: []}}]\nversion: '3.1'\nentities: [z, y]\nslots:\n  s: {type: text, influence_conversation: false, mappings: [{type: custom}]}\nresponses:\n  utter_x:\n  - text: x\nsession_config:\n  session_expiration_time: 60\n";
    let loaded = load_with(CONFIG, domain, "nlu: []\n");
    let raw = serde_json::to_string(&loaded.project.domain.raw).expect("JSON");
    assert_eq!(
        raw,
        r#"{"version":"3.1","intents":["a","b",{"c":{"use_entities":[]}}],"entities":["z","y"],"slots":{"s":{"type":"text","influence_conversation":false,"mappings":[{"type":"custom"}]}},"responses":{"utter_x":[{"text":"x"}]},"session_config":{"session_expiration_time":60}}"#
    );
}

#[test]
fn a_domain_may_be_split_and_the_earlier_file_wins() {
    let loaded = load(
        vec![
            file("config.yml", CONFIG, FileRole::Config),
            file(
                "domain/b.yml",
                "intents: [salam, b]\nresponses:\n  utter_x:\n  - text: b\nsession_config: {session_expiration_time: 5}\n",
                FileRole::Domain,
            ),
            file("domain/a.yml", "intents: [salam]\nresponses:\n  utter_x:\n  - text: a\n", FileRole::Domain),
        ],
        &|_| None,
    );
    assert_eq!(
        lines(&loaded),
        [
            "W0501 domain/b.yml:1 the intent `salam` stands in two domain files; the first one counts",
            "W0501 domain/b.yml:3 the response `utter_x` stands in two domain files; the first one counts"
        ]
    );
    let domain = &loaded.project.domain;
    assert_eq!(
        (domain.responses["utter_x"][0].content["text"].as_str(), domain.session_config.session_expiration_time),
        (Some("a"), 5.0)
    );
    assert!(domain.intents.contains_key("b"));
    assert_eq!(domain.raw["actions"], json!([]));
}

#[test]
fn raw_has_a_session_configuration_where_none_is_written() {
    let loaded = load_with(CONFIG, "intents: [a]\n", "nlu: []\n");
    let expected = json!({"session_expiration_time": 60, "carry_over_slots_to_new_session": true});
    assert_eq!(loaded.project.domain.raw["session_config"], expected);
}

#[test]
fn broken_domains_are_reported_at_every_level() {
    assert_eq!(domain_findings("intents: salam\n"), ["E0202:1"]);
    assert_eq!(
        domain_findings("intents:\n- salam:\n- 5\n- x\n- x\n- y: {triggers: a}\n- p/q\n"),
        ["E0202:2", "E0202:3", "E0502:5", "E0507:6", "W0514:7"]
    );
    assert_eq!(domain_findings("intents: [a]\nslots:\n- a\nforms: [f]\n"), ["E0202:3", "E0202:4"]);
    let slots = "slots:\n  a: {type: txt, mappings: [{type: custom}]}\n  b: {type: text}\n  c: {mappings: []}\n  d: {type: any, influence_conversation: true, mappings: [{type: custom}]}\n  e: {type: float, min_value: 2, mappings: [{type: custom}]}\n  f: {type: text, mappings: [{type: from_enttiy}, {type: from_entity}, {type: from_intent}, 5]}\n  g: {type: my.Slot, mappings: [{type: custom}]}\n  h:\n";
    assert_eq!(
        domain_findings(slots),
        [
            "E0503:2", "E0503:3", "E0203:4", "E0503:5", "E0503:6", "E0504:7", "E0203:7", "E0203:7", "E0202:7",
            "E0503:8", "E0202:9"
        ]
    );
    let responses = "responses:\n  utter_a: teks\n  utter_b:\n  - teks\n  utter_c:\n  - image: x\n  utter_d:\n  - text: 5\n  utter_e: []\n  utter_f:\n  - text: x\n    buttons: [{title: a}]\n    condition: [{type: x}]\n  salah:\n  - text: x\n";
    assert_eq!(
        domain_findings(responses),
        ["E0202:2", "E0202:4", "E0505:6", "E0202:8", "W0532:9", "W0509:12", "E0505:13", "W0511:14"]
    );
    assert_eq!(
        domain_findings("forms:\n  f: {ignored_intents: a}\n  '1': {}\n  g:\n    required_slots:\n      a: [x]\n"),
        ["E0506:2", "E0506:3", "E0506:6"]
    );
    assert_eq!(
        domain_findings(
            "intents: [a]\nsession_config: {session_expiration_time: -1, carry_over_slots_to_new_session: yes}\n"
        ),
        ["E0206:2", "E0202:2"]
    );
    assert_eq!(domain_findings(""), ["E0501:1"]);
}

#[test]
fn the_config_is_read_and_rasas_defaults_fill_what_is_empty() {
    let loaded = load_with(
        "recipe: default.v1\nassistant_id: placeholder_default\nlanguage: en\npipeline:\npolicies:\n",
        DOMAIN,
        "nlu: []\n",
    );
    assert_eq!(brief(&loaded), ["N0601:2", "N0603:4", "N0603:5"]);
    let config = &loaded.project.config;
    assert!(config.pipeline_is_default && config.policies_is_default);
    let names: Vec<&str> = config.pipeline.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names[..3], ["WhitespaceTokenizer", "RegexFeaturizer", "LexicalSyntacticFeaturizer"]);
    assert_eq!((config.pipeline.len(), config.policies.len()), (9, 4));
    assert_eq!(config.pipeline[4].options["max_ngram"], 4);
}

#[test]
fn components_are_known_near_refused_or_served_by_a_stand_in() {
    let config = "recipe: default.v1\nassistant_id: a\nlanguage: id\npipeline:\n- name: rasa.nlu.tokenizers.whitespace_tokenizer.WhitespaceTokenizer\n- name: CountVectorsFeaturiser\n- name: my.module.Thing\n- name: SpacyNLP\n- name: RulePolicy\n- RegexFeaturizer\n- name: RegexFeaturizer\n- name: DIETClassifier\n  epochs: 5\n- name: WhitespaceTokenizer\npolicies:\n- name: MemoizationPolicy\n- name: AugmentedMemoizationPolicy\n- {}\n";
    let loaded = load_with(config, DOMAIN, "nlu: []\n");
    assert_eq!(
        brief(&loaded),
        ["E0601:6", "E0602:7", "E0602:8", "E0604:9", "E0202:10", "N0602:12", "E0603:14", "W0602:17", "E0203:18"]
    );
    assert_eq!(loaded.diagnostics[0].help.as_deref(), Some("did you mean `CountVectorsFeaturizer`?"));
    assert_eq!(loaded.project.config.pipeline[0].name, "WhitespaceTokenizer");
    assert!(loaded.project.config.pipeline.iter().any(|component| component.options.get("epochs") == Some(&json!(5))));
}

#[test]
fn broken_configs_are_reported() {
    assert_eq!(config_findings("pipeline: []\npolicies: []\n"), ["E0605:1", "N0601:1", "W0601:1"]);
    let rest = "assistant_id: a\nlanguage: id\npolicies: []\n";
    assert_eq!(
        config_findings(&format!(
            "recipe: graph.v1\n{rest}pipeline: teks\nimporters: [{{name: my.Importer}}]\nlanguge: x\n"
        )),
        ["E0606:1", "E0202:5", "E0602:6", "W0204:7"]
    );
    assert_eq!(
        config_findings(&format!(
            "recipe: default.v1\n{rest}pipeline:\n- name: FallbackClassifier\n- name: RegexFeaturizer\n"
        )),
        ["E0607:6", "E0607:7"]
    );
    assert_eq!(config_findings(&CONFIG.replace("language: id", "language: ja")), ["E0602:5"]);
}

#[test]
fn versions_warn_and_only_a_greater_one_skips_the_file() {
    let data = |version: &str| format!("version: {version}\nnlu:\n- intent: salam\n  examples: |\n    - a\n");
    for (version, code, examples) in [
        ("\"3.1\"", None, 1),
        ("3.1", Some("W0202:1"), 1),
        ("\"3.0\"", Some("W0203:1"), 1),
        ("\"x\"", Some("W0202:1"), 1),
        ("\"3.10\"", Some("W0201:1"), 0),
    ] {
        let loaded = load_with(CONFIG, DOMAIN, &data(version));
        assert_eq!(brief(&loaded), code.into_iter().map(str::to_owned).collect::<Vec<_>>(), "{version}");
        assert_eq!(loaded.project.nlu.examples.len(), examples, "{version}");
    }
}

#[test]
fn a_story_without_steps_is_skipped_with_a_warning() {
    for steps in ["", "  steps:\n", "  steps: []\n"] {
        let loaded = load_with(CONFIG, DOMAIN, &format!("stories:\n- story: s\n{steps}"));
        assert_eq!((brief(&loaded), loaded.project.stories.len()), (vec!["W0404:2".to_owned()], 0), "{steps}");
    }
}

#[test]
fn a_configuration_or_domain_of_a_greater_version_is_an_error() {
    let version = "version: \"4.0\"\n";
    let of_config = load_with(&format!("{version}{CONFIG}"), DOMAIN, "nlu: []\n");
    assert_eq!(
        lines(&of_config)[0],
        "E0207 config.yml:1 the version of `config.yml` is greater than 3.1; the whole file is skipped"
    );
    let of_domain = load_with(CONFIG, &DOMAIN.replace("version: \"3.1\"\n", version), "nlu: []\n");
    assert_eq!(brief(&of_domain), ["E0207:1"]);
}

#[test]
fn broken_files_do_not_hide_the_problems_of_others() {
    let loaded = load(
        vec![
            file("a.yml", b"nlu:\n- intent: \xff\n".as_slice(), FileRole::Data),
            file("b.yml", "nlu:\n\t- x\n", FileRole::Data),
            file("c.yml", "- a\n", FileRole::Data),
            file("d.yml", "{{ helm }}: [\n", FileRole::Data),
            file("e.yml", "", FileRole::Data),
            file("f.yml", "stories:\n- story: s\n  steps:\n  - x: y\n", FileRole::Data),
            file("g.json", r#"{"luis_schema_version": "5"}"#, FileRole::Data),
            file("h.yml", "nlu: teks\nstories: {}\n", FileRole::Data),
        ],
        &|_| None,
    );
    let found: Vec<String> =
        lines(&loaded).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        found,
        [
            "E0204 ",
            "E0204 ",
            "E0101 a.yml:2",
            "E0103 b.yml:2",
            "N0202 c.yml:1",
            "W0205 d.yml:1",
            "N0202 e.yml:1",
            "E0406 f.yml:4",
            "W0302 g.json:1",
            "E0202 h.yml:1",
            "E0202 h.yml:2"
        ]
    );
    assert!(render_text(&loaded.diagnostics, &loaded.project.sources, false).contains("a.yml:2:11"));
}

#[test]
fn rasas_older_json_format_is_read() {
    let data = r#"{"rasa_nlu_data": {"common_examples": [{"text": "ke Solo", "intent": "salam", "entities": [{"start": 3, "end": 7, "value": "Solo", "entity": "kota"}]}, {"text": "x", "intent": "salam", "entities": [{"start": 3, "end": 99, "entity": "kota"}]}], "regex_features": [{"name": "r", "pattern": "a+"}], "lookup_tables": [{"name": "l", "elements": ["x"]}], "entity_synonyms": [{"value": "A", "synonyms": ["a"]}]}}"#;
    let loaded = load_with(CONFIG, DOMAIN, data);
    assert_eq!(brief(&loaded), ["E0301:1"]);
    let nlu = &loaded.project.nlu;
    assert_eq!((nlu.examples.len(), nlu.regexes.len(), nlu.lookups.len(), nlu.synonyms.len()), (2, 1, 1, 1));
    assert_eq!(nlu.examples[0].entities[0].value, "Solo");
}

#[test]
fn json_may_have_tabs_where_yaml_may_not() {
    let entity = "{\n\t\"start\":\t0,\t\"end\"\t:\t1,\n\t\"entity\":\t\"kota\"\t}";
    let example = format!("{{\"text\": \"a\\tb\", \"intent\": \"salam\", \"entities\": [{entity}]}}");
    let data = format!("{{\n\t\"rasa_nlu_data\":\t{{\n\t\"common_examples\": [\n\t\t{example}\n\t]\n\t}}\n}}\n");
    let loaded = load(vec![file("data/a.json", data, FileRole::Data)], &|_| None);
    let texts: Vec<&str> = loaded.project.nlu.examples.iter().map(|example| example.text.as_str()).collect();
    assert_eq!(texts, ["a\tb"], "{:?}", lines(&loaded));
}

#[test]
fn variables_are_replaced_in_every_file() {
    let loaded = load(
        vec![
            file("config.yml", CONFIG.replace("language: id", "language: ${LANG_CODE}"), FileRole::Config),
            file("domain.yml", DOMAIN, FileRole::Domain),
        ],
        &|name| (name == "LANG_CODE").then(|| "id".to_owned()),
    );
    assert_eq!(loaded.project.config.language.as_deref(), Some("id"));
}

#[test]
fn test_stories_keep_texts_and_full_retrieval_names() {
    let domain = load_with(CONFIG, DOMAIN, "nlu:\n- intent: faq/jam\n  examples: |\n    - x\n").project.domain;
    let text = "stories:\n- story: t\n  steps:\n  - user: |\n      ke [Solo]{\"entity\": \"kota\", \"role\": \"ke\"}\n    intent: faq/jam\n  - action: utter_fqa\n  - user: '/salam{\"kota\": \"x\"}'\n    intent: salam\n";
    let (sources, stories, out) =
        load_test_stories(vec![file("tests/test_a.yml", text, FileRole::Data)], &|_| None, &domain);
    let found: Vec<String> = out
        .iter()
        .map(|diagnostic| format!("{} {}", diagnostic.code, sources.place(diagnostic.annotations[0].span)))
        .collect();
    assert_eq!(found, ["W0402 tests/test_a.yml:5", "E0401 tests/test_a.yml:7", "W0402 tests/test_a.yml:8"]);
    let StepKind::User(user) = &stories[0].steps[0].kind else { panic!("a user turn") };
    assert_eq!(
        (user.intent.as_deref(), user.full_intent.as_deref(), user.text.as_deref()),
        (Some("faq"), Some("faq/jam"), Some("ke Solo"))
    );
    assert_eq!(user.entities[0].role.as_deref(), Some("ke"));
    let StepKind::User(payload) = &stories[0].steps[2].kind else { panic!("a user turn") };
    assert_eq!((payload.entities[0].entity.as_str(), payload.entities[0].value.clone()), ("kota", json!("x")));
}

#[test]
fn ten_thousand_examples_load() {
    let mut data = "nlu:\n".to_owned();
    for intent in 0..50 {
        data.push_str(&format!("- intent: niat_{intent}\n  examples: |\n"));
        for example in 0..200 {
            data.push_str(&format!("    - contoh é nomor {example} untuk [kota {intent}](kota) yang agak panjang\n"));
        }
    }
    let loaded = load_with(CONFIG, DOMAIN, &data);
    assert_eq!(loaded.project.nlu.examples.len(), 10_000);
}

#[test]
fn data_findings_name_the_line() {
    assert_eq!(data_findings("nlu:\n- intent: salam\n  intent: tanya\n  examples: |\n    - a\n"), ["E0104:3"]);
    assert_eq!(data_findings("nlus: []\n"), ["N0202:1", "W0204:1"]);
}

#[test]
fn a_domain_that_cannot_be_read_does_not_make_every_name_unknown() {
    let data = "stories:\n- story: s\n  steps:\n  - intent: salam\n  - action: utter_salam\n";
    let loaded = load_with(CONFIG, "intents: [\n", data);
    assert_eq!(brief(&loaded).len(), 1, "{:?}", lines(&loaded));
    assert_eq!(check(&loaded.project), []);
    let broken_slot = "intents: [salam]\nresponses:\n  utter_salam:\n  - text: x\nslots:\n  a: {type: txt}\n";
    let loaded = load_with(CONFIG, broken_slot, &format!("{data}  - slot_was_set: [{{a: 1}}]\n"));
    assert!(check(&loaded.project).iter().all(|diagnostic| diagnostic.severity == Severity::Note));
}

#[test]
fn keys_of_a_mapping_that_change_nothing_are_told() {
    let domain = |mapping: &str| {
        format!("{DOMAIN}entities: [kota]\nslots:\n  a:\n    type: text\n    mappings:\n    - {mapping}\n")
    };
    for (mapping, expected) in [
        ("{type: from_entity, entity: kota, role: asal, intent: salam}", vec![]),
        ("{type: from_entity, entity: kota, value: x}", vec!["W0204:11"]),
        ("{type: from_text, entity: kota}", vec!["W0204:11"]),
        ("{type: from_text, value: null}", vec![]),
        ("{type: from_intent, intent: salam, value: x, role: asal}", vec!["W0204:11"]),
        ("{type: from_text, intent: salam, not_intent: [lain]}", vec!["W0204:11"]),
        ("{type: custom, action: action_a, value: 1}", vec!["W0204:11"]),
    ] {
        let found: Vec<String> = domain_findings(&domain(mapping)).into_iter().filter(|f| f.starts_with('W')).collect();
        assert_eq!(found, expected, "{mapping}");
    }
}

#[test]
fn session_settings_that_differ_between_files_are_told() {
    let findings_of = |minutes: u32, second: &str| {
        let first = format!("{DOMAIN}session_config:\n  session_expiration_time: {minutes}\n");
        let loaded = load(
            vec![
                file("config.yml", CONFIG, FileRole::Config),
                file("domain/a.yml", first, FileRole::Domain),
                file("domain/b.yml", second, FileRole::Domain),
            ],
            &|_| None,
        );
        (loaded.project.domain.session_config.session_expiration_time, lines(&loaded))
    };
    let second = |minutes: u32| format!("session_config:\n  session_expiration_time: {minutes}\n");
    assert_eq!(findings_of(30, &second(30)), (30.0, vec![]));
    assert_eq!(findings_of(30, "session_config: {}\n"), (30.0, vec![]));
    // 60 is the default: the other one counts, wherever it stands.
    for (first, other, counts, place) in
        [(30, 90, 30.0, "domain/b.yml:2"), (30, 60, 30.0, "domain/b.yml:2"), (60, 90, 90.0, "domain/a.yml:7")]
    {
        let (minutes, told) = findings_of(first, &second(other));
        assert_eq!(minutes, counts, "{first} and {other}");
        assert!(told.len() == 1 && told[0].starts_with(&format!("W0501 {place}")), "{told:?}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_told_once() {
    let domain = "intents: [salam]\nresponses:\n  utter_salam:\n  - text: Halo ${NAMA_KOTA}\n";
    let loaded = load_with(CONFIG, domain, "nlu: []\n");
    let all: Vec<Diagnostic> = loaded.diagnostics.iter().cloned().chain(check(&loaded.project)).collect();
    let about: Vec<&str> = all.iter().filter(|d| d.message.contains("NAMA_KOTA")).map(|d| d.code).collect();
    assert_eq!(about, ["E0110"]);
}

#[test]
fn a_line_of_brackets_without_end_is_checked_in_no_time() {
    // Looked at from each bracket to the line's end, this would take minutes.
    let line = "[x](".repeat(100_000);
    let data =
        format!("nlu:\n- intent: salam\n  examples: |\n    - {line}\n    - halo [Solo] (kota)\n    - [a](kota)\n");
    let loaded = load_with(CONFIG, DOMAIN, &data);
    let told: Vec<&str> = check(&loaded.project).iter().filter(|d| d.code == "W0312").map(|d| d.code).collect();
    assert_eq!(told.len(), 1, "the one with a blank");
}
