//! An action server that is down, slow or talks nonsense never takes the
//! conversation down with it.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Answer, FakeActions, Project, RUNTIME, Server, brief};

const SORRY: &str = "Sorry, something is broken.";

/// Seconds the server waits for an action.
const PATIENCE: f64 = 0.3;
/// Where every answer comes in time.
const ENOUGH: f64 = 10.0;

/// What the message that needs the action left behind, after its user event.
fn work(server: &Server, sender: &str) -> Vec<String> {
    server.say(sender, "do the work");
    let events = brief(&server.events(sender));
    let user = events.iter().rposition(|event| event == "user do the work").expect("the user event");
    events[user + 1..].to_vec()
}

/// An action that failed counts as executed, the turn goes on and ends.
fn failed_turn() -> Vec<String> {
    let sorry = format!("bot {SORRY}");
    ["user_featurization false", "action action_work", &sorry, "action utter_done", "bot Done.", "action action_listen"]
        .map(str::to_owned)
        .to_vec()
}

#[test]
fn a_failing_action_ends_in_an_apology_and_the_next_message_works() {
    let actions = FakeActions::start();
    let project = Project::tiny().trained();
    actions.serve(&project, ENOUGH);
    let server = Server::with_api(&project);
    let bad_event = |event: Value| json!({ "events": [event] }).to_string();
    for (number, (what, status, body)) in [
        ("500", 500, json!({ "error": "boom", "request_body": {} }).to_string()),
        ("unknown action", 404, json!({ "error": "no", "action_name": "action_work" }).to_string()),
        ("400 that names no action", 400, json!({ "error": "Invalid body request" }).to_string()),
        ("no JSON", 200, "<html>".to_owned()),
        ("nothing", 200, String::new()),
        ("null", 200, "null".to_owned()),
        ("a list", 200, "[]".to_owned()),
        ("events is a text", 200, json!({ "events": "x" }).to_string()),
        ("unknown event", 200, bad_event(json!({ "event": "no_such" }))),
        ("slot event without a value", 200, bad_event(json!({ "event": "slot", "name": "cuisine" }))),
        ("slot event with a wrong name", 200, bad_event(json!({ "event": "slot", "name": 5, "value": 1 }))),
        ("response is a text", 200, json!({ "events": [], "responses": ["hello"] }).to_string()),
        ("redirect", 302, String::new()),
    ]
    .into_iter()
    .enumerate()
    {
        actions.answer("action_work", status, body);
        let sender = format!("u{number}");
        assert_eq!(work(&server, &sender).as_slice(), failed_turn(), "{what}");
        assert_eq!(server.texts(&sender, "hi"), ["Hello!"], "{what}");
    }
}

#[test]
fn one_bad_event_spoils_the_whole_answer() {
    let actions = FakeActions::start();
    let project = Project::tiny().trained();
    actions.serve(&project, ENOUGH);
    let server = Server::with_api(&project);
    let events = json!([{ "event": "slot", "name": "cuisine", "value": "thai" }, { "event": "slot" }]);
    actions.answer("action_work", 200, json!({ "events": events, "responses": [{ "text": "half" }] }));
    assert_eq!(work(&server, "u"), failed_turn());
    assert_eq!(server.tracker("u")["slots"]["cuisine"], Value::Null);
}

#[test]
fn an_action_server_that_is_down_or_slow_is_a_failed_action() {
    let actions = FakeActions::start();
    actions.script("action_work", Answer::Silence);
    let slow = Project::tiny().trained();
    actions.serve(&slow, PATIENCE);

    let down = Project::tiny().trained();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    down.write(
        "endpoints.yml",
        format!("action_endpoint: {{url: 'http://{free}/webhook'}}\ntracker_store: {{type: in_memory}}\n"),
    );

    let none = Project::tiny().trained();
    for (what, project) in [("slow", &slow), ("down", &down), ("no endpoint", &none)] {
        let server = Server::with_api(project);
        assert_eq!(work(&server, "u"), failed_turn(), "{what}");
        assert_eq!(server.texts("u", "hi"), ["Hello!"], "{what}");
    }
}

#[test]
fn an_action_server_that_comes_back_is_used_again() {
    let actions = FakeActions::start();
    let project = Project::tiny().trained();
    actions.serve(&project, ENOUGH);
    let server = Server::with_api(&project);
    actions.answer("action_work", 500, "");
    assert_eq!(server.texts("u", "do the work"), [SORRY, "Done."]);
    let answer = json!({ "events": [{ "event": "slot", "name": "cuisine", "value": "thai" }], "responses": [{ "text": "Worked." }] });
    actions.answer("action_work", 200, answer);
    assert_eq!(server.texts("u", "do the work"), ["Worked.", "Done."]);
    assert_eq!(server.tracker("u")["slots"]["cuisine"], "thai");
}

