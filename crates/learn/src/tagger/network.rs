//! The part that generalises: embeddings of a token's features, summed (Joulin
//! et al. 2017), a recurrent layer in each direction over them (Huang et al.
//! 2015, "Bidirectional LSTM-CRF"), and a linear map from both and from the
//! embedding itself to the labels. The mean over the tokens also predicts the
//! class of the whole sequence, and the predicted class speaks on the labels: so
//! the sequence's intent helps to find its entities (Chen et al. 2019, joint
//! training) without being asked of anybody.

use super::TaggedToken;
use super::kernels::{add_scaled, multiply, multiply_rows, outer, softmax};
use super::recurrent::{Direction, Recurrent, Steps};
use crate::math::dot;
use crate::rng::Rng;

/// Sizes of the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// D, the width of an embedding.
    pub width: usize,
    /// H, the units of a direction.
    pub units: usize,
    /// Classes of whole sequences; at least 1.
    pub classes: usize,
    /// For each label the two output columns whose sum is its score, twice the
    /// same for a label with one of its own.
    pub columns: Vec<[u32; 2]>,
}

impl Shape {
    /// Number of output columns, rounded up to what is computed at once.
    pub fn outputs(&self) -> usize {
        self.columns.iter().flatten().max().map_or(0, |&last| (last as usize + 1).next_multiple_of(8))
    }

    /// Values a token is described by before the output: both directions and
    /// the embedding.
    pub fn described(&self) -> usize {
        self.units.saturating_mul(2).saturating_add(self.width)
    }
}

/// The weights but for the embeddings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layers {
    pub forward: Recurrent,
    pub backward: Recurrent,
    /// (2H + D) x outputs.
    pub output: Vec<f32>,
    pub output_bias: Vec<f32>,
    /// (2H + D) x classes.
    pub class: Vec<f32>,
    pub class_bias: Vec<f32>,
    /// Classes x outputs.
    pub class_output: Vec<f32>,
}

/// Random weights for a layer of that many inputs.
pub(super) fn random(length: usize, inputs: usize, rng: &mut Rng) -> Vec<f32> {
    let spread = (1.0 / inputs.max(1) as f32).sqrt();
    (0..length).map(|_| rng.normal() * spread).collect()
}

impl Layers {
    pub fn random(shape: &Shape, rng: &mut Rng) -> Self {
        let (described, outputs) = (shape.described(), shape.outputs());
        Self {
            forward: Recurrent::random(shape.width, shape.units, rng),
            backward: Recurrent::random(shape.width, shape.units, rng),
            output: random(described * outputs, described, rng),
            output_bias: vec![0.0; outputs],
            class: random(described * shape.classes, described, rng),
            class_bias: vec![0.0; shape.classes],
            class_output: vec![0.0; shape.classes * outputs],
        }
    }

    /// Layers of this shape, all zero.
    pub fn zero(&self) -> Self {
        let zero = |weights: &Vec<f32>| vec![0.0; weights.len()];
        Self {
            forward: self.forward.zero(),
            backward: self.backward.zero(),
            output: zero(&self.output),
            output_bias: zero(&self.output_bias),
            class: zero(&self.class),
            class_bias: zero(&self.class_bias),
            class_output: zero(&self.class_output),
        }
    }

    /// All weights, always in the same order.
    pub fn parameters(&mut self) -> [&mut Vec<f32>; 11] {
        let (forward, backward) = (&mut self.forward, &mut self.backward);
        [
            &mut forward.input,
            &mut forward.state,
            &mut forward.bias,
            &mut backward.input,
            &mut backward.state,
            &mut backward.bias,
            &mut self.output,
            &mut self.output_bias,
            &mut self.class,
            &mut self.class_bias,
            &mut self.class_output,
        ]
    }
}

/// Embeddings of the bag's features, a row each: in training as they are, when
/// stored one byte a number.
pub(super) trait Embeddings {
    /// `out += factor * row`; rows that do not exist are zero.
    fn add(&self, feature: u32, factor: f32, out: &mut [f32]);
}

/// Rows of floats.
#[derive(Clone, Debug)]
pub(super) struct FloatRows(pub Vec<f32>);

impl Embeddings for FloatRows {
    fn add(&self, feature: u32, factor: f32, out: &mut [f32]) {
        let start = feature as usize * out.len();
        if let Some(row) = self.0.get(start..start + out.len()) {
            add_scaled(factor, row, out);
        }
    }
}

/// Chances of leaving things out in training (Srivastava et al. 2014).
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// A feature of the bag.
    pub features: f32,
    /// An element of an embedding.
    pub embedding: f32,
    /// An element of what the output sees.
    pub described: f32,
    /// A name that occurs `n` times becomes unknown with the chance
    /// `names / (names + n)` (Kiperwasser and Goldberg 2016).
    pub names: f32,
}

