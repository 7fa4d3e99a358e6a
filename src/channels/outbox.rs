//! Hands messages that answer no request to their channels, each conversation's in
//! their order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::leases::Leases;
use super::pace::Pace;
use crate::agent::{Agent, AgentError, LEASE, SendError, Settled, Unsent};

/// How often messages are looked for that nobody told of: those whose time has come.
const EVERY: Duration = Duration::from_millis(500);

/// A look at what is ready is made so long after the one before at the earliest, and what
/// came of messages is written together with what comes in meanwhile: under load each
/// trip to the store serves many.
const TOGETHER: Duration = Duration::from_millis(2);

/// How often messages under way are held on to, and others' looked after.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often times are looked for that a clock has set which was ahead.
const MENDS: Duration = Duration::from_secs(60);

/// Messages that are under way at once, at most.
const MOST_UNDER_WAY: usize = 256;

/// Less room than that is no reason to look: a look passes by all that waits.
const LEAST_ROOM: usize = 32;

/// Messages under way that answer nobody, at most, on top of those; how often the store
/// is looked into for them, and how soon when there are more. On a store that several
/// processes use one of them sends these at a time, for so many seconds.
const MOST_UNASKED: usize = 32;
const MORE_UNASKED: Duration = Duration::from_millis(100);
const TASK: &str = "unasked";
const LEADS: f64 = 15.0;

/// Pause between two tries to write down what came of messages.
const PAUSE: Duration = Duration::from_millis(500);

/// How long messages under way may take once the server is told to stop; what is
/// cut off is sent again after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Sends what turns say until told to stop.
pub async fn run(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let now = Instant::now();
    let mut pump = Pump {
        agent,
        under_way: JoinSet::new(),
        unasked: JoinSet::new(),
        paces: HashMap::new(),
        looks_for_unasked: now,
        ledger: Arc::new(Ledger::new()),
        upkeep: None,
        mends: now,
    };
    loop {
        pump.look_after().await;
        let looked = Instant::now();
        pump.send_ready().await;
        pump.send_unasked().await;
        tokio::select! {
            // Nobody left to tell it to stop is a stop, too.
            _ = stop.wait_for(|stop| *stop) => break,
            () = pump.agent.outbox_news() => {}
            // Behind a message others of its conversation may wait.
            Some(_) = pump.under_way.join_next() => {}
            () = tokio::time::sleep_until(pump.looks_for_unasked.into()) => {}
        }
        if pump.is_busy() {
            tokio::time::sleep_until((looked + TOGETHER).into()).await;
        }
    }
    pump.stop().await;
}

struct Pump {
    agent: Arc<Agent>,
    under_way: JoinSet<()>,
    /// Of what is under way, what answers nobody; its pace by channel; and when it is
    /// looked for again, at most [`EVERY`] later.
    unasked: JoinSet<()>,
    paces: HashMap<&'static str, Pace>,
    looks_for_unasked: Instant,
    ledger: Arc<Ledger>,
    /// When messages under way were last held on to.
    upkeep: Option<Instant>,
    /// When times are looked for again that cannot be.
    mends: Instant,
}

/// What this process knows of messages that it sends.
struct Ledger {
    under_way: Leases,
    /// How often it stayed unknown whether a message arrived.
    doubts: Mutex<HashMap<i64, u32>>,
    /// What came of messages, not written down yet; and who writes.
    outcomes: Mutex<Vec<(i64, Settled)>>,
    writing: tokio::sync::Mutex<()>,
    /// Nothing new is begun.
    is_stopping: AtomicBool,
}

