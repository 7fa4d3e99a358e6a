//! Rules that all stores share.

use super::record::{Commit, InboxMessage, Seen, Settled, TimerChange};
use super::{CommitError, StoreError};

/// A time that is no number would never come.
fn check_time(what: &str, time: f64) -> Result<(), StoreError> {
    if time.is_finite() { Ok(()) } else { Err(StoreError::Invalid(format!("{what} is not a finite number"))) }
}

/// Refuses times that no database keeps.
pub(super) fn check(commit: &Commit) -> Result<(), StoreError> {
    for event in &commit.new_events {
        check_time("the timestamp of an event", event.timestamp)?;
    }
    for message in &commit.outbox {
        check_time("the time of a message", message.not_before.unwrap_or(0.0))?;
    }
    for change in &commit.timers {
        if let TimerChange::Set { due_at, .. } = change {
            check_time("the time of a timer", *due_at)?;
        }
    }
    Ok(())
}

/// As [`check`], for results of sending.
pub(super) fn check_settled(results: &[(i64, Settled)]) -> Result<(), StoreError> {
    results.iter().try_for_each(|(_, settled)| match settled {
        Settled::Retry { not_before } => check_time("the time of the next attempt", *not_before),
        _ => Ok(()),
    })
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
