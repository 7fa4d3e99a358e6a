//! A reply as Telegram's messages.

use sapa_sdk::BotMessage;
use serde_json::{Map, Value, json};

use super::api::{ApiFailure, BotApi};
use super::conversation::Conversation;
use super::{buttons, custom, split};
use crate::channels::output;

/// Where a message goes.
pub(super) struct Outgoing<'a> {
    pub(super) api: &'a BotApi,
    pub(super) conversation: &'a Conversation,
}

/// The calls of the Bot API that a message takes, as they are stored.
pub(super) fn parts(message: &BotMessage) -> Vec<Value> {
    let button_type = message.metadata.get("button_type");
    let dressed = |mut piece: Map<String, Value>| {
        if piece.contains_key("buttons")
            && let Some(button_type) = button_type
        {
            piece.insert("button_type".into(), button_type.clone());
        }
        Value::Object(piece)
    };
    let pieces = output::pieces(message).into_iter().map(dressed);
    pieces.flat_map(|piece| calls(&piece)).map(Call::into_part).collect()
}

/// A call of the Bot API.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) arguments: Map<String, Value>,
}

impl Call {
    fn into_part(self) -> Value {
        json!({ "method": self.method, "arguments": self.arguments })
    }

    /// The call of a part that was stored; `None` when it is none.
    fn of_part(part: &Value) -> Option<Self> {
        let method = part.get("method")?.as_str()?;
        // What it calls is part of an address: it may be a method's name only.
        let is_name = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let arguments = part.get("arguments")?.as_object()?.clone();
        is_name.then(|| Self { method: method.to_owned(), arguments })
    }
}

impl Outgoing<'_> {
    /// Sends a part. What Telegram refuses is sent in a simpler form, in several
    /// messages if need be.
    pub(super) async fn send(&self, part: &Value) -> Result<(), ApiFailure> {
        let Some(call) = Call::of_part(part) else {
            return Err(ApiFailure::Refused { code: 0, description: "its row cannot be read".to_owned() });
        };
        self.send_call(call).await
    }

    async fn send_call(&self, mut call: Call) -> Result<(), ApiFailure> {
        let (mut chat, mut is_begun) = (json!(self.conversation.chat), false);
        loop {
            // Not sat out here: the message may be another process's by then.
            let rest = self.api.resting();
            if !rest.is_zero() {
                return Err(ApiFailure::RetryAfter(rest));
            }
            let arguments = self.addressed(&call, &chat);
            let failure = match self.api.call_named(&call.method, &arguments).await {
                Ok(_) => return Ok(()),
                Err(failure) => failure,
            };
            match &failure {
                ApiFailure::Migrated(new) if chat == json!(self.conversation.chat) && chat != json!(new) => {
                    chat = json!(new);
                }
                ApiFailure::Refused { description, .. } => {
                    let mut parts = simpler(&call, description).ok_or(failure)?;
                    call = parts.pop().unwrap_or(call);
                    for (number, part) in parts.into_iter().enumerate() {
                        // What was sent before comes again with it.
                        let repeats = |failure| if number > 0 { ApiFailure::Cut } else { failure };
                        Box::pin(self.send_call(part)).await.map_err(repeats)?;
                        is_begun = true;
                    }
                }
                _ if is_begun => return Err(ApiFailure::Cut),
                _ => return Err(failure),
            }
        }
    }

    /// The call with its recipient; one that names its own keeps it.
    fn addressed(&self, call: &Call, chat: &Value) -> Value {
        let mut arguments = call.arguments.clone();
        arguments.entry("chat_id").or_insert_with(|| chat.clone());
        if let Some(topic) = self.conversation.topic {
            arguments.entry("message_thread_id").or_insert_with(|| json!(topic));
        }
        if let Some(message) = self.conversation.reply_to {
            arguments
                .entry("reply_parameters")
                .or_insert_with(|| json!({ "message_id": message.0, "allow_sending_without_reply": true }));
        }
        Value::Object(arguments)
    }
}

