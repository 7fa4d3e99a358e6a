//! Slot values as features (spec §1.6, table of slot types).

use sapa_project::domain::{Slot, SlotType};
use sapa_project::python::python_str;
use serde_json::Value;

use crate::nlg::is_truthy;

/// A slot's feature vector; empty when the slot has no features.
pub type Features = Vec<f32>;

/// The feature vector of `value`; `None` when it is all zero or the slot does
/// not influence the conversation, in which case the state leaves it out.
pub fn featurize(slot: &Slot, value: &Value) -> Option<Features> {
    if !slot.influence_conversation {
        return None;
    }
    let features = match &slot.slot_type {
        SlotType::Text => vec![if value.is_null() { 0.0 } else { 1.0 }],
        SlotType::Bool => bool_features(value),
        SlotType::Categorical { values } => categorical_features(values, value),
        SlotType::Float { min_value, max_value } => float_features(*min_value, *max_value, value),
        SlotType::List => vec![if is_filled_list(value) { 1.0 } else { 0.0 }],
        SlotType::Any => return None,
    };
    features.iter().any(|x| *x != 0.0).then_some(features)
}

/// What a slot holds once `value` is set: list slots wrap a lone value that is not
/// empty (in Python's sense), nothing else is coerced.
pub fn coerce(slot_type: &SlotType, value: Value) -> Value {
    match (slot_type, value) {
        (SlotType::List, list @ Value::Array(_)) => list,
        (SlotType::List, other) if is_truthy(&other) => Value::Array(vec![other]),
        (_, other) => other,
    }
}

fn bool_features(value: &Value) -> Features {
    let truth = match value {
        Value::Bool(b) => Some(*b),
        Value::Number(n) => Some(n.as_f64() == Some(1.0)),
        // A text is a number only without sign, point and blanks (`bool_from_any`).
        Value::String(s) if !s.is_empty() && s.chars().all(char::is_numeric) => {
            Some(s.parse::<f64>().is_ok_and(|number| number == 1.0))
        }
        Value::String(s) => match s.trim().to_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    };
    match truth {
        Some(true) => vec![1.0, 1.0],
        Some(false) => vec![1.0, 0.0],
        None => vec![0.0, 0.0],
    }
}

fn categorical_features(values: &[String], value: &Value) -> Features {
    let mut features = vec![0.0; values.len() + 1];
    if value.is_null() {
        return features;
    }
    let text = python_str(value).to_lowercase();
    let index = values.iter().position(|v| *v == text && v != "__other__").unwrap_or(values.len());
    features[index] = 1.0;
    features
}

fn float_features(min: f64, max: f64, value: &Value) -> Features {
    let number = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        Value::Bool(b) => Some(if *b { 1.0 } else { 0.0 }),
        _ => None,
    };
    match number {
        Some(x) if x.is_finite() => vec![1.0, ((x.clamp(min, max) - min) / (max - min)) as f32],
        _ => vec![0.0, 0.0],
    }
}

fn is_filled_list(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn slot(slot_type: SlotType) -> Slot {
        Slot {
            slot_type,
            mappings: Vec::new(),
            influence_conversation: true,
            initial_value: Value::Null,
            is_implicit: false,
        }
    }

    #[test]
    fn a_false_bool_stays_and_a_null_one_vanishes() {
        let bool_slot = slot(SlotType::Bool);
        assert_eq!(featurize(&bool_slot, &json!(false)), Some(vec![1.0, 0.0]));
        assert_eq!(featurize(&bool_slot, &json!("1")), Some(vec![1.0, 1.0]));
        assert_eq!(featurize(&bool_slot, &json!(7)), Some(vec![1.0, 0.0]));
        assert_eq!(featurize(&bool_slot, &json!("maybe")), None);
        assert_eq!(featurize(&bool_slot, &Value::Null), None);
    }

    #[test]
    fn an_empty_text_counts_as_set() {
        assert_eq!(featurize(&slot(SlotType::Text), &json!("")), Some(vec![1.0]));
    }

    #[test]
    fn an_unknown_category_is_other() {
        let categorical = slot(SlotType::Categorical { values: vec!["simasn".into(), "email".into()] });
        assert_eq!(featurize(&categorical, &json!("EMAIL")), Some(vec![0.0, 1.0, 0.0]));
        assert_eq!(featurize(&categorical, &json!("pos")), Some(vec![0.0, 0.0, 1.0]));
    }

    #[test]
    fn a_float_is_clamped_and_scaled() {
        let float = slot(SlotType::Float { min_value: 0.0, max_value: 10.0 });
        assert_eq!(featurize(&float, &json!(5)), Some(vec![1.0, 0.5]));
        assert_eq!(featurize(&float, &json!(99)), Some(vec![1.0, 1.0]));
        assert_eq!(featurize(&float, &json!("x")), None);
    }

    #[test]
    fn a_lone_value_is_wrapped_into_a_list() {
        assert_eq!(coerce(&SlotType::List, json!("a")), json!(["a"]));
        assert_eq!(coerce(&SlotType::Text, json!(3)), json!(3));
    }
}
