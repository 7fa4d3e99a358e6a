//! Softmax regression over named features.

use std::collections::{BTreeMap, BTreeSet};

use sapa_learn::sparse::tidy_row;
use sapa_learn::{
    CsrMatrix, SoftmaxModel, SoftmaxOptions, SoftmaxProblem, SoftmaxTrainer as _, SparseTrainer, Vocabulary,
};
use serde::{Deserialize, Serialize};

/// A penalised regression is less sure than it could be, and RulePolicy's fallback
/// (0.3, in many projects 0.4) comes before what it says. Of 1, 1.5, 2 and 3 the
/// best on the development half of docs/policies.md, where all policies choose
/// together.
const SHARPNESS: f32 = 3.0;

/// Examples as they are collected: rows of feature names, each with a label.
/// Equal ones count once, as Rasa removes equal trackers.
#[derive(Default)]
pub(super) struct Examples {
    pub(super) names: Vocabulary,
    pub(super) labels: BTreeSet<String>,
    pub(super) rows: BTreeSet<(Vec<u32>, String)>,
}

impl Examples {
    /// Adds the example whose features `emit`ted names give.
    pub(super) fn add(&mut self, label: &str, features: impl FnOnce(&mut dyn FnMut(&str))) {
        let mut row = Vec::new();
        features(&mut |name| row.extend(self.names.insert(name)));
        row.sort_unstable();
        row.dedup();
        self.labels.insert(label.to_owned());
        self.rows.insert((row, label.to_owned()));
    }

    /// Rows and their labels.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u32], &str)> {
        self.rows.iter().map(|(row, label)| (row.as_slice(), label.as_str()))
    }
}

/// Labels scored by the sum of their features' weights.
#[derive(Clone, Debug, Default)]
pub(super) struct LinearModel {
    labels: Vec<String>,
    names: Vocabulary,
    model: Option<SoftmaxModel>,
}

impl LinearModel {
    /// Fits the examples; with fewer than two labels there is nothing to weigh.
    pub(super) fn train(examples: Examples, c: f64, threads: usize) -> Self {
        let examples = examples.bounded();
        let labels: Vec<String> = examples.labels.iter().cloned().collect();
        let number: BTreeMap<&str, u32> = labels.iter().zip(0..).map(|(label, i)| (label.as_str(), i)).collect();
        let mut matrix = CsrMatrix::new(examples.names.len());
        let mut numbers = Vec::with_capacity(examples.rows.len());
        for (row, label) in &examples.rows {
            matrix.push_row(scaled(row));
            numbers.push(number.get(label.as_str()).copied().unwrap_or_default());
        }
        let problem = SoftmaxProblem { features: &matrix, labels: &numbers, classes: labels.len() };
        let options = SoftmaxOptions { c, max_iter: examples.iterations(), tol: 1e-4, balanced: false, threads };
        let mut model = if labels.len() < 2 { None } else { SparseTrainer.train(&problem, &options).ok() };
        if let Some(SoftmaxModel { weights, intercept }) = &mut model {
            weights.iter_mut().chain(intercept).for_each(|weight| *weight *= SHARPNESS);
        }
        Self { labels, names: examples.names, model }
    }

    /// Labels in their order.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Probability of each label; empty when nothing was learnt.
    pub(super) fn probabilities(&self, features: impl FnOnce(&mut dyn FnMut(&str))) -> Vec<f32> {
        self.of_row(&self.row(features))
    }

    /// The highest score of a label: unlike a probability it says how much of the
    /// features is known.
    pub(super) fn best_score(&self, features: impl FnOnce(&mut dyn FnMut(&str))) -> f32 {
        let row = self.row(features);
        self.model.as_ref().map_or(0.0, |model| sapa_learn::math::max(&model.scores(scaled(&row))))
    }

    /// Whether a feature of that name was learnt.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.names.id(name).is_some()
    }

    fn row(&self, features: impl FnOnce(&mut dyn FnMut(&str))) -> Vec<u32> {
        let mut row = Vec::new();
        features(&mut |name| row.extend(self.names.id(name)));
        row.sort_unstable();
        row.dedup();
        row
    }

    /// The same for an example's row.
    pub(super) fn of_row(&self, row: &[u32]) -> Vec<f32> {
        match &self.model {
            Some(model) => model.probabilities(scaled(row)),
            None => vec![1.0; self.labels.len()],
        }
    }
}

/// Rows have length one, so that long histories do not shout.
fn scaled(row: &[u32]) -> Vec<(u32, f32)> {
    let value = 1.0 / (row.len().max(1) as f32).sqrt();
    let mut entries: Vec<(u32, f32)> = row.iter().map(|&column| (column, value)).collect();
    tidy_row(&mut entries);
    entries
}

impl LinearModel {
    /// Labels and names as JSON, and the weights followed by the intercepts.
    pub(super) fn save(&self) -> (Stored, Vec<f32>) {
        let stored = Stored {
            labels: self.labels.clone(),
            names: self.names.iter().map(str::to_owned).collect(),
            has_weights: self.model.is_some(),
        };
        let floats = self.model.iter().flat_map(|m| m.weights.iter().chain(&m.intercept)).copied().collect();
        (stored, floats)
    }

    /// Reads what [`Self::save`] wrote; `None` when the numbers do not fit.
    pub(super) fn load(stored: Stored, mut weights: Vec<f32>) -> Option<Self> {
        let names = Vocabulary::new(&stored.names);
        let columns = names.len().checked_mul(stored.labels.len())?;
        let expected = if stored.has_weights { columns.checked_add(stored.labels.len())? } else { 0 };
        if weights.len() != expected || names.len() != stored.names.len() {
            return None;
        }
        let model = stored.has_weights.then(|| {
            let intercept = weights.split_off(columns);
            SoftmaxModel { weights, intercept }
        });
        Some(Self { labels: stored.labels, names, model })
    }
}

/// Labels and names as they are stored.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stored {
    labels: Vec<String>,
    names: Vec<String>,
    has_weights: bool,
}
