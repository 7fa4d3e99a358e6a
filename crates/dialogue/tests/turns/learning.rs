//! Memoization, checkpoints and alternatives (spec §1.5, §3.4).

use super::chat::{Chat, findings, project};

const DOMAIN: &str = "
intents: [greet, fine, sad, yes, no]
responses:
  utter_greet: [{text: hello}]
  utter_happy: [{text: great}]
  utter_cheer: [{text: cheer up}]
  utter_bye: [{text: bye}]
";

#[test]
fn a_story_is_remembered_with_its_history() {
    let data = "stories:
- story: happy
  steps: [{intent: greet}, {action: utter_greet}, {intent: fine}, {action: utter_happy}]
";
    let mut chat = Chat::new(DOMAIN, data);
    assert_eq!(chat.say("greet"), ["hello"]);
    let done = chat.turn("fine");
    assert_eq!(done.messages[0].text.as_deref(), Some("great"));
    assert_eq!(done.decisions[0].policy, "MemoizationPolicy");
    assert_eq!(done.decisions[0].cause.place.as_deref(), Some("data/all.yml:3"));
    // Out of its history it is not remembered.
    let mut fresh = Chat::new(DOMAIN, data);
    assert!(fresh.say("fine").is_empty());
}

#[test]
fn a_history_with_two_endings_is_forgotten() {
    let data = "stories:
- story: a
  steps: [{intent: greet}, {action: utter_greet}]
- story: b
  steps: [{intent: greet}, {action: utter_bye}]
";
    assert!(Chat::new(DOMAIN, data).say("greet").is_empty());
}

#[test]
fn checkpoints_join_stories_and_or_multiplies_them() {
    let data = "stories:
- story: start
  steps: [{intent: greet}, {action: utter_greet}, {checkpoint: asked}]
- story: good
  steps: [{checkpoint: asked}, {or: [{intent: fine}, {intent: 'yes'}]}, {action: utter_happy}]
- story: bad
  steps: [{checkpoint: asked}, {intent: sad}, {action: utter_cheer}]
";
    for (intent, reply) in [("fine", "great"), ("yes", "great"), ("sad", "cheer up")] {
        let mut chat = Chat::new(DOMAIN, data);
        chat.say("greet");
        assert_eq!(chat.say(intent), [reply]);
    }
}

#[test]
fn loose_checkpoints_are_warned_about_and_cycles_end() {
    let loose = "stories:
- story: a
  steps: [{intent: greet}, {action: utter_greet}, {checkpoint: nowhere}]
- story: b
  steps: [{checkpoint: from_nowhere}, {intent: fine}, {action: utter_happy}]
";
    let codes: Vec<&str> = findings(DOMAIN, loose).iter().map(|d| d.code).collect();
    assert!(codes.contains(&"W0802") && codes.contains(&"W0803"), "{codes:?}");
    let cycle = "stories:
- story: a
  steps: [{intent: greet}, {action: utter_greet}, {checkpoint: again}]
- story: b
  steps: [{checkpoint: again}, {intent: fine}, {action: utter_happy}, {checkpoint: again}]
";
    let mut chat = Chat::new(DOMAIN, cycle);
    chat.say("greet");
    assert_eq!(chat.say("fine"), ["great"]);
}

#[test]
fn the_learnt_part_reads_back_and_is_the_same_bytes_every_time() {
    let data = "rules:
- rule: r
  steps: [{intent: 'no'}, {action: utter_bye}]
stories:
- story: s
  steps: [{intent: greet}, {action: utter_greet}]
";
    let train = |threads| sapa_dialogue::DialogueModel::train(&super::chat::project(DOMAIN, data).project, threads).0;
    let model = train(1);
    let sections = model.to_sections();
    assert_eq!(sections, train(2).to_sections());
    let find = |name: &str| sections.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice());
    let read = sapa_dialogue::DialogueModel::from_sections(&find, (*model.domain).clone()).unwrap();
    assert_eq!(read.to_sections(), sections);
}

#[test]
fn a_checkpoint_that_is_reached_without_its_slots_is_told_so() {
    let domain = format!("{DOMAIN}slots:\n  mood: {{type: text, mappings: [{{type: custom}}]}}\n");
    let data = "stories:
- story: a
  steps: [{intent: greet}, {action: utter_greet}, {checkpoint: asked}]
- story: b
  steps: [{checkpoint: asked, slot_was_set: [{mood: good}]}, {intent: fine}, {action: utter_happy}]
";
    let found = findings(&domain, data);
    let finding = found.iter().find(|finding| finding.code == "W0802").expect("a finding");
    assert!(finding.message.contains("but never with the slots that `b` asks for"), "{finding:?}");
    assert_eq!(finding.annotations.len(), 2, "where it is reached is shown: {finding:?}");
    let set = data.replace("{checkpoint: asked}]\n", "{slot_was_set: [{mood: good}]}, {checkpoint: asked}]\n");
    assert!(findings(&domain, &set).iter().all(|finding| finding.code != "W0802"));
}

