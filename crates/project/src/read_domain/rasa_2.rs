//! Telling a domain of Rasa 2 from a mistake in one of Rasa 3.

use crate::yaml::{Map, Node};
use crate::{Diagnostic, Span, codes};

/// Slots without mappings from which on they are no slip.
const NO_SLIP: usize = 2;

/// One line above the many about single slots and forms.
pub(super) fn finding(map: &Map) -> Option<Diagnostic> {
    let place = forms_with_mappings(map).or_else(|| slots_without_mappings(map))?;
    let finding = Diagnostic::error(codes::RASA_2_DOMAIN, "this is a domain of Rasa 2")
        .at(place, "slots say how they are filled since Rasa 3")
        .help("run `sapa data migrate`: it writes the domain in the form of Rasa 3 into `new_domain.yml`; put that in the place of this one");
    Some(finding)
}

/// Rasa 2 mapped slots in its forms: `form: {required_slots: {slot: [...]}}`, or
/// without the key `required_slots`.
fn forms_with_mappings(map: &Map) -> Option<Span> {
    let (key, forms) = map.entry("forms")?;
    let is_mapping = |node: &Node| node.as_map().is_some_and(|mapping| mapping.get("type").is_some());
    let has_mappings =
        |slots: &Map| slots.iter().any(|(_, slot)| slot.as_seq().is_some_and(|all| all.iter().any(is_mapping)));
    let is_old = |form: &Node| {
        let form = form.as_map()?;
        form.get("required_slots").map_or(Some(form), Node::as_map).map(has_mappings)
    };
    forms.as_map()?.iter().any(|(_, form)| is_old(form) == Some(true)).then_some(key.span)
}

/// No slot of the file says how it is filled.
fn slots_without_mappings(map: &Map) -> Option<Span> {
    let (key, slots) = map.entry("slots")?;
    let slots = slots.as_map()?;
    let is_old =
        |slot: &Node| slot.as_map().is_some_and(|slot| slot.get("type").is_some() && slot.get("mappings").is_none());
    (slots.entries.len() >= NO_SLIP && slots.iter().all(|(_, slot)| is_old(slot))).then_some(key.span)
}
