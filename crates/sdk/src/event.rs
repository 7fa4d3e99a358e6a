//! Conversation events in Rasa's JSON form (spec §3.1).

mod text;

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use crate::{BotData, Entity, JsonMap, ParseData};

/// One event of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened: seconds since the Unix epoch.
    pub timestamp: f64,
    /// `model_id`, `assistant_id` and whatever the sender added. Events of one
    /// conversation mostly have the same, and share it.
    pub metadata: Arc<JsonMap>,
    /// What happened.
    pub body: EventBody,
}

/// What happened. Variant and field names are Rasa's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventBody {
    /// The user said something.
    User {
        /// Text of the message.
        text: Option<String>,
        /// What was understood.
        #[serde(default)]
        parse_data: Arc<ParseData>,
        /// Channel it came through.
        #[serde(default)]
        input_channel: Option<String>,
        /// Id given by the channel, or made up.
        #[serde(default)]
        message_id: Option<String>,
    },
    /// The bot said something.
    Bot {
        /// Text of the message.
        #[serde(default)]
        text: Option<String>,
        /// Rich content.
        #[serde(default)]
        data: Box<BotData>,
    },
    /// An action ran.
    Action {
        /// Name, absent for an end-to-end bot text.
        #[serde(default)]
        name: Option<String>,
        /// Policy that chose it.
        #[serde(default)]
        policy: Option<String>,
        /// Confidence of that policy.
        #[serde(default)]
        confidence: Option<f64>,
        /// End-to-end bot text.
        #[serde(default)]
        action_text: Option<String>,
        /// Predicted by a rule that no story needs: learning policies skip it.
        #[serde(default)]
        hide_rule_turn: bool,
    },
    /// A slot got a value.
    Slot {
        /// Slot name.
        name: String,
        /// New value.
        value: Value,
    },
    /// A loop became active, or ended (`None`).
    #[serde(alias = "form")]
    ActiveLoop {
        /// Loop name.
        name: Option<String>,
    },
    /// The active loop was (or no longer is) interrupted.
    LoopInterrupted {
        /// The flag's new value.
        is_interrupted: bool,
    },
    /// An action declined to run.
    ActionExecutionRejected {
        /// Action name.
        name: String,
        /// Policy that had chosen it.
        #[serde(default)]
        policy: Option<String>,
        /// Confidence of that policy.
        #[serde(default)]
        confidence: Option<f64>,
    },
    /// Whether policies saw the last message's text or its intent.
    UserFeaturization {
        /// `true`: the text.
        use_text_for_featurization: bool,
    },
    /// Entities added to the last message.
    Entities {
        /// The entities.
        entities: Vec<Entity>,
    },
    /// A session began.
    SessionStarted {},
    /// The conversation was reset.
    Restart {},
    /// The last user turn was undone.
    Rewind {},
    /// The last action was undone.
    Undo {},
    /// All slots went back to their initial value.
    ResetSlots {},
    /// An intent is to be injected later.
    Reminder {
        /// Intent to inject.
        intent: String,
        /// When, ISO 8601.
        date_time: String,
        /// Entities to inject.
        #[serde(default)]
        entities: Value,
        /// Id; the same name replaces.
        #[serde(default)]
        name: Option<String>,
        /// Forget it when the user speaks first.
        #[serde(default)]
        kill_on_user_msg: bool,
    },
    /// Reminders are called off.
    CancelReminder {
        /// By id.
        #[serde(default)]
        name: Option<String>,
        /// By intent.
        #[serde(default)]
        intent: Option<String>,
        /// By entities.
        #[serde(default)]
        entities: Value,
    },
    /// The next action is fixed.
    Followup {
        /// Action name.
        name: String,
    },
    /// The bot stops answering.
    Pause {},
    /// The bot answers again.
    Resume {},
    /// The story so far is written to a file.
    Export {
        /// Where.
        #[serde(default)]
        path: Option<String>,
    },
    /// A human agent said something.
    Agent {
        /// Text of the message.
        #[serde(default)]
        text: Option<String>,
        /// Rich content.
        #[serde(default)]
        data: Value,
    },
}

impl Event {
    /// An event at that time, without metadata.
    pub fn new(timestamp: f64, body: EventBody) -> Self {
        Self { timestamp, metadata: Arc::default(), body }
    }

