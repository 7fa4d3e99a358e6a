//! The events that turns leave behind, exactly as Rasa's (spec §10.1, §10.2),
//! and that nothing of them is lost.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Project, Server, brief};

/// An event without what differs from run to run; `model_id` and `assistant_id`
/// must be on it.
fn without_ids(mut event: Value) -> Value {
    let fields = event.as_object_mut().expect("an object");
    assert!(fields.shift_remove("timestamp").is_some_and(|time| time.is_f64()), "no time");
    let metadata = fields["metadata"].as_object_mut().expect("metadata");
    assert!(metadata.shift_remove("model_id").is_some_and(|id| id.as_str().is_some_and(|id| !id.is_empty())));
    assert_eq!(metadata.shift_remove("assistant_id"), Some(json!("tiny")));
    if metadata.is_empty() {
        fields.shift_remove("metadata");
    }
    event
}

#[test]
fn a_greeting_leaves_the_reference_trace() {
    let server = Server::tiny();
    assert_eq!(server.say("u1", "hi"), [json!({ "recipient_id": "u1", "text": "Hello!" })]);
    let mut events: Vec<Value> = server.events("u1").into_iter().map(without_ids).collect();

    let user = events.remove(3);
    let parse_data = &user["parse_data"];
    assert_eq!((&user["event"], &user["text"], &user["input_channel"]), (&json!("user"), &json!("hi"), &json!("rest")));
    assert_eq!((&parse_data["intent"]["name"], &parse_data["text"]), (&json!("greet"), &json!("hi")));
    assert_eq!((&parse_data["entities"], &parse_data["metadata"]), (&json!([]), &json!({})));
    assert_eq!(parse_data["text_tokens"], json!([[0, 2]]));
    assert_eq!(parse_data["intent_ranking"].as_array().map(Vec::len), Some(5));
    assert!(user["message_id"].is_string() && user["message_id"] == parse_data["message_id"]);

    let action = |name: &str, policy: Value, confidence: Value, hidden: bool| json!({ "event": "action", "name": name, "policy": policy, "confidence": confidence, "action_text": null, "hide_rule_turn": hidden });
    let nothing = json!({ "elements": null, "quick_replies": null, "buttons": null, "attachment": null, "image": null, "custom": null });
    assert_eq!(
        json!(events),
        json!([
            action("action_session_start", json!(null), json!(1.0), false),
            { "event": "session_started" },
            action("action_listen", json!(null), json!(null), false),
            { "event": "user_featurization", "use_text_for_featurization": false },
            action("utter_greet", json!("RulePolicy"), json!(1.0), true),
            { "event": "bot", "text": "Hello!", "data": nothing, "metadata": { "utter_action": "utter_greet" } },
            action("action_listen", json!("RulePolicy"), json!(1.0), true),
        ])
    );
}

/// What a message adds to a conversation.
fn added(server: &Server, sender: &str, text: &str) -> Vec<String> {
    let before = server.events(sender).len();
    server.say(sender, text);
    brief(&server.events(sender)).split_off(before)
}

#[test]
fn a_form_leaves_the_reference_trace() {
    let server = Server::tiny();
    server.say("u1", "hi");
    assert_eq!(
        added(&server, "u1", "book a table"),
        [
            "user book a table",
            "user_featurization false",
            "action table_form",
            "active_loop table_form",
            "slot requested_slot=\"cuisine\"",
            "bot Which cuisine?",
            "action action_listen",
        ]
    );
    assert_eq!(
        added(&server, "u1", "italian"),
        [
            "user italian",
            "slot cuisine=\"italian\"",
            "user_featurization false",
            "action table_form",
            "slot requested_slot=\"people\"",
            "bot For how many people?",
            "action action_listen",
        ]
    );
    assert_eq!(
        added(&server, "u1", "four"),
        [
            "user four",
            "slot people=\"four\"",
            "user_featurization false",
            "action table_form",
            "slot requested_slot=null",
            "active_loop null",
            "action utter_booked",
            "bot Booked: italian for four.",
            "action action_listen",
        ]
    );
}

