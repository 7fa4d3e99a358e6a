//! The custom action protocol's bodies (spec §4.1, §4.2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Event, JsonMap, TrackerState};

/// What the server posts to the action server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ActionRequest {
    /// Action to run.
    #[serde(default)]
    pub next_action: Option<String>,
    /// Conversation id.
    #[serde(default)]
    pub sender_id: String,
    /// Conversation with all events of the session.
    #[serde(default)]
    pub tracker: TrackerState,
    /// Version of the protocol.
    #[serde(default)]
    pub version: String,
    /// The domain; absent under `enable_selective_domain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Value>,
}

/// One message of an action's answer: free text, rich content or the name of a
/// response to be filled (spec §4.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseItem {
    /// Free text.
    #[serde(default)]
    pub text: Option<String>,
    /// Buttons.
    #[serde(default)]
    pub buttons: Vec<Value>,
    /// Elements.
    #[serde(default)]
    pub elements: Vec<Value>,
    /// Channel-specific JSON.
    #[serde(default)]
    pub custom: Value,
    /// Name of a response of the domain.
    #[serde(default)]
    pub response: Option<String>,
    /// Image URL.
    #[serde(default)]
    pub image: Option<String>,
    /// Attachment.
    #[serde(default)]
    pub attachment: Value,
    /// Values that fill the response's placeholders, before slots.
    #[serde(flatten)]
    pub rest: JsonMap,
}

/// What the action server answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionResponse {
    /// Events to apply, in order.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Messages, sent before the events apply.
    #[serde(default)]
    pub responses: Vec<ResponseItem>,
}