#[test]
fn without_an_apology_in_the_domain_the_turn_goes_on_in_silence_as_rasas() {
    let project = Project::tiny();
    project.edit("domain.yml", "  utter_action_failed:\n  - text: Sorry, something is broken.\n", "");
    let server = Server::of(project.trained());
    assert_eq!(
        work(&server, "u"),
        ["user_featurization false", "action action_work", "action utter_done", "bot Done.", "action action_listen"]
    );
}

#[test]
fn an_action_that_declines_is_not_executed_and_not_chosen_again() {
    let actions = FakeActions::start();
    let project = Project::tiny().trained();
    actions.serve(&project, ENOUGH);
    actions.answer("action_work", 400, json!({ "error": "not now", "action_name": "action_work" }));
    let server = Server::with_api(&project);
    assert_eq!(
        work(&server, "u"),
        [
            "action_execution_rejected action_work",
            "user_featurization false",
            "action action_default_fallback",
            "rewind",
            "action action_listen"
        ]
    );
    assert_eq!(actions.calls().len(), 1);
    assert_eq!(server.texts("u", "hi"), ["Hello!"]);
}

/// The small bot with a validation of its form.
fn validating() -> Project {
    let project = Project::tiny();
    project.edit("domain.yml", "- action_work\n", "- action_work\n- validate_table_form\n");
    project.trained()
}

#[test]
fn a_value_whose_validation_failed_does_not_stay_and_the_form_goes_on_later() {
    let actions = FakeActions::start();
    let project = validating();
    actions.serve(&project, ENOUGH);
    let server = Server::with_api(&project);
    assert_eq!(server.texts("u", "book a table"), ["Which cuisine?"]);
    for (status, body) in [(500, ""), (200, "nonsense"), (404, "{}")] {
        actions.answer("validate_table_form", status, body);
        assert!(server.texts("u", "italian").contains(&SORRY.to_owned()), "{status}");
        let tracker = server.tracker("u");
        assert_eq!(tracker["slots"]["cuisine"], Value::Null, "{status}");
        assert_eq!(tracker["slots"]["requested_slot"], "cuisine", "{status}");
        assert_eq!(tracker["active_loop"]["name"], "table_form", "{status}");
        assert_eq!(tracker["latest_action_name"], "action_listen", "{status}");
    }
    let accept = |slot: &str, value: &str| json!({ "events": [{ "event": "slot", "name": slot, "value": value }] });
    actions.answer("validate_table_form", 200, accept("cuisine", "Italian"));
    assert_eq!(server.texts("u", "italian"), ["For how many people?"]);
    actions.answer("validate_table_form", 200, accept("people", "4"));
    assert_eq!(server.texts("u", "four"), ["Booked: Italian for 4."]);
}

#[test]
fn a_validation_that_declines_hands_the_message_to_the_other_policies() {
    let actions = FakeActions::start();
    let project = validating();
    actions.serve(&project, ENOUGH);
    let server = Server::with_api(&project);
    server.say("u", "book a table");
    actions.answer("validate_table_form", 400, json!({ "error": "no", "action_name": "validate_table_form" }));
    server.say("u", "italian");
    let events = brief(&server.events("u"));
    assert!(events.contains(&"action_execution_rejected table_form".to_owned()), "{events:#?}");
    assert_eq!(events.last().map(String::as_str), Some("action action_listen"));
}

#[test]
fn the_request_has_the_keys_of_the_protocol() {
    let actions = FakeActions::start();
    let project = validating();
    actions.serve(&project, ENOUGH);
    let server = Server::with_api(&project);
    server.say("u", "book a table");
    server.say("u", "italian");
    let call = actions.calls().pop().expect("a call");

    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let mut top = keys(&call);
    top.sort();
    assert_eq!(top, ["domain", "next_action", "sender_id", "tracker", "version"]);
    assert_eq!(
        (&call["next_action"], &call["sender_id"], &call["version"]),
        (&json!("validate_table_form"), &json!("u"), &json!("3.6.21"))
    );
    let mut tracker = keys(&call["tracker"]);
    tracker.sort();
    assert_eq!(
        tracker,
        [
            "active_loop",
            "events",
            "followup_action",
            "latest_action",
            "latest_action_name",
            "latest_event_time",
            "latest_input_channel",
            "latest_message",
            "paused",
            "sender_id",
            "slots"
        ]
    );
    let tracker = &call["tracker"];
    assert_eq!(
        (&tracker["latest_message"]["text"], &tracker["latest_input_channel"]),
        (&json!("italian"), &json!("rest"))
    );
    assert_eq!(
        (&tracker["active_loop"]["name"], &tracker["slots"]["cuisine"]),
        (&json!("table_form"), &json!("italian"))
    );
    let events = brief(tracker["events"].as_array().expect("events"));
    assert_eq!(events[0], "action action_session_start");
    assert_eq!(
        events[events.len() - 3..],
        ["slot requested_slot=\"cuisine\"", "action table_form", "slot cuisine=\"italian\""]
    );
    assert_eq!(call["domain"]["forms"]["table_form"]["required_slots"], json!(["cuisine", "people"]));
    assert_eq!(call["domain"]["actions"], json!(["action_work", "validate_table_form"]));
}

