//! Reading and merging domain files (spec §1.6).

mod entities;
mod forms;
mod merge;
mod rasa_2;
mod raw;
mod responses;
mod slots;
mod spans;

pub use spans::{DomainSpans, LostSection, MappingPlace, NamePlace};

use crate::domain::{CustomAction, DEFAULT_ACTIONS, Domain, SessionConfig};
use crate::yaml::{Map, Node};
use crate::{Diagnostic, Span, codes, shape, suggest};
use merge::{Items, Merged};
pub(crate) use slots::builtin_type;
use std::collections::{BTreeMap, BTreeSet};

/// The cure of what is written as in Rasa 2.
const MIGRATE: &str = "`sapa data migrate` brings a domain of Rasa 2 into this form";

/// The keys that make a file a domain file.
pub(crate) const DOMAIN_KEYS: [&str; 8] =
    ["slots", "forms", "actions", "entities", "intents", "responses", "e2e_actions", "session_config"];

/// Sections by their names before Rasa 3.
pub(crate) const OLD_KEYS: [(&str, &str); 1] = [("templates", "responses")];

/// What the other readers found that belongs to the domain.
#[derive(Default)]
pub(crate) struct Extras {
    /// Bot texts of stories.
    pub bot_texts: BTreeSet<String>,
    /// Base names of retrieval intents that have keyed examples.
    pub retrieval_intents: BTreeSet<String>,
}

/// Gathers domain files and makes the one domain of them.
#[derive(Default)]
pub(crate) struct DomainReader<'n> {
    merged: Merged<'n>,
    /// Whether a file was found to be of Rasa 2, which is said once.
    is_rasa_2: bool,
}

impl<'n> DomainReader<'n> {
    /// Adds a domain file; on a clash of names the earlier file wins.
    pub fn add(&mut self, map: &'n Map, out: &mut Vec<Diagnostic>) {
        self.check_keys(map, out);
        if !self.is_rasa_2 {
            out.extend(rasa_2::finding(map).inspect(|_| self.is_rasa_2 = true));
        }
        self.merged.add_file(map, out);
    }

    /// Slips of top-level keys. A section that is lost by one is told when it is
    /// known what follows from it.
    fn check_keys(&mut self, map: &Map, out: &mut Vec<Diagnostic>) {
        let others = ["version", "config", "nlu", "stories", "rules"];
        for (key, _) in map.iter() {
            let name = key.name.as_str();
            if others.contains(&name) || DOMAIN_KEYS.contains(&name) {
                continue;
            }
            if let Some(section) = section_of(name) {
                out.push(shape::unread_here(key, &format!("indent it below {section}")));
                continue;
            }
            let old = OLD_KEYS.iter().find(|(old, _)| *old == name).map(|(_, section)| *section);
            if let Some(section) = old.or_else(|| suggest::nearest(name, DOMAIN_KEYS)) {
                let section = DOMAIN_KEYS.into_iter().find(|known| *known == section).unwrap_or_default();
                self.merged.lost.push(LostSection { name: section, written: Some((name.to_owned(), key.span)) });
            } else if let Some(near) = suggest::nearest(name, others) {
                out.extend(shape::near_miss(key, &[near], "a domain"));
            } else {
                out.extend(shape::unread_section(key, "a domain"));
            }
        }
    }

    /// Adds `responses` of a data file, which win over those of the domain.
    pub fn add_data_responses(&mut self, node: &'n Node, out: &mut Vec<Diagnostic>) {
        if node.is_null() {
            return;
        }
        let Some(map) = shape::map(node, "`responses`", out) else { return };
        for (key, node) in map.iter() {
            self.merged.override_response(key, node, out);
        }
    }

    /// The domain, and where its parts stand.
    pub fn finish(self, extras: &Extras, out: &mut Vec<Diagnostic>) -> (Domain, DomainSpans) {
        let merged = &self.merged;
        let mut spans = DomainSpans::default();
        let mut domain = Domain {
            entities: entities::entities(&merged.entities, out),
            actions: actions(&merged.actions, out),
            forms: forms::forms(&merged.forms, &mut spans, out),
            responses: responses::responses(&merged.responses, &mut spans, out),
            session_config: session_config(merged.session_config, out),
            store_entities_as_slots: store_entities_as_slots(merged.config, out),
            ..Domain::default()
        };
        domain.intents =
            entities::intents(&merged.intents, &domain.entities, &extras.retrieval_intents, &mut spans, out);
        domain.slots = slots::slots(&merged.slots, &mut spans, out);
        slots::add_implicit_slots(&mut domain);
        domain.e2e_actions = e2e_actions(&merged.e2e_actions, &extras.bot_texts);
        domain.action_names = action_names(&domain, extras);
        domain.raw = raw::raw(merged, extras);
        check_action_clashes(merged, out);
        spans.add_names(merged);
        (domain, spans)
    }
}

