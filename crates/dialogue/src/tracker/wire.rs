//! The tracker as JSON (spec §3.2).

use std::str::FromStr;

use sapa_sdk::{Event, JsonMap, ParseData, TrackerState};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Derived, LatestAction, LatestMessage, Tracker};

/// Which events a tracker's JSON carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventVerbosity {
    /// `null`.
    None,
    /// Those that count.
    Applied,
    /// Those after the last restart or session start.
    AfterRestart,
    /// Every one.
    All,
}

impl FromStr for EventVerbosity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_uppercase().as_str() {
            "NONE" => Ok(Self::None),
            "APPLIED" => Ok(Self::Applied),
            "AFTER_RESTART" => Ok(Self::AfterRestart),
            "ALL" => Ok(Self::All),
            _ => {
                Err("Invalid parameter value for 'include_events'. Should be one of NONE, APPLIED, AFTER_RESTART, ALL"
                    .to_owned())
            }
        }
    }
}

impl Tracker {
    /// Rasa's `current_state`.
    pub fn current_state(&self, verbosity: EventVerbosity) -> CurrentState {
        let events = match verbosity {
            EventVerbosity::None => None,
            EventVerbosity::Applied => Some(self.applied_events().map(|e| (**e).clone()).collect()),
            EventVerbosity::AfterRestart => Some(self.events_after_restart().map(|e| (**e).clone()).collect()),
            EventVerbosity::All => Some(self.events.iter().map(|e| (**e).clone()).collect()),
        };
        CurrentState {
            state: state_of(&self.sender_id, &self.current, events, self.latest_event_time()),
            has_message: self.current.latest_message.is_some(),
        }
    }

    /// Events after (not including) the last restart.
    pub fn events_after_restart(&self) -> impl DoubleEndedIterator<Item = &std::sync::Arc<Event>> {
        let start = self
            .events
            .iter()
            .rposition(|event| matches!(event.body, sapa_sdk::EventBody::Restart {}))
            .map_or(0, |index| index + 1);
        self.events[start..].iter()
    }
}

/// The state of a tracker, to be written as Rasa writes it.
#[derive(Clone, Debug)]
pub struct CurrentState {
    state: TrackerState,
    has_message: bool,
}

impl Serialize for CurrentState {
    /// Quirk (spec §3.2): before the first message the intent is `{}`, not a
    /// nameless intent, which is what a message that nobody understood has.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = serde_json::to_value(&self.state).map_err(S::Error::custom)?;
        if !self.has_message {
            state["latest_message"] =
                json!({ "intent": {}, "entities": [], "text": null, "message_id": null, "metadata": {} });
        }
        state.serialize(serializer)
    }
}

/// `current_state` of a derived state with these events.
pub(crate) fn state_of(
    sender_id: &str,
    derived: &Derived,
    events: Option<Vec<Event>>,
    latest_event_time: Option<f64>,
) -> TrackerState {
    TrackerState {
        sender_id: sender_id.to_owned(),
        slots: derived.slots().iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        latest_message: derived.latest_message.as_deref().map_or_else(empty_message, message_json),
        latest_event_time,
        followup_action: derived.followup_action.clone(),
        paused: derived.paused,
        events,
        latest_input_channel: derived.latest_input_channel.clone(),
        active_loop: loop_json(derived),
        latest_action: match &derived.latest_action {
            Some(LatestAction::Name(name)) => json!({ "action_name": name }),
            Some(LatestAction::Text(text)) => json!({ "action_text": text }),
            None => Value::Null,
        },
        latest_action_name: derived.latest_action_name().map(str::to_owned),
    }
}

fn message_json(message: &LatestMessage) -> ParseData {
    let mut parse_data = (*message.parse_data).clone();
    if parse_data.text.is_none() {
        parse_data.text.clone_from(&message.text);
    }
    parse_data
}

fn empty_message() -> ParseData {
    let mut rest = JsonMap::new();
    rest.insert("message_id".into(), Value::Null);
    rest.insert("metadata".into(), json!({}));
    ParseData { rest, ..ParseData::default() }
}

fn loop_json(derived: &Derived) -> Value {
    match &derived.active_loop {
        None => json!({}),
        Some(active) => json!({
            "name": active.name,
            "is_interrupted": active.is_interrupted,
            "rejected": active.rejected,
            "trigger_message": active.trigger_message.as_deref().map(message_json),
        }),
    }
}
