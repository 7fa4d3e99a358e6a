//! Learning an embedding bag, one example at a time.

use super::{BagExamples, BagModel, BagOptions, HIDDEN, Row};
use crate::Rng;
use crate::math;

/// Where accumulators start: the first step of a row is as long as the rate.
const START: f32 = 1e-6;
/// Gradients of classes below this are left out: they move nothing, and after
/// the first passes nearly all classes are.
const NEGLIGIBLE: f32 = 1e-4;

/// A network while it learns.
struct Learner<'a> {
    options: &'a BagOptions,
    model: BagModel,
    /// Squared gradients of each feature's row, mean over its entries.
    embedding_squares: Vec<f32>,
    hidden_squares: Row,
    output_squares: Vec<f32>,
    bias_squares: Vec<f32>,
    rng: Rng,
    /// Features of the current example that were not dropped.
    kept: Vec<(u32, f32)>,
    /// Classes that the current example is told from, and their scores.
    candidates: Vec<u32>,
    scores: Vec<f32>,
}

/// Trains one network. The same seed gives the same bits everywhere.
pub(super) fn train(examples: &BagExamples<'_>, options: &BagOptions, seed: u64) -> BagModel {
    let mut rng = Rng::new(seed);
    let (features, classes) = (examples.features.columns(), examples.classes);
    let mut learner = Learner {
        options,
        model: BagModel::random(features, classes, &mut rng),
        embedding_squares: vec![START; features],
        hidden_squares: [START; HIDDEN],
        output_squares: vec![START; classes],
        bias_squares: vec![START; classes],
        rng,
        kept: Vec::new(),
        candidates: (0..classes as u32).collect(),
        scores: Vec::with_capacity(classes),
    };
    let mut order: Vec<u32> = (0..examples.labels.len() as u32).collect();
    for epoch in 0..options.epochs {
        learner.rng.shuffle(&mut order);
        let rate = options.rate * (1.0 - epoch as f32 / options.epochs as f32) + options.last_rate;
        for &row in &order {
            learner.step(examples, row as usize, rate);
        }
    }
    learner.model
}

impl Learner<'_> {
    fn step(&mut self, examples: &BagExamples<'_>, row: usize, rate: f32) {
        let label = examples.labels[row];
        self.choose_features(examples, row);
        let mut hidden = self.model.hidden_of(self.kept.iter().copied());
        self.drop_hidden(&mut hidden);
        let own = self.score_candidates(label, &hidden);
        math::softmax(&mut self.scores);
        self.scores[own] -= 1.0;
        let weight = examples.weights.map_or(1.0, |weights| weights[label as usize]);
        let mut back = self.learn_output(&hidden, rate, weight);
        let scale = self.options.keep_scale();
        for (back, hidden) in back.iter_mut().zip(&hidden) {
            // Neither rectified nor dropped units learn.
            *back = if *hidden > 0.0 { *back * scale } else { 0.0 };
        }
        self.learn_embeddings(&back, rate);
    }

    /// Drops features at random; the others weigh more for it.
    fn choose_features(&mut self, examples: &BagExamples<'_>, row: usize) {
        let (columns, values) = examples.features.row(row);
        let scale = 1.0 / (1.0 - self.options.feature_dropout);
        let least = (f64::from(self.options.feature_dropout) * 2.0_f64.powi(32)) as u64;
        self.kept.clear();
        for (&column, &value) in columns.iter().zip(values) {
            if (self.rng.next_u64() >> 32) >= least {
                self.kept.push((column, value * scale));
            }
        }
    }

    fn drop_hidden(&mut self, hidden: &mut Row) {
        let scale = self.options.keep_scale();
        let least = (f64::from(self.options.dropout) * 65536.0) as u64;
        for four in hidden.as_chunks_mut::<4>().0 {
            let bits = self.rng.next_u64();
            for (place, unit) in four.iter_mut().enumerate() {
                let kept = (bits >> (16 * place)) & 0xffff >= least;
                *unit = if kept { *unit * scale } else { 0.0 };
            }
        }
    }

    /// Scores the classes that the example is told from and returns the place of
    /// its own. Of very many classes a sample stands for the rest, each as heavy
    /// as those it stands for (sampled softmax, Jean et al. 2015).
    fn score_candidates(&mut self, label: u32, hidden: &Row) -> usize {
        let classes = self.model.output.len();
        let sampled = self.options.sampled;
        let mut heavier = 0.0;
        if sampled > 0 && sampled < classes {
            self.candidates.clear();
            self.candidates.extend((0..sampled).map(|_| self.rng.below(classes) as u32));
            self.candidates.push(label);
            self.candidates.sort_unstable();
            self.candidates.dedup();
            heavier = math::lnf((classes - 1) as f32 / (self.candidates.len() - 1).max(1) as f32);
        }
        self.scores.clear();
        let (output, bias) = (&self.model.output, &self.model.output_bias);
        self.scores.extend(self.candidates.iter().map(|&class| {
            let extra = if class == label { 0.0 } else { heavier };
            math::dot(&output[class as usize], hidden) + bias[class as usize] + extra
        }));
        self.candidates.partition_point(|&class| class < label)
    }

    /// Moves the output rows against `self.scores`, the gradient, and returns the
    /// gradient of the hidden units.
    fn learn_output(&mut self, hidden: &Row, rate: f32, weight: f32) -> Row {
        let mut back = [0.0; HIDDEN];
        let length = math::dot(hidden, hidden) / HIDDEN as f32;
        for (&class, score) in self.candidates.iter().zip(&self.scores) {
            let (class, gradient) = (class as usize, score * weight);
            if gradient.abs() < NEGLIGIBLE {
                continue;
            }
            let row = &mut self.model.output[class];
            for (back, w) in back.iter_mut().zip(row.iter()) {
                *back += gradient * w;
            }
            let squares = &mut self.output_squares[class];
            *squares += gradient * gradient * length;
            let step = rate * gradient / squares.sqrt();
            for (w, h) in row.iter_mut().zip(hidden) {
                *w -= step * h;
            }
            let squares = &mut self.bias_squares[class];
            *squares += gradient * gradient;
            self.model.output_bias[class] -= rate * gradient / squares.sqrt();
        }
        back
    }

    fn learn_embeddings(&mut self, back: &Row, rate: f32) {
        let length = math::dot(back, back) / HIDDEN as f32;
        if length == 0.0 {
            return;
        }
        for ((bias, squares), back) in self.model.hidden_bias.iter_mut().zip(&mut self.hidden_squares).zip(back) {
            *squares += back * back;
            *bias -= rate * back / squares.sqrt();
        }
        for &(feature, value) in &self.kept {
            let squares = &mut self.embedding_squares[feature as usize];
            *squares += value * value * length;
            let step = rate * value / squares.sqrt();
            for (e, back) in self.model.embeddings[feature as usize].iter_mut().zip(back) {
                *e -= step * back;
            }
        }
    }
}
