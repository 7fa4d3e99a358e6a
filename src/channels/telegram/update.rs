//! What an update says.

use sapa_sdk::JsonMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use teloxide::types::{CallbackQuery, MaybeInaccessibleMessage, Message, MessageId, Update, UpdateKind, User};

use super::conversation::Conversation;
use super::settings::Settings;

/// A message for the bot, of whatever kind; what is kept of an update until its turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Inbound {
    /// Id of the update.
    pub(super) update_id: i64,
    /// Whose conversation it belongs to.
    pub(super) conversation: Conversation,
    /// What the user said, as the bot reads it; empty for a pressed button.
    pub(super) text: String,
    /// What does not fit into the text.
    pub(super) metadata: JsonMap,
    /// The button that was pressed.
    pub(super) callback: Option<Callback>,
}

/// A pressed button.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Callback {
    /// Id of the press.
    pub(super) query_id: String,
    /// Message the keyboard belongs to.
    pub(super) message_id: MessageId,
    /// The button's data.
    pub(super) data: String,
    /// In a group: somebody pressed it whom the bot did not answer there; or the
    /// button is none of the bot's.
    pub(super) is_foreign: bool,
}

impl Inbound {
    /// By which a repetition is recognised: the update; of a keyboard, which is
    /// used once, the message it belongs to.
    pub(super) fn dedupe_key(&self) -> String {
        match &self.callback {
            None => format!("update {}", self.update_id),
            Some(callback) => format!("keyboard {} {}", self.conversation.chat, callback.message_id.0),
        }
    }
}

/// The number of an update, by which it is confirmed; `None`: this is no update.
pub(super) fn number(raw: &Value) -> Option<i64> {
    raw.get("update_id")?.as_i64()
}

/// Reads an update; `None` when it holds nothing for the bot to answer.
/// `username` is the bot's own, without `@`.
pub(super) fn read(raw: &Value, settings: &Settings, username: Option<&str>) -> Option<Inbound> {
    let update_id = number(raw)?;
    let Some(update) = typed(raw).or_else(|| typed(&plain(raw, &NEEDED))).or_else(|| typed(&plain(raw, &NEEDED[1..])))
    else {
        tracing::warn!(channel = "telegram", update_id, "an update of an unknown kind is passed over");
        return None;
    };
    match update.kind {
        UpdateKind::Message(message) => {
            let attachment = raw.get("message").and_then(attachment);
            message_for_bot(update_id, &message, attachment, settings, username)
        }
        UpdateKind::EditedMessage(message) => edited(update_id, &message, settings),
        UpdateKind::CallbackQuery(query) => pressed(update_id, query),
        _ => None,
    }
}

/// teloxide's form of an update; `None` when it does not know a part of it.
fn typed(raw: &Value) -> Option<Update> {
    let mut raw = raw.clone();
    // Its number has 32 bits; Telegram's may have more.
    raw["update_id"] = json!(0);
    // From text: some of its types borrow from it.
    let update: Update = serde_json::from_str(&raw.to_string()).ok()?;
    let is_whole = match &update.kind {
        UpdateKind::Error(_) => false,
        // A message of which it does not know a part is empty to it.
        UpdateKind::Message(message) => {
            let said = |key: &str| raw.pointer(&format!("/message/{key}")).is_some_and(Value::is_string);
            (!said("text") || message.text().is_some()) && (!said("caption") || message.caption().is_some())
        }
        _ => true,
    };
    is_whole.then_some(update)
}

/// What a message cannot do without. Telegram often adds kinds of the rest, and a
/// text must not be lost for that.
const NEEDED: [&str; 9] =
    ["caption", "message_id", "date", "chat", "from", "text", "message_thread_id", "is_topic_message", "edit_date"];

/// The update with the needed parts of its message only.
fn plain(raw: &Value, needed: &[&str]) -> Value {
    let mut update = raw.clone();
    for kind in ["message", "edited_message"] {
        if let Some(message) = update.get_mut(kind).and_then(Value::as_object_mut) {
            message.retain(|key, _| needed.contains(&key.as_str()));
        }
    }
    if let Some(message) = update.pointer_mut("/callback_query/message").and_then(Value::as_object_mut) {
        message.retain(|key, _| needed.contains(&key.as_str()));
    }
    update
}

