//! Actions: which one a name means, and what it does (spec §3.5).

mod default;
mod form;
pub(crate) mod remote;
mod two_stage;

pub(crate) use default::listen;

use sapa_project::domain::DEFAULT_ACTIONS;
use sapa_sdk::{Event, EventBody, JsonMap};
use serde_json::Value;

use crate::turn::{ActionFailure, Pending, Replies, Scene};

/// What running an action led to.
pub(crate) enum Outcome {
    /// It ran: its events.
    Ran(Vec<Event>),
    /// It declined to run: another action is predicted.
    Rejected,
    /// It broke. It counts as executed (spec §3.5), with these events at most.
    Failed {
        /// What the user is told instead.
        events: Vec<Event>,
        /// For the log.
        reason: String,
    },
}

/// The response that tells the user of a broken action, where the domain has it.
pub const FAILURE_RESPONSE: &str = "utter_action_failed";

/// Runs an action by name.
pub(crate) fn run(scene: &Scene<'_>, name: &str, replies: &mut Replies) -> Result<Outcome, Pending> {
    let domain = &scene.model.domain;
    let overridden =
        domain.is_custom_action(name) || domain.responses.contains_key(name) || domain.forms.contains_key(name);
    if DEFAULT_ACTIONS.contains(&name) && !overridden {
        return default::run(scene, name, replies);
    }
    if let Some(retrieval) = retrieval_intent(scene, name) {
        return utter(scene, &retrieval_response(scene, &retrieval), replies);
    }
    if domain.e2e_actions.iter().any(|text| text == name) {
        let draft: JsonMap = [("text".to_owned(), Value::from(name))].into_iter().collect();
        return Ok(Outcome::Ran(vec![scene.bot(draft)]));
    }
    if domain.responses.contains_key(name) || name.starts_with("utter_") {
        return utter(scene, name, replies);
    }
    if domain.forms.contains_key(name) && !domain.is_custom_action(name) {
        return form::run(scene, name, replies);
    }
    run_remote(scene, name, replies)
}

/// Sends a response; nothing when no variation fits.
fn utter(scene: &Scene<'_>, name: &str, replies: &mut Replies) -> Result<Outcome, Pending> {
    Ok(match scene.respond(name, replies)? {
        Ok(Some(event)) => Outcome::Ran(vec![event]),
        Ok(None) => Outcome::Failed { events: Vec::new(), reason: format!("no response `{name}` fits") },
        Err(error) => Outcome::Failed { events: Vec::new(), reason: error.to_string() },
    })
}

fn run_remote(scene: &Scene<'_>, name: &str, replies: &mut Replies) -> Result<Outcome, Pending> {
    Ok(match remote::call_remote(scene, name, replies)? {
        Ok(response) => match remote::remote_events(scene, response, replies)? {
            Ok(events) => Outcome::Ran(events),
            Err(error) => Outcome::Failed { events: Vec::new(), reason: error.to_string() },
        },
        Err(ActionFailure::Rejected) => Outcome::Rejected,
        Err(ActionFailure::Failed(reason)) => {
            Outcome::Failed { events: apology(scene, replies)?, reason: format!("action `{name}`: {reason}") }
        }
    })
}

/// The domain's `utter_action_failed`, if it has one (better than Rasa's silence);
/// once a turn, however many actions fail.
fn apology(scene: &Scene<'_>, replies: &mut Replies) -> Result<Vec<Event>, Pending> {
    let is_apology = |event: &Event| {
        matches!(event.body, EventBody::Bot { .. })
            && event.metadata.get("utter_action").and_then(Value::as_str) == Some(FAILURE_RESPONSE)
    };
    if !scene.model.domain.responses.contains_key(FAILURE_RESPONSE) || scene.events_since_user().any(is_apology) {
        return Ok(Vec::new());
    }
    Ok(scene.respond(FAILURE_RESPONSE, replies)?.ok().flatten().into_iter().collect())
}

/// The retrieval intent that `utter_<intent>` answers, if there is one.
fn retrieval_intent(scene: &Scene<'_>, name: &str) -> Option<String> {
    let base = name.strip_prefix("utter_")?;
    let base = base.split('/').next().unwrap_or(base);
    scene
        .model
        .domain
        .intents
        .get(base)
        .filter(|intent| intent.is_retrieval)
        .map(|_| name.trim_start_matches("utter_").to_owned())
}

/// The response that the selector chose for the last message; under the
/// intent's own key or `default` (spec §3.5, last item).
fn retrieval_response(scene: &Scene<'_>, intent: &str) -> String {
    if intent.contains('/') {
        return format!("utter_{intent}");
    }
    let chosen = scene.view.latest_message.as_ref().and_then(|message| {
        let selector = message.parse_data.rest.get("response_selector")?;
        let answer = selector.get(intent).or_else(|| selector.get("default"))?;
        Some(answer.get("response")?.get("intent_response_key")?.as_str()?.to_owned())
    });
    format!("utter_{}", chosen.unwrap_or_else(|| intent.to_owned()))
}
