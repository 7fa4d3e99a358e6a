//! Training of the tagger: stochastic gradient descent on the likelihood of the
//! label sequences.

use super::chain::{Chain, Lattice, Marginals};
use super::kernels::{Adam, add_scaled};
use super::network::{Dropout, FloatRows, Layers, Noise, Pass, Shape};
use super::transitions::Transitions;
use super::wide::WideTrainer;
use super::{ByteRows, Network, TaggedSequence, TaggerModel};
use crate::rng::Rng;

/// How a tagger is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggerOptions {
    /// Passes over the sequences.
    pub passes: usize,
    /// Sequences between two updates of the network.
    pub batch: usize,
    /// Step length of the linear part.
    pub rate: f32,
    /// Pull of the linear part's weights to zero.
    pub decay: f32,
    /// Labels a token that are looked at.
    pub beam: usize,
    /// Weights of the linear part that are smaller are left out.
    pub smallest: f32,
    /// Seed of the order of the sequences and of the network.
    pub seed: u64,
    /// The network, if there is to be one.
    pub deep: Option<DeepOptions>,
}

/// How the network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct DeepOptions {
    /// Its sizes.
    pub shape: Shape,
    /// Number of features of the bag, number 0 (an unknown name) included.
    pub features: usize,
    /// Step length.
    pub rate: f32,
    /// Standard deviation of embeddings to begin with.
    pub spread: f32,
    /// Weight of predicting the sequence's class.
    pub class_weight: f32,
    /// What is left out.
    pub dropout: Dropout,
}

impl Default for TaggerOptions {
    fn default() -> Self {
        Self { passes: 10, batch: 4, rate: 0.1, decay: 0.0, beam: 8, smallest: 0.01, seed: 42, deep: None }
    }
}

impl DeepOptions {
    /// The sizes and rates that did well for the number of features of the bag,
    /// of classes, and the labels' output columns (see [`Shape::columns`]).
    pub fn new(features: usize, classes: usize, columns: Vec<[u32; 2]>) -> Self {
        Self {
            shape: Shape { width: 64, units: 48, classes: classes.max(1), columns },
            features: features.max(1),
            rate: 0.003,
            spread: 0.1,
            class_weight: 0.3,
            dropout: Dropout { features: 0.3, embedding: 0.2, described: 0.3, names: 0.5 },
        }
    }
}

/// Gradients smaller than this are taken for zero.
const NEGLIGIBLE: f32 = 1e-4;
/// The share of training in which the rate grows, and the lowest rate's share.
const WARM_UP: f32 = 0.02;
/// Step length of the transitions.
const TRANSITION_RATE: f32 = 0.1;

impl TaggerModel {
    /// Trains on sequences whose features of the linear part lie below `wide`
    /// and whose labels are those of `transitions`; sequences that break this
    /// are left out. Labels must be fewer than 65,536.
    pub fn train(
        sequences: &[TaggedSequence],
        wide: usize,
        transitions: &Transitions,
        options: &TaggerOptions,
    ) -> Self {
        let usable: Vec<&TaggedSequence> =
            sequences.iter().filter(|sequence| is_usable(sequence, wide, transitions.labels, options)).collect();
        let mut trainer = Trainer::new(&usable, wide, transitions, options);
        let mut order: Vec<usize> = (0..usable.len()).collect();
        let steps = (options.passes * usable.len().div_ceil(options.batch.max(1))) as f32;
        let mut step = 0.0_f32;
        for _ in 0..options.passes {
            trainer.rng.shuffle(&mut order);
            for batch in order.chunks(options.batch.max(1)) {
                trainer.pace = (1.0 - step / steps).max(WARM_UP) * (step / (WARM_UP * steps)).min(1.0);
                batch.iter().for_each(|&number| trainer.learn(usable[number]));
                trainer.update();
                step += 1.0;
            }
        }
        trainer.finish()
    }
}

fn is_usable(sequence: &TaggedSequence, wide: usize, labels: usize, options: &TaggerOptions) -> bool {
    let fits = |features: &[u32], count: usize| features.iter().all(|&feature| (feature as usize) < count);
    let is_bag_known = options.deep.as_ref().is_none_or(|deep| {
        sequence.tokens.iter().all(|token| fits(&token.bag, deep.features) && (token.name as usize) < deep.features)
            && sequence.class.is_none_or(|class| (class as usize) < deep.shape.classes)
    });
    !sequence.tokens.is_empty()
        && sequence.tokens.len() == sequence.labels.len()
        && fits(&sequence.labels, labels)
        && sequence.tokens.iter().all(|token| fits(&token.wide, wide))
        && is_bag_known
}

