//! The agent drives [`Turn`](sapa_dialogue::Turn)s with the world: it takes messages in, calls action
//! servers, and commits what a turn is done with.

mod actions;
mod cache;
mod health;
mod http;
mod inbox;
mod locks;
mod model_slot;
mod nlg;
mod outbox;
mod publish;
mod pull;
mod reminders;
mod sessions;
mod shared_locks;
mod turn;
mod understanding;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use sapa_dialogue::Tracker;
use sapa_model::Model;
use sapa_sdk::{BotMessage, Event, JsonMap, ParseData};
use serde_json::Value;
use tokio::sync::Notify;

pub use crate::store::{Accepted, CLAIMED_OF_ONE, Intake, Pending, Seen, Settled, Timer};
use crate::store::{Clock, Store, StoreError};

pub use actions::ActionClient;
pub use http::EndpointError;
pub use inbox::INBOX_LEASE;
pub use model_slot::{LoadedModel, ModelSlot};
pub use nlg::NlgClient;
pub use outbox::{LEASE, Senders, Speakers, Unsent};
pub use publish::{Broker, BrokerError, Message};
pub use pull::{ModelServer, Pulled};
pub use shared_locks::{LockAnswer, LockError, SharedLocks, StoreLocks};
pub use turn::{Incoming, TurnReport};
pub use understanding::Understanding;

use cache::TrackerCache;
pub(crate) use locks::Locks;

/// What the events of conversations that were active lately may take in memory.
const CACHED_BYTES: usize = 32 << 20;

/// Why the agent could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No model, or one that cannot do this.
    #[error("{0}")]
    NoModel(&'static str),
    /// Too many messages of one sender are waiting.
    #[error("too many messages of this conversation are waiting; try again later")]
    TooManyWaiting,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its task ended before it was done: the server stops, or there was a panic.
    #[error("it was interrupted; try again")]
    Interrupted,
    /// Other processes kept writing to the conversation.
    #[error("the conversation is being written by somebody else; try again")]
    Contended,
}

impl AgentError {
    /// Whether trying again would not help: what is stored cannot be read.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Store(StoreError::BadRow { .. }))
    }
}

/// The servers that turns ask.
pub struct Servers {
    /// Runs custom actions.
    pub actions: Option<ActionClient>,
    /// Writes responses.
    pub nlg: Option<NlgClient>,
    /// Understands messages.
    pub understanding: Understanding,
}

/// Everything that serving needs: the model, the store, other servers.
pub struct Agent {
    /// The model being served.
    pub models: ModelSlot,
    /// Where conversations are kept.
    pub store: Arc<dyn Store>,
    /// Who sends what answers no request; set once, before messages come.
    pub speakers: OnceLock<Speakers>,
    servers: Servers,
    clock: Clock,
    locks: Locks,
    /// Locks that other processes see, too.
    shared_locks: Option<Arc<dyn SharedLocks>>,
    /// Until when their store is not asked, as it did not answer.
    lock_store_rests_until: Mutex<Option<tokio::time::Instant>>,
    cache: TrackerCache,
    /// Whether events go to a broker.
    publishes: bool,
    last_look: health::LastLook,
    /// Tells this process from others on the same store.
    owner: String,
    /// Told when a turn has left messages to send.
    outbox_news: Notify,
}

impl Agent {
    /// An agent without a model yet.
    pub fn new(store: Arc<dyn Store>, servers: Servers, clock: Clock) -> Self {
        Self {
            models: ModelSlot::default(),
            store,
            speakers: OnceLock::new(),
            servers,
            clock,
            locks: Locks::default(),
            shared_locks: None,
            lock_store_rests_until: Mutex::default(),
            cache: TrackerCache::new(CACHED_BYTES),
            publishes: false,
            last_look: health::LastLook::default(),
            owner: made_up_name(),
            outbox_news: Notify::new(),
        }
    }

    /// The same, with locks that other processes see, too.
    #[must_use]
    pub fn with_shared_locks(self, shared_locks: Option<Arc<dyn SharedLocks>>) -> Self {
        Self { shared_locks, ..self }
    }

    /// Waits until a turn has left messages to send.
    pub async fn outbox_news(&self) {
        self.outbox_news.notified().await;
    }

    /// Whether processes on several machines may use the same store.
    pub fn shares_its_store(&self) -> bool {
        self.store.is_shared()
    }

    /// Tells this process from others on the same store.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Understands a text, as `/model/parse`.
    ///
    /// # Errors
    /// No model is loaded.
    pub async fn parse(&self, text: &str) -> Result<ParseData, AgentError> {
        let model = self.model()?;
        Ok(self.servers.understanding.parse(&model, text, None).await)
    }

