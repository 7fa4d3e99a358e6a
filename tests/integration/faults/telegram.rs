//! A Bot API that takes messages and loses its answers, or wants a rest.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Toll, report, rounds};
use crate::support::{Fault, poll};
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
