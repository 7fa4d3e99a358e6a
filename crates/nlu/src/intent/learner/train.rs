//! Training of the intent learner: every network and every left-out part is a
//! task of its own, on as many threads as there are. A task's result depends on
//! its number alone.

use super::calibrate::{Calibration, LeftOut};
use super::features::{Features, Flags};
use super::plan::{self, Plan};
use super::{IntentLearner, Stored};
use crate::message::Message;
use sapa_learn::bag::{BagExamples, BagModel, PackedBag};
use sapa_learn::bytes::PackedLinear;
use sapa_learn::hinge::{self, HingeOptions};
use sapa_learn::parallel::for_each_chunk;
use sapa_learn::sparse::SparseRow;
use sapa_learn::{CsrMatrix, SoftmaxModel, math};
use std::collections::BTreeSet;

/// What an error costs the linear classifier.
const MARGIN_COST: f32 = 1.0;
/// Left-out examples that are looked at of a part: more say nothing new.
const MOST_LEFT_OUT: usize = 2000;

/// What a component wants learnt.
pub(crate) struct LearnerOptions<'o> {
    /// Featurizers of the pipeline whose flags are taken: number and patterns.
    pub flags: Vec<(usize, usize)>,
    /// Where the networks' random numbers begin.
    pub seed: u64,
    /// The label that means "none of the others".
    pub out_of_scope: Option<&'o str>,
    /// Whether rare labels count as much as frequent ones.
    pub balanced: bool,
    /// What calibrated log-odds are multiplied by.
    pub sharpness: f32,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
}

/// What is learnt from, and how.
struct Training<'a> {
    features: &'a Features,
    matrix: CsrMatrix,
    labels: Vec<u32>,
    classes: usize,
    weights: Option<Vec<f32>>,
    /// What a sequence network says of each example that it did not learn.
    opinions: &'a [Vec<f32>],
    plan: Plan,
    seed: u64,
}

/// What a task left.
enum Outcome {
    Network(Box<BagModel>),
    LeftOut(Vec<LeftOut>),
}

impl IntentLearner {
    /// Trains on messages and their labels. `opinions` are what a sequence network
    /// says of the examples of [`held_out`], which it did not learn: a probability
    /// for each label in the order of their names; empty for the others, or no
    /// list at all. `None` if there are fewer than two labels.
    pub fn train(examples: &[(&Message, &str)], opinions: &[Vec<f32>], options: &LearnerOptions) -> Option<Self> {
        let names = names(examples.iter().map(|(_, label)| *label));
        if names.len() < 2 {
            return None;
        }
        let number = |label: &str| number(&names, label);
        let messages: Vec<&Message> = examples.iter().map(|(message, _)| *message).collect();
        let flags = options.flags.iter().map(|&(block, columns)| Flags { block, columns }).collect();
        let (features, rows) = Features::learn(&messages, flags, options.threads);
        let mut matrix = CsrMatrix::new(features.columns());
        rows.into_iter().for_each(|row| matrix.push_row(row.entries));
        let labels: Vec<u32> = examples.iter().map(|(_, label)| number(label).unwrap_or_default()).collect();
        let training = Training {
            features: &features,
            plan: Plan::new(labels.len(), matrix.entries(), matrix.columns(), names.len()),
            weights: options.balanced.then(|| balanced(&labels, names.len())),
            classes: names.len(),
            seed: options.seed,
            opinions,
            matrix,
            labels,
        };
        let (networks, left_out) = training.run(options.threads);
        let mut calibration = Calibration::fit(&left_out, options.out_of_scope.and_then(number));
        calibration.exponent *= options.sharpness;
        let linear = training.plan.linear.then(|| training.linear(&training.matrix, &training.labels, options.threads));
        let stored = Stored {
            labels: names.iter().map(|name| (*name).to_owned()).collect(),
            networks: networks.len(),
            linear: linear.is_some(),
            calibration,
        };
        let linear = linear.map(|model| PackedLinear::new(&model));
        Some(Self { stored, bag: PackedBag::new(&networks), linear, features })
    }
}