/// What to send instead of a message that Telegram refuses: without formatting,
/// then without keyboard.
fn simpler(call: &Call, description: &str) -> Option<Vec<Call>> {
    let mut call = call.clone();
    let formatted = description.contains("can't parse entities") && call.arguments.remove("parse_mode").is_some();
    if formatted {
        let text = call.arguments.get("text").and_then(Value::as_str).map(custom::without_markup);
        call.arguments.extend(text.map(|text| ("text".to_owned(), json!(text))));
        return Some(vec![call]);
    }
    let keyboard = call.arguments.remove("reply_markup")?;
    let listed = titles(&keyboard).join("\n");
    let text = call.arguments.get("text").and_then(Value::as_str).unwrap_or_default();
    let text = format!("{text}\n{listed}");
    call.arguments.insert("text".into(), json!(text));
    Some(fitting(call))
}

/// A call whose text is too long for one message as several; what else it has, a
/// keyboard say, goes with the last.
fn fitting(whole: Call) -> Vec<Call> {
    let text = whole.arguments.get("text").and_then(Value::as_str).filter(|_| whole.method == "sendMessage");
    let parts: Vec<String> = text
        .map(|text| split::split(text, split::MOST_UNITS))
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let Some((last, first)) = parts.split_last().filter(|(_, first)| !first.is_empty()) else { return vec![whole] };
    let with = |part: &str, mut call: Call| {
        call.arguments.insert("text".into(), json!(part));
        call
    };
    let mut plain = whole.clone();
    plain.arguments.shift_remove("reply_markup");
    let mut calls: Vec<Call> = first.iter().map(|part| with(part, plain.clone())).collect();
    calls.push(with(last, whole));
    calls
}

/// Titles of a keyboard's buttons, numbered.
fn titles(keyboard: &Value) -> Vec<String> {
    let rows = keyboard.get("inline_keyboard").or_else(|| keyboard.get("keyboard"));
    let buttons = rows.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_array).flatten();
    let titles = buttons.filter_map(|button| button.get("text").and_then(Value::as_str));
    titles.zip(1..).map(|(title, number)| format!("{number}: {title}")).collect()
}

/// The calls that send a piece.
pub(super) fn calls(piece: &Value) -> Vec<Call> {
    let text = |key: &str| piece.get(key).and_then(Value::as_str);
    if let Some(custom) = piece.get("custom") {
        return custom::calls(custom).into_iter().flat_map(fitting).collect();
    }
    if let Some(image) = text("image") {
        return vec![call("sendPhoto", [("photo", json!(image))])];
    }
    if let Some(attachment) = piece.get("attachment") {
        let shown = attachment.as_str().map_or_else(|| attachment.to_string(), str::to_owned);
        return fitting(call("sendMessage", [("text", json!(format!("Attachment: {shown}")))]));
    }
    texts(text("text").unwrap_or_default(), keyboard(piece))
}

/// A text in as many messages as it takes; the keyboard hangs on the last.
fn texts(text: &str, keyboard: Option<Value>) -> Vec<Call> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut whole = call("sendMessage", [("text", json!(text.trim()))]);
    whole.arguments.extend(keyboard.map(|keyboard| ("reply_markup".to_owned(), keyboard)));
    fitting(whole)
}

