//! Policies and how one of their predictions is chosen (spec §3.4, §3.5).

pub mod ensemble;
pub mod learnt;
pub mod memoization;
pub mod rule;

use std::collections::BTreeSet;
use std::sync::Arc;

use sapa_project::{ComponentConfig, Diagnostic, Domain, Sources, components};
use sapa_sdk::EventBody;
use serde::{Deserialize, Serialize};

use crate::Tracker;
use crate::training::TrainingDialogue;

/// The action with which a policy says that nobody expected this intent. Learning
/// policies see no state behind it (spec §3.3).
pub const UNLIKELY_INTENT: &str = "action_unlikely_intent";

/// Features that only rules use; learning policies do not see them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleOnly {
    /// Slots.
    pub slots: BTreeSet<String>,
    /// Loops.
    pub loops: BTreeSet<String>,
}

/// Where a prediction comes from, for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// What decided: a rule, a story, a built-in behaviour.
    pub what: String,
    /// `path:line` of the rule or story, if it has a place.
    pub place: Option<String>,
    /// Other places that say the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// How many states back it looked; `None`: to the rule's or story's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<usize>,
}

impl Cause {
    /// A cause that stands nowhere in the project.
    pub fn builtin(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }
}

/// What one policy predicts.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// Non-zero probabilities by action, in no particular order.
    pub probabilities: Vec<(String, f64)>,
    /// Policy name as it is written into events.
    pub policy: String,
    /// Priority in the ensemble.
    pub priority: i64,
    /// Events that apply whichever policy wins.
    pub mandatory_events: Vec<EventBody>,
    /// Events that apply when this policy wins.
    pub optional_events: Vec<EventBody>,
    /// Whether it looked at the message's text.
    pub is_end_to_end: bool,
    /// Whether it did not look at the user at all (a loop's happy path).
    pub is_no_user: bool,
    /// Whether learning policies shall skip this turn.
    pub hide_rule_turn: bool,
    /// Why.
    pub cause: Cause,
}

impl Prediction {
    /// The highest probability; 0 when nothing was predicted.
    pub fn max_confidence(&self) -> f64 {
        self.probabilities.iter().map(|(_, p)| *p).fold(0.0, f64::max)
    }
}

/// A trained policy.
pub trait Policy: std::fmt::Debug + Send + Sync {
    /// Predicts the next action.
    fn predict(&self, tracker: &Tracker, rule_only: &RuleOnly) -> Prediction;
    /// What [`Kind::load`] makes the policy from again.
    fn save(&self) -> Saved;
}

/// A policy as it is stored.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// JSON, the same bytes for the same policy.
    pub json: Vec<u8>,
    /// Weights, if it has any.
    pub floats: Vec<f32>,
}

/// Why a stored policy is unusable.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The JSON is not this policy's.
    #[error("malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Weights and names do not fit.
    #[error("the number of weights is wrong")]
    Weights,
    /// Not a policy that this program knows.
    #[error("unknown policy `{0}`")]
    Unknown(String),
    /// A part of it is not there.
    #[error("missing part `{0}`")]
    Missing(String),
}

/// What policies learn from.
pub struct TrainContext<'a> {
    /// Stories and rules.
    pub dialogues: &'a [TrainingDialogue],
    /// The domain.
    pub domain: &'a Arc<Domain>,
    /// Where steps were written.
    pub sources: &'a Sources,
    /// Features that only rules use; known once RulePolicy is trained, which is
    /// therefore the first.
    pub rule_only: RuleOnly,
    /// What was found while learning.
    pub findings: Vec<Diagnostic>,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
}

/// A kind of policy: how it is trained and loaded.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Name of the component.
    pub name: &'static str,
    /// Learns.
    pub train: fn(&ComponentConfig, &mut TrainContext<'_>) -> Box<dyn Policy>,
    /// Reads what [`Policy::save`] gave.
    pub load: fn(Saved) -> Result<Box<dyn Policy>, LoadError>,
}

/// All policies, a line each.
const KINDS: &[Kind] = &[memoization::PLAIN, memoization::AUGMENTED, rule::RULE, learnt::LEARNT, learnt::UNLIKELY];

/// The policies that Rasa does not have, for the check of `config.yml`.
pub fn own_policies() -> impl Iterator<Item = components::Component> {
    let own = KINDS.iter().filter(|kind| components::find(kind.name).is_none());
    own.map(|kind| components::Component::own(kind.name, components::Role::Policy))
}

/// The policy of that name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
