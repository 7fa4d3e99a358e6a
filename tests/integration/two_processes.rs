//! Two servers on one SQLite file.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::support::{Project, Server};

/// New files that are opened by two at once: a race is not met every time.
const NEW_FILES: usize = 12;
/// Messages that each server gets at once.
const MESSAGES: usize = 8;

#[test]
fn two_servers_that_start_at_once_on_a_new_file_both_come_up() {
    let project = Project::tiny().trained();
    for number in 0..NEW_FILES {
        let name = format!("endpoints-{number}.yml");
        project.write(&name, format!("tracker_store: {{type: SQL, dialect: sqlite, db: new-{number}.db}}\n"));
        let start = || Server::start(&project, &["--endpoints", &name]);
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(start);
            (start(), other.join().expect("the other server"))
        });
        assert_eq!(first.texts("a", "hi"), ["Hello!"]);
        assert_eq!(second.texts("b", "hi"), ["Hello!"]);
    }
}

#[test]
fn messages_that_two_servers_get_at_once_have_one_turn_each() {
    let project = Project::tiny().trained();
    let servers = [Server::with_api(&project), Server::with_api(&project)];
    let text = |server: usize, number: usize| format!("hello from {server}, message {number}");
    let request = |server: usize, number: usize| {
        let body = json!({ "sender": "both", "message": text(server, number) });
        servers[server].request(Method::POST, "/webhooks/rest/webhook").body(body.to_string())
    };
    let requests = (0..MESSAGES).flat_map(|number| [request(0, number), request(1, number)]).collect();
    for reply in servers[0].all_at_once(requests) {
        assert_eq!((reply.status, reply.json().as_array().map(Vec::len)), (200, Some(1)), "{reply:?}");
    }
    let mut turns: BTreeMap<String, usize> = BTreeMap::new();
    let events = servers[0].events("both");
    for event in events.iter().filter(|event| event["event"] == "user") {
        *turns.entry(event["text"].as_str().expect("a text").to_owned()).or_default() += 1;
    }
    let all = (0..MESSAGES).flat_map(|number| [text(0, number), text(1, number)]).map(|text| (text, 1));
    assert_eq!(turns, all.collect());
    let starts = events.iter().filter(|event| event["event"] == "session_started").count();
    assert_eq!(starts, 1, "one session, whoever began it");
    let both = [servers[0].events("both"), servers[1].events("both")];
    assert_eq!(both[0], both[1], "both servers tell the same");
}
