//! Events on their way to an event broker (spec §6.3). Each waits in the store from
//! the commit that wrote it until the broker has it: at least once, and those of
//! one conversation in their order.

use std::pin::Pin;

use sapa_sdk::JsonMap;
use serde_json::Value;

use super::{Agent, AgentError};
use crate::store::Publication;

/// Where events go besides the store.
pub trait Broker: Send + Sync {
    /// Its type, as in `endpoints.yml`.
    fn name(&self) -> &'static str;

    /// Hands messages over, in their order. Once it is ready the broker has them
    /// all; after an error it may have some.
    fn publish<'a>(
        &'a self,
        messages: &'a [Message],
    ) -> Pin<Box<dyn Future<Output = Result<(), BrokerError>> + Send + 'a>>;
}

/// Why a broker did not take messages; they are offered again. Never holds a
/// secret or an event.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct BrokerError(pub String);

/// An event for a broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    event_id: i64,
    /// Conversation id.
    pub sender_id: String,
    /// JSON of the event behind its `sender_id`, as Rasa writes it.
    pub body: String,
}

impl From<Publication> for Message {
    fn from(publication: Publication) -> Self {
        let mut body = JsonMap::new();
        body.insert("sender_id".into(), publication.sender_id.clone().into());
        if let Value::Object(event) = publication.event.to_json() {
            body.extend(event);
        }
        Self { event_id: publication.event_id, sender_id: publication.sender_id, body: Value::Object(body).to_string() }
    }
}

impl Agent {
    /// Has the events of all commits from now on kept for a broker.
    #[must_use]
    pub fn with_broker(mut self) -> Self {
        self.publishes = true;
        self
    }

    /// Events that the broker does not have, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn unpublished(&self, limit: u32) -> Result<Vec<Message>, AgentError> {
        Ok(self.store.unpublished(limit).await?.into_iter().map(Message::from).collect())
    }

    /// The broker has these.
    ///
    /// # Errors
    /// The store failed; they are published once more.
    pub async fn published(&self, messages: &[Message]) -> Result<(), AgentError> {
        Ok(self.store.published(messages.iter().map(|message| message.event_id).collect()).await?)
    }

    /// Takes or keeps the lead in a task that one of the processes on this store
    /// does at a time; see [`crate::store::Store::lead`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn lead(&self, task: &str, owner: &str, seconds: f64) -> Result<bool, AgentError> {
        Ok(self.store.lead(task, owner, seconds).await?)
    }
}