impl Pump {
    async fn look_after(&mut self) {
        if self.upkeep.is_some_and(|last| last.elapsed() < UPKEEP) {
            return;
        }
        self.upkeep = Some(Instant::now());
        if self.mends <= Instant::now() {
            self.mends = Instant::now() + MENDS;
            if let Err(error) = self.agent.mend_times().await {
                tracing::warn!(%error, "it could not be looked up what a clock has put off that was set back");
            }
        }
        if !hold(&self.agent, &self.ledger, self.ledger.under_way.ids()).await {
            return;
        }
        match self.agent.take_over_unsent(self.ledger.under_way.ids()).await {
            Ok(0) => {}
            Ok(messages) => tracing::warn!(
                messages,
                "messages may have arrived before a stop; they are sent again, unless their channel holds in doubt"
            ),
            Err(error) => tracing::warn!(%error, "messages of processes that are gone could not be looked up"),
        }
    }

    /// Sends what is ready; does not wait for the channels.
    async fn send_ready(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        let room = MOST_UNDER_WAY - self.under_way.len().min(MOST_UNDER_WAY);
        let Ok(limit) = u32::try_from(room) else { return };
        if room < LEAST_ROOM {
            return;
        }
        let taken = Instant::now();
        match self.agent.take_unsent(limit).await {
            Ok(ready) => send_out(&mut self.under_way, &self.agent, &self.ledger, ready, taken),
            Err(error) => tracing::warn!(%error, "messages to send could not be looked up"),
        }
    }

    /// Sends what answers nobody, at its channel's pace.
    async fn send_unasked(&mut self) {
        while self.unasked.try_join_next().is_some() {}
        if Instant::now() < self.looks_for_unasked {
            return;
        }
        self.looks_for_unasked = Instant::now() + EVERY;
        for (channel, a_second) in self.agent.paces() {
            if let Err(error) = self.send_unasked_on(channel, a_second).await {
                tracing::warn!(channel, %error, "messages to send could not be looked up");
            }
        }
    }

    async fn send_unasked_on(&mut self, channel: &'static str, a_second: Option<f64>) -> Result<(), AgentError> {
        let taken = Instant::now();
        let room = MOST_UNASKED.saturating_sub(self.unasked.len()) as u32;
        let pace = a_second.map(|a_second| self.paces.entry(channel).or_insert_with(|| Pace::of(a_second, taken)));
        let limit = pace.map_or(room, |pace| pace.allowed(taken).min(room));
        if limit == 0 {
            self.looks_for_unasked = taken + MORE_UNASKED;
            return Ok(());
        }
        let owner = self.agent.owner();
        if self.agent.shares_its_store() && !self.agent.lead(&format!("{TASK} {channel}"), owner, LEADS).await? {
            return Ok(());
        }
        let ready = self.agent.take_unasked(channel, limit).await?;
        if ready.len() == limit as usize {
            self.looks_for_unasked = taken + MORE_UNASKED;
        }
        if let Some(pace) = self.paces.get_mut(channel) {
            pace.spend(ready.len());
        }
        send_out(&mut self.unasked, &self.agent, &self.ledger, ready, taken);
        Ok(())
    }

    /// Whether several messages are under way: one alone goes out at once.
    fn is_busy(&self) -> bool {
        self.under_way.len() > 1
    }

    /// Waits a while for what is under way.
    async fn stop(mut self) {
        self.ledger.is_stopping.store(true, Ordering::Relaxed);
        let all = async {
            while self.under_way.join_next().await.is_some() {}
            while self.unasked.join_next().await.is_some() {}
        };
        for (channel, _) in self.paces.iter().filter(|_| self.agent.shares_its_store()) {
            // Another process need not wait; when this fails, it does.
            let _ = self.agent.lead(&format!("{TASK} {channel}"), self.agent.owner(), 0.0).await;
        }
        // What is left stands in the store.
        let _ = tokio::time::timeout(STOP_WITHIN, all).await;
    }
}

impl Ledger {
    fn new() -> Self {
        Self {
            under_way: Leases::of(LEASE),
            doubts: Mutex::default(),
            outcomes: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            is_stopping: AtomicBool::new(false),
        }
    }

    fn end(&self, messages: &[Unsent]) {
        messages.iter().for_each(|message| self.under_way.end(message.id));
    }

