//! What every action works with.

use std::sync::Arc;

use sapa_sdk::{
    Date, Identity,
    server::{ActionContext, ActionError},
};

use crate::{
    Clock, NewTicket, People, Store, Ticket, TicketStatus,
    conversation::{before_last_message, last_told_number, spoken_text},
};

/// A ticket that holds what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// `HD-YYYY-NNNNNN`.
    pub number: String,
    /// Whether it was made for this request.
    pub is_new: bool,
}

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

    /// Makes a ticket for this call of an action, committed by then. The same call
    /// again gives the same number. What belongs to a ticket that this conversation
    /// was just told of is added to it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn ticket(&self, context: &ActionContext, topic: &str, summary: &str) -> Result<Filed, ActionError> {
        self.ticket_about(context, topic, summary, None).await
    }

    /// As [`Helpdesk::ticket`], about a NIP or NIK.
    ///
    /// # Errors
    /// The database fails.
    pub async fn ticket_about(
        &self,
        context: &ActionContext,
        topic: &str,
        summary: &str,
        identity: Option<&Identity>,
    ) -> Result<Filed, ActionError> {
        let identity = identity.map(Identity::expose);
        if let Some(known) = self.told_ticket(context).await?
            && known.topic == topic
            && known.identity.as_deref() == identity
        {
            self.add_to_ticket(&known.number, spoken_text(&context.request)).await?;
            return Ok(Filed { number: known.number, is_new: false });
        }
        let key = step_key(context);
        let ticket = NewTicket { sender_id: &context.request.sender_id, topic, summary, identity, key: key.as_deref() };
        let number = self.store.create_ticket(ticket, &self.clock.now()).await.map_err(ActionError::failed)?;
        Ok(Filed { number, is_new: true })
    }

    /// The ticket that the bot named last in this session, if nobody works on it yet.
    ///
    /// # Errors
    /// The database fails.
    pub async fn told_ticket(&self, context: &ActionContext) -> Result<Option<Ticket>, ActionError> {
        let request = &context.request;
        let Some(number) = last_told_number(before_last_message(request.tracker.events())) else { return Ok(None) };
        let ticket = self.store.ticket(&request.sender_id, &number).await.map_err(ActionError::failed)?;
        Ok(ticket.filter(|ticket| ticket.status == TicketStatus::New))
    }

    /// Adds what the person said to a ticket, unless it says so already.
    ///
    /// # Errors
    /// The database fails.
    pub async fn add_to_ticket(&self, number: &str, said: &str) -> Result<(), ActionError> {
        self.store.add_to_ticket(number, said).await.map_err(ActionError::failed)
    }

    /// A ticket for each `key`.
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
        let ticket = NewTicket { sender_id: &context.request.sender_id, topic, summary, identity: None, key };
        self.store.create_ticket(ticket, &self.clock.now()).await.map_err(ActionError::failed)
    }
}

/// The call's idempotency key, made distinct for each action.
pub(crate) fn step_key(context: &ActionContext) -> Option<String> {
    let action = context.request.next_action.as_deref().unwrap_or_default();
    context.idempotency_key.as_ref().map(|key| format!("{action}:{key}"))
}
