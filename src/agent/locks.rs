//! Messages of one conversation are handled one after the other, in the order in
//! which they asked (spec §6.2).
//!
//! A conversation with many messages takes nobody's place, but it does take the
//! processor's and the disk's time. So while others write too, one whose messages queue
//! pauses between them; by itself, or among others like it, it does not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Messages that may wait in one conversation.
const MOST_WAITING: usize = 200;

/// Pause before a message that had to wait for one of its own conversation, and for how
/// long one that had not to wait makes others pause.
const PAUSE: Duration = Duration::from_millis(5);
const LATELY: Duration = Duration::from_millis(20);

/// How long whoever is turned away is kept: somebody who tries again at once, from many
/// connections, would take more than the turns do.
const TURNED_AWAY_AFTER: Duration = Duration::from_millis(100);

type Queue = Arc<AsyncMutex<()>>;

/// One fair lock per conversation, kept only while somebody wants it.
#[derive(Default)]
pub(crate) struct Locks {
    queues: Arc<Mutex<HashMap<String, Queue>>>,
    unqueued: Unqueued,
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
        if let Ok(guard) = Arc::clone(&queue).try_lock_owned() {
            self.unqueued.came(sender_id, Instant::now());
            held.guard = Some(guard);
        } else {
            held.guard = Some(queue.lock_owned().await);
            if self.unqueued.other_than(sender_id, Instant::now()) {
                tokio::time::sleep(PAUSE).await;
            }
        }
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

/// The last message that did not have to wait: its conversation, and when it came.
#[derive(Default)]
struct Unqueued(Mutex<Option<(String, Instant)>>);

impl Unqueued {
    fn came(&self, sender_id: &str, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender_id.to_owned(), now));
    }

    /// Whether one of another conversation came lately.
    fn other_than(&self, sender_id: &str, now: Instant) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|(sender, time)| sender != sender_id && now.saturating_duration_since(*time) < LATELY)
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

    /// Whether a message that waited goes on at once when the one before it is done. The
    /// runtime looks at its clock only when nothing else is to do.
    async fn goes_on_at_once(others: &[&str]) -> bool {
        let locks = Arc::new(Locks::default());
        let first = locks.lock("flood").await;
        let waiting = Arc::clone(&locks);
        let second = tokio::spawn(async move { waiting.lock("flood").await.is_some() });
        tokio::task::yield_now().await;
        for other in others {
            assert!(locks.lock(other).await.is_some());
        }
        drop(first);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let at_once = second.is_finished();
        assert!(second.await.unwrap());
        at_once
    }

    #[tokio::test]
    async fn a_queue_pauses_while_others_write_and_only_then() {
        assert!(goes_on_at_once(&[]).await);
        assert!(!goes_on_at_once(&["other"]).await);
    }

    #[test]
    fn what_came_lately_is_forgotten() {
        let (unqueued, now) = (Unqueued::default(), Instant::now());
        unqueued.came("other", now);
        assert!(unqueued.other_than("flood", now + LATELY / 2));
        assert!(!unqueued.other_than("flood", now + LATELY));
        assert!(!unqueued.other_than("other", now));
        unqueued.came("flood", now);
        assert!(!unqueued.other_than("flood", now));
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
