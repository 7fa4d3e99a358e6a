//! Intents and entities of the domain (spec §1.6).

use super::merge::Items;
use super::spans::{DomainSpans, NamePlace};
use crate::domain::{DEFAULT_INTENTS, EntityType, Intent};
use crate::yaml::{Map, Node, Yaml};
use crate::{Diagnostic, codes, shape};
use std::collections::{BTreeMap, BTreeSet};

type Entities = BTreeMap<String, EntityType>;

pub(super) fn entities(items: &Items<'_>, out: &mut Vec<Diagnostic>) -> Entities {
    let mut entities = Entities::new();
    for (name, item) in items {
        let mut entity = EntityType { influence_conversation: true, ..EntityType::default() };
        if let Some(map) = item.value.and_then(|node| shape::map(node, "the settings of an entity", out)) {
            shape::ignored_keys(map, &["roles", "groups", "influence_conversation"], "an entity", out);
            entity.roles = labels(map, "roles", out);
            entity.groups = labels(map, "groups", out);
            if let Some(node) = map.get("influence_conversation") {
                entity.influence_conversation = shape::flag(node, "`influence_conversation`", out).unwrap_or(true);
            }
        }
        entities.insert(name.clone(), entity);
    }
    entities
}

fn labels(map: &Map, key: &str, out: &mut Vec<Diagnostic>) -> Vec<String> {
    let Some(node) = map.get(key) else { return Vec::new() };
    // Rasa takes numbers, too: `groups: [1, 2]`.
    let is_number = |node: &Node| matches!(node.value, Yaml::Int(_) | Yaml::Float(_));
    let items = node.as_seq().unwrap_or(std::slice::from_ref(node));
    let (numbers, others): (Vec<&Node>, Vec<&Node>) = items.iter().partition(|item| is_number(item));
    let what = format!("`{key}` of an entity");
    let texts = others.into_iter().flat_map(|item| shape::texts(item, &what, out)).map(|(label, _)| label);
    texts.chain(numbers.into_iter().map(|item| crate::python::python_str(&item.to_json()))).collect()
}

pub(super) fn intents(
    items: &Items<'_>,
    entities: &Entities,
    retrieval: &BTreeSet<String>,
    spans: &mut DomainSpans,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Intent> {
    let by_default = influencing(entities);
    let mut intents = BTreeMap::new();
    for name in DEFAULT_INTENTS.iter().map(|name| (*name).to_owned()).chain(retrieval.iter().cloned()) {
        intents.insert(name, Intent { used_entities: by_default.clone(), is_retrieval: false });
    }
    for (name, item) in items {
        let base = name.split('/').next().unwrap_or(name);
        if base != name {
            out.push(
                Diagnostic::warning(
                    codes::RETRIEVAL_KEY_IN_DOMAIN,
                    format!("the domain lists the retrieval intent `{name}` with its key; it counts as `{base}`"),
                )
                .at(item.key, "")
                .help(format!("list only the base name: `- {base}`")),
            );
        }
        let used_entities = match item.value.and_then(|node| shape::map(node, "the settings of an intent", out)) {
            Some(map) => used_entities(name, map, entities, spans, out),
            None => by_default.clone(),
        };
        let intent = Intent { used_entities, is_retrieval: false };
        // The base may be listed by itself, with settings of its own.
        if base == name {
            intents.insert(name.clone(), intent);
        } else if !items.contains_key(base) {
            intents.entry(base.to_owned()).or_insert(intent);
        }
    }
    for (name, intent) in &mut intents {
        intent.is_retrieval = retrieval.contains(name);
    }
    intents
}

/// Names of an entity with its `name#role` and `name#group` variants.
fn variants(name: &str, entity: &EntityType) -> impl Iterator<Item = String> {
    let labels: Vec<String> =
        entity.roles.iter().chain(&entity.groups).map(|label| format!("{name}#{label}")).collect();
    std::iter::once(name.to_owned()).chain(labels)
}

fn influencing(entities: &Entities) -> BTreeSet<String> {
    entities
        .iter()
        .filter(|(_, entity)| entity.influence_conversation)
        .flat_map(|(name, entity)| variants(name, entity))
        .collect()
}

/// Used minus ignored; exclusion wins. Without `ignore_entities` the entities
/// that do not influence the conversation are ignored.
fn used_entities(
    intent: &str,
    map: &Map,
    entities: &Entities,
    spans: &mut DomainSpans,
    out: &mut Vec<Diagnostic>,
) -> BTreeSet<String> {
    if let Some((key, _)) = map.entry("triggers") {
        out.push(
            Diagnostic::error(
                codes::OLD_TRIGGERS,
                format!("`triggers` of the intent `{intent}` is no longer supported"),
            )
            .at(key.span, "")
            .help("write a rule: the intent and then the action"),
        );
    }
    shape::ignored_keys(map, &["use_entities", "ignore_entities", "triggers", "is_retrieval_intent"], "an intent", out);
    let mut names = |key: &str, out: &mut Vec<Diagnostic>| named_entities(intent, map.get(key)?, key, spans, out);
    let used = names("use_entities", out);
    let ignored = names("ignore_entities", out);
    if let (Some(used), Some(ignored)) = (&used, &ignored)
        && let Some(both) = used.iter().find(|name| ignored.contains(name))
        && let Some((key, _)) = map.entry("ignore_entities")
    {
        out.push(
            Diagnostic::warning(
                codes::USE_AND_IGNORE,
                format!("the intent `{intent}` both uses and ignores the entity `{both}`; it is ignored"),
            )
            .at(key.span, ""),
        );
    }
    let with_variants = |names: Vec<String>| -> BTreeSet<String> {
        names
            .iter()
            .filter_map(|name| Some((name, entities.get(name)?)))
            .flat_map(|(name, entity)| variants(name, entity))
            .collect()
    };
    let used = used.map_or_else(|| influencing(entities), &with_variants);
    match ignored {
        Some(ignored) => used.difference(&with_variants(ignored)).cloned().collect(),
        None => used.intersection(&influencing(entities)).cloned().collect(),
    }
}

/// The names under `use_entities` or `ignore_entities`; `None` for the default.
fn named_entities(
    intent: &str,
    node: &Node,
    key: &str,
    spans: &mut DomainSpans,
    out: &mut Vec<Diagnostic>,
) -> Option<Vec<String>> {
    match node.value {
        Yaml::Null => return None,
        Yaml::Bool(true) if key == "use_entities" => return None,
        Yaml::Bool(false) => return Some(Vec::new()),
        _ => {}
    }
    let texts = shape::seq(node, &format!("`{key}`"), out)?;
    let mut names = Vec::new();
    for item in texts {
        let Some(name) = shape::text(item, &format!("a name in `{key}`"), out) else { continue };
        spans.intent_entities.push(NamePlace { owner: intent.to_owned(), name: name.to_owned(), span: item.span });
        names.push(name.to_owned());
    }
    Some(names)
}