#[test]
fn a_question_in_the_middle_of_a_form_is_answered_and_the_form_asks_again() {
    let server = Server::tiny();
    server.say("u1", "book a table");
    assert_eq!(
        added(&server, "u1", "when do you open"),
        [
            "user when do you open",
            "action_execution_rejected table_form",
            "user_featurization false",
            "action utter_hours",
            "bot We are open from nine to five.",
            "action table_form",
            "slot requested_slot=\"cuisine\"",
            "bot Which cuisine?",
            "action action_listen",
        ]
    );
    assert_eq!(server.texts("u1", "thai"), ["For how many people?"]);
}

#[test]
fn a_server_killed_in_the_middle_of_a_form_goes_on_at_the_same_step() {
    let project = Project::tiny().trained();
    let mut server = Server::with_api(&project);
    server.say("u1", "book a table");
    let before = server.events("u1");
    server.stop();

    let mut server = Server::with_api(&project);
    assert_eq!(server.events("u1"), before);
    assert_eq!(server.texts("u1", "italian"), ["For how many people?"]);
    server.stop();

    let server = Server::with_api(&project);
    assert_eq!(server.texts("u1", "four"), ["Booked: italian for four."]);
}

#[test]
fn every_answered_message_is_on_disk_when_the_server_is_killed() {
    let project = Project::tiny().trained();
    let mut server = Server::with_api(&project);
    for number in 0..20 {
        server.say("u1", &format!("/greet{{\"city\":\"{number}\"}}"));
    }
    server.stop();
    let server = Server::with_api(&project);
    let users = brief(&server.events("u1")).into_iter().filter(|event| event.starts_with("user ")).count();
    assert_eq!(users, 20);
}

#[test]
fn the_database_is_for_its_owner_only() {
    let project = Project::tiny().trained();
    let server = Server::start(&project, &[]);
    server.say("u1", "hi");
    let databases: Vec<String> =
        project.files("").into_keys().filter(|name| name.starts_with("conversations.db")).collect();
    assert!(databases.iter().any(|name| name == "conversations.db"), "{databases:?}");
    for name in databases {
        let mode = project.path(&name).metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// A conversation with a filled slot whose last user message is long ago.
fn expired(carry_over: bool) -> Server {
    let project = Project::tiny();
    let config = format!(
        "session_config: {{session_expiration_time: 60, carry_over_slots_to_new_session: {carry_over}}}\nforms:\n"
    );
    project.edit("domain.yml", "forms:\n", &config);
    let server = Server::of(project.trained());
    let events = json!([
        { "event": "user", "text": "hi", "timestamp": 1000.0, "parse_data": { "intent": { "name": "greet", "confidence": 1.0 }, "entities": [] } },
        { "event": "slot", "name": "cuisine", "value": "thai", "timestamp": 1001.0 },
        { "event": "active_loop", "name": "table_form", "timestamp": 1002.0 },
    ]);
    assert_eq!(server.post("/conversations/u1/tracker/events", events.to_string()).status, 200);
    server
}

#[test]
fn after_a_session_has_expired_the_slots_are_carried_over_and_the_form_is_not() {
    let server = expired(true);
    assert_eq!(
        added(&server, "u1", "hi")[..5],
        ["action action_session_start", "session_started", "slot cuisine=\"thai\"", "action action_listen", "user hi"]
    );
    let tracker = server.tracker("u1");
    assert_eq!((&tracker["slots"]["cuisine"], &tracker["active_loop"]), (&json!("thai"), &json!({})));
}

#[test]
fn slots_are_not_carried_over_where_the_domain_says_so() {
    let server = expired(false);
    assert_eq!(
        added(&server, "u1", "hi")[..4],
        ["action action_session_start", "session_started", "action action_listen", "user hi"]
    );
    assert_eq!(server.tracker("u1")["slots"]["cuisine"], Value::Null);
}

#[test]
fn a_session_that_has_not_expired_goes_on() {
    let server = Server::tiny();
    server.say("u1", "hi");
    let more = added(&server, "u1", "hi");
    assert_eq!(more[0], "user hi");
    assert!(!more.contains(&"session_started".to_owned()));
}
