//! Slots from the last message: `action_extract_slots` (spec §3.7).

use sapa_project::domain::{MappingCondition, MappingKind, Slot, SlotMapping, SlotType};
use sapa_sdk::{Event, EventBody};
use serde_json::{Value, json};

use crate::action::remote::{call_remote, remote_events_or_none};
use crate::turn::{Pending, Replies, Scene};

/// The action that fills slots from the last message.
pub(crate) const EXTRACT_SLOTS: &str = "action_extract_slots";

/// Runs the mappings of every slot and then `action_validate_slot_mappings`.
/// Returns slot events, and the bot events of validation.
pub(crate) fn extract_slots(scene: &Scene<'_>, replies: &mut Replies) -> Result<Vec<Event>, Pending> {
    let domain = &scene.model.domain;
    let mut candidates: Vec<Event> = Vec::new();
    let mut ran: Vec<(String, Vec<Event>)> = Vec::new();
    for (name, slot) in domain.slots.iter().filter(|(_, slot)| !slot.is_implicit) {
        for mapping in &slot.mappings {
            if !applies(scene, name, mapping) {
                continue;
            }
            if let MappingKind::Custom { action: Some(action) } = &mapping.kind {
                // As in Rasa, the mappings after it still count.
                custom_mapping(scene, action, replies, &mut ran, &mut candidates)?;
                continue;
            }
            let Some(value) = value(scene, slot, mapping) else { continue };
            // A null clears what is set, and is no value for what is not: then the
            // next mapping is looked at.
            if !value.is_null() || !scene.view.slot(name).is_null() {
                candidates.push(Event::new(scene.now, EventBody::Slot { name: name.clone(), value }));
                break;
            }
        }
    }
    validate(scene, candidates, replies)
}

/// A mapping's action runs once a turn; only its slots count: messages are dropped
/// [quirk] (`ActionExtractSlots._execute_validation_action`).
fn custom_mapping(
    scene: &Scene<'_>,
    action: &str,
    replies: &mut Replies,
    ran: &mut Vec<(String, Vec<Event>)>,
    candidates: &mut Vec<Event>,
) -> Result<(), Pending> {
    if ran.iter().any(|(name, _)| name == action) {
        return Ok(());
    }
    let events = match call_remote(scene, action, replies)? {
        Ok(response) => remote_events_or_none(scene, response, replies)?,
        Err(failure) => {
            replies.warn(format!("action `{action}`: {failure}"));
            Vec::new()
        }
    };
    ran.push((action.to_owned(), events.clone()));
    candidates.extend(events.into_iter().filter(|e| matches!(e.body, EventBody::Slot { .. })));
    Ok(())
}

/// `action_validate_slot_mappings`, when the domain lists it, may change the
/// candidates. It is called without any, too: it may have slots to extract
/// itself (spec §4.4). What it says comes first.
fn validate(scene: &Scene<'_>, mut candidates: Vec<Event>, replies: &mut Replies) -> Result<Vec<Event>, Pending> {
    const VALIDATION: &str = "action_validate_slot_mappings";
    if !scene.model.domain.is_custom_action(VALIDATION) {
        return Ok(candidates);
    }
    let mut trial = scene.fork();
    candidates.iter().for_each(|e| trial.push_event(e.clone()));
    let response = match call_remote(&trial, VALIDATION, replies)? {
        Ok(response) => response,
        Err(failure) => {
            replies.warn(format!("action `{VALIDATION}`: {failure}"));
            return Ok(candidates);
        }
    };
    let mut events: Vec<Event> = remote_events_or_none(&trial, response, replies)?
        .into_iter()
        .filter(|e| matches!(e.body, EventBody::Slot { .. } | EventBody::Bot { .. }))
        .collect();
    candidates.retain(|candidate| !events.iter().any(|event| slot_name(event) == slot_name(candidate)));
    events.append(&mut candidates);
    Ok(events)
}

/// The slot that an event sets.
pub(crate) fn slot_name(event: &Event) -> Option<&str> {
    match &event.body {
        EventBody::Slot { name, .. } => Some(name),
        _ => None,
    }
}

fn applies(scene: &Scene<'_>, slot_name: &str, mapping: &SlotMapping) -> bool {
    is_known(scene, mapping)
        && intent_allows(scene, mapping)
        && conditions_hold(scene, slot_name, mapping)
        && is_unique(scene, slot_name, mapping)
}

