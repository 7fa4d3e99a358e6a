//! Which conversation an update belongs to, and where its replies go.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use teloxide::types::{ChatId, MessageId, ThreadId};

/// A private chat, or one user's part of a group: unlike Rasa, which makes one
/// conversation of a whole group (spec §5.7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Conversation {
    /// Chat the replies go to.
    pub(super) chat: i64,
    /// In a group: who speaks.
    pub(super) member: Option<u64>,
    /// Topic of a forum.
    pub(super) topic: Option<ThreadId>,
    /// In a group: the message that is answered.
    pub(super) reply_to: Option<MessageId>,
}

impl Conversation {
    /// The conversation of a sender id, and where in it a message goes: see
    /// [`Self::address`].
    pub(super) fn of(sender_id: &str, address: &Value) -> Option<Self> {
        let (chat, member) = match sender_id.split_once(':') {
            None => (sender_id, None),
            Some((chat, member)) => (chat, Some(member.parse().ok()?)),
        };
        let number = |key: &str| address.get(key).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
        Some(Self {
            chat: chat.parse().ok()?,
            member,
            topic: number("topic").map(|topic| ThreadId(MessageId(topic))),
            reply_to: number("reply_to").map(MessageId),
        })
    }

    /// What the sender id does not say.
    pub(super) fn address(&self) -> Value {
        json!({ "topic": self.topic.map(|topic| topic.0.0), "reply_to": self.reply_to.map(|message| message.0) })
    }

    /// The sender id of the conversation.
    pub(super) fn sender_id(&self) -> String {
        match self.member {
            None => self.chat.to_string(),
            Some(member) => format!("{}:{member}", self.chat),
        }
    }

    /// Tells conversations apart in a log without naming anybody: without the
    /// secret nobody can try out ids.
    pub(super) fn pseudonym(&self, secret: &str) -> String {
        let digest = Sha256::digest(format!("{secret}\0{}", self.sender_id()));
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The chat's id as teloxide has it.
    pub(super) fn chat_id(&self) -> ChatId {
        ChatId(self.chat)
    }
}
