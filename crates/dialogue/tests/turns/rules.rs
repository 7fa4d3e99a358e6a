//! Rules: which one applies, and what they may not say (spec §3.4).

use super::chat::{Chat, findings};

const DOMAIN: &str = "
intents: [greet, bye, ask, yes, no]
slots:
  member: {type: bool, mappings: [{type: custom}]}
entities: [city]
responses:
  utter_hi: [{text: hi}]
  utter_bye: [{text: bye}]
  utter_member: [{text: dear member}]
  utter_more: [{text: more}]
  utter_city: [{text: that city}]
actions: [action_join]
";

#[test]
fn the_first_turn_writes_exactly_the_reference_trace() {
    let mut chat = Chat::new(DOMAIN, "rules:\n- rule: r\n  steps: [{intent: greet}, {action: utter_hi}]\n");
    let done = chat.turn("greet");
    let events: Vec<String> = done.events.iter().map(|e| super::chat::short(e)).collect();
    assert_eq!(
        events,
        [
            "action action_session_start",
            "session_started",
            "action action_listen",
            "user",
            "user_featurization",
            "action utter_hi",
            "bot hi",
            "action action_listen"
        ]
    );
    let last = done.events[5].to_json();
    assert_eq!(
        (last["policy"].as_str(), last["confidence"].as_f64(), last["hide_rule_turn"].as_bool()),
        (Some("RulePolicy"), Some(1.0), Some(true))
    );
    assert_eq!(done.events[0].to_json()["policy"], serde_json::Value::Null);
    let place = done.decisions[0].cause.place.as_deref();
    assert_eq!(place, Some("data/all.yml:3"));
}

#[test]
fn the_rule_with_the_longest_key_wins() {
    let data = "rules:
- rule: any
  steps: [{intent: greet}, {action: utter_hi}]
- rule: members
  condition: [{slot_was_set: [{member: true}]}]
  steps: [{intent: greet}, {action: utter_member}]
- rule: join
  steps: [{intent: yes}, {action: action_join}]
";
    let mut chat = Chat::new(DOMAIN, data)
        .serve(|_| super::chat::answer(serde_json::json!([{"event": "slot", "name": "member", "value": true}])));
    assert_eq!(chat.say("greet"), ["hi"]);
    chat.say("yes");
    assert_eq!(chat.say("greet"), ["dear member"]);
}

