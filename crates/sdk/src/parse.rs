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
pub struct ParseData {
    /// The text as the user wrote it.
    #[serde(default)]
    pub text: Option<String>,
    /// The winning intent.
    #[serde(default)]
    pub intent: IntentPrediction,
    /// Entities in the order the extractors reported them.
    #[serde(default)]
    pub entities: Vec<Entity>,
    /// Everything else in the answer, in its order: `text_tokens`,
    /// `intent_ranking`, `response_selector`, `message_id`, `metadata`, …
    #[serde(flatten)]
    pub rest: JsonMap,
}

impl ParseData {
    /// The ranked candidates, best first; empty when there is no ranking.
    pub fn intent_ranking(&self) -> Vec<IntentPrediction> {
        self.rest
            .get("intent_ranking")
            .and_then(|ranking| serde_json::from_value(ranking.clone()).ok())
            .unwrap_or_default()
    }
}
