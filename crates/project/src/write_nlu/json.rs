//! NLU data as `rasa_nlu_data`.

use super::{regexes, synonyms};
use crate::nlu::{EntityAnnotation, Example, NluData};
use serde_json::{Value, json};

/// The data as JSON, which can hold all of it.
pub fn to_json(data: &NluData) -> String {
    let regexes = regexes(data).into_values().flatten();
    let regexes = regexes.map(|regex| json!({"name": regex.name, "pattern": regex.pattern}));
    let lookups = data.lookups.iter().map(|lookup| json!({"name": lookup.name, "elements": lookup.elements}));
    let synonyms = synonyms(data).into_iter();
    let synonyms =
        synonyms.map(|(value, texts)| json!({"value": value, "synonyms": texts.into_keys().collect::<Vec<_>>()}));
    let root = json!({"rasa_nlu_data": {
        "common_examples": data.examples.iter().map(example).collect::<Vec<_>>(),
        "regex_features": regexes.collect::<Vec<_>>(),
        "lookup_tables": lookups.collect::<Vec<_>>(),
        "entity_synonyms": synonyms.collect::<Vec<_>>(),
    }});
    format!("{root:#}\n")
}

fn example(example: &Example) -> Value {
    let mut value = json!({"text": example.text});
    if !example.intent.is_empty() {
        value["intent"] = json!(example.intent);
    }
    if !example.entities.is_empty() {
        value["entities"] = example.entities.iter().map(entity).collect();
    }
    if !example.metadata.is_empty() {
        value["metadata"] = json!(example.metadata);
    }
    value
}

fn entity(entity: &EntityAnnotation) -> Value {
    let mut value = json!({
        "start": entity.start,
        "end": entity.end,
        "value": entity.value,
        "entity": entity.entity,
    });
    for (key, label) in [("role", &entity.role), ("group", &entity.group)] {
        if let Some(label) = label {
            value[key] = json!(label);
        }
    }
    value
}
