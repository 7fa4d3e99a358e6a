//! The store: conversations, accepted messages, messages to send, timers.
//!
//! A conversation is written in one way only, by [`Store::commit`]: events,
//! inbox, outbox, timers and broker rows in one transaction, fenced by the
//! version the turn was run on. The rows around it (`sapa_*`) make the promise
//! true that each accepted message has exactly one committed turn.
//!
//! [`Memory`], [`Sqlite`] and [`Postgres`] keep the same rules; one conformance
//! suite holds them to it.

mod error;
mod memory;
mod parameters;
mod postgres;
mod record;
mod rows;
mod rules;
mod scope;
mod sqlite;

#[cfg(test)]
mod conformance;

use std::pin::Pin;
use std::sync::Arc;

pub use error::{CommitError, StoreError};
pub use memory::Memory;
pub use postgres::{Postgres, PostgresSettings};
pub use record::{
    Accepted, Claim, Commit, Committed, Conversation, InboxDone, InboxMessage, Intake, OutboxItem, OutboxMessage,
    Pending, Publication, Seen, Session, Settled, Snapshot, Step, Timer, TimerChange, TurnKey,
};
pub use rules::CLAIMED_OF_ONE;
pub use sqlite::Sqlite;
pub(crate) use sqlite::secure_file;

/// The time, in seconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> f64 + Send + Sync>;

/// What a store's methods return.
pub type Answer<'a, T, E = StoreError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Where conversations live. All methods may be called from many tasks at once;
/// a future that is dropped before it is ready has written everything or
/// nothing.
pub trait Store: Send + Sync {
    /// The current session of a conversation (spec §6.1 "Loaded scope");
    /// version 0 and no events when there is none.
    fn load<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Conversation>;

