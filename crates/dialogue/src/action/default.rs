//! The built-in actions (spec §3.5, "Default actions").

use std::sync::Arc;

use indexmap::IndexSet;
use sapa_sdk::{Event, EventBody, ParseData};
use serde_json::{Value, json};

use super::{Outcome, two_stage};
use crate::extraction::{EXTRACT_SLOTS, extract_slots};
use crate::turn::{Pending, Replies, Scene};

pub(super) fn run(scene: &Scene<'_>, name: &str, replies: &mut Replies) -> Result<Outcome, Pending> {
    let events = match name {
        "action_restart" => with_response(scene, "utter_restart", &[EventBody::Restart {}], replies)?,
        "action_session_start" => session_start(scene),
        "action_default_fallback" => with_response(scene, "utter_default", &[EventBody::Rewind {}], replies)?,
        "action_deactivate_loop" => bare(scene, &[EventBody::ActiveLoop { name: None }, requested_slot(Value::Null)]),
        "action_revert_fallback_events" => revert_fallback(scene),
        "action_default_ask_affirmation" => vec![ask_affirmation(scene)],
        "action_default_ask_rephrase" => with_response(scene, "utter_ask_rephrase", &[], replies)?,
        "action_two_stage_fallback" => return two_stage::run(scene, replies),
        "action_back" => with_response(scene, "utter_back", &[EventBody::Rewind {}, EventBody::Rewind {}], replies)?,
        EXTRACT_SLOTS => extract_slots(scene, replies)?,
        // action_listen, action_unlikely_intent and `...` do nothing.
        _ => Vec::new(),
    };
    Ok(Outcome::Ran(events))
}

fn bare(scene: &Scene<'_>, bodies: &[EventBody]) -> Vec<Event> {
    bodies.iter().map(|body| Event::new(scene.now, body.clone())).collect()
}

/// The response where the domain defines it, silently none otherwise.
pub(super) fn with_response(
    scene: &Scene<'_>,
    response: &str,
    bodies: &[EventBody],
    replies: &mut Replies,
) -> Result<Vec<Event>, Pending> {
    let bot = scene.respond(response, replies)?.ok().flatten();
    Ok(bot.into_iter().chain(bare(scene, bodies)).collect())
}

pub(super) fn requested_slot(value: Value) -> EventBody {
    EventBody::Slot { name: "requested_slot".to_owned(), value }
}

/// A listen action as `action_session_start` writes it: by no policy.
pub(crate) fn listen() -> EventBody {
    EventBody::Action {
        name: Some("action_listen".to_owned()),
        policy: None,
        confidence: None,
        action_text: None,
        hide_rule_turn: false,
    }
}

/// `session_started`, the slots carried over, `action_listen` (spec §3.8). Each
/// slot is carried over once, with its latest value.
fn session_start(scene: &Scene<'_>) -> Vec<Event> {
    let mut bodies = vec![EventBody::SessionStarted {}];
    if scene.model.domain.session_config.carry_over_slots_to_new_session {
        let current = scene.tracker.current();
        // In the order in which they were set; those whose events are long
        // forgotten come last.
        let mut names: IndexSet<&str> = IndexSet::new();
        for event in scene.tracker.applied_events() {
            if let EventBody::Slot { name, .. } = &event.body {
                names.shift_remove(name.as_str());
                names.insert(name);
            }
        }
        names.extend(current.set_slots().iter().map(String::as_str));
        bodies.extend(
            names
                .into_iter()
                .filter(|name| current.set_slots().contains(*name))
                .map(|name| EventBody::Slot { name: name.to_owned(), value: current.slot(name).clone() }),
        );
    }
    bodies.push(listen());
    bare(scene, &bodies)
}

/// `Did you mean '<intent>'?`; when the top intent is the fallback, the second
/// of the ranking.
pub(super) fn ask_affirmation(scene: &Scene<'_>) -> Event {
    let message = scene.view.latest_message.as_ref();
    let mut intent = scene.view.latest_intent().unwrap_or_default().to_owned();
    if intent == "nlu_fallback"
        && let Some(second) = message.and_then(|m| m.parse_data.intent_ranking().get(1))
    {
        intent = second.name.clone().unwrap_or_default();
    }
    let draft = json!({
        "text": format!("Did you mean '{intent}'?"),
        "buttons": [
            { "title": "Yes", "payload": format!("/{intent}") },
            { "title": "No", "payload": "/out_of_scope" },
        ],
        "utter_action": "action_default_ask_affirmation",
    });
    scene.bot(draft.as_object().cloned().unwrap_or_default())
}

/// The last user message again, with full confidence.
pub(super) fn user_again(scene: &Scene<'_>, confidence: f64) -> Option<Event> {
    let message = scene.view.latest_message.as_ref()?;
    let mut parse_data: ParseData = (*message.parse_data).clone();
    parse_data.intent.confidence = confidence;
    Some(Event {
        timestamp: scene.now,
        metadata: message.metadata.clone(),
        body: EventBody::User {
            text: message.text.clone(),
            parse_data: Arc::new(parse_data),
            input_channel: scene.view.latest_input_channel.clone(),
            message_id: message.message_id.clone(),
        },
    })
}

/// `action_revert_fallback_events`: undoes the clarifying turns and says the
/// clarified message again.
fn revert_fallback(scene: &Scene<'_>) -> Vec<Event> {
    let asked: Vec<&str> = scene
        .tracker
        .applied_events()
        .rev()
        .filter_map(|event| match &event.body {
            EventBody::Action { name: Some(name), .. } if name != "action_listen" => Some(name.as_str()),
            _ => None,
        })
        .take(2)
        .collect();
    let rewinds = |count: usize| -> Vec<Event> {
        let mut bodies = vec![EventBody::Rewind {}; count];
        bodies.push(listen());
        bare(scene, &bodies)
    };
    let mut events = match asked.as_slice() {
        ["action_default_ask_rephrase", ..] => rewinds(3),
        ["action_default_ask_affirmation", "action_default_ask_rephrase", ..] => [rewinds(2), rewinds(3)].concat(),
        ["action_default_ask_affirmation", ..] => rewinds(2),
        _ => return Vec::new(),
    };
    events.extend(user_again(scene, 1.0));
    events
}
