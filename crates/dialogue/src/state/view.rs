//! A state seen through what a policy may know of it, without a copy.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{LoopState, PrevAction, SHOULD_NOT_BE_SET, SlotState, State, UserState};
use crate::policy::RuleOnly;

/// Parts of a [`State`]. Its JSON form is Rasa's dictionary of the state, keys
/// sorted.
#[derive(Clone, Copy, Debug)]
pub struct StateView<'a> {
    user: Option<&'a UserState>,
    has_text: bool,
    prev_action: Option<&'a PrevAction>,
    state: &'a State,
    rule_only: Option<&'a RuleOnly>,
}

impl<'a> From<&'a State> for StateView<'a> {
    fn from(state: &'a State) -> Self {
        Self {
            user: state.user.as_ref(),
            has_text: true,
            prev_action: state.prev_action.as_ref(),
            state,
            rule_only: None,
        }
    }
}

impl<'a> StateView<'a> {
    /// The view of a learning policy (spec §3.3): `prev_action` and `user` stand
    /// in for the state's own, slots and loops that only rules use are left out.
    pub(crate) fn learnt(
        state: &'a State,
        prev_action: Option<&'a PrevAction>,
        user: Option<&'a UserState>,
        rule_only: &'a RuleOnly,
    ) -> Self {
        Self { user, has_text: true, prev_action, state, rule_only: Some(rule_only) }
    }

    /// The user's message.
    pub(crate) fn user(&self) -> Option<&'a UserState> {
        self.user
    }

    /// Where an intent is known, the text does not count.
    pub(crate) fn intent_first(mut self) -> Self {
        self.has_text = self.user.is_none_or(|user| user.intent.is_none());
        self
    }

    /// The previous action.
    pub(crate) fn prev_action(&self) -> Option<&'a PrevAction> {
        self.prev_action
    }

    /// Slots with features.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (&'a String, &'a SlotState)> {
        let rule_only = self.rule_only;
        self.state.slots.iter().filter(move |(name, _)| !rule_only.is_some_and(|r| r.slots.contains(*name)))
    }

    /// Name of the active loop; [`SHOULD_NOT_BE_SET`] in rules.
    pub(crate) fn active_loop(&self) -> Option<&'a str> {
        match self.state.active_loop.as_ref()? {
            LoopState::Active(name) if self.rule_only.is_some_and(|r| r.loops.contains(name)) => None,
            LoopState::Active(name) => Some(name),
            LoopState::ShouldNotBeSet => Some(SHOULD_NOT_BE_SET),
        }
    }

    /// A state of its own with what is seen.
    pub(crate) fn to_state(self) -> State {
        let mut user = self.user.cloned();
        if let Some(user) = user.as_mut().filter(|_| !self.has_text) {
            user.text = None;
        }
        State {
            user,
            prev_action: self.prev_action.cloned(),
            slots: self.slots().map(|(name, slot)| (name.clone(), slot.clone())).collect(),
            active_loop: self.active_loop().and_then(|_| self.state.active_loop.clone()),
        }
    }
}

impl Serialize for StateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = self.active_loop() {
            map.serialize_entry("active_loop", &Entry("name", name))?;
        }
        match self.prev_action {
            Some(PrevAction::Name(name)) => map.serialize_entry("prev_action", &Entry("action_name", name))?,
            Some(PrevAction::Text(text)) => map.serialize_entry("prev_action", &Entry("action_text", text))?,
            None => {}
        }
        if self.slots().next().is_some() {
            map.serialize_entry("slots", &Slots(*self))?;
        }
        if let Some(user) = self.user {
            map.serialize_entry("user", &User { user, has_text: self.has_text })?;
        }
        map.end()
    }
}

/// An object with one entry.
struct Entry<'a>(&'static str, &'a str);

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, self.1)])
    }
}

struct Slots<'a>(StateView<'a>);

impl Serialize for Slots<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.slots())
    }
}

struct User<'a> {
    user: &'a UserState,
    has_text: bool,
}

impl Serialize for User<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.user.entities.is_empty() {
            map.serialize_entry("entities", &self.user.entities)?;
        }
        if let Some(intent) = &self.user.intent {
            map.serialize_entry("intent", intent)?;
        }
        if let Some(text) = self.user.text.as_ref().filter(|_| self.has_text) {
            map.serialize_entry("text", text)?;
        }
        map.end()
    }
}

/// The canonical key of a window of states: compact JSON with sorted keys.
pub fn view_key(views: &[StateView<'_>]) -> String {
    serde_json::to_string(views).unwrap_or_default()
}
