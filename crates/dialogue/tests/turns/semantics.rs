//! What is most often got wrong: ensemble, loops' unhappy paths, the order of
//! extraction, forms at their edges, sessions of one's own (spec §3.4-§3.8).

use serde_json::{Value, json};

use super::chat::{Chat, answer};

const FORM: &str = "
intents: [book, inform, chat, stop, more]
entities: [size]
slots:
  size: {type: any, mappings: [{type: from_entity, entity: size}]}
forms:
  booking: {required_slots: [size]}
responses:
  utter_ask_size: [{text: size?}]
  utter_done: [{text: done}]
  utter_chat: [{text: chatting}]
  utter_sure: [{text: sure?}]
  utter_other: [{text: other}]
";
const START: &str = "rules:
- rule: start
  steps: [{intent: book}, {action: booking}, {active_loop: booking}]
- rule: submit
  condition: [{active_loop: booking}]
  steps: [{action: booking}, {active_loop: null}, {action: utter_done}]
- rule: chat
  steps: [{intent: chat}, {action: utter_chat}]
";

/// The policies and actions of a turn, in short.
fn decisions(chat: &mut Chat, message: &str) -> Vec<String> {
    chat.turn(message).decisions.iter().map(|d| format!("{} {} {}", d.policy, d.action, d.confidence)).collect()
}

#[test]
fn of_equal_confidence_the_higher_priority_wins_then_the_policy_listed_first() {
    let data = "stories:
- story: s
  steps: [{intent: chat}, {action: utter_other}]
rules:
- rule: r
  steps: [{intent: chat}, {action: utter_chat}]
";
    let policies = |memory: &str, rule: &str| {
        format!("[{{name: MemoizationPolicy{memory}}}, {{name: RulePolicy, check_for_contradictions: false{rule}}}]")
    };
    for (memory, rule, expected) in [
        ("", "", "RulePolicy utter_chat 1"),
        (", priority: 5", "", "MemoizationPolicy utter_other 1"),
        (", priority: 4", "", "MemoizationPolicy utter_other 1"),
        (", priority: 4", ", priority: 4", "MemoizationPolicy utter_other 1"),
    ] {
        let mut chat = Chat::with_policies(&policies(memory, rule), FORM, data);
        assert_eq!(decisions(&mut chat, "chat")[0], expected, "{memory} {rule}");
    }
}

#[test]
fn with_nothing_predicted_and_no_fallback_the_bot_listens() {
    let policies = "[{name: MemoizationPolicy}, {name: RulePolicy, enable_fallback_prediction: false}]";
    let mut chat = Chat::with_policies(policies, FORM, START);
    assert_eq!(chat.events("more")[3..], ["user", "user_featurization", "action action_listen"]);
    let policies = "[{name: RulePolicy, core_fallback_threshold: 0.7, core_fallback_action_name: utter_other}]";
    let mut chat = Chat::with_policies(policies, FORM, START);
    assert_eq!(decisions(&mut chat, "more")[0], "RulePolicy utter_other 0.7");
}

