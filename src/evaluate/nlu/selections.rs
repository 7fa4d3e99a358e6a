//! Responses of retrieval intents: what `response_selection_report.json` and its
//! companions hold.

use serde_json::{Value, json};

use super::{Confidences, Evaluation, Understood};
use crate::evaluate::metrics::Confusion;

/// What the selectors chose for a message.
struct Selection<'a> {
    key: &'a str,
    confidence: f64,
}

/// Judges the chosen keys of all examples that have one. The selector of the
/// example's own intent is asked, whatever intent was predicted (as in Rasa).
pub fn evaluate(understood: &[Understood<'_>]) -> Evaluation {
    let keyed: Vec<(&Understood<'_>, Selection<'_>)> =
        understood.iter().filter(|u| u.example.intent.contains('/')).map(|u| (u, selection(u))).collect();
    let mut evaluation = Evaluation {
        name: "response_selection".to_owned(),
        title: "Response Selection",
        confusion: Confusion::of(keyed.iter().map(|(u, selection)| (u.example.intent.as_str(), selection.key))),
        ..Evaluation::default()
    };
    let mut confidences = Confidences::default();
    for (one, selection) in &keyed {
        let is_right = selection.key == one.example.intent;
        confidences.push(is_right, selection.confidence);
        let list = if is_right { &mut evaluation.successes } else { &mut evaluation.errors };
        list.push(entry(one, selection));
    }
    evaluation.confidences = Some(confidences);
    evaluation
}

fn selection<'a>(understood: &'a Understood<'_>) -> Selection<'a> {
    let selectors = understood.parsed.rest.get("response_selector");
    let of = |name: &str| selectors.and_then(|all| all.get(name)).and_then(|one| one.get("response"));
    let response = of(understood.example.base_intent()).or_else(|| of("default"));
    let get = |key: &str| response.and_then(|response| response.get(key));
    Selection {
        key: get("intent_response_key").and_then(Value::as_str).unwrap_or_default(),
        confidence: get("confidence").and_then(Value::as_f64).unwrap_or(0.0),
    }
}

fn entry(understood: &Understood<'_>, selection: &Selection<'_>) -> Value {
    json!({
        "text": understood.example.text,
        "intent_response_key_target": understood.example.intent,
        "intent_response_key_prediction": { "name": selection.key, "confidence": selection.confidence },
    })
}
