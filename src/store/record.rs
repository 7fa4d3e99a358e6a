//! What is written to and read from a store.

use std::collections::BTreeMap;
use std::sync::Arc;

use sapa_sdk::Event;
use serde_json::Value;

/// A conversation as loaded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// Number of commits so far; 0 when there was none. To be given to the next
    /// [`Commit`].
    pub version: i64,
    /// Number the next accepted message gets; starts at 1.
    pub next_seq: i64,
    /// Events, oldest first.
    pub events: Vec<Event>,
}

/// The current session of a conversation, from its snapshot on where it has one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Session {
    /// What happened before the events.
    pub snapshot: Option<Value>,
    /// Version, and the events behind the snapshot.
    pub conversation: Conversation,
}

/// What spares the next turns from reading a session from its beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The state before the newest events.
    pub state: Value,
    /// What the state is true of: another model may understand it otherwise.
    pub fingerprint: String,
    /// How many events are newer.
    pub newer: usize,
}

/// A message that came in through a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Intake {
    /// Name of the channel.
    pub channel: String,
    /// Id the channel gave the message; unique within the channel. Without one
    /// a repeated message cannot be recognised.
    pub dedupe_key: Option<String>,
    /// Conversation id.
    pub sender_id: String,
    /// The message, as the channel wants it back.
    pub payload: Value,
}

/// The inbox row of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Id of the row; never given twice.
    pub inbox_id: i64,
    /// Number of the message within its conversation.
    pub seq: i64,
    /// Set when the message had been accepted before: what became of it.
    pub duplicate: Option<Seen>,
    /// Whether its turn is for whoever accepted it: nobody else has it, nor an
    /// earlier one of the conversation.
    pub is_held: bool,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Its turn has not committed yet.
    Open,
    /// Its turn committed.
    Done {
        /// The stored reply.
        reply: Option<Value>,
    },
    /// It was given up.
    Dead,
}

/// An accepted message whose turn has not committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// Id of the inbox row.
    pub inbox_id: i64,
    /// Number of the message within its conversation.
    pub seq: i64,
    /// How often it was taken out for its turn after others had left it.
    pub attempts: i64,
    /// When it was accepted (Unix seconds).
    pub accepted_at: f64,
    /// The message.
    pub intake: Intake,
}

/// Names a turn before it commits, so that answers of its actions can be kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TurnKey {
    /// The turn of an accepted message.
    Inbox(i64),
    /// The turn of a message that gets its inbox row with the commit.
    Fresh {
        /// Name of the channel.
        channel: String,
        /// Id the channel gave the message.
        dedupe_key: String,
    },
}

impl TurnKey {
    /// The key in the form it is stored in: `<inbox id>` or
    /// `["<channel>","<dedupe key>"]`, which cannot be mistaken for another.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Inbox(id) => id.to_string(),
            Self::Fresh { channel, dedupe_key } => serde_json::json!([channel, dedupe_key]).to_string(),
        }
    }
}

/// An action's answer within a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Number of the step within the turn, from 0.
    pub step: i64,
    /// Name of the action.
    pub action: String,
    /// Hash of what was posted to it: an answer to another request is void.
    pub request_hash: String,
    /// What it answered.
    pub response: Value,
}

/// All that one turn changes, written in one transaction or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// Conversation id.
    pub sender_id: String,
    /// Version of the conversation the turn was run on.
    pub expected_version: i64,
    /// Events to append, oldest first.
    pub new_events: Vec<Arc<Event>>,
    /// The message this turn answers.
    pub inbox: Option<InboxDone>,
    /// Messages to send, in order.
    pub outbox: Vec<OutboxMessage>,
    /// Changes to the conversation's timers, applied in order.
    pub timers: Vec<TimerChange>,
    /// Whether the events go to the event broker.
    pub publish: bool,
}

/// The message a turn answers, and the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxDone {
    /// Which message.
    pub message: InboxMessage,
    /// What a repetition of the message gets for an answer.
    pub reply: Option<Value>,
}

/// The message a turn answers.
#[derive(Debug, Clone, PartialEq)]
pub enum InboxMessage {
    /// Accepted before.
    Accepted(i64),
    /// Accepted by this very commit.
    Fresh {
        /// Name of the channel.
        channel: String,
        /// Id the channel gave the message.
        dedupe_key: Option<String>,
        /// The message.
        payload: Value,
    },
}

