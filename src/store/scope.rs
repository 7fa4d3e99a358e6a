//! Which events of a conversation belong to its session.

use sapa_sdk::{Event, EventBody};
use serde_json::Value;

/// Index of the first event of the current session (spec §6.1 "Loaded scope"):
/// the last `session_started`, or the `action_session_start` directly before
/// it; 0 when no session was ever started.
///
/// Rasa's SQL store leaves that action out, its memory store has it in; with it
/// in, the session's events replay on their own. Rasa looks for the newest
/// timestamp, we for the newest row: they differ only when the clock was set
/// back.
pub(super) fn session_start(events: &[Event]) -> usize {
    let Some(started) = events.iter().rposition(|event| event.body == EventBody::SessionStarted {}) else {
        return 0;
    };
    let before = started.checked_sub(1).and_then(|index| events.get(index));
    match before.map(|event| &event.body) {
        Some(EventBody::Action { name: Some(name), .. }) if name == "action_session_start" => started - 1,
        _ => started,
    }
}

/// Reads the `data` of an event row. As Rasa does (spec §3.1), rows of the old
/// type `topic` and rows without a type are passed over: `None`.
///
/// # Errors
/// What is wrong, without the content.
pub(super) fn read_event(data: &str) -> Result<Option<Event>, String> {
    if let Ok(event) = Event::from_text(data) {
        return Ok(Some(event));
    }
    let value: Value = serde_json::from_str(data)
        .map_err(|error| format!("its `data` is no JSON (line {}, column {})", error.line(), error.column()))?;
    match value.get("event").and_then(Value::as_str) {
        None | Some("topic") => Ok(None),
        Some(kind) => Event::from_json(&value, 0.0)
            .map(Some)
            .map_err(|_| format!("its `data` is no event of type `{kind}`, or that type is unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(name: &str) -> Event {
        Event::from_json(&serde_json::json!({"event": "action", "timestamp": 1.0, "name": name}), 0.0).unwrap()
    }

    fn started() -> Event {
        Event::new(1.0, EventBody::SessionStarted {})
    }

    #[test]
    fn the_session_begins_with_its_action_when_that_comes_directly_before() {
        let (start, other) = (action("action_session_start"), action("action_listen"));
        assert_eq!(session_start(&[]), 0);
        assert_eq!(session_start(std::slice::from_ref(&other)), 0);
        assert_eq!(session_start(&[other.clone(), start.clone(), started(), other.clone()]), 1);
        assert_eq!(session_start(&[start.clone(), other.clone(), started()]), 2);
        assert_eq!(session_start(&[started(), other, start, started()]), 2);
    }

    #[test]
    fn old_and_untyped_rows_are_passed_over_and_others_must_be_read() {
        assert_eq!(read_event(r#"{"event":"topic","topic":"x"}"#), Ok(None));
        assert_eq!(read_event(r#"{"name":"x"}"#), Ok(None));
        assert!(
            matches!(read_event(r#"{"event":"restart","timestamp":3}"#), Ok(Some(event)) if event.timestamp == 3.0)
        );
        assert!(read_event(r#"{"event":"nonsense"}"#).is_err_and(|reason| reason.contains("nonsense")));
        assert!(read_event(r#"{"event":"slot","name":"rahasia"#).is_err_and(|reason| !reason.contains("rahasia")));
    }
}