fn call<const N: usize>(method: &str, arguments: [(&str, Value); N]) -> Call {
    Call {
        method: method.to_owned(),
        arguments: arguments.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

/// The keyboard of a piece with buttons (spec §5.7): `inline` (one row),
/// `vertical` or `reply`.
fn keyboard(piece: &Value) -> Option<Value> {
    let buttons = piece.get("buttons")?.as_array().filter(|buttons| !buttons.is_empty())?;
    let kind = piece.get("button_type").and_then(Value::as_str).unwrap_or("inline");
    match kind {
        "reply" => {
            let rows: Vec<Vec<Value>> = buttons.iter().map(|row| row_of(row, &reply_button)).collect();
            Some(json!({ "keyboard": rows, "resize_keyboard": true, "one_time_keyboard": true }))
        }
        "vertical" => {
            let rows: Vec<Vec<Value>> = buttons.iter().map(|row| row_of(row, &inline_button)).collect();
            Some(json!({ "inline_keyboard": rows }))
        }
        _ => {
            if kind != "inline" {
                tracing::warn!(channel = "telegram", kind, "this `button_type` is unknown; buttons are shown inline");
            }
            let row: Vec<Value> = buttons.iter().flat_map(|button| row_of(button, &inline_button)).collect();
            Some(json!({ "inline_keyboard": [row] }))
        }
    }
}

/// A list of buttons is a row of them.
fn row_of(row: &Value, button: &dyn Fn(&Value) -> Value) -> Vec<Value> {
    match row.as_array() {
        Some(list) => list.iter().map(button).collect(),
        None => vec![button(row)],
    }
}

fn title(button: &Value) -> &str {
    button.get("title").and_then(Value::as_str).unwrap_or_default()
}

fn inline_button(button: &Value) -> Value {
    if let Some(url) = button.get("url").and_then(Value::as_str) {
        return json!({ "text": title(button), "url": url });
    }
    let payload = button.get("payload").and_then(Value::as_str).unwrap_or_else(|| title(button));
    json!({ "text": title(button), "callback_data": buttons::callback_data(payload) })
}

/// A reply keyboard sends what it shows; it may ask for contact or location.
fn reply_button(button: &Value) -> Value {
    let mut shown = json!({ "text": title(button) });
    for key in ["request_contact", "request_location"] {
        if button.get(key).and_then(Value::as_bool) == Some(true) {
            shown[key] = json!(true);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_stand_as_their_type_says() {
        let piece = |kind: Option<&str>| json!({"text": "?", "button_type": kind, "buttons": [{"title": "Ya", "payload": "/ya"}, {"title": "Tidak", "payload": "/tidak"}]});
        let markup = |kind: Option<&str>| calls(&piece(kind))[0].arguments["reply_markup"].clone();
        let (yes, no) =
            (json!({"text": "Ya", "callback_data": "/ya"}), json!({"text": "Tidak", "callback_data": "/tidak"}));
        assert_eq!(markup(None), json!({"inline_keyboard": [[yes, no]]}));
        assert_eq!(markup(Some("vertical")), json!({"inline_keyboard": [[yes], [no]]}));
        let reply = markup(Some("reply"));
        assert_eq!(reply["keyboard"], json!([[{"text": "Ya"}], [{"text": "Tidak"}]]));
    }

    #[test]
    fn a_refused_keyboard_becomes_a_list() {
        let first = &calls(&json!({"text": "?", "buttons": [{"title": "Ya", "payload": "/ya"}]}))[0];
        let second = simpler(first, "Bad Request: BUTTON_DATA_INVALID").unwrap();
        assert_eq!(second[0].arguments["text"], json!("?\n1: Ya"));
        assert_eq!(simpler(&second[0], "Bad Request: chat not found"), None);
    }

    #[test]
    fn a_long_text_is_split_wherever_it_comes_from() {
        let long = "Satu kalimat. ".repeat(400);
        let units = |call: &Call| call.arguments["text"].as_str().unwrap().encode_utf16().count();
        let custom = json!({"custom": {"text": long, "parse_mode": "HTML", "reply_markup": {"keyboard": []}}});
        for piece in [custom, json!({"custom": {"x": long}}), json!({"attachment": long})] {
            let calls = calls(&piece);
            assert!(calls.len() == 2 && calls.iter().all(|call| units(call) <= split::MOST_UNITS), "{piece}");
            assert!(!calls[0].arguments.contains_key("reply_markup"));
        }
        let text = "x".repeat(split::MOST_UNITS);
        let full = calls(&json!({"text": text, "buttons": [{"title": "Ya", "payload": "/ya"}]}));
        let without_keyboard = simpler(&full[0], "Bad Request: BUTTON_DATA_INVALID").unwrap();
        assert_eq!(without_keyboard.len(), 2);
    }
}
