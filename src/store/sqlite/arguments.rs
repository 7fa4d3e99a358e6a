//! What the texts of [`super::sql`] are given.

use serde_json::{Value, json};
use sqlx::sqlite::SqliteArguments;

use super::event_rows::EventRow;
use super::sql;
use crate::store::record::{Commit, InboxMessage, OutboxMessage, Settled, TimerChange, TimerPlan};
use crate::store::{StoreError, TurnKey, parameters};

/// Parameters in the order of their numbers.
pub(super) type Parameters = parameters::Parameters<SqliteArguments>;

/// The message columns of a turn: channel, dedupe key, payload; and the id of
/// an accepted one.
struct Message<'a> {
    id: Option<i64>,
    channel: Option<&'a str>,
    key: Option<&'a str>,
    payload: Option<String>,
}

impl<'a> Message<'a> {
    fn of(commit: &'a Commit) -> Self {
        match commit.inbox.as_ref().map(|done| &done.message) {
            None => Self { id: None, channel: None, key: None, payload: None },
            Some(InboxMessage::Accepted(id)) => Self { id: Some(*id), channel: None, key: None, payload: None },
            Some(InboxMessage::Fresh { channel, dedupe_key, payload }) => Self {
                id: None,
                channel: Some(channel),
                key: dedupe_key.as_deref(),
                payload: Some(payload.to_string()),
            },
        }
    }
}

/// The statement for a turn and what it is given; `now` in Unix seconds.
pub(super) fn turn(commit: &Commit, now: f64) -> Result<(&'static str, SqliteArguments), StoreError> {
    let rows = commit.new_events.iter().map(|event| EventRow::of(event)).collect::<Result<Vec<_>, _>>()?;
    if rows.len() <= sql::MOST_PLAIN_EVENTS && is_plain(commit) {
        let own = Parameters::default().with(commit.sender_id.as_str()).with(commit.expected_version);
        return Ok((&sql::PLAIN_TURN, event_columns(own.with(last_time(commit)), rows).done()?));
    }
    let message = Message::of(commit);
    let reply = commit.inbox.as_ref().and_then(|done| done.reply.as_ref()).map(Value::to_string);
    let key = commit.inbox.as_ref().and_then(|done| done.message.turn_key()).map(|key| key.text());
    let (rows, packed) =
        if rows.len() > sql::MOST_EVENT_COLUMNS { (Vec::new(), Some(text(&rows)?)) } else { (rows, None) };
    let own = Parameters::default()
        .with(commit.sender_id.as_str())
        .with(commit.expected_version)
        .with(packed)
        .with(last_time(commit))
        .with(message.id)
        .with(message.channel)
        .with(message.key)
        .with(message.payload)
        .with(reply)
        .with(key)
        .with(now)
        .with(commit.publish)
        .with(outbox(&commit.outbox)?)
        .with(timers(&commit.timers))
        .with(i64::try_from(commit.new_events.len()).unwrap_or(i64::MAX));
    Ok((&sql::TURN, event_columns(own, rows).done()?))
}

/// Whether a turn only adds to its conversation.
fn is_plain(commit: &Commit) -> bool {
    commit.inbox.is_none() && commit.outbox.is_empty() && commit.timers.is_empty() && !commit.publish
}

fn last_time(commit: &Commit) -> Option<f64> {
    commit.new_events.last().map(|event| event.timestamp)
}

/// Parameters that are left out are null.
fn event_columns(own: Parameters, rows: Vec<EventRow<'_>>) -> Parameters {
    rows.into_iter().fold(own, |parameters, row| {
        parameters.with(row.kind).with(row.timestamp).with(row.intent).with(row.name).with(row.data)
    })
}

/// For `WHY`.
pub(super) fn why(commit: &Commit) -> Result<SqliteArguments, StoreError> {
    let message = Message::of(commit);
    Parameters::default()
        .with(commit.sender_id.as_str())
        .with(message.id)
        .with(message.channel)
        .with(message.key)
        .done()
}

fn outbox(messages: &[OutboxMessage]) -> Result<Option<String>, StoreError> {
    if messages.is_empty() {
        return Ok(None);
    }
    let rows: Vec<_> =
        messages.iter().map(|message| (&message.channel, message.payload.to_string(), message.not_before)).collect();
    text(&rows).map(Some)
}

fn timers(changes: &[TimerChange]) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    let plan = TimerPlan::of(changes);
    let names: Vec<_> = plan.named.keys().collect();
    let set: Vec<_> = plan
        .named
        .iter()
        .filter_map(|(name, timer)| timer.map(|(due_at, payload)| json!([name, due_at, payload.to_string()])))
        .collect();
    Some(json!({"clear": plan.clear, "names": names, "set": set}).to_string())
}

/// For `SETTLE_OUTBOX`.
pub(super) fn settlements(owner: &str, results: &[(i64, Settled)]) -> Result<Parameters, StoreError> {
    let row = |(id, settled): &(i64, Settled)| (*id, settled.state(), settled.not_before(), settled.is_in_doubt());
    let rows: Vec<_> = results.iter().map(row).collect();
    Ok(Parameters::default().with(text(&rows)?).with(owner))
}

/// For `PUBLISHED`.
pub(super) fn ids(ids: &[i64]) -> Result<Parameters, StoreError> {
    Ok(Parameters::default().with(text(&ids)?))
}

/// The stored form of a turn's key.
pub(super) fn key(turn: &TurnKey) -> Parameters {
    Parameters::default().with(turn.text())
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unstorable(&error))
}

/// The error for a value that has no JSON form.
pub(super) fn unstorable(error: &serde_json::Error) -> StoreError {
    StoreError::Invalid(format!("a value cannot be stored: {error}"))
}
