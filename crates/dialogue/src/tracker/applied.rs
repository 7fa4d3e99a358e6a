//! The events that count, and the states between them.
//!
//! Rasa recomputes its applied events from the whole history at every
//! prediction; here they are folded one by one, with a checkpoint at each
//! action, so that a turn costs the same in a long conversation.

use std::sync::{Arc, OnceLock};

use sapa_project::Domain;
use sapa_sdk::{Event, EventBody};
use serde::{Deserialize, Serialize};

use super::Derived;
use crate::policy::{RuleOnly, UNLIKELY_INTENT};
use crate::state::{PrevAction, State, StateView};

const LISTEN: &str = "action_listen";

/// A point just before an action.
#[derive(Clone, Debug)]
struct Boundary {
    /// Index of the action in the list of applied events.
    index: usize,
    /// State of the conversation before it.
    before: Derived,
    /// The same as policies see it.
    state: Arc<State>,
    /// Whether learning policies skip it: a rule that no story needs took over.
    hidden: bool,
    /// The previous action as learning policies see it.
    learnt_prev_action: Option<PrevAction>,
}

/// What a turn follows on, as far as it counts for being hidden (spec §3.3).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Before {
    hidden: bool,
    learnt_prev_action: Option<PrevAction>,
}

/// Events that count, with a checkpoint before each action.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    events: Vec<Arc<Event>>,
    boundaries: Vec<Boundary>,
    derived: Derived,
    initial: Derived,
    /// What the first boundary follows on.
    earlier: Before,
    /// The least index of events that were undone or taken out since somebody asked.
    changed: Option<usize>,
    /// What follows from the rest, once somebody asked: each policy does.
    now: OnceLock<Arc<State>>,
}

impl Applied {
    pub(super) fn new(initial: Derived) -> Self {
        Self::after(initial, Before::default())
    }

    /// None yet, after a state.
    pub(super) fn after(initial: Derived, earlier: Before) -> Self {
        let (events, boundaries, now) = (Vec::new(), Vec::new(), OnceLock::new());
        Self { events, boundaries, derived: initial.clone(), initial, earlier, changed: None, now }
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// What the next boundary follows on.
    pub(super) fn before(&self) -> Before {
        self.boundaries.last().map_or_else(
            || self.earlier.clone(),
            |last| Before { hidden: last.hidden, learnt_prev_action: last.learnt_prev_action.clone() },
        )
    }

    /// The least index of events that were undone or taken out since the last call.
    pub(super) fn take_changed(&mut self) -> Option<usize> {
        self.changed.take()
    }

    /// Forgets so many of the oldest events, which led to that state.
    pub(super) fn forget(&mut self, count: usize, state: Derived, earlier: Before) {
        self.boundaries.retain(|boundary| boundary.index >= count);
        self.boundaries.iter_mut().for_each(|boundary| boundary.index -= count);
        self.events.drain(..count);
        (self.initial, self.earlier) = (state, earlier);
    }

    fn has_changed(&mut self, from: usize) {
        self.changed = Some(self.changed.map_or(from, |before| before.min(from)));
    }

    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.events.iter()
    }

    pub(super) fn derived(&self) -> &Derived {
        &self.derived
    }

    pub(super) fn boundary_count(&self) -> usize {
        self.boundaries.len()
    }

    /// Folds one event. Returns whether it undid others, so that the state must
    /// be taken over from here.
    pub(super) fn push(&mut self, event: Arc<Event>, domain: &Domain) -> bool {
        let undid = self.fold(event, domain);
        self.now.take();
        undid
    }