fn message_for_bot(
    update_id: i64,
    message: &Message,
    attachment: Option<&'static str>,
    settings: &Settings,
    username: Option<&str>,
) -> Option<Inbound> {
    let user = message.from.as_ref()?;
    // Another bot's messages could make the two talk for ever.
    if user.is_bot || !(message.chat.is_private() || addressed(message, username)) {
        return None;
    }
    let conversation = conversation(message, user);
    let Some((text, mut metadata)) = content(message, attachment, settings, username) else {
        tracing::debug!(channel = "telegram", update_id, "a message that says nothing is passed over");
        return None;
    };
    metadata.insert(super::buttons::MESSAGE_NUMBER.to_owned(), json!(message.id.0));
    Some(Inbound { update_id, conversation, text, metadata, callback: None })
}

fn conversation(message: &Message, user: &User) -> Conversation {
    let private = message.chat.is_private();
    Conversation {
        chat: message.chat.id.0,
        member: (!private).then_some(user.id.0),
        topic: message.thread_id.filter(|_| message.is_topic_message),
        reply_to: (!private).then_some(message.id),
    }
}

/// In a group the bot answers only when it is spoken to: by a command, its name,
/// or a reply to what it said.
fn addressed(message: &Message, username: Option<&str>) -> bool {
    let text = message.text().or_else(|| message.caption()).unwrap_or_default();
    if let Some(command) = text.strip_prefix('/') {
        let name = command.split_whitespace().next().and_then(|word| word.split_once('@')).map(|(_, name)| name);
        return name.is_none_or(|name| username.is_some_and(|own| own.eq_ignore_ascii_case(name)));
    }
    let Some(own) = username else { return false };
    let answers = message.reply_to_message().and_then(|m| m.from.as_ref()).and_then(|u| u.username.as_deref());
    answers.is_some_and(|name| name.eq_ignore_ascii_case(own)) || mention(text, own).is_some()
}

/// Where the bot's name stands in a text.
fn mention(text: &str, own: &str) -> Option<std::ops::Range<usize>> {
    text.match_indices('@').find_map(|(at, _)| {
        let end = at + 1 + own.len();
        let name = text.get(at + 1..end)?;
        let ends = !text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        (name.eq_ignore_ascii_case(own) && ends).then_some(at..end)
    })
}

/// Text and metadata of a message.
fn content(
    message: &Message,
    attachment: Option<&'static str>,
    settings: &Settings,
    username: Option<&str>,
) -> Option<(String, JsonMap)> {
    if let Some(text) = message.text() {
        return Some(spoken(text, settings, username));
    }
    if let (Some(caption), Some(kind)) = (message.caption(), attachment) {
        let (text, mut metadata) = spoken(caption, settings, username);
        metadata.insert("attachment".into(), kind.into());
        return Some((text, metadata));
    }
    let kind = attachment?;
    let metadata = JsonMap::from_iter([("attachment".to_owned(), json!(kind))]);
    if let (Some(intent), Some(phone)) = (&settings.contact_intent, own_phone(message)) {
        return Some((format!("/{intent}{}", json!({ "phone": phone })), metadata));
    }
    if let Some(intent) = &settings.attachment_intent {
        return Some((format!("/{intent}{}", json!({ "attachment": kind })), metadata));
    }
    // Rasa makes a text of a location and passes over everything else (spec §5.7).
    let location = message.location()?;
    Some((json!({ "lng": location.longitude, "lat": location.latitude }).to_string(), metadata))
}

/// The number that a user gave as their own. Anybody can pass on somebody else's contact;
/// Telegram says whose it is, and the user's own only its keyboard button
/// (`request_contact`) and they themselves can share.
fn own_phone(message: &Message) -> Option<String> {
    let contact = message.contact().filter(|_| message.chat.is_private() && message.forward_origin().is_none())?;
    let is_own = contact.user_id.is_some() && contact.user_id == message.from.as_ref().map(|user| user.id);
    let digits: String = contact.phone_number.chars().filter(char::is_ascii_digit).collect();
    (is_own && !digits.is_empty()).then(|| format!("+{digits}"))
}

/// A text without the bot's name; commands become what the credentials say.
fn spoken(text: &str, settings: &Settings, username: Option<&str>) -> (String, JsonMap) {
    let text = text.trim();
    if text.starts_with('/') {
        return command(text, settings);
    }
    let named = username.and_then(|own| mention(text, own));
    let text = named.map_or_else(|| text.to_owned(), |at| format!("{}{}", &text[..at.start], &text[at.end..]));
    (text.trim().to_owned(), JsonMap::new())
}

