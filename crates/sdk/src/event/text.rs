//! Events read from the text they are stored as. A conversation that is not in memory
//! is read event by event, so this is most of what its turn costs: events of the forms
//! that Rasa and Sapa write are read in one pass, without a [`Value`] in between. Any
//! other goes the general way, [`Event::from_json`]; both give the same.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Event, EventBody};
use crate::{BotData, Entity, IntentPrediction, JsonMap, ParseData};

impl Event {
    /// Reads one event from its JSON text, as [`Self::from_json`] does from a value; a
    /// missing timestamp is 0.
    ///
    /// # Errors
    /// The text is no JSON, the event type is unknown, or a field has the wrong type.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        match serde_json::from_str::<Usual<'_>>(text).ok().and_then(Usual::into_event) {
            Some(event) => Ok(event),
            None => Self::from_json(&serde_json::from_str(text)?, 0.0),
        }
    }
}

/// The fields of the common events. An absent field is `None`, one that is `null`
/// where the general way does not take that is an error.
#[derive(Deserialize)]
struct Usual<'a> {
    event: &'a str,
    timestamp: f64,
    #[serde(default)]
    metadata: JsonMap,
    text: Option<String>,
    #[serde(default, deserialize_with = "given")]
    parse_data: Option<UsualParse>,
    input_channel: Option<String>,
    message_id: Option<String>,
    #[serde(default, deserialize_with = "given")]
    data: Option<Box<BotData>>,
    name: Option<String>,
    policy: Option<String>,
    confidence: Option<f64>,
    action_text: Option<String>,
    #[serde(default)]
    hide_rule_turn: bool,
    #[serde(default, deserialize_with = "given")]
    value: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    use_text_for_featurization: Option<bool>,
}

/// A field that may be absent, but not `null` unless its type says so.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Usual<'_> {
    fn into_event(self) -> Option<Event> {
        let body = match self.event {
            "user" => EventBody::User {
                text: self.text,
                parse_data: self.parse_data.map(|parse| Arc::new(parse.0)).unwrap_or_default(),
                input_channel: self.input_channel,
                message_id: self.message_id,
            },
            "bot" => EventBody::Bot { text: self.text, data: self.data.unwrap_or_default() },
            "action" => EventBody::Action {
                name: self.name,
                policy: self.policy,
                confidence: self.confidence,
                action_text: self.action_text,
                hide_rule_turn: self.hide_rule_turn,
            },
            "slot" => EventBody::Slot { name: self.name?, value: self.value? },
            "active_loop" => EventBody::ActiveLoop { name: self.name },
            "user_featurization" => {
                EventBody::UserFeaturization { use_text_for_featurization: self.use_text_for_featurization? }
            }
            "session_started" => EventBody::SessionStarted {},
            _ => return None,
        };
        Some(Event { timestamp: self.timestamp, metadata: Arc::new(self.metadata), body })
    }
}

/// [`ParseData`] whose tokens and ranking have their usual form.
struct UsualParse(ParseData);

impl<'de> Deserialize<'de> for UsualParse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParseVisitor)
    }
}

struct ParseVisitor;

impl<'de> Visitor<'de> for ParseVisitor {
    type Value = UsualParse;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parse data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UsualParse, A::Error> {
        let (mut text, mut intent, mut entities) = (None, None, None);
        let (mut text_tokens, mut intent_ranking, mut rest) = (None, None, JsonMap::new());
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "text" => once(&mut text, map.next_value::<Option<String>>()?)?,
                "intent" => once(&mut intent, map.next_value::<UsualIntent>()?.0)?,
                "entities" => once(&mut entities, map.next_value::<Vec<Entity>>()?)?,
                "text_tokens" => once(&mut text_tokens, map.next_value::<Vec<(usize, usize)>>()?)?,
                "intent_ranking" => once(&mut intent_ranking, map.next_value::<Vec<UsualIntent>>()?)?,
                _ => {
                    rest.insert(key.to_owned(), map.next_value()?);
                }
            }
        }
        Ok(UsualParse(ParseData {
            text: text.flatten(),
            intent: intent.unwrap_or_default(),
            entities: entities.unwrap_or_default(),
            text_tokens,
            intent_ranking: intent_ranking.map(|all| all.into_iter().map(|intent| intent.0).collect()),
            rest,
        }))
    }
}

struct UsualIntent(IntentPrediction);

impl<'de> Deserialize<'de> for UsualIntent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(IntentVisitor)
    }
}

struct IntentVisitor;

