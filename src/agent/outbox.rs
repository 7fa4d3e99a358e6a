//! Messages that answer no request. They are written with the turn that said them
//! and stay until their channel has them (design: the road of a turn), so that a
//! crash in between loses none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sapa_sdk::BotMessage;
use serde_json::{Value, json};

use super::{Agent, AgentError, SendError, Sender};
use crate::store::{OutboxItem, OutboxMessage, Settled};

/// Pauses between attempts, seconds: the first; the longest; and the longest where
/// it is unknown whether a message arrived, of which there are a few attempts only.
const FIRST_PAUSE: f64 = 0.5;
const LONGEST_PAUSE: f64 = 30.0;
const LONGEST_IN_DOUBT: f64 = 4.0;

/// How long messages stay with the process that has taken them out, unless it holds
/// on to them: another one sends them when it is gone.
pub const LEASE: Duration = Duration::from_secs(15);

/// A store that does not answer for so long does not say how many wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The channels that can send, by name.
pub type Senders = HashMap<&'static str, Arc<dyn Sender>>;

/// A part of a message on its way.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// Number of its row.
    pub id: i64,
    attempts: i64,
    /// Conversation id.
    pub sender_id: String,
    /// Name of the channel.
    pub channel: String,
    /// The part, as the channel cut it.
    pub part: Value,
    /// Where it goes, as the channel said with the message that it answers.
    pub address: Value,
}

impl Agent {
    /// The rows of messages that go out through a channel. Of a channel that cannot
    /// send there is one for each message, to be told.
    pub(super) fn rows(&self, channel: &str, messages: &[BotMessage], address: Option<&Value>) -> Vec<OutboxMessage> {
        let sender = self.senders.get().and_then(|senders| senders.get(channel));
        let parts = messages.iter().flat_map(|message| match sender {
            Some(sender) => sender.parts(message),
            None => vec![Value::Null],
        });
        let row = |part: Value| OutboxMessage {
            channel: channel.to_owned(),
            payload: json!({ "part": part, "address": address }),
            not_before: None,
        };
        parts.map(row).collect()
    }

    /// Takes parts of messages out for sending, in the order of their conversations.
    /// Each is to be given to [`Self::settle`] within [`LEASE`], or held on to.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_unsent(&self, limit: u32) -> Result<Vec<Unsent>, AgentError> {
        let items = self.store.claim_outbox(&self.owner, LEASE.as_secs_f64(), limit).await?;
        Ok(items.into_iter().map(unsent).collect())
    }

    /// How many parts of messages wait to be sent; `None` while the store cannot be
    /// asked.
    pub async fn unsent(&self) -> Option<u64> {
        tokio::time::timeout(PATIENCE, self.store.unsent()).await.ok()?.ok()
    }

    /// Holds on to parts that are still being sent.
    ///
    /// # Errors
    /// The store failed; others may take them when their time is over.
    pub async fn hold_unsent(&self, ids: Vec<i64>) -> Result<(), AgentError> {
        if ids.is_empty() {
            return Ok(());
        }
        Ok(self.store.hold_outbox(&self.owner, ids, LEASE.as_secs_f64()).await?)
    }

    /// Has parts sent again that were with a process that is gone: whether they
    /// arrived is unknown. Those of the channels `resting` are not. How many there
    /// were.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_over_unsent(&self, resting: &[&str]) -> Result<u64, AgentError> {
        Ok(self.store.reclaim_outbox(resting).await?)
    }

    /// Says what came of sending a part. `gives_up`: it is not tried again, although
    /// nobody knows whether it arrived.
    ///
    /// # Errors
    /// The store failed; it is sent again once its time is over.
    pub async fn settle(
        &self,
        unsent: &Unsent,
        outcome: &Result<(), SendError>,
        gives_up: bool,
    ) -> Result<(), AgentError> {
        let settled = match outcome {
            Ok(()) => Settled::Sent,
            Err(SendError::Refused(_)) => Settled::Failed,
            Err(SendError::Doubtful { .. }) if gives_up => Settled::Doubtful,
            // Once more than too seldom: a possible double is marked in its row.
            Err(SendError::Doubtful { .. }) => self.again(unsent, true, None),
            Err(SendError::Retry { after, .. }) => self.again(unsent, false, *after),
        };
        Ok(self.store.settle_outbox(&self.owner, vec![(unsent.id, settled)]).await?)
    }

    fn again(&self, unsent: &Unsent, in_doubt: bool, after: Option<Duration>) -> Settled {
        let doublings = i32::try_from(unsent.attempts.clamp(1, 16)).unwrap_or(1) - 1;
        let longest = if in_doubt { LONGEST_IN_DOUBT } else { LONGEST_PAUSE };
        let pause = (FIRST_PAUSE * 2_f64.powi(doublings)).min(longest);
        let pause = after.map_or(pause, |after| after.as_secs_f64());
        Settled::Retry { not_before: self.now() + pause, in_doubt }
    }
}

fn unsent(item: OutboxItem) -> Unsent {
    let mut payload = item.payload;
    let mut take = |key: &str| payload.get_mut(key).map(Value::take).unwrap_or_default();
    Unsent {
        id: item.id,
        attempts: item.attempts,
        part: take("part"),
        address: take("address"),
        sender_id: item.sender_id,
        channel: item.channel,
    }
}
