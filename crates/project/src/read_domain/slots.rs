//! Slots and their mappings (spec §1.6, §3.7).

use super::MIGRATE;
use super::merge::{Item, Items};
use super::spans::{DomainSpans, MappingPlace};
use crate::domain::{Domain, MappingCondition, MappingKind, Slot, SlotMapping, SlotType};
use crate::python::python_str;
use crate::yaml::{Map, Node};
use crate::{Diagnostic, Span, codes, shape, suggest};
use indexmap::IndexMap;
use serde_json::Value;

const SLOT_TYPES: [&str; 6] = ["text", "bool", "categorical", "float", "list", "any"];
const SLOT_KEYS: [&str; 7] =
    ["type", "mappings", "influence_conversation", "initial_value", "values", "min_value", "max_value"];
const MAPPING_TYPES: [&str; 5] = ["from_entity", "from_text", "from_intent", "from_trigger_intent", "custom"];
const MAPPING_KEYS: [&str; 9] =
    ["type", "entity", "role", "group", "intent", "not_intent", "value", "action", "conditions"];
/// The cure of a slot that says nothing of how it is filled.
const SAY_MAPPING: &str = "say how the slot is filled, e.g. `mappings: [{type: from_entity, entity: …}]`, or `mappings: [{type: custom}]` if only actions set it";
/// Slots that `action_query_knowledge_base` needs.
const KNOWLEDGE_BASE_SLOTS: [&str; 3] =
    ["knowledge_base_listed_objects", "knowledge_base_last_object", "knowledge_base_last_object_type"];

pub(super) fn slots(items: &Items<'_>, spans: &mut DomainSpans, out: &mut Vec<Diagnostic>) -> IndexMap<String, Slot> {
    let mut slots = IndexMap::new();
    for (name, item) in items {
        let slot = slot(name, item, spans, out).unwrap_or_else(unfeatured);
        slots.insert(name.clone(), slot);
    }
    slots
}

/// What stands for a slot that was reported as broken, so that its uses are
/// not reported as well.
fn unfeatured() -> Slot {
    Slot {
        slot_type: SlotType::Any,
        mappings: Vec::new(),
        influence_conversation: false,
        initial_value: Value::Null,
        is_implicit: false,
    }
}

fn slot(name: &str, item: &Item<'_>, spans: &mut DomainSpans, out: &mut Vec<Diagnostic>) -> Option<Slot> {
    let what = format!("the slot `{name}`");
    let map = item.value.and_then(|node| shape::map(node, &what, out))?;
    let is_shallow = |key: &str| MAPPING_KEYS.contains(&key) && !SLOT_KEYS.contains(&key) && key != "value";
    for (key, _) in map.iter().filter(|(key, _)| is_shallow(&key.name)) {
        out.push(shape::misplaced(key, "`- type: …` of `mappings:`"));
    }
    let known: Vec<&str> =
        SLOT_KEYS.into_iter().chain(MAPPING_KEYS.into_iter().filter(|key| is_shallow(key))).collect();
    shape::unknown_keys(map, &known, "a slot", out);
    // Whatever is wrong with the type, missing mappings are worth their own line.
    let mut places = Vec::new();
    let mappings = mappings(&what, map, item.key, &mut places, out);
    spans.mappings.insert(name.to_owned(), places);
    let type_node = shape::required(map, "type", &what, item.key, out)?;
    let slot_type = slot_type(map, type_node, item.key, out)?;
    let influence_conversation = influence(&what, map, &slot_type, item.key, out);
    let initial = map.get("initial_value");
    spans.initial_values.extend(initial.map(|node| (name.to_owned(), node.span)));
    let initial_value = initial.map_or(Value::Null, Node::to_json);
    Some(Slot { slot_type, mappings, influence_conversation, initial_value, is_implicit: false })
}

/// Whether the slot has features; never with the type `any`.
fn influence(what: &str, map: &Map, slot_type: &SlotType, key: Span, out: &mut Vec<Diagnostic>) -> bool {
    let is_any = *slot_type == SlotType::Any;
    let node = map.get("influence_conversation").filter(|node| !node.is_null());
    let wanted = node.and_then(|node| shape::flag(node, "`influence_conversation`", out)).unwrap_or(!is_any);
    if is_any && wanted {
        out.push(
            Diagnostic::error(codes::BAD_SLOT, format!("{what} has type `any` and cannot influence the conversation"))
                .at(node.map_or(key, |node| node.span), "")
                .help("remove `influence_conversation`, or choose another type"),
        );
    }
    wanted && !is_any
}

