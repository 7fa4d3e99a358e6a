//! The mappings of one slot: those of forms become conditional ones.

use super::map_of;
use crate::Span;
use crate::yaml::{Key, Map, Node, Yaml};

/// How a form fills one of its slots.
pub(super) struct Filling {
    /// The form.
    pub form: String,
    /// The slot, and where the form names it.
    pub slot: Key,
    /// Its mappings in the form.
    pub mappings: Node,
}

impl Filling {
    /// Adds the form's mappings to the slot, each with the form as condition; one
    /// that the slot has already gets a further condition.
    pub fn add_to(&self, slot: &mut Node) {
        for mapping in self.mappings() {
            let condition = self.condition(&mapping);
            let Some(existing) = list(slot, "mappings") else { return };
            let same = existing.iter_mut().find(|known| is_same(known, &mapping) && is_conditional(known));
            let place = match same {
                Some(known) => known,
                None => {
                    existing.push(mapping);
                    let Some(added) = existing.last_mut() else { return };
                    added
                }
            };
            if let Some(conditions) = list(place, "conditions") {
                conditions.push(condition);
            }
        }
    }

    /// The mappings as written; without any, the entity of the slot's name, as in
    /// Rasa 2.
    fn mappings(&self) -> Vec<Node> {
        let written = match &self.mappings.value {
            Yaml::Seq(items) => items.clone(),
            Yaml::Map(_) => vec![self.mappings.clone()],
            _ => Vec::new(),
        };
        if !written.is_empty() {
            return written;
        }
        vec![Node::map([("type", Node::text("from_entity")), ("entity", Node::text(&self.slot.name))])]
    }

    /// While the form is active and, where anything said would do, asks for this
    /// slot.
    fn condition(&self, mapping: &Node) -> Node {
        let kind = mapping.as_map().and_then(|map| map.get("type")).and_then(Node::as_str);
        let mut entries = vec![("active_loop", Node::text(&self.form))];
        if !matches!(kind, Some("from_entity" | "from_trigger_intent")) {
            entries.push(("requested_slot", Node::text(&self.slot.name)));
        }
        Node::map(entries)
    }
}

/// Adds a mapping without conditions, unless it is there.
pub(super) fn add_plain(slot: &mut Node, mapping: Node) {
    if let Some(existing) = list(slot, "mappings")
        && !existing.iter().any(|known| is_same(known, &mapping) && !is_conditional(known))
    {
        existing.push(mapping);
    }
}

/// Whether the slot has no mappings.
pub(super) fn is_empty(slot: &Node) -> bool {
    let mappings = slot.as_map().and_then(|map| map.get("mappings")).and_then(Node::as_seq);
    mappings.is_none_or(<[Node]>::is_empty)
}

/// The list under a key of a mapping, made where it is missing.
fn list<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Vec<Node>> {
    let map = map_of(node)?;
    if map.get(key).is_none_or(|node| node.as_seq().is_none()) {
        map.entries.retain(|(name, _)| name.name != key);
        let name = Key { name: key.to_owned(), span: Span::default() };
        map.entries.push((name, Node::new(Yaml::Seq(Vec::new()))));
    }
    match &mut map.entries.iter_mut().find(|(name, _)| name.name == key)?.1.value {
        Yaml::Seq(items) => Some(items),
        _ => None,
    }
}

fn is_conditional(mapping: &Node) -> bool {
    mapping.as_map().is_some_and(|map| map.get("conditions").is_some())
}

/// Whether two mappings are equal but for their conditions and places.
fn is_same(left: &Node, right: &Node) -> bool {
    let bare = |node: &Node| {
        let map = node.as_map().map(|map| Map {
            entries: map.entries.iter().filter(|(key, _)| key.name != "conditions").cloned().collect(),
        });
        map.map(|map| crate::shape::json_map(&map))
    };
    bare(left).is_some() && bare(left) == bare(right)
}