    fn fold(&mut self, event: Arc<Event>, domain: &Domain) -> bool {
        match &event.body {
            EventBody::Restart {} | EventBody::SessionStarted {} => {
                self.clear();
                self.derived.apply(&event, domain);
                self.initial = self.derived.clone();
                false
            }
            EventBody::Undo {} => {
                let cut = self.last_action();
                self.truncate(cut, domain);
                true
            }
            EventBody::Rewind {} => {
                let user = self.events.iter().rposition(|e| matches!(e.body, EventBody::User { .. })).unwrap_or(0);
                self.has_changed(user);
                self.events.truncate(user);
                let cut = self.last_action();
                self.truncate(cut, domain);
                true
            }
            EventBody::Action { name: Some(name), .. } if is_loop(name, domain) && self.is_repetition(name) => {
                self.drop_repetition(name, domain);
                false
            }
            _ => {
                self.append(event, domain);
                false
            }
        }
    }

    fn append(&mut self, event: Arc<Event>, domain: &Domain) {
        if let EventBody::Action { hide_rule_turn, .. } = &event.body {
            let state = self.state_now(domain);
            let (hidden, learnt_prev_action) = self.hidden_turn(&state, *hide_rule_turn);
            self.boundaries.push(Boundary {
                index: self.events.len(),
                state,
                before: self.derived.clone(),
                hidden,
                learnt_prev_action,
            });
        }
        self.derived.apply(&event, domain);
        self.events.push(event);
        self.now.take();
    }

    /// The state now, as policies see it.
    fn state_now(&self, domain: &Domain) -> Arc<State> {
        let state = || match self.boundaries.last() {
            Some(last) => self.derived.state_after((&last.before, &last.state), domain),
            None => self.derived.state(domain, false),
        };
        Arc::clone(self.now.get_or_init(|| Arc::new(state())))
    }

    /// Whether the coming turn is hidden from learning policies, and which
    /// previous action they see (spec §3.3). Follow-ups and the loop's own
    /// `action_listen` do not change whether a turn is hidden.
    fn hidden_turn(&self, state: &State, hide_rule_turn: bool) -> (bool, Option<PrevAction>) {
        let Before { hidden: was_hidden, learnt_prev_action } = self.before();
        let prev_action = if was_hidden { learnt_prev_action } else { state.prev_action.clone() };
        let decides = self.derived.followup_action.is_none()
            && self.derived.latest_action_name() != self.derived.active_loop_name();
        (if decides { hide_rule_turn } else { was_hidden }, prev_action)
    }

    fn clear(&mut self) {
        self.events.clear();
        self.boundaries.clear();
        self.earlier = Before::default();
        self.has_changed(0);
    }

    fn last_action(&self) -> usize {
        self.events.iter().rposition(|e| matches!(e.body, EventBody::Action { .. })).unwrap_or(0)
    }

    /// Keeps the first `length` events and rebuilds the state from the nearest
    /// checkpoint.
    fn truncate(&mut self, length: usize, domain: &Domain) {
        self.has_changed(length);
        self.events.truncate(length);
        self.replay_from(length, domain);
    }

    /// Rebuilds boundaries and state for events at and after `from`.
    fn replay_from(&mut self, from: usize, domain: &Domain) {
        let mut start = 0;
        self.now.take();
        self.derived = self.initial_after_reset();
        while let Some(boundary) = self.boundaries.pop() {
            if boundary.index <= from && boundary.index <= self.events.len() {
                start = boundary.index;
                self.derived = boundary.before;
                break;
            }
        }
        let tail: Vec<_> = self.events.drain(start..).collect();
        for event in tail {
            self.append(event, domain);
        }
    }

    /// After undoing, Rasa replays onto a reset tracker, whose follow-up action
    /// is `action_listen` (spec §3.1).
    fn initial_after_reset(&self) -> Derived {
        let mut derived = self.initial.clone();
        derived.followup_action = Some("action_listen".to_owned());
        derived
    }

