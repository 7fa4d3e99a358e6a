//! Messages that a channel acknowledges before their turns. They are on disk then, and
//! have their turns one after the other within a conversation, in the order in which
//! they were accepted, whichever process accepted them.
//!
//! What this process accepts is its own to serve, where nothing earlier of the
//! conversation is another's. The rest it looks for in the store: what was another
//! process's that is gone, and what is too much to have in memory.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::{Notify, RwLock, Semaphore, watch};
use tokio::task::JoinSet;

use super::leases::Leases;
use crate::agent::{Accepted, Agent, AgentError, CLAIMED_OF_ONE, INBOX_LEASE, Intake, Locks, Pending};

/// How often messages are looked for that nobody told of, and at first, when there is
/// one that another process may be about to finish with.
const EVERY: Duration = Duration::from_millis(500);
const SOON: Duration = Duration::from_millis(10);

/// Lines that end within that time are looked for together.
const TOGETHER: Duration = Duration::from_millis(2);

/// How often messages are held on to.
const UPKEEP: Duration = Duration::from_millis(1_500);

/// Messages that this process has at once, at most, and of one conversation; the rest
/// waits in the store.
const MOST: usize = 2_000;
const MOST_OF_ONE: usize = 100;

/// Conversations whose messages are taken out of the store at once, at most.
const MOST_TAKEN: usize = 64;

/// Conversations that are served at the same time.
const AT_ONCE: usize = 32;

/// A message that was left by its process so often, and is so old, is what ends them.
const MOST_ATTEMPTS: i64 = 50;
const MOST_AGE: Duration = Duration::from_secs(15 * 60);

/// First and longest pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const WITHOUT_MODEL: Duration = Duration::from_secs(1);

/// How long turns under way may take once the server is told to stop; the rest is left
/// to others, or to the next start.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// What a future of a [`Servant`] gives.
pub type Served<'a> = Pin<Box<dyn Future<Output = Result<(), AgentError>> + Send + 'a>>;

/// Gives accepted messages their turns.
pub trait Servant: Send + Sync {
    /// Whether it can at the moment; until then messages wait.
    fn is_ready(&self) -> bool;

    /// Commits the turn of a message, or closes the message without one.
    fn serve<'a>(&'a self, message: &'a Pending) -> Served<'a>;
}

/// A channel's accepted messages; clones share it.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    agent: Arc<Agent>,
    channel: &'static str,
    /// In the order in which they were accepted, also in memory.
    turnstile: Locks,
    /// What is taken out of the store is in its line before anything is accepted behind it.
    taking: RwLock<()>,
    lines: Mutex<Lines>,
    leases: Leases,
    places: Semaphore,
    /// Told when a line has begun.
    begun: Notify,
    /// Told when there is something in the store to look for.
    news: Notify,
    /// Whether something is left in the store.
    left_some: AtomicBool,
    is_stopping: AtomicBool,
}

/// A line for each conversation, as long as somebody works on it.
#[derive(Default)]
struct Lines {
    waiting: HashMap<String, VecDeque<Pending>>,
    /// Conversations on which nobody works yet.
    unserved: Vec<String>,
}

