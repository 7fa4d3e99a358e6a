//! Featurised states: what policies see of a conversation (spec §3.3).

mod digest;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use digest::{Digest, window_digest};
pub use view::{StateView, view_key};

/// A slot's part of a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SlotState {
    /// Its feature vector (never all zero).
    Features(Vec<f32>),
    /// Rules only: it must not be set.
    ShouldNotBeSet(String),
}

/// The active loop's part of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoopState {
    /// That loop is active.
    Active(String),
    /// Rules only: no loop may be active.
    ShouldNotBeSet,
}

/// The previous action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrevAction {
    /// By name.
    Name(String),
    /// An end-to-end bot text.
    Text(String),
}

/// The latest user message as policies see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserState {
    /// Intent, unless the text counts.
    pub intent: Option<String>,
    /// Names of the entities that count, sorted.
    pub entities: Vec<String>,
    /// Text, unless the intent counts.
    pub text: Option<String>,
}

/// What policies see at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Latest user message.
    pub user: Option<UserState>,
    /// Previous action; none at the start of a conversation.
    pub prev_action: Option<PrevAction>,
    /// Slots with features.
    pub slots: BTreeMap<String, SlotState>,
    /// Active loop.
    pub active_loop: Option<LoopState>,
}

/// The value that rules give to slots and loops that must not be set (spec §1.5).
pub const SHOULD_NOT_BE_SET: &str = "should_not_be_set";

impl SlotState {
    /// The sentinel of rules.
    pub fn should_not_be_set() -> Self {
        Self::ShouldNotBeSet(SHOULD_NOT_BE_SET.to_owned())
    }
}

impl State {
    /// Name of the previous action, if it has one.
    pub fn prev_action_name(&self) -> Option<&str> {
        match &self.prev_action {
            Some(PrevAction::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// Name of the active loop, if one is active.
    pub fn active_loop_name(&self) -> Option<&str> {
        match &self.active_loop {
            Some(LoopState::Active(name)) => Some(name),
            _ => None,
        }
    }

    /// Rasa's dictionary of the state, keys sorted.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(StateView::from(self)).unwrap_or_default()
    }
}

/// The canonical key of a window of states: compact JSON with sorted keys.
pub fn key(states: &[impl AsRef<State>]) -> String {
    let views: Vec<StateView<'_>> = states.iter().map(|state| StateView::from(state.as_ref())).collect();
    view_key(&views)
}

/// Length of the key as Python's `json.dumps` writes it (`", "` and `": "`):
/// Rasa prefers the rule with the longest such string (spec §3.4).
pub fn python_key_length(states: &[State]) -> usize {
    fn length(value: &Value) -> usize {
        match value {
            Value::Array(list) => 2 + list.iter().map(length).sum::<usize>() + 2 * list.len().saturating_sub(1),
            Value::Object(map) => {
                let entries: usize = map.iter().map(|(k, v)| ascii_length(k) + 2 + length(v)).sum();
                2 + entries + 2 * map.len().saturating_sub(1)
            }
            Value::String(text) => ascii_length(text),
            Value::Number(number) => number.to_string().len(),
            other => other.to_string().len(),
        }
    }
    // `ensure_ascii`: every code unit beyond ASCII becomes `\uXXXX`.
    fn ascii_length(text: &str) -> usize {
        let quoted = Value::String(text.to_owned()).to_string();
        quoted.chars().map(|c| if c.is_ascii() { 1 } else { 6 * c.len_utf16() }).sum()
    }
    length(&Value::Array(states.iter().map(State::to_json).collect()))
}

impl AsRef<State> for State {
    fn as_ref(&self) -> &State {
        self
    }
}
