//! Reminders (spec §3.8): events of a turn become timers of its commit, and a
//! timer that is due becomes a message that no user wrote.

use chrono::{DateTime, Local, NaiveDateTime, TimeZone as _};
use sapa_dialogue::{Tracker, UserMessage};
use sapa_sdk::{Entity, Event, EventBody, IntentPrediction, JsonMap, ParseData};
use serde_json::{Value, json};
use std::sync::Arc;

use super::Incoming;
use crate::store::{Timer, TimerChange};

/// Name of the channel under which fired timers stand in the inbox.
const CHANNEL: &str = "timer";

/// The changes that a turn's events make to the timers of its conversation.
/// `existing` are those before the turn; `channel` answers when one fires.
pub(super) fn timer_changes(events: &[Arc<Event>], existing: &[Timer], channel: &str, seed: u64) -> Vec<TimerChange> {
    let mut changes = Vec::new();
    // Names and payloads of the timers that the turn itself set.
    let mut own: Vec<(String, Value)> = Vec::new();
    for (position, event) in events.iter().enumerate() {
        match &event.body {
            EventBody::Reminder { name, intent, date_time, entities, .. } => {
                let Some(due_at) = due_at(date_time) else {
                    tracing::warn!(intent, "a reminder's `date_time` is no ISO 8601 time; nothing is scheduled");
                    continue;
                };
                // Without a name each reminder is one of its own.
                let name = name.clone().unwrap_or_else(|| format!("{seed:016x}-{position}"));
                let payload = json!({ "channel": channel, "intent": intent, "entities": entities,
                    "scheduled_at": event.timestamp });
                own.retain(|(known, _)| *known != name);
                own.push((name.clone(), payload.clone()));
                changes.push(TimerChange::Set { name, due_at, payload });
            }
            EventBody::CancelReminder { name, intent, entities } => {
                let wanted = Wanted { name: name.as_deref(), intent: intent.as_deref(), entities };
                let before = existing.iter().map(|timer| (timer.name.as_str(), &timer.payload));
                let all = before.chain(own.iter().map(|(name, payload)| (name.as_str(), payload)));
                let cancelled = all.filter(|(name, payload)| wanted.fits(name, payload));
                changes.extend(cancelled.map(|(name, _)| TimerChange::Cancel { name: name.to_owned() }));
            }
            _ => {}
        }
    }
    changes
}

/// What a cancellation names: everything given must fit; nothing given means all
/// (spec §3.8).
struct Wanted<'a> {
    name: Option<&'a str>,
    intent: Option<&'a str>,
    entities: &'a Value,
}

impl Wanted<'_> {
    fn fits(&self, name: &str, payload: &Value) -> bool {
        let intent = payload.get("intent").and_then(Value::as_str);
        let entities = payload.get("entities").unwrap_or(&Value::Null);
        self.name.is_none_or(|wanted| wanted == name)
            && self.intent.is_none_or(|wanted| Some(wanted) == intent)
            && (!is_given(self.entities) || pairs(self.entities) == pairs(entities))
    }
}

fn is_given(entities: &Value) -> bool {
    entities.as_array().is_some_and(|list| !list.is_empty()) || entities.as_object().is_some_and(|map| !map.is_empty())
}

/// Names and values of entities, however they are written: a list of entities or
/// a mapping from name to value.
fn pairs(entities: &Value) -> Vec<(String, Value)> {
    let mut pairs: Vec<(String, Value)> = match entities {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|entity| {
                let value = entity.get("value").cloned().unwrap_or_default();
                Some((entity.get("entity")?.as_str()?.to_owned(), value))
            })
            .collect(),
        _ => Vec::new(),
    };
    pairs.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.to_string().cmp(&b.1.to_string())));
    pairs
}

/// Unix time of an ISO 8601 time; one without an offset is local, as in Python.
fn due_at(text: &str) -> Option<f64> {
    let text = text.trim().replacen(' ', "T", 1);
    let seconds = |micros: i64| micros as f64 / 1e6;
    if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
        return Some(seconds(time.timestamp_micros()));
    }
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let naive = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())?;
    // A time that does not exist (clocks went forward) is none; of two, the first counts.
    Some(seconds(Local.from_local_datetime(&naive).earliest()?.timestamp_micros()))
}

