//! Messages that answer no request. They are written with the turn that said them
//! and stay until their channel has them (design: the road of a turn), so that a
//! crash in between loses none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sapa_sdk::BotMessage;
use serde_json::{Value, json};

use super::{Agent, AgentError, SendError, Sender};
use crate::store::{Claim, OutboxItem, OutboxMessage, Settled};

/// Pauses between attempts, seconds: the first; the longest; and the longest where
/// it is unknown whether a message arrived, of which there are a few attempts only.
const FIRST_PAUSE: f64 = 0.5;
const LONGEST_PAUSE: f64 = 30.0;
const LONGEST_IN_DOUBT: f64 = 4.0;

/// No message is put off for longer, seconds: a channel that wants a longer rest says so
/// when it is asked again. And nothing is set to a time that is further away.
const LONGEST_REST: f64 = 600.0;
const LATEST: f64 = LONGEST_REST + 60.0;

/// How long messages stay with the process that has taken them out, unless it holds
/// on to them: another one sends them when it is gone.
pub const LEASE: Duration = Duration::from_secs(15);

/// A store that does not answer for so long does not say how many wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The channels that can send, by name.
pub type Senders = HashMap<&'static str, Arc<dyn Sender>>;

/// Who sends what answers no request.
#[derive(Default)]
pub struct Speakers {
    /// The channels of this process that can.
    pub senders: Senders,
    /// Names of channels that can where they are served: their messages wait for a
    /// process that serves them. Those of others stand in the tracker only.
    pub known: Vec<&'static str>,
}

impl Speakers {
    fn ready(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.senders.iter().filter(|(_, sender)| sender.is_ready()).map(|(name, _)| *name)
    }
}

/// Attempts at a message of several parts of which one was sent and another was not:
/// the first ones arrive again each time.
const MOST_REPEATED: u32 = 7;

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
    /// The part, as the channel cut it; or all parts of a message that was written
    /// where the channel was not served.
    pub parts: Vec<Value>,
    /// Where it goes, as the channel said with the message that it answers.
    pub address: Value,
}

impl Agent {
    fn sender(&self, channel: &str) -> Option<&Arc<dyn Sender>> {
        self.speakers.get()?.senders.get(channel)
    }

    /// The rows of messages that go out through a channel.
    /// `unasked`: no user waits for them.
    pub(super) fn rows(
        &self,
        channel: &str,
        messages: &[BotMessage],
        address: Option<&Value>,
        unasked: bool,
    ) -> Vec<OutboxMessage> {
        let row = |mut payload: Value| {
            if let Some(payload) = payload.as_object_mut().filter(|_| unasked) {
                // The stores look for it where it begins.
                payload.shift_insert(0, "unasked".to_owned(), Value::Bool(true));
            }
            OutboxMessage { channel: channel.to_owned(), payload, not_before: None }
        };
        if let Some(sender) = self.sender(channel) {
            let parts = messages.iter().flat_map(|message| sender.parts(message));
            return parts.map(|part| row(json!({ "part": part, "address": address }))).collect();
        }
        if self.speakers.get().is_some_and(|speakers| speakers.known.contains(&channel)) {
            let whole = |message| row(json!({ "message": message, "address": address }));
            return messages.iter().map(whole).collect();
        }
        if !messages.is_empty() {
            tracing::info!(channel, "a message stands in the tracker only: the channel cannot send it");
        }
        Vec::new()
    }

    /// How many parts of messages wait to be sent; `None` while the store cannot be
    /// asked.
    pub async fn unsent(&self) -> Option<u64> {
        tokio::time::timeout(PATIENCE, self.store.unsent()).await.ok()?.ok()
    }

