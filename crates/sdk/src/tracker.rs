//! The state of a conversation as it goes over the wire (spec §3.2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Event, JsonMap, ParseData};

/// Rasa's `current_state`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrackerState {
    /// Conversation id.
    pub sender_id: String,
    /// Every slot of the domain and its value.
    #[serde(default)]
    pub slots: JsonMap,
    /// What was last understood.
    #[serde(default)]
    pub latest_message: ParseData,
    /// Time of the newest event.
    #[serde(default)]
    pub latest_event_time: Option<f64>,
    /// Action that must run next.
    #[serde(default)]
    pub followup_action: Option<String>,
    /// Whether the bot is silent.
    #[serde(default)]
    pub paused: bool,
    /// Events; `None` when not asked for.
    #[serde(default)]
    pub events: Option<Vec<Event>>,
    /// Channel of the last user message.
    #[serde(default)]
    pub latest_input_channel: Option<String>,
    /// `{}` or `{name, is_interrupted, rejected, trigger_message}`.
    #[serde(default)]
    pub active_loop: Value,
    /// `{action_name}` or `{action_text}`.
    #[serde(default)]
    pub latest_action: Value,
    /// Name of the latest action.
    #[serde(default)]
    pub latest_action_name: Option<String>,
}

impl TrackerState {
    /// The value of a slot; `Null` when it is unset or unknown.
    pub fn slot(&self, name: &str) -> &Value {
        self.slots.get(name).unwrap_or(&Value::Null)
    }

    /// A text slot, trimmed; `None` when unset, empty or no text.
    pub fn slot_text(&self, name: &str) -> Option<&str> {
        self.slot(name).as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Events of the session, oldest first; empty when they were not sent.
    pub fn events(&self) -> &[Event] {
        self.events.as_deref().unwrap_or_default()
    }
}
