//! Forms (spec §3.6).

use sapa_project::domain::{Form, MappingKind};
use sapa_sdk::{Event, EventBody};
use serde_json::Value;

use super::default::requested_slot;
use super::remote::{call_remote, remote_events};
use super::{Outcome, apology};
use crate::extraction::{EXTRACT_SLOTS, slot_name};
use crate::turn::{ActionFailure, Pending, Replies, Scene};

/// A step of the form that cannot go on.
enum Stop {
    Pending(Pending),
    Rejected,
    Failed { events: Vec<Event>, reason: String },
}

impl From<Pending> for Stop {
    fn from(pending: Pending) -> Self {
        Self::Pending(pending)
    }
}

/// Runs a form once: activates, validates and asks, or ends it.
pub(super) fn run(scene: &Scene<'_>, name: &str, replies: &mut Replies) -> Result<Outcome, Pending> {
    let Some(form) = scene.model.domain.forms.get(name) else {
        return Ok(Outcome::Failed { events: Vec::new(), reason: format!("no form `{name}`") });
    };
    match (FormRun { scene, name, form, replies }).run() {
        Ok(events) => Ok(Outcome::Ran(events)),
        Err(Stop::Pending(pending)) => Err(pending),
        Err(Stop::Rejected) => Ok(Outcome::Rejected),
        Err(Stop::Failed { events, reason }) => Ok(Outcome::Failed { events, reason }),
    }
}

struct FormRun<'a, 's> {
    scene: &'a Scene<'s>,
    name: &'a str,
    form: &'a Form,
    replies: &'a mut Replies,
}

impl FormRun<'_, '_> {
    fn run(&mut self) -> Result<Vec<Event>, Stop> {
        let is_active = self.scene.view.active_loop_name() == Some(self.name);
        let mut events = if is_active { Vec::new() } else { self.activate()? };
        if !is_done(&events) {
            self.go_on(is_active, &mut events)?;
        }
        if is_done(&events) {
            events.push(self.event(EventBody::ActiveLoop { name: None }));
        }
        Ok(events)
    }

    fn event(&self, body: EventBody) -> Event {
        Event::new(self.scene.now, body)
    }

    /// The loop begins; slots that the triggering message fills are validated
    /// with those that are already filled.
    fn activate(&mut self) -> Result<Vec<Event>, Stop> {
        let start = self.event(EventBody::ActiveLoop { name: Some(self.name.to_owned()) });
        let mut inside = self.scene.fork();
        inside.push_event(start.clone());
        // By name: bots have actions of their own under it (spec §1.6).
        let extracted = match super::run(&inside, EXTRACT_SLOTS, self.replies)? {
            Outcome::Ran(events) | Outcome::Failed { events, .. } => events,
            Outcome::Rejected => Vec::new(),
        };
        inside.push_all(&extracted);
        let filled: Vec<(String, Value)> = self
            .form
            .required_slots
            .iter()
            .map(|slot| (slot.clone(), inside.view.slot(slot).clone()))
            .filter(|(_, value)| !value.is_null())
            .collect();
        let mut events = vec![start];
        if !self.has_validation() {
            events.extend(extracted);
            return Ok(events);
        }
        // With what the extraction found, so that actions see it as it stands.
        let validated = self.validate(&inside, &filled)?;
        let kept = extracted
            .into_iter()
            .filter(|e| slot_name(e).is_some_and(|name| !validated.iter().any(|v| slot_name(v) == Some(name))));
        events.extend(validated.iter().cloned());
        events.extend(kept);
        Ok(events)
    }

    /// Validates what the user said, then asks for the next slot.
    fn go_on(&mut self, was_active: bool, events: &mut Vec<Event>) -> Result<(), Stop> {
        // Activation that did more than activate has validated already.
        if was_active || events.len() <= 1 {
            events.extend(self.validate_input(was_active)?);
        }
        if !events.iter().any(|e| matches!(e.body, EventBody::ActionExecutionRejected { .. })) {
            self.request_next(events)?;
        }
        Ok(())
    }