    /// Rasa's `type_name`: the value of the `event` key.
    pub fn type_name(&self) -> &'static str {
        match &self.body {
            EventBody::User { .. } => "user",
            EventBody::Bot { .. } => "bot",
            EventBody::Action { .. } => "action",
            EventBody::Slot { .. } => "slot",
            EventBody::ActiveLoop { .. } => "active_loop",
            EventBody::LoopInterrupted { .. } => "loop_interrupted",
            EventBody::ActionExecutionRejected { .. } => "action_execution_rejected",
            EventBody::UserFeaturization { .. } => "user_featurization",
            EventBody::Entities { .. } => "entities",
            EventBody::SessionStarted {} => "session_started",
            EventBody::Restart {} => "restart",
            EventBody::Rewind {} => "rewind",
            EventBody::Undo {} => "undo",
            EventBody::ResetSlots {} => "reset_slots",
            EventBody::Reminder { .. } => "reminder",
            EventBody::CancelReminder { .. } => "cancel_reminder",
            EventBody::Followup { .. } => "followup",
            EventBody::Pause {} => "pause",
            EventBody::Resume {} => "resume",
            EventBody::Export { .. } => "export",
            EventBody::Agent { .. } => "agent",
        }
    }

    /// The `events.action_name` column of Rasa's SQL store: the event's `name`
    /// (spec §6.1).
    pub fn name_column(&self) -> Option<&str> {
        match &self.body {
            EventBody::Action { name, .. } | EventBody::ActiveLoop { name } => name.as_deref(),
            EventBody::Slot { name, .. }
            | EventBody::ActionExecutionRejected { name, .. }
            | EventBody::Followup { name } => Some(name),
            EventBody::Reminder { name, .. } => name.as_deref(),
            _ => None,
        }
    }

    /// The `events.intent_name` column: the intent of a user event.
    pub fn intent_column(&self) -> Option<&str> {
        match &self.body {
            EventBody::User { parse_data, .. } => parse_data.intent.name.as_deref(),
            _ => None,
        }
    }

    /// The JSON form; keys in Rasa's order.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// Reads one event. `default_timestamp` stands in for a missing timestamp.
    ///
    /// # Errors
    /// The event type is unknown or a field has the wrong type.
    pub fn from_json(value: &Value, default_timestamp: f64) -> Result<Self, serde_json::Error> {
        let object = value.as_object().ok_or_else(|| serde_json::Error::custom("an event is an object"))?;
        let timestamp = match object.get("timestamp") {
            None | Some(Value::Null) => default_timestamp,
            Some(number) => number.as_f64().ok_or_else(|| serde_json::Error::custom("`timestamp` is not a number"))?,
        };
        let metadata = match object.get("metadata") {
            Some(Value::Object(map)) => Arc::new(map.clone()),
            _ => Arc::default(),
        };
        let mut body = object.clone();
        if body.get("event").and_then(Value::as_str) == Some("form_validation") {
            legacy_form_validation(&mut body);
        }
        Ok(Self { timestamp, metadata, body: serde_json::from_value(Value::Object(body))? })
    }
}

/// The old `form_validation{validate}` reads as `loop_interrupted`, inverted
/// (spec §3.1).
fn legacy_form_validation(body: &mut JsonMap) {
    let validate = body.get("validate").and_then(Value::as_bool).unwrap_or(true);
    body.insert("event".into(), "loop_interrupted".into());
    body.insert("is_interrupted".into(), Value::Bool(!validate));
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Head<'a> {
            event: &'static str,
            timestamp: f64,
            #[serde(skip_serializing_if = "JsonMap::is_empty")]
            metadata: &'a JsonMap,
            #[serde(flatten)]
            body: Untagged<'a>,
        }
        Head {
            event: self.type_name(),
            timestamp: self.timestamp,
            metadata: &self.metadata,
            body: Untagged(&self.body),
        }
        .serialize(serializer)
    }
}

/// The body's fields without its tag, which the head already wrote.
struct Untagged<'a>(&'a EventBody);

impl Serialize for Untagged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        // Spec §3.1 [quirk]: a cancelled reminder writes only the base fields.
        let Value::Object(fields) = (match self.0 {
            EventBody::CancelReminder { .. } => Value::Object(JsonMap::new()),
            body => serde_json::to_value(body).map_err(serde::ser::Error::custom)?,
        }) else {
            return Err(serde::ser::Error::custom("an event body is an object"));
        };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in fields.iter().filter(|(key, _)| *key != "event") {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value, 0.0).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_action_event_reads_and_writes_as_rasa_does() {
        let rasa = json!({"event":"action","timestamp":1.5,"metadata":{"model_id":"m"},"name":"action_listen",
            "policy":null,"confidence":null,"action_text":null,"hide_rule_turn":false});
        let event = Event::from_json(&rasa, 0.0).unwrap();
        assert_eq!(event.to_json(), rasa);
        assert_eq!(event.to_json().to_string(), rasa.to_string());
    }

    #[test]
    fn an_unknown_type_is_an_error() {
        assert!(Event::from_json(&json!({"event":"no_such"}), 0.0).is_err());
    }

    #[test]
    fn the_old_form_validation_is_read_inverted() {
        let event = Event::from_json(&json!({"event":"form_validation","validate":false}), 2.0).unwrap();
        assert_eq!(event.body, EventBody::LoopInterrupted { is_interrupted: true });
        assert_eq!(event.timestamp, 2.0);
    }
}
