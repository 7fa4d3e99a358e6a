//! UnexpecTEDIntentPolicy: which intents the conversation so far lets one expect
//! (spec §2.7).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use sapa_project::ComponentConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::examples::{Moments, window};
use super::features::{Look, features};
use super::linear::{Examples, LinearModel, Stored};
use super::new_intent;
use crate::Tracker;
use crate::policy::{Cause, Kind, LoadError, Policy, Prediction, RuleOnly, Saved, TrainContext, UNLIKELY_INTENT};
use crate::state::{PrevAction, StateView};

/// The registry's line.
pub const UNLIKELY: Kind = Kind { name: "UnexpecTEDIntentPolicy", train, load };

/// As for actions; a first message follows nothing, so no story is put in front.
const C: f64 = 30.0;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Options {
    name: String,
    priority: i64,
    window: usize,
    ignored: Vec<String>,
    /// Lowest score at which an intent is not unlikely.
    thresholds: BTreeMap<String, f32>,
}

#[derive(Clone, Debug)]
struct UnlikelyIntentPolicy {
    options: Options,
    model: LinearModel,
}

fn train(component: &ComponentConfig, context: &mut TrainContext<'_>) -> Box<dyn Policy> {
    let option = |name: &str| component.options.get(name);
    let window = window(component);
    let mut examples = Examples::default();
    Moments { window, rounds: 1 }.for_each(context, &mut |states, _| {
        if let Some(intent) = listened_intent(states) {
            examples.add(intent, |emit| features(states, Look::Before, emit));
        }
    });
    let examples = examples.bounded();
    let rows: Vec<(Vec<u32>, String)> = examples.iter().map(|(row, label)| (row.to_vec(), label.to_owned())).collect();
    let model = LinearModel::train(examples, C, context.threads);
    let tolerance = option("tolerance").and_then(Value::as_f64).unwrap_or(0.0);
    let options = Options {
        name: component.name.clone(),
        priority: option("priority").and_then(Value::as_i64).unwrap_or(2),
        window,
        ignored: option("ignore_intents_list").map(names).unwrap_or_default(),
        thresholds: thresholds(&model, &rows, tolerance),
    };
    Box::new(UnlikelyIntentPolicy { options, model })
}

fn load(saved: Saved) -> Result<Box<dyn Policy>, LoadError> {
    let (options, stored): (Options, Stored) = serde_json::from_slice(&saved.json)?;
    let model = LinearModel::load(stored, saved.floats).ok_or(LoadError::Weights)?;
    Ok(Box::new(UnlikelyIntentPolicy { options, model }))
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The intent of the message that was just listened to.
fn listened_intent<'a>(states: &[StateView<'a>]) -> Option<&'a str> {
    let now = states.last()?;
    let listened = matches!(now.prev_action(), Some(PrevAction::Name(name)) if name == "action_listen");
    now.user().filter(|_| listened)?.intent.as_deref()
}

/// For each intent the smaller of its lowest score where it came and a quantile
/// of its scores where another came; `tolerance` 0 takes their highest
/// (spec §2.7).
fn thresholds(model: &LinearModel, rows: &[(Vec<u32>, String)], tolerance: f64) -> BTreeMap<String, f32> {
    let labels = model.labels();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    rows.iter().for_each(|(_, label)| *counts.entry(label).or_default() += 1);
    let mut lowest = vec![f32::INFINITY; labels.len()];
    let mut others: Vec<Highest> = Vec::with_capacity(labels.len());
    for label in labels {
        let count = rows.len() - counts.get(label.as_str()).copied().unwrap_or_default();
        let place = ((1.0 - tolerance.clamp(0.0, 1.0)) * count.saturating_sub(1) as f64).round() as usize;
        others.push(Highest::new(count.saturating_sub(place)));
    }
    for (row, label) in rows {
        for (index, score) in model.of_row(row).into_iter().enumerate() {
            if labels[index] == *label {
                lowest[index] = lowest[index].min(score);
            } else {
                others[index].add(score);
            }
        }
    }
    let thresholds = labels.iter().zip(lowest).zip(others);
    thresholds.map(|((label, lowest), others)| (label.clone(), lowest.min(others.smallest()))).collect()
}

/// The highest scores of many: all of them, for every intent, would not fit into
/// memory.
struct Highest {
    most: usize,
    /// As bits, which are in the order of the numbers: scores are not negative.
    scores: BinaryHeap<Reverse<u32>>,
}

impl Highest {
    fn new(most: usize) -> Self {
        Self { most, scores: BinaryHeap::new() }
    }

    fn add(&mut self, score: f32) {
        self.scores.push(Reverse(score.to_bits()));
        if self.scores.len() > self.most {
            self.scores.pop();
        }
    }

    /// Infinity when there is none.
    fn smallest(&self) -> f32 {
        self.scores.peek().map_or(f32::INFINITY, |Reverse(bits)| f32::from_bits(*bits))
    }
}

impl UnlikelyIntentPolicy {
    /// Whether `intent` scores below its threshold and is not the likeliest.
    fn is_unlikely(&self, intent: &str, states: &[StateView<'_>]) -> bool {
        let Some(threshold) = self.options.thresholds.get(intent) else { return false };
        let Some(index) = self.model.labels().iter().position(|label| label == intent) else { return false };
        let scores = self.model.probabilities(|emit| features(states, Look::Before, emit));
        let Some(score) = scores.get(index) else { return false };
        score < threshold && scores.iter().any(|other| other > score)
    }
}

impl Policy for UnlikelyIntentPolicy {
    fn predict(&self, tracker: &Tracker, rule_only: &RuleOnly) -> Prediction {
        let mut prediction =
            Prediction { policy: self.options.name.clone(), priority: self.options.priority, ..Prediction::default() };
        let Some(intent) = new_intent(tracker).filter(|intent| !self.options.ignored.iter().any(|i| i == intent))
        else {
            return prediction;
        };
        let window = Some(self.options.window);
        if tracker.with_learnt_states(window, rule_only, |states| self.is_unlikely(intent, states)) {
            prediction.probabilities.push((UNLIKELY_INTENT.to_owned(), 1.0));
            prediction.cause = Cause::builtin(format!("no story leads to `{intent}` here"));
        }
        prediction
    }

    fn save(&self) -> Saved {
        let (stored, floats) = self.model.save();
        Saved { json: serde_json::to_vec(&(&self.options, stored)).unwrap_or_default(), floats }
    }
}
