//! The custom action protocol's bodies (spec §4.1, §4.2).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Event, JsonMap, TrackerState};

/// What the server posts to the action server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ActionRequest {
    /// Action to run.
    #[serde(default)]
    pub next_action: Option<String>,
    /// Conversation id.
    #[serde(default)]
    pub sender_id: String,
    /// Conversation with all events of the session.
    #[serde(default)]
    pub tracker: TrackerState,
    /// Version of the protocol.
    #[serde(default)]
    pub version: String,
    /// The domain; absent under `enable_selective_domain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Value>,
}

/// One message of an action's answer: free text, rich content or the name of a
/// response to be filled (spec §4.2). Rasa looks at no types here, so reading is
/// lenient: what says nothing (`null`, `{}`, `0`) counts as left out, another value
/// than a text as its text, and one button or element as a list of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseItem {
    /// Free text.
    #[serde(default, deserialize_with = "lenient_text")]
    pub text: Option<String>,
    /// Buttons.
    #[serde(default, deserialize_with = "lenient_list")]
    pub buttons: Vec<Value>,
    /// Elements.
    #[serde(default, deserialize_with = "lenient_list")]
    pub elements: Vec<Value>,
    /// Channel-specific JSON.
    #[serde(default)]
    pub custom: Value,
    /// Name of a response of the domain.
    #[serde(default, deserialize_with = "lenient_text")]
    pub response: Option<String>,
    /// Image URL.
    #[serde(default, deserialize_with = "lenient_text")]
    pub image: Option<String>,
    /// Attachment.
    #[serde(default)]
    pub attachment: Value,
    /// Values that fill the response's placeholders, before slots.
    #[serde(flatten)]
    pub rest: JsonMap,
}

/// What the action server answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionResponse {
    /// Events to apply, in order.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub events: Vec<Event>,
    /// Messages, sent before the events apply.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub responses: Vec<ResponseItem>,
}

/// Whether a value says nothing: Python's idea of false.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        value if is_nothing(&value) => None,
        other => Some(other.to_string()),
    })
}

fn lenient_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(list) => list,
        value if is_nothing(&value) => Vec::new(),
        one => vec![one],
    })
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_read_leniently() {
        let answer = json!({ "events": null, "responses": [
            { "text": 5, "buttons": null, "elements": {}, "image": [], "response": null, "custom": null },
            { "text": false, "buttons": { "title": "A" }, "image": "http://i", "n": null },
        ]});
        let answer: ActionResponse = serde_json::from_value(answer).unwrap();
        let (first, second) = (&answer.responses[0], &answer.responses[1]);
        assert_eq!(*first, ResponseItem { text: Some("5".into()), ..ResponseItem::default() });
        assert_eq!((second.text.as_deref(), second.buttons.as_slice()), (None, &[json!({ "title": "A" })][..]));
        assert_eq!(second.image.as_deref(), Some("http://i"));
    }

    #[test]
    fn an_event_is_still_held_to_its_schema() {
        assert!(serde_json::from_value::<ActionResponse>(json!({ "events": [{ "event": "slot" }] })).is_err());
    }
}
