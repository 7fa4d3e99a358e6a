//! Values that are given to categorical and bool slots, against those that they
//! can have.

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
        let place = project.domain_spans.initial_values.get(name).copied();
        out.extend(place.and_then(|span| impossible(name, slot, &slot.initial_value, "its initial value", span)));
        let places = project.domain_spans.mappings.get(name).map(Vec::as_slice).unwrap_or_default();
        for (mapping, place) in slot.mappings.iter().zip(places) {
            if let MappingKind::FromIntent { value } | MappingKind::FromTriggerIntent { value } = &mapping.kind {
                out.extend(impossible(name, slot, value, "a mapping", place.of_value("value", value)));
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

/// A finding when `who` gives a slot a value that it cannot have.
fn impossible(name: &str, slot: &Slot, value: &Value, who: &str, span: Span) -> Option<Diagnostic> {
    match &slot.slot_type {
        SlotType::Categorical { values } => not_listed(name, values, value, who, span),
        SlotType::Bool => word_for_bool(name, value, who, span),
        SlotType::Float { .. } => no_number(name, value, who, span),
        _ => None,
    }
}

/// In YAML 1.2, which Rasa reads, `yes` is a text: it is neither true nor false,
/// for features as for conditions.
fn word_for_bool(name: &str, value: &Value, who: &str, span: Span) -> Option<Diagnostic> {
    let word = value.as_str()?;
    let cure = match word.trim().to_lowercase().as_str() {
        "yes" | "on" => "write `true`",
        "no" | "off" => "write `false`",
        // What Rasa's slot takes for a bool.
        "true" | "false" => return None,
        digits if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => return None,
        _ => "write `true` or `false`, or give the slot another type",
    };
    let text = format!("{who} gives the bool slot `{name}` the text `{word}`, which is neither true nor false");
    let finding = Diagnostic::warning(codes::WORD_FOR_BOOL, text).at(span, "text in YAML 1.2, and in Rasa");
    Some(finding.help(cure))
}

/// A text that is no number: to features it is as if the slot were empty.
fn no_number(name: &str, value: &Value, who: &str, span: Span) -> Option<Diagnostic> {
    let text = value.as_str().filter(|text| text.trim().parse::<f64>().is_err())?;
    let message = format!("{who} gives the float slot `{name}` the text `{text}`, which is no number");
    let finding = Diagnostic::warning(codes::NO_NUMBER, message).at(span, "");
    Some(finding.help("write a number, or give the slot another type, such as `text`"))
}

/// A value that is not among those of a categorical slot: features and conditions
/// take it for "any other".
fn not_listed(name: &str, values: &[String], value: &Value, who: &str, span: Span) -> Option<Diagnostic> {
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
