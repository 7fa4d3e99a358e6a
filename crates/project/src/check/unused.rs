//! Slots and actions of the domain that nothing in the project uses. Notes only:
//! code that is not looked at may use them.

use crate::domain::{MappingKind, ResponseVariation, Slot};
use crate::load::all_steps;
use crate::{Diagnostic, Project, Span, StepKind, codes, suggest};
use std::collections::{BTreeMap, BTreeSet};

use super::fallback_actions;
use super::responses::placeholders_of;

/// Actions that Rasa calls by their names.
const CALLED_BY_NAME: [&str; 2] = ["validate_", "action_ask_"];

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    if project.stories.is_empty() {
        return;
    }
    slots(project, out);
    actions(project, out);
}

fn slots(project: &Project, out: &mut Vec<Diagnostic>) {
    let domain = &project.domain;
    let mut used: BTreeSet<String> = BTreeSet::new();
    for step in project.stories.iter().flat_map(all_steps) {
        if let StepKind::SlotWasSet(slots) | StepKind::Checkpoint { slots, .. } = &step.kind {
            used.extend(slots.iter().map(|slot| slot.name.clone()));
        }
    }
    used.extend(domain.forms.values().flat_map(|form| form.required_slots.iter().cloned()));
    used.extend(domain.responses.values().flatten().flat_map(used_by_response));
    let conditions = domain.slots.values().flat_map(|slot| &slot.mappings).flat_map(|mapping| &mapping.conditions);
    used.extend(conditions.filter_map(|condition| condition.requested_slot.clone()));
    // Policies see some in every state; broken ones have a finding of their own.
    let is_idle = |slot: &Slot| !slot.influence_conversation && !slot.mappings.is_empty();
    let unused = project
        .domain_spans
        .slots
        .iter()
        .filter(|(name, _)| !used.contains(*name) && domain.slots.get(*name).is_some_and(is_idle));
    for (name, span) in unused {
        out.push(
            Diagnostic::note(codes::UNUSED_SLOT, format!("no story, form or response uses the slot `{name}`"))
                .at(*span, "unless a custom action reads it, it is set for nobody"),
        );
    }
}

fn used_by_response(variation: &ResponseVariation) -> Vec<String> {
    let conditions = variation.condition.iter().map(|condition| condition.name.clone());
    conditions.chain(placeholders_of(variation)).collect()
}

/// `validate_…` is called for the form of that name only: where there are forms,
/// another name is a slip that switches validation off.
fn validates_no_form(name: &str, span: Span, project: &Project) -> Option<Diagnostic> {
    let form = name.strip_prefix("validate_")?;
    let forms = &project.domain.forms;
    if forms.contains_key(form) || forms.is_empty() {
        return None;
    }
    let known = forms.keys().map(String::as_str);
    let finding = Diagnostic::warning(
        codes::NO_SUCH_FORM,
        format!("`{name}` validates the form `{form}`, which is not in the domain"),
    )
    .at(span, "it is never called");
    Some(finding.help(suggest::cure(form, known, "name it after a form, or remove it")))
}

fn actions(project: &Project, out: &mut Vec<Diagnostic>) {
    let domain = &project.domain;
    let mut used: BTreeSet<&str> = crate::domain::DEFAULT_ACTIONS.into_iter().collect();
    for step in project.stories.iter().flat_map(all_steps) {
        match &step.kind {
            StepKind::Action(name) | StepKind::ActiveLoop(Some(name)) => _ = used.insert(name),
            _ => {}
        }
    }
    for mapping in domain.slots.values().flat_map(|slot| &slot.mappings) {
        if let MappingKind::Custom { action: Some(action) } = &mapping.kind {
            used.insert(action);
        }
    }
    used.extend(fallback_actions(project).map(|(_, name)| name));
    let is_called = |name: &str| {
        CALLED_BY_NAME.iter().any(|start| name.starts_with(start)) || name == "action_validate_slot_mappings"
    };
    for (name, span) in &project.domain_spans.actions {
        out.extend(validates_no_form(name, *span, project).filter(|_| !used.contains(name.as_str())));
    }
    // A response or form that is listed as an action is noted as such.
    let is_custom = |name: &str| !domain.responses.contains_key(name) && !domain.forms.contains_key(name);
    let listed: &BTreeMap<String, Span> = &project.domain_spans.actions;
    let unused = listed.iter().filter(|(name, _)| !used.contains(name.as_str()) && !is_called(name) && is_custom(name));
    for (name, span) in unused {
        out.push(
            Diagnostic::note(codes::UNUSED_ACTION, format!("no story, rule or slot uses the action `{name}`"))
                .at(*span, "unless another action follows up with it, it never runs"),
        );
    }
}
