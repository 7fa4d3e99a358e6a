//! The HTTP API and the REST channel, from outside.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Project, Server, brief};

const WEBHOOK: &str = "/webhooks/rest/webhook";

fn message(sender: &str, text: &str) -> String {
    json!({ "sender": sender, "message": text }).to_string()
}

#[test]
fn without_the_api_only_health_version_and_channels_are_served() {
    let project = Project::tiny().trained();
    let server = Server::start(&project, &[]);
    assert_eq!(server.get("/").body, "Hello from Rasa: 3.6.21");
    assert_eq!(server.get("/version").json(), json!({ "version": "3.6.21", "minimum_compatible_version": "3.6.21" }));
    assert_eq!(server.get("/health").json()["status"], "ok");
    assert_eq!(server.get("/webhooks/rest/").json(), json!({ "status": "ok" }));
    assert_eq!(server.texts("a", "hi"), ["Hello!"]);
    for path in ["/status", "/domain", "/conversations/a/tracker", "/webhooks/telegram/", "/nothing"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    for path in ["/model/parse", "/conversations/a/tracker/events", "/model/train"] {
        assert_eq!(server.post(path, "{}").status, 404, "{path}");
    }
    assert_eq!(server.get(WEBHOOK).status, 405);
}

#[test]
fn the_api_tells_status_domain_and_what_it_understands() {
    let project = Project::tiny().trained();
    let server = Server::with_api(&project);
    let status = server.get("/status").json();
    let model = project.files("models").into_keys().next().expect("a model");
    assert_eq!((&status["model_file"], &status["num_active_training_jobs"]), (&json!(model), &json!(0)));
    assert_eq!(status["model_id"], server.get("/health").json()["model_id"]);

    let domain = |accept: &str| server.send(server.request(Method::GET, "/domain").header("accept", accept));
    let as_json = domain("application/json");
    assert!(as_json.kind.starts_with("application/json"));
    assert_eq!(as_json.json()["intents"], json!(["book", "greet", "hours", "inform", "work"]));
    let as_yaml = domain("application/x-yaml");
    let read: Value = serde_yaml::from_str(&as_yaml.body).expect("YAML");
    assert_eq!((as_yaml.kind.as_str(), read), ("application/x-yaml", as_json.json()));
    assert_eq!(domain("text/html").status, 406);

    let parsed = server.post("/model/parse", r#"{"text": "hello"}"#).json();
    assert_eq!((&parsed["text"], &parsed["intent"]["name"]), (&json!("hello"), &json!("greet")));
    assert_eq!(parsed["intent_ranking"][0]["name"], "greet");
    for body in ["", "{}", r#"{"text": 5}"#, r#"{"text": "#, "[]"] {
        assert_eq!(server.post("/model/parse", body).status, 400, "{body}");
    }
}

#[test]
fn an_error_has_the_shape_of_rasas_errors() {
    let server = Server::tiny();
    let error = server.post("/model/parse", "{").json();
    let keys: Vec<&String> = error.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["version", "status", "message", "reason", "details", "help", "code"]);
    assert_eq!(
        (&error["status"], &error["reason"], &error["code"]),
        (&json!("failure"), &json!("BadRequest"), &json!(400))
    );
}

#[test]
fn the_tracker_shows_as_many_events_as_asked_for() {
    let server = Server::tiny();
    server.say("a", "hi");
    server.say("a", "/restart");
    server.say("a", "hi");
    let events = |query: &str| {
        let tracker = server.get(&format!("/conversations/a/tracker{query}")).json();
        tracker["events"].as_array().map(|events| brief(events).join(", "))
    };
    let all = events("?include_events=ALL").expect("events");
    let after = events("?include_events=AFTER_RESTART").expect("events");
    assert_eq!(all.matches("user hi").count(), 2);
    assert_eq!(after.matches("user hi").count(), 1);
    assert!(all.ends_with(&after) && all.contains("restart"));
    assert_eq!(events("").as_ref(), Some(&after), "the default is AFTER_RESTART");
    assert_eq!(events("?include_events=after_restart").as_ref(), Some(&after), "case does not matter");
    assert_eq!(events("?include_events=APPLIED").expect("events").matches("user hi").count(), 1);
    assert_eq!(events("?include_events=NONE"), None);
    assert_eq!(events("?include_events=ALL&until=1000"), events("?include_events=ALL&until=1"));
    for bad in ["?include_events=SOME", "?include_events=", "?until=yesterday"] {
        assert_eq!(server.get(&format!("/conversations/a/tracker{bad}")).status, 400, "{bad}");
    }
}

#[test]
fn the_tracker_of_an_unknown_conversation_is_a_session_start_that_is_not_saved() {
    let server = Server::tiny();
    let expected = ["action action_session_start", "session_started", "action action_listen"];
    for _ in 0..2 {
        assert_eq!(brief(&server.events("nobody")), expected);
    }
    server.say("nobody", "hi");
    assert_eq!(brief(&server.events("nobody"))[..4], [&expected[..], &["user hi"]].concat());
    let tracker = server.tracker("with/slashes");
    assert_eq!(tracker["sender_id"], "with/slashes");
}

#[test]
fn the_latest_message_is_empty_before_the_first_message_and_nameless_when_not_understood() {
    let server = Server::tiny();
    let latest = |sender: &str| server.tracker(sender)["latest_message"].clone();
    let empty = json!({ "intent": {}, "entities": [], "text": null, "message_id": null, "metadata": {} });
    assert_eq!(latest("nobody"), empty, "as Rasa writes it");
    server.say("a", "hi");
    assert_eq!(latest("a")["intent"]["name"], "greet");
    server.say("a", "/restart");
    assert_eq!(latest("a"), empty, "a restart forgets it");
}

#[test]
fn events_are_appended_one_or_many_and_a_bad_one_changes_nothing() {
    let server = Server::tiny();
    let path = "/conversations/a/tracker/events";
    let one = server.post(path, json!({ "event": "slot", "name": "cuisine", "value": "thai" }).to_string());
    assert_eq!((one.status, &one.json()["slots"]["cuisine"]), (200, &json!("thai")));
    let many = json!([{ "event": "slot", "name": "people", "value": "4" }, { "event": "pause" }]);
    let many = server.post(path, many.to_string());
    assert_eq!((many.status, &many.json()["paused"]), (200, &json!(true)));
    let before = server.events("a");
    assert_eq!(
        brief(&before),
        [
            "action action_session_start",
            "session_started",
            "action action_listen",
            "slot cuisine=\"thai\"",
            "slot people=\"4\"",
            "pause"
        ]
    );
    assert_eq!(server.texts("a", "hi"), Vec::<String>::new(), "a paused bot is silent");
    let before = server.events("a");
    for bad in [
        json!({}),
        json!([]),
        json!("slot"),
        json!({ "event": "no_such" }),
        json!({ "event": "slot", "name": "cuisine" }),
        json!({ "event": "slot", "name": "x", "value": 1, "timestamp": "now" }),
        json!([{ "event": "slot", "name": "cuisine", "value": "italian" }, { "event": "slot" }]),
    ] {
        let reply = server.post(path, bad.to_string());
        assert_eq!(reply.status, 400, "{bad}: {reply:?}");
    }
    assert_eq!(server.post(path, "{").status, 400);
    assert_eq!(server.post(&format!("{path}?include_events=SOME"), r#"{"event":"resume"}"#).status, 400);
    assert_eq!(server.events("a"), before);
}

#[test]
fn the_api_asks_for_the_token_and_webhooks_do_not() {
    let project = Project::tiny().trained();
    let server = Server::start(&project, &["--enable-api", "--auth-token", "s3cret"]);
    for path in ["/status", "/domain", "/conversations/a/tracker"] {
        assert_eq!(server.get(path).status, 401, "{path}");
        assert_eq!(server.get(path).json()["reason"], "NotAuthenticated");
        for wrong in ["", "s3cre", "s3crets", "S3CRET"] {
            assert_eq!(server.get(&format!("{path}?token={wrong}")).status, 401, "{path} {wrong}");
        }
        assert_eq!(server.get(&format!("{path}?token=s3cret")).status, 200, "{path}");
    }
    let event = r#"{"event":"pause"}"#;
    assert_eq!(server.post("/conversations/a/tracker/events", event).status, 401);
    assert_eq!(server.texts("a", "hi"), ["Hello!"], "the event was not taken");
    for open in ["/", "/version", "/health", "/webhooks/rest/"] {
        assert_eq!(server.get(open).status, 200, "{open}");
    }
}

#[test]
fn malformed_messages_get_a_400_and_leave_no_trace() {
    let server = Server::tiny();
    let deep =
        format!(r#"{{"sender":"a","message":"hi","metadata":{}{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let list = "[".repeat(10_000);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("no JSON", b"hi".to_vec()),
        ("nothing", Vec::new()),
        ("cut off", br#"{"sender":"a","message":"h"#.to_vec()),
        ("a list", b"[]".to_vec()),
        ("deep object", deep.into_bytes()),
        ("deep list", list.into_bytes()),
        ("bad UTF-8", b"{\"sender\":\"a\",\"message\":\"caf\xe9\"}".to_vec()),
        ("NUL in the sender", br#"{"sender":"a\u0000b","message":"hi"}"#.to_vec()),
        ("empty sender", br#"{"sender":"","message":"hi"}"#.to_vec()),
        ("long sender", message(&"x".repeat(300), "hi").into_bytes()),
        ("sender is a list", br#"{"sender":[],"message":"hi"}"#.to_vec()),
        ("message is a number", br#"{"sender":"a","message":5}"#.to_vec()),
        ("metadata is a list", br#"{"sender":"a","message":"hi","metadata":[1]}"#.to_vec()),
        ("metadata is a text", br#"{"sender":"a","message":"hi","metadata":"x"}"#.to_vec()),
    ];
    for (what, body) in cases {
        let reply = server.post(WEBHOOK, body);
        assert_eq!(reply.status, 400, "{what}: {reply:?}");
        assert!(reply.json()["message"].is_string(), "{what}");
    }
    assert_eq!(server.events("a").len(), 3, "only the session start that is shown for nobody");
    assert_eq!(server.texts("a", "hi"), ["Hello!"]);
}

#[test]
fn a_request_that_is_too_large_is_refused_and_the_server_goes_on() {
    let server = Server::tiny();
    for path in [WEBHOOK, "/model/parse", "/conversations/a/tracker/events"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: sapa\r\n");
        // One byte too many, so that the server has read all when it answers: a
        // connection that is closed with bytes unread may lose its answer.
        let size = (1 << 20) + 1;
        let whole = format!("{head}Content-Length: {size}\r\n\r\n{}", "x".repeat(size));
        assert_eq!(server.raw(whole.as_bytes()), Some(413), "{path}");
        let streamed = format!("{head}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{}", "x".repeat(size));
        assert_eq!(server.raw(streamed.as_bytes()), Some(413), "{path}");
    }
    let long = |characters: usize| message("a", &format!("hi {}", "é".repeat(characters - 3)));
    assert_eq!(server.post(WEBHOOK, long(8_192)).status, 200, "long, but within the limit");
    assert_eq!(server.post(WEBHOOK, long(8_193)).status, 413);
    assert_eq!(server.texts("b", "hi"), ["Hello!"]);
}

/// What is stored is wrapped a few levels deeper than what came, and readers of
/// JSON stop at 128 levels: a value near that bound would make its conversation
/// unreadable.
#[test]
fn deep_values_never_make_a_conversation_unreadable() {
    let server = Server::tiny();
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [20, 63, 64, 65, 110, 120, 125, 126, 127] {
        let metadata = format!(r#"{{"sender":"a","message":"hi","metadata":{{"a":{}}}}}"#, nested(depth));
        let expected = if depth < 64 { 200 } else { 400 };
        assert_eq!(server.post(WEBHOOK, metadata).status, expected, "metadata of depth {depth}");
        let payload = message("a", &format!(r#"/greet{{"name":{}}}"#, nested(depth)));
        assert_eq!(server.post(WEBHOOK, payload).status, 200, "entity of depth {depth}");
        let event = format!(r#"{{"event":"slot","name":"x","value":{}}}"#, nested(depth));
        let status = server.post("/conversations/a/tracker/events", event).status;
        assert_eq!(status, expected, "event of depth {depth}");
        assert_eq!(server.texts("a", "hi"), ["Hello!"], "depth {depth}");
    }
}

#[test]
fn an_idempotency_key_counts_within_its_conversation_and_must_be_visible_ascii() {
    let server = Server::tiny();
    let post = |sender: &str, key: &str| {
        server.send(server.request(Method::POST, WEBHOOK).header("Idempotency-Key", key).body(message(sender, "hi")))
    };
    assert_eq!(post("a", "k").json()[0]["recipient_id"], "a");
    assert_eq!(post("b", "k").json()[0]["recipient_id"], "b");
    for odd in ["", "  ", &"k".repeat(256)] {
        assert_eq!(post("a", odd).status, 400, "{odd:?}");
    }
}

#[test]
fn a_body_announced_as_too_large_is_refused_before_it_comes() {
    let server = Server::tiny();
    let announced = format!("POST {WEBHOOK} HTTP/1.1\r\nHost: sapa\r\nContent-Length: {}\r\n\r\n", 2 << 20);
    assert_eq!(server.raw(announced.as_bytes()), Some(413));
}

#[test]
fn a_body_of_very_many_values_is_refused_and_half_an_emoji_is_mended() {
    let server = Server::tiny();
    let body =
        |values: usize| format!(r#"{{"sender":"a","message":"hello","metadata":{{"a":[{}1]}}}}"#, "1,".repeat(values));
    assert_eq!(server.post(WEBHOOK, body(5_000)).status, 200);
    let refused = server.post(WEBHOOK, body(50_000));
    assert!(refused.status == 400 && refused.body.contains("10000 values"), "{refused:?}");
    let mended = server.post(WEBHOOK, r#"{"sender":"b","message":"hello \ud83d"}"#);
    assert_eq!(mended.json()[0]["text"], "Hello!", "{mended:?}");
}

#[test]
fn an_unknown_address_is_told_without_what_is_personal_in_it() {
    let server = Server::tiny();
    for path in ["/nope/budi@contoh.go.id/3201126708910003", "/conversations/3201126708910003/nope"] {
        let reply = server.get(path);
        assert_eq!(reply.status, 404, "{reply:?}");
        assert!(
            reply.body.contains("nope") && !reply.body.contains("3201") && !reply.body.contains("budi"),
            "{reply:?}"
        );
    }
}

#[test]
fn an_empty_message_is_answered_with_nothing_and_odd_texts_are_kept_as_they_are() {
    let server = Server::tiny();
    for body in [r#"{"sender":"a"}"#, r#"{"sender":"a","message":"  \n "}"#, r#"{"sender":"a","message":null}"#] {
        let reply = server.post(WEBHOOK, body);
        assert_eq!((reply.status, reply.body.as_str()), (200, "[]"), "{body}");
    }
    for (number, text) in
        ["a\u{0}b", "\u{202e}abc", "👩‍👩‍👧", "é e\u{301}", "/greet{", "/{}", "{\"a\":1}", "' OR 1=1 --"].iter().enumerate()
    {
        let sender = format!("odd{number}");
        server.say(&sender, text);
        let events = server.events(&sender);
        let user = events.iter().find(|event| event["event"] == "user").unwrap_or_else(|| panic!("{text:?} is lost"));
        assert_eq!(user["text"], *text);
        assert_eq!(brief(&events).last().map(String::as_str), Some("action action_listen"), "{text:?}");
    }
}

#[test]
fn a_streamed_answer_is_one_message_a_line() {
    let server = Server::tiny();
    let reply = server.post(&format!("{WEBHOOK}?stream=true"), message("a", "book a table"));
    assert!(reply.kind.starts_with("text/event-stream"), "{reply:?}");
    let lines: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let buttons = json!([{ "title": "Italian", "payload": "italian" }, { "title": "Thai", "payload": "thai" }]);
    assert_eq!(lines, [json!({ "recipient_id": "a", "text": "Which cuisine?", "buttons": buttons })]);
    assert!(reply.body.ends_with('\n'));
}

#[test]
fn metadata_and_the_channels_name_stand_on_the_user_event() {
    let server = Server::tiny();
    let body = json!({ "sender": 62812, "message": " hi ", "input_channel": "web", "metadata": { "page": "/home" } });
    server.post(WEBHOOK, body.to_string());
    let events = server.events("62812");
    let user = events.iter().find(|event| event["event"] == "user").expect("a user event");
    assert_eq!(
        (&user["text"], &user["input_channel"], &user["metadata"]["page"]),
        (&json!("hi"), &json!("web"), &json!("/home"))
    );
    assert_eq!(brief(&events)[0], "slot session_started_metadata={\"page\":\"/home\"}");
}

#[test]
fn a_repeated_idempotency_key_gets_the_same_reply_and_one_turn() {
    let project = Project::tiny().trained();
    let mut server = Server::with_api(&project);
    server.say("a", "book a table");
    let keyed = |server: &Server, text: &str| {
        server.request(Method::POST, WEBHOOK).header("Idempotency-Key", "k1").body(message("a", text))
    };
    let first = server.send(keyed(&server, "italian"));
    assert_eq!(first.json()[0]["text"], "For how many people?");
    let again = server.all_at_once((0..5).map(|_| keyed(&server, "italian")).collect());
    assert!(again.iter().all(|reply| reply.status == 200 && reply.body == first.body), "{again:?}");
    server.stop();
    let server = Server::with_api(&project);
    assert_eq!(server.send(keyed(&server, "italian")).body, first.body, "also after a restart");
    let events = brief(&server.events("a"));
    assert_eq!(events.iter().filter(|event| event.starts_with("user ")).count(), 2, "{events:#?}");
}

#[test]
fn the_same_new_key_sent_many_times_at_once_is_one_turn() {
    let server = Server::tiny();
    let keyed = || server.request(Method::POST, WEBHOOK).header("Idempotency-Key", "new").body(message("a", "hi"));
    let replies = server.all_at_once((0..10).map(|_| keyed()).collect());
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.json()[0]["text"] == "Hello!"), "{replies:?}");
    let events = brief(&server.events("a"));
    assert_eq!(events.iter().filter(|event| event.starts_with("user ")).count(), 1, "{events:#?}");
}

#[test]
fn fifty_messages_of_one_sender_at_once_are_all_answered_and_each_has_its_whole_turn() {
    let server = Server::tiny();
    let text = |number: usize| format!("/greet{{\"city\": \"{number}\"}}");
    let requests = (0..50).map(|number| server.request(Method::POST, WEBHOOK).body(message("a", &text(number))));
    for reply in server.all_at_once(requests.collect()) {
        assert_eq!((reply.status, &reply.json()[0]["text"]), (200, &json!("Hello!")), "{reply:?}");
    }
    let events = server.events("a");
    let said: BTreeSet<String> =
        events.iter().filter_map(|e| e["text"].as_str().filter(|_| e["event"] == "user")).map(str::to_owned).collect();
    assert_eq!(said, (0..50).map(text).collect());
    let turns: Vec<String> = brief(&events).into_iter().skip(3).collect();
    assert_eq!(turns.len(), 50 * 5);
    for turn in turns.chunks(5) {
        assert!(turn[0].starts_with("user /greet"), "{turn:?}");
        assert_eq!(turn[1..], ["user_featurization false", "action utter_greet", "bot Hello!", "action action_listen"]);
    }
    let times: Vec<f64> = events.iter().filter_map(|event| event["timestamp"].as_f64()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "events are in the order of their times");
}
