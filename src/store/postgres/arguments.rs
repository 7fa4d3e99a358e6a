//! What the texts of [`super::sql`] are given.

use std::borrow::Cow;

use serde_json::Value;
use sqlx::postgres::PgArguments;

use crate::store::record::{Commit, InboxMessage, Intake, Settled, Step, TimerPlan};
use crate::store::{StoreError, TurnKey, parameters};

/// Characters that the columns `intent_name` and `action_name` hold (spec §6.1).
const COLUMN_CHARS: usize = 255;

/// Parameters in the order of their numbers.
pub(super) type Parameters = parameters::Parameters<PgArguments>;

/// A name as its column takes it: these columns are for people and Rasa's own
/// queries, the event itself stands whole in `data`.
fn column(name: Option<&str>) -> Option<Cow<'_, str>> {
    let name = name?;
    if name.len() <= COLUMN_CHARS && !name.contains('\0') {
        return Some(name.into());
    }
    Some(name.chars().take(COLUMN_CHARS).map(readable).collect())
}

/// PostgreSQL's texts have no NUL; JSON has, as an escape.
fn readable(character: char) -> char {
    if character == '\0' { char::REPLACEMENT_CHARACTER } else { character }
}

/// For `COMMIT`; `now` in Unix seconds, `mark` made up for this commit.
pub(super) fn turn(commit: &Commit, now: f64, mark: i64) -> Result<PgArguments, StoreError> {
    let head = Parameters::default().with(commit.sender_id.as_str()).with(commit.expected_version).with(mark).with(now);
    timers(outbox(message(events(head, commit)?, commit), commit), commit).done()
}

fn events(parameters: Parameters, commit: &Commit) -> Result<Parameters, StoreError> {
    let events = &commit.new_events;
    let data: Result<Vec<_>, _> = events.iter().map(serde_json::to_string).collect();
    let data = data.map_err(|error| StoreError::Invalid(format!("a value cannot be stored: {error}")))?;
    Ok(parameters
        .with(events.iter().map(|event| event.type_name()).collect::<Vec<_>>())
        .with(events.iter().map(|event| event.timestamp).collect::<Vec<_>>())
        .with(events.iter().map(|event| column(event.intent_column())).collect::<Vec<_>>())
        .with(events.iter().map(|event| column(event.name_column())).collect::<Vec<_>>())
        .with(data)
        .with(events.last().map(|event| event.timestamp))
        .with(commit.publish))
}

fn message(parameters: Parameters, commit: &Commit) -> Parameters {
    let message = Message::of(commit);
    let done = commit.inbox.as_ref();
    parameters
        .with(message.id)
        .with(message.channel)
        .with(message.key)
        .with(message.payload.map(Value::to_string))
        .with(done.and_then(|done| done.reply.as_ref()).map(Value::to_string))
        .with(done.and_then(|done| done.message.turn_key()).map(|key| key.text()))
}

fn outbox(parameters: Parameters, commit: &Commit) -> Parameters {
    let messages = &commit.outbox;
    parameters
        .with(messages.iter().map(|message| message.channel.as_str()).collect::<Vec<_>>())
        .with(messages.iter().map(|message| message.payload.to_string()).collect::<Vec<_>>())
        .with(messages.iter().map(|message| message.not_before).collect::<Vec<_>>())
}

fn timers(parameters: Parameters, commit: &Commit) -> Parameters {
    let plan = TimerPlan::of(&commit.timers);
    let set = plan.named.iter().filter_map(|(name, timer)| timer.map(|(due_at, payload)| (*name, due_at, payload)));
    let set: Vec<_> = set.collect();
    parameters
        .with(plan.clear)
        .with(plan.named.keys().copied().collect::<Vec<_>>())
        .with(set.iter().map(|(name, ..)| *name).collect::<Vec<_>>())
        .with(set.iter().map(|(_, due_at, _)| *due_at).collect::<Vec<_>>())
        .with(set.iter().map(|(.., payload)| payload.to_string()).collect::<Vec<_>>())
}

/// The message columns of a turn: the id of an accepted one, or channel, dedupe
/// key and payload.
struct Message<'a> {
    id: Option<i64>,
    channel: Option<&'a str>,
    key: Option<&'a str>,
    payload: Option<&'a Value>,
}

impl<'a> Message<'a> {
    fn of(commit: &'a Commit) -> Self {
        match commit.inbox.as_ref().map(|done| &done.message) {
            None => Self { id: None, channel: None, key: None, payload: None },
            Some(InboxMessage::Accepted(id)) => Self { id: Some(*id), channel: None, key: None, payload: None },
            Some(InboxMessage::Fresh { channel, dedupe_key, payload }) => {
                Self { id: None, channel: Some(channel), key: dedupe_key.as_deref(), payload: Some(payload) }
            }
        }
    }
}

/// For `WHY`.
pub(super) fn why(commit: &Commit) -> Parameters {
    let message = Message::of(commit);
    Parameters::default().with(commit.sender_id.as_str()).with(message.id).with(message.channel).with(message.key)
}

/// For `ACCEPT`.
pub(super) fn intake(intake: &Intake, now: f64, owner: &str, seconds: f64) -> Parameters {
    Parameters::default()
        .with(intake.sender_id.as_str())
        .with(intake.channel.as_str())
        .with(intake.dedupe_key.as_deref())
        .with(intake.payload.to_string())
        .with(now)
        .with(owner)
        .with(seconds)
}

/// For `JOURNAL`.
pub(super) fn step(turn: &TurnKey, step: Step, now: f64) -> Parameters {
    key(turn)
        .with(step.step)
        .with(step.action.chars().map(readable).collect::<String>())
        .with(step.request_hash)
        .with(step.response.to_string())
        .with(now)
}

/// For `SETTLE_OUTBOX`.
pub(super) fn settlements(owner: &str, results: &[(i64, Settled)]) -> Parameters {
    Parameters::default()
        .with(results.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .with(results.iter().map(|(_, settled)| settled.state()).collect::<Vec<_>>())
        .with(results.iter().map(|(_, settled)| settled.not_before()).collect::<Vec<_>>())
        .with(results.iter().map(|(_, settled)| settled.is_in_doubt()).collect::<Vec<_>>())
        .with(owner)
}

/// The stored form of a turn's key.
pub(super) fn key(turn: &TurnKey) -> Parameters {
    Parameters::default().with(turn.text())
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn names_fit_their_column() {
        assert_eq!(column(None), None);
        assert_eq!(column(Some("salam")).as_deref(), Some("salam"));
        assert_eq!(column(Some("a\0b")).as_deref(), Some("a\u{fffd}b"));
        let long = "é".repeat(300);
        assert_eq!(column(Some(&long)).map(|name| name.chars().count()), Some(255));
    }
}
