//! `action_two_stage_fallback`: a loop that clarifies what was meant (spec §3.5).

use sapa_sdk::{Event, EventBody};

use super::Outcome;
use super::default::{listen, user_again};
use crate::turn::{Pending, Replies, Scene};

const NAME: &str = "action_two_stage_fallback";
const FALLBACK: &str = "nlu_fallback";
const DENIED: &str = "out_of_scope";

pub(super) fn run(scene: &Scene<'_>, replies: &mut Replies) -> Result<Outcome, Pending> {
    let activates = scene.view.active_loop_name() != Some(NAME);
    let mut events = Vec::new();
    if activates {
        events.push(Event::new(scene.now, EventBody::ActiveLoop { name: Some(NAME.to_owned()) }));
    }
    let intent = scene.view.latest_intent().unwrap_or_default();
    if !activates && intent != FALLBACK && intent != DENIED {
        return Ok(Outcome::Ran(clarified(scene)));
    }
    if !activates && gave_up(scene) {
        events.extend(deactivate(scene));
        if let Outcome::Ran(fallback) = super::run(scene, "action_default_fallback", replies)? {
            events.extend(fallback);
        }
        return Ok(Outcome::Ran(events));
    }
    // By name: bots have actions of their own under these names.
    let asks =
        if intent == DENIED && !activates { "action_default_ask_rephrase" } else { "action_default_ask_affirmation" };
    Ok(match super::run(scene, asks, replies)? {
        Outcome::Ran(asked) => Outcome::Ran(events.into_iter().chain(asked).collect()),
        Outcome::Failed { events: said, reason } => {
            Outcome::Failed { events: events.into_iter().chain(said).collect(), reason }
        }
        Outcome::Rejected => Outcome::Rejected,
    })
}

fn deactivate(scene: &Scene<'_>) -> Vec<Event> {
    vec![Event::new(scene.now, EventBody::ActiveLoop { name: None })]
}

/// The last two messages were not understood, or the user denied, rephrased in
/// vain and denied again.
fn gave_up(scene: &Scene<'_>) -> bool {
    // Of all events since the last restart: those that count have lost the turns
    // between two executions of the loop (spec §3.2).
    let intents: Vec<&str> = scene
        .tracker
        .events_after_restart()
        .rev()
        .filter_map(|event| match &event.body {
            EventBody::User { parse_data, .. } => Some(parse_data.intent.name.as_deref().unwrap_or_default()),
            _ => None,
        })
        .take(3)
        .collect();
    intents.starts_with(&[FALLBACK, FALLBACK]) || intents == [DENIED, FALLBACK, DENIED]
}

/// The loop ends, the clarifying turns are undone, and the message stands again
/// with full confidence.
fn clarified(scene: &Scene<'_>) -> Vec<Event> {
    let mut events = deactivate(scene);
    events.push(Event::new(scene.now, EventBody::Rewind {}));
    events.push(Event::new(scene.now, listen()));
    events.extend(user_again(scene, 1.0));
    events
}
