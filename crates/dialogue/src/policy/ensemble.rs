//! Choosing among the policies' predictions (spec §3.5).

use sapa_project::Domain;
use sapa_sdk::EventBody;

use super::{Cause, Prediction, RuleOnly};
use crate::Tracker;
use crate::model::NamedPolicy;

/// The action that runs next.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its name (or end-to-end text).
    pub action: String,
    /// Policy that chose it.
    pub policy: String,
    /// Its confidence.
    pub confidence: f64,
    /// Events that come before the action's own.
    pub events: Vec<EventBody>,
    /// Whether the last message's text counted.
    pub is_end_to_end: bool,
    /// Whether learning policies skip this turn.
    pub hide_rule_turn: bool,
    /// Why.
    pub cause: Cause,
}

/// Asks every policy and takes the best prediction.
pub fn choose(policies: &[NamedPolicy], tracker: &Tracker, domain: &Domain, rule_only: &RuleOnly) -> Choice {
    let mut predictions: Vec<Prediction> = policies.iter().map(|(_, p)| p.predict(tracker, rule_only)).collect();
    if let Some(rejected) = rejected_action(tracker) {
        predictions.iter_mut().for_each(|prediction| without(prediction, &rejected));
    }
    let mut events: Vec<EventBody> = predictions.iter().flat_map(|p| p.mandatory_events.clone()).collect();
    let best = best(&predictions);
    let (action, confidence) = best.map_or((None, 0.0), |p| winner(p, domain));
    events.extend(best.map(|p| p.optional_events.clone()).unwrap_or_default());
    let is_end_to_end = best.is_some_and(|p| p.is_end_to_end);
    if tracker.current().latest_action_name() == Some("action_listen") {
        events.push(EventBody::UserFeaturization { use_text_for_featurization: is_end_to_end });
    }
    Choice {
        action: action.unwrap_or_else(|| "action_listen".to_owned()),
        policy: best.map(|p| p.policy.clone()).unwrap_or_default(),
        confidence,
        events,
        is_end_to_end,
        hide_rule_turn: best.is_some_and(|p| p.hide_rule_turn),
        cause: best.map(|p| p.cause.clone()).unwrap_or_default(),
    }
}

/// Takes an action out of a prediction. What spoke for it does not speak for the
/// prediction's other actions.
fn without(prediction: &mut Prediction, rejected: &str) {
    let before = prediction.probabilities.len();
    prediction.probabilities.retain(|(action, _)| action != rejected);
    if prediction.probabilities.len() < before {
        prediction.cause = Cause::builtin(format!("`{rejected}` declined to run"));
    }
}

/// The action that was just rejected: it may not be predicted again at once.
fn rejected_action(tracker: &Tracker) -> Option<String> {
    tracker.applied_events().rev().find_map(|event| match &event.body {
        EventBody::Action { .. } => Some(None),
        EventBody::ActionExecutionRejected { name, .. } => Some(Some(name.clone())),
        _ => None,
    })?
}

/// No-user predictions shut out all others, then end-to-end ones; then the
/// highest (probability, priority), the first policy on a tie.
fn best(predictions: &[Prediction]) -> Option<&Prediction> {
    let only =
        |keep: &dyn Fn(&Prediction) -> bool| -> Vec<&Prediction> { predictions.iter().filter(|p| keep(p)).collect() };
    let mut field = only(&|p| p.is_no_user);
    if field.is_empty() {
        field = only(&|p| p.is_end_to_end);
    }
    if field.is_empty() {
        field = predictions.iter().collect();
    }
    field.into_iter().reduce(|best, next| {
        let order = next.max_confidence().total_cmp(&best.max_confidence()).then(next.priority.cmp(&best.priority));
        if order.is_gt() { next } else { best }
    })
}

/// The action with the highest probability, the first in action order on a tie.
/// All zeros mean index 0, `action_listen`.
fn winner(prediction: &Prediction, domain: &Domain) -> (Option<String>, f64) {
    let index = |name: &str| domain.action_names.iter().position(|a| a == name).unwrap_or(usize::MAX);
    let best = prediction
        .probabilities
        .iter()
        .filter(|(_, p)| *p > 0.0)
        .min_by(|a, b| b.1.total_cmp(&a.1).then_with(|| index(&a.0).cmp(&index(&b.0))));
    match best {
        Some((action, confidence)) => (Some(action.clone()), *confidence),
        None => (None, 0.0),
    }
}