impl Inbox {
    /// An inbox of that channel; messages in it wait until [`Self::run`].
    pub fn new(agent: Arc<Agent>, channel: &'static str) -> Self {
        let inner = Inner {
            agent,
            channel,
            turnstile: Locks::default(),
            taking: RwLock::default(),
            lines: Mutex::default(),
            leases: Leases::of(INBOX_LEASE),
            places: Semaphore::new(AT_ONCE),
            begun: Notify::new(),
            news: Notify::new(),
            left_some: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Takes a message in: it is on disk when this returns, and has its turn by itself.
    ///
    /// # Errors
    /// The store failed, or too many messages of the conversation are being taken in.
    pub async fn accept(&self, intake: Intake) -> Result<Accepted, AgentError> {
        let inner = Arc::clone(&self.inner);
        // In a task of its own: whoever does not wait for the end does not undo it.
        let task = tokio::spawn(async move { inner.accept(intake).await });
        task.await.map_err(|_| AgentError::Interrupted)?
    }

    /// Has messages served until told to stop.
    pub async fn run(self, servant: Arc<dyn Servant>, mut stop: watch::Receiver<bool>) {
        let now = Instant::now();
        let mut pump =
            Pump { inner: self.inner, servant, tasks: JoinSet::new(), upkeep: now, pause: SOON, looks_at: now };
        loop {
            pump.look_after().await;
            pump.begin_lines();
            let inner = Arc::clone(&pump.inner);
            let looks = tokio::select! {
                // Nobody left to tell it to stop is a stop, too.
                _ = stop.wait_for(|stop| *stop) => break,
                () = inner.begun.notified() => false,
                // A line has ended: there is room for what was left.
                Some(_) = pump.tasks.join_next() => {
                    pump.look_for_more();
                    false
                }
                () = inner.news.notified() => {
                    pump.look_soon();
                    false
                }
                () = tokio::time::sleep_until(pump.looks_at.into()) => true,
            };
            if looks {
                pump.take().await;
            }
        }
        pump.stop().await;
    }
}

impl Inner {
    async fn accept(&self, intake: Intake) -> Result<Accepted, AgentError> {
        let sender_id = intake.sender_id.clone();
        let _first = self.turnstile.lock(&sender_id).await.ok_or(AgentError::TooManyWaiting)?;
        let _nobody_takes = self.taking.read().await;
        let keeps = self.has_room(&sender_id) && !self.is_stopping.load(Ordering::Relaxed);
        let from = Instant::now();
        let accepted = self.agent.accept(intake.clone(), keeps).await?;
        if accepted.is_held {
            let (inbox_id, seq, accepted_at) = (accepted.inbox_id, accepted.seq, self.agent.now());
            let message = Pending { inbox_id, seq, attempts: 0, accepted_at, intake };
            self.push([message], from + INBOX_LEASE);
        } else if accepted.duplicate.is_none() {
            self.left_some.store(true, Ordering::Relaxed);
            self.news.notify_one();
        }
        Ok(accepted)
    }

    fn has_room(&self, sender_id: &str) -> bool {
        self.leases.len() < MOST && self.lines().waiting.get(sender_id).is_none_or(|line| line.len() < MOST_OF_ONE)
    }

    /// Puts messages at the ends of their lines.
    fn push(&self, messages: impl IntoIterator<Item = Pending>, until: Instant) {
        let mut lines = self.lines();
        for message in messages {
            self.leases.begin([message.inbox_id], until);
            let sender_id = &message.intake.sender_id;
            if let Some(line) = lines.waiting.get_mut(sender_id) {
                line.push_back(message);
                continue;
            }
            lines.unserved.push(sender_id.clone());
            lines.waiting.insert(sender_id.clone(), VecDeque::from([message]));
        }
        drop(lines);
        self.begun.notify_one();
    }

    /// The next message of a line; with `None` the line is gone.
    fn next(&self, sender_id: &str) -> Option<Pending> {
        let mut lines = self.lines();
        let is_stopping = self.is_stopping.load(Ordering::Relaxed);
        let next = lines.waiting.get_mut(sender_id).filter(|_| !is_stopping).and_then(VecDeque::pop_front);
        if next.is_none() {
            lines.waiting.remove(sender_id);
        }
        next
    }

    /// Serves a line until it is empty.
    async fn work(&self, servant: &dyn Servant, sender_id: &str) {
        while let Some(message) = self.next(sender_id) {
            self.until_served(servant, &message).await;
            self.leases.end(message.inbox_id);
        }
    }

    /// Tries until the message is done with, or is another's.
    async fn until_served(&self, servant: &dyn Servant, message: &Pending) {
        let (channel, id) = (self.channel, message.inbox_id);
        let (mut pause, mut was_told) = (FIRST_PAUSE, false);
        loop {
            if !self.leases.is_safe(id) {
                self.hold(vec![id]).await;
            }
            if !self.leases.has(id) {
                return;
            }
            let served = if servant.is_ready() {
                // The semaphore is never closed.
                let _place = self.places.acquire().await;
                catch(servant.serve(message)).await
            } else {
                Err(AgentError::NoModel("the channel is not ready"))
            };
            let Err(error) = served else { return };
            let has_no_model = matches!(error, AgentError::NoModel(_));
            if !(was_told && has_no_model) {
                tracing::warn!(channel, message = id, %error, "a message was not served; trying again");
                was_told = true;
            }
            if error.is_lasting() {
                pause = LONGEST_PAUSE;
            }
            tokio::time::sleep(pause).await;
            if self.is_stopping.load(Ordering::Relaxed) {
                return;
            }
            // A model may be there at any moment; nobody is asked until then.
            let longest = if has_no_model { WITHOUT_MODEL } else { LONGEST_PAUSE };
            pause = (pause * 2).min(longest);
        }
    }

    /// Holds on to messages.
    async fn hold(&self, ids: Vec<i64>) {
        let until = Instant::now() + INBOX_LEASE;
        match self.agent.hold_unserved(ids.clone(), INBOX_LEASE).await {
            Ok(held) => self.leases.renew(&ids, &held, until),
            Err(error) => tracing::warn!(channel = self.channel, %error, "messages could not be held on to"),
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A panic is an error like others: the line must not end with it.
async fn catch(serving: Served<'_>) -> Result<(), AgentError> {
    AssertUnwindSafe(serving).catch_unwind().await.unwrap_or(Err(AgentError::Interrupted))
}

/// What serves the lines.
struct Pump {
    inner: Arc<Inner>,
    servant: Arc<dyn Servant>,
    tasks: JoinSet<()>,
    /// When messages were last held on to.
    upkeep: Instant,
    /// When the store is looked into again, and the pause before the look behind that.
    looks_at: Instant,
    pause: Duration,
}

impl Pump {
    async fn look_after(&mut self) {
        if self.upkeep.elapsed() < UPKEEP {
            return;
        }
        self.upkeep = Instant::now();
        self.inner.hold(self.inner.leases.ids()).await;
    }

    fn begin_lines(&mut self) {
        let unserved = std::mem::take(&mut self.inner.lines().unserved);
        for sender_id in unserved {
            let (inner, servant) = (Arc::clone(&self.inner), Arc::clone(&self.servant));
            self.tasks.spawn(async move { inner.work(servant.as_ref(), &sender_id).await });
        }
    }

    /// Not now, but soon, where there is more in the store and room for it: each look
    /// passes by all that is taken out already, and serves many lines that have ended.
    fn look_for_more(&mut self) {
        if self.inner.left_some.load(Ordering::Relaxed) && self.inner.leases.len() < MOST / 4 {
            self.looks_at = self.looks_at.min(Instant::now() + TOGETHER);
        }
    }

    /// Not now, but soon.
    fn look_soon(&mut self) {
        self.pause = SOON;
        self.looks_at = self.looks_at.min(Instant::now() + SOON);
    }

    /// Takes messages out of the store.
    async fn take(&mut self) {
        self.looks_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(EVERY);
        let room = MOST.saturating_sub(self.inner.leases.len());
        let conversations = (room / CLAIMED_OF_ONE as usize).min(MOST_TAKEN) as u32;
        if conversations == 0 || !self.servant.is_ready() {
            return;
        }
        let from = Instant::now();
        let inner = Arc::clone(&self.inner);
        let _nobody_accepts = inner.taking.write().await;
        let messages = match self.inner.agent.take_unserved(self.inner.channel, conversations).await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(channel = self.inner.channel, %error, "accepted messages could not be looked up");
                return;
            }
        };
        // Behind each there may be more of its conversation.
        self.inner.left_some.store(!messages.is_empty(), Ordering::Relaxed);
        let since = self.inner.agent.now() - MOST_AGE.as_secs_f64();
        let ends_them = |m: &Pending| m.attempts > MOST_ATTEMPTS && m.accepted_at < since;
        let (ended, messages) = messages.into_iter().partition::<Vec<_>, _>(ends_them);
        for message in ended {
            self.give_up(&message).await;
        }
        self.inner.push(messages, from + INBOX_LEASE);
    }

    async fn give_up(&self, message: &Pending) {
        let (channel, message) = (self.inner.channel, message.inbox_id);
        tracing::error!(channel, message, "a message was left {MOST_ATTEMPTS} times by its process; it is given up");
        if let Err(error) = self.inner.agent.give_up(message).await {
            tracing::warn!(channel, message, %error, "a message could not be given up");
        }
    }

    /// Waits a while for what is under way, and leaves the rest to others.
    async fn stop(mut self) {
        self.inner.is_stopping.store(true, Ordering::Relaxed);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(STOP_WITHIN, all).await;
        self.tasks.abort_all();
        let left = self.inner.leases.ids();
        // When this fails, others wait for their time to pass.
        let _ = self.inner.agent.hold_unserved(left, Duration::ZERO).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let served = catch(Box::pin(async { panic!("in a turn") })).await;
        assert!(matches!(served, Err(AgentError::Interrupted)), "{served:?}");
    }
}
