//! Messages of one conversation are handled one after the other, in the order in
//! which they asked (spec §6.2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Messages that may wait in one conversation.
const MOST_WAITING: usize = 200;

type Queue = Arc<AsyncMutex<()>>;

/// One fair lock per conversation, kept only while somebody wants it.
#[derive(Default)]
pub(crate) struct Locks {
    queues: Arc<Mutex<HashMap<String, Queue>>>,
}

/// The right to work on a conversation.
pub(crate) struct Held {
    sender_id: String,
    queues: Arc<Mutex<HashMap<String, Queue>>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Waits for its turn; `None` when too many wait already.
    pub(crate) async fn lock(&self, sender_id: &str) -> Option<Held> {
        let queue = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            let queue = Arc::clone(queues.entry(sender_id.to_owned()).or_default());
            if Arc::strong_count(&queue) > MOST_WAITING + 1 {
                return None;
            }
            queue
        };
        // Made before waiting, so that a caller who gives up cleans up too.
        let mut held = Held { sender_id: sender_id.to_owned(), queues: Arc::clone(&self.queues), guard: None };
        held.guard = Some(queue.lock_owned().await);
        Some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.guard = None;
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.get(&self.sender_id).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.sender_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiters_are_served_in_order_and_nothing_is_left() {
        let locks = Arc::new(Locks::default());
        let first = locks.lock("a").await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..20 {
            let (waiting, order) = (Arc::clone(&locks), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _held = waiting.lock("a").await;
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
        assert!(locks.queues.lock().unwrap().is_empty());
    }
}
