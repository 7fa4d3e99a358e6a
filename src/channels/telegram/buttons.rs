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