    /// Whether this execution of a loop repeats an earlier one on its happy
    /// path (spec §3.2).
    fn is_repetition(&self, loop_name: &str) -> bool {
        let mut next_action: Option<&str> = None;
        for event in self.events.iter().rev() {
            match &event.body {
                EventBody::ActiveLoop { name: None } => return false,
                EventBody::ActionExecutionRejected { name, .. } if name == loop_name => return false,
                EventBody::User { .. } if next_action.is_some_and(|action| action != loop_name) => return false,
                EventBody::Action { name, action_text, .. } => {
                    if name.as_deref() == Some(loop_name) {
                        return true;
                    }
                    next_action = name.as_deref().or(action_text.as_deref());
                }
                _ => {}
            }
        }
        false
    }

    /// Removes the actions and user turns back to the loop's previous
    /// execution; the new execution is not added (spec §3.2).
    fn drop_repetition(&mut self, loop_name: &str, domain: &Domain) {
        let Some(previous) = self
            .events
            .iter()
            .rposition(|event| matches!(&event.body, EventBody::Action { name: Some(name), .. } if name == loop_name))
        else {
            return;
        };
        self.has_changed(previous + 1);
        let mut index = 0;
        self.events.retain(|event| {
            index += 1;
            index - 1 <= previous
                || !matches!(
                    event.body,
                    EventBody::Action { .. } | EventBody::User { .. } | EventBody::UserFeaturization { .. }
                )
        });
        self.replay_from(previous, domain);
    }

    /// The last `count` states; all when `None`.
    pub(super) fn states(&self, domain: &Domain, count: Option<usize>) -> Vec<Arc<State>> {
        let skip = count.map_or(0, |count| (self.boundaries.len() + 1).saturating_sub(count));
        let mut states: Vec<_> = self.boundaries.iter().skip(skip).map(|b| Arc::clone(&b.state)).collect();
        if count != Some(0) {
            states.push(self.state_now(domain));
        }
        states
    }

    /// Reads the last `count` states as learning policies see them: hidden turns
    /// left out, the features in `rule_only` removed (spec §3.3).
    pub(super) fn with_learnt_states<R>(
        &self,
        domain: &Domain,
        count: Option<usize>,
        rule_only: &RuleOnly,
        read: impl FnOnce(&[StateView<'_>]) -> R,
    ) -> R {
        let current = self.state_now(domain);
        let (hidden, prev_action) = self.hidden_turn(&current, false);
        let wanted = count.unwrap_or(usize::MAX);
        let now = (!hidden).then_some((&*current, &prev_action));
        let older = self.boundaries.iter().rev().filter(|b| !b.hidden).map(|b| (&*b.state, &b.learnt_prev_action));
        let mut visible: Vec<(&State, &Option<PrevAction>)> = Vec::new();
        for (state, prev_action) in now.into_iter().chain(older) {
            if state.prev_action_name() == Some(UNLIKELY_INTENT) {
                continue;
            }
            // A state takes its user over from the one before, back to where the
            // user was listened to.
            let begins = visible.last().is_none_or(|(newer, _)| newer.prev_action_name() == Some(LISTEN));
            if visible.len() >= wanted && begins {
                break;
            }
            visible.push((state, prev_action));
        }
        let mut views: Vec<StateView<'_>> = Vec::with_capacity(visible.len());
        for (state, prev_action) in visible.into_iter().rev() {
            let inherited = views.last().filter(|_| state.prev_action_name() != Some(LISTEN));
            let user = inherited.map_or(state.user.as_ref(), StateView::user);
            let prev_action = prev_action.as_ref().or(state.prev_action.as_ref());
            views.push(StateView::learnt(state, prev_action, user, rule_only));
        }
        read(&views[views.len().saturating_sub(wanted)..])
    }

    /// The last `count` states; slots that no event set are left out.
    pub(super) fn training_states(&self, domain: &Domain, count: usize) -> Vec<State> {
        let skip = (self.boundaries.len() + 1).saturating_sub(count);
        let before = self.boundaries.iter().skip(skip).map(|b| b.before.state(domain, true));
        before.chain([self.derived.state(domain, true)]).collect()
    }
}

fn is_loop(name: &str, domain: &Domain) -> bool {
    domain.forms.contains_key(name) || name == "action_two_stage_fallback"
}
