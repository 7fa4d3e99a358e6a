//! Messages of one conversation are handled one after the other, in the order in
//! which they asked (spec §6.2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Messages that may wait in one conversation.
const MOST_WAITING: usize = 200;

/// How long whoever is turned away is kept: somebody who tries again at once, from many
/// connections, would take more than the turns do.
const TURNED_AWAY_AFTER: Duration = Duration::from_millis(100);

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
    /// Waits for its turn; `None`, after a moment, when too many wait already.
    pub(crate) async fn lock(&self, sender_id: &str) -> Option<Held> {
        let Some(queue) = self.queue(sender_id) else {
            tokio::time::sleep(TURNED_AWAY_AFTER).await;
            return None;
        };
        // Made before waiting, so that a caller who gives up cleans up too.
        let mut held = Held { sender_id: sender_id.to_owned(), queues: Arc::clone(&self.queues), guard: None };
        held.guard = Some(queue.lock_owned().await);
        Some(held)
    }

    /// The conversation's queue, unless it is full.
    fn queue(&self, sender_id: &str) -> Option<Queue> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = Arc::clone(queues.entry(sender_id.to_owned()).or_default());
        // Besides those who wait: the map, whoever has it, and this one.
        (Arc::strong_count(&queue) < MOST_WAITING + 3).then_some(queue)
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

    #[tokio::test]
    async fn one_too_many_is_kept_a_moment_and_turned_away() {
        let locks = Arc::new(Locks::default());
        let first = locks.lock("flood").await;
        let mut waiting = Vec::new();
        for _ in 0..MOST_WAITING {
            let locks = Arc::clone(&locks);
            waiting.push(tokio::spawn(async move { locks.lock("flood").await.is_some() }));
            tokio::task::yield_now().await;
        }
        let turned_away = {
            let locks = Arc::clone(&locks);
            tokio::spawn(async move { locks.lock("flood").await.is_none() })
        };
        tokio::task::yield_now().await;
        assert!(!turned_away.is_finished(), "would try again at once");
        assert!(turned_away.await.unwrap());
        drop(first);
        for one in waiting {
            assert!(one.await.unwrap());
        }
    }
}
