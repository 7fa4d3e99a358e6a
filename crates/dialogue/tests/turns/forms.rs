//! Forms (spec §3.6, §10.2).

use sapa_dialogue::ActionFailure;
use serde_json::{Value, json};

use super::chat::{Chat, answer};

const DOMAIN: &str = "
intents: [book, inform, hours, stop]
entities: [cuisine, people]
slots:
  cuisine: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: cuisine}]}
  people: {type: any, mappings: [{type: from_entity, entity: people}]}
forms:
  booking: {required_slots: [cuisine, people]}
responses:
  utter_ask_cuisine: [{text: cuisine?}]
  utter_ask_booking_people: [{text: how many?}]
  utter_done: [{text: 'booked {cuisine} for {people}'}]
  utter_hours: [{text: nine to five}]
  utter_stopped: [{text: stopped}]
  utter_action_failed: [{text: sorry}]
";
const RULES: &str = "
rules:
- rule: start
  steps: [{intent: book}, {action: booking}, {active_loop: booking}]
- rule: submit
  condition: [{active_loop: booking}]
  steps: [{action: booking}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: utter_done}]
- rule: hours
  steps: [{intent: hours}, {action: utter_hours}]
- rule: stop
  condition: [{active_loop: booking}]
  steps: [{intent: stop}, {action: action_deactivate_loop}, {active_loop: null}, {action: utter_stopped}]
";

fn validated() -> String {
    format!("{DOMAIN}actions: [validate_booking]\n")
}

