//! What the texts of [`super::sql`] are given.

use sapa_sdk::Event;
use serde_json::{Value, json};
use sqlx::Arguments as _;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use crate::store::record::{Commit, InboxMessage, Settled, TimerPlan};
use crate::store::{StoreError, TurnKey};

/// Parameters in the order of their numbers.
#[derive(Default)]
pub(super) struct Parameters(SqliteArguments, Option<StoreError>);

impl Parameters {
    /// Adds the next one.
    pub(super) fn with<'q, T>(mut self, value: T) -> Self
    where
        T: sqlx::Encode<'q, Sqlite> + sqlx::Type<Sqlite>,
    {
        if let Err(error) = self.0.add(value) {
            self.1 = Some(StoreError::Invalid(format!("a value cannot be stored: {error}")));
        }
        self
    }

    /// All of them, unless one could not be encoded.
    pub(super) fn done(self) -> Result<SqliteArguments, StoreError> {
        self.1.map_or(Ok(self.0), Err)
    }
}

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

/// Whether the turn needs the longer of the two texts.
pub(super) fn has_more(commit: &Commit) -> bool {
    commit.publish || !commit.outbox.is_empty() || !commit.timers.is_empty()
}

/// For `TURN`, and for `TURN_AND_MORE` when [`has_more`]; `now` in Unix seconds.
pub(super) fn turn(commit: &Commit, now: f64) -> Result<SqliteArguments, StoreError> {
    let message = Message::of(commit);
    let reply = commit.inbox.as_ref().and_then(|done| done.reply.as_ref()).map(Value::to_string);
    let key = commit.inbox.as_ref().and_then(|done| done.message.turn_key()).map(|key| key.text());
    let parameters = Parameters::default()
        .with(commit.sender_id.as_str())
        .with(commit.expected_version)
        .with(events(&commit.new_events)?)
        .with(message.id)
        .with(message.channel)
        .with(message.key)
        .with(message.payload)
        .with(reply)
        .with(now)
        .with(commit.new_events.last().map(|event| event.timestamp))
        .with(key);
    if !has_more(commit) {
        return parameters.done();
    }
    let outbox: Vec<_> = commit
        .outbox
        .iter()
        .map(|message| (&message.channel, message.payload.to_string(), message.not_before))
        .collect();
    parameters.with(text(&outbox)?).with(timers(&TimerPlan::of(&commit.timers))).with(commit.publish).done()
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

/// `[type, timestamp, intent, name, data]` of each event (spec §6.1).
fn events(events: &[std::sync::Arc<Event>]) -> Result<String, StoreError> {
    let rows: Result<Vec<_>, StoreError> = events
        .iter()
        .map(|event| Ok((event.type_name(), event.timestamp, event.intent_column(), event.name_column(), text(event)?)))
        .collect();
    text(&rows?)
}

fn timers(plan: &TimerPlan<'_>) -> String {
    let names: Vec<_> = plan.named.keys().collect();
    let set: Vec<_> = plan
        .named
        .iter()
        .filter_map(|(name, timer)| timer.map(|(due_at, payload)| json!([name, due_at, payload.to_string()])))
        .collect();
    json!({"clear": plan.clear, "names": names, "set": set}).to_string()
}

/// For `SETTLE_OUTBOX`.
pub(super) fn settlements(results: &[(i64, Settled)]) -> Result<Parameters, StoreError> {
    let rows: Vec<_> = results
        .iter()
        .map(|(id, settled)| {
            let not_before = match settled {
                Settled::Retry { not_before } => Some(*not_before),
                _ => None,
            };
            (id, settled.state(), not_before)
        })
        .collect();
    Ok(Parameters::default().with(text(&rows)?))
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
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(format!("a value cannot be stored: {error}")))
}
