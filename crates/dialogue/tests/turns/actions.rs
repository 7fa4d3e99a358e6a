//! Running actions: answers, failures, rejections, follow-ups, the circuit
//! breaker (spec §3.5, §4.2).

use sapa_dialogue::ActionFailure;
use sapa_sdk::ActionResponse;
use serde_json::json;

use super::chat::{Chat, answer};

const DOMAIN: &str = "
intents: [go, hi]
slots:
  n: {type: any, mappings: [{type: custom}]}
actions: [action_go]
responses:
  utter_hi: [{text: 'hi {n}'}]
  utter_note: [{text: 'note {what}', buttons: [{title: A, payload: /a}]}]
  utter_action_failed: [{text: sorry}]
";
const RULES: &str = "
rules:
- rule: go
  steps: [{intent: go}, {action: action_go}]
- rule: hi
  steps: [{intent: hi}, {action: utter_hi}]
";

#[test]
fn messages_come_before_the_returned_events_and_responses_are_filled() {
    let mut chat = Chat::new(DOMAIN, RULES).serve(|_| {
        Ok(serde_json::from_value::<ActionResponse>(json!({
            "events": [{"event": "slot", "name": "n", "value": 3, "timestamp": null}],
            "responses": [
                {"text": "plain", "buttons": [], "custom": {}, "image": null},
                {"response": "utter_note", "what": "this", "buttons": [{"title": "B", "payload": "/b"}]},
                {"response": "utter_no_such"},
            ],
        }))
        .unwrap())
    });
    let done = chat.turn("go");
    let events: Vec<String> = done.events[5..].iter().map(|e| super::chat::short(e)).collect();
    assert_eq!(events, ["action action_go", "bot plain", "bot note this", "slot n=3", "action action_listen"]);
    assert_eq!(done.messages[1].data.buttons.as_array().map(Vec::len), Some(2));
    assert_eq!(done.messages[1].metadata["utter_action"], "utter_note");
    assert_eq!(chat.say("hi"), ["hi 3"]);
    assert_eq!(done.warnings, ["an action's answer: no response `utter_no_such` fits"]);
}

#[test]
fn what_an_answer_asks_for_in_vain_is_told() {
    let mut chat = Chat::new(DOMAIN, RULES).serve(|_| {
        Ok(serde_json::from_value::<ActionResponse>(json!({
            "events": [{"event": "slot", "name": "no_slot", "value": 3}],
            "responses": [{"response": "utter_note", "other": 1}],
        }))
        .unwrap())
    });
    let done = chat.turn("go");
    assert_eq!(done.messages[0].text.as_deref(), Some("note {what}"));
    assert_eq!(
        done.warnings,
        [
            "action `action_go` set the slot `no_slot`, which is not in the domain",
            "response `utter_note`: no slot and no action fills `{what}`",
        ]
    );
}

#[test]
fn a_loop_that_the_domain_does_not_have_begins_not() {
    let mut chat = Chat::new(DOMAIN, RULES).serve(|_| answer(json!([{"event": "active_loop", "name": "no_form"}])));
    let done = chat.turn("go");
    assert_eq!(done.warnings, ["action `action_go` began the loop `no_form`, which is not in the domain"]);
    assert_eq!(chat.active_loop(), None);
    assert_eq!(chat.say("hi"), ["hi None"]);
}

#[test]
fn a_broken_action_counts_as_run_and_the_user_is_told() {
    let mut chat = Chat::new(DOMAIN, RULES);
    let done = chat.turn("go");
    assert_eq!(done.messages[0].text.as_deref(), Some("sorry"));
    assert_eq!(super::chat::short(&done.events[5]), "action action_go");
    assert_eq!(chat.say("hi"), ["hi None"]);
}

#[test]
fn the_user_is_told_once_however_many_actions_break() {
    let domain = DOMAIN.replace("actions: [action_go]", "actions: [action_go, action_next]");
    let rules = RULES.replace("{action: action_go}]", "{action: action_go}, {action: action_next}]");
    let mut chat = Chat::new(&domain, &rules);
    let done = chat.turn("go");
    assert_eq!(done.messages.iter().filter_map(|m| m.text.as_deref()).collect::<Vec<_>>(), ["sorry"]);
    assert_eq!(done.decisions.iter().filter(|d| d.action != "action_listen").count(), 2);
    // A later turn tells it anew.
    assert_eq!(chat.say("go"), ["sorry"]);
}

#[test]
fn a_rejected_action_is_not_logged_and_another_is_predicted() {
    let mut chat = Chat::new(DOMAIN, RULES).serve(|_| Err(ActionFailure::Rejected));
    let events = chat.events("go");
    assert_eq!(events[4..6], ["rejected action_go", "user_featurization"]);
    assert_eq!(events[6], "action action_default_fallback");
}

#[test]
fn a_follow_up_comes_next() {
    let mut chat = Chat::new(DOMAIN, RULES).serve(|_| answer(json!([{"event": "followup", "name": "utter_hi"}])));
    let done = chat.turn("go");
    let follow = done.decisions.iter().find(|d| d.action == "utter_hi").unwrap();
    assert_eq!((follow.policy.as_str(), follow.confidence), ("followup_action", 1.0));
}

#[test]
fn the_circuit_breaker_ends_a_turn_that_never_listens() {
    let mut chat = Chat::new(DOMAIN, RULES).serve(|_| answer(json!([{"event": "followup", "name": "action_go"}])));
    let done = chat.turn("go");
    assert_eq!(chat.calls.len(), 10);
    assert!(done.warnings.last().unwrap().contains("circuit breaker"));
    assert_eq!(chat.say("hi"), ["hi None"]);
}

