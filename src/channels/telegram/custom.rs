//! `custom` JSON: its keys choose the call (spec §5.7).

use serde_json::{Map, Value, json};

use super::reply::Call;

/// Keys that make a call, in Rasa's order, and the call. Matching groups are
/// taken one after the other; what is left goes along with each.
const CALLS: [(&[&str], &str); 15] = [
    (&["text"], "sendMessage"),
    (&["photo"], "sendPhoto"),
    (&["audio"], "sendAudio"),
    (&["document"], "sendDocument"),
    (&["sticker"], "sendSticker"),
    (&["video"], "sendVideo"),
    (&["video_note"], "sendVideoNote"),
    (&["animation"], "sendAnimation"),
    (&["voice"], "sendVoice"),
    (&["media"], "sendMediaGroup"),
    (&["latitude", "longitude", "title", "address"], "sendVenue"),
    (&["latitude", "longitude"], "sendLocation"),
    (&["phone_number", "first_name"], "sendContact"),
    (&["game_short_name"], "sendGame"),
    (&["action"], "sendChatAction"),
];

/// The calls of a `custom` object; JSON that names none is shown as text.
pub(super) fn calls(custom: &Value) -> Vec<Call> {
    let Some(object) = custom.as_object() else {
        return vec![shown(custom)];
    };
    let mut rest = object.clone();
    let mut taken: Vec<(&'static str, Map<String, Value>)> = Vec::new();
    for (keys, method) in CALLS {
        if keys.iter().all(|key| rest.contains_key(*key)) {
            let own = keys.iter().filter_map(|key| rest.shift_remove(*key).map(|value| ((*key).to_owned(), value)));
            taken.push((method, own.collect()));
        }
    }
    if taken.is_empty() {
        return vec![shown(custom)];
    }
    let calls = taken.into_iter().map(|(method, own)| {
        let mut arguments = rest.clone();
        arguments.extend(own);
        Call { method: method.to_owned(), arguments }
    });
    calls.collect()
}

fn shown(custom: &Value) -> Call {
    Call {
        method: "sendMessage".to_owned(),
        arguments: Map::from_iter([("text".to_owned(), json!(custom.to_string()))]),
    }
}

/// A text in Telegram's HTML as plain text.
pub(super) fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        plain.push_str(before);
        match tag.split_once('>') {
            Some((name, after)) if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') => rest = after,
            _ => {
                plain.push('<');
                rest = tag;
            }
        }
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_choose_the_calls() {
        let made = calls(&json!({"photo": "https://a/b.png", "caption": "x"}));
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].method.as_str(), &made[0].arguments["caption"]), ("sendPhoto", &json!("x")));
        let venue = calls(&json!({"latitude": 1, "longitude": 2, "title": "a", "address": "b"}));
        assert_eq!(venue.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), ["sendVenue"]);
        assert_eq!(calls(&json!({"x": 1}))[0].arguments["text"], json!("{\"x\":1}"));
    }

    #[test]
    fn markup_is_taken_away() {
        assert_eq!(without_markup("<b>a</b> &lt; 3 < 4 <i>b"), "a < 3 < 4 b");
    }
}
