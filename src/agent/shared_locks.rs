//! Locks on conversations that several processes share (spec §6.2). They only save
//! wasted work: whoever writes to a conversation that another wrote to meanwhile is
//! stopped by the store's fence, with a lock or without. So a turn goes on without one
//! where the lock's server is away.

use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Agent;
use crate::store::Store;

/// How long a lock is held without being renewed: after a crash others wait so long.
const LEASE: Duration = Duration::from_secs(3);
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// How long a turn waits for a lock before it goes on without.
const PATIENCE: Duration = Duration::from_secs(12);

/// How long the lock store may take to answer, and how long it is not asked once it has
/// not.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
const RESTS: Duration = Duration::from_secs(5);

/// First and longest pause between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What a [`SharedLocks`] answers.
pub type LockAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, LockError>> + Send + 'a>>;

/// Why a lock server did not answer. Never holds a secret.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct LockError(pub String);

/// Where locks are kept that several processes share.
pub trait SharedLocks: Send + Sync {
    /// Takes or keeps the lock of a conversation for so long; `false` while somebody
    /// with another mark has it.
    fn take<'a>(&'a self, sender_id: &'a str, mark: &'a str, time: Duration) -> LockAnswer<'a, bool>;

    /// Lets go of it.
    fn leave<'a>(&'a self, sender_id: &'a str, mark: &'a str) -> LockAnswer<'a, ()>;
}

/// Locks in the database of the tracker store.
pub struct StoreLocks(pub Arc<dyn Store>);

impl SharedLocks for StoreLocks {
    fn take<'a>(&'a self, sender_id: &'a str, mark: &'a str, time: Duration) -> LockAnswer<'a, bool> {
        Box::pin(async move {
            let leads = self.0.lead(&task(sender_id), mark, time.as_secs_f64()).await;
            leads.map_err(|error| LockError(error.to_string()))
        })
    }

    fn leave<'a>(&'a self, sender_id: &'a str, mark: &'a str) -> LockAnswer<'a, ()> {
        Box::pin(async move { self.take(sender_id, mark, Duration::ZERO).await.map(drop) })
    }
}

/// What is led in the store by whoever has a conversation's lock. The store forgets
/// such leads when they are old.
fn task(sender_id: &str) -> String {
    format!("lock {sender_id}")
}

/// A lock that is held; it is let go of with this value.
pub(super) struct SharedHold {
    locks: Arc<dyn SharedLocks>,
    sender_id: String,
    mark: String,
    renewal: JoinHandle<()>,
}

impl Drop for SharedHold {
    fn drop(&mut self) {
        self.renewal.abort();
        let_go(Arc::clone(&self.locks), std::mem::take(&mut self.sender_id), std::mem::take(&mut self.mark));
    }
}

impl Agent {
    /// Takes the lock of a conversation, where locks are shared; `None` where they are
    /// not, and where there is none to be had.
    pub(super) async fn share(&self, sender_id: &str) -> Option<SharedHold> {
        let locks = self.shared_locks.as_ref().filter(|_| !self.lock_store_rests())?;
        let mark = super::made_up_name();
        let (until, mut pause) = (Instant::now() + PATIENCE, FIRST_PAUSE);
        loop {
            let asked = tokio::time::timeout(ANSWERS_WITHIN, locks.take(sender_id, &mark, LEASE)).await;
            match asked.unwrap_or_else(|_| Err(LockError("no answer in time".to_owned()))) {
                Ok(true) => break,
                Ok(false) if Instant::now() < until => {}
                Ok(false) => {
                    tracing::warn!("a conversation's lock was not to be had; the turn goes on without it");
                    return None;
                }
                Err(error) => {
                    self.let_lock_store_rest();
                    tracing::warn!(%error, "the lock store does not answer; turns go on without locks for a while");
                    // It may have taken the lock all the same.
                    let_go(Arc::clone(locks), sender_id.to_owned(), mark);
                    return None;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let renewal = tokio::spawn(renew(Arc::clone(locks), sender_id.to_owned(), mark.clone()));
        Some(SharedHold { locks: Arc::clone(locks), sender_id: sender_id.to_owned(), mark, renewal })
    }

    fn lock_store_rests(&self) -> bool {
        let until = *self.lock_store_rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn let_lock_store_rest(&self) {
        let until = Instant::now() + RESTS;
        *self.lock_store_rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

/// Lets go of a lock; when that fails, its time passes.
fn let_go(locks: Arc<dyn SharedLocks>, sender_id: String, mark: String) {
    tokio::spawn(async move {
        let _ = locks.leave(&sender_id, &mark).await;
    });
}

async fn renew(locks: Arc<dyn SharedLocks>, sender_id: String, mark: String) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        // When it fails, the fence is still there.
        let _ = locks.take(&sender_id, &mark, LEASE).await;
    }
}