impl<'de> Visitor<'de> for IntentVisitor {
    type Value = UsualIntent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an intent")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UsualIntent, A::Error> {
        let (mut name, mut confidence, mut rest) = (None, None, JsonMap::new());
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "name" => once(&mut name, map.next_value::<Option<String>>()?)?,
                "confidence" => once(&mut confidence, map.next_value::<f64>()?)?,
                _ => {
                    rest.insert(key.to_owned(), map.next_value()?);
                }
            }
        }
        let confidence = confidence.unwrap_or_default();
        Ok(UsualIntent(IntentPrediction { name: name.flatten(), confidence, rest }))
    }
}

/// Sets a field; a second one of the same name is an error, as it is in derived readers.
fn once<T, E: Error>(field: &mut Option<T>, value: T) -> Result<(), E> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("a field twice")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn documents() -> Vec<Value> {
        let intent = json!({"name": "salam", "confidence": 0.75, "id": 4});
        let parse_data = json!({"text": "halo \"pak\"", "intent": intent, "entities": [{"entity": "nip", "start": 0,
            "end": 4, "value": "halo", "extractor": "x", "confidence_entity": 0.5}], "text_tokens": [[0, 4], [5, 10]],
            "intent_ranking": [intent, {"name": null, "confidence": 1}], "message_id": "m", "metadata": {"a": [1]}});
        let metadata = json!({"model_id": "m", "assistant_id": "a"});
        [
            json!({"event": "user", "text": "halo \"pak\"", "parse_data": parse_data, "input_channel": "rest",
                "message_id": "m"}),
            json!({"event": "bot", "text": "Halo\nPak", "data": {"elements": null, "quick_replies": null,
                "buttons": [{"title": "a", "payload": "/a"}], "attachment": null, "image": null, "custom": {"a": 1}}}),
            json!({"event": "action", "name": "action_listen", "policy": null, "confidence": 0.25, "action_text": null,
                "hide_rule_turn": true}),
            json!({"event": "slot", "name": "nip", "value": {"a": [1.5, null]}}),
            json!({"event": "active_loop", "name": "form"}),
            json!({"event": "user_featurization", "use_text_for_featurization": false}),
            json!({"event": "session_started"}),
            json!({"event": "reminder", "intent": "a", "date_time": "2026-01-01T00:00:00", "entities": null,
                "name": "n", "kill_on_user_msg": true}),
            json!({"event": "form_validation", "validate": false}),
        ]
        .into_iter()
        .map(|mut event| {
            event["timestamp"] = json!(1_764_000_000.123_456_7);
            event["metadata"] = metadata.clone();
            event
        })
        .collect()
    }

    /// All documents that differ in one value, at whatever depth.
    fn variants(value: &Value) -> Vec<Value> {
        let mut variants: Vec<Value> =
            [json!(null), json!(5), json!(-0.5), json!("x\u{1f600}"), json!(true), json!([]), json!({})].into();
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    let mut without = map.clone();
                    without.shift_remove(key);
                    variants.push(Value::Object(without));
                    for variant in self::variants(inner) {
                        let mut changed = map.clone();
                        changed.insert(key.clone(), variant);
                        variants.push(Value::Object(changed));
                    }
                }
            }
            Value::Array(list) => {
                for (at, inner) in list.iter().enumerate() {
                    for variant in self::variants(inner) {
                        let mut changed = list.clone();
                        changed[at] = variant;
                        variants.push(Value::Array(changed));
                    }
                }
            }
            _ => {}
        }
        variants
    }

    fn general(text: &str) -> Option<Event> {
        Event::from_json(&serde_json::from_str(text).ok()?, 0.0).ok()
    }

    #[test]
    fn both_ways_give_the_same_event_or_none() {
        for document in documents() {
            for variant in variants(&document).iter().chain([&document]) {
                let text = variant.to_string();
                assert_eq!(Event::from_text(&text).ok(), general(&text), "{text}");
            }
            let text = document.to_string();
            let twice = text.replacen('{', r#"{"name":"first","text":"first","#, 1);
            assert_eq!(Event::from_text(&twice).ok(), general(&twice), "{twice}");
            assert!(Event::from_text(&text[..text.len() - 1]).is_err());
        }
    }

    #[test]
    fn what_is_written_every_turn_is_read_in_one_pass() {
        for document in &documents()[..7] {
            let text = document.to_string();
            assert!(serde_json::from_str::<Usual<'_>>(&text).ok().and_then(Usual::into_event).is_some(), "{text}");
        }
    }
}