impl Training<'_> {
    /// All tasks: the networks, and the parts that are left out.
    fn run(&self, threads: usize) -> (Vec<BagModel>, Vec<LeftOut>) {
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        outcomes.resize_with(self.plan.networks + self.plan.tried, || None);
        for_each_chunk(&mut outcomes, 1, threads, |task, out| {
            let outcome = match task.checked_sub(self.plan.networks) {
                None => Outcome::Network(Box::new(self.network(&self.matrix, &self.labels, task))),
                Some(fold) => Outcome::LeftOut(self.left_out(fold)),
            };
            out.fill_with(|| None);
            if let Some(out) = out.first_mut() {
                *out = Some(outcome);
            }
        });
        let (mut networks, mut left_out) = (Vec::new(), Vec::new());
        for outcome in outcomes.into_iter().flatten() {
            match outcome {
                Outcome::Network(model) => networks.push(*model),
                Outcome::LeftOut(part) => left_out.extend(part),
            }
        }
        (networks, left_out)
    }

    fn network(&self, matrix: &CsrMatrix, labels: &[u32], number: usize) -> BagModel {
        let examples =
            BagExamples { features: matrix, labels, classes: self.classes, weights: self.weights.as_deref() };
        BagModel::train(&examples, &self.plan.options, self.seed.wrapping_add(number as u64))
    }

    fn linear(&self, matrix: &CsrMatrix, labels: &[u32], threads: usize) -> SoftmaxModel {
        hinge::train(matrix, labels, self.classes, &HingeOptions { c: MARGIN_COST, threads })
    }

    /// What models that did not learn a part say about it.
    fn left_out(&self, fold: usize) -> Vec<LeftOut> {
        let parts = parts(&self.labels, self.classes, self.plan.folds);
        let mut known = vec![false; self.matrix.columns()];
        let (mut matrix, mut labels) = (CsrMatrix::new(self.matrix.columns()), Vec::new());
        for row in (0..self.labels.len()).filter(|row| parts[*row] != Some(fold)) {
            self.entries(row).for_each(|(column, _)| known[column as usize] = true);
            matrix.push_row(self.entries(row));
            labels.push(self.labels[row]);
        }
        let network = self.network(&matrix, &labels, self.plan.networks + fold);
        let linear = self.plan.linear.then(|| self.linear(&matrix, &labels, 1));
        let left_out: Vec<usize> = (0..self.labels.len()).filter(|row| parts[*row] == Some(fold)).collect();
        let every = left_out.len().div_ceil(MOST_LEFT_OUT).max(1);
        let judge = |row: &usize| {
            let entries: SparseRow = self.entries(*row).collect();
            let seen = self.features.without_unknown(&entries, |column| known[column as usize]);
            let mut scores = vec![0.0; self.classes];
            network.scores_into(&network.hidden_of(seen.entries.iter().copied()), &mut scores);
            math::softmax(&mut scores);
            let margins = linear.as_ref().map(|model| model.scores(seen.entries.iter().copied())).unwrap_or_default();
            let opinion = self.opinions.get(*row).cloned().unwrap_or_default();
            LeftOut { network: scores, margins, opinion, familiar: seen.familiar, label: self.labels[*row] }
        };
        left_out.iter().step_by(every).map(judge).collect()
    }

    fn entries(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let (columns, values) = self.matrix.row(row);
        columns.iter().copied().zip(values.iter().copied())
    }
}

/// The labels, sorted.
fn names<'l>(labels: impl Iterator<Item = &'l str>) -> Vec<&'l str> {
    let names: BTreeSet<&str> = labels.collect();
    names.into_iter().collect()
}

fn number(names: &[&str], label: &str) -> Option<u32> {
    names.binary_search(&label).ok().map(|place| place as u32)
}

/// The examples, by their labels, whose labels a sequence network that did not
/// learn them is to tell: a part that the learner leaves out too. `None` if the
/// network is not asked, because the examples are few or very many, or no label has
/// two.
pub(crate) fn held_out(labels: &[&str]) -> Option<Vec<bool>> {
    let names = names(labels.iter().copied());
    if names.len() < 2 || !plan::asks_sequences(labels.len(), names.len()) {
        return None;
    }
    let labels: Vec<u32> = labels.iter().map(|label| number(&names, label).unwrap_or_default()).collect();
    let parts = parts(&labels, names.len(), plan::folds(labels.len()));
    let held_out: Vec<bool> = parts.into_iter().map(|part| part == Some(0)).collect();
    held_out.contains(&true).then_some(held_out)
}

/// The part of each example: every class is dealt out in turn. The first example
/// of a class is always learnt, so that no class is empty.
pub(super) fn parts(labels: &[u32], classes: usize, folds: usize) -> Vec<Option<usize>> {
    let mut seen = vec![0_usize; classes];
    let deal = |&label: &u32| {
        let seen = &mut seen[label as usize];
        *seen += 1;
        // Classes start at different parts, so that small ones do not all leave
        // the same one out.
        (*seen > 1).then_some((*seen + label as usize) % folds)
    };
    labels.iter().map(deal).collect()
}

/// How much each class counts: the rarer, the more; 1 on average over examples.
fn balanced(labels: &[u32], classes: usize) -> Vec<f32> {
    let mut counts = vec![0_usize; classes];
    labels.iter().for_each(|label| counts[*label as usize] += 1);
    let even = labels.len() as f32 / classes as f32;
    counts.into_iter().map(|count| even / count.max(1) as f32).collect()
}
