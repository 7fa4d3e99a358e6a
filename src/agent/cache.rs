//! Trackers of conversations that were active lately, so that a turn does not
//! read its whole session again. The commit's version fence keeps this safe.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sapa_dialogue::Tracker;

/// A tracker at a version of its conversation and for a model.
struct Entry {
    tracker: Tracker,
    version: i64,
    model_id: String,
    used: u64,
}

#[derive(Default)]
struct Entries {
    by_sender: HashMap<String, Entry>,
    clock: u64,
}

/// Events of one conversation beyond which it is not kept.
const MOST_EVENTS: usize = 20_000;

/// At most so many trackers, the least recently used go first.
pub(super) struct TrackerCache {
    entries: Mutex<Entries>,
    most: usize,
}

impl TrackerCache {
    pub(super) fn new(most: usize) -> Self {
        Self { entries: Mutex::default(), most }
    }

    /// Takes a tracker out; the caller puts it back after its commit.
    pub(super) fn take(&self, sender_id: &str, model_id: &str) -> Option<(Tracker, i64)> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.by_sender.remove(sender_id)?;
        (entry.model_id == model_id).then_some((entry.tracker, entry.version))
    }

    pub(super) fn put(&self, tracker: Tracker, version: i64, model_id: &str) {
        if tracker.events().len() > MOST_EVENTS {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clock += 1;
        let used = entries.clock;
        let sender_id = tracker.sender_id.clone();
        entries.by_sender.insert(sender_id, Entry { tracker, version, model_id: model_id.to_owned(), used });
        if entries.by_sender.len() > self.most {
            // A tenth at once, so that this scan is rare.
            let mut ages: Vec<u64> = entries.by_sender.values().map(|e| e.used).collect();
            ages.sort_unstable();
            let limit = ages.get(self.most / 10).copied().unwrap_or(0);
            entries.by_sender.retain(|_, entry| entry.used > limit);
        }
    }
}
