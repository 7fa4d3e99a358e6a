//! Policies and how one of their predictions is chosen (spec §3.4, §3.5).

pub mod ensemble;
pub mod memoization;
pub mod rule;

use std::collections::BTreeSet;

use sapa_sdk::EventBody;
use serde::{Deserialize, Serialize};

use crate::Tracker;
use memoization::MemoizationPolicy;
use rule::RulePolicy;

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
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "policy")]
pub enum Policy {
    /// [`MemoizationPolicy`], plain or augmented.
    Memoization(MemoizationPolicy),
    /// [`RulePolicy`].
    Rule(RulePolicy),
}

impl Policy {
    /// Predicts the next action.
    pub fn predict(&self, tracker: &Tracker, rule_only: &RuleOnly) -> Prediction {
        match self {
            Self::Memoization(policy) => policy.predict(tracker, rule_only),
            Self::Rule(policy) => policy.predict(tracker),
        }
    }
}
