//! An embedding bag: the features of an example are added up as vectors, go
//! through a rectifier, and a softmax layer chooses among the classes.
//!
//! "Bag of Tricks for Efficient Text Classification" (Joulin et al. 2016) with
//! the hidden rectifier of deep averaging networks and their dropping of whole
//! features (Iyyer et al. 2015). It learns with AdaGrad (Duchi et al. 2011), one
//! accumulator for each row, a step for each example.

mod packed;
mod train;

pub use packed::{PackedBag, Scratch};

use crate::{CsrMatrix, Rng, math};

/// Hidden units.
pub const HIDDEN: usize = 128;

/// One row of weights.
pub type Row = [f32; HIDDEN];

/// What is learnt from.
#[derive(Clone, Copy, Debug)]
pub struct BagExamples<'a> {
    /// A row for each example.
    pub features: &'a CsrMatrix,
    /// The class of each row.
    pub labels: &'a [u32],
    /// Number of classes.
    pub classes: usize,
    /// How much each class counts; all the same if none.
    pub weights: Option<&'a [f32]>,
}

/// How it is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct BagOptions {
    /// Passes over the examples.
    pub epochs: usize,
    /// Share of features left out in a step.
    pub feature_dropout: f32,
    /// Share of hidden units left out in a step.
    pub dropout: f32,
    /// Length of steps at the beginning; falls evenly.
    pub rate: f32,
    /// Added to it throughout.
    pub last_rate: f32,
    /// Classes that stand for all others in a step; 0: every class is looked at.
    pub sampled: usize,
}

impl BagOptions {
    fn keep_scale(&self) -> f32 {
        1.0 / (1.0 - self.dropout)
    }
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct BagModel {
    /// A row for each feature.
    pub embeddings: Vec<Row>,
    /// Added to the sum of rows.
    pub hidden_bias: Row,
    /// A row for each class.
    pub output: Vec<Row>,
    /// Added to each class's score.
    pub output_bias: Vec<f32>,
}

impl BagModel {
    /// Embeddings of variance 0.01, output rows as He et al. 2015.
    fn random(features: usize, classes: usize, rng: &mut Rng) -> Self {
        let mut row = |size: f32| -> Row { std::array::from_fn(|_| size * rng.normal()) };
        Self {
            embeddings: (0..features).map(|_| row(0.1)).collect(),
            hidden_bias: [0.0; HIDDEN],
            output: (0..classes).map(|_| row((2.0 / HIDDEN as f32).sqrt())).collect(),
            output_bias: vec![0.0; classes],
        }
    }

    /// Trains one network; the same seed gives the same bits everywhere.
    pub fn train(examples: &BagExamples<'_>, options: &BagOptions, seed: u64) -> Self {
        train::train(examples, options, seed)
    }

    /// The hidden units of an example.
    pub fn hidden_of(&self, features: impl Iterator<Item = (u32, f32)>) -> Row {
        let mut hidden = self.hidden_bias;
        for (feature, value) in features {
            for (h, e) in hidden.iter_mut().zip(&self.embeddings[feature as usize]) {
                *h += value * e;
            }
        }
        hidden.iter_mut().for_each(|h| *h = h.max(0.0));
        hidden
    }

    /// The score of each class.
    pub fn scores_into(&self, hidden: &Row, scores: &mut [f32]) {
        for ((score, row), bias) in scores.iter_mut().zip(&self.output).zip(&self.output_bias) {
            *score = math::dot(row, hidden) + bias;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thirty examples of three classes: a feature tells the class, others are
    /// shared.
    pub(super) fn examples() -> (CsrMatrix, Vec<u32>) {
        let mut features = CsrMatrix::new(13);
        let labels: Vec<u32> = (0..30).map(|i| i % 3).collect();
        for (row, label) in labels.iter().enumerate() {
            features.push_row([(*label, 0.6), (3 + row as u32 % 10, 0.8)]);
        }
        (features, labels)
    }

    pub(super) fn options() -> BagOptions {
        BagOptions { epochs: 60, feature_dropout: 0.3, dropout: 0.2, rate: 0.05, last_rate: 0.001, sampled: 0 }
    }

    fn right(model: &BagModel, features: &CsrMatrix, labels: &[u32]) -> usize {
        let is_right = |row: usize| {
            let (columns, values) = features.row(row);
            let hidden = model.hidden_of(columns.iter().copied().zip(values.iter().copied()));
            let mut scores = vec![0.0; model.output.len()];
            model.scores_into(&hidden, &mut scores);
            let own = scores[labels[row] as usize];
            scores.iter().all(|score| *score <= own)
        };
        (0..labels.len()).filter(|row| is_right(*row)).count()
    }

    #[test]
    fn what_tells_the_classes_apart_is_learnt() {
        let (features, labels) = examples();
        let data = BagExamples { features: &features, labels: &labels, classes: 3, weights: None };
        assert_eq!(right(&BagModel::train(&data, &options(), 1), &features, &labels), 30);
        let sampled = BagOptions { sampled: 1, ..options() };
        assert_eq!(right(&BagModel::train(&data, &sampled, 1), &features, &labels), 30);
    }

    #[test]
    fn a_seed_gives_the_same_bits_and_another_seed_others() {
        let (features, labels) = examples();
        let data = BagExamples { features: &features, labels: &labels, classes: 3, weights: None };
        let model = BagModel::train(&data, &options(), 7);
        assert_eq!(model, BagModel::train(&data, &options(), 7));
        assert_ne!(model, BagModel::train(&data, &options(), 8));
        assert!(model.embeddings.iter().flatten().all(|entry| entry.is_finite()));
    }
}
