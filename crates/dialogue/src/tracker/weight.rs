//! What an event weighs in memory, for caches: bytes, roughly. Whoever writes to
//! a bot chooses its size.

use sapa_sdk::{Event, EventBody, JsonMap};
use serde_json::Value;

/// An event without its content, a value without its, and a ranked intent.
const EVENT: usize = 350;
const VALUE: usize = 80;
const INTENT: usize = 130;

/// Metadata that the events of a conversation share.
const SHARED: [&str; 2] = ["model_id", "assistant_id"];

pub(super) fn of_event(event: &Event) -> usize {
    let body = match &event.body {
        EventBody::User { text, parse_data, .. } => {
            let ranking = INTENT * parse_data.intent_ranking.as_ref().map_or(0, Vec::len)
                + 16 * parse_data.text_tokens.as_ref().map_or(0, Vec::len);
            let entities = parse_data.entities.iter().map(|entity| EVENT + of_value(&entity.value));
            EVENT + of_text(text) + of_map(&parse_data.rest) + ranking + entities.sum::<usize>()
        }
        EventBody::Bot { text, data } => {
            let data =
                [&data.elements, &data.quick_replies, &data.buttons, &data.attachment, &data.image, &data.custom];
            of_text(text) + data.into_iter().map(of_value).sum::<usize>()
        }
        EventBody::Slot { name, value } => name.len() + of_value(value),
        _ => 0,
    };
    let own = event.metadata.iter().filter(|(key, _)| !SHARED.contains(&key.as_str()));
    EVENT + own.map(|(key, value)| of_entry(key, value)).sum::<usize>() + body
}

fn of_text(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

fn of_map(map: &JsonMap) -> usize {
    map.iter().map(|(key, value)| of_entry(key, value)).sum()
}

fn of_entry(key: &str, value: &Value) -> usize {
    VALUE + key.len() + of_value(value)
}

fn of_value(value: &Value) -> usize {
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(of_value).sum(),
            Value::Object(map) => of_map(map),
            _ => 0,
        }
}
