//! Slots that a form asks for and that nothing can fill while it runs: the form
//! would ask for ever.

use crate::domain::{MappingKind, SlotMapping};
use crate::{Diagnostic, Domain, Project, codes};

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    let domain = &project.domain;
    // Both may fill any slot.
    let is_free = |form: &str| {
        domain.is_custom_action(&format!("validate_{form}")) || domain.is_custom_action("action_validate_slot_mappings")
    };
    for (name, form) in domain.forms.iter().filter(|(name, _)| !is_free(name)) {
        let places = project.domain_spans.required_slots.get(name).map(Vec::as_slice).unwrap_or_default();
        for (slot, span) in form.required_slots.iter().zip(places) {
            // One that is not known or broken has a finding of its own.
            let Some(known) = domain.slots.get(slot).filter(|known| !known.mappings.is_empty()) else { continue };
            let left_to_nobody = |mapping: &SlotMapping| is_left_to_nobody(mapping, domain);
            let is_filled = known.mappings.iter().any(|mapping| fills(mapping, name, slot) && !left_to_nobody(mapping));
            if is_filled || is_asked_by_action(project, name, slot) {
                continue;
            }
            let (label, cure) = if known.mappings.iter().any(left_to_nobody) {
                (
                    "only a custom action sets it, and the domain lists none",
                    "list the action that sets it under `actions:`, or add another mapping".to_owned(),
                )
            } else {
                (
                    "this mapping does not apply then",
                    format!("add a mapping with `conditions: [{{active_loop: {name}}}]`, or one without conditions"),
                )
            };
            let mut finding = Diagnostic::warning(
                codes::FORM_SLOT_UNFILLED,
                format!("the form `{name}` asks for the slot `{slot}`, which no mapping fills while it runs"),
            )
            .at(*span, "asked for again and again");
            if let Some(mapping) = project.domain_spans.mappings.get(slot).and_then(|places| places.first()) {
                finding = finding.at(mapping.span, label);
            }
            out.push(finding.help(cure));
        }
    }
}

/// Whether a mapping may fill the slot while the form runs and asks for it (spec
/// §3.7, step 3).
fn fills(mapping: &SlotMapping, form: &str, slot: &str) -> bool {
    let is_trigger = matches!(mapping.kind, MappingKind::FromTriggerIntent { .. });
    mapping.conditions.is_empty()
        || mapping.conditions.iter().any(|condition| {
            let is_asked = condition.requested_slot.as_deref().is_none_or(|requested| requested == slot);
            condition.active_loop.as_deref() == Some(form) && (is_asked || is_trigger)
        })
}

/// A `custom` mapping leaves the slot to custom actions: there must be some.
fn is_left_to_nobody(mapping: &SlotMapping, domain: &Domain) -> bool {
    let is_action = |name: &str| !domain.responses.contains_key(name) && !name.starts_with("utter_");
    matches!(mapping.kind, MappingKind::Custom { .. }) && !domain.actions.iter().any(|action| is_action(&action.name))
}

/// An action that asks may fill the slot itself.
fn is_asked_by_action(project: &Project, form: &str, slot: &str) -> bool {
    [format!("action_ask_{form}_{slot}"), format!("action_ask_{slot}")]
        .iter()
        .any(|name| project.domain.is_custom_action(name))
}
