//! Reminders (spec §3.8): set by custom actions, fired once, after restarts too.

use serde_json::{Value, json};

use crate::support::{BotApi, FakeActions, Fault, Project, Server, brief, poll};

/// The time in so many milliseconds, as Python writes it.
fn in_milliseconds(milliseconds: i64) -> String {
    (chrono::Utc::now() + chrono::TimeDelta::milliseconds(milliseconds)).to_rfc3339()
}

fn reminder(name: &str, intent: &str, milliseconds: i64, kill_on_user_msg: bool) -> Value {
    json!({ "event": "reminder", "intent": intent, "entities": [{ "entity": "city", "value": "Bandung" }],
        "date_time": in_milliseconds(milliseconds), "name": name, "kill_on_user_msg": kill_on_user_msg })
}

fn answer(actions: &FakeActions, events: &[Value]) {
    actions.answer("action_work", 200, json!({ "events": events, "responses": [] }));
}

/// The bot whose action sets what the test says, with its action server.
fn project(actions: &FakeActions) -> Project {
    let project = Project::tiny().trained();
    actions.serve(&project, 5.0);
    project
}

/// Messages of a conversation that no user wrote.
fn external(server: &Server, sender: &str) -> Vec<Value> {
    let events = server.events(sender);
    events.into_iter().filter(|e| e["text"].as_str().is_some_and(|text| text.starts_with("EXTERNAL: "))).collect()
}

fn wait_for(server: &Server, sender: &str, count: usize) -> Vec<Value> {
    poll("the reminder", || Some(external(server, sender)).filter(|found| found.len() >= count))
}

#[test]
fn a_reminder_becomes_a_message_that_no_user_wrote() {
    let actions = FakeActions::start();
    let server = Server::of(project(&actions));
    answer(&actions, &[reminder("r", "hours", 50, true)]);
    assert_eq!(server.texts("a", "/work"), ["Done."]);
    let fired = &wait_for(&server, "a", 1)[0];
    // The channel of the last message is not lost to actions.
    assert_eq!((&fired["input_channel"], &fired["message_id"]), (&json!("rest"), &Value::Null));
    assert_eq!(fired["metadata"]["is_external"], true);
    assert_eq!(fired["parse_data"]["intent"]["name"], "hours");
    assert_eq!(fired["parse_data"]["entities"], json!([{ "entity": "city", "value": "Bandung" }]));
    let events = brief(&server.events("a"));
    let at = events.iter().position(|event| event == "user EXTERNAL: hours").expect("the message");
    assert_eq!(
        events[at + 1..],
        [
            "user_featurization false",
            "action utter_hours",
            "bot We are open from nine to five.",
            "action action_listen"
        ]
    );
}

#[test]
fn a_reminder_that_fell_due_while_the_server_was_down_is_sent_once_on_telegram() {
    let (api, actions) = (BotApi::start(), FakeActions::start());
    let project = project(&actions);
    api.serve(&project, "");
    answer(&actions, &[reminder("r", "hours", 1_200, false)]);
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    assert_eq!(api.texts(&server, 7, "/work"), ["Done."]);
    server.stop();
    assert_eq!(api.messages(7).len(), 1);
    let due = std::time::Instant::now() + std::time::Duration::from_millis(1_300);
    std::thread::sleep(due.saturating_duration_since(std::time::Instant::now()));
    for _ in 0..2 {
        let mut server = Server::with_api(&project);
        let sent = poll("the reminder", || Some(api.messages(7)).filter(|messages| messages.len() >= 2));
        assert_eq!(crate::support::texts(&sent), ["Done.", "We are open from nine to five."]);
        assert_eq!(external(&server, "7").len(), 1);
        server.stop();
    }
}

#[test]
fn a_reminders_message_that_was_on_its_way_is_sent_after_the_next_start() {
    let (api, actions) = (BotApi::start(), FakeActions::start());
    let project = project(&actions);
    api.serve(&project, "");
    answer(&actions, &[reminder("r", "hours", 50, false), reminder("s", "greet", 60, false)]);
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    assert_eq!(api.texts(&server, 7, "/work"), ["Done."]);
    // From here on Telegram takes nothing for this chat.
    api.fail_in(7, Fault::Answer(502, json!({ "ok": false, "description": "Bad Gateway" })));
    wait_for(&server, "7", 2);
    server.stop();
    api.heal(7);
    let server = Server::with_api(&project);
    let sent = poll("the reminders", || Some(api.messages(7)).filter(|messages| messages.len() >= 3));
    assert_eq!(crate::support::texts(&sent), ["Done.", "We are open from nine to five.", "Hello!"]);
    assert_eq!(external(&server, "7").len(), 2, "they do not fire again");
}

#[test]
fn a_message_of_the_user_calls_a_reminder_off_where_it_says_so() {
    let actions = FakeActions::start();
    let server = Server::of(project(&actions));
    answer(&actions, &[reminder("kept", "hours", 700, false), reminder("killed", "greet", 600, true)]);
    server.say("a", "/work");
    server.say("a", "/greet");
    let fired = wait_for(&server, "a", 1);
    let intents: Vec<&Value> = fired.iter().map(|event| &event["parse_data"]["intent"]["name"]).collect();
    assert_eq!(intents, ["hours"]);
}

#[test]
fn reminders_are_replaced_by_name_called_off_and_set_themselves_again() {
    let actions = FakeActions::start();
    let server = Server::of(project(&actions));
    // The second replaces the first; the third is called off in a later turn.
    answer(
        &actions,
        &[reminder("r", "greet", 600, false), reminder("r", "hours", 700, false), reminder("x", "greet", 600, false)],
    );
    server.say("a", "/work");
    answer(&actions, &[json!({ "event": "cancel_reminder", "name": "x", "intent": null, "entities": null })]);
    server.say("a", "/work");
    // Another conversation's reminder of that name is its own, and sets itself again.
    answer(&actions, &[reminder("r", "work", 50, false)]);
    server.say("b", "/work");
    wait_for(&server, "b", 2);
    answer(&actions, &[]);
    let fired = wait_for(&server, "a", 1);
    let intents: Vec<&Value> = fired.iter().map(|event| &event["parse_data"]["intent"]["name"]).collect();
    assert_eq!(intents, ["hours"]);
}

#[test]
fn a_new_session_or_a_restart_forgets_reminders() {
    let actions = FakeActions::start();
    let mut server = Server::of(project(&actions));
    answer(&actions, &[reminder("r", "hours", 600, false)]);
    server.say("a", "/work");
    server.say("a", "/restart");
    answer(&actions, &[reminder("other", "hours", 700, false)]);
    server.say("b", "/work");
    wait_for(&server, "b", 1);
    assert!(external(&server, "a").is_empty());
    // A time that is none is named in the log; the turn goes on.
    answer(&actions, &[json!({ "event": "reminder", "intent": "hours", "date_time": "besok", "name": "n" })]);
    assert_eq!(server.texts("c", "/work"), ["Done."]);
    assert!(server.stop().contains("no ISO 8601 time"));
}