#[test]
fn an_active_form_shuts_out_what_stories_remember() {
    let data = format!(
        "{START}stories:
- story: inside
  steps: [{{intent: book}}, {{action: booking}}, {{active_loop: booking}}, {{intent: inform, entities: [{{size: 3}}]}},
    {{action: booking}}, {{active_loop: null}}, {{action: utter_done}}]
"
    );
    let mut chat = Chat::new(FORM, &data);
    chat.say("book");
    let decided = decisions(&mut chat, r#"inform{"size": 3}"#);
    assert_eq!(decided[0], "RulePolicy booking 1");
    assert_eq!(chat.active_loop(), None);
}

#[test]
fn after_an_interruption_the_form_asks_again_without_declining() {
    let domain = format!("{FORM}actions: [validate_booking]\n");
    let mut chat = Chat::new(&domain, START).serve(|_| answer(json!([])));
    chat.say("book");
    let before = chat.calls.len();
    let events = chat.events("chat");
    let expected = [
        "user",
        "rejected booking",
        "user_featurization",
        "action utter_chat",
        "bot chatting",
        "action booking",
        "slot requested_slot=\"size\"",
        "bot size?",
        "action action_listen",
    ];
    assert_eq!(events, expected);
    // `validate_booking` was asked before the form declined, and with no candidate
    // when it asked again.
    assert_eq!(chat.calls.len(), before + 2);
}

#[test]
fn a_rule_of_the_form_that_listens_keeps_the_form_quiet() {
    let data = format!(
        "{START}- rule: sure
  condition: [{{active_loop: booking}}]
  steps: [{{intent: stop}}, {{action: utter_sure}}]
stories:
- story: stopped
  steps: [{{intent: book}}, {{action: booking}}, {{active_loop: booking}}, {{intent: stop}}, {{action: utter_sure}},
    {{intent: stop}}, {{action: action_deactivate_loop}}, {{active_loop: null}}, {{action: utter_other}}]
"
    );
    let policies = "[{name: MemoizationPolicy}, {name: RulePolicy, check_for_contradictions: false}]";
    let mut chat = Chat::with_policies(policies, FORM, &data);
    chat.say("book");
    assert_eq!(chat.say("stop"), ["sure?"]);
    assert_eq!(chat.active_loop().as_deref(), Some("booking"));
}

#[test]
fn a_story_may_leave_a_form() {
    let data = format!(
        "{START}stories:
- story: stopped
  steps: [{{intent: book}}, {{action: booking}}, {{active_loop: booking}}, {{intent: stop}}, {{action: utter_sure}},
    {{intent: stop}}, {{action: action_deactivate_loop}}, {{active_loop: null}}, {{action: utter_other}}]
- story: goes on
  steps: [{{intent: book}}, {{action: booking}}, {{active_loop: booking}}, {{intent: stop}}, {{action: utter_sure}},
    {{intent: more}}, {{action: booking}}, {{active_loop: null}}, {{action: utter_done}}]
"
    );
    let mut chat = Chat::new(FORM, &data);
    chat.say("book");
    assert_eq!(chat.say("stop"), ["sure?"]);
    let mut other = Chat::new(FORM, &data);
    other.say("book");
    other.say("stop");
    assert_eq!(other.say("stop"), ["other"]);
    assert_eq!((other.active_loop(), other.slot("requested_slot")), (None, Value::Null));
    // What the story takes up again asks again.
    assert_eq!(chat.say("more"), ["size?"]);
}

#[test]
fn a_form_with_nothing_left_to_ask_begins_and_ends_at_once() {
    let mut chat = Chat::new(FORM, START);
    let events = chat.events(r#"book{"size": 2}"#);
    assert_eq!(
        events[3..],
        [
            "user",
            "slot size=2",
            "user_featurization",
            "action booking",
            "loop booking",
            "slot size=2",
            "slot requested_slot=null",
            "loop -",
            "action utter_done",
            "bot done",
            "action action_listen"
        ]
    );
}

#[test]
fn false_nought_and_empty_values_count_as_filled() {
    for value in ["false", "0", "\"\"", "[]"] {
        let mut chat = Chat::new(FORM, START);
        chat.say("book");
        assert_eq!(chat.say(&format!("inform{{\"size\": {value}}}")), ["done"], "{value}");
    }
}

#[test]
fn the_question_is_the_first_of_four_names_that_exists() {
    let ask = |responses: &str, actions: &str| {
        let domain = format!("{}{responses}actions: [{actions}]\n", FORM);
        let mut chat = Chat::new(&domain, START)
            .serve(|call| Ok(serde_json::from_value(json!({ "responses": [{ "text": call.name }] })).unwrap()));
        chat.say("book")
    };
    assert_eq!(ask("", ""), ["size?"]);
    assert_eq!(ask("", "action_ask_size"), ["action_ask_size"]);
    assert_eq!(ask("  utter_ask_booking_size: [{text: for the booking?}]\n", "action_ask_size"), ["for the booking?"]);
    let both = "action_ask_size, action_ask_booking_size";
    assert_eq!(ask("  utter_ask_booking_size: [{text: x}]\n", both), ["action_ask_booking_size"]);
}

const SLOTS: &str = "
intents: [book, inform, chat]
entities: [size, {place: {roles: [from]}}]
slots:
  first: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: size}, {type: from_text, intent: inform}]}
  intended: {type: any, mappings: [{type: from_intent, intent: chat, value: talked}]}
  asked: {type: text, influence_conversation: false, mappings: [{type: from_text, not_intent: chat, conditions: [{active_loop: f, requested_slot: asked}]}]}
  wanted: {type: any, mappings: [{type: from_intent, intent: chat, value: yes, conditions: [{active_loop: f}]}]}
  outside: {type: any, mappings: [{type: from_intent, value: seen, not_intent: [book], conditions: [{active_loop: null}]}]}
forms:
  f: {required_slots: [asked], ignored_intents: [chat]}
responses:
  utter_ask_asked: [{text: asked?}]
  utter_ok: [{text: ok}]
";
const SLOT_RULES: &str = "rules:
- rule: start
  steps: [{intent: book}, {action: f}, {active_loop: f}]
- rule: submit
  condition: [{active_loop: f}]
  steps: [{action: f}, {active_loop: null}, {action: utter_ok}]
- rule: chat
  steps: [{intent: chat}, {action: utter_ok}]
- rule: inform
  steps: [{intent: inform}, {action: utter_ok}]
";

