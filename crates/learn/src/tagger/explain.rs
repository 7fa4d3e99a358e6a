//! Why a token got its label: what each feature adds to the emission score of
//! that label over label 0.
//!
//! The linear part, and the network's direct way from embeddings to labels, are
//! sums over features. What came through the recurrent layers is shared out
//! among the tokens: their embeddings are set to zero one after the other, the
//! farthest first, and each gets the difference this makes. All shares together
//! are the difference of the scores.

use super::network::Layers;
use super::{Network, TaggedToken, TaggerModel};

/// Where a share of a score comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A feature of the linear part.
    Wide(u32),
    /// A feature of the bag (or the name), directly.
    Bag(u32),
    /// A token of the sequence, through the recurrent layers.
    Token(usize),
    /// A class that the sequence may have.
    Class(u32),
    /// What is there without any feature.
    Bias,
}

/// Reasons with what each adds to the score.
pub type Reasons = Vec<(Reason, f32)>;

impl TaggerModel {
    /// What speaks for a label of a token over label 0. The values add up to the
    /// difference of the two emission scores.
    pub fn explain(&self, tokens: &[TaggedToken], at: usize, label: u32) -> Reasons {
        let (Some(token), true) = (tokens.get(at), (label as usize) < self.labels) else { return Reasons::new() };
        let mut reasons: Reasons = Vec::new();
        for &feature in &token.wide {
            let weight = |label: u32| -> f32 {
                self.wide.row(feature).filter(|(other, _)| *other == label as usize).map(|(_, weight)| weight).sum()
            };
            reasons.push((Reason::Wide(feature), weight(label) - weight(0)));
        }
        if let Some(network) = &self.network {
            network.explain(tokens, at, label, &mut reasons);
        }
        reasons.retain(|(_, share)| *share != 0.0);
        reasons
    }

    /// What each token, in its place among the others, adds to the logarithm of how
    /// much likelier the first class is than the second, and what is there without
    /// any token: a class's score is a sum over the tokens. `None` without a
    /// network, or if it does not know the classes.
    pub fn class_shares(&self, tokens: &[TaggedToken], [first, second]: [usize; 2]) -> Option<(Vec<f32>, f32)> {
        let network = self.network.as_ref()?;
        let (shape, layers) = (&network.shape, &network.layers);
        if tokens.is_empty() || first.max(second) >= shape.classes {
            return None;
        }
        let contrast: Vec<f32> = layers.class.chunks_exact(shape.classes).map(|row| row[first] - row[second]).collect();
        let pass = network.forward(tokens);
        let share = |at: usize| {
            let described = pass.described_at(at, shape).iter();
            described.zip(&contrast).map(|(value, weight)| value * weight).sum::<f32>() / tokens.len() as f32
        };
        let shares = (0..tokens.len()).map(share).collect();
        Some((shares, layers.class_bias[first] - layers.class_bias[second]))
    }

    /// The difference that [`TaggerModel::explain`] explains.
    pub fn margin(&self, tokens: &[TaggedToken], at: usize, label: u32) -> f32 {
        let emissions = self.emissions(tokens);
        let score = |label: usize| emissions.get(at * self.labels + label).copied().unwrap_or(0.0);
        score(label as usize) - score(0)
    }
}

impl Network {
    fn explain(&self, tokens: &[TaggedToken], at: usize, label: u32, reasons: &mut Reasons) {
        let (units, width) = (self.shape.units, self.shape.width);
        let outputs = self.shape.outputs();
        // The output's weights for the label less those for label 0.
        let difference = |row: &[f32]| -> f32 {
            let score = |label: usize| {
                let [first, second] = self.shape.columns[label];
                row[first as usize] + if second == first { 0.0 } else { row[second as usize] }
            };
            score(label as usize) - score(0)
        };
        let contrast: Vec<f32> = self.layers.output.chunks_exact(outputs).map(difference).collect();
        let token = &tokens[at];
        for &feature in token.bag.iter().chain([&token.name]) {
            let mut row = vec![0.0; width];
            super::network::Embeddings::add(&self.embeddings, feature, 1.0, &mut row);
            let share = row.iter().zip(&contrast[2 * units..]).map(|(x, weight)| x * weight).sum();
            reasons.push((Reason::Bag(feature), share));
        }
        let pass = self.forward(tokens);
        for (class, (&probability, row)) in
            pass.classes.iter().zip(self.layers.class_output.chunks_exact(outputs)).enumerate()
        {
            if probability > super::network::UNLIKELY {
                reasons.push((Reason::Class(class as u32), probability * difference(row)));
            }
        }
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|&other| (std::cmp::Reverse(other.abs_diff(at)), other));
        let mut embedded = pass.into_embedded();
        let mut before = recurrent_score(&self.layers, &self.shape, &embedded, at, &contrast);
        for other in order {
            embedded[other * width..(other + 1) * width].fill(0.0);
            let after = recurrent_score(&self.layers, &self.shape, &embedded, at, &contrast);
            reasons.push((Reason::Token(other), before - after));
            before = after;
        }
        reasons.push((Reason::Bias, before + difference(&self.layers.output_bias)));
    }
}

/// What comes to a token through the recurrent layers.
fn recurrent_score(layers: &Layers, shape: &super::Shape, embedded: &[f32], at: usize, contrast: &[f32]) -> f32 {
    let pass = layers.forward_embedded(shape, embedded.to_vec());
    let hidden = &pass.described_at(at, shape)[..2 * shape.units];
    hidden.iter().zip(contrast).map(|(hidden, weight)| hidden * weight).sum()
}
