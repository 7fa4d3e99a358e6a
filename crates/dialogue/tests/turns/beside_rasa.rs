//! What Rasa 3.6.21 was seen to do, beside Sapa, with the same project and the same
//! messages.

use sapa_sdk::EventBody;
use serde_json::{Value, json};

use super::chat::{Chat, answer};

/// Sets a slot, and lets the session end: the next one has it from its beginning.
fn in_a_new_session(chat: &mut Chat, name: &str, value: Value) {
    chat.tracker.update(sapa_sdk::Event::new(1_001.0, EventBody::Slot { name: name.to_owned(), value }));
    chat.wait(61.0);
}

const AUGMENTED: &str = "[{name: AugmentedMemoizationPolicy, max_history: 4}, {name: RulePolicy}]";

#[test]
fn slots_that_came_along_are_forgotten_before_the_first_action() {
    let domain = "
intents: [take]
slots:
  x: {type: text, mappings: [{type: custom}]}
responses:
  utter_b: [{text: b}]
";
    let data = "stories:\n- story: s\n  steps: [{intent: take}, {action: utter_b}]\n";
    let mut chat = Chat::with_policies(AUGMENTED, domain, data);
    assert_eq!(chat.say("take"), ["b"]);
    in_a_new_session(&mut chat, "x", json!("old"));
    assert_eq!(chat.say("take"), ["b"]);
}

#[test]
fn what_rules_hide_does_not_use_up_the_history() {
    let domain = "
intents: [book, deny, other]
slots:
  ok: {type: bool, mappings: [{type: custom}]}
  trace: {type: text, mappings: [{type: custom}]}
actions: [action_y]
responses:
  utter_greet: [{text: hi}]
  utter_ok: [{text: ok}]
  utter_other: [{text: other}]
";
    let data = "
stories:
- story: s
  steps: [{intent: book}, {action: utter_greet}, {intent: deny}, {action: action_y}, {slot_was_set: [{ok: true}]}, {action: utter_ok}]
rules:
- rule: other
  steps: [{intent: other}, {action: utter_other}]
";
    let mut chat = Chat::with_policies(AUGMENTED, domain, data)
        .serve(|_| answer(json!([{ "event": "slot", "name": "ok", "value": true }])));
    chat.say("book");
    in_a_new_session(&mut chat, "trace", json!("old"));
    assert_eq!(chat.say("book"), ["hi"]);
    assert_eq!(chat.say("other"), ["other"]);
    assert_eq!(chat.say("deny"), ["ok"]);
}

const SLOTS: &str = "
intents: [help, pick, clear]
entities: [city]
slots:
  texts: {type: list, influence_conversation: false, mappings: [{type: from_text, intent: help}]}
  picks: {type: list, influence_conversation: false, mappings: [{type: from_intent, intent: pick, value: one}]}
  city: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: city}, {type: from_intent, intent: clear, value: none}]}
  mapped: {type: text, influence_conversation: false, mappings: [{type: custom, action: action_map}]}
responses:
  utter_ok: [{text: ok}]
";
const OK: &str = "
rules:
- rule: help
  steps: [{intent: help}, {action: utter_ok}]
- rule: pick
  steps: [{intent: pick}, {action: utter_ok}]
- rule: clear
  steps: [{intent: clear}, {action: utter_ok}]
";

#[test]
fn a_list_slot_gets_a_list_from_every_mapping() {
    let mut chat = Chat::new(&format!("{SLOTS}actions: [action_map]\n"), OK).serve(|_| answer(json!([])));
    chat.say("help");
    chat.say("pick");
    assert_eq!((chat.slot("texts"), chat.slot("picks")), (json!(["help"]), json!(["one"])));
}