/// Noise of one training pass.
pub(super) struct Noise<'a> {
    pub rng: &'a mut Rng,
    pub dropout: &'a Dropout,
    /// How often each feature of the bag occurs as a name.
    pub name_counts: &'a [u32],
}

impl Noise<'_> {
    fn mask(&mut self, length: usize, chance: f32) -> Vec<f32> {
        let kept = 1.0 / (1.0 - chance);
        (0..length).map(|_| if self.rng.uniform() < chance { 0.0 } else { kept }).collect()
    }

    fn knows(&mut self, name: u32) -> bool {
        let count = self.name_counts.get(name as usize).map_or(0.0, |&count| count as f32);
        self.rng.uniform() * (self.dropout.names + count) >= self.dropout.names
    }
}

/// What a forward pass computed.
#[derive(Default)]
pub(super) struct Pass {
    /// Features of the bag that counted, with their factors.
    used: Vec<Vec<(u32, f32)>>,
    /// T x D, dropped elements zero.
    embedded: Vec<f32>,
    embedding_mask: Vec<f32>,
    forward: Steps,
    backward: Steps,
    /// T x (2H + D), dropped elements zero.
    described: Vec<f32>,
    described_mask: Vec<f32>,
    /// Mean over the tokens.
    mean: Vec<f32>,
    /// Probability of each class.
    pub classes: Vec<f32>,
    /// T x outputs.
    pub outputs: Vec<f32>,
}

impl Pass {
    /// Outputs of one token.
    pub fn outputs_of(&self, token: usize, outputs: usize) -> &[f32] {
        &self.outputs[token * outputs..(token + 1) * outputs]
    }

    /// What one token is described by.
    pub fn described_at(&self, token: usize, shape: &Shape) -> &[f32] {
        &self.described[token * shape.described()..(token + 1) * shape.described()]
    }

    /// The embeddings, T x D.
    pub fn into_embedded(self) -> Vec<f32> {
        self.embedded
    }
}

/// Classes less likely than this do not speak.
pub(super) const UNLIKELY: f32 = 0.01;

/// Sums the embeddings of each token's features: T x D.
fn embed(
    tokens: &[TaggedToken],
    embeddings: &impl Embeddings,
    width: usize,
    noise: &mut Option<Noise>,
) -> (Vec<f32>, Vec<Vec<(u32, f32)>>) {
    let mut embedded = vec![0.0_f32; tokens.len() * width];
    let mut used = Vec::new();
    for (token, out) in tokens.iter().zip(embedded.chunks_exact_mut(width)) {
        let Some(noise) = noise else {
            token.bag.iter().for_each(|&feature| embeddings.add(feature, 1.0, out));
            embeddings.add(token.name, 1.0, out);
            continue;
        };
        let chance = noise.dropout.features;
        let kept = 1.0 / (1.0 - chance);
        let mut features: Vec<(u32, f32)> =
            token.bag.iter().filter(|_| noise.rng.uniform() >= chance).map(|&feature| (feature, kept)).collect();
        features.push((if noise.knows(token.name) { token.name } else { 0 }, 1.0));
        features.iter().for_each(|&(feature, factor)| embeddings.add(feature, factor, out));
        used.push(features);
    }
    (embedded, used)
}

impl Layers {
    /// Output scores of a sequence.
    pub fn forward(
        &self,
        shape: &Shape,
        embeddings: &impl Embeddings,
        tokens: &[TaggedToken],
        mut noise: Option<Noise>,
    ) -> Pass {
        let (mut embedded, used) = embed(tokens, embeddings, shape.width, &mut noise);
        let mut pass = Pass { used, ..Pass::default() };
        if let Some(noise) = &mut noise {
            pass.embedding_mask = noise.mask(embedded.len(), noise.dropout.embedding);
            multiply_each(&mut embedded, &pass.embedding_mask);
        }
        pass.embedded = embedded;
        self.describe(shape, tokens.len(), &mut pass);
        if let Some(noise) = &mut noise {
            pass.described_mask = noise.mask(pass.described.len(), noise.dropout.described);
            multiply_each(&mut pass.described, &pass.described_mask);
        }
        self.finish(shape, &mut pass);
        pass
    }

    /// Output scores of a sequence whose embeddings are given.
    pub fn forward_embedded(&self, shape: &Shape, embedded: Vec<f32>) -> Pass {
        let tokens = embedded.len() / shape.width.max(1);
        let mut pass = Pass { embedded, ..Pass::default() };
        self.describe(shape, tokens, &mut pass);
        self.finish(shape, &mut pass);
        pass
    }