#[test]
#[cfg(unix)]
fn a_database_that_is_moved_away_takes_no_more_turns() {
    let project = Project::tiny().trained();
    let mut server = Server::with_api(&project);
    assert_eq!(server.texts("a", "/greet"), ["Hello!"]);
    for (from, to) in [("conversations.db-wal", "away-wal"), ("conversations.db", "away")] {
        std::fs::rename(project.path(from), project.path(to)).expect("it is moved");
        let body = json!({ "sender": "b", "message": "/greet" }).to_string();
        let refused = server.post("/webhooks/rest/webhook", body);
        assert!(refused.status == 503 && !refused.body.contains(".db"), "{from}: {refused:?}");
    }
    assert!(server.stop().contains("it was moved or removed while it was in use"), "{}", server.log());
}

#[test]
fn a_conversation_that_cannot_be_read_is_said_and_harms_no_other() {
    let project = Project::tiny().trained();
    let server = Server::with_api(&project);
    assert_eq!(server.texts("a", "/greet"), ["Hello!"]);
    let url = format!("sqlite://{}", project.path("conversations.db").display());
    RUNTIME.block_on(async {
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        sqlx::query("UPDATE events SET data = '{rahasia' WHERE id = 2").execute(&pool).await.expect("a row");
        pool.close().await;
    });
    // Another server reads what is stored; this one may remember it.
    drop(server);
    let mut server = Server::with_api(&project);
    let body = json!({ "sender": "a", "message": "/greet" }).to_string();
    let refused = server.post("/webhooks/rest/webhook", body);
    assert!(refused.status == 500 && refused.body.contains("cannot be read"), "{refused:?}");
    assert!(!refused.body.contains("again") && !refused.body.contains("rahasia"), "{refused:?}");
    assert_eq!(server.texts("b", "/greet"), ["Hello!"]);
    let log = server.stop();
    assert!(log.contains("row 2 of table `events`") && !log.contains("rahasia"), "{log}");
}

#[test]
fn a_conversation_in_a_form_that_the_new_model_does_not_have_goes_on() {
    let project = Project::tiny().trained();
    let mut server = Server::with_api(&project);
    assert_eq!(server.texts("a", "book a table"), ["Which cuisine?"]);
    server.stop();
    for path in ["domain.yml", "data/rules.yml"] {
        let text = std::fs::read_to_string(project.path(path)).expect("a file");
        project.write(path, text.replace("table_form", "other_form"));
    }
    let project = project.trained();
    let server = Server::with_api(&project);
    assert_eq!(server.texts("a", "hello"), ["Hello!"]);
    assert_eq!(server.tracker("a")["active_loop"], json!({}));
}

/// What a form was told a thousand events ago counts after a restart, which reads only
/// what is newer than the session's snapshot; and one that is damaged costs nothing.
#[test]
fn a_long_session_goes_on_from_its_snapshot() {
    let project = Project::tiny().trained();
    let mut server = Server::with_api(&project);
    server.say("a", "book a table");
    assert_eq!(server.texts("a", "thai"), ["For how many people?"]);
    while server.events("a").len() < 1_100 {
        (0..20).for_each(|_| drop(server.say("a", "hi")));
    }
    let snapshot = |text: &'static str| {
        RUNTIME.block_on(async {
            let url = format!("sqlite://{}", project.path("conversations.db").display());
            let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
            let rows: Vec<(Option<String>,)> = sqlx::query_as(text).fetch_all(&pool).await.expect("the rows");
            pool.close().await;
            rows
        })
    };
    let kept = snapshot("SELECT snapshot FROM sapa_conversation WHERE snapshot_event_id > 400");
    assert!(kept[0].0.as_deref().is_some_and(|text| text.contains("\"thai\"")), "{kept:?}");
    server.stop();
    let mut server = Server::with_api(&project);
    assert_eq!(server.texts("a", "hi"), ["Hello!", "For how many people?"]);
    server.stop();
    snapshot("UPDATE sapa_conversation SET snapshot = '{\"current\": 1}' RETURNING snapshot");
    let server = Server::with_api(&project);
    assert_eq!(server.texts("a", "four"), ["Booked: thai for four."]);
    assert!(server.log().contains("a conversation's snapshot cannot be read"), "{}", server.log());
}
