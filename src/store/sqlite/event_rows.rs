//! Events as rows of Rasa's `events` table, written straight into one text.

use std::io::{self, Write};
use std::sync::Arc;

use sapa_sdk::{Event, EventBody};

use super::arguments::unstorable;
use crate::store::StoreError;

/// Room for an event as it comes most of the time.
const EVENT_BYTES: usize = 512;

/// `[[type, timestamp, intent, name, data], ...]` (spec §6.1), where `data` is a
/// text that holds the event's JSON.
pub(super) fn of(events: &[Arc<Event>]) -> Result<String, StoreError> {
    let mut rows = Vec::with_capacity(2 + events.len() * EVENT_BYTES);
    let mut body = Vec::with_capacity(EVENT_BYTES);
    rows.push(b'[');
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            rows.push(b',');
        }
        row(event, &mut rows, &mut body).map_err(|error| unstorable(&error))?;
    }
    rows.push(b']');
    // What serde_json writes is UTF-8, and so is what is put between.
    String::from_utf8(rows).map_err(|error| StoreError::Invalid(format!("a value cannot be stored: {error}")))
}

/// One row; `body` is scratch space.
fn row(event: &Event, rows: &mut Vec<u8>, body: &mut Vec<u8>) -> serde_json::Result<()> {
    let kind = event.type_name();
    let head = (kind, event.timestamp, event.intent_column(), event.name_column());
    serde_json::to_writer(&mut *rows, &head)?;
    // In place of the head's closing bracket.
    rows.pop();
    rows.extend_from_slice(b",\"");
    data(event, kind, &mut Quoted(rows), body)?;
    rows.extend_from_slice(b"\"]");
    Ok(())
}

/// The event's own JSON form, to the byte, without the tree of values that
/// [`Event`]'s general form makes: the derived body begins with the tag, behind
/// which timestamp and metadata belong.
fn data(event: &Event, kind: &str, out: &mut Quoted<'_>, body: &mut Vec<u8>) -> serde_json::Result<()> {
    body.clear();
    serde_json::to_writer(&mut *body, &event.body)?;
    let fields = match event.body {
        // Has a form of its own (spec §3.1).
        EventBody::CancelReminder { .. } => None,
        _ => body.strip_prefix(b"{\"event\":\"").and_then(|rest| rest.strip_prefix(kind.as_bytes())),
    };
    let Some(fields) = fields.and_then(|rest| rest.strip_prefix(b"\"")) else {
        return serde_json::to_writer(out, event);
    };
    let put = |out: &mut Quoted<'_>, bytes: &[u8]| out.write_all(bytes).map_err(serde_json::Error::io);
    put(out, b"{\"event\":\"")?;
    put(out, kind.as_bytes())?;
    put(out, b"\",\"timestamp\":")?;
    serde_json::to_writer(&mut *out, &event.timestamp)?;
    if !event.metadata.is_empty() {
        put(out, b",\"metadata\":")?;
        serde_json::to_writer(&mut *out, &event.metadata)?;
    }
    put(out, fields)
}

/// Writes JSON into a JSON text. Compact JSON has no control characters, so only
/// quotes and backslashes are escaped.
struct Quoted<'a>(&'a mut Vec<u8>);

impl Write for Quoted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            let (plain, special) = rest.split_at(at);
            self.0.extend_from_slice(plain);
            self.0.push(b'\\');
            self.0.extend(special.first());
            rest = special.get(1..).unwrap_or_default();
        }
        self.0.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn stored(value: &Value) -> (Event, Vec<Value>) {
        let event = Event::from_json(value, 1.5).unwrap();
        let rows: Vec<Vec<Value>> = serde_json::from_str(&of(&[Arc::new(event.clone())]).unwrap()).unwrap();
        (event, rows.into_iter().next().unwrap())
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

    #[test]
    fn rows_stand_in_the_order_of_the_events() {
        assert_eq!(of(&[]).unwrap(), "[]");
        let events = [1.0, 2.0].map(|time| Arc::new(Event::new(time, EventBody::Restart {})));
        let expected = r#"[["restart",1.0,null,null,"{\"event\":\"restart\",\"timestamp\":1.0}"],"#.to_owned()
            + r#"["restart",2.0,null,null,"{\"event\":\"restart\",\"timestamp\":2.0}"]]"#;
        assert_eq!(of(&events).unwrap(), expected);
    }
}
