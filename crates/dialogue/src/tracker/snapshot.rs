//! The state of a conversation before its recent events, so that a long session is
//! neither kept in memory nor read from the store from its beginning.
//!
//! A tracker notes its state each time so many events have come ([`KEPT`]). Its oldest
//! events are forgotten at such a note, and a tracker that is made of the note and the
//! events behind it is the same as one that forgot them: what was undone, repeated or
//! hidden is part of the state, not to be found out from the events again.

use std::sync::Arc;

use sapa_project::Domain;
use sapa_sdk::Event;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applied::{Applied, Before};
use super::{Derived, Tracker};

/// Events behind a note, at least: those of the session's last hundred turns or so. At
/// most there are twice as many, and those of a turn.
const KEPT: usize = 500;

/// Where less than half of them counts, up to so many times as many.
const MOST_UNDONE: usize = 8;

/// The state after some event.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Snapshot {
    current: Derived,
    /// As it follows from the events that count.
    applied: Derived,
    before: Before,
    actions_since_listen: usize,
}

/// A snapshot, and where it was taken.
#[derive(Clone, Debug)]
struct Note {
    snapshot: Snapshot,
    /// Events before it, and those of them that count.
    events: usize,
    applied: usize,
}

/// The last two notes, older first.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    notes: Vec<Note>,
    kept: usize,
}

impl Default for Notes {
    fn default() -> Self {
        Self { notes: Vec::new(), kept: KEPT }
    }
}

/// What [`Tracker::trim`] has forgotten.
#[derive(Clone, Debug, PartialEq)]
pub struct Trimmed {
    /// The state before what is left, for [`Tracker::from_snapshot`].
    pub snapshot: Value,
    /// Events behind it.
    pub kept: usize,
}

impl Tracker {
    /// A conversation whose older events are in a snapshot ([`Trimmed`]), replayed from
    /// those behind it.
    ///
    /// # Errors
    /// The snapshot is none, or that of another version of this program.
    pub fn from_snapshot(
        sender_id: impl Into<String>,
        domain: Arc<Domain>,
        snapshot: Value,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<Self, serde_json::Error> {
        let Snapshot { current, applied, before, actions_since_listen } = serde_json::from_value(snapshot)?;
        let applied = Applied::after(applied, before);
        let mut tracker = Self { current, applied, actions_since_listen, ..Self::new(sender_id, domain) };
        events.into_iter().for_each(|event| tracker.update(event));
        Ok(tracker)
    }

    /// The same, which keeps so many events behind a note instead of 500.
    #[must_use]
    pub fn keeping(mut self, kept: usize) -> Self {
        self.notes.kept = kept;
        self
    }

    /// Forgets the oldest events once there are many. What they led to stays; only
    /// undoing turns that old is no longer possible, and action servers no longer see
    /// them.
    pub fn trim(&mut self) -> Option<Trimmed> {
        let (oldest, kept) = (self.notes.notes.first()?, self.notes.kept);
        let behind = self.events.len() - oldest.events;
        // Where most was undone, there would be nothing left to undo.
        let counts = self.applied.len().saturating_sub(oldest.applied) >= kept / 2 || behind / MOST_UNDONE >= kept;
        if behind < kept || !counts {
            return None;
        }
        let written = serde_json::to_value(&oldest.snapshot).ok()?;
        let Note { snapshot, events, applied } = self.notes.notes.remove(0);
        self.weight -= self.events.drain(..events).map(|event| super::weight::of_event(&event)).sum::<usize>();
        self.applied.forget(applied, snapshot.applied, snapshot.before);
        for note in &mut self.notes.notes {
            note.events -= events;
            note.applied -= applied;
        }
        Some(Trimmed { snapshot: written, kept: self.events.len() })
    }

    /// After each event: notes the state when it is time to.
    pub(super) fn note(&mut self) {
        // What was noted is not true any more of events that were undone since, nor of
        // those before a restart.
        if let Some(changed) = self.applied.take_changed()
            && (changed == 0 || self.notes.notes.iter().any(|note| changed < note.applied))
        {
            self.notes.notes.clear();
        }
        let last = self.notes.notes.last().map_or(0, |note| note.events);
        if self.events.len() - last < self.notes.kept {
            return;
        }
        let snapshot = Snapshot {
            current: self.current.clone(),
            applied: self.applied.derived().clone(),
            before: self.applied.before(),
            actions_since_listen: self.actions_since_listen,
        };
        if self.notes.notes.len() == 2 {
            self.notes.notes.remove(0);
        }
        self.notes.notes.push(Note { snapshot, events: self.events.len(), applied: self.applied.len() });
    }
}