    /// Runs the recurrent layers and puts both directions and the embedding side
    /// by side.
    fn describe(&self, shape: &Shape, tokens: usize, pass: &mut Pass) {
        let (units, width) = (shape.units, shape.width);
        pass.forward = self.forward.forward(&pass.embedded, tokens, Direction::Forward);
        pass.backward = self.backward.forward(&pass.embedded, tokens, Direction::Backward);
        pass.described = vec![0.0; tokens * shape.described()];
        for (token, out) in pass.described.chunks_exact_mut(shape.described()).enumerate() {
            out[..units].copy_from_slice(&pass.forward.hidden[token * units..(token + 1) * units]);
            out[units..2 * units].copy_from_slice(&pass.backward.hidden[token * units..(token + 1) * units]);
            out[2 * units..].copy_from_slice(&pass.embedded[token * width..(token + 1) * width]);
        }
    }

    /// Classes and outputs of what the tokens are described by.
    fn finish(&self, shape: &Shape, pass: &mut Pass) {
        let described = shape.described();
        let tokens = pass.described.len() / described;
        let outputs = self.output_bias.len();
        pass.mean = vec![0.0; described];
        let share = 1.0 / tokens.max(1) as f32;
        pass.described.chunks_exact(described).for_each(|row| add_scaled(share, row, &mut pass.mean));
        pass.classes = self.class_bias.clone();
        multiply(&pass.mean, &self.class, &mut pass.classes);
        softmax(&mut pass.classes);
        let mut base = self.output_bias.clone();
        for (&class, row) in pass.classes.iter().zip(self.class_output.chunks_exact(outputs)) {
            if class > UNLIKELY {
                add_scaled(class, row, &mut base);
            }
        }
        pass.outputs = base.repeat(tokens);
        multiply_rows(&pass.described, &self.output, &mut pass.outputs, outputs);
    }

    /// Adds to `gradient` what follows from the gradients of the outputs (T x
    /// outputs) and of the class scores; returns the gradient of each feature's
    /// embedding as calls of `touch(feature, factor, D values)`.
    pub fn backward(
        &self,
        shape: &Shape,
        pass: &Pass,
        output_gradient: &[f32],
        class_gradient: &[f32],
        gradient: &mut Self,
        mut touch: impl FnMut(u32, f32, &[f32]),
    ) {
        let (units, width, described) = (shape.units, shape.width, shape.described());
        let tokens = pass.described.len() / described;
        let outputs = self.output_bias.len();
        let mut flow = vec![0.0_f32; tokens * described];
        add_scaled(1.0, class_gradient, &mut gradient.class_bias);
        outer(&pass.mean, class_gradient, &mut gradient.class);
        let share = 1.0 / tokens.max(1) as f32;
        let from_class: Vec<f32> =
            self.class.chunks_exact(shape.classes).map(|row| share * dot(row, class_gradient)).collect();
        let rows = output_gradient.chunks_exact(outputs).zip(pass.described.chunks_exact(described));
        for ((errors, row), flow) in rows.zip(flow.chunks_exact_mut(described)) {
            flow.copy_from_slice(&from_class);
            add_scaled(1.0, errors, &mut gradient.output_bias);
            outer(row, errors, &mut gradient.output);
            for (flow, weights) in flow.iter_mut().zip(self.output.chunks_exact(outputs)) {
                *flow += dot(weights, errors);
            }
            for (&class, out) in pass.classes.iter().zip(gradient.class_output.chunks_exact_mut(outputs)) {
                if class > UNLIKELY {
                    add_scaled(class, errors, out);
                }
            }
        }
        multiply_each(&mut flow, &pass.described_mask);
        let part = |from: usize, length: usize| -> Vec<f32> {
            flow.chunks_exact(described).flat_map(|row| &row[from..from + length]).copied().collect()
        };
        let mut embedded = part(2 * units, width);
        let layers = [
            (&self.forward, &pass.forward, &mut gradient.forward, Direction::Forward, part(0, units)),
            (&self.backward, &pass.backward, &mut gradient.backward, Direction::Backward, part(units, units)),
        ];
        for (layer, steps, gradient, direction, flow) in layers {
            layer.backward(&pass.embedded, steps, &flow, direction, gradient, &mut embedded);
        }
        multiply_each(&mut embedded, &pass.embedding_mask);
        for (features, row) in pass.used.iter().zip(embedded.chunks_exact(width)) {
            features.iter().for_each(|&(feature, factor)| touch(feature, factor, row));
        }
    }
}

/// `values *= mask`, element by element; an empty mask leaves all as it is.
fn multiply_each(values: &mut [f32], mask: &[f32]) {
    values.iter_mut().zip(mask).for_each(|(value, mask)| *value *= mask);
}
