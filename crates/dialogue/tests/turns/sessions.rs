//! Sessions, restart and back (spec §3.8).

use sapa_dialogue::{EventVerbosity, Tracker};
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
    chat.tracker = chat.tracker.keeping(20);
    chat.say(r#"hi{"name": "A"}"#);
    for _ in 0..100 {
        assert_eq!(chat.say("hi"), ["hi"]);
        chat.tracker.trim();
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

const FORM_DOMAIN: &str = "
intents: [hi, order, what, stop]
entities: [dish, size]
slots:
  dish: {type: categorical, values: [nasi, mie], mappings: [{type: from_entity, entity: dish}]}
  size: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: size}]}
forms: {order_form: {required_slots: [dish, size]}}
responses:
  utter_hi: [{text: hi}]
  utter_what: [{text: this and that}]
  utter_ask_dish: [{text: which dish}]
  utter_ask_size: [{text: which size}]
  utter_done: [{text: '{dish} {size}'}]
  utter_stop: [{text: stopped}]
  utter_again: [{text: again}]
";
const FORM_DATA: &str = "
rules:
- rule: order
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
- rule: done
  condition: [{active_loop: order_form}]
  steps: [{action: order_form}, {active_loop: null}, {action: utter_done}]
- rule: what
  steps: [{intent: what}, {action: utter_what}]
stories:
- story: hi twice
  steps: [{intent: hi}, {action: utter_hi}, {intent: hi}, {action: utter_again}]
- story: stop
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}, {intent: stop},
    {action: action_deactivate_loop}, {active_loop: null}, {action: utter_stop}]
";

/// Reading a session from a snapshot on is the same as reading all of it, whatever
/// happened: forms, interruptions, hidden rule turns, undone and repeated ones.
#[test]
fn a_session_goes_on_from_a_snapshot_as_if_it_were_whole() {
    let messages = [
        "hi",
        "hi",
        "order",
        "what",
        "stop",
        "back",
        "restart",
        r#"hi{"dish": "nasi"}"#,
        r#"order{"dish": "mie"}"#,
        r#"hi{"size": "besar"}"#,
        r#"what{"size": "kecil", "dish": "nasi"}"#,
    ];
    let chat = || Chat::new(FORM_DOMAIN, FORM_DATA);
    let (mut whole, mut short, mut resumed) = (chat(), chat(), 0);
    whole.tracker = whole.tracker.keeping(usize::MAX);
    short.tracker = short.tracker.keeping(60);
    let mut random = 7_u32;
    let (mut last, mut fewer) = ("", 0);
    for turn in 0..1_500 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut message = messages[(random >> 16) as usize % messages.len()];
        // What is undone further back than a snapshot cannot come back.
        if message == "back" && last == "back" || message == "restart" && turn % 10 > 0 {
            message = "hi";
        }
        last = message;
        assert_eq!(short.say(message), whole.say(message), "turn {turn}: {message}");
        if let Some(trimmed) = short.tracker.trim() {
            resumed += 1;
            let text = trimmed.snapshot.to_string();
            let events = short.tracker.events().iter().map(|event| (**event).clone());
            let events: Vec<_> = events.collect();
            assert_eq!(trimmed.kept, events.len());
            let domain = short.tracker.domain().clone();
            let snapshot = serde_json::from_str(&text).unwrap();
            short.tracker = Tracker::from_snapshot("u1", domain, snapshot, events).unwrap().keeping(60);
        }
        let current = |chat: &Chat| serde_json::to_value(chat.tracker.current_state(EventVerbosity::None)).unwrap();
        assert_eq!(current(&short), current(&whole), "turn {turn}: {message}");
        let states = |chat: &Chat| chat.tracker.recent_states(Some(4));
        let learnt = |chat: &Chat| chat.tracker.learnt_states(Some(4), &chat.model.rule_only);
        // Where nearly all was undone or is hidden, fewer of them are left.
        let (of_short, of_whole) = (states(&short), states(&whole));
        assert!(of_whole.ends_with(&of_short), "turn {turn}: {message}: {of_short:?} {of_whole:?}");
        fewer += usize::from(of_short.len() < of_whole.len());
        let (of_short, of_whole) = (learnt(&short), learnt(&whole));
        assert!(of_whole.ends_with(&of_short), "turn {turn}: {message}: {of_short:?} {of_whole:?}");
        fewer += usize::from(of_short.len() < of_whole.len());
    }
    assert!(resumed > 50 && fewer < 400, "{resumed} {fewer}");
}