    /// Takes parts of replies out for sending, in the order of their conversations.
    /// Each is to be given to [`Self::settle`] within [`LEASE`], or held on to.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_unsent(&self, limit: u32) -> Result<Vec<Unsent>, AgentError> {
        let channels: Vec<&str> = self.speakers.get().map(|speakers| speakers.ready().collect()).unwrap_or_default();
        self.take(&channels, limit, false).await
    }

    /// As [`Self::take_unsent`], of what answers nobody, on one channel.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_unasked(&self, channel: &str, limit: u32) -> Result<Vec<Unsent>, AgentError> {
        self.take(&[channel], limit, true).await
    }

    /// The channels that can send at the moment, with how much a second of what answers
    /// nobody.
    pub fn paces(&self) -> Vec<(&'static str, Option<f64>)> {
        let Some(speakers) = self.speakers.get() else { return Vec::new() };
        speakers.ready().map(|name| (name, speakers.senders.get(name).and_then(|sender| sender.pace()))).collect()
    }

    async fn take(&self, channels: &[&str], limit: u32, unasked: bool) -> Result<Vec<Unsent>, AgentError> {
        if channels.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let claim = Claim { owner: &self.owner, channels, seconds: LEASE.as_secs_f64(), limit, unasked };
        let items = self.store.claim_outbox(claim).await?;
        Ok(items.into_iter().map(|item| self.unsent_of(item)).collect())
    }

    /// Holds on to parts that are still being sent; gives those that still were this
    /// process's to send.
    ///
    /// # Errors
    /// The store failed; others may take them when their time is over.
    pub async fn hold_unsent(&self, ids: Vec<i64>) -> Result<Vec<i64>, AgentError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.store.hold_outbox(&self.owner, ids, LEASE.as_secs_f64()).await?)
    }

    /// Has parts sent again that were with a process that is gone: whether they
    /// arrived is unknown. Those of channels that hold in doubt are not, nor those that
    /// this process has under way. How many there were.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_over_unsent(&self, under_way: Vec<i64>) -> Result<u64, AgentError> {
        let senders = self.speakers.get().into_iter().flat_map(|speakers| &speakers.senders);
        let resting: Vec<&str> = senders.filter(|(_, sender)| sender.holds_in_doubt()).map(|(name, _)| *name).collect();
        Ok(self.store.reclaim_outbox(&resting, under_way).await?)
    }

    /// Has everything due that a clock has put off which was ahead and was set back.
    ///
    /// # Errors
    /// The store failed.
    pub async fn mend_times(&self) -> Result<(), AgentError> {
        Ok(self.store.mend_times(LATEST).await?)
    }

    /// Tries once to send what was taken out.
    ///
    /// # Errors
    /// It was not sent, or nobody knows.
    pub async fn send(&self, unsent: &Unsent) -> Result<(), SendError> {
        let Some(sender) = self.sender(&unsent.channel) else {
            return Err(SendError::Retry { reason: "the channel is not served here".to_owned(), after: None });
        };
        if unsent.parts.is_empty() {
            return Err(SendError::Refused("its row cannot be read".to_owned()));
        }
        let (mut sent, mut refused) = (0, None);
        for part in &unsent.parts {
            match sender.send(&unsent.sender_id, &unsent.address, part).await {
                Ok(()) => sent += 1,
                // The others may be taken all the same.
                Err(SendError::Refused(reason)) => refused = Some(reason),
                Err(SendError::Retry { reason, .. }) if sent > 0 => {
                    return Err(SendError::Doubtful { reason, most: MOST_REPEATED });
                }
                Err(SendError::Doubtful { reason, .. }) if sender.holds_in_doubt() => {
                    return Err(SendError::Doubtful { reason, most: 1 });
                }
                Err(error) => return Err(error),
            }
        }
        match refused {
            Some(reason) if sent == 0 => Err(SendError::Refused(reason)),
            _ => Ok(()),
        }
    }

    /// What came of a part, to be given to [`Self::settle`]. `gives_up`: it is not tried
    /// again, although nobody knows whether it arrived.
    pub fn outcome(&self, unsent: &Unsent, outcome: &Result<(), SendError>, gives_up: bool) -> (i64, Settled) {
        let settled = match outcome {
            Ok(()) => Settled::Sent,
            Err(SendError::Refused(_)) => Settled::Failed,
            Err(SendError::Doubtful { .. }) if gives_up => Settled::Doubtful,
            // Once more than too seldom: a possible double is marked in its row.
            Err(SendError::Doubtful { .. }) => self.again(unsent, true, None),
            Err(SendError::Retry { after, .. }) => self.again(unsent, false, *after),
        };
        (unsent.id, settled)
    }

    /// Writes down what came of parts.
    ///
    /// # Errors
    /// The store failed; they are sent again once their time is over.
    pub async fn settle(&self, outcomes: Vec<(i64, Settled)>) -> Result<(), AgentError> {
        Ok(self.store.settle_outbox(&self.owner, outcomes).await?)
    }

    fn again(&self, unsent: &Unsent, in_doubt: bool, after: Option<Duration>) -> Settled {
        let doublings = i32::try_from(unsent.attempts.clamp(1, 16)).unwrap_or(1) - 1;
        let longest = if in_doubt { LONGEST_IN_DOUBT } else { LONGEST_PAUSE };
        let pause = (FIRST_PAUSE * 2_f64.powi(doublings)).min(longest);
        let pause = after.map_or(pause, |after| after.as_secs_f64().min(LONGEST_REST));
        Settled::Retry { not_before: self.now() + pause, in_doubt }
    }

    fn unsent_of(&self, item: OutboxItem) -> Unsent {
        let mut payload = item.payload;
        let address = payload.get_mut("address").map(Value::take).unwrap_or_default();
        let parts = match payload.get_mut("part").map(Value::take) {
            Some(part) => vec![part],
            // Written where the channel was not served, or by an earlier version: the
            // message itself.
            None => {
                let message = payload.get("message").unwrap_or(&payload).clone();
                let message = serde_json::from_value::<BotMessage>(message).ok();
                let sender = self.sender(&item.channel);
                message.zip(sender).map(|(message, sender)| sender.parts(&message)).unwrap_or_default()
            }
        };
        Unsent {
            id: item.id,
            attempts: item.attempts,
            sender_id: item.sender_id,
            channel: item.channel,
            parts,
            address,
        }
    }
}
