//! Payloads of buttons. Telegram takes at most 64 bytes: a longer payload is
//! replaced by a token, and found again among what the bot said in that very
//! conversation. So tokens survive restarts and mean nothing to anybody else.

use sapa_sdk::{Event, EventBody};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest callback data, bytes (Bot API, `InlineKeyboardButton`).
const MOST_BYTES: usize = 64;

/// No payload of Rasa's begins so.
const TOKEN_MARK: char = '#';

/// What is sent along with a button.
pub(super) fn callback_data(payload: &str) -> String {
    if payload.is_empty() || payload.len() > MOST_BYTES || payload.starts_with(TOKEN_MARK) {
        token(payload)
    } else {
        payload.to_owned()
    }
}

/// Whether this stands for a payload.
pub(super) fn is_token(data: &str) -> bool {
    data.starts_with(TOKEN_MARK)
}

/// The payload behind a token, among the buttons of the conversation.
pub(super) fn resolve(data: &str, events: &[Event]) -> Option<String> {
    let said = events.iter().rev().filter_map(|event| match &event.body {
        EventBody::Bot { data, .. } => Some(data),
        _ => None,
    });
    said.flat_map(|said| payloads(&said.buttons).chain(payloads(&said.quick_replies)))
        .find(|payload| token(payload) == data)
        .map(str::to_owned)
}

/// Key of a user event's metadata: the message's number within its chat.
pub(super) const MESSAGE_NUMBER: &str = "message_number";

/// Whether the bot has asked anew with a button of the same payload since the user
/// wrote something below that keyboard: the old button would answer the new
/// question. Telegram counts the messages of a chat up.
pub(super) fn is_outdated(data: &str, keyboard: i32, events: &[Event]) -> bool {
    let is_below = |event: &Event| match &event.body {
        EventBody::User { .. } => event
            .metadata
            .get(MESSAGE_NUMBER)
            .and_then(Value::as_i64)
            .is_some_and(|number| number > i64::from(keyboard)),
        _ => false,
    };
    let Some(written) = events.iter().position(is_below) else { return false };
    let asks = |event: &Event| match &event.body {
        EventBody::Bot { data: said, .. } => payloads(&said.buttons).any(|payload| callback_data(payload) == data),
        _ => false,
    };
    events[written..].iter().any(asks)
}

fn payloads(buttons: &Value) -> impl Iterator<Item = &str> {
    let rows = buttons.as_array().into_iter().flatten();
    rows.flat_map(|row| row.as_array().map_or(std::slice::from_ref(row), Vec::as_slice))
        .filter_map(|button| button.get("payload").and_then(Value::as_str))
}

/// `#` and 24 characters of the payload's SHA-256.
fn token(payload: &str) -> String {
    let digest = Sha256::digest(payload.as_bytes());
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("{TOKEN_MARK}{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_button_does_not_answer_a_question_that_was_asked_after_it() {
        let user = |number: i64| json!({"event": "user", "text": "tidak", "metadata": {MESSAGE_NUMBER: number}});
        let asks = |payload: &str| json!({"event": "bot", "text": "?", "data": {"buttons": [{"title": "b", "payload": payload}]}});
        let events = |values: &[Value]| -> Vec<Event> {
            values.iter().map(|value| Event::from_json(value, 1.0).unwrap()).collect()
        };
        let said = events(&[user(10), asks("/ya"), user(12), asks("/ya")]);
        assert!(is_outdated("/ya", 11, &said), "the keyboard of message 11 is that of the first question");
        assert!(!is_outdated("/ya", 13, &said));
        assert!(!is_outdated("/menu", 11, &said), "nothing else is asked with it");
        assert!(!is_outdated("/ya", 11, &said[..3]), "the question stands");
    }

    #[test]
    fn a_long_payload_comes_back_from_what_the_bot_said() {
        let long = format!("/daftar_tte{{\"nip\": \"{}\"}}", "x".repeat(80));
        assert_eq!(callback_data("/ya"), "/ya");
        let data = callback_data(&long);
        assert!(is_token(&data) && data.len() <= MOST_BYTES);
        let said = json!({"event": "bot", "text": "?", "data": {"buttons": [{"title": "a", "payload": "/ya"}, {"title": "b", "payload": long}]}});
        let said = Event::from_json(&said, 1.0).unwrap();
        assert_eq!(resolve(&data, std::slice::from_ref(&said)), Some(long));
        assert_eq!(resolve("#000000000000000000000000", &[said]), None);
        assert!(is_token(&callback_data("#palsu")));
    }
}
