//! The same update many times, and a whole crowd of messages in one chat.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Toll, report, rounds};
use crate::support::{BotApi, Project, Server, poll};
use crate::telegram::{WEBHOOK, hook, tiny};

/// How often an update comes at the same time.
const TIMES: usize = 10;
/// Messages that come at the same time in one chat.
const CROWD: i64 = 50;

/// Delivers updates at the same time, each until it is taken.
fn deliver(server: &Server, secret: &str, updates: &[Value]) {
    let mut left: Vec<&Value> = updates.iter().collect();
    poll("the deliveries", || {
        let requests = left.iter().map(|update| {
            let request = server.request(reqwest::Method::POST, "/webhooks/telegram/webhook");
            request.header("X-Telegram-Bot-Api-Secret-Token", secret).body(update.to_string())
        });
        let replies = server.all_at_once(requests.collect());
        left = left.iter().zip(replies).filter(|(_, reply)| reply.status != 200).map(|(update, _)| *update).collect();
        left.is_empty().then_some(())
    });
}

/// The user's messages of a chat.
fn said(server: &Server, chat: i64) -> Vec<String> {
    let events = server.events(&chat.to_string());
    let user = events.into_iter().filter(|event| event["event"] == "user");
    user.map(|event| event["text"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn an_update_that_comes_ten_times_at_once_and_after_a_kill_has_one_turn_and_one_answer() {
    let (api, project, runs) = (BotApi::start(), Project::tiny(), rounds(2, 100));
    api.serve(&project, WEBHOOK);
    let project = project.trained();
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    let secret = api.webhook().expect("a webhook").1;
    let mut toll = Toll { kills: runs, messages: runs, ..Toll::default() };
    for chat in 1..=i64::try_from(runs).expect("a number") {
        let updates = vec![api.text(chat, "hi"); TIMES];
        deliver(&server, &secret, &updates);
        server.wait_until_sent();
        server.stop();
        server = Server::with_api(&project);
        deliver(&server, &secret, &updates);
        server.wait_until_sent();
        toll.doubled_turns += said(&server, chat).len().saturating_sub(1);
        toll.doubled_answers += api.messages(chat).len().saturating_sub(1);
        toll.lost += usize::from(said(&server, chat).is_empty()) + usize::from(api.messages(chat).is_empty());
    }
    report("the same update 10 times at once, and 10 times after a kill", runs, &toll);
    assert_eq!(toll, Toll { kills: runs, messages: runs, ..Toll::default() });
    // The button of a keyboard that was pressed twice is one press.
    let press = |number: i64| {
        let mut press = api.press_data(1, 77, "/greet");
        press["update_id"] = json!(9_000_000 + number);
        press
    };
    deliver(&server, &secret, &(0..4).map(press).collect::<Vec<_>>());
    server.wait_until_sent();
    poll("the presses' ends", || (api.open_queries() == 0).then_some(()));
    assert_eq!(said(&server, 1).len(), 2, "one press counts");
}

#[test]
fn a_crowd_in_one_chat_is_served_in_order_and_keeps_no_other_chat_waiting() {
    let ((api, server), runs) = (tiny(""), rounds(1, 20));
    let mut toll = Toll::default();
    for run in 0..runs {
        let chat = 100 + i64::try_from(run).expect("a number");
        let texts: Vec<String> = (0..CROWD).map(|number| format!("/greet{{\"city\":\"{number}\"}}")).collect();
        let mut updates: Vec<Value> = texts.iter().map(|text| api.text(chat, text)).collect();
        updates.push(api.text(7, "hi"));
        api.queue(updates);
        poll("the confirmation", || api.all_confirmed().then_some(()));
        server.wait_until_sent();
        assert_eq!(said(&server, chat), texts, "in the order of their numbers");
        toll.messages += texts.len() + 1;
        toll.lost += texts.len().saturating_sub(api.messages(chat).len());
        toll.doubled_answers += api.messages(chat).len().saturating_sub(texts.len());
    }
    toll.lost += runs.saturating_sub(api.messages(7).len());
    report("50 messages of one chat at once, polled", runs, &toll);
    assert_eq!(toll, Toll { messages: toll.messages, ..Toll::default() });
}

#[test]
fn a_crowd_that_is_delivered_at_once_has_one_turn_a_message_in_the_order_of_acceptance() {
    let ((api, server), runs) = (tiny(WEBHOOK), rounds(1, 20));
    let secret = api.webhook().expect("a webhook").1;
    let mut toll = Toll::default();
    for run in 0..runs {
        let chat = 100 + i64::try_from(run).expect("a number");
        let texts: BTreeSet<String> = (0..CROWD).map(|number| format!("/greet{{\"city\":\"{number}\"}}")).collect();
        let updates: Vec<Value> = texts.iter().map(|text| api.text(chat, text)).collect();
        deliver(&server, &secret, &updates);
        server.wait_until_sent();
        let said = said(&server, chat);
        toll.messages += texts.len();
        toll.doubled_turns += said.len().saturating_sub(texts.len());
        assert_eq!(said.into_iter().collect::<BTreeSet<_>>(), texts);
        toll.lost += texts.len().saturating_sub(api.messages(chat).len());
        toll.doubled_answers += api.messages(chat).len().saturating_sub(texts.len());
    }
    report("50 messages of one chat at once, delivered", runs, &toll);
    assert_eq!(toll, Toll { messages: toll.messages, ..Toll::default() });
    assert_eq!(hook(&server, Some("falsch"), "{}"), 403);
}
