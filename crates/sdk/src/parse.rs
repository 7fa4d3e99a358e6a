//! What understanding makes of one message: the shape of Rasa's `/model/parse`
//! (spec §2.1).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::JsonMap;

/// One candidate intent. `name` is `None` when no classifier decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IntentPrediction {
    /// Intent name; for a retrieval intent the base name.
    pub name: Option<String>,
    /// Probability in `0..=1`.
    #[serde(default)]
    pub confidence: f64,
    /// Further keys (`full_retrieval_intent_name`, …).
    #[serde(flatten)]
    pub rest: JsonMap,
}

impl IntentPrediction {
    /// A candidate of that name and confidence, nothing else known.
    pub fn new(name: impl Into<String>, confidence: f64) -> Self {
        Self { name: Some(name.into()), confidence, rest: JsonMap::new() }
    }
}

/// An entity found in a message. Offsets count characters (code points), not
/// bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Entity name.
    pub entity: String,
    /// First character of the span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// One past the last character of the span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<usize>,
    /// Confidence of the extractor, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_entity: Option<f64>,
    /// Role of the entity in the sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Group the entity belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The value, after synonym mapping.
    pub value: Value,
    /// The component that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extractor: Option<String>,
    /// Components that changed it afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<String>,
    /// Further keys, kept as they came.
    #[serde(flatten)]
    pub rest: JsonMap,
}

impl Entity {
    /// An entity known by name and value alone, as stories and payloads give it.
    pub fn bare(entity: impl Into<String>, value: Value) -> Self {
        Self {
            entity: entity.into(),
            start: None,
            end: None,
            confidence_entity: None,
            role: None,
            group: None,
            value,
            extractor: None,
            processors: Vec::new(),
            rest: JsonMap::new(),
        }
    }
}

/// The result of understanding one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "AnyParseData")]
pub struct ParseData {
    /// The text as the user wrote it.
    pub text: Option<String>,
    /// The winning intent.
    pub intent: IntentPrediction,
    /// Entities in the order the extractors reported them.
    pub entities: Vec<Entity>,
    /// First and behind the last character of each token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_tokens: Option<Vec<(usize, usize)>>,
    /// The candidates, best first; `None` when nobody ranked any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent_ranking: Option<Vec<IntentPrediction>>,
    /// Everything else in the answer, in its order: `response_selector`,
    /// `message_id`, `metadata`, …
    #[serde(flatten)]
    pub rest: JsonMap,
}

/// As others may send it: tokens and ranking of whatever form.
#[derive(Deserialize)]
struct AnyParseData {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    intent: IntentPrediction,
    #[serde(default)]
    entities: Vec<Entity>,
    #[serde(flatten)]
    rest: JsonMap,
}

impl From<AnyParseData> for ParseData {
    fn from(any: AnyParseData) -> Self {
        let AnyParseData { text, intent, entities, mut rest } = any;
        let text_tokens = take(&mut rest, "text_tokens");
        let intent_ranking = take(&mut rest, "intent_ranking");
        Self { text, intent, entities, text_tokens, intent_ranking, rest }
    }
}

/// Takes a value of the usual form out; one of any other form stays as it came.
fn take<T: serde::de::DeserializeOwned>(rest: &mut JsonMap, key: &str) -> Option<T> {
    let value = T::deserialize(rest.get(key)?).ok()?;
    rest.shift_remove(key);
    Some(value)
}

impl ParseData {
    /// The ranked candidates, best first; empty when there is no ranking.
    pub fn intent_ranking(&self) -> &[IntentPrediction] {
        self.intent_ranking.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_and_ranking_of_another_form_are_kept_as_they_came() {
        for (tokens, ranking) in [
            (json!([[0, 2]]), json!([{"name": "a", "confidence": 0.5, "id": 1}])),
            (json!("x"), json!(["a"])),
            (json!(null), json!(null)),
        ] {
            let sent = json!({"text": "a", "intent": {"name": "a", "confidence": 0.5}, "entities": [],
                "text_tokens": tokens, "intent_ranking": ranking, "more": [1]});
            let read: ParseData = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(read.intent_ranking().len(), usize::from(ranking[0].is_object()));
            assert_eq!(serde_json::to_value(&read).unwrap(), sent);
        }
    }
}