#[test]
fn a_null_entity_clears_a_slot_and_is_no_value_for_an_empty_one() {
    let mut chat = Chat::new(&format!("{SLOTS}actions: [action_map]\n"), OK).serve(|_| answer(json!([])));
    let is_city = |event: &String| event.starts_with("slot city");
    assert!(!chat.events(r#"help{"city": null}"#).iter().any(is_city));
    chat.say(r#"help{"city": "Solo"}"#);
    assert!(chat.events(r#"help{"city": null}"#).contains(&"slot city=null".to_owned()));
    assert!(
        chat.events(r#"clear{"city": null}"#).contains(&"slot city=\"none\"".to_owned()),
        "the next mapping counts"
    );
}

#[test]
fn messages_of_mapping_actions_are_dropped_and_validation_speaks_first() {
    let domain = format!("{SLOTS}actions: [action_map, action_validate_slot_mappings]\n");
    let mut chat = Chat::new(&domain, OK).serve(|call| {
        let events = match call.name.as_str() {
            "action_map" => {
                json!([{ "event": "slot", "name": "mapped", "value": "m" }, { "event": "bot", "text": "mapped" }])
            }
            _ => json!([{ "event": "slot", "name": "picks", "value": ["v"] }]),
        };
        answer(events)
    });
    let events = chat.events("pick");
    assert!(!events.contains(&"bot mapped".to_owned()), "{events:?}");
    let slots: Vec<&String> = events.iter().filter(|event| event.starts_with("slot")).collect();
    assert_eq!(slots, ["slot picks=[\"v\"]", "slot mapped=\"m\""]);
}

const FORM: &str = "
intents: [book, chat]
entities: [n]
slots:
  n: {type: any, mappings: [{type: from_entity, entity: n}]}
forms:
  f: {required_slots: [n]}
actions: [validate_f, action_ask_n]
responses:
  utter_done: [{text: done}]
  utter_chat: [{text: chatting}]
";
const FORM_RULES: &str = "
rules:
- rule: start
  steps: [{intent: book}, {action: f}, {active_loop: f}]
- rule: end
  condition: [{active_loop: f}]
  steps: [{action: f}, {active_loop: null}, {action: utter_done}]
- rule: chat
  steps: [{intent: chat}, {action: utter_chat}]
";

/// What an action was sent: its name, the loop, the slot asked for, the last action.
fn sent(chat: &mut Chat, message: &str) -> Vec<(String, Value, Value, Value)> {
    chat.calls.clear();
    chat.turn(message);
    let brief = |call: &sapa_dialogue::ActionCall| {
        let tracker = serde_json::to_value(&call.request.tracker).expect("JSON");
        let last = tracker["latest_action_name"].clone();
        (call.name.clone(), tracker["active_loop"]["name"].clone(), tracker["slots"]["requested_slot"].clone(), last)
    };
    chat.calls.iter().map(brief).collect()
}

#[test]
fn a_form_that_finds_nothing_as_it_begins_is_validated_twice_and_asks_as_itself() {
    let mut chat = Chat::new(FORM, FORM_RULES).serve(|_| answer(json!([])));
    let expected = [
        ("validate_f".to_owned(), json!("f"), Value::Null, json!("f")),
        ("validate_f".to_owned(), Value::Null, Value::Null, json!("f")),
        ("action_ask_n".to_owned(), json!("f"), Value::Null, json!("f")),
    ];
    assert_eq!(sent(&mut chat, "book"), expected);
    // Back from an interruption: the slot that was asked for, and no rejection.
    let asked = sent(&mut chat, "chat");
    assert_eq!(asked.last(), Some(&("action_ask_n".to_owned(), json!("f"), json!("n"), json!("f"))));
    let last = serde_json::to_value(&chat.calls.last().expect("a call").request.tracker).expect("JSON");
    assert_eq!(last["active_loop"]["rejected"], false);
}

#[test]
fn an_interruption_ends_with_the_next_action() {
    let mut chat = Chat::new(FORM, FORM_RULES).serve(|call| match call.name.as_str() {
        "validate_f" => answer(json!([{ "event": "loop_interrupted", "is_interrupted": true }])),
        _ => answer(json!([])),
    });
    chat.turn("book");
    assert!(chat.events("a b").contains(&"rejected f".to_owned()), "the form declines what does not fill it");
}

#[test]
fn a_loops_run_and_the_listening_behind_it_are_hidden_each_for_itself() {
    let domain = FORM.replace("actions: [validate_f, action_ask_n]\n", "");
    let data = format!(
        "{FORM_RULES}stories:
- story: listens
  steps: [{{intent: book}}, {{action: f}}, {{active_loop: f}}]
"
    );
    let mut chat = Chat::new(&domain, &data);
    let hidden = |chat: &mut Chat, message: &str| -> Vec<(String, bool)> {
        let done = chat.turn(message);
        let action = |event: &std::sync::Arc<sapa_sdk::Event>| match &event.body {
            EventBody::Action { name: Some(name), hide_rule_turn, .. } => Some((name.clone(), *hide_rule_turn)),
            _ => None,
        };
        done.events.iter().filter_map(action).collect()
    };
    hidden(&mut chat, "book");
    let of_happy_path = hidden(&mut chat, r#"x{"n": 1}"#);
    assert_eq!(of_happy_path[0], ("f".to_owned(), true), "no story runs the loop on its happy path: {of_happy_path:?}");
}

#[test]
fn a_text_is_a_bool_only_as_rasa_reads_it() {
    let domain = "
intents: [go]
slots:
  flag: {type: bool, mappings: [{type: custom}]}
responses:
  utter_yes: [{text: 'yes'}]
  utter_unset: [{text: unset}]
";
    let data = "
rules:
- rule: set
  condition: [{slot_was_set: [{flag: true}]}]
  steps: [{intent: go}, {action: utter_yes}]
- rule: unset
  condition: [{slot_was_set: [{flag: null}]}]
  steps: [{intent: go}, {action: utter_unset}]
";
    for (value, said) in [("1", "yes"), (" TRUE ", "yes"), ("1.0", "unset"), ("+1", "unset"), ("ja", "unset")] {
        let mut chat = Chat::new(domain, data);
        chat.say("go");
        in_a_new_session(&mut chat, "flag", json!(value));
        assert_eq!(chat.say("go"), [said], "{value:?}");
    }
}
