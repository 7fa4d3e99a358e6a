//! Rules that all stores share.

use super::record::{Commit, InboxMessage, Intake, Seen, Settled, TimerChange};
use super::{CommitError, StoreError};

/// Accepted messages of one conversation that are taken out at once, at most.
pub const CLAIMED_OF_ONE: u32 = 16;

/// Longest conversation id that Rasa's `events` table takes (spec §6.1).
const MOST_SENDER_CHARS: usize = 255;

/// Names and ids have no NUL: PostgreSQL keeps none outside of JSON.
fn check_name(what: &str, name: &str) -> Result<(), StoreError> {
    if name.contains('\0') { Err(StoreError::Invalid(format!("{what} has a NUL character"))) } else { Ok(()) }
}

fn check_sender(sender_id: &str) -> Result<(), StoreError> {
    // Bytes first: they are counted already, and hardly any id is that long.
    if sender_id.len() > MOST_SENDER_CHARS && sender_id.chars().count() > MOST_SENDER_CHARS {
        let reason = format!("a conversation id has at most {MOST_SENDER_CHARS} characters");
        return Err(StoreError::Invalid(reason));
    }
    check_name("the conversation id", sender_id)
}

fn check_key(channel: &str, dedupe_key: Option<&str>) -> Result<(), StoreError> {
    check_name("the channel's name", channel)?;
    check_name("the message's key", dedupe_key.unwrap_or_default())
}

/// Refuses names and ids that no database keeps.
pub(super) fn check_intake(intake: &Intake) -> Result<(), StoreError> {
    check_sender(&intake.sender_id)?;
    check_key(&intake.channel, intake.dedupe_key.as_deref())
}

/// A time that is no number would never come.
fn check_time(what: &str, time: f64) -> Result<(), StoreError> {
    if time.is_finite() { Ok(()) } else { Err(StoreError::Invalid(format!("{what} is not a finite number"))) }
}

/// Refuses times, names and ids that no database keeps.
pub(super) fn check(commit: &Commit) -> Result<(), StoreError> {
    check_sender(&commit.sender_id)?;
    if let Some(InboxMessage::Fresh { channel, dedupe_key, .. }) = commit.inbox.as_ref().map(|done| &done.message) {
        check_key(channel, dedupe_key.as_deref())?;
    }
    for event in &commit.new_events {
        check_time("the timestamp of an event", event.timestamp)?;
    }
    for message in &commit.outbox {
        check_name("the channel's name", &message.channel)?;
        check_time("the time of a message", message.not_before.unwrap_or(0.0))?;
    }
    for change in &commit.timers {
        if let TimerChange::Set { name, due_at, .. } = change {
            check_name("the name of a timer", name)?;
            check_time("the time of a timer", *due_at)?;
        }
    }
    Ok(())
}

/// As [`check`], for results of sending.
pub(super) fn check_settled(results: &[(i64, Settled)]) -> Result<(), StoreError> {
    let times = results.iter().filter_map(|(_, settled)| settled.not_before());
    times.into_iter().try_for_each(|time| check_time("the time of the next attempt", time))
}

/// Why a commit was refused, from the version the conversation is at and what
/// became of the message. A repetition is told as such even when the
/// conversation has moved on, as it always has.
pub(super) fn refusal(commit: &Commit, current: i64, seen: Option<Seen>) -> CommitError {
    let message = commit.inbox.as_ref().map(|done| &done.message);
    let invalid = |text: String| CommitError::Store(StoreError::Invalid(text));
    match (message, seen) {
        (_, Some(Seen::Done { reply })) => CommitError::Duplicate { reply },
        (Some(InboxMessage::Fresh { .. }), Some(_)) => CommitError::Duplicate { reply: None },
        (Some(InboxMessage::Accepted(id)), Some(Seen::Dead)) => invalid(format!("message {id} was given up")),
        (Some(InboxMessage::Accepted(id)), None) => invalid(format!("the conversation has no accepted message {id}")),
        _ if current == commit.expected_version => invalid("the commit breaks a constraint of the tables".into()),
        _ => CommitError::Conflict { current },
    }
}
