//! Messages that answer no request. They are written with the turn that said them
//! and stay until their channel has them (design: the road of a turn), so that a
//! crash in between loses none.

use sapa_sdk::BotMessage;

use super::{Agent, AgentError, SendError};
use crate::store::{OutboxItem, OutboxMessage, Settled};

/// Pauses between attempts, seconds: the first, and the longest.
const FIRST_PAUSE: f64 = 1.0;
const LONGEST_PAUSE: f64 = 60.0;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Unsent {
    id: i64,
    attempts: i64,
    /// Conversation id.
    pub sender_id: String,
    /// Name of the channel.
    pub channel: String,
    /// The message; `None` when a row cannot be read.
    pub message: Option<BotMessage>,
}

/// The rows of messages that go out through a channel.
pub(super) fn rows(channel: &str, messages: &[BotMessage]) -> Vec<OutboxMessage> {
    let row = |message| OutboxMessage {
        channel: channel.to_owned(),
        payload: serde_json::to_value(message).unwrap_or_default(),
        not_before: None,
    };
    messages.iter().map(row).collect()
}

impl Agent {
    /// Takes messages out for sending, in the order of their conversations. Each is
    /// to be given to [`Self::settle`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_unsent(&self, limit: u32) -> Result<Vec<Unsent>, AgentError> {
        Ok(self.store.claim_outbox(limit).await?.into_iter().map(unsent).collect())
    }

    /// Says what came of sending a message.
    ///
    /// # Errors
    /// The store failed; the message counts as doubtful at the next start.
    pub async fn settle(&self, unsent: &Unsent, outcome: Result<(), SendError>) -> Result<(), AgentError> {
        let settled = match outcome {
            Ok(()) => Settled::Sent,
            Err(SendError::Refused(_)) => Settled::Failed,
            // Once more than too seldom: a possible double is marked in its row.
            Err(SendError::Retry(_) | SendError::Doubtful(_)) => {
                let doublings = i32::try_from(unsent.attempts.clamp(1, 16)).unwrap_or(1) - 1;
                let pause = (FIRST_PAUSE * 2_f64.powi(doublings)).min(LONGEST_PAUSE);
                Settled::Retry { not_before: self.now() + pause }
            }
        };
        Ok(self.store.settle_outbox(vec![(unsent.id, settled)]).await?)
    }

    /// Has messages sent again that were on their way when the program ended: it is
    /// unknown whether they arrived. How many there are.
    ///
    /// # Errors
    /// The store failed.
    pub async fn send_doubtful_again(&self) -> Result<usize, AgentError> {
        let doubtful = self.store.doubt_outbox().await?;
        let again = Settled::Retry { not_before: self.now() };
        let count = doubtful.len();
        if count > 0 {
            self.store.settle_outbox(doubtful.into_iter().map(|item| (item.id, again)).collect()).await?;
        }
        Ok(count)
    }
}

fn unsent(item: OutboxItem) -> Unsent {
    Unsent {
        id: item.id,
        attempts: item.attempts,
        message: serde_json::from_value(item.payload).ok(),
        sender_id: item.sender_id,
        channel: item.channel,
    }
}
