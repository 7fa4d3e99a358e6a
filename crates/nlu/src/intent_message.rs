//! `/intent@0.7{"entity": "value"}`: messages that name their intent (spec §2.6).

use crate::message::CharIndex;
use sapa_project::Domain;
use sapa_sdk::{Entity, IntentPrediction, ParseData};
use serde_json::Value;

/// Reported as the extractor.
const EXTRACTOR: &str = "RegexMessageHandler";

/// Reads a message that names its intent. `None` if it is not such a message, or
/// if the domain does not know the intent: the pipeline's result stands then.
/// Without a domain (NLU-only model) any name is accepted; entities the domain
/// does not know are dropped.
pub fn parse_intent_message(text: &str, domain: Option<&Domain>) -> Option<ParseData> {
    let body = text.trim().strip_prefix('/')?;
    let name_length = body.find(['{', '@']).unwrap_or(body.len());
    let (name, rest) = body.split_at(name_length);
    let name = name.trim();
    if name.is_empty() || domain.is_some_and(|domain| !domain.intents.contains_key(name)) {
        return None;
    }
    let (confidence, rest) = read_confidence(rest);
    let entities = json_part(rest).map(|json| read_entities(text, json, domain)).unwrap_or_default();
    let intent = IntentPrediction::new(name, confidence);
    let intent_ranking = Some(vec![intent.clone()]);
    Some(ParseData { text: Some(text.to_owned()), intent, entities, intent_ranking, ..ParseData::default() })
}

/// `@` and digits or points: at most 1, 1 if absent, 0 if unparsable. What is behind
/// the `@` of anything else is neither confidence nor entities.
fn read_confidence(rest: &str) -> (f64, &str) {
    let Some(after) = rest.strip_prefix('@') else { return (1.0, rest) };
    let length = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
    if length == 0 {
        return (1.0, rest);
    }
    let (number, rest) = after.split_at(length);
    (number.parse::<f64>().unwrap_or(0.0).min(1.0), rest)
}

/// From `{` at the start to the last `}`; what follows is ignored.
fn json_part(rest: &str) -> Option<&str> {
    let end = rest.rfind('}')?;
    rest.starts_with('{').then(|| rest.get(..=end)).flatten()
}

fn read_entities(text: &str, json: &str, domain: Option<&Domain>) -> Vec<Entity> {
    let Ok(value) = serde_json::from_str::<Value>(json) else { return Vec::new() };
    // A value too deep to be stored and read again is no better than no JSON.
    if !sapa_sdk::bounds::is_shallow(&value) {
        return Vec::new();
    }
    let Value::Object(object) = value else { return Vec::new() };
    let chars = CharIndex::new(text);
    // `json` is a part of `text`; its place is its first brace.
    let from = text.find('{').unwrap_or_default();
    let (start, end) = (chars.char_at(from), chars.char_at(from + json.len()));
    let known = |name: &str| domain.is_none_or(|domain| domain.entities.contains_key(name));
    let mut entities = Vec::new();
    for (name, value) in object.into_iter().filter(|(name, _)| known(name)) {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        entities.extend(values.into_iter().map(|value| Entity {
            start: Some(start),
            end: Some(end),
            extractor: Some(EXTRACTOR.to_owned()),
            ..Entity::bare(name.clone(), value)
        }));
    }
    entities
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn domain() -> Domain {
        let mut domain = Domain::default();
        domain.intents.insert("greet".to_owned(), Default::default());
        domain.entities.insert("city".to_owned(), Default::default());
        domain
    }

    fn parse(text: &str) -> Option<String> {
        parse_intent_message(text, Some(&domain())).map(|data| serde_json::to_string(&data).unwrap())
    }

    #[test]
    fn the_answer_is_rasas() {
        assert_eq!(
            parse("/greet").unwrap(),
            r#"{"text":"/greet","intent":{"name":"greet","confidence":1.0},"entities":[],"intent_ranking":[{"name":"greet","confidence":1.0}]}"#
        );
        assert!(parse("/greet@0.7").unwrap().contains(r#""confidence":0.7}"#));
        assert_eq!(
            parse("/greet{\"name\":\"x\"}").unwrap(),
            r#"{"text":"/greet{\"name\":\"x\"}","intent":{"name":"greet","confidence":1.0},"entities":[],"intent_ranking":[{"name":"greet","confidence":1.0}]}"#
        );
    }

    #[test]
    fn confidences_are_capped_and_unparsable_ones_zero() {
        let confidence = |text| parse_intent_message(text, None).unwrap().intent.confidence;
        assert_eq!(confidence("/a@7"), 1.0);
        assert_eq!(confidence("/a@0.7.1"), 0.0);
        assert_eq!(confidence("/a@x"), 1.0);
        assert_eq!(confidence("/a"), 1.0);
    }

    #[test]
    fn each_value_becomes_an_entity_spanning_the_json() {
        let data = parse_intent_message("  /é{\"city\": [\"Rome\", 5]} later", None).unwrap();
        assert_eq!(data.entities.len(), 2);
        assert_eq!((data.entities[0].start, data.entities[0].end), (Some(4), Some(25)));
        assert_eq!(data.entities[1].value, json!(5));
        assert_eq!(data.entities[1].extractor.as_deref(), Some("RegexMessageHandler"));
    }

    #[test]
    fn unknown_intents_leave_the_pipelines_result_and_unknown_entities_go() {
        assert_eq!(parse("/nosuch"), None);
        assert_eq!(parse("/greet x"), None);
        assert_eq!(parse("greet"), None);
        assert_eq!(parse("/"), None);
        let data = parse_intent_message("/greet{\"city\":\"Rome\",\"x\":1}", Some(&domain())).unwrap();
        assert_eq!(data.entities.iter().map(|e| e.entity.as_str()).collect::<Vec<_>>(), ["city"]);
    }

    #[test]
    fn broken_json_gives_no_entities() {
        for text in ["/greet{\"city\":}", "/greet{", "/greet{}}", "/greet{\"a\"}"] {
            assert!(parse_intent_message(text, None).unwrap().entities.is_empty(), "{text}");
        }
    }
}