    fn validate_input(&mut self, was_active: bool) -> Result<Vec<Event>, Stop> {
        let view = &self.scene.view;
        let interrupted = view.active_loop.as_ref().is_some_and(|active| active.is_interrupted);
        let listened = view.latest_action_name() == Some("action_listen");
        // Without any loop it is the form's activation, which found nothing to validate
        // and is asked once more (`FormAction._validate_if_required`).
        let in_loop = view.active_loop.is_some();
        if in_loop && (!listened || interrupted) {
            // Back from an interruption: only to learn which slot comes next.
            return if self.has_validation() { self.validate(self.scene, &[]) } else { Ok(Vec::new()) };
        }
        if !was_active && !self.has_validation() {
            return Ok(Vec::new());
        }
        let candidates = self.candidates();
        let validated = match self.has_validation() {
            true => self.validate(self.scene, &candidates).map_err(|stop| self.step_aside(stop, &candidates))?,
            false => Vec::new(),
        };
        let some_slot = validated.iter().filter_map(slot_name).any(|name| name != "requested_slot");
        let rejected_by_action = validated.iter().any(|e| matches!(e.body, EventBody::ActionExecutionRejected { .. }));
        let is_asking = !self.slot_to_fill(self.scene).is_null();
        if is_asking && candidates.is_empty() && !some_slot && !rejected_by_action {
            return Err(Stop::Rejected);
        }
        Ok(validated)
    }

    /// What a failed validation of a message leads to. Rasa stays in the form
    /// (spec §3.6), so whoever says "cancel" cannot leave as long as the action
    /// server is down, and a later "yes" does what was called off. Here a form that
    /// was told nothing declines, as it does when its validation finds nothing
    /// either: the message is for the rules (better than Rasa).
    fn step_aside(&mut self, stop: Stop, candidates: &[(String, Value)]) -> Stop {
        match stop {
            Stop::Failed { reason, .. } if candidates.is_empty() && self.asks_what_mappings_fill() => {
                self.replies.warn(reason);
                Stop::Rejected
            }
            other => other,
        }
    }

    /// Whether an answer to what is asked would have been seen without the action
    /// server.
    fn asks_what_mappings_fill(&self) -> bool {
        let requested = self.scene.view.slot("requested_slot").as_str();
        let slot = requested.and_then(|name| self.scene.model.domain.slots.get(name));
        slot.is_some_and(|slot| !slot.mappings.iter().any(|mapping| matches!(mapping.kind, MappingKind::Custom { .. })))
    }

    /// Required slots (and the requested one) set since the user spoke.
    fn candidates(&self) -> Vec<(String, Value)> {
        let requested = self.slot_to_fill(self.scene);
        let requested = requested.as_str();
        let mut candidates: Vec<(String, Value)> = Vec::new();
        for event in self.scene.events_since_user() {
            let EventBody::Slot { name, value } = &event.body else { continue };
            if !self.form.required_slots.contains(name) && requested != Some(name.as_str()) {
                continue;
            }
            match candidates.iter_mut().find(|(known, _)| known == name) {
                Some(known) => known.1 = value.clone(),
                None => candidates.push((name.clone(), value.clone())),
            }
        }
        candidates
    }

    fn validation_name(&self) -> String {
        format!("validate_{}", self.name)
    }

    fn has_validation(&self) -> bool {
        self.scene.model.domain.is_custom_action(&self.validation_name())
    }

    /// The slot that this form asks for; what another form asked for is none of its
    /// (`FormAction.get_slot_to_fill`).
    fn slot_to_fill(&self, scene: &Scene<'_>) -> Value {
        match scene.view.active_loop_name() == Some(self.name) {
            true => scene.view.slot("requested_slot").clone(),
            false => Value::Null,
        }
    }

