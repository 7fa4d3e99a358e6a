//! How well messages are understood, as `rasa test nlu` tells it (spec §8.3).

pub mod entities;
pub mod folds;
pub mod intents;
pub mod selections;

use std::collections::BTreeSet;

use sapa_project::nlu::Example;
use sapa_sdk::ParseData;
use serde_json::Value;

use super::metrics::Confusion;

/// An example and what the model makes of its text.
#[derive(Debug, Clone)]
pub struct Understood<'a> {
    /// The example.
    pub example: &'a Example,
    /// What the model says.
    pub parsed: ParseData,
}

/// One subject of an evaluation: intents, responses, or an extractor's entities.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// Beginning of its files' names: `intent`, `CRFEntityExtractor`.
    pub name: String,
    /// Heading of its plots: `Intent`.
    pub title: &'static str,
    /// Expected and predicted labels.
    pub confusion: Confusion,
    /// What was understood wrong.
    pub errors: Vec<Value>,
    /// What was understood right.
    pub successes: Vec<Value>,
    /// Confidences of right and of wrong predictions, where there are any.
    pub confidences: Option<Confidences>,
}

/// Confidences of predictions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Confidences {
    /// Of those that are right.
    pub right: Vec<f64>,
    /// Of those that are wrong.
    pub wrong: Vec<f64>,
}

impl Confidences {
    fn push(&mut self, is_right: bool, confidence: f64) {
        if is_right { self.right.push(confidence) } else { self.wrong.push(confidence) }
    }
}

/// Understands every example; a fallback is undone.
pub fn understand<'a>(
    examples: impl IntoIterator<Item = &'a Example>,
    parse: &dyn Fn(&str) -> ParseData,
) -> Vec<Understood<'a>> {
    let understand = |example: &'a Example| Understood { example, parsed: undo_fallback(parse(&example.text)) };
    examples.into_iter().map(understand).collect()
}

/// The fallback's intent (spec §2.4).
const FALLBACK: &str = "nlu_fallback";

/// What was doubted is judged by itself: the second of the ranking is the intent
/// that the fallback stands before (spec §8.3).
fn undo_fallback(mut parsed: ParseData) -> ParseData {
    if parsed.intent.name.as_deref() == Some(FALLBACK)
        && let Some(doubted) = parsed.intent_ranking().get(1).cloned()
    {
        parsed.intent = doubted;
    }
    parsed
}

/// Everything that the examples give reason to look at (spec §8.3): intents and
/// response keys from two on, entities from one example on.
pub fn evaluate(understood: &[Understood<'_>]) -> Vec<Evaluation> {
    let count = |names: BTreeSet<&str>| names.len();
    let mut evaluations = Vec::new();
    if count(understood.iter().map(|u| u.example.base_intent()).collect()) >= 2 {
        evaluations.push(intents::evaluate(understood));
    }
    let keys = understood.iter().map(|u| u.example.intent.as_str()).filter(|intent| intent.contains('/'));
    if count(keys.collect()) >= 2 {
        evaluations.push(selections::evaluate(understood));
    }
    if understood.iter().any(|u| !u.example.entities.is_empty()) {
        evaluations.extend(entities::evaluate(understood));
    }
    evaluations
}
