//! The domain dictionary as Rasa answers `/domain` and posts it to actions.

use super::Extras;
use super::merge::{Item, Items, Merged};
use crate::yaml::Node;
use sapa_sdk::JsonMap;
use serde_json::{Value, json};

/// Sections that exist, empty or not, once anything was merged.
const MERGED_KEYS: [&str; 7] = ["intents", "entities", "actions", "e2e_actions", "forms", "responses", "slots"];

/// `version` first, then the keys in file order; intents sorted; everything
/// else as it was written.
pub(super) fn raw(merged: &Merged<'_>, extras: &Extras) -> JsonMap {
    let mut raw = JsonMap::new();
    raw.insert("version".to_owned(), json!("3.1"));
    for (key, node) in &merged.keys {
        raw.insert(key.clone(), section(merged, extras, key, node));
    }
    let was_merged = merged.files > 1
        || merged.has_data_responses
        || !extras.retrieval_intents.is_empty()
        || !extras.bot_texts.is_empty();
    // Rasa adds it wherever it is not written (spec §4.1).
    raw.entry("session_config".to_owned())
        .or_insert_with(|| json!({"session_expiration_time": 60, "carry_over_slots_to_new_session": true}));
    if was_merged {
        add_merged_keys(merged, extras, &mut raw);
    }
    raw
}

/// Quirk (spec §1.6, merging): a merged domain has all seven mergeable
/// sections, even where no file has them.
fn add_merged_keys(merged: &Merged<'_>, extras: &Extras, raw: &mut JsonMap) {
    let nothing =
        Node { value: crate::yaml::Yaml::Null, span: crate::Span::default(), style: crate::yaml::Style::Plain };
    for key in MERGED_KEYS {
        if !raw.contains_key(key) {
            raw.insert(key.to_owned(), section(merged, extras, key, &nothing));
        }
    }
}

fn section(merged: &Merged<'_>, extras: &Extras, key: &str, node: &Node) -> Value {
    match key {
        "intents" => intents(merged, extras),
        "entities" => Value::Array(list(&merged.entities)),
        "actions" => actions(merged, extras),
        "e2e_actions" => {
            let all: std::collections::BTreeSet<&String> = merged.e2e_actions.keys().chain(&extras.bot_texts).collect();
            all.into_iter().cloned().map(Value::String).collect()
        }
        "slots" => table(&merged.slots),
        "responses" => table(&merged.responses),
        "forms" => table(&merged.forms),
        "session_config" => merged.session_config.unwrap_or(node).to_json(),
        _ => node.to_json(),
    }
}

fn list(items: &Items<'_>) -> Vec<Value> {
    let value = |(name, item): (&String, &Item<'_>)| match item.value {
        None => Value::String(name.clone()),
        Some(node) => json!({ name.as_str(): node.to_json() }),
    };
    items.iter().map(value).collect()
}

fn table(items: &Items<'_>) -> Value {
    items
        .iter()
        .map(|(name, item)| (name.clone(), item.value.map_or(Value::Null, Node::to_json)))
        .collect::<JsonMap>()
        .into()
}

/// Quirk (spec §1.6): intents are sorted by name; those with keyed examples
/// carry `is_retrieval_intent`, and are added when the domain lacks them.
fn intents(merged: &Merged<'_>, extras: &Extras) -> Value {
    let mut all: Vec<(&String, Option<&Node>)> = merged.intents.iter().map(|(name, item)| (name, item.value)).collect();
    all.extend(
        extras.retrieval_intents.iter().filter(|base| !merged.intents.contains_key(*base)).map(|base| (base, None)),
    );
    all.sort_by(|left, right| left.0.cmp(right.0));
    let value = |(name, settings): (&String, Option<&Node>)| {
        let is_retrieval = extras.retrieval_intents.contains(name);
        if settings.is_none() && !is_retrieval {
            return Value::String(name.clone());
        }
        let mut settings = settings.map_or_else(|| json!({}), Node::to_json);
        if is_retrieval && let Some(settings) = settings.as_object_mut() {
            settings.insert("is_retrieval_intent".to_owned(), json!(true));
        }
        json!({ name.as_str(): settings })
    };
    all.into_iter().map(value).collect()
}

fn actions(merged: &Merged<'_>, extras: &Extras) -> Value {
    let mut all = list(&merged.actions);
    let retrieval = extras.retrieval_intents.iter().map(|base| format!("utter_{base}"));
    all.extend(retrieval.filter(|name| !merged.actions.contains_key(name)).map(Value::String));
    Value::Array(all)
}
