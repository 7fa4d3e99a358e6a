//! Steps as events.

use std::sync::Arc;

use sapa_project::Span;
use sapa_project::domain::{Domain, MappingKind, SlotType};
use sapa_project::story::{SlotStep, Step, StepKind, UserStep};
use sapa_sdk::{Entity, Event, EventBody, IntentPrediction, ParseData};
use serde_json::{Value, json};

use super::TrainingEvent;
use crate::state::SHOULD_NOT_BE_SET;

/// Writes the events of steps, one after the other.
pub(super) struct Writer<'a> {
    domain: &'a Domain,
    is_rule: bool,
    pub(super) events: Vec<TrainingEvent>,
    pub(super) user_turns: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(domain: &'a Domain, is_rule: bool) -> Self {
        Self { domain, is_rule, events: Vec::new(), user_turns: 0 }
    }

    fn push(&mut self, body: EventBody, span: Span) {
        let event = Event::new(self.events.len() as f64, body);
        self.events.push(TrainingEvent { event, span, unpredictable: false });
    }

    pub(super) fn action(&mut self, name: &str, span: Span) {
        let first =
            !self.events.iter().any(|e| matches!(e.event.body, EventBody::Action { .. } | EventBody::User { .. }));
        self.push(action_event(Some(name), None), span);
        if let Some(last) = self.events.last_mut() {
            last.unpredictable = first && name != "action_listen";
        }
    }

    fn ends_with_listen(&self) -> bool {
        self.events.last().is_some_and(
            |e| matches!(&e.event.body, EventBody::Action { name: Some(name), .. } if name == "action_listen"),
        )
    }

    /// Adds `action_listen` unless it is already the last event.
    pub(super) fn listen(&mut self, span: Span) {
        if !self.ends_with_listen() {
            self.push(action_event(Some("action_listen"), None), span);
        }
    }

    /// Writes one step; `Or` and `Checkpoint` are resolved by the caller.
    pub(super) fn step(&mut self, step: &Step) {
        match &step.kind {
            StepKind::User(user) => self.user(user, step.span),
            StepKind::Action(name) => self.action(name, step.span),
            StepKind::Bot(text) => self.push(action_event(None, Some(text)), step.span),
            StepKind::SlotWasSet(slots) => slots.iter().for_each(|slot| self.slot(slot)),
            StepKind::ActiveLoop(name) => {
                let name = match name {
                    None if self.is_rule => Some(SHOULD_NOT_BE_SET.to_owned()),
                    name => name.clone(),
                };
                self.push(EventBody::ActiveLoop { name }, step.span);
            }
            StepKind::Or(_) | StepKind::Checkpoint { .. } => {}
        }
    }

    fn slot(&mut self, slot: &SlotStep) {
        let value = match &slot.value {
            None => default_value(self.domain, &slot.name),
            Some(Value::Null) if self.is_rule => json!(SHOULD_NOT_BE_SET),
            Some(value) => value.clone(),
        };
        self.push(EventBody::Slot { name: slot.name.clone(), value }, slot.span);
    }

    fn user(&mut self, user: &UserStep, span: Span) {
        self.user_turns += 1;
        self.listen(span);
        let entities: Vec<Entity> = user
            .entities
            .iter()
            .map(|e| {
                let mut entity = Entity::bare(e.entity.clone(), e.value.clone());
                (entity.role, entity.group) = (e.role.clone(), e.group.clone());
                (entity.start, entity.end) = e.range.map_or((None, None), |(start, end)| (Some(start), Some(end)));
                entity
            })
            .collect();
        let intent = match &user.intent {
            Some(name) => IntentPrediction::new(name.clone(), 1.0),
            None => IntentPrediction::default(),
        };
        // With an intent, the text is for tests only: policies learn the intent.
        let text = if user.intent.is_some() { None } else { user.text.clone() };
        let slots = automatic_slots(self.domain, &entities);
        let parse_data = Arc::new(ParseData { text: text.clone(), intent, entities, ..ParseData::default() });
        self.push(EventBody::User { text, parse_data, input_channel: None, message_id: None }, span);
        for (name, value) in slots {
            self.push(EventBody::Slot { name, value }, span);
        }
    }
}

fn action_event(name: Option<&str>, text: Option<&str>) -> EventBody {
    EventBody::Action {
        name: name.map(str::to_owned),
        policy: None,
        confidence: None,
        action_text: text.map(str::to_owned),
        hide_rule_turn: false,
    }
}

/// The value of a slot that a story only names (spec §1.5).
fn default_value(domain: &Domain, name: &str) -> Value {
    match domain.slots.get(name).map(|slot| &slot.slot_type) {
        Some(SlotType::Text) => json!("filled"),
        Some(SlotType::List) => json!(["filled"]),
        _ => Value::Null,
    }
}

/// Slots that a story's entities set by themselves: mappings from an entity
/// whose first condition names no loop (spec §1.5).
fn automatic_slots(domain: &Domain, entities: &[Entity]) -> Vec<(String, Value)> {
    if !domain.store_entities_as_slots {
        return Vec::new();
    }
    let mut slots = Vec::new();
    for (name, slot) in &domain.slots {
        for mapping in &slot.mappings {
            let MappingKind::FromEntity { entity, role, group } = &mapping.kind else { continue };
            if mapping.conditions.first().is_some_and(|condition| condition.active_loop.is_some()) {
                continue;
            }
            let values: Vec<&Value> = entities
                .iter()
                .filter(|e| e.entity == *entity && e.role == *role && e.group == *group)
                .map(|e| &e.value)
                .collect();
            let Some(last) = values.last() else { continue };
            let value = match slot.slot_type {
                SlotType::List => json!(values),
                _ => (*last).clone(),
            };
            slots.push((name.clone(), value));
            break;
        }
    }
    slots
}