fn slot_type(map: &Map, node: &Node, key: Span, out: &mut Vec<Diagnostic>) -> Option<SlotType> {
    match builtin_type(shape::text(node, "`type` of a slot", out)?) {
        "text" => Some(SlotType::Text),
        "bool" => Some(SlotType::Bool),
        "list" => Some(SlotType::List),
        "any" => Some(SlotType::Any),
        "float" => Some(float(map, key, out)),
        "categorical" => Some(SlotType::Categorical { values: values(map, key, out) }),
        other => {
            let help = if other == "unfeaturized" {
                "Rasa 3 has no such type: use `any`, or `influence_conversation: false`".to_owned()
            } else if other.contains('.') {
                "Python classes cannot be loaded; choose a built-in type: text, bool, categorical, float, list, any"
                    .to_owned()
            } else {
                suggest::cure(other, SLOT_TYPES, "the types are text, bool, categorical, float, list and any")
            };
            out.push(
                Diagnostic::error(codes::BAD_SLOT, format!("the slot type `{other}` is not known"))
                    .at(node.span, "")
                    .help(help),
            );
            None
        }
    }
}

/// The short name of a type that is written as the path of Rasa's own class;
/// any other name as it stands.
pub(crate) fn builtin_type(name: &str) -> &str {
    let class = ["rasa.shared.core.slots.", "rasa.core.slots."].iter().find_map(|module| name.strip_prefix(module));
    match class {
        Some("TextSlot") => "text",
        Some("BooleanSlot") => "bool",
        Some("CategoricalSlot") => "categorical",
        Some("FloatSlot") => "float",
        Some("ListSlot") => "list",
        Some("AnySlot") => "any",
        // Rasa 2 had it.
        Some("UnfeaturizedSlot") => "unfeaturized",
        _ => name,
    }
}

fn float(map: &Map, key: Span, out: &mut Vec<Diagnostic>) -> SlotType {
    let mut bound = |name: &str, default: f64| {
        map.get(name).and_then(|node| shape::number(node, &format!("`{name}`"), out)).unwrap_or(default)
    };
    let (min_value, max_value) = (bound("min_value", 0.0), bound("max_value", 1.0));
    if min_value >= max_value {
        let span = map.get("min_value").or(map.get("max_value")).map_or(key, |node| node.span);
        out.push(
            Diagnostic::error(codes::BAD_SLOT, format!("`min_value` {min_value} is not below `max_value` {max_value}"))
                .at(span, "")
                .help("without them the bounds are 0.0 and 1.0"),
        );
    }
    SlotType::Float { min_value, max_value }
}

/// Values in their string form, lower-cased; null is ignored (spec §1.6).
fn values(map: &Map, key: Span, out: &mut Vec<Diagnostic>) -> Vec<String> {
    let items = map
        .get("values")
        .filter(|node| !node.is_null())
        .and_then(|node| shape::seq(node, "`values`", out))
        .unwrap_or_default();
    let values: Vec<String> =
        items.iter().filter(|item| !item.is_null()).map(|item| python_str(&item.to_json()).to_lowercase()).collect();
    if values.is_empty() {
        out.push(
            Diagnostic::warning(codes::NO_VALUES, "this categorical slot has no values")
                .at(key, "")
                .help("list them under `values:`"),
        );
    }
    values
}

fn mappings(
    what: &str,
    map: &Map,
    key: Span,
    places: &mut Vec<MappingPlace>,
    out: &mut Vec<Diagnostic>,
) -> Vec<SlotMapping> {
    let node = map.get("mappings").filter(|node| !node.is_null());
    let items = match node {
        Some(node) => shape::seq(node, "`mappings`", out),
        None => Some(&[] as &[Node]),
    };
    let Some(items) = items else { return Vec::new() };
    // An empty list is a way to say that only actions set the slot.
    if node.is_none() {
        out.push(
            Diagnostic::error(codes::BAD_SLOT, format!("{what} has no `mappings`"))
                .at(key, "")
                .help(format!("{MIGRATE}; or {SAY_MAPPING}")),
        );
    }
    let mut mappings = Vec::with_capacity(items.len());
    for item in items {
        if let Some(mapping) = mapping(item, out) {
            places.push(MappingPlace::of(item));
            mappings.push(mapping);
        }
    }
    mappings
}

fn mapping(node: &Node, out: &mut Vec<Diagnostic>) -> Option<SlotMapping> {
    let map = shape::map(node, "a slot mapping", out)?;
    shape::ignored_keys(map, &MAPPING_KEYS, "a slot mapping", out);
    let type_node = shape::required(map, "type", "a slot mapping", node.span, out)?;
    let name = shape::text(type_node, "`type` of a slot mapping", out)?;
    let mut optional = |key: &str| {
        let node = map.get(key).filter(|node| !node.is_null())?;
        shape::text(node, &format!("`{key}` of a slot mapping"), out).map(str::to_owned)
    };
    let (entity, role, group, action) = (optional("entity"), optional("role"), optional("group"), optional("action"));
    let what = format!("a `{name}` mapping");
    let kind = match name {
        "from_entity" => {
            given(map, "entity", &what, node.span, out)?;
            MappingKind::FromEntity { entity: entity?, role, group }
        }
        "from_text" => MappingKind::FromText,
        "from_intent" => MappingKind::FromIntent { value: given(map, "value", &what, node.span, out)?.to_json() },
        "from_trigger_intent" => {
            MappingKind::FromTriggerIntent { value: given(map, "value", &what, node.span, out)?.to_json() }
        }
        "custom" => MappingKind::Custom { action },
        other => {
            out.push(
                Diagnostic::error(codes::BAD_MAPPING, format!("the mapping type `{other}` is not known"))
                    .at(type_node.span, "")
                    .help(suggest::cure(
                        other,
                        MAPPING_TYPES,
                        "the types are from_entity, from_text, from_intent, from_trigger_intent and custom",
                    )),
            );
            return None;
        }
    };
    let mut names = |key: &str| -> Vec<String> {
        let texts =
            map.get(key).map(|node| shape::texts(node, &format!("`{key}` of a slot mapping"), out)).unwrap_or_default();
        texts.into_iter().map(|(name, _)| name).collect()
    };
    let (intent, not_intent) = (names("intent"), names("not_intent"));
    out.extend(idle_keys(map, &kind, &intent));
    Some(SlotMapping { kind, intent, not_intent, conditions: conditions(map, out) })
}

