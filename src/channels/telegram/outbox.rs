//! Replies on their way out: a queue for each conversation, in memory. They go
//! out in the order of their turns, and one that cannot be delivered holds up no
//! other conversation.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use teloxide::types::MessageId;
use tokio::sync::watch;

use super::api::ApiFailure;
use super::conversation::Conversation;
use super::lines::Lines;

/// Replies of one conversation that may wait.
const MOST_WAITING: usize = 200;

/// Replies remembered by their key.
const MOST_KNOWN: usize = 10_000;

/// What became of a reply; `None` while it is on its way.
pub(super) type Delivery = watch::Receiver<Option<Result<(), ApiFailure>>>;

/// A reply to an update.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The same for each delivery of the same update.
    pub(super) key: String,
    /// Where it goes.
    pub(super) conversation: Conversation,
    /// Message whose keyboard was used up.
    pub(super) used_keyboard: Option<MessageId>,
    /// What is to be sent.
    pub(super) pieces: Vec<Value>,
}

/// A reply in its queue.
pub(super) struct Queued {
    pub(super) reply: Reply,
    pub(super) done: watch::Sender<Option<Result<(), ApiFailure>>>,
}

/// All queues.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: Lines<Queued>,
    known: HashMap<String, Delivery>,
}

impl Outbox {
    /// Queues a reply, unless it is under way or out already. The flag says that
    /// nobody works on the queue yet: the caller has to.
    pub(super) fn push(&self, sender_id: &str, reply: Reply) -> (Delivery, bool) {
        let mut state = self.state();
        if let Some(known) = state.known.get(&reply.key).filter(|known| !matches!(*known.borrow(), Some(Err(_)))) {
            return (known.clone(), false);
        }
        let (done, delivery) = watch::channel(None);
        if state.known.len() >= MOST_KNOWN {
            state.known.retain(|_, known| known.borrow().is_none());
        }
        if state.lines.waiting(sender_id) >= MOST_WAITING {
            done.send_replace(Some(Err(ApiFailure::Unreachable)));
            return (delivery, false);
        }
        let key = reply.key.clone();
        let is_idle = state.lines.push(sender_id, Queued { reply, done });
        state.known.insert(key, delivery.clone());
        (delivery, is_idle)
    }

    /// The next reply of a conversation; with `None` its queue is gone.
    pub(super) fn next(&self, sender_id: &str) -> Option<Queued> {
        self.state().lines.next(sender_id)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a reply is out. `false` when it will not be.
pub(super) async fn delivered(mut delivery: Delivery) -> bool {
    match delivery.wait_for(Option::is_some).await {
        Ok(outcome) => matches!(*outcome, Some(Ok(()))),
        Err(_) => false,
    }
}

/// Whether a reply was not sent because Telegram does not know the bot.
pub(super) fn lacks_token(delivery: &Delivery) -> bool {
    *delivery.borrow() == Some(Err(ApiFailure::Unauthorized))
}
