//! What a bot says: one message with its rich content (spec §3.9, §4.2, §5.4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::JsonMap;

/// A button: what it shows and what it sends when pressed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Button {
    /// Shown text.
    pub title: String,
    /// Sent as the user's message.
    #[serde(default)]
    pub payload: String,
    /// Further keys, kept.
    #[serde(flatten)]
    pub rest: JsonMap,
}

/// The `data` of a bot event: each part is JSON as the bot developer wrote it,
/// `null` when absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BotData {
    /// Generic elements (cards).
    #[serde(default)]
    pub elements: Value,
    /// Quick replies.
    #[serde(default)]
    pub quick_replies: Value,
    /// Buttons.
    #[serde(default)]
    pub buttons: Value,
    /// Attachment: a URL or an object.
    #[serde(default)]
    pub attachment: Value,
    /// URL of an image.
    #[serde(default)]
    pub image: Value,
    /// Channel-specific JSON.
    #[serde(default)]
    pub custom: Value,
}

/// One message of the bot, ready for a channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BotMessage {
    /// Text, if any.
    pub text: Option<String>,
    /// Rich content.
    pub data: BotData,
    /// `utter_action` and whatever else the response carried.
    #[serde(default)]
    pub metadata: JsonMap,
}