#[test]
fn entities_in_a_rule_must_be_exactly_those_found() {
    let data = "rules:
- rule: any
  steps: [{intent: ask}, {action: utter_more}]
- rule: city
  steps: [{intent: ask, entities: [city]}, {action: utter_city}]
";
    let mut chat = Chat::new(DOMAIN, data);
    assert_eq!(chat.say("ask"), ["more"]);
    assert_eq!(chat.say(r#"ask{"city": "Roma"}"#), ["that city"]);
}

#[test]
fn a_rule_for_the_start_applies_at_the_start_only() {
    let data = "rules:
- rule: start
  conversation_start: true
  steps: [{intent: greet}, {action: utter_member}]
- rule: later
  steps: [{intent: bye}, {action: utter_bye}]
";
    let mut chat = Chat::new(DOMAIN, data);
    assert_eq!(chat.say("greet"), ["dear member"]);
    assert!(chat.say("greet").is_empty());
}

#[test]
fn a_rule_that_does_not_wait_lets_others_go_on() {
    let data = "rules:
- rule: first
  wait_for_user_input: false
  steps: [{intent: greet}, {action: utter_hi}]
- rule: second
  wait_for_user_input: false
  steps: [{action: utter_hi}, {action: utter_more}]
";
    let mut chat = Chat::new(DOMAIN, data);
    assert_eq!(chat.say("greet")[..2], ["hi", "more"]);
}

#[test]
fn contradictions_name_both_places() {
    let data = "rules:
- rule: always hi
  steps: [{intent: greet}, {action: utter_hi}]
stories:
- story: once bye
  steps:
  - intent: greet
  - action: utter_bye
";
    let found = findings(DOMAIN, data);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, "E0806");
    assert!(found[0].message.contains("once bye") && found[0].message.contains("always hi"));
    let loaded = super::chat::project(DOMAIN, data);
    let places: Vec<String> = found[0].annotations.iter().map(|a| loaded.project.sources.place(a.span)).collect();
    assert_eq!(places, ["data/all.yml:8", "data/all.yml:3"]);
}

#[test]
fn two_rules_that_disagree_are_found_too() {
    let data = "rules:
- rule: a
  steps: [{intent: greet}, {action: utter_hi}]
- rule: b
  steps: [{intent: greet}, {action: utter_bye}]
";
    assert!(findings(DOMAIN, data).iter().any(|d| d.code == "E0806"));
}

#[test]
fn a_story_that_agrees_is_no_contradiction_and_its_rule_turn_is_not_hidden() {
    let data = "rules:
- rule: always hi
  steps: [{intent: greet}, {action: utter_hi}]
stories:
- story: s
  steps: [{intent: greet}, {action: utter_hi}, {intent: yes}, {action: utter_more}]
";
    let mut chat = Chat::new(DOMAIN, data);
    let done = chat.turn("greet");
    assert_eq!(done.events[5].to_json()["hide_rule_turn"], false);
    assert_eq!(chat.say("yes"), ["more"]);
}

#[test]
fn more_than_one_user_turn_in_a_rule_is_an_error() {
    let data =
        "rules:\n- rule: r\n  steps: [{intent: greet}, {action: utter_hi}, {intent: bye}, {action: utter_bye}]\n";
    assert_eq!(findings(DOMAIN, data)[0].code, "E0804");
}

#[test]
fn a_rule_that_lacks_a_slot_set_after_an_action_elsewhere_is_incomplete() {
    let data = "rules:
- rule: full
  steps: [{intent: yes}, {action: action_join}, {slot_was_set: [{member: true}]}, {action: utter_member}]
- rule: lacking
  steps: [{intent: no}, {action: action_join}, {action: utter_hi}]
";
    let found = findings(DOMAIN, data);
    assert!(found.iter().any(|d| d.code == "E0805" && d.message.contains("lacking")), "{found:#?}");
}

#[test]
fn nothing_that_applies_means_the_fallback_action() {
    let domain = format!("{DOMAIN}  utter_default: [{{text: again please}}]\n").replace("actions: [action_join]\n", "");
    let domain = domain.replace("responses:\n", "actions: [action_join]\nresponses:\n");
    let mut chat = Chat::new(&domain, "rules:\n- rule: r\n  steps: [{intent: greet}, {action: utter_hi}]\n");
    assert_eq!(chat.say("bye"), ["again please"]);
    assert_eq!(chat.say("greet"), ["hi"]);
}

#[test]
fn a_rule_that_reads_the_text_runs_through_to_its_listen() {
    let data = "rules:
- rule: text
  steps: [{user: hello there}, {action: utter_hi}, {action: utter_bye}]
- rule: greet
  steps: [{intent: greet}, {action: utter_member}]
";
    let mut chat = Chat::new(DOMAIN, data);
    for _ in 0..2 {
        let done = chat.turn("hello there");
        let actions: Vec<_> = done.decisions.iter().map(|d| (d.action.as_str(), d.policy.as_str())).collect();
        let expected = ["utter_hi", "utter_bye", "action_listen"].map(|action| (action, "RulePolicy"));
        assert_eq!(actions, expected);
        assert!(done.decisions.iter().all(|d| d.cause.what == "rule `text`"), "{:#?}", done.decisions);
    }
    assert_eq!(chat.say("greet"), ["dear member"]);
}

#[test]
fn a_text_rule_goes_on_where_the_text_has_an_intent_too() {
    let data = "rules:
- rule: text
  steps: [{user: 'greet|hello'}, {action: utter_hi}, {action: utter_bye}]
- rule: intent
  steps: [{intent: greet}, {action: utter_hi}, {action: utter_more}]
";
    let mut chat = Chat::new(DOMAIN, data);
    assert_eq!(chat.say("greet|hello"), ["hi", "bye"]);
    assert_eq!(chat.say("greet|hey"), ["hi", "more"]);
}
