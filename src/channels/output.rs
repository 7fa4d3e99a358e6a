//! A bot message as the plain pieces a channel sends (spec §5.4, §5.5).

use sapa_sdk::BotMessage;
use serde_json::{Map, Value, json};

/// The pieces of a message, in Rasa's order: quick replies, else buttons, else
/// text; then custom JSON, image, attachment, elements. Each is an object with
/// one of `text`, `image`, `attachment`, `custom`, and `buttons` beside text.
pub fn pieces(message: &BotMessage) -> Vec<Map<String, Value>> {
    let mut pieces = Vec::new();
    let text = message.text.as_deref().unwrap_or_default();
    let data = &message.data;
    let buttons = [&data.quick_replies, &data.buttons].into_iter().find(|list| is_filled(list));
    match buttons {
        Some(buttons) => pieces.push(object([("text", json!(text)), ("buttons", buttons.clone())])),
        None => pieces.extend(paragraphs(text).map(|part| object([("text", json!(part))]))),
    }
    if is_filled(&data.custom) {
        pieces.push(object([("custom", data.custom.clone())]));
    }
    if is_filled(&data.image) {
        pieces.push(object([("image", data.image.clone())]));
    }
    if is_filled(&data.attachment) && data.attachment != data.image {
        pieces.push(object([("attachment", data.attachment.clone())]));
    }
    for element in data.elements.as_array().into_iter().flatten() {
        pieces.push(degraded_element(element));
    }
    pieces
}

/// Blank lines split a text into messages of their own (spec §5.4).
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.trim().split("\n\n").filter(|part| !part.is_empty())
}

/// An element as text with buttons, for channels without cards. Rasa says `buttons`
/// where there are none, too.
fn degraded_element(element: &Value) -> Map<String, Value> {
    let part = |key: &str| element.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut piece = object([("text", json!(format!("{} : {}", part("title"), part("subtitle"))))]);
    piece.insert("buttons".into(), element.get("buttons").cloned().unwrap_or_else(|| json!([])));
    piece
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapa_sdk::BotData;

    fn message(text: &str, data: BotData) -> BotMessage {
        BotMessage { text: Some(text.to_owned()), data, ..BotMessage::default() }
    }

    #[test]
    fn blank_lines_split_text_but_not_beside_buttons() {
        assert_eq!(pieces(&message("a\n\nb", BotData::default())).len(), 2);
        let buttons = BotData { buttons: json!([{"title": "Ya", "payload": "/ya"}]), ..BotData::default() };
        let one = pieces(&message("a\n\nb", buttons));
        assert_eq!(json!(one), json!([{"text": "a\n\nb", "buttons": [{"title": "Ya", "payload": "/ya"}]}]));
    }

    #[test]
    fn an_image_that_is_also_the_attachment_goes_out_once() {
        let data = BotData { image: json!("u"), attachment: json!("u"), ..BotData::default() };
        assert_eq!(json!(pieces(&message("", data))), json!([{"image": "u"}]));
    }
}
