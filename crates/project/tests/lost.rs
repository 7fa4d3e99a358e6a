//! What is written where nothing reads it, and values that cannot be meant.

use sapa_project::{Diagnostic, FileRole, Loaded, ProjectFile, check, load};

const CONFIG: &str = "recipe: default.v1\nassistant_id: a\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\n- name: CountVectorsFeaturizer\n- name: DIETClassifier\npolicies:\n- name: MemoizationPolicy\n- name: RulePolicy\n";
const DOMAIN: &str = "intents: [hi, bye]\nentities:\n- city: {roles: [from, to]}\nslots:\n  open:\n    type: bool\n    mappings: [{type: from_intent, intent: hi, value: true}]\n  size:\n    type: float\n    mappings: [{type: from_intent, intent: hi, value: 1}]\nforms:\n  f:\n    required_slots: [open]\nresponses:\n  utter_hi:\n  - text: Hi.\n  utter_ask_open:\n  - text: Open?\n";
const NLU: &str = "nlu:\n- intent: hi\n  examples: |\n    - hi\n    - hello [Rome]{\"entity\": \"city\", \"role\": \"to\"}\n    - from [Rome]{\"entity\": \"city\", \"role\": \"from\"}\n- intent: bye\n  examples: |\n    - bye\n    - see you\n";

/// A sound project with a story of these steps and a config and data of its own.
fn project(steps: &str, files: &[(&str, FileRole, &str)]) -> Loaded {
    let story = format!("stories:\n- story: s\n  steps:\n{steps}");
    let own = [
        ("config.yml", FileRole::Config, CONFIG),
        ("domain.yml", FileRole::Domain, DOMAIN),
        ("data/nlu.yml", FileRole::Data, NLU),
        ("data/stories.yml", FileRole::Data, story.as_str()),
    ];
    let kept = own.into_iter().filter(|(path, ..)| files.iter().all(|(other, ..)| other != path));
    let file = |(path, role, text): (&str, FileRole, &str)| ProjectFile {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
        role,
    };
    load(kept.chain(files.iter().copied()).map(file).collect(), &|_| None)
}

/// Warnings and errors, each as `code path:line` and its cure.
fn found(loaded: &Loaded) -> Vec<(String, String)> {
    let told = |diagnostic: &Diagnostic| {
        let first = diagnostic.annotations.first();
        let place = first.map(|annotation| loaded.project.sources.place(annotation.span)).unwrap_or_default();
        (format!("{} {place}", diagnostic.code), diagnostic.help.clone().unwrap_or_default())
    };
    let all = loaded.diagnostics.iter().chain(&check(&loaded.project)).cloned().collect::<Vec<_>>();
    all.iter().filter(|diagnostic| !diagnostic.code.starts_with('N')).map(told).collect()
}

/// What is found in a story.
fn in_story(steps: &str) -> Vec<(String, String)> {
    found(&project(steps, &[]))
}

/// The only finding is that one, with this in its cure.
fn only(found: &[(String, String)], finding: &str, cure: &str) {
    assert!(matches!(found, [(code, help)] if code == finding && help.contains(cure)), "{found:?}");
}

const SOUND: &str = "  - intent: hi\n  - action: utter_hi\n";

#[test]
fn the_project_is_sound() {
    assert_eq!(in_story(SOUND), []);
    assert_eq!(in_story("  - intent: hi\n    metadata: {a: 1}\n  - action: utter_hi\n    metadata: {a: 1}\n"), []);
}

#[test]
fn keys_of_a_step_that_nothing_reads_are_told() {
    let indented = "  - intent: hi\n  - action: f\n  - active_loop:\n    name: f\n  - action: utter_hi\n";
    let found = in_story(indented);
    assert!(
        found.iter().any(|(code, cure)| code == "E0208 data/stories.yml:7" && cure.contains("behind `active_loop:`")),
        "{found:?}"
    );
    let slots = "  - slot_was_set:\n    - open: true\n    value: 3\n";
    only(&in_story(&format!("{slots}{SOUND}")), "W0204 data/stories.yml:6", "remove it");
    let slip = "  - intent: hi\n  - action: utter_hi\n    metdata: {a: 1}\n";
    only(&in_story(slip), "E0208 data/stories.yml:6", "did you mean `metadata`?");
}

#[test]
fn roles_that_the_domain_does_not_have_are_told_in_stories_too() {
    let role = |role: &str| {
        format!("  - intent: hi\n    entities:\n    - city: Rome\n      role: {role}\n  - action: utter_hi\n")
    };
    assert_eq!(in_story(&role("to")), []);
    only(&in_story(&role("tto")), "W0502 data/stories.yml:6", "did you mean `to`?");
}

#[test]
fn values_that_a_slot_cannot_have_are_told() {
    let set = |what: &str| format!("  - intent: hi\n  - slot_was_set:\n    - {what}\n  - action: utter_hi\n");
    for fine in ["open: true", "open: 'True'", "open: '1'", "open: null", "size: 3", "size: '2.5'", "size: null"] {
        assert_eq!(in_story(&set(fine)), [], "{fine}");
    }
    only(&in_story(&set("open: Rome")), "W0526 data/stories.yml:6", "`true` or `false`");
    only(&in_story(&set("size: many")), "W0529 data/stories.yml:6", "write a number");
}

#[test]
fn a_response_that_a_data_file_replaces_is_told() {
    let data = format!("{NLU}responses:\n  utter_hi:\n  - text: Hello.\n");
    let loaded = project(SOUND, &[("data/nlu.yml", FileRole::Data, &data)]);
    only(&found(&loaded), "W0501 data/nlu.yml:12", "");
}

#[test]
fn what_config_lacks_a_letter_for_is_named() {
    let config = CONFIG.replace("policies:", "policy:");
    let found_in = found(&project(SOUND, &[("config.yml", FileRole::Config, &config)]));
    assert!(found_in.iter().any(|(_, cure)| cure.contains("did you mean `policies`?")), "{found_in:?}");
    let config = format!("importers: [RasaFileImporter]\n{CONFIG}");
    only(
        &found(&project(SOUND, &[("config.yml", FileRole::Config, &config)])),
        "E0202 config.yml:1",
        "`- name: RasaFileImporter`",
    );
}

#[test]
fn a_placeholder_that_is_never_filled_is_told() {
    let say = |text: &str| {
        let domain = DOMAIN.replace("- text: Hi.", &format!("- text: '{text}'"));
        found(&project(SOUND, &[("domain.yml", FileRole::Domain, &domain)]))
    };
    for fine in ["{size} is fine", "{{size}} is as it stands", "{a.b} is no slot", "/hi{{\"a\": \"{size}\"}}"] {
        assert_eq!(say(fine), [], "{fine}");
    }
    for (never, cure) in [("{size.x}", "write `{size}`"), ("{{lit}} and {size}", "leave the tag out")] {
        let found = say(never);
        assert!(matches!(&*found, [(code, help)] if code.starts_with("W0530 ") && help.contains(cure)), "{found:?}");
    }
}