#[test]
fn a_form_without_validation_writes_the_reference_trace() {
    let mut chat = Chat::new(DOMAIN, RULES);
    assert_eq!(
        chat.events("book")[3..],
        [
            "user",
            "user_featurization",
            "action booking",
            "loop booking",
            "slot requested_slot=\"cuisine\"",
            "bot cuisine?",
            "action action_listen"
        ]
    );
    assert_eq!(
        chat.events(r#"inform{"cuisine": "thai"}"#),
        [
            "user",
            "slot cuisine=\"thai\"",
            "user_featurization",
            "action booking",
            "slot requested_slot=\"people\"",
            "bot how many?",
            "action action_listen"
        ]
    );
    assert_eq!(
        chat.events(r#"inform{"people": 4}"#),
        [
            "user",
            "slot people=4",
            "user_featurization",
            "action booking",
            "slot requested_slot=null",
            "loop -",
            "action utter_done",
            "bot booked thai for 4",
            "action action_listen"
        ]
    );
    assert_eq!(chat.active_loop(), None);
}

#[test]
fn an_interruption_is_answered_and_the_question_comes_back() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("book");
    assert_eq!(
        chat.events("hours"),
        [
            "user",
            "rejected booking",
            "user_featurization",
            "action utter_hours",
            "bot nine to five",
            "action booking",
            "slot requested_slot=\"cuisine\"",
            "bot cuisine?",
            "action action_listen"
        ]
    );
    assert_eq!(chat.say(r#"inform{"cuisine": "thai"}"#), ["how many?"]);
}

#[test]
fn a_form_is_left_by_a_rule_and_can_start_again() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("book");
    assert_eq!(chat.say("stop"), ["stopped"]);
    assert_eq!(chat.active_loop(), None);
    assert_eq!(chat.slot("requested_slot"), Value::Null);
    assert_eq!(chat.say("book"), ["cuisine?"]);
}

#[test]
fn slots_that_the_trigger_fills_are_not_asked_for() {
    let mut chat = Chat::new(DOMAIN, RULES);
    assert_eq!(chat.say(r#"book{"cuisine": "thai"}"#), ["how many?"]);
    assert_eq!(chat.say(r#"inform{"people": 0}"#), ["booked thai for 0"]);
}

#[test]
fn another_required_slot_is_no_interruption() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("book");
    assert_eq!(chat.say(r#"inform{"people": 2}"#), ["cuisine?"]);
    assert_eq!(chat.slot("people"), json!(2));
}

#[test]
fn what_validation_is_sent_ends_with_request_form_and_candidates() {
    let mut chat = Chat::new(&validated(), RULES).serve(|call| {
        let value = call.request.tracker.slot("cuisine").clone();
        answer(if value.is_null() { json!([]) } else { json!([{"event": "slot", "name": "cuisine", "value": "THAI"}]) })
    });
    chat.say("book");
    chat.say(r#"inform{"cuisine": "thai"}"#);
    let call = chat.calls.last().unwrap();
    let events: Vec<String> =
        call.request.tracker.events().iter().rev().take(3).rev().map(super::chat::short).collect();
    assert_eq!(events, ["slot requested_slot=\"cuisine\"", "action booking", "slot cuisine=\"thai\""]);
    assert_eq!(call.request.next_action.as_deref(), Some("validate_booking"));
    assert!(call.needs_domain);
    assert_eq!(chat.slot("cuisine"), json!("THAI"));
}

#[test]
fn a_value_that_validation_refuses_is_asked_for_again() {
    let mut chat = Chat::new(&validated(), RULES).serve(|call| {
        let refused = json!([{"event": "slot", "name": "cuisine", "value": null}]);
        answer(if call.request.tracker.slot("cuisine").is_null() { json!([]) } else { refused })
    });
    chat.say("book");
    assert_eq!(chat.say(r#"inform{"cuisine": "mud"}"#), ["cuisine?"]);
    assert_eq!(chat.slot("cuisine"), Value::Null);
}

#[test]
fn when_validation_breaks_the_value_does_not_stay_and_the_user_is_told() {
    let mut chat = Chat::new(&validated(), RULES).serve(|call| match call.request.tracker.slot("cuisine") {
        Value::Null => answer(json!([])),
        _ => Err(ActionFailure::Failed("down".into())),
    });
    chat.say("book");
    let done = chat.turn(r#"inform{"cuisine": "thai"}"#);
    assert_eq!(done.messages[0].text.as_deref(), Some("sorry"));
    assert!(done.warnings[0].contains("validate_booking"));
    assert_eq!(chat.slot("cuisine"), Value::Null);
    assert_eq!(chat.active_loop().as_deref(), Some("booking"));
    assert_eq!(chat.slot("requested_slot"), json!("cuisine"));
}

#[test]
fn while_validation_is_down_the_form_can_be_left() {
    let custom = validated().replace("mappings: [{type: from_entity, entity: people}]", "mappings: [{type: custom}]");
    // An answer that only the action server could have seen is not passed over.
    for (domain, reply) in [(validated(), "stopped"), (custom, "sorry")] {
        let mut chat =
            Chat::new(&domain, RULES).serve(|call| match call.request.tracker.latest_message.text.as_deref() {
                Some("stop") => Err(ActionFailure::Failed("down".into())),
                _ => answer(json!([])),
            });
        chat.say("book");
        chat.say(r#"inform{"cuisine": "thai"}"#);
        assert_eq!(chat.slot("requested_slot"), json!("people"));
        let done = chat.turn("stop");
        assert!(done.warnings[0].contains("validate_booking"));
        assert_eq!(done.messages[0].text.as_deref(), Some(reply));
        assert_eq!(chat.active_loop().is_none(), reply == "stopped");
    }
}

#[test]
fn a_form_that_fails_before_it_begins_is_not_submitted() {
    let book = r#"book{"cuisine": "thai"}"#;
    let fails = |_: &_| Err(ActionFailure::Failed("down".into()));
    let mut chat = Chat::new(&validated(), RULES).serve(fails);
    let done = chat.turn(book);
    let texts: Vec<_> = done.messages.iter().filter_map(|message| message.text.as_deref()).collect();
    assert_eq!((texts, chat.active_loop()), (vec!["sorry"], None));
    assert_eq!(chat.slot("cuisine"), Value::Null);
    // Without an apology in the domain Rasa's way is kept: the submitting rule follows.
    let silent = validated().replace("  utter_action_failed: [{text: sorry}]\n", "");
    let done = Chat::new(&silent, RULES).serve(fails).turn(book);
    assert_eq!(done.messages.last().and_then(|message| message.text.as_deref()), Some("booked None for None"));
}

#[test]
fn validation_may_choose_the_next_slot_or_end_the_form() {
    let mut ends = Chat::new(&validated(), RULES)
        .serve(|_| answer(json!([{"event": "slot", "name": "requested_slot", "value": null}])));
    assert_eq!(ends.events("book").last().unwrap(), "action action_listen");
    assert_eq!(ends.active_loop(), None);
    let mut chooses = Chat::new(&validated(), RULES)
        .serve(|_| answer(json!([{"event": "slot", "name": "requested_slot", "value": "people"}])));
    assert_eq!(chooses.say("book"), ["how many?"]);
}

#[test]
fn validation_may_decline_for_the_form() {
    let mut chat = Chat::new(&validated(), RULES).serve(|call| {
        let user = call.request.tracker.latest_message.text.clone().unwrap_or_default();
        if user == "hours" { Err(ActionFailure::Rejected) } else { answer(json!([])) }
    });
    chat.say("book");
    assert_eq!(chat.say("hours")[0], "nine to five");
}

#[test]
fn repeated_executions_of_a_form_look_like_one_to_the_policies() {
    let mut chat = Chat::new(DOMAIN, RULES);
    chat.say("book");
    chat.say(r#"inform{"cuisine": "thai"}"#);
    let actions = chat.tracker.applied_events().filter(|e| super::chat::short(e) == "action booking").count();
    assert_eq!(actions, 1);
}
