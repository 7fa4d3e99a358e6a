//! Hands messages that answer no request to their channels, each conversation's in
//! their order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::agent::{Agent, SendError, Senders, Unsent};

/// How often messages are looked for that nobody told of: those whose time has come.
const EVERY: Duration = Duration::from_millis(500);

/// How often messages under way are held on to, and others' looked after.
const UPKEEP: Duration = Duration::from_secs(5);

/// Messages that are under way at once, at most.
const MOST_UNDER_WAY: usize = 256;

/// How long messages under way may take once the server is told to stop; what is
/// cut off is sent again after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Sends what turns say until told to stop.
pub async fn run(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let mut pump = Pump { agent, under_way: JoinSet::new(), ledger: Arc::default(), upkeep: None };
    loop {
        pump.look_after().await;
        pump.send_ready().await;
        tokio::select! {
            // Nobody left to tell it to stop is a stop, too.
            _ = stop.wait_for(|stop| *stop) => break,
            () = pump.agent.outbox_news() => {}
            // Behind a message others of its conversation may wait.
            Some(_) = pump.under_way.join_next() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    pump.stop().await;
}

struct Pump {
    agent: Arc<Agent>,
    under_way: JoinSet<()>,
    ledger: Arc<Ledger>,
    /// When messages under way were last held on to.
    upkeep: Option<Instant>,
}

/// Messages under way, and how often it stayed unknown whether one arrived.
#[derive(Default)]
struct Ledger(Mutex<HashMap<i64, u32>>);

impl Pump {
    async fn look_after(&mut self) {
        if self.upkeep.is_some_and(|last| last.elapsed() < UPKEEP) {
            return;
        }
        self.upkeep = Some(Instant::now());
        if let Err(error) = self.agent.hold_unsent(self.ledger.under_way()).await {
            tracing::warn!(%error, "messages under way could not be held on to");
        }
        match self.agent.take_over_unsent(&[]).await {
            Ok(0) => {}
            Ok(messages) => tracing::warn!(messages, "messages may have arrived before a stop; they are sent again"),
            Err(error) => tracing::warn!(%error, "messages of processes that are gone could not be looked up"),
        }
    }

    /// Sends what is ready; does not wait for the channels.
    async fn send_ready(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        let room = MOST_UNDER_WAY - self.under_way.len().min(MOST_UNDER_WAY);
        let Ok(limit) = u32::try_from(room) else { return };
        if limit == 0 {
            return;
        }
        match self.agent.take_unsent(limit).await {
            Ok(ready) => {
                self.ledger.begin(&ready);
                for messages in by_conversation(ready) {
                    self.under_way.spawn(send_all(Arc::clone(&self.agent), Arc::clone(&self.ledger), messages));
                }
            }
            Err(error) => tracing::warn!(%error, "messages to send could not be looked up"),
        }
    }

    /// Sends what is ready, and waits a while for what is under way.
    async fn stop(mut self) {
        self.send_ready().await;
        let all = async { while self.under_way.join_next().await.is_some() {} };
        // What is left stands in the store.
        let _ = tokio::time::timeout(STOP_WITHIN, all).await;
    }
}

impl Ledger {
    fn begin(&self, messages: &[Unsent]) {
        let mut doubts = self.doubts();
        for message in messages {
            doubts.entry(message.id).or_default();
        }
    }

    fn under_way(&self) -> Vec<i64> {
        self.doubts().keys().copied().collect()
    }

    /// Notes an outcome; whether the message is given up, as it stayed unknown too
    /// often whether it arrived.
    fn note(&self, id: i64, outcome: &Result<(), SendError>) -> bool {
        let mut doubts = self.doubts();
        let Err(SendError::Doubtful { most, .. }) = outcome else {
            doubts.remove(&id);
            return false;
        };
        let count = doubts.entry(id).or_default();
        *count += 1;
        let gives_up = *count >= *most;
        if gives_up {
            doubts.remove(&id);
        }
        gives_up
    }

    fn doubts(&self) -> MutexGuard<'_, HashMap<i64, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The messages of each conversation, in their order.
fn by_conversation(ready: Vec<Unsent>) -> Vec<Vec<Unsent>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<Unsent>> = Vec::new();
    for unsent in ready {
        let place = *places.entry(unsent.sender_id.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(unsent),
            None => groups.push(vec![unsent]),
        }
    }
    groups
}

/// Sends a conversation's messages one after the other; behind one that is to be
/// tried again the others wait.
async fn send_all(agent: Arc<Agent>, ledger: Arc<Ledger>, messages: Vec<Unsent>) {
    let mut after = None;
    for unsent in messages {
        let channel = unsent.channel.as_str();
        let outcome = match after {
            Some(after) => Err(SendError::Retry { reason: "an earlier message is not out yet".to_owned(), after }),
            None => send(agent.senders.get(), &unsent).await,
        };
        let gives_up = ledger.note(unsent.id, &outcome);
        if gives_up {
            tracing::error!(channel, "it stays unknown whether a message arrived; it is not sent again");
        }
        after = after.or(match &outcome {
            Err(SendError::Retry { after, .. }) => Some(*after),
            Err(SendError::Doubtful { .. }) if !gives_up => Some(None),
            _ => None,
        });
        if let Err(error) = agent.settle(&unsent, &outcome, gives_up).await {
            tracing::warn!(channel, %error, "what came of a message could not be written; it may be sent again");
        }
    }
}

async fn send(senders: Option<&Senders>, unsent: &Unsent) -> Result<(), SendError> {
    let channel = unsent.channel.as_str();
    let Some(sender) = senders.and_then(|senders| senders.get(channel)) else {
        tracing::info!(channel, "a message stands in the tracker only: the channel cannot send it");
        return Err(SendError::Refused("the channel cannot send".to_owned()));
    };
    let outcome = sender.send(&unsent.sender_id, &unsent.address, &unsent.part).await;
    if let Err(error) = &outcome {
        tracing::warn!(channel, %error, "a message was not delivered");
    }
    outcome
}
