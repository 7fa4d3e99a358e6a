//! What every action works with.

use std::sync::Arc;

use sapa_sdk::{
    Date,
    server::{ActionContext, ActionError},
};

use crate::{Clock, NewTicket, People, Store};

/// What the office sets for itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// WhatsApp contact of the personnel agency (BPKSDM).
    pub whatsapp_bpksdm: String,
    /// Address of the SIMASN site.
    pub url_simasn: String,
}

/// Settings, people, tickets and the time.
pub struct Helpdesk {
    /// Settings.
    pub settings: Settings,
    /// Known people.
    pub people: People,
    /// Tickets and ratings.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Helpdesk {
    /// Today in the office.
    pub fn today(&self) -> Date {
        self.clock.now().date
    }

    /// Makes a ticket for this call of an action and returns its number, which
    /// is committed by then. The same call again gives the same number.
    ///
    /// # Errors
    /// The database fails.
    pub async fn ticket(&self, context: &ActionContext, topic: &str, summary: &str) -> Result<String, ActionError> {
        self.keyed_ticket(context, topic, summary, step_key(context).as_deref()).await
    }

    /// Adds what the person said to a ticket, unless it says so already.
    ///
    /// # Errors
    /// The database fails.
    pub async fn add_to_ticket(&self, number: &str, said: &str) -> Result<(), ActionError> {
        self.store.add_to_ticket(number, said).await.map_err(ActionError::failed)
    }

    /// As [`Helpdesk::ticket`], but one ticket for each `key`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn keyed_ticket(
        &self,
        context: &ActionContext,
        topic: &str,
        summary: &str,
        key: Option<&str>,
    ) -> Result<String, ActionError> {
        let ticket = NewTicket { sender_id: &context.request.sender_id, topic, summary, key };
        self.store.create_ticket(ticket, &self.clock.now()).await.map_err(ActionError::failed)
    }
}

/// The call's idempotency key, made distinct for each action.
pub(crate) fn step_key(context: &ActionContext) -> Option<String> {
    let action = context.request.next_action.as_deref().unwrap_or_default();
    context.idempotency_key.as_ref().map(|key| format!("{action}:{key}"))
}