struct Trainer<'a> {
    options: &'a TaggerOptions,
    transitions: &'a Transitions,
    scores: Vec<f32>,
    /// Sum of the squared gradients of each transition.
    squares: Vec<f32>,
    wide: WideTrainer,
    deep: Option<Deep<'a>>,
    rng: Rng,
    /// Share of the full step length at this time.
    pace: f32,
}

impl<'a> Trainer<'a> {
    fn new(
        sequences: &[&TaggedSequence],
        wide: usize,
        transitions: &'a Transitions,
        options: &'a TaggerOptions,
    ) -> Self {
        let mut rng = Rng::new(options.seed);
        let deep = options.deep.as_ref().map(|deep| Deep::new(sequences, deep, &mut rng));
        Self {
            options,
            transitions,
            scores: transitions.scores(),
            squares: vec![0.0; transitions.allowed.len()],
            wide: WideTrainer::new(wide),
            deep,
            rng,
            pace: 0.0,
        }
    }

    /// Learns from one sequence: the linear part and the transitions at once,
    /// the network's gradients are collected.
    fn learn(&mut self, sequence: &TaggedSequence) {
        let labels = self.transitions.labels;
        let pass = self.deep.as_ref().map(|deep| deep.forward(sequence, &mut self.rng));
        let mut emissions = vec![0.0_f32; sequence.tokens.len() * labels];
        for (at, (token, row)) in sequence.tokens.iter().zip(emissions.chunks_exact_mut(labels)).enumerate() {
            token.wide.iter().for_each(|&feature| self.wide.add(feature, row));
            if let (Some(deep), Some(pass)) = (&self.deep, &pass) {
                super::model::spread_outputs(
                    &deep.options.shape.columns,
                    pass.outputs_of(at, deep.options.shape.outputs()),
                    row,
                );
            }
        }
        let chain = Chain { labels, transitions: &self.scores };
        let lattice = chain.lattice(&emissions, self.options.beam, Some(&sequence.labels));
        let Some(marginals) = chain.marginals(&emissions, &lattice, 1.0) else { return };
        self.learn_transitions(sequence, &lattice, &marginals);
        let outputs = self.deep.as_ref().map_or(0, |deep| deep.options.shape.outputs());
        let mut errors = vec![0.0_f32; sequence.tokens.len() * outputs];
        for (at, token) in sequence.tokens.iter().enumerate() {
            for (&label, probability) in lattice.at(at).iter().zip(&marginals.labels[lattice.range(at)]) {
                let gradient = probability - if label == sequence.labels[at] { 1.0 } else { 0.0 };
                if gradient.abs() < NEGLIGIBLE {
                    continue;
                }
                let rate = self.options.rate * self.pace;
                for &feature in &token.wide {
                    self.wide.update(feature, label, gradient, rate, self.options.decay);
                }
                if let Some(deep) = &self.deep {
                    super::model::add_to_columns(
                        &deep.options.shape.columns,
                        label,
                        gradient,
                        &mut errors[at * outputs..(at + 1) * outputs],
                    );
                }
            }
        }
        if let (Some(deep), Some(pass)) = (&mut self.deep, &pass) {
            deep.collect(sequence, pass, &errors);
        }
    }

    fn learn_transitions(&mut self, sequence: &TaggedSequence, lattice: &Lattice, marginals: &Marginals) {
        let labels = self.transitions.labels;
        let truth = |token: usize, label: u32| sequence.labels[token] == label;
        let sign = |is_true: bool| if is_true { 1.0 } else { 0.0 };
        let last = lattice.tokens() - 1;
        for (token, row) in [(0, labels), (last, labels + 1)] {
            for (&label, probability) in lattice.at(token).iter().zip(&marginals.labels[lattice.range(token)]) {
                self.move_transition(row * labels + label as usize, probability - sign(truth(token, label)));
            }
        }
        for token in 1..lattice.tokens() {
            let rows = marginals.pairs(token).chunks_exact(lattice.at(token).len());
            for (&from, row) in lattice.at(token - 1).iter().zip(rows) {
                for (&to, probability) in lattice.at(token).iter().zip(row) {
                    let is_true = truth(token - 1, from) && truth(token, to);
                    self.move_transition(from as usize * labels + to as usize, probability - sign(is_true));
                }
            }
        }
    }