#[test]
fn a_paused_conversation_is_silent_until_it_restarts() {
    let mut chat = Chat::new(DOMAIN, RULES).serve(|_| answer(json!([{"event": "pause"}])));
    chat.say("go");
    assert!(chat.say("hi").is_empty());
    chat.say("restart");
    assert_eq!(chat.say("hi"), ["hi None"]);
}

#[test]
fn each_call_of_a_turn_has_a_number_of_its_own() {
    let mut count = 0;
    let mut chat = Chat::new(DOMAIN, RULES).serve(move |_| {
        count += 1;
        answer(if count < 3 { json!([{"event": "followup", "name": "action_go"}]) } else { json!([]) })
    });
    chat.say("go");
    assert_eq!(chat.calls.iter().map(|c| c.step).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn two_stage_fallback_asks_and_goes_on_with_what_was_meant() {
    let domain =
        format!("{DOMAIN}  utter_ask_rephrase: [{{text: rephrase}}]\n  utter_default: [{{text: giving up}}]\n");
    let rules = format!(
        "{RULES}- rule: fallback\n  steps: [{{intent: nlu_fallback}}, {{action: action_two_stage_fallback}}, {{active_loop: action_two_stage_fallback}}]\n"
    );
    let mut chat = Chat::new(&domain, &rules);
    assert!(chat.say("nlu_fallback")[0].starts_with("Did you mean"));
    assert_eq!(chat.say("hi"), ["hi None"]);
    assert_eq!(chat.active_loop(), None);
    chat.say("nlu_fallback");
    assert_eq!(chat.say("out_of_scope"), ["rephrase"]);
    chat.say("nlu_fallback");
    assert_eq!(chat.say("out_of_scope"), ["giving up"]);
}

#[test]
fn an_nlg_server_is_given_what_the_action_fills_in_and_the_id_of_the_variation() {
    let domain =
        "intents: [go]\nactions: [action_work]\nresponses:\n  utter_done: [{text: 'Done {what}', id: first}]\n";
    let data = "rules:\n- rule: r\n  steps: [{intent: go}, {action: action_work}]\n";
    let mut chat = Chat::new(domain, data)
        .serve(|_| {
            Ok(serde_json::from_value(json!({ "responses": [{ "response": "utter_done", "what": "it" }] })).unwrap())
        })
        .write(|call| {
            assert_eq!((call.response.as_str(), call.id.as_deref()), ("utter_done", Some("first")));
            let text = format!("written: {}", call.arguments["what"].as_str().unwrap());
            Ok(json!({ "text": text }).as_object().cloned())
        });
    assert_eq!(chat.say("go"), ["written: it"]);
}

#[test]
fn an_action_that_listens_itself_does_not_keep_a_turn_going_for_ever() {
    let spoken = json!({"event": "user", "text": "go", "parse_data": {"intent": {"name": "go", "confidence": 1.0}}});
    for events in [json!([{"event": "action", "name": "action_listen"}]), json!([listen(), spoken])] {
        let mut chat = Chat::new(DOMAIN, RULES).serve(move |_| answer(events.clone()));
        let done = chat.turn("go");
        assert!(chat.calls.len() <= 10, "{}", chat.calls.len());
        assert!(done.warnings.iter().any(|w| w.contains("circuit breaker")), "{:?}", done.warnings);
        assert_eq!(chat.say("hi"), ["hi None"]);
    }
}

fn listen() -> serde_json::Value {
    json!({"event": "action", "name": "action_listen"})
}

#[test]
fn after_a_turn_broken_off_behind_a_listen_the_next_message_is_heard() {
    let spoken = json!({"event": "user", "text": "go", "parse_data": {"intent": {"name": "go", "confidence": 1.0}}});
    let rules = "rules:
- rule: go
  steps: [{intent: go}, {action: utter_hi}, {action: utter_note}, {action: action_go}]
- rule: hi
  steps: [{intent: hi}, {action: utter_hi}]
";
    let mut chat = Chat::new(DOMAIN, rules).serve(move |_| answer(json!([listen(), spoken.clone()])));
    chat.say("go");
    assert_eq!(chat.say("hi"), ["hi None"]);
}

#[test]
fn two_stage_fallback_asks_a_second_time_after_a_denial() {
    let domain =
        format!("{DOMAIN}  utter_ask_rephrase: [{{text: rephrase}}]\n  utter_default: [{{text: giving up}}]\n");
    let rules = format!(
        "{RULES}- rule: fallback\n  steps: [{{intent: nlu_fallback}}, {{action: action_two_stage_fallback}}, {{active_loop: action_two_stage_fallback}}]\n"
    );
    let mut chat = Chat::new(&domain, &rules);
    chat.say("nlu_fallback");
    assert_eq!(chat.say("out_of_scope"), ["rephrase"]);
    assert!(chat.say("nlu_fallback")[0].starts_with("Did you mean"));
    assert_eq!(chat.say("out_of_scope"), ["giving up"]);
    chat.say("nlu_fallback");
    assert_eq!(chat.say("nlu_fallback"), ["giving up"]);
}

#[test]
fn an_utterance_listed_as_an_action_is_still_an_utterance() {
    let domain = DOMAIN.replace("actions: [action_go]", "actions: [action_go, utter_written]");
    let rules = "rules:\n- rule: r\n  steps: [{intent: go}, {action: utter_written}]\n";
    let mut chat = Chat::new(&domain, rules)
        .write(|call| Ok(json!({ "text": format!("from the NLG server: {}", call.response) }).as_object().cloned()));
    assert_eq!(chat.say("go"), ["from the NLG server: utter_written"]);
    assert!(chat.calls.is_empty());
}