#[test]
fn the_first_mapping_that_yields_a_value_fills_the_slot() {
    let mut chat = Chat::new(SLOTS, SLOT_RULES);
    chat.say("inform");
    assert_eq!(chat.slot("first"), json!("inform"));
    chat.say(r#"inform{"size": "big"}"#);
    assert_eq!(chat.slot("first"), json!("big"));
    chat.say("chat");
    assert_eq!((chat.slot("first"), chat.slot("intended")), (json!("big"), json!("talked")));
}

#[test]
fn an_intent_that_is_named_beats_the_intents_that_a_form_ignores() {
    let mut chat = Chat::new(SLOTS, SLOT_RULES);
    chat.say("book");
    assert_eq!(chat.slot("outside"), Value::Null, "`active_loop: null` and `not_intent` both hold it back");
    chat.say("chat");
    assert_eq!(chat.slot("wanted"), json!("yes"));
    assert_eq!(chat.slot("asked"), Value::Null);
    assert_eq!(chat.slot("outside"), Value::Null, "not while a loop is active");
    chat.say("inform");
    assert_eq!(chat.slot("asked"), json!("inform"));
    chat.say("chat");
    assert_eq!(chat.slot("outside"), json!("seen"));
}

#[test]
fn a_custom_mapping_does_not_keep_the_next_one_from_filling_the_slot() {
    let domain = "intents: [go]\nentities: [n]\nactions: [action_find]\nslots:\n  n: {type: any, mappings: [{type: custom, action: action_find}, {type: from_entity, entity: n}]}\nresponses:\n  utter_ok: [{text: ok}]\n";
    let data = "rules:\n- rule: r\n  steps: [{intent: go}, {action: utter_ok}]\n";
    let mut chat = Chat::new(domain, data).serve(|_| answer(json!([])));
    chat.say(r#"go{"n": 4}"#);
    assert_eq!(chat.slot("n"), json!(4));
}

#[test]
fn a_session_start_of_ones_own_says_what_it_returns() {
    let domain = format!("{FORM}actions: [action_session_start]\n");
    let mut chat = Chat::new(&domain, START).serve(|call| {
        assert_eq!(call.name, "action_session_start");
        Ok(serde_json::from_value(json!({ "responses": [{ "text": "welcome" }], "events": [
            { "event": "session_started" }, { "event": "slot", "name": "size", "value": 7 },
            { "event": "action", "name": "action_listen" }] }))
        .unwrap())
    });
    assert_eq!(
        chat.events("chat")[..5],
        ["action action_session_start", "bot welcome", "session_started", "slot size=7", "action action_listen"]
    );
    assert_eq!(chat.slot("size"), json!(7));
    assert_eq!(chat.say("chat"), ["chatting"]);
}

#[test]
fn the_intent_session_start_begins_a_session() {
    let mut chat = Chat::new(FORM, START);
    chat.say(r#"chat{"size": 3}"#);
    let events = chat.events("session_start");
    assert_eq!(
        events,
        [
            "user",
            "user_featurization",
            "action action_session_start",
            "session_started",
            "slot size=3",
            "action action_listen"
        ]
    );
}

#[test]
fn a_two_stage_fallback_asks_with_the_bots_own_actions() {
    let domain = format!("{FORM}actions: [action_default_ask_affirmation]\n");
    let data = format!(
        "{START}- rule: fallback\n  steps: [{{intent: nlu_fallback}}, {{action: action_two_stage_fallback}}, {{active_loop: action_two_stage_fallback}}]\n"
    );
    let mut chat = Chat::new(&domain, &data).serve(|call| {
        assert_eq!(call.name, "action_default_ask_affirmation");
        Ok(serde_json::from_value(json!({ "responses": [{ "text": "Maksud Anda?" }] })).unwrap())
    });
    assert_eq!(chat.say("nlu_fallback"), ["Maksud Anda?"]);
    assert_eq!(chat.say("chat"), ["chatting"]);
}

#[test]
fn a_follow_up_that_the_domain_does_not_know_is_passed_over() {
    let domain = format!("{FORM}actions: [action_x]\n");
    let data = "rules:\n- rule: r\n  steps: [{intent: chat}, {action: action_x}, {action: utter_chat}]\n";
    let mut chat = Chat::new(&domain, data).serve(|_| answer(json!([{ "event": "followup", "name": "action_nope" }])));
    let done = chat.turn("chat");
    assert_eq!(done.messages.len(), 1);
    assert!(done.warnings.iter().any(|warning| warning.contains("action_nope")), "{:?}", done.warnings);
}

#[test]
fn slots_in_rules_compare_features_and_null_means_unset() {
    let domain = "
intents: [ask]
entities: [kind, name]
slots:
  kind: {type: categorical, values: [gold, silver], mappings: [{type: from_entity, entity: kind}]}
  name: {type: text, mappings: [{type: from_entity, entity: name}]}
responses:
  utter_gold: [{text: gold}]
  utter_named: [{text: named}]
  utter_unknown: [{text: who?}]
";
    let data = "rules:
- rule: gold
  condition: [{slot_was_set: [{kind: gold}]}]
  steps: [{intent: ask}, {action: utter_gold}]
- rule: named
  condition: [{slot_was_set: [{name: anybody}]}, {slot_was_set: [{kind: null}]}]
  steps: [{intent: ask}, {action: utter_named}]
- rule: unknown
  condition: [{slot_was_set: [{name: null}]}, {slot_was_set: [{kind: null}]}]
  steps: [{intent: ask}, {action: utter_unknown}]
";
    let mut chat = Chat::new(domain, data);
    assert_eq!(chat.say("ask"), ["who?"]);
    assert_eq!(chat.say(r#"ask{"name": "Ani"}"#), ["named"]);
    assert_eq!(chat.say(r#"ask{"kind": "GOLD"}"#), ["gold"]);
}