/// What a key of the top level belongs to.
fn section_of(key: &str) -> Option<&'static str> {
    match key {
        "session_expiration_time" | "carry_over_slots_to_new_session" => Some("`session_config:`"),
        "required_slots" | "ignored_intents" => Some("the name of its form"),
        "mappings" | "influence_conversation" | "initial_value" => Some("the name of its slot"),
        _ => None,
    }
}

fn actions(items: &Items<'_>, out: &mut Vec<Diagnostic>) -> Vec<CustomAction> {
    let mut actions = Vec::with_capacity(items.len());
    for (name, item) in items {
        let mut send_domain = false;
        if let Some(map) = item.value.and_then(|node| shape::map(node, "the settings of an action", out)) {
            shape::unknown_keys(map, &["send_domain"], "an action", out);
            send_domain =
                map.get("send_domain").and_then(|node| shape::flag(node, "`send_domain`", out)).unwrap_or(false);
        }
        actions.push(CustomAction { name: name.clone(), send_domain });
    }
    actions
}

fn session_config(node: Option<&Node>, out: &mut Vec<Diagnostic>) -> SessionConfig {
    let mut config = SessionConfig::default();
    let Some(map) = node.filter(|node| !node.is_null()).and_then(|node| shape::map(node, "`session_config`", out))
    else {
        return config;
    };
    shape::ignored_keys(map, &["session_expiration_time", "carry_over_slots_to_new_session"], "`session_config`", out);
    if let Some(node) = map.get("session_expiration_time")
        && let Some(minutes) = shape::number(node, "`session_expiration_time` (minutes)", out)
    {
        if minutes < 0.0 {
            out.push(
                Diagnostic::error(codes::BAD_VALUE, "`session_expiration_time` cannot be negative")
                    .at(node.span, "")
                    .help("0 means that sessions never expire"),
            );
        } else {
            config.session_expiration_time = minutes;
        }
    }
    if let Some(node) = map.get("carry_over_slots_to_new_session") {
        config.carry_over_slots_to_new_session =
            shape::flag(node, "`carry_over_slots_to_new_session`", out).unwrap_or(true);
    }
    config
}

fn store_entities_as_slots(node: Option<&Node>, out: &mut Vec<Diagnostic>) -> bool {
    let map = node.filter(|node| !node.is_null()).and_then(|node| shape::map(node, "`config`", out));
    map.and_then(|map| map.get("store_entities_as_slots"))
        .and_then(|node| shape::flag(node, "`store_entities_as_slots`", out))
        .unwrap_or(true)
}

fn e2e_actions(listed: &BTreeMap<String, Span>, bot_texts: &BTreeSet<String>) -> Vec<String> {
    let all: BTreeSet<&String> = listed.keys().chain(bot_texts).collect();
    all.into_iter().cloned().collect()
}

/// Action index order (spec §1.6): the defaults, custom actions in file order
/// and those of retrieval intents, other responses sorted, other forms, e2e.
fn action_names(domain: &Domain, extras: &Extras) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut add = |name: String| {
        if seen.insert(name.clone()) {
            names.push(name);
        }
    };
    DEFAULT_ACTIONS.into_iter().for_each(|name| add(name.to_owned()));
    domain.actions.iter().for_each(|action| add(action.name.clone()));
    extras.retrieval_intents.iter().for_each(|base| add(format!("utter_{base}")));
    let responses: BTreeSet<&String> = domain.responses.keys().collect();
    responses.into_iter().for_each(|name| add(name.clone()));
    domain.forms.keys().for_each(|name| add(name.clone()));
    domain.e2e_actions.iter().for_each(|text| add(text.clone()));
    names
}

/// A response and a form cannot share a name (spec §1.6: duplicates).
fn check_action_clashes(merged: &Merged<'_>, out: &mut Vec<Diagnostic>) {
    for (name, form) in &merged.forms {
        if let Some(response) = merged.responses.get(name) {
            out.push(
                Diagnostic::error(codes::DUPLICATE_NAME, format!("`{name}` is both a form and a response"))
                    .at(form.key, "the form")
                    .at(response.key, "the response")
                    .help("rename one of them"),
            );
        }
    }
}

/// Whether this file's top level has a key of a domain.
pub(crate) fn has_domain_keys(map: &Map) -> bool {
    map.iter().any(|(key, _)| DOMAIN_KEYS.contains(&key.name.as_str()))
}
