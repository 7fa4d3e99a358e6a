//! A trained tagger in use.

use super::chain::Chain;
use super::network::{Embeddings, Layers, Pass, Shape};
use super::wide::Wide;
use super::{TaggedSequence, TaggedToken};
use crate::bytes::push_bytes;
use crate::math;
use crate::rng::Rng;

/// A trained tagger, as it is stored and as it is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaggerModel {
    /// L.
    pub labels: usize,
    /// The linear part.
    pub wide: Wide,
    /// (L + 2) x L, laid out as [`Transitions`](super::Transitions).
    pub transitions: Vec<f32>,
    /// The network, if there is one.
    pub network: Option<Network>,
    /// Labels a token that are looked at.
    pub beam: usize,
    /// Divides the scores before they become probabilities; above zero.
    pub temperature: f32,
}

/// What was found in a sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tagged {
    /// The best label of each token.
    pub labels: Vec<u32>,
    /// Probabilities of the likely labels of each token. Left out if all labels
    /// are 0: most sequences hold nothing, and nobody asks.
    pub marginals: Vec<Vec<(u32, f32)>>,
    /// Probability of each class of the whole sequence. Empty if there is no
    /// network or no token.
    pub classes: Vec<f32>,
}

/// The network of a trained tagger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub(super) shape: Shape,
    pub(super) layers: Layers,
    pub(super) embeddings: ByteRows,
}

/// Rows of numbers in one byte each, with a scale a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByteRows {
    /// What a row's bytes are multiplied with.
    pub scales: Vec<f32>,
    /// The rows one after the other.
    pub values: Vec<i8>,
}

impl ByteRows {
    /// Rounds rows of that many floats.
    pub(super) fn new(floats: &[f32], width: usize) -> Self {
        let mut rows = Self::default();
        for row in floats.chunks_exact(width.max(1)) {
            rows.scales.push(push_bytes(row, &mut rows.values));
        }
        rows
    }

    /// Keeps the rows for which `keep` says so, in order.
    fn retain(&mut self, width: usize, mut keep: impl FnMut(usize) -> bool) {
        let mut kept = Self::default();
        for (number, (row, &scale)) in self.values.chunks_exact(width.max(1)).zip(&self.scales).enumerate() {
            if keep(number) {
                kept.scales.push(scale);
                kept.values.extend_from_slice(row);
            }
        }
        *self = kept;
    }
}

impl Embeddings for ByteRows {
    fn add(&self, feature: u32, factor: f32, out: &mut [f32]) {
        let start = feature as usize * out.len();
        let (Some(row), Some(&scale)) = (self.values.get(start..start + out.len()), self.scales.get(feature as usize))
        else {
            return;
        };
        let factor = factor * scale;
        out.iter_mut().zip(row).for_each(|(out, &value)| *out += factor * f32::from(value));
    }
}

impl Network {
    /// Its sizes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The embeddings.
    pub fn embeddings(&self) -> &ByteRows {
        &self.embeddings
    }

    /// All other weights in one block.
    pub fn weights(&self) -> Vec<f32> {
        self.layers.clone().parameters().into_iter().flat_map(|weights| weights.iter().copied()).collect()
    }

    /// Number of weights in [`Network::weights`] for sizes; `None` if they
    /// cannot be.
    pub fn weight_count(shape: &Shape) -> Option<usize> {
        let (described, outputs) = (shape.described(), shape.outputs());
        let direction =
            (shape.width.checked_add(shape.units)?.checked_add(1)?).checked_mul(shape.units.checked_mul(3)?)?;
        let rows = described.checked_add(1)?.checked_add(shape.classes)?;
        let class = described.checked_add(1)?.checked_mul(shape.classes)?;
        direction.checked_mul(2)?.checked_add(rows.checked_mul(outputs)?)?.checked_add(class)
    }

    /// Puts a network together again; `None` if the parts do not fit.
    pub fn from_parts(shape: Shape, weights: &[f32], embeddings: ByteRows) -> Option<Self> {
        let fits = Self::weight_count(&shape)? == weights.len()
            && embeddings.scales.len().checked_mul(shape.width)? == embeddings.values.len()
            && shape.width > 0
            && shape.units > 0
            && shape.classes > 0
            && !shape.columns.is_empty();
        if !fits {
            return None;
        }
        let mut layers = Layers::random(&shape, &mut Rng::new(0));
        let mut rest = weights;
        for target in layers.parameters() {
            let (part, after) = rest.split_at_checked(target.len())?;
            target.copy_from_slice(part);
            rest = after;
        }
        Some(Self { shape, layers, embeddings })
    }