/// Keys of a mapping that are read and change nothing.
fn idle_keys(map: &Map, kind: &MappingKind, intent: &[String]) -> Vec<Diagnostic> {
    let (name, idle): (&str, &[&str]) = match kind {
        MappingKind::FromEntity { .. } => ("from_entity", &["value", "action"]),
        MappingKind::FromText => ("from_text", &["entity", "role", "group", "value", "action"]),
        MappingKind::FromIntent { .. } => ("from_intent", &["entity", "role", "group", "action"]),
        MappingKind::FromTriggerIntent { .. } => ("from_trigger_intent", &["entity", "role", "group", "action"]),
        MappingKind::Custom { .. } => ("custom", &["entity", "role", "group", "value"]),
    };
    let is_given = |key: &&&str| map.get(key).is_some_and(|node| !node.is_null());
    let mut found: Vec<Diagnostic> = idle
        .iter()
        .filter(is_given)
        .map(|key| idle_key(map, key, &format!("`{key}` has no effect in a `{name}` mapping")))
        .collect();
    if !intent.is_empty() && is_given(&&"not_intent") {
        found.push(idle_key(map, "not_intent", "`not_intent` has no effect beside `intent`"));
    }
    found
}

fn idle_key(map: &Map, key: &str, message: &str) -> Diagnostic {
    let place = map.entry(key).map_or_else(Span::default, |(key, _)| key.span);
    Diagnostic::warning(codes::UNKNOWN_KEY, message)
        .at(place, "")
        .help("remove it, or choose the mapping that reads it")
}

/// The value of a key that must be there and say something.
fn given<'n>(map: &'n Map, key: &str, what: &str, span: Span, out: &mut Vec<Diagnostic>) -> Option<&'n Node> {
    let node = shape::required(map, key, what, span, out)?;
    if node.is_null() {
        let text = format!("`{key}` of {what} has no value");
        out.push(
            Diagnostic::error(codes::MISSING_KEY, text).at(node.span, "").help(format!("write it behind `{key}:`")),
        );
        return None;
    }
    Some(node)
}

fn conditions(map: &Map, out: &mut Vec<Diagnostic>) -> Vec<MappingCondition> {
    let Some(node) = map.get("conditions").filter(|node| !node.is_null()) else { return Vec::new() };
    let mut conditions = Vec::new();
    for item in shape::seq(node, "`conditions` of a slot mapping", out).unwrap_or_default() {
        let Some(map) = shape::map(item, "a condition of a slot mapping", out) else { continue };
        shape::unknown_keys(map, &["active_loop", "requested_slot"], "a condition of a slot mapping", out);
        let is_slip = |key: &str| suggest::nearest(key, ["active_loop", "requested_slot"]).is_some();
        if !map.iter().any(|(key, _)| is_slip(&key.name)) {
            out.push(
                Diagnostic::warning(
                    codes::CONDITION_WITHOUT_FORM,
                    "this condition names no form: it holds while none is active",
                )
                .at(item.span, "")
                .help("write `active_loop: <form>`, `active_loop: null` if that is meant, or remove it"),
            );
        }
        let mut optional = |key: &str| {
            let node = map.get(key).filter(|node| !node.is_null())?;
            shape::text(node, &format!("`{key}`"), out).map(str::to_owned)
        };
        conditions.push(MappingCondition {
            active_loop: optional("active_loop"),
            requested_slot: optional("requested_slot"),
        });
    }
    conditions
}

/// Slots that Rasa adds (spec §1.6): `requested_slot` if there are forms, three
/// for the knowledge base action, `session_started_metadata`. One that the
/// developer defined stays.
pub(super) fn add_implicit_slots(domain: &mut Domain) {
    let implicit = |slot_type| Slot { slot_type, is_implicit: true, ..unfeatured() };
    let mut add = |name: &str, slot_type| {
        domain.slots.entry(name.to_owned()).or_insert_with(|| implicit(slot_type));
    };
    if !domain.forms.is_empty() {
        add("requested_slot", SlotType::Text);
    }
    if domain.actions.iter().any(|action| action.name == "action_query_knowledge_base") {
        KNOWLEDGE_BASE_SLOTS.into_iter().for_each(|name| add(name, SlotType::Text));
    }
    add("session_started_metadata", SlotType::Any);
}