    pub(crate) fn model(&self) -> Result<Arc<Model>, AgentError> {
        self.models.get().map(|loaded| loaded.model).ok_or(AgentError::NoModel("no model is loaded"))
    }

    /// The tracker over all sessions of a conversation, as the API shows it. An
    /// empty conversation gets a session start that is not saved (spec §5.3).
    ///
    /// # Errors
    /// No dialogue model, or the store failed.
    pub async fn full_tracker(&self, sender_id: &str, until: Option<f64>) -> Result<Tracker, AgentError> {
        let model = self.model()?;
        let dialogue = model.dialogue().ok_or(AgentError::NoModel("the model has no dialogue part"))?;
        let conversation = self.store.load_all(sender_id).await?;
        let events = conversation.events.into_iter().filter(|e| until.is_none_or(|until| e.timestamp <= until));
        let tracker = Tracker::from_events(sender_id, Arc::clone(&dialogue.domain), events);
        if !tracker.events().is_empty() {
            return Ok(tracker);
        }
        let turn = sapa_dialogue::Turn::session(Arc::clone(dialogue), tracker, "", (self.clock)(), 0);
        Ok(self.drive_session(turn).await)
    }

    /// Appends events that came from outside (spec §5.3). An empty conversation
    /// gets a session start first, unless the events bring their own.
    ///
    /// # Errors
    /// No dialogue model, or the store failed.
    pub async fn append_events(&self, sender_id: &str, events: Vec<Event>) -> Result<(), AgentError> {
        self.append(sender_id, events).await
    }

    /// The stored reply of a message that had its turn; `None` when it had none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn reply_to(&self, channel: &str, dedupe_key: &str) -> Result<Option<Option<Value>>, AgentError> {
        let seen = self.store.seen(channel, dedupe_key).await?.and_then(|accepted| accepted.duplicate);
        Ok(match seen {
            Some(Seen::Done { reply }) => Some(reply),
            Some(Seen::Dead) => Some(None),
            Some(Seen::Open) | None => None,
        })
    }

    /// Timers that are due, to be given to [`Self::fire`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn due_timers(&self, limit: u32) -> Result<Vec<Timer>, AgentError> {
        Ok(self.store.due_timers(limit).await?)
    }

    /// The events of a conversation's current session, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session(&self, sender_id: &str) -> Result<Vec<Event>, AgentError> {
        Ok(self.store.load(sender_id).await?.events)
    }

    /// All events of a conversation, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn history(&self, sender_id: &str) -> Result<Vec<Event>, AgentError> {
        Ok(self.store.load_all(sender_id).await?.events)
    }

    /// Time now, seconds since the Unix epoch.
    pub fn now(&self) -> f64 {
        (self.clock)()
    }
}

/// A name that no other process has.
fn made_up_name() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// What a channel does with the bot's messages.
pub trait Sender: Send + Sync {
    /// The channel's name, as in `credentials.yml`.
    fn name(&self) -> &str;

    /// Whether it can send at the moment; until then its messages wait.
    fn is_ready(&self) -> bool {
        true
    }

    /// How many messages a second may go out that answer nobody; `None`: any number.
    fn pace(&self) -> Option<f64> {
        None
    }

    /// Whether a message rests of which nobody knows if it arrived, instead of being sent
    /// again.
    fn holds_in_doubt(&self) -> bool {
        false
    }

    /// What is sent of a message, each part by itself: only one that failed is sent
    /// again. None: the channel shows nothing of it.
    fn parts(&self, message: &BotMessage) -> Vec<Value>;

    /// Sends one part, made by [`Self::parts`], to the conversation's user; once, as
    /// others are tried again later. `address` is what the channel said with the
    /// message that is answered ([`Incoming::address`]), else null.
    fn send<'a>(
        &'a self,
        sender_id: &'a str,
        address: &'a Value,
        part: &'a Value,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;
}

/// Why a message could not be sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SendError {
    /// It certainly did not arrive; try again.
    #[error("not sent: {reason}")]
    Retry {
        /// Why, without personal data.
        reason: String,
        /// When, if the channel says so.
        after: Option<Duration>,
    },
    /// It may have arrived.
    #[error("unknown whether it was sent: {reason}")]
    Doubtful {
        /// Why, without personal data.
        reason: String,
        /// How often that may be so until it is given up: it may have arrived each
        /// time.
        most: u32,
    },
    /// It will never be taken.
    #[error("refused: {0}")]
    Refused(String),
}

/// A message's metadata as channels give it.
pub type Metadata = JsonMap;
