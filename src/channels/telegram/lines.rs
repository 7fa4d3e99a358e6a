//! A queue for each conversation, as long as somebody works on it.

use std::collections::{HashMap, VecDeque};

/// Queues by sender id.
pub(super) struct Lines<T>(HashMap<String, VecDeque<T>>);

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Lines<T> {
    /// Puts something at the end of a queue. `true` when nobody works on it yet: the
    /// caller has to.
    pub(super) fn push(&mut self, sender_id: &str, item: T) -> bool {
        if let Some(line) = self.0.get_mut(sender_id) {
            line.push_back(item);
            return false;
        }
        self.0.insert(sender_id.to_owned(), VecDeque::from([item]));
        true
    }

    /// What comes next; with `None` the queue is gone.
    pub(super) fn next(&mut self, sender_id: &str) -> Option<T> {
        let next = self.0.get_mut(sender_id).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.0.remove(sender_id);
        }
        next
    }
}
