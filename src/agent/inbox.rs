//! Messages that a channel acknowledges before their turns (design: the road of a
//! turn). Each is on disk when it is acknowledged, numbered within its conversation,
//! and with one process at a time until its turn is committed.

use std::time::Duration;

use super::{Agent, AgentError};
use crate::store::{Accepted, Claim, Intake, Pending};

/// How long a message stays with the process that has it, unless it holds on to it:
/// another one gives it its turn when it is gone. Short, as nothing is lost when two
/// have it: the fence lets one turn through.
pub const INBOX_LEASE: Duration = Duration::from_secs(5);

/// A store that does not answer for so long does not say how many wait.
const PATIENCE: Duration = Duration::from_secs(1);

impl Agent {
    /// Takes a message in; it is on disk when this returns. `keeps`: its turn is for
    /// this process, if it can be, for [`INBOX_LEASE`].
    ///
    /// # Errors
    /// The store failed: nothing was taken in.
    pub async fn accept(&self, intake: Intake, keeps: bool) -> Result<Accepted, AgentError> {
        let seconds = if keeps { INBOX_LEASE.as_secs_f64() } else { 0.0 };
        Ok(self.store.accept(intake, &self.owner, seconds).await?)
    }

    /// Takes out messages of a channel that nobody has, of so many conversations, of each
    /// at most [`super::CLAIMED_OF_ONE`] in their order. Each is this process's for [`INBOX_LEASE`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_unserved(&self, channel: &str, conversations: u32) -> Result<Vec<Pending>, AgentError> {
        let claim = Claim {
            owner: &self.owner,
            channels: &[channel],
            seconds: INBOX_LEASE.as_secs_f64(),
            limit: conversations,
            unasked: false,
        };
        Ok(self.store.claim_inbox(claim).await?)
    }

    /// Holds on to messages for so long; no time lets go of them. Gives those that
    /// still are this process's.
    ///
    /// # Errors
    /// The store failed; others may take them when their time is over.
    pub async fn hold_unserved(&self, ids: Vec<i64>, time: Duration) -> Result<Vec<i64>, AgentError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.store.hold_inbox(&self.owner, ids, time.as_secs_f64()).await?)
    }

    /// Closes an accepted message without a turn.
    ///
    /// # Errors
    /// The store failed.
    pub async fn give_up(&self, inbox_id: i64) -> Result<(), AgentError> {
        self.store.bury(inbox_id).await?;
        Ok(())
    }

    /// How many accepted messages have not had their turn; `None` while the store
    /// cannot be asked.
    pub async fn unserved(&self) -> Option<u64> {
        tokio::time::timeout(PATIENCE, self.store.unserved()).await.ok()?.ok()
    }
}
