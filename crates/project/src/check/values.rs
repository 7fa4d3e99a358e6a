//! Values that are given to categorical slots, against those that they can have.

use super::responses::variations;
use crate::domain::{MappingKind, Slot, SlotType};
use crate::load::all_steps;
use crate::python::python_str;
use crate::{Diagnostic, Project, Span, StepKind, codes, suggest};
use serde_json::Value;

/// Rasa's name for any value that is not listed.
const OTHER: &str = "__other__";

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    for (name, slot) in &project.domain.slots {
        let key = project.domain_spans.slots.get(name).copied();
        out.extend(key.and_then(|span| impossible(name, slot, &slot.initial_value, "its initial value", span)));
        let places = project.domain_spans.mappings.get(name).map(Vec::as_slice).unwrap_or_default();
        for (mapping, span) in slot.mappings.iter().zip(places) {
            if let MappingKind::FromIntent { value } | MappingKind::FromTriggerIntent { value } = &mapping.kind {
                out.extend(impossible(name, slot, value, "a mapping", *span));
            }
        }
    }
    for step in project.stories.iter().flat_map(all_steps) {
        let (StepKind::SlotWasSet(slots) | StepKind::Checkpoint { slots, .. }) = &step.kind else { continue };
        for set in slots {
            let slot = project.domain.slots.get(&set.name);
            let value = set.value.as_ref().unwrap_or(&Value::Null);
            out.extend(slot.and_then(|slot| impossible(&set.name, slot, value, "this step", set.span)));
        }
    }
    for (_, variation, span) in variations(project) {
        for condition in &variation.condition {
            let slot = project.domain.slots.get(&condition.name);
            let finding =
                |slot| impossible(&condition.name, slot, &condition.value, "a condition of this response", span);
            out.extend(slot.and_then(finding));
        }
    }
}

/// A finding when the slot is categorical and `who` gives it a value that is not
/// among its values: features and conditions take it for "any other".
fn impossible(name: &str, slot: &Slot, value: &Value, who: &str, span: Span) -> Option<Diagnostic> {
    let SlotType::Categorical { values } = &slot.slot_type else { return None };
    let given = python_str(value).to_lowercase();
    if value.is_null() || values.is_empty() || given == OTHER || values.contains(&given) {
        return None;
    }
    let text = format!("{who} gives the slot `{name}` the value `{given}`, which is not among its `values`");
    let cure = suggest::cure(
        &given,
        values.iter().map(String::as_str),
        &format!("add `- {given}` to the `values` of `{name}`"),
    );
    Some(Diagnostic::warning(codes::IMPOSSIBLE_VALUE, text).at(span, "").help(cure))
}
