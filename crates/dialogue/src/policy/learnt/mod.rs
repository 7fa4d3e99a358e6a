//! The policy that stands where TEDPolicy stands: from the states' features to
//! the next action, also where no story went (spec §2.7, §3.4).
//!
//! A softmax regression over named features (`features.rs`) instead of a
//! transformer: `sapa bench --held-out` measures it beside the others.

mod bounds;
mod examples;
mod features;
mod linear;
mod unlikely;

use sapa_project::ComponentConfig;
use sapa_sdk::EventBody;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cause, Kind, LoadError, Policy, Prediction, RuleOnly, Saved, TrainContext};
use crate::Tracker;
use crate::state::StateView;
use examples::{Moments, window};
use features::{Look, features};
use linear::{Examples, LinearModel};

pub use unlikely::UNLIKELY;

/// The registry's line.
pub const LEARNT: Kind = Kind { name: "TEDPolicy", train, load };

/// Inverse strength of the penalty on weights. Of 3, 10, 30 and 100 the best on
/// every second project of docs/policies.md; the others were not looked at.
const C: f64 = 30.0;
/// In every round each story stands behind another one once, which is what Rasa's
/// augmentation is for.
const ROUNDS: usize = 2;

/// Options of the component (spec §2.7), and what was learnt beside the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Options {
    name: String,
    priority: i64,
    window: usize,
    e2e_confidence_threshold: f64,
    /// Whether any story has end-to-end user messages.
    reads_text: bool,
}

/// Predicts by the weights of features.
#[derive(Clone, Debug)]
pub struct LearntPolicy {
    options: Options,
    model: LinearModel,
}

fn train(component: &ComponentConfig, context: &mut TrainContext<'_>) -> Box<dyn Policy> {
    let option = |name: &str| component.options.get(name);
    let mut options = Options {
        name: component.name.clone(),
        priority: option("priority").and_then(Value::as_i64).unwrap_or(1),
        window: window(component),
        e2e_confidence_threshold: option("e2e_confidence_threshold").and_then(Value::as_f64).unwrap_or(0.5),
        reads_text: false,
    };
    let mut examples = Examples::default();
    let moments = Moments { window: options.window, rounds: ROUNDS };
    moments.for_each(context, &mut |states, action| {
        let look = if is_text_turn(states) { Look::Text } else { Look::Intent };
        options.reads_text |= look == Look::Text;
        examples.add(action, |emit| features(states, look, emit));
    });
    let model = LinearModel::train(examples, C, context.threads);
    Box::new(LearntPolicy { options, model })
}

fn load(saved: Saved) -> Result<Box<dyn Policy>, LoadError> {
    let (options, stored) = serde_json::from_slice(&saved.json)?;
    let model = LinearModel::load(stored, saved.floats).ok_or(LoadError::Weights)?;
    Ok(Box::new(LearntPolicy { options, model }))
}

/// Whether the newest message has a text but no intent.
fn is_text_turn(states: &[StateView<'_>]) -> bool {
    states.last().and_then(StateView::user).is_some_and(|user| user.intent.is_none() && user.text.is_some())
}

impl LearntPolicy {
    fn probabilities(&self, states: &[StateView<'_>], look: Look) -> Vec<f32> {
        self.model.probabilities(|emit| features(states, look, emit))
    }

    /// By intent, and by text where stories have texts: the text counts when it
    /// is surer than the threshold and surer than the intent (spec §2.7).
    fn choose(&self, states: &[StateView<'_>], listened: bool) -> (Vec<f32>, bool) {
        let by_intent = self.probabilities(states, Look::Intent);
        let text = states.last().and_then(StateView::user).and_then(|user| user.text.as_deref());
        let Some(text) = text.filter(|_| self.options.reads_text && listened) else { return (by_intent, false) };
        let by_text = self.probabilities(states, Look::Text);
        let sure = by_text.iter().any(|p| f64::from(*p) > self.options.e2e_confidence_threshold);
        let score = |look| self.model.best_score(|emit| features(states, look, emit));
        // Both may be nearly certain of something: the scores say which of the two
        // is the better known (Rasa compares similarities). What a story says word
        // for word is known best.
        let is_known = || {
            is_text_turn(states)
                || self.model.knows(&features::whole_text(text))
                || score(Look::Text) > score(Look::Intent)
        };
        if sure && is_known() { (by_text, true) } else { (by_intent, false) }
    }
}

impl Policy for LearntPolicy {
    fn predict(&self, tracker: &Tracker, rule_only: &RuleOnly) -> Prediction {
        let mut prediction =
            Prediction { policy: self.options.name.clone(), priority: self.options.priority, ..Prediction::default() };
        if self.model.labels().is_empty() {
            return prediction;
        }
        let listened = tracker.current().latest_action_name() == Some("action_listen");
        let (probabilities, is_end_to_end) =
            tracker.with_learnt_states(Some(self.options.window), rule_only, |states| self.choose(states, listened));
        let named = self.model.labels().iter().zip(probabilities);
        prediction.probabilities = named.map(|(action, p)| (action.clone(), f64::from(p))).collect();
        prediction.is_end_to_end = is_end_to_end;
        prediction.cause = Cause::builtin("learnt from the stories");
        prediction
    }

    fn save(&self) -> Saved {
        let (stored, floats) = self.model.save();
        Saved { json: serde_json::to_vec(&(&self.options, stored)).unwrap_or_default(), floats }
    }
}

/// The intent of the message that is being answered, if no action answered it
/// yet.
fn new_intent(tracker: &Tracker) -> Option<&str> {
    let last = tracker.applied_events().rev().find(|e| !matches!(e.body, EventBody::Slot { .. }))?;
    matches!(last.body, EventBody::User { .. } | EventBody::UserFeaturization { .. })
        .then(|| tracker.current().latest_intent())
        .flatten()
}