    /// Keeps the embeddings for which `keep` says so, in order; number 0 (an
    /// unknown name) must stay.
    pub fn retain_embeddings(&mut self, keep: impl FnMut(usize) -> bool) {
        self.embeddings.retain(self.shape.width, keep);
    }

    pub(super) fn forward(&self, tokens: &[TaggedToken]) -> Pass {
        self.layers.forward(&self.shape, &self.embeddings, tokens, None)
    }
}

/// Adds the output columns to the labels' scores.
pub(super) fn spread_outputs(columns: &[[u32; 2]], outputs: &[f32], scores: &mut [f32]) {
    for (score, &[first, second]) in scores.iter_mut().zip(columns) {
        *score += outputs[first as usize];
        if second != first {
            *score += outputs[second as usize];
        }
    }
}

/// Adds to the columns of a label: the other way round.
pub(super) fn add_to_columns(columns: &[[u32; 2]], label: u32, value: f32, outputs: &mut [f32]) {
    let [first, second] = columns[label as usize];
    outputs[first as usize] += value;
    if second != first {
        outputs[second as usize] += value;
    }
}

impl TaggerModel {
    /// T x L emission scores.
    pub(super) fn emissions(&self, tokens: &[TaggedToken]) -> Vec<f32> {
        self.scores(tokens).0
    }

    /// T x L emission scores, and the probability of each class.
    fn scores(&self, tokens: &[TaggedToken]) -> (Vec<f32>, Vec<f32>) {
        let mut emissions = vec![0.0_f32; tokens.len() * self.labels];
        if emissions.is_empty() {
            return (emissions, Vec::new());
        }
        for (token, row) in tokens.iter().zip(emissions.chunks_exact_mut(self.labels)) {
            token.wide.iter().for_each(|&feature| self.wide.add(feature, row));
        }
        let mut classes = Vec::new();
        if let Some(network) = &self.network {
            let pass = network.forward(tokens);
            let rows = emissions.chunks_exact_mut(self.labels);
            for (row, outputs) in rows.zip(pass.outputs.chunks_exact(network.shape.outputs())) {
                spread_outputs(&network.shape.columns, outputs, row);
            }
            classes = pass.classes;
        }
        (emissions, classes)
    }

    fn chain(&self) -> Chain<'_> {
        Chain { labels: self.labels, transitions: &self.transitions }
    }

    /// Labels the tokens of a sequence.
    pub fn tag(&self, tokens: &[TaggedToken]) -> Tagged {
        let (emissions, classes) = self.scores(tokens);
        let chain = self.chain();
        let lattice = chain.lattice(&emissions, self.beam, None);
        let labels = chain.best_path(&lattice);
        if labels.iter().all(|&label| label == 0) {
            return Tagged { labels, marginals: Vec::new(), classes };
        }
        let probabilities = chain.marginals(&emissions, &lattice, self.temperature);
        let marginals = probabilities.map(|probabilities| {
            let row = |token: usize| -> Vec<(u32, f32)> {
                let values = probabilities.labels[lattice.range(token)].iter().copied();
                lattice.at(token).iter().copied().zip(values).collect()
            };
            (0..labels.len()).map(row).collect()
        });
        Tagged { labels, marginals: marginals.unwrap_or_default(), classes }
    }

    /// Finds the temperature under which the labels of held-out sequences are
    /// likeliest, and keeps it. None says nothing.
    pub fn calibrate(&mut self, held_out: &[TaggedSequence]) {
        let sequences: Vec<(Vec<f32>, &[u32])> =
            held_out.iter().map(|sequence| (self.emissions(&sequence.tokens), sequence.labels.as_slice())).collect();
        if sequences.is_empty() {
            return;
        }
        let mut best = (f64::INFINITY, 1.0);
        for step in -2..12 {
            let temperature = math::pow(2.0, f64::from(step) / 2.0) as f32;
            let loss: f64 = sequences.iter().map(|(emissions, labels)| self.loss(emissions, labels, temperature)).sum();
            if loss < best.0 {
                best = (loss, temperature);
            }
        }
        self.temperature = best.1;
    }

    /// Sum of the negative logarithms of the true labels' marginals.
    fn loss(&self, emissions: &[f32], labels: &[u32], temperature: f32) -> f64 {
        let chain = self.chain();
        let lattice = chain.lattice(emissions, self.beam, Some(labels));
        let Some(marginals) = chain.marginals(emissions, &lattice, temperature) else { return 0.0 };
        let probability = |(token, &label): (usize, &u32)| {
            let place = lattice.at(token).iter().position(|&other| other == label);
            place.map_or(0.0, |place| marginals.labels[lattice.range(token)][place])
        };
        labels.iter().enumerate().map(probability).map(|p| -math::ln(f64::from(p).max(1e-9))).sum()
    }
}
