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
    weight: usize,
}

/// Keeps trackers of at most so many bytes ([`Tracker::weight`]); the least
/// recently used go first. One that takes an eighth of the room by itself is not
/// kept at all.
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
        entries.weight -= entry.tracker.weight();
        (entry.model_id == model_id).then_some((entry.tracker, entry.version))
    }

    pub(super) fn put(&self, tracker: Tracker, version: i64, model_id: &str) {
        if tracker.weight() > self.most / 8 {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clock += 1;
        let used = entries.clock;
        let sender_id = tracker.sender_id.clone();
        entries.weight += tracker.weight();
        let entry = Entry { tracker, version, model_id: model_id.to_owned(), used };
        if let Some(old) = entries.by_sender.insert(sender_id, entry) {
            entries.weight -= old.tracker.weight();
        }
        if entries.weight > self.most {
            entries.make_room(self.most);
        }
    }
}

impl Entries {
    /// Drops the least recently used trackers until a tenth is free, so that
    /// this scan is rare.
    fn make_room(&mut self, most: usize) {
        let mut by_age: Vec<(u64, String)> = self.by_sender.iter().map(|(id, e)| (e.used, id.clone())).collect();
        by_age.sort_unstable();
        for (_, sender_id) in by_age {
            if self.weight <= most - most / 10 {
                break;
            }
            if let Some(entry) = self.by_sender.remove(&sender_id) {
                self.weight -= entry.tracker.weight();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sapa_project::Domain;
    use sapa_sdk::{Event, EventBody};

    use super::*;

    fn tracker(sender_id: &str, text: usize) -> Tracker {
        let body = EventBody::Slot { name: "s".into(), value: "x".repeat(text).into() };
        Tracker::from_events(sender_id, Arc::new(Domain::default()), [Event::new(1.0, body)])
    }

    #[test]
    fn the_least_recently_used_go_when_room_is_needed() {
        let cache = TrackerCache::new(100_000);
        for number in 0..10 {
            cache.put(tracker(&format!("s{number}"), 11_000), number, "m");
        }
        assert!(cache.take("s0", "m").is_none());
        assert_eq!(cache.take("s9", "m").map(|(_, version)| version), Some(9));
        assert!(cache.entries.lock().unwrap().weight <= 100_000);
    }

    #[test]
    fn a_tracker_that_is_large_by_itself_is_not_kept() {
        let cache = TrackerCache::new(100_000);
        cache.put(tracker("a", 20_000), 1, "m");
        assert!(cache.take("a", "m").is_none());
    }

    #[test]
    fn a_tracker_of_another_model_is_not_used_and_taking_empties() {
        let cache = TrackerCache::new(100_000);
        cache.put(tracker("a", 5), 1, "old");
        assert!(cache.take("a", "new").is_none());
        cache.put(tracker("a", 5), 2, "new");
        assert!(cache.take("a", "new").is_some());
        assert!(cache.take("a", "new").is_none());
        assert_eq!(cache.entries.lock().unwrap().weight, 0);
    }
}