    /// What actions of the form are sent ends with the requested slot, the form's
    /// execution and what came of it (`FormAction._temporary_tracker`).
    fn inside<'x>(&self, scene: &Scene<'x>) -> Scene<'x> {
        let mut inside = scene.fork();
        inside.push(requested_slot(self.slot_to_fill(scene)));
        inside.push(EventBody::Action {
            name: Some(self.name.to_owned()),
            policy: None,
            confidence: None,
            action_text: None,
            hide_rule_turn: false,
        });
        inside
    }

    /// Calls `validate_<form>` with the candidates.
    fn validate(&mut self, scene: &Scene<'_>, candidates: &[(String, Value)]) -> Result<Vec<Event>, Stop> {
        let mut asked = self.inside(scene);
        for (name, value) in candidates {
            asked.push(EventBody::Slot { name: name.clone(), value: value.clone() });
        }
        let failure = match call_remote(&asked, &self.validation_name(), self.replies)? {
            Ok(response) => match remote_events(&asked, response, self.replies)? {
                Ok(events) => return Ok(events),
                Err(error) => error.to_string(),
            },
            Err(ActionFailure::Rejected) => return Err(Stop::Rejected),
            Err(ActionFailure::Failed(reason)) => reason,
        };
        Err(Stop::Failed {
            events: self.unvalidated(candidates)?,
            reason: format!("action `{}`: {failure}", self.validation_name()),
        })
    }

    /// What was not validated does not stay in its slot (better than Rasa).
    fn unvalidated(&mut self, candidates: &[(String, Value)]) -> Result<Vec<Event>, Stop> {
        let names = candidates.iter().map(|(name, _)| name.clone());
        let mut events: Vec<Event> =
            names.map(|name| self.event(EventBody::Slot { name, value: Value::Null })).collect();
        events.extend(apology(self.scene, self.replies)?);
        Ok(events)
    }

    /// Asks for the next slot, or says that none is left.
    fn request_next(&mut self, events: &mut Vec<Event>) -> Result<(), Stop> {
        if is_done(events) {
            events.push(self.event(requested_slot(Value::Null)));
            return Ok(());
        }
        let mut after = self.inside(self.scene);
        after.push_all(events);
        let chosen = events.iter().find_map(|event| match &event.body {
            EventBody::Slot { name, value } if name == "requested_slot" => Some(value.clone()),
            _ => None,
        });
        let next = match chosen.as_ref().and_then(Value::as_str) {
            Some(slot) => Some(slot.to_owned()),
            None => {
                let missing = self.form.required_slots.iter().find(|slot| after.view.slot(slot).is_null()).cloned();
                let value = missing.clone().map_or(Value::Null, Value::String);
                // Whoever asks does not see it yet, as in Rasa.
                events.push(self.event(requested_slot(value)));
                missing
            }
        };
        if let Some(slot) = next {
            events.extend(self.ask(&after, &slot)?);
        }
        Ok(())
    }

    /// Asks with the first of the four names that exists; silently otherwise.
    fn ask(&mut self, scene: &Scene<'_>, slot: &str) -> Result<Vec<Event>, Stop> {
        let names = [
            format!("action_ask_{}_{slot}", self.name),
            format!("utter_ask_{}_{slot}", self.name),
            format!("action_ask_{slot}"),
            format!("utter_ask_{slot}"),
        ];
        let Some(name) = names.iter().find(|name| scene.model.domain.has_action(name)) else { return Ok(Vec::new()) };
        match super::run(scene, name, self.replies)? {
            Outcome::Ran(events) | Outcome::Failed { events, .. } => Ok(events),
            Outcome::Rejected => Err(Stop::Rejected),
        }
    }
}

/// Whether the last word on the requested slot, or on the loop, was null.
fn is_done(events: &[Event]) -> bool {
    if events.iter().any(|e| matches!(e.body, EventBody::ActionExecutionRejected { .. })) {
        return false;
    }
    let asks_nothing = events.iter().rev().find_map(|event| match &event.body {
        EventBody::Slot { name, value } if name == "requested_slot" => Some(value.is_null()),
        _ => None,
    });
    let loop_ended = events.iter().rev().find_map(|event| match &event.body {
        EventBody::ActiveLoop { name } => Some(name.is_none()),
        _ => None,
    });
    asks_nothing == Some(true) || loop_ended == Some(true)
}
