//! What this process has taken out of the store, and until when it is its own.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rows by id, each until when it is this process's.
pub(super) struct Leases {
    rows: Mutex<HashMap<i64, Instant>>,
    /// A row is worked on only while it is this process's for so long at least; else it
    /// is held on to first: others may have taken it while this process slept.
    margin: Duration,
}

impl Leases {
    /// None yet, of leases so long.
    pub(super) fn of(lease: Duration) -> Self {
        Self { rows: Mutex::default(), margin: lease / 3 }
    }

    pub(super) fn begin(&self, ids: impl IntoIterator<Item = i64>, until: Instant) {
        self.rows().extend(ids.into_iter().map(|id| (id, until)));
    }

    pub(super) fn end(&self, id: i64) {
        self.rows().remove(&id);
    }

    pub(super) fn ids(&self) -> Vec<i64> {
        self.rows().keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether it is this process's, as far as it knows.
    pub(super) fn has(&self, id: i64) -> bool {
        self.rows().contains_key(&id)
    }

    /// Whether it is for long enough.
    pub(super) fn is_safe(&self, id: i64) -> bool {
        self.rows().get(&id).is_some_and(|until| *until > Instant::now() + self.margin)
    }

    /// Of the rows `asked`, only `held` are this process's still, until then.
    pub(super) fn renew(&self, asked: &[i64], held: &[i64], until: Instant) {
        let mut rows = self.rows();
        for id in asked {
            // What was done meanwhile is not under way any more.
            let Some(own) = rows.get_mut(id) else { continue };
            if held.contains(id) {
                *own = until;
            } else {
                rows.remove(id);
            }
        }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<i64, Instant>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