    /// Writes down what came of messages, however long that takes: what was sent would
    /// be sent again. What others bring meanwhile is written by whoever comes next.
    async fn settle(&self, agent: &Agent, outcomes: impl IntoIterator<Item = (i64, Settled)>) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).extend(outcomes);
        let _writer = self.writing.lock().await;
        let all = std::mem::take(&mut *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        // Somebody else has written ours.
        if all.is_empty() {
            return;
        }
        while let Err(error) = agent.settle(all.clone()).await {
            tracing::warn!(%error, "what came of messages could not be written; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Notes an outcome; whether the message is given up, as it stayed unknown too
    /// often whether it arrived.
    fn note(&self, id: i64, outcome: &Result<(), SendError>) -> bool {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let gives_up = match outcome {
            Err(SendError::Retry { .. }) => return false,
            Err(SendError::Doubtful { most, .. }) => {
                let count = doubts.entry(id).or_default();
                *count += 1;
                *count >= *most
            }
            Ok(()) | Err(SendError::Refused(_)) => false,
        };
        if gives_up || !matches!(outcome, Err(SendError::Doubtful { .. })) {
            doubts.remove(&id);
        }
        gives_up
    }
}

/// Holds on to messages; `false` while the store cannot be asked.
async fn hold(agent: &Agent, ledger: &Ledger, ids: Vec<i64>) -> bool {
    let until = Instant::now() + LEASE;
    match agent.hold_unsent(ids.clone()).await {
        Ok(held) => {
            ledger.under_way.renew(&ids, &held, until);
            true
        }
        Err(error) => {
            tracing::warn!(%error, "messages under way could not be held on to");
            false
        }
    }
}

/// Sends messages, each conversation's in a task.
fn send_out(tasks: &mut JoinSet<()>, agent: &Arc<Agent>, ledger: &Arc<Ledger>, ready: Vec<Unsent>, taken: Instant) {
    ledger.under_way.begin(ready.iter().map(|message| message.id), taken + LEASE);
    for messages in by_conversation(ready) {
        tasks.spawn(send_all(Arc::clone(agent), Arc::clone(ledger), messages));
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
    for (at, unsent) in messages.iter().enumerate() {
        if ledger.is_stopping.load(Ordering::Relaxed) {
            let after = Some(Duration::ZERO);
            let waits = Err(SendError::Retry { reason: "the server stops".to_owned(), after });
            let left = messages[at..].iter().map(|message| agent.outcome(message, &waits, false));
            ledger.settle(&agent, left).await;
            return;
        }
        if !ledger.under_way.is_safe(unsent.id) {
            let rest = messages[at..].iter().map(|message| message.id).collect();
            if !hold(&agent, &ledger, rest).await || !ledger.under_way.is_safe(unsent.id) {
                // Somebody else has them, or will: nothing is to be said of them.
                ledger.end(&messages[at..]);
                return;
            }
        }
        let outcome = agent.send(unsent).await;
        let channel = unsent.channel.as_str();
        let gives_up = ledger.note(unsent.id, &outcome);
        match &outcome {
            _ if gives_up => {
                tracing::error!(channel, "it stays unknown whether a message arrived; it is not sent again");
            }
            Err(error) => tracing::warn!(channel, %error, "a message was not delivered"),
            Ok(()) => {}
        }
        let after = match &outcome {
            Err(SendError::Retry { after, .. }) => Some(*after),
            Err(SendError::Doubtful { .. }) if !gives_up => Some(None),
            _ => None,
        };
        let Some(after) = after else {
            ledger.settle(&agent, [agent.outcome(unsent, &outcome, gives_up)]).await;
            ledger.end(std::slice::from_ref(unsent));
            continue;
        };
        let waits = Err(SendError::Retry { reason: "an earlier message is not out yet".to_owned(), after });
        let behind = messages[at + 1..].iter().map(|message| agent.outcome(message, &waits, false));
        let all = std::iter::once(agent.outcome(unsent, &outcome, false)).chain(behind);
        ledger.settle(&agent, all).await;
        ledger.end(&messages[at..]);
        return;
    }
}
