//! A Bot API that takes messages and loses its answers, or wants a rest.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Toll, report, rounds};
use crate::support::{BotApi, FakeActions, Fault, Project, Server, poll, poll_for};
use crate::telegram::tiny;

/// Chats that write at once.
const CHATS: i64 = 20;

#[test]
fn a_message_whose_answer_was_lost_arrives_and_its_double_is_counted() {
    let ((api, server), runs) = (tiny(""), rounds(1, 20));
    let chats: Vec<i64> = (1..=CHATS).collect();
    for run in 0..runs {
        api.fail("sendMessage", (0..CHATS).map(|call| if call % 4 == 0 { Fault::Lost } else { Fault::None }));
        api.queue(chats.iter().map(|chat| api.text(*chat, "hi")).collect::<Vec<_>>());
        poll("the confirmation", || api.all_confirmed().then_some(()));
        poll("the answers", || chats.iter().all(|chat| api.messages(*chat).len() > run).then_some(()));
        server.wait_until_sent();
    }
    let (messages, lost_answers) = (runs * chats.len(), runs * chats.len().div_ceil(4));
    let arrived: usize = chats.iter().map(|chat| api.messages(*chat).len()).sum();
    let toll = Toll { messages, doubled_answers: arrived - messages, ..Toll::default() };
    report("the Bot API takes a message and loses the answer", runs, &toll);
    assert_eq!(toll.doubled_answers, lost_answers, "each lost answer is one double, and no more");
}

#[test]
fn a_bot_api_that_wants_a_rest_gets_it_from_the_whole_bot() {
    let ((api, server), runs) = (tiny(""), rounds(1, 5));
    let rest = Duration::from_secs(rounds(2, 5) as u64);
    let mut toll = Toll::default();
    for run in 0..runs {
        let wants = json!({ "ok": false, "error_code": 429, "description": "Too Many Requests",
            "parameters": { "retry_after": rest.as_secs() } });
        api.fail("sendMessage", [Fault::Answer(429, wants)]);
        let before = api.calls("sendMessage").len();
        api.queue([api.text(1, "hi")]);
        let refused = poll("the refusal", || (api.calls("sendMessage").len() > before).then(Instant::now));
        api.queue((2..=CHATS).map(|chat| api.text(chat, "hi")).collect::<Vec<_>>());
        poll("the confirmation", || api.all_confirmed().then_some(()));
        poll("the next message", || (api.calls("sendMessage").len() > before + 1).then_some(()));
        // A little less: when the refusal came was seen from outside.
        assert!(refused.elapsed() + Duration::from_millis(100) >= rest, "the bot rested {:?}", refused.elapsed());
        server.wait_until_sent();
        toll.messages += 20;
        toll.lost += (1..=CHATS).filter(|chat| api.messages(*chat).len() <= run).count();
        toll.doubled_answers += (1..=CHATS).filter(|chat| api.messages(*chat).len() > run + 1).count();
    }
    report("429: the whole bot rests as long as it is told", runs, &toll);
    assert_eq!(toll, Toll { messages: toll.messages, ..Toll::default() });
}

/// Messages that answer nobody, to so many chats at once.
#[test]
fn a_reply_goes_before_a_broadcast_that_telegram_interrupts_and_none_is_lost() {
    let (api, actions, chats) = (BotApi::start(), FakeActions::start(), rounds(40, 10_000) as i64);
    let (rest, lead) = (Duration::from_secs(rounds(2, 35) as u64), chrono::TimeDelta::seconds(rounds(3, 90) as i64));
    let project = Project::tiny();
    actions.serve(&project, 10.0);
    api.serve(&project, "");
    let server = Server::of(project.trained());
    api.wait_for_bot();
    let arrived = |chat: i64| api.messages(chat).len();
    // Twenty a second go out, and there are as many answers before.
    let long = rest + Duration::from_secs(60 + rounds(40, 10_000) as u64 / 10);
    let due = chrono::Utc::now() + lead;
    let reminder = json!({ "event": "reminder", "intent": "hours", "date_time": due.to_rfc3339(), "name": "siaran" });
    actions.answer("action_work", 200, json!({ "events": [reminder], "responses": [] }));
    api.queue((1..=chats).map(|chat| api.text(chat, "/work")).collect::<Vec<_>>());
    poll_for(long, "the confirmation", || api.all_confirmed().then_some(()));
    poll_for(long, "the first answers", || (1..=chats).all(|chat| arrived(chat) > 0).then_some(()));
    assert!(chrono::Utc::now() < due, "this machine is too slow for so many chats");
    let sent = || api.calls("sendMessage").len();
    let before = sent();
    poll_for(long, "a part of the broadcast", || (sent() > before + 10).then_some(()));
    let wants = json!({ "ok": false, "error_code": 429, "description": "Too Many Requests",
        "parameters": { "retry_after": rest.as_secs() } });
    let refused = sent();
    api.fail("sendMessage", [Fault::Answer(429, wants)]);
    poll("the refusal", || (sent() > refused).then_some(()));
    let begun = Instant::now();
    // What was on its way beside it has arrived.
    std::thread::sleep(Duration::from_millis(300));
    let resting = sent();
    api.queue([api.text(chats + 1, "hi")]);
    poll_for(long, "the next message", || (sent() > resting).then_some(()));
    assert!(begun.elapsed() + Duration::from_millis(100) >= rest, "the bot rested {:?}", begun.elapsed());
    let replied = poll("the reply", || {
        api.calls("sendMessage").iter().position(|call| call["chat_id"] == chats + 1).map(|at| at - resting)
    });
    // They are sent beside each other: it may be overtaken on the way.
    assert!(replied < 5, "{replied} went before the reply");
    poll_for(long, "the broadcast", || (1..=chats).all(|chat| arrived(chat) > 1).then_some(()));
    server.wait_until_sent();
    let toll = Toll {
        messages: 2 * usize::try_from(chats).expect("a number") + 1,
        lost: (1..=chats).map(|chat| 2_usize.saturating_sub(arrived(chat))).sum(),
        doubled_answers: (1..=chats).map(|chat| arrived(chat).saturating_sub(2)).sum(),
        ..Toll::default()
    };
    report("429 in the middle of a broadcast; replies go first", 1, &toll);
    assert_eq!(toll, Toll { messages: toll.messages, ..Toll::default() });
}
