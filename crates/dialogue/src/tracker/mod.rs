//! The state of one conversation, kept by folding its events (spec §3.2).

mod applied;
mod derived;
mod snapshot;
mod weight;
mod wire;

use std::sync::Arc;

use sapa_project::Domain;
use sapa_sdk::Event;

pub(crate) use derived::is_loop;
pub use derived::{ActiveLoop, Derived, LatestAction, LatestMessage};
pub use snapshot::Trimmed;
pub use wire::EventVerbosity;
pub(crate) use wire::state_of;

use applied::Applied;

use crate::state::{State, StateView};

/// One conversation's session: its events, the state they lead to, and the
/// states that policies see.
#[derive(Clone, Debug)]
pub struct Tracker {
    /// Conversation id.
    pub sender_id: String,
    domain: Arc<Domain>,
    events: Vec<Arc<Event>>,
    current: Derived,
    applied: Applied,
    actions_since_listen: usize,
    weight: usize,
    notes: snapshot::Notes,
}

impl Tracker {
    /// A conversation in which nothing happened yet.
    pub fn new(sender_id: impl Into<String>, domain: Arc<Domain>) -> Self {
        let current = Derived::initial(&domain);
        Self {
            sender_id: sender_id.into(),
            applied: Applied::new(current.clone()),
            domain,
            events: Vec::new(),
            current,
            actions_since_listen: 0,
            weight: 0,
            notes: snapshot::Notes::default(),
        }
    }

    /// A conversation replayed from its events.
    pub fn from_events(
        sender_id: impl Into<String>,
        domain: Arc<Domain>,
        events: impl IntoIterator<Item = Event>,
    ) -> Self {
        let mut tracker = Self::new(sender_id, domain);
        for event in events {
            tracker.update(event);
        }
        tracker
    }

    /// Appends an event and applies it.
    pub fn update(&mut self, event: Event) {
        self.update_shared(Arc::new(event));
    }

    /// [`Self::update`] with an event that somebody else holds too.
    pub fn update_shared(&mut self, event: Arc<Event>) {
        self.count_actions(&event);
        self.weight += weight::of_event(&event);
        self.current.apply(&event, &self.domain);
        let reverts = self.applied.push(Arc::clone(&event), &self.domain);
        if reverts {
            let channel = self.current.latest_input_channel.clone();
            self.current = self.applied.derived().clone();
            self.current.latest_input_channel = channel;
        }
        self.events.push(event);
        self.note();
    }

    fn count_actions(&mut self, event: &Event) {
        if let sapa_sdk::EventBody::Action { name, .. } = &event.body {
            match name.as_deref() {
                Some("action_listen" | "action_session_start") => self.actions_since_listen = 0,
                _ => self.actions_since_listen += 1,
            }
        }
    }

    /// The domain it speaks of.
    pub fn domain(&self) -> &Arc<Domain> {
        &self.domain
    }

    /// Bytes that its events take in memory, roughly.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Every event, oldest first, also those that were reverted.
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// Events that still count: after the last restart, without reverted turns
    /// and repeated loop executions.
    pub fn applied_events(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.applied.events()
    }

    /// The state now.
    pub fn current(&self) -> &Derived {
        &self.current
    }

    /// Actions run since the user was last listened to.
    pub fn actions_since_listen(&self) -> usize {
        self.actions_since_listen
    }

    /// States before each applied action, then the one now.
    pub fn states(&self) -> Vec<Arc<State>> {
        self.applied.states(&self.domain, None)
    }

    /// The last `count` of [`Self::states`]; all of them when `None`.
    pub fn recent_states(&self, count: Option<usize>) -> Vec<Arc<State>> {
        self.applied.states(&self.domain, count)
    }

    /// The last `count` states as learning policies see them (spec §3.3): turns
    /// hidden by rules and features that only rules use are left out.
    pub fn learnt_states(&self, count: Option<usize>, rule_only: &crate::policy::RuleOnly) -> Vec<State> {
        self.with_learnt_states(count, rule_only, |views| views.iter().map(|view| view.to_state()).collect())
    }

    /// [`Self::learnt_states`] without copies of them.
    pub fn with_learnt_states<R>(
        &self,
        count: Option<usize>,
        rule_only: &crate::policy::RuleOnly,
        read: impl FnOnce(&[StateView<'_>]) -> R,
    ) -> R {
        self.applied.with_learnt_states(&self.domain, count, rule_only, read)
    }

    /// Number of states: applied actions plus one.
    pub fn state_count(&self) -> usize {
        self.applied.boundary_count() + 1
    }

    /// For training rules: the last `count` states, with slots that were never set
    /// left out.
    pub fn training_states(&self, count: usize) -> Vec<State> {
        self.applied.training_states(&self.domain, count)
    }

    /// Events since (not including) the last user message.
    pub fn events_since_user(&self) -> impl Iterator<Item = &Arc<Event>> {
        let start = self
            .events
            .iter()
            .rposition(|event| matches!(event.body, sapa_sdk::EventBody::User { .. }))
            .map_or(0, |index| index + 1);
        self.events[start..].iter()
    }

    /// Time of the newest event.
    pub fn latest_event_time(&self) -> Option<f64> {
        self.events.last().map(|event| event.timestamp)
    }
}
