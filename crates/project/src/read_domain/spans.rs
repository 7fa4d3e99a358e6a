//! Where the parts of the domain stand, for findings across files.

use super::merge::{Items, Merged};
use crate::Span;
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
    pub mappings: BTreeMap<String, Vec<Span>>,
    /// Each required slot of a form, in the order of `Form::required_slots`.
    pub required_slots: BTreeMap<String, Vec<Span>>,
    /// Each ignored intent of a form, in order.
    pub ignored_intents: BTreeMap<String, Vec<Span>>,
    /// Each variation of a response, in order.
    pub variations: BTreeMap<String, Vec<Span>>,
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
