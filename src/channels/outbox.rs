//! Hands messages that answer no request to their channels, each conversation's in
//! their order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::agent::{Agent, SendError, Sender, Unsent};

/// Messages that are under way at once, at most.
const MOST_UNDER_WAY: usize = 256;

/// How long messages under way may take once the server is told to stop; what is
/// cut off is sent again after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The channels that can send, by name.
pub type Senders = HashMap<&'static str, Arc<dyn Sender>>;

/// The pump.
pub(super) struct Pump {
    agent: Arc<Agent>,
    senders: Senders,
    under_way: JoinSet<()>,
}

impl Pump {
    /// A pump that begins with what was under way when the program last ended.
    pub(super) async fn start(agent: Arc<Agent>, senders: Senders) -> Self {
        match agent.send_doubtful_again().await {
            Ok(0) => {}
            Ok(messages) => tracing::warn!(messages, "messages may have arrived before the stop; they are sent again"),
            Err(error) => tracing::warn!(%error, "messages under way before the stop could not be looked up"),
        }
        Self { agent, senders, under_way: JoinSet::new() }
    }

    /// Sends what is ready; does not wait for the channels.
    pub(super) async fn send_ready(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        let room = MOST_UNDER_WAY - self.under_way.len().min(MOST_UNDER_WAY);
        let Ok(limit) = u32::try_from(room) else { return };
        if limit == 0 {
            return;
        }
        match self.agent.take_unsent(limit).await {
            Ok(ready) => {
                for messages in by_conversation(ready) {
                    self.under_way.spawn(send_all(Arc::clone(&self.agent), self.senders.clone(), messages));
                }
            }
            Err(error) => tracing::warn!(%error, "messages to send could not be looked up"),
        }
    }

    /// Waits a while for what is under way.
    pub(super) async fn stop(mut self) {
        let all = async { while self.under_way.join_next().await.is_some() {} };
        // What is left stands in the store.
        let _ = tokio::time::timeout(STOP_WITHIN, all).await;
    }
}

/// The messages of each conversation, in their order.
fn by_conversation(ready: Vec<Unsent>) -> Vec<Vec<Unsent>> {
    let mut groups: Vec<Vec<Unsent>> = Vec::new();
    for unsent in ready {
        let is_same = |group: &Vec<Unsent>| group.first().is_some_and(|first| first.sender_id == unsent.sender_id);
        match groups.iter().position(is_same) {
            Some(at) => groups[at].push(unsent),
            None => groups.push(vec![unsent]),
        }
    }
    groups
}

/// Sends a conversation's messages one after the other; behind one that is to be
/// tried again the others wait.
async fn send_all(agent: Arc<Agent>, senders: Senders, messages: Vec<Unsent>) {
    let mut waits = false;
    for unsent in messages {
        let channel = unsent.channel.as_str();
        let outcome = match waits {
            true => Err(SendError::Retry("an earlier message is not out yet".to_owned())),
            false => send(senders.get(channel), &unsent).await,
        };
        waits = matches!(outcome, Err(SendError::Retry(_) | SendError::Doubtful(_)));
        if let Err(error) = agent.settle(&unsent, outcome).await {
            tracing::warn!(channel, %error, "what came of a message could not be written; it may be sent again");
        }
    }
}

async fn send(sender: Option<&Arc<dyn Sender>>, unsent: &Unsent) -> Result<(), SendError> {
    let channel = unsent.channel.as_str();
    let Some(sender) = sender else {
        tracing::info!(channel, "a message stands in the tracker only: the channel cannot send it");
        return Err(SendError::Refused("the channel cannot send".to_owned()));
    };
    let Some(message) = &unsent.message else {
        tracing::warn!(channel, "a message to send cannot be read from its row");
        return Err(SendError::Refused("its row cannot be read".to_owned()));
    };
    let outcome = sender.send(&unsent.sender_id, message).await;
    if let Err(error) = &outcome {
        tracing::warn!(channel, %error, "a message was not delivered");
    }
    outcome
}