impl InboxMessage {
    /// The key under which answers of this turn's actions were journalled.
    pub(super) fn turn_key(&self) -> Option<TurnKey> {
        match self {
            Self::Accepted(id) => Some(TurnKey::Inbox(*id)),
            Self::Fresh { dedupe_key: None, .. } => None,
            Self::Fresh { channel, dedupe_key: Some(key), .. } => {
                Some(TurnKey::Fresh { channel: channel.clone(), dedupe_key: key.clone() })
            }
        }
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxMessage {
    /// Name of the channel.
    pub channel: String,
    /// The message, as the channel wants it. One that answers nobody is an object whose
    /// first key is `unasked`, `true`, and that has others: replies go before it.
    pub payload: Value,
    /// Not to be sent before that time (Unix seconds); `None`: at once.
    pub not_before: Option<f64>,
}

/// Who takes messages out, for their turns or for sending, and which.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// A name that no other process has.
    pub owner: &'a str,
    /// Channels that the owner serves.
    pub channels: &'a [&'a str],
    /// How long the messages are the owner's, seconds.
    pub seconds: f64,
    /// Most messages; of an inbox, most conversations.
    pub limit: u32,
    /// Of an outbox: what answers nobody ([`OutboxMessage::payload`]), or the replies.
    pub unasked: bool,
}

/// A message taken out for sending.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxItem {
    /// Id of the row.
    pub id: i64,
    /// Inbox row whose turn said it, if any.
    pub inbox_id: Option<i64>,
    /// Place among the messages of its turn, from 0.
    pub ordinal: i64,
    /// Conversation id.
    pub sender_id: String,
    /// Name of the channel.
    pub channel: String,
    /// The message, as the channel wants it.
    pub payload: Value,
    /// How often it was taken out, this time included.
    pub attempts: i64,
    /// It is unknown whether an earlier attempt succeeded.
    pub possible_double: bool,
}

/// What came of sending a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Settled {
    /// The channel has it.
    Sent,
    /// To be sent again, not before that time.
    Retry {
        /// Earliest time of the next attempt, Unix seconds.
        not_before: f64,
        /// Whether it is unknown if the channel has it: then it is marked as a
        /// possible double.
        in_doubt: bool,
    },
    /// The channel will never take it.
    Failed,
    /// It is unknown whether the channel has it, and it is not sent again.
    Doubtful,
}

impl Settled {
    /// Whether the channel may have the message without having said so.
    pub(super) fn is_in_doubt(self) -> bool {
        matches!(self, Self::Doubtful | Self::Retry { in_doubt: true, .. })
    }

    /// Time of the next attempt, if there is one.
    pub(super) fn not_before(self) -> Option<f64> {
        match self {
            Self::Retry { not_before, .. } => Some(not_before),
            _ => None,
        }
    }

    /// The `state` column.
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retry { .. } => "ready",
            Self::Failed => "failed",
            Self::Doubtful => "doubtful",
        }
    }
}

/// A change to a conversation's timers.
#[derive(Debug, Clone, PartialEq)]
pub enum TimerChange {
    /// Sets a timer; one of the same name is replaced.
    Set {
        /// Name, unique within the conversation.
        name: String,
        /// When it is due, Unix seconds.
        due_at: f64,
        /// What to do then.
        payload: Value,
    },
    /// Removes a timer, because it is called off or has fired.
    Cancel {
        /// Name of the timer.
        name: String,
    },
    /// Removes all timers of the conversation.
    CancelAll,
}

/// The timers' final state after a list of changes.
#[derive(Debug, Default)]
pub(super) struct TimerPlan<'a> {
    /// Whether timers not named below go.
    pub(super) clear: bool,
    /// By name: the timer to set, or `None` to remove it.
    pub(super) named: BTreeMap<&'a str, Option<(f64, &'a Value)>>,
}

impl<'a> TimerPlan<'a> {
    /// Plays the changes through.
    pub(super) fn of(changes: &'a [TimerChange]) -> Self {
        let mut plan = Self::default();
        for change in changes {
            match change {
                TimerChange::Set { name, due_at, payload } => {
                    plan.named.insert(name, Some((*due_at, payload)));
                }
                TimerChange::Cancel { name } => {
                    plan.named.insert(name, None);
                }
                TimerChange::CancelAll => plan = Self { clear: true, named: BTreeMap::new() },
            }
        }
        plan
    }
}

/// A timer that is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    /// Id; a timer that replaces another has a new one.
    pub id: i64,
    /// Conversation id.
    pub sender_id: String,
    /// Name, unique within the conversation.
    pub name: String,
    /// When it is due, Unix seconds.
    pub due_at: f64,
    /// What to do then.
    pub payload: Value,
}

/// An event the broker has not confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Id of the event; to be given back once it is published.
    pub event_id: i64,
    /// Conversation id.
    pub sender_id: String,
    /// The event.
    pub event: Event,
}

/// What a commit made of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its version now.
    pub version: i64,
}
