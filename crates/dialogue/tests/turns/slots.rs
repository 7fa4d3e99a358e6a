//! Slot mappings (spec §3.7) and the listing of what fills what.

use serde_json::{Value, json};

use super::chat::{Chat, answer};

const DOMAIN: &str = "
intents: [book, inform, yes, no, chat]
entities: [city, {place: {roles: [from, to]}}]
slots:
  note: {type: text, influence_conversation: false, mappings: [{type: from_text, not_intent: [chat], conditions: [{active_loop: trip, requested_slot: note}]}]}
  from: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: place, role: from}]}
  to: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: place, role: to}]}
  cities: {type: list, influence_conversation: false, mappings: [{type: from_entity, entity: city}]}
  agreed: {type: bool, influence_conversation: false, mappings: [{type: from_intent, intent: 'yes', value: true}, {type: from_intent, intent: 'no', value: false}]}
  reason: {type: text, influence_conversation: false, mappings: [{type: from_trigger_intent, intent: book, value: booked}]}
  outside: {type: text, influence_conversation: false, mappings: [{type: from_text, conditions: [{active_loop: null}]}]}
forms:
  trip: {required_slots: [note, reason], ignored_intents: ['no']}
responses:
  utter_ask_note: [{text: note?}]
  utter_ok: [{text: ok}]
";
const RULES: &str = "
rules:
- rule: start
  steps: [{intent: book}, {action: trip}, {active_loop: trip}]
- rule: end
  condition: [{active_loop: trip}]
  steps: [{action: trip}, {active_loop: null}, {action: utter_ok}]
- rule: chat
  steps: [{intent: chat}, {action: utter_ok}]
- rule: inform
  steps: [{intent: inform}, {action: utter_ok}]
- rule: 'yes'
  steps: [{intent: 'yes'}, {action: utter_ok}]
- rule: 'no'
  steps: [{intent: 'no'}, {action: utter_ok}]
";

#[test]
fn roles_must_be_equal_and_lists_take_all_values() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say(r#"inform{"place": "Solo"}"#);
    assert_eq!((chat.slot("from"), chat.slot("to")), (Value::Null, Value::Null));
    chat.say(r#"inform{"city": "Solo"}"#);
    assert_eq!(chat.slot("cities"), json!(["Solo"]));
    chat.say("inform");
    assert_eq!(chat.slot("cities"), json!(["Solo"]), "a missing entity never clears a slot");
}

#[test]
fn an_intent_sets_its_value() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("yes");
    assert_eq!(chat.slot("agreed"), json!(true));
    chat.say("no");
    assert_eq!(chat.slot("agreed"), json!(false));
}

#[test]
fn a_trigger_intent_counts_when_the_loop_begins() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("book");
    assert_eq!(chat.slot("reason"), json!("booked"));
    chat.say("inform");
    assert_eq!(chat.slot("note"), json!("inform"));
}

#[test]
fn text_fills_a_slot_only_while_it_is_asked_for_and_not_for_excluded_intents() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("inform");
    assert_eq!((chat.slot("note"), chat.slot("outside")), (Value::Null, json!("inform")));
    chat.say("book");
    assert_eq!(chat.say("chat"), ["ok", "note?"]);
    assert_eq!(chat.slot("note"), Value::Null);
    assert_eq!(chat.slot("outside"), json!("book"), "a loop was active");
    // `no` is ignored by the form.
    chat.say("no");
    assert_eq!(chat.slot("note"), Value::Null);
}

#[test]
fn an_entity_that_fits_two_slots_fills_the_one_asked_for() {
    let domain = "
intents: [book, inform]
entities: [number]
slots:
  a: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: number}]}
  b: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: number}]}
forms: {f: {required_slots: [a, b]}}
responses:
  utter_ask_a: [{text: a?}]
  utter_ask_b: [{text: b?}]
";
    let rules = "rules:\n- rule: r\n  steps: [{intent: book}, {action: f}, {active_loop: f}]\n- rule: e\n  condition: [{active_loop: f}]\n  steps: [{action: f}, {active_loop: null}, {action: utter_ask_a}]\n";
    let mut chat = Chat::new(domain, rules);
    chat.say("book");
    assert_eq!(chat.say(r#"inform{"number": "1"}"#), ["b?"]);
    assert_eq!((chat.slot("a"), chat.slot("b")), (json!("1"), Value::Null));
    chat.say(r#"inform{"number": "2"}"#);
    assert_eq!((chat.slot("a"), chat.slot("b")), (json!("1"), json!("2")));
}

#[test]
fn a_custom_mapping_runs_its_action_and_only_slots_count() {
    let domain = "
intents: [hi]
slots:
  mood: {type: text, influence_conversation: false, mappings: [{type: custom, action: action_mood}]}
actions: [action_mood, action_validate_slot_mappings]
responses: {utter_hi: [{text: hi}]}
";
    let mut chat = Chat::new(domain, "rules:\n- rule: r\n  steps: [{intent: hi}, {action: utter_hi}]\n").serve(|call| {
        match call.name.as_str() {
            "action_mood" => answer(json!([{"event": "slot", "name": "mood", "value": "calm"}, {"event": "restart"}])),
            _ => answer(json!([{"event": "slot", "name": "mood", "value": call.request.tracker.slot("mood").as_str().unwrap().to_uppercase()}])),
        }
    });
    assert_eq!(chat.say("hi"), ["hi"]);
    assert_eq!(chat.slot("mood"), json!("CALM"));
}

#[test]
fn validation_is_asked_though_the_message_fills_nothing() {
    let domain = "intents: [hi]\nslots:\n  mood: {type: text, mappings: [{type: custom}]}\n\
        responses:\n  utter_ok: [{text: ok}]\nactions: [action_validate_slot_mappings]\n";
    let rules = "rules:\n- rule: hi\n  steps: [{intent: hi}, {action: utter_ok}]\n";
    let mut chat = Chat::new(domain, rules)
        .serve(|_| answer(json!([{"event": "slot", "name": "mood", "value": "extracted there"}])));
    chat.say("hi");
    assert_eq!(chat.calls.len(), 1);
    assert_eq!(chat.slot("mood"), "extracted there");
}

#[test]
fn an_extraction_of_the_bots_own_takes_the_place_of_the_built_in_one() {
    let domain = DOMAIN.to_owned() + "actions: [action_extract_slots]\n";
    let mut chat = Chat::new(&domain, RULES)
        .serve(|_| answer(json!([{"event": "slot", "name": "outside", "value": "from afar"}])));
    chat.say("yes");
    let called: Vec<&str> = chat.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(called, ["action_extract_slots"]);
    assert_eq!((chat.slot("agreed"), chat.slot("outside")), (Value::Null, json!("from afar")));
    chat.say("book");
    let called: Vec<&str> = chat.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(called, ["action_extract_slots"; 3], "once for the message, once where the form begins");
}

#[test]
fn a_list_wraps_a_lone_value_unless_it_is_empty() {
    let rules = "rules:\n- rule: r\n  steps: [{intent: chat}, {action: action_fill}]\n";
    let domain = DOMAIN.to_owned() + "actions: [action_fill]\n";
    for (given, kept) in
        [(json!("a"), json!(["a"])), (json!(""), json!("")), (json!(0), json!(0)), (json!(false), json!(false))]
    {
        let mut chat = Chat::new(&domain, rules)
            .serve(move |_| answer(json!([{"event": "slot", "name": "cities", "value": given.clone()}])));
        chat.say("chat");
        assert_eq!(chat.slot("cities"), kept);
    }
}
