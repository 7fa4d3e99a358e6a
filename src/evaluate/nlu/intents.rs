//! Intents: what `intent_report.json` and its companions hold.

use serde_json::{Value, json};

use super::{Confidences, Evaluation, Understood};
use crate::evaluate::metrics::Confusion;

/// Judges the intents, of retrieval intents the base.
pub fn evaluate(understood: &[Understood<'_>]) -> Evaluation {
    let named: Vec<&Understood<'_>> = understood.iter().filter(|u| !u.example.intent.is_empty()).collect();
    let mut evaluation = Evaluation {
        name: "intent".to_owned(),
        title: "Intent",
        confusion: Confusion::of(named.iter().map(|u| (u.example.base_intent(), predicted(u)))),
        ..Evaluation::default()
    };
    let mut confidences = Confidences::default();
    for one in named {
        let is_right = predicted(one) == one.example.base_intent();
        confidences.push(is_right, one.parsed.intent.confidence);
        let list = if is_right { &mut evaluation.successes } else { &mut evaluation.errors };
        list.push(entry(one));
    }
    evaluation.confidences = Some(confidences);
    evaluation
}

/// The predicted name; empty where nothing was predicted, as in Rasa.
fn predicted<'a>(understood: &'a Understood<'_>) -> &'a str {
    understood.parsed.intent.name.as_deref().unwrap_or_default()
}

fn entry(understood: &Understood<'_>) -> Value {
    json!({
        "text": understood.example.text,
        "intent": understood.example.base_intent(),
        "intent_prediction": { "name": predicted(understood), "confidence": understood.parsed.intent.confidence },
    })
}
