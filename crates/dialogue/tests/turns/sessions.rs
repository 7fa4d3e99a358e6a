//! Sessions, restart and back (spec §3.8).

use serde_json::{Value, json};

use super::chat::Chat;

const DOMAIN: &str = "
intents: [hi]
entities: [name]
slots:
  name: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: name}]}
responses: {utter_hi: [{text: hi}]}
";
const RULES: &str = "rules:\n- rule: r\n  steps: [{intent: hi}, {action: utter_hi}]\n";

#[test]
fn a_session_expires_and_carries_its_slots_over_once() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say(r#"hi{"name": "A"}"#);
    chat.say(r#"hi{"name": "B"}"#);
    chat.wait(61.0);
    assert_eq!(
        chat.events("hi")[..4],
        ["action action_session_start", "session_started", "slot name=\"B\"", "action action_listen"]
    );
    chat.wait(59.0);
    assert_eq!(chat.events("hi")[0], "user");
}

#[test]
fn without_carry_over_slots_are_gone() {
    let domain =
        format!("{DOMAIN}session_config: {{session_expiration_time: 1, carry_over_slots_to_new_session: false}}\n");
    let mut chat = Chat::new(&domain, RULES);
    chat.say(r#"hi{"name": "A"}"#);
    chat.wait(2.0);
    chat.say("hi");
    assert_eq!(chat.slot("name"), Value::Null);
}

#[test]
fn zero_minutes_mean_never() {
    let domain =
        format!("{DOMAIN}session_config: {{session_expiration_time: 0, carry_over_slots_to_new_session: true}}\n");
    let mut chat = Chat::new(&domain, RULES);
    chat.say("hi");
    chat.wait(100_000.0);
    assert_eq!(chat.events("hi")[0], "user");
}

#[test]
fn metadata_of_the_first_message_is_kept_in_its_slot() {
    let mut chat = Chat::new(DOMAIN, RULES);
    let metadata = json!({"from": "web"}).as_object().cloned().unwrap();
    let events: Vec<String> = chat.turn_with("hi", metadata).events.iter().map(|e| super::chat::short(e)).collect();
    assert_eq!(events[0], r#"slot session_started_metadata={"from":"web"}"#);
    assert_eq!(events[3], r#"slot session_started_metadata={"from":"web"}"#);
    assert_eq!(chat.slot("session_started_metadata"), json!({"from": "web"}));
}

#[test]
fn restart_forgets_everything_and_starts_a_session() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say(r#"hi{"name": "A"}"#);
    let events = chat.events("restart");
    assert_eq!(
        events,
        [
            "user",
            "user_featurization",
            "action action_restart",
            "restart",
            "action action_session_start",
            "session_started",
            "action action_listen"
        ]
    );
    assert_eq!(chat.slot("name"), Value::Null);
}

#[test]
fn back_undoes_the_turn_before() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("hi");
    chat.say(r#"hi{"name": "A"}"#);
    assert_eq!(chat.slot("name"), json!("A"));
    let events = chat.events("back");
    assert_eq!(events[2..5], ["action action_back", "rewind", "rewind"]);
    assert_eq!(chat.slot("name"), Value::Null);
    assert_eq!(chat.say("hi"), ["hi"]);
}

#[test]
fn trimming_an_endless_session_changes_nothing_the_user_sees() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say(r#"hi{"name": "A"}"#);
    for _ in 0..100 {
        assert_eq!(chat.say("hi"), ["hi"]);
        chat.tracker.trim(40);
        assert!(chat.tracker.events().len() <= 46);
    }
    assert_eq!(chat.slot("name"), json!("A"));
    assert!(chat.tracker.state_count() < 40);
    chat.wait(61.0);
    chat.say("hi");
    assert_eq!(chat.slot("name"), json!("A"), "a slot set long ago is carried over too");
}

#[test]
fn a_clock_that_jumps_back_does_not_reorder_events() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("hi");
    chat.wait(-500.0);
    chat.say("hi");
    let times: Vec<f64> = chat.tracker.events().iter().map(|e| e.timestamp).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
}