    /// As [`Self::load`], from the snapshot on that was kept under this fingerprint, where
    /// the session has one.
    fn resume<'a>(&'a self, sender_id: &'a str, fingerprint: &'a str) -> Answer<'a, Session>;

    /// Keeps a snapshot of a conversation at this version; without effect at another.
    /// Nothing depends on it: what it stands for is in the events.
    fn keep_snapshot<'a>(&'a self, sender_id: &'a str, version: i64, snapshot: Snapshot) -> Answer<'a, ()>;

    /// A conversation with all its sessions.
    fn load_all<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Conversation>;

    /// Whether the conversation has events.
    fn exists<'a>(&'a self, sender_id: &'a str) -> Answer<'a, bool>;

    /// Ids of conversations that have events, each once, in the store's own
    /// order: at most `limit`, after the one given.
    fn senders<'a>(&'a self, after: Option<&'a str>, limit: u32) -> Answer<'a, Vec<String>>;

    /// Takes a message in, for channels that acknowledge before the turn. When
    /// the answer is there the message is durable. A repeated `dedupe_key` gives
    /// the first message's row. The turn of a new one is the owner's for so many
    /// seconds from now on the store's clock, as [`Accepted::is_held`] says.
    fn accept<'a>(&'a self, intake: Intake, owner: &'a str, seconds: f64) -> Answer<'a, Accepted>;

    /// The inbox row of a message, if it was seen before; its `duplicate` is
    /// always set.
    fn seen<'a>(&'a self, channel: &'a str, dedupe_key: &'a str) -> Answer<'a, Option<Accepted>>;

    /// Takes out accepted messages of these channels that nobody has, of at most so many
    /// conversations, of each the first open ones, at most [`CLAIMED_OF_ONE`]: their turns
    /// are the owner's for so many seconds from now on the store's clock. Only for the
    /// first one of each it is one more attempt. A message whose payload cannot be read
    /// has none.
    fn claim_inbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<Pending>>;

    /// These messages, which the owner has, stay theirs for so many seconds from now;
    /// none let go of them. Which of them still were the owner's, and open, and not behind
    /// one that has become another's.
    fn hold_inbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>>;

    /// How many accepted messages have not had their turn.
    fn unserved(&self) -> Answer<'_, u64>;

    /// Gives an accepted message up; `false` when it is not open.
    fn bury(&self, inbox_id: i64) -> Answer<'_, bool>;

    /// Keeps the answer of an action until its turn commits. The same step
    /// again replaces it.
    fn journal<'a>(&'a self, turn: &'a TurnKey, step: Step) -> Answer<'a, ()>;

    /// The kept answers of a turn, by step.
    fn journalled<'a>(&'a self, turn: &'a TurnKey) -> Answer<'a, Vec<Step>>;

    /// Writes a turn: all of it or nothing.
    ///
    /// # Errors
    /// [`CommitError::Duplicate`] when the message already had its turn, else
    /// [`CommitError::Conflict`] when the conversation is at another version.
    fn commit(&self, commit: Commit) -> Answer<'_, Committed, CommitError>;

    /// Takes out messages of these channels that are due, oldest first: they are the
    /// owner's to send for so many seconds from now on the store's clock. A message
    /// waits while an earlier one of its conversation is being sent or has its time
    /// still to come.
    fn claim_outbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<OutboxItem>>;

    /// These messages, which the owner has taken out, stay theirs for so many
    /// seconds from now. Which of them still were the owner's.
    fn hold_outbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>>;

    /// Says what came of sending messages, by id. Messages that are not the owner's
    /// any more are left as they are.
    fn settle_outbox<'a>(&'a self, owner: &'a str, results: Vec<(i64, Settled)>) -> Answer<'a, ()>;

    /// Takes messages from owners whose time is over: whether they were sent is
    /// unknown. They can be taken out again, marked as possible doubles; those of
    /// the channels `resting` rest for good. What the caller has under way itself is
    /// left alone. How many there were.
    fn reclaim_outbox<'a>(&'a self, resting: &'a [&'a str], under_way: Vec<i64>) -> Answer<'a, u64>;

    /// How many messages wait to be sent, or are being sent.
    fn unsent(&self) -> Answer<'_, u64>;

    /// Timers that are due, the longest due first. They stay until a commit
    /// cancels them or they are taken.
    fn due_timers(&self, limit: u32) -> Answer<'_, Vec<Timer>>;

    /// Timers of a conversation, by name.
    fn timers<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Vec<Timer>>;

    /// Removes a timer outside a commit; `false` when it is gone already.
    fn take_timer(&self, id: i64) -> Answer<'_, bool>;

    /// Events the broker has not confirmed, oldest first.
    fn unpublished(&self, limit: u32) -> Answer<'_, Vec<Publication>>;

    /// The broker has these events.
    fn published(&self, event_ids: Vec<i64>) -> Answer<'_, ()>;

    /// A position kept under a name.
    fn cursor<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>>;

    /// Keeps a position under a name.
    fn set_cursor<'a>(&'a self, name: &'a str, value: &'a str) -> Answer<'a, ()>;

    /// Whether processes on several machines use it: what one of them does at a time
    /// is then agreed on with [`Self::lead`].
    fn is_shared(&self) -> bool {
        false
    }

    /// Takes or keeps the lead in a task that one process does at a time, for so
    /// many seconds from now on the store's clock: `false` while another owner
    /// leads. No seconds let go of it.
    fn lead<'a>(&'a self, task: &'a str, owner: &'a str, seconds: f64) -> Answer<'a, bool>;

    /// Has everything due that is put off, held or led for more than so many seconds from
    /// now, which nobody does: a clock was ahead, and was set back.
    fn mend_times(&self, longest: f64) -> Answer<'_, ()>;

    /// Forgets inbox rows that are done or given up, messages that were sent or
    /// failed, kept answers, and leads in tasks that begin with `lock `, all older than
    /// that time (Unix seconds). Says how many rows went. Until then a repeated message is recognised.
    fn prune(&self, before: f64) -> Answer<'_, u64>;

    /// Finishes what is waiting and lets go of the files. Afterwards every call
    /// fails with [`StoreError::Closed`].
    fn close(&self) -> Answer<'_, ()>;
}
