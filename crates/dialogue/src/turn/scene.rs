//! Where an action runs: the tracker plus what the phase added so far.

use std::sync::Arc;

use sapa_sdk::{ActionRequest, Event, EventBody, JsonMap, TrackerState};

use super::need::{ActionCall, NlgCall, NlgChannel, Pending, Replies};
use crate::DialogueModel;
use crate::nlg::{self, Draft, Filled, NlgFailure};
use crate::tracker::{Derived, Tracker, state_of};

/// Version of the protocol spoken with action servers.
pub const PROTOCOL_VERSION: &str = "3.6.21";

/// The tracker with further events on top. Cheap: the tracker is not copied.
pub(crate) struct Scene<'a> {
    pub(crate) model: &'a DialogueModel,
    pub(crate) tracker: &'a Tracker,
    pub(crate) channel: &'a str,
    pub(crate) now: f64,
    pub(crate) seed: u64,
    pub(crate) view: Derived,
    extra: Vec<Event>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(model: &'a DialogueModel, tracker: &'a Tracker, channel: &'a str, now: f64, seed: u64) -> Self {
        Self { model, tracker, channel, now, seed, view: tracker.current().clone(), extra: Vec::new() }
    }

    /// Adds an event on top.
    pub(crate) fn push(&mut self, body: EventBody) {
        self.push_event(Event::new(self.now, body));
    }

    pub(crate) fn push_event(&mut self, event: Event) {
        self.view.apply(&event, &self.model.domain);
        self.extra.push(event);
    }

    pub(crate) fn push_all(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.push_event(event.clone()));
    }

    /// The same scene once more, to try something out.
    pub(crate) fn fork(&self) -> Scene<'a> {
        Scene { extra: self.extra.clone(), view: self.view.clone(), ..*self }
    }

    /// Events since the last user message, those on top included.
    pub(crate) fn events_since_user(&self) -> impl Iterator<Item = &Event> {
        self.tracker.events_since_user().map(|e| &**e).chain(&self.extra)
    }

    /// A number that looks random and is the same for the same turn and place.
    pub(crate) fn random(&self) -> u64 {
        let position = (self.tracker.events().len() + self.extra.len()) as u64;
        let mut x = self.seed ^ position.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// The tracker as other servers see it, with the session's events.
    fn state(&self) -> TrackerState {
        let events = self.tracker.events_after_restart().map(|e| (**e).clone()).chain(self.extra.iter().cloned());
        let time = self.extra.last().map_or_else(|| self.tracker.latest_event_time(), |e| Some(e.timestamp));
        state_of(&self.tracker.sender_id, &self.view, Some(events.collect()), time)
    }

    /// The request for a custom action (spec §4.1).
    pub(crate) fn call(&self, name: &str, step: usize) -> ActionCall {
        let domain = &self.model.domain;
        let declared = domain.actions.iter().find(|a| a.name == name);
        ActionCall {
            name: name.to_owned(),
            step,
            needs_domain: declared.is_some_and(|a| a.send_domain) || name.starts_with("validate_"),
            request: ActionRequest {
                next_action: Some(name.to_owned()),
                sender_id: self.tracker.sender_id.clone(),
                tracker: self.state(),
                version: PROTOCOL_VERSION.to_owned(),
                domain: None,
            },
        }
    }

    /// A response with these fields and the slots as they are now; `None` when
    /// nothing fits. An NLG server is asked where there is one (spec §3.9).
    pub(crate) fn draft(
        &self,
        name: &str,
        fields: &JsonMap,
        replies: &mut Replies,
    ) -> Result<Result<Option<Draft>, NlgFailure>, Pending> {
        let domain = &self.model.domain;
        if !replies.asks_nlg {
            let filled = nlg::respond(domain, name, self.channel, self.view.slots(), fields, self.random());
            return Ok(match filled {
                Ok(filled) => Ok(filled.map(|filled| told(name, filled, replies))),
                Err(error) => Err(error.into()),
            });
        }
        let written = replies.nlg(|| NlgCall {
            response: name.to_owned(),
            id: nlg::response_id(domain, name, self.channel, self.view.slots()),
            arguments: fields.clone(),
            tracker: self.state(),
            channel: NlgChannel { name: self.channel.to_owned() },
        })?;
        Ok(written.map_err(NlgFailure::Server).map(|draft| {
            draft.map(|mut draft| {
                draft.insert("utter_action".into(), name.into());
                draft
            })
        }))
    }

    /// The bot event of [`Self::draft`].
    pub(crate) fn respond(
        &self,
        name: &str,
        replies: &mut Replies,
    ) -> Result<Result<Option<Event>, NlgFailure>, Pending> {
        let draft = self.draft(name, &JsonMap::new(), replies)?;
        Ok(draft.map(|draft| draft.map(|draft| self.bot(draft))))
    }

    /// The bot event of a draft.
    pub(crate) fn bot(&self, draft: Draft) -> Event {
        let (body, metadata) = nlg::bot_event(draft);
        Event { timestamp: self.now, metadata: Arc::new(metadata), body }
    }
}

/// The draft; a placeholder that nothing fills is told.
fn told(name: &str, filled: Filled, replies: &mut Replies) -> Draft {
    if let Some(placeholder) = filled.unfilled {
        replies.warn(format!("response `{name}`: no slot and no action fills `{{{placeholder}}}`"));
    }
    filled.draft
}