/// `/start@Bot payload` is `/start`; the payload of a deep link is metadata.
fn command(text: &str, settings: &Settings) -> (String, JsonMap) {
    let intent = text.trim_start_matches('/').split(|c: char| c.is_whitespace() || "@{;".contains(c)).next();
    if intent.is_some() && intent == settings.contact_intent.as_deref() {
        // Typed, it would prove any number: it is a text like others.
        return (text.trim_start_matches('/').to_owned(), JsonMap::new());
    }
    let (head, tail) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let name = head.split_once('@').map_or(head, |(name, _)| name);
    // `/intent{"entity": "value"}` is Rasa's, whatever follows.
    if name.contains('{') {
        return (text.to_owned(), JsonMap::new());
    }
    let mut metadata = JsonMap::new();
    if name == "/start" && !tail.trim().is_empty() {
        metadata.insert("start_parameter".into(), tail.trim().into());
        return (name.to_owned(), metadata);
    }
    match settings.commands.get(name.trim_start_matches('/')) {
        Some(intent) => (format!("/{intent}"), metadata),
        None if tail.trim().is_empty() => (name.to_owned(), metadata),
        None => (format!("{name} {}", tail.trim()), metadata),
    }
}

/// What a message can be besides text: Telegram's own names of the fields. An
/// animation is a document too, a venue a location.
const ATTACHMENTS: [&str; 18] = [
    "photo",
    "sticker",
    "voice",
    "animation",
    "document",
    "audio",
    "video_note",
    "video",
    "paid_media",
    "story",
    "venue",
    "location",
    "contact",
    "poll",
    "dice",
    "game",
    "invoice",
    "checklist",
];

/// What a message is besides text; `None` for notices such as "joined". Asked of
/// the JSON: teloxide makes an empty message of what lacks a field it wants.
fn attachment(message: &Value) -> Option<&'static str> {
    ATTACHMENTS.into_iter().find(|name| message.get(name).is_some())
}

/// An edited message is no new one, unlike in Rasa: a form would go on twice.
fn edited(update_id: i64, message: &Message, settings: &Settings) -> Option<Inbound> {
    let user = message.from.as_ref().filter(|user| !user.is_bot)?;
    let intent = settings.edited_intent.as_ref().filter(|_| message.chat.is_private())?;
    let (conversation, metadata) = (conversation(message, user), JsonMap::new());
    Some(Inbound { update_id, conversation, text: format!("/{intent}"), metadata, callback: None })
}

fn pressed(update_id: i64, query: CallbackQuery) -> Option<Inbound> {
    let (Some(message), Some(data)) = (query.message, query.data) else {
        // A button that is none of the bot's; its spinner is ended all the same.
        return Some(useless_press(update_id, query.id.0, &query.from));
    };
    let (chat, message_id) = (message.chat().clone(), message.id());
    let topic = match &message {
        MaybeInaccessibleMessage::Regular(message) => message.thread_id.filter(|_| message.is_topic_message),
        MaybeInaccessibleMessage::Inaccessible(_) => None,
    };
    let private = chat.is_private();
    let conversation = Conversation {
        chat: chat.id.0,
        member: (!private).then_some(query.from.id.0),
        topic,
        reply_to: (!private).then_some(message_id),
    };
    let answered = match &message {
        MaybeInaccessibleMessage::Regular(message) => message.reply_to_message().and_then(|m| m.from.as_ref()),
        MaybeInaccessibleMessage::Inaccessible(_) => None,
    };
    let is_foreign = !private && answered.is_some_and(|user| user.id != query.from.id);
    let callback = Callback { query_id: query.id.0, message_id, data, is_foreign };
    Some(press(update_id, conversation, callback))
}

fn useless_press(update_id: i64, query_id: String, user: &User) -> Inbound {
    let chat = i64::try_from(user.id.0).unwrap_or(0);
    let conversation = Conversation { chat, member: None, topic: None, reply_to: None };
    let callback = Callback { query_id, message_id: MessageId(0), data: String::new(), is_foreign: true };
    press(update_id, conversation, callback)
}

fn press(update_id: i64, conversation: Conversation, callback: Callback) -> Inbound {
    let (text, metadata) = (String::new(), JsonMap::new());
    Inbound { update_id, conversation, text, metadata, callback: Some(callback) }
}