#[test]
fn stories_that_no_policy_can_tell_apart_are_shown_with_both_places() {
    let conflicts = |data: &str, max_history| {
        let project = project(DOMAIN, data).project;
        let found = sapa_dialogue::conflicts::story_conflicts(&project, max_history);
        let lines = |finding: &sapa_project::Diagnostic| {
            assert_eq!(finding.code, "W0804");
            finding.annotations.iter().map(|at| project.sources.line_column(at.span).0).collect::<Vec<_>>()
        };
        found.iter().map(lines).collect::<Vec<_>>()
    };
    let step = |name: &str, first: &str, action: &str| {
        format!(
            "- story: {name}\n  steps:\n  - intent: {first}\n  - action: utter_greet\n  - intent: fine\n  - action: {action}\n"
        )
    };
    let alike = format!("stories:\n{}{}", step("a", "greet", "utter_happy"), step("b", "greet", "utter_bye"));
    assert_eq!(conflicts(&alike, None), [[13, 7]]);
    // Different beginnings tell them apart, as long as they are seen.
    let apart = format!("stories:\n{}{}", step("a", "greet", "utter_happy"), step("b", "sad", "utter_bye"));
    assert_eq!(conflicts(&apart, None), Vec::<Vec<usize>>::new());
    assert_eq!(conflicts(&apart, Some(1)), [[13, 7]]);
    let rule = alike.replace("stories:", "rules:").replace("- story:", "- rule:");
    assert_eq!(conflicts(&rule, None), Vec::<Vec<usize>>::new());
    // One story ends where the other goes on.
    let longer = format!(
        "stories:\n{}{}  - action: utter_bye\n",
        step("a", "greet", "utter_happy"),
        step("b", "greet", "utter_happy")
    );
    assert_eq!(conflicts(&longer, None).len(), 1);
}

/// A story of so many turns, and what the user says in them.
fn long_story(turns: usize) -> (String, Vec<&'static str>) {
    let said: Vec<_> = (0..turns).map(|turn| ["greet", "fine", "sad"][(turn * turn) % 7 % 3]).collect();
    let mut data = "stories:\n- story: long\n  steps:\n".to_owned();
    for intent in &said {
        let action = if *intent == "fine" { "utter_happy" } else { "utter_greet" };
        data += &format!("  - intent: {intent}\n  - action: {action}\n");
    }
    (data, said)
}

#[test]
fn a_long_story_is_remembered_to_its_end_in_a_model_of_its_length() {
    let size = |turns: usize| {
        let model = Chat::new(DOMAIN, &long_story(turns).0).model.clone();
        model.to_sections().iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
    };
    assert!(size(160) < 5 * size(40), "{} and {} bytes", size(40), size(160));
    let (data, said) = long_story(60);
    let mut chat = Chat::new(DOMAIN, &data);
    for intent in said {
        let done = chat.turn(intent);
        assert_eq!(done.messages.len(), 1);
        assert!(done.decisions.iter().all(|decision| decision.policy == "MemoizationPolicy"), "{:?}", done.decisions);
    }
}

#[test]
fn a_story_is_remembered_behind_a_form_that_ran_several_times() {
    let domain = "
intents: [book, inform, fine]
entities: [city]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  date: {type: text, mappings: [{type: from_text, conditions: [{active_loop: trip, requested_slot: date}]}]}
forms:
  trip: {required_slots: [city, date]}
responses:
  utter_happy: [{text: great}]
  utter_bye: [{text: bye}]
";
    let data = "stories:
- story: trip
  steps:
  - intent: book
  - action: trip
  - active_loop: trip
  - intent: inform
    entities: [{city: Solo}]
  - action: trip
  - intent: inform
  - action: trip
  - slot_was_set: [{date: tomorrow}]
  - active_loop: null
  - action: utter_happy
  - intent: fine
  - action: utter_bye
";
    let mut chat = Chat::new(domain, data);
    chat.say("book");
    chat.say(r#"inform{"city": "Solo"}"#);
    assert_eq!(chat.say("inform"), ["great"]);
    let done = chat.turn("fine");
    assert_eq!(done.messages[0].text.as_deref(), Some("bye"));
    assert_eq!(done.decisions[0].policy, "MemoizationPolicy");
}

#[test]
fn too_many_alternatives_are_told_once_a_story_and_nothing_is_made_of_them() {
    let or = "  - or: [{intent: a}, {intent: b}, {intent: c}]\n  - action: utter_a\n";
    let story = |name: &str| format!("- story: {name}\n  steps:\n{}", or.repeat(9));
    let data = format!("stories:\n{}{}", story("one"), story("two"));
    let found = findings("intents: [a, b, c]\nresponses:\n  utter_a: [{text: a}]\n", &data);
    let codes: Vec<&str> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["E0801", "E0801"]);
}