/// Mappings of entities or intents that the domain does not know are skipped.
fn is_known(scene: &Scene<'_>, mapping: &SlotMapping) -> bool {
    let domain = &scene.model.domain;
    match &mapping.kind {
        MappingKind::FromEntity { entity, .. } => domain.entities.contains_key(entity),
        MappingKind::FromIntent { .. } => mapping.intent.iter().all(|intent| domain.intents.contains_key(intent)),
        _ => true,
    }
}

/// An explicit intent beats the form's `ignored_intents` (spec §3.7, step 2).
fn intent_allows(scene: &Scene<'_>, mapping: &SlotMapping) -> bool {
    let intent = scene.view.latest_intent().unwrap_or_default().to_owned();
    if !mapping.intent.is_empty() {
        return mapping.intent.contains(&intent);
    }
    !mapping.not_intent.contains(&intent) && !is_ignored_by_form(scene, mapping, &intent)
}

fn is_ignored_by_form(scene: &Scene<'_>, mapping: &SlotMapping, intent: &str) -> bool {
    let Some(name) = scene.view.active_loop_name() else { return false };
    let speaks_of_loop = mapping.conditions.is_empty()
        || mapping.conditions.iter().any(|condition| condition.active_loop.as_deref() == Some(name));
    let form = scene.model.domain.forms.get(name);
    speaks_of_loop && form.is_some_and(|form| form.ignored_intents.iter().any(|ignored| ignored == intent))
}

fn conditions_hold(scene: &Scene<'_>, slot_name: &str, mapping: &SlotMapping) -> bool {
    if let MappingKind::FromTriggerIntent { .. } = mapping.kind {
        let Some(name) = scene.view.active_loop_name() else { return false };
        return mapping.conditions.is_empty()
            || mapping.conditions.iter().any(|condition| condition.active_loop.as_deref() == Some(name));
    }
    if mapping.conditions.is_empty() {
        return true;
    }
    let rejected = scene.view.active_loop.as_ref().is_some_and(|active| active.rejected);
    if rejected && scene.view.slot("requested_slot").as_str() == Some(slot_name) {
        return false;
    }
    mapping.conditions.iter().any(|condition| condition_holds(scene, condition))
}

fn condition_holds(scene: &Scene<'_>, condition: &MappingCondition) -> bool {
    match (&condition.active_loop, scene.view.active_loop_name()) {
        (None, active) => active.is_none(),
        (Some(wanted), Some(active)) if wanted == active => {
            condition.requested_slot.is_none()
                || condition.requested_slot.as_deref() == scene.view.slot("requested_slot").as_str()
        }
        _ => false,
    }
}

/// An entity that could fill several slots of the form fills only the requested
/// one (spec §3.7, step 4).
fn is_unique(scene: &Scene<'_>, slot_name: &str, mapping: &SlotMapping) -> bool {
    let MappingKind::FromEntity { .. } = mapping.kind else { return true };
    let domain = &scene.model.domain;
    let Some(form) = scene.view.active_loop_name().and_then(|name| domain.forms.get(name)) else { return true };
    let requested = scene.view.slot("requested_slot").as_str() == Some(slot_name);
    if requested || !form.required_slots.iter().any(|slot| slot == slot_name) {
        return true;
    }
    let others = form.required_slots.iter().filter(|other| *other != slot_name);
    !others.filter_map(|other| domain.slots.get(other)).any(|other| other.mappings.contains(mapping))
}

/// A slot of type `list` gets all values as a list, whatever the mapping; any other
/// the last one.
fn value(scene: &Scene<'_>, slot: &Slot, mapping: &SlotMapping) -> Option<Value> {
    let mut values: Vec<Value> = match &mapping.kind {
        MappingKind::FromEntity { entity, role, group } => scene
            .view
            .latest_entities()
            .iter()
            .filter(|e| e.entity == *entity && e.role == *role && e.group == *group)
            .map(|e| e.value.clone())
            .collect(),
        MappingKind::FromText => vec![json!(scene.view.latest_message.as_ref()?.text)],
        MappingKind::FromIntent { value } | MappingKind::FromTriggerIntent { value } => vec![value.clone()],
        MappingKind::Custom { .. } => return None,
    };
    match slot.slot_type {
        SlotType::List if !values.is_empty() => Some(Value::Array(values)),
        _ => values.pop(),
    }
}