/// Whether a timer still means something to its conversation: its event counts,
/// and no user said anything since where that calls it off (spec §3.8).
pub(super) fn is_alive(timer: &Timer, tracker: &Tracker) -> bool {
    let scheduled_at = timer.payload.get("scheduled_at").and_then(Value::as_f64);
    let is_it =
        |event: &Event| matches!(event.body, EventBody::Reminder { .. }) && Some(event.timestamp) == scheduled_at;
    let Some(event) = tracker.applied_events().find(|event| is_it(event)) else { return false };
    let EventBody::Reminder { kill_on_user_msg, .. } = &event.body else { return false };
    let said_since = tracker
        .events()
        .iter()
        .rev()
        .take_while(|event| !is_it(event))
        .any(|event| matches!(&event.body, EventBody::User { text: Some(text), .. } if !text.is_empty()));
    !(*kill_on_user_msg && said_since)
}

/// The message that a due timer is.
pub(super) fn message(timer: &Timer) -> Incoming {
    let intent = timer.payload.get("intent").and_then(Value::as_str).unwrap_or_default();
    let text = format!("EXTERNAL: {intent}");
    let entities = pairs(timer.payload.get("entities").unwrap_or(&Value::Null));
    let parse_data = ParseData {
        text: Some(text.clone()),
        intent: IntentPrediction::new(intent, 1.0),
        entities: entities.into_iter().map(|(name, value)| Entity::bare(name, value)).collect(),
        ..ParseData::default()
    };
    let channel = timer.payload.get("channel").and_then(Value::as_str).unwrap_or_default();
    let metadata: JsonMap = [("is_external".to_owned(), Value::Bool(true))].into_iter().collect();
    let scheduled_at = timer.payload.get("scheduled_at").cloned().unwrap_or_default();
    Incoming {
        sender_id: timer.sender_id.clone(),
        channel: CHANNEL.to_owned(),
        // A store may give an id again; the time tells the timers apart.
        dedupe_key: Some(format!("{}@{scheduled_at}", timer.id)),
        inbox_id: None,
        address: None,
        message: UserMessage {
            text,
            input_channel: String::new(),
            output_channel: channel.to_owned(),
            message_id: String::new(),
            metadata,
            parse_data: Some(Box::new(parse_data)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_python_writes_them() {
        assert_eq!(due_at("2026-11-24T10:00:00+07:00"), Some(1_795_489_200.0));
        assert_eq!(due_at("2026-11-24T03:00:00.500000+00:00"), Some(1_795_489_200.5));
        assert_eq!(due_at("2026-11-24T03:00:00Z"), Some(1_795_489_200.0));
        assert!(due_at("2026-11-24T10:00:00").is_some() && due_at("2026-11-24 10:00").is_some());
        assert_eq!(due_at("besok"), None);
    }

    #[test]
    fn a_cancellation_calls_off_what_fits_all_that_it_names() {
        let timer = |name: &str, intent: &str, plant: &str| Timer {
            id: 1,
            sender_id: "a".into(),
            name: name.into(),
            due_at: 0.0,
            payload: json!({ "intent": intent, "entities": [{ "entity": "plant", "value": plant }] }),
        };
        let existing = [timer("a", "dry", "fern"), timer("b", "dry", "rose"), timer("c", "wet", "fern")];
        let cancelled = |name: Option<&str>, intent: Option<&str>, entities: Value| -> Vec<String> {
            let body =
                EventBody::CancelReminder { name: name.map(Into::into), intent: intent.map(Into::into), entities };
            let changes = timer_changes(&[Arc::new(Event::new(0.0, body))], &existing, "rest", 0);
            let name = |change: TimerChange| match change {
                TimerChange::Cancel { name } => name,
                other => panic!("{other:?}"),
            };
            changes.into_iter().map(name).collect()
        };
        assert_eq!(cancelled(None, None, Value::Null), ["a", "b", "c"]);
        assert_eq!(cancelled(Some("b"), None, json!([])), ["b"]);
        assert_eq!(cancelled(None, Some("dry"), Value::Null), ["a", "b"]);
        assert_eq!(cancelled(None, Some("dry"), json!({ "plant": "fern" })), ["a"]);
        assert!(cancelled(Some("c"), Some("dry"), Value::Null).is_empty());
    }
}