    /// AdaGrad on one transition, if it is allowed at all.
    fn move_transition(&mut self, cell: usize, gradient: f32) {
        if self.transitions.allowed[cell] && gradient.abs() >= NEGLIGIBLE {
            self.squares[cell] += gradient * gradient;
            let rate = TRANSITION_RATE * self.pace;
            self.scores[cell] -= rate * gradient / (self.squares[cell] + 1e-2).sqrt();
        }
    }

    fn update(&mut self) {
        if let Some(deep) = &mut self.deep {
            deep.update(self.pace);
        }
    }

    fn finish(self) -> TaggerModel {
        TaggerModel {
            labels: self.transitions.labels,
            wide: self.wide.finish(self.options.smallest),
            transitions: self.scores,
            network: self.deep.map(Deep::finish),
            beam: self.options.beam,
            temperature: 1.0,
        }
    }
}

/// The network in training.
struct Deep<'a> {
    options: &'a DeepOptions,
    name_counts: Vec<u32>,
    layers: Layers,
    gradient: Layers,
    mean: Layers,
    variance: Layers,
    embeddings: FloatRows,
    embedding_gradient: Vec<f32>,
    embedding_mean: Vec<f32>,
    embedding_variance: Vec<f32>,
    /// Rows that have a gradient, in the order they got it.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
    step: usize,
}

impl<'a> Deep<'a> {
    fn new(sequences: &[&TaggedSequence], options: &'a DeepOptions, rng: &mut Rng) -> Self {
        let mut name_counts = vec![0_u32; options.features];
        for token in sequences.iter().flat_map(|sequence| &sequence.tokens) {
            // Number 0 stays at none: an unknown name is unknown.
            name_counts[token.name as usize] += u32::from(token.name != 0);
        }
        let length = options.features * options.shape.width;
        let layers = Layers::random(&options.shape, rng);
        Self {
            options,
            name_counts,
            gradient: layers.zero(),
            mean: layers.zero(),
            variance: layers.zero(),
            layers,
            embeddings: FloatRows((0..length).map(|_| rng.normal() * options.spread).collect()),
            embedding_gradient: vec![0.0; length],
            embedding_mean: vec![0.0; length],
            embedding_variance: vec![0.0; length],
            touched: Vec::new(),
            is_touched: vec![false; options.features],
            step: 0,
        }
    }

    fn forward(&self, sequence: &TaggedSequence, rng: &mut Rng) -> Pass {
        let noise = Noise { rng, dropout: &self.options.dropout, name_counts: &self.name_counts };
        self.layers.forward(&self.options.shape, &self.embeddings, &sequence.tokens, Some(noise))
    }

    /// Adds a sequence's gradients to those of the batch.
    fn collect(&mut self, sequence: &TaggedSequence, pass: &Pass, errors: &[f32]) {
        let weight = if sequence.class.is_some() { self.options.class_weight } else { 0.0 };
        let mut class_errors: Vec<f32> = pass.classes.iter().map(|class| class * weight).collect();
        if let Some(class) = sequence.class {
            class_errors[class as usize] -= weight;
        }
        let width = self.options.shape.width;
        let (rows, touched, is_touched) = (&mut self.embedding_gradient, &mut self.touched, &mut self.is_touched);
        self.layers.backward(
            &self.options.shape,
            pass,
            errors,
            &class_errors,
            &mut self.gradient,
            |feature, factor, row| {
                let at = feature as usize;
                if !std::mem::replace(&mut is_touched[at], true) {
                    touched.push(feature);
                }
                add_scaled(factor, row, &mut rows[at * width..(at + 1) * width]);
            },
        );
    }

    /// Moves all weights that have a gradient.
    fn update(&mut self, pace: f32) {
        self.step += 1;
        let adam = Adam::at(self.step, self.options.rate * pace);
        let moments = self.mean.parameters().into_iter().zip(self.variance.parameters());
        let weights = self.layers.parameters().into_iter().zip(self.gradient.parameters());
        for ((weights, gradient), (mean, variance)) in weights.zip(moments) {
            adam.update(weights, gradient, mean, variance);
        }
        let width = self.options.shape.width;
        for feature in self.touched.drain(..) {
            let at = feature as usize;
            self.is_touched[at] = false;
            let row = at * width..(at + 1) * width;
            adam.update(
                &mut self.embeddings.0[row.clone()],
                &mut self.embedding_gradient[row.clone()],
                &mut self.embedding_mean[row.clone()],
                &mut self.embedding_variance[row],
            );
        }
    }

    fn finish(self) -> Network {
        let shape = self.options.shape.clone();
        Network { embeddings: ByteRows::new(&self.embeddings.0, shape.width), shape, layers: self.layers }
    }
}
