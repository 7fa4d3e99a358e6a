//! Events as rows of Rasa's `events` table (spec §6.1).

use sapa_sdk::{Event, EventBody};
use serde::{Serialize, Serializer};

use super::arguments::unstorable;
use crate::store::StoreError;

/// Room for an event as it comes most of the time.
const EVENT_BYTES: usize = 512;

/// One row but for its id and sender. As JSON: `[type, timestamp, intent, name,
/// data]`.
#[derive(Debug)]
pub(super) struct EventRow<'a> {
    pub(super) kind: &'static str,
    /// Unix seconds.
    pub(super) timestamp: f64,
    pub(super) intent: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    /// The event's JSON.
    pub(super) data: String,
}

impl<'a> EventRow<'a> {
    pub(super) fn of(event: &'a Event) -> Result<Self, StoreError> {
        let kind = event.type_name();
        let data = data(event, kind).map_err(|error| unstorable(&error))?;
        // What serde_json writes is UTF-8, and so is what is put between.
        let data = String::from_utf8(data)
            .map_err(|error| StoreError::Invalid(format!("a value cannot be stored: {error}")))?;
        let (intent, name) = (event.intent_column(), event.name_column());
        Ok(Self { kind, timestamp: event.timestamp, intent, name, data })
    }
}

impl Serialize for EventRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.kind, self.timestamp, self.intent, self.name, &self.data).serialize(serializer)
    }
}

/// The event's own JSON form, to the byte, without the tree of values that
/// [`Event`]'s general form makes: the derived body begins with the tag, behind
/// which timestamp and metadata belong.
fn data(event: &Event, kind: &str) -> serde_json::Result<Vec<u8>> {
    // Has a form of its own (spec §3.1).
    if matches!(event.body, EventBody::CancelReminder { .. }) {
        return serde_json::to_vec(event);
    }
    let mut head = Vec::with_capacity(EVENT_BYTES);
    head.extend_from_slice(b"{\"event\":\"");
    head.extend_from_slice(kind.as_bytes());
    head.push(b'"');
    let tag = head.len();
    head.extend_from_slice(b",\"timestamp\":");
    serde_json::to_writer(&mut head, &event.timestamp)?;
    if !event.metadata.is_empty() {
        head.extend_from_slice(b",\"metadata\":");
        serde_json::to_writer(&mut head, &event.metadata)?;
    }
    // The body is written behind the head, then its own tag is cut out.
    let body = head.len();
    serde_json::to_writer(&mut head, &event.body)?;
    match head.get(body..body + tag) {
        Some(own) if own == &head[..tag] => drop(head.drain(body..body + tag)),
        _ => return serde_json::to_vec(event),
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn stored(value: &Value) -> (Event, Vec<Value>) {
        let event = Event::from_json(value, 1.5).unwrap();
        let row = serde_json::to_value(EventRow::of(&event).unwrap()).unwrap();
        let row = row.as_array().unwrap().clone();
        (event, row)
    }

    #[test]
    fn each_type_is_stored_byte_for_byte_in_its_own_form() {
        let odd = "kutip \" \\ \u{0} \n \u{7f} \u{2028} 🙏🏽 \\u0041";
        for body in [
            json!({"event": "user", "text": odd, "parse_data": {"intent": {"name": odd, "confidence": 0.1}}}),
            json!({"event": "bot", "text": odd, "data": {"buttons": [{"title": odd, "payload": "/a"}]}}),
            json!({"event": "action", "name": "a", "confidence": 1e-7}),
            json!({"event": "slot", "name": odd, "value": {odd: [1.0, 1e300, null, -3]}}),
            json!({"event": "active_loop", "name": null}),
            json!({"event": "form", "name": "f"}),
            json!({"event": "form_validation", "validate": false}),
            json!({"event": "action_execution_rejected", "name": "a"}),
            json!({"event": "user_featurization", "use_text_for_featurization": false}),
            json!({"event": "entities", "entities": [{"entity": "e", "value": odd, "start": 0, "end": 1}]}),
            json!({"event": "session_started"}),
            json!({"event": "restart"}),
            json!({"event": "rewind"}),
            json!({"event": "undo"}),
            json!({"event": "reset_slots"}),
            json!({"event": "reminder", "intent": "i", "date_time": "2024-01-01T00:00:00", "name": "n"}),
            json!({"event": "cancel_reminder", "name": "n"}),
            json!({"event": "followup", "name": "a"}),
            json!({"event": "pause"}),
            json!({"event": "resume"}),
            json!({"event": "export", "path": odd}),
            json!({"event": "agent", "text": odd, "data": {"a": odd}}),
        ] {
            for metadata in [json!({}), json!({odd: {"b": [odd]}, "a": 0.1})] {
                let mut value = body.clone();
                value["metadata"] = metadata;
                let (event, row) = stored(&value);
                let head = json!([event.type_name(), 1.5, event.intent_column(), event.name_column()]);
                assert_eq!(row[..4], head.as_array().unwrap()[..]);
                assert_eq!(row[4].as_str().unwrap(), serde_json::to_string(&event).unwrap());
            }
        }
    }
}
