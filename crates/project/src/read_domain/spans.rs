//! Where the parts of the domain stand, for findings across files.

use super::merge::{Items, Merged};
use crate::Span;
use crate::yaml::{Node, Yaml};
use serde_json::Value;
use std::collections::BTreeMap;

/// A name used inside the domain and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct NamePlace {
    /// What uses it: the name of the intent or response.
    pub owner: String,
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A slot mapping and what stands in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MappingPlace {
    /// The mapping.
    pub span: Span,
    /// Each value in it that is no list or mapping: its key, what it is, and
    /// where it stands.
    pub values: Vec<(String, Value, Span)>,
}

impl MappingPlace {
    pub(super) fn of(node: &Node) -> Self {
        let mut values = Vec::new();
        add_values("", node, &mut values);
        Self { span: node.span, values }
    }

    /// Where a value of a key stands, else where the mapping does.
    pub fn of_value(&self, key: &str, value: &Value) -> Span {
        let found = self.values.iter().find(|(in_key, known, _)| in_key == key && known == value);
        found.map_or(self.span, |(_, _, span)| *span)
    }

    /// Where a name behind a key stands.
    pub fn of_name(&self, key: &str, name: &str) -> Span {
        self.of_value(key, &Value::from(name))
    }
}

/// Adds the values below a node, each with the key that is nearest above it.
fn add_values(key: &str, node: &Node, values: &mut Vec<(String, Value, Span)>) {
    match &node.value {
        Yaml::Map(map) => map.iter().for_each(|(key, node)| add_values(&key.name, node, values)),
        Yaml::Seq(items) => items.iter().for_each(|item| add_values(key, item, values)),
        _ => values.push((key.to_owned(), node.to_json(), node.span)),
    }
}

/// A section of the domain that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct LostSection {
    /// The section.
    pub name: &'static str,
    /// What stands in its place, and where; `None` when a finding has told it.
    pub written: Option<(String, Span)>,
}

/// Places of the domain's parts; a part added by Rasa itself has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainSpans {
    /// Names of intents.
    pub intents: BTreeMap<String, Span>,
    /// Names of entities.
    pub entities: BTreeMap<String, Span>,
    /// Names of slots.
    pub slots: BTreeMap<String, Span>,
    /// Names of responses.
    pub responses: BTreeMap<String, Span>,
    /// Names under `actions`.
    pub actions: BTreeMap<String, Span>,
    /// Names of forms.
    pub forms: BTreeMap<String, Span>,
    /// Each mapping of a slot, in the order of `Slot::mappings`.
    pub mappings: BTreeMap<String, Vec<MappingPlace>>,
    /// Initial values of slots.
    pub initial_values: BTreeMap<String, Span>,
    /// Each required slot of a form, in the order of `Form::required_slots`.
    pub required_slots: BTreeMap<String, Vec<Span>>,
    /// Each ignored intent of a form, in order.
    pub ignored_intents: BTreeMap<String, Vec<Span>>,
    /// Each variation of a response, in order.
    pub variations: BTreeMap<String, Vec<Span>>,
    /// Slots that conditions of responses name.
    pub condition_slots: Vec<NamePlace>,
    /// Payloads of the responses' buttons and quick replies.
    pub payloads: Vec<NamePlace>,
    /// Entities named by `use_entities` and `ignore_entities`.
    pub intent_entities: Vec<NamePlace>,
    /// Sections that could not be read.
    pub lost: Vec<LostSection>,
}

impl DomainSpans {
    pub(super) fn add_names(&mut self, merged: &Merged<'_>) {
        let names = |items: &Items<'_>| items.iter().map(|(name, item)| (name.clone(), item.key)).collect();
        for (name, item) in &merged.intents {
            // A retrieval intent that is listed with its key counts as its base.
            let base = name.split('/').next().unwrap_or(name);
            self.intents.entry(base.to_owned()).or_insert(item.key);
        }
        self.lost.clone_from(&merged.lost);
        self.entities = names(&merged.entities);
        self.slots = names(&merged.slots);
        self.responses = names(&merged.responses);
        self.actions = names(&merged.actions);
        self.forms = names(&merged.forms);
    }
}
