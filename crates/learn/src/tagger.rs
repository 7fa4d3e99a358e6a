//! A linear-chain tagger: an averaged perceptron over sparse token features and
//! label transitions, decoded by Viterbi, with marginals from forward-backward.

use crate::math;
use crate::rng::Rng;

/// Score of a transition that cannot be.
const FORBIDDEN: f32 = -1.0e6;

/// Which labels may follow which: `(L + 2) x L`. Row `i < L`: from label `i`;
/// row `L`: at the start; row `L + 1`: at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Transitions {
    labels: usize,
    allowed: Vec<bool>,
}

impl Transitions {
    /// Everything may follow everything.
    pub fn all(labels: usize) -> Self {
        Self { labels, allowed: vec![true; (labels + 2) * labels] }
    }

    /// Forbids what `permits` denies; it is asked with `None` for the start (as
    /// first argument) and the end (as second).
    pub fn only(labels: usize, permits: impl Fn(Option<usize>, Option<usize>) -> bool) -> Self {
        let mut transitions = Self::all(labels);
        for to in 0..labels {
            for from in 0..labels {
                transitions.allowed[from * labels + to] = permits(Some(from), Some(to));
            }
            transitions.allowed[labels * labels + to] = permits(None, Some(to));
            transitions.allowed[(labels + 1) * labels + to] = permits(Some(to), None);
        }
        transitions
    }
}

/// One training sequence: the active features and the label of each token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaggedSequence {
    /// Ids of the features of each token.
    pub features: Vec<Vec<u32>>,
    /// Label of each token.
    pub labels: Vec<u32>,
}

/// How a tagger is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggerOptions {
    /// Passes over the sequences.
    pub passes: usize,
    /// Seed of the order of the sequences.
    pub seed: u64,
}

impl Default for TaggerOptions {
    fn default() -> Self {
        Self { passes: 10, seed: 42 }
    }
}

/// The weights of a tagger, as they are stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaggerModel {
    /// L.
    pub labels: usize,
    /// F x L.
    pub emissions: Vec<f32>,
    /// (L + 2) x L, laid out as [`Transitions`].
    pub transitions: Vec<f32>,
    /// Divides the scores before they become probabilities; above zero.
    pub temperature: f32,
}

impl TaggerModel {
    /// Trains on sequences whose feature ids lie below `features` and labels
    /// below `L`; sequences that break this are left out.
    pub fn train(
        sequences: &[TaggedSequence],
        features: usize,
        transitions: &Transitions,
        options: &TaggerOptions,
    ) -> Self {
        let usable: Vec<&TaggedSequence> =
            sequences.iter().filter(|sequence| is_usable(sequence, features, transitions.labels)).collect();
        let mut perceptron = Perceptron::new(features, transitions);
        let mut order: Vec<usize> = (0..usable.len()).collect();
        let mut rng = Rng::new(options.seed);
        for _ in 0..options.passes {
            rng.shuffle(&mut order);
            let mistakes = order.iter().filter(|&&i| perceptron.learn(usable[i])).count();
            if mistakes == 0 {
                break;
            }
        }
        perceptron.average()
    }

    /// Keeps the feature rows for which `keep` says so, in order.
    pub fn retain_features(&mut self, mut keep: impl FnMut(usize, &[f32]) -> bool) {
        let rows = self.emissions.chunks_exact(self.labels.max(1)).enumerate();
        self.emissions = rows.filter(|(id, row)| keep(*id, row)).flat_map(|(_, row)| row.iter().copied()).collect();
    }

    /// Finds the temperature under which the labels of held-out sequences are
    /// likeliest, and keeps it.
    pub fn calibrate(&mut self, held_out: &[TaggedSequence]) {
        let mut best = (f64::INFINITY, 1.0);
        for step in 0..14 {
            let temperature = math::pow(2.0, f64::from(step) / 2.0) as f32;
            self.temperature = temperature;
            let tagger = Tagger::new(self.clone());
            let loss: f64 = held_out.iter().map(|sequence| tagger.loss(sequence)).sum();
            if loss < best.0 {
                best = (loss, temperature);
            }
        }
        self.temperature = best.1;
    }
}

fn is_usable(sequence: &TaggedSequence, features: usize, labels: usize) -> bool {
    sequence.features.len() == sequence.labels.len()
        && sequence.labels.iter().all(|&label| (label as usize) < labels)
        && sequence.features.iter().flatten().all(|&feature| (feature as usize) < features)
}

/// Weights in training. `average = weight - weighted / step`.
struct Perceptron {
    model: TaggerModel,
    /// For each weight the sum of its changes times the step they were made in.
    emission_sums: Vec<f64>,
    transition_sums: Vec<f64>,
    step: f64,
}

impl Perceptron {
    fn new(features: usize, transitions: &Transitions) -> Self {
        let labels = transitions.labels;
        let start = transitions.allowed.iter().map(|&allowed| if allowed { 0.0 } else { FORBIDDEN }).collect();
        Self {
            model: TaggerModel {
                labels,
                emissions: vec![0.0; features * labels],
                transitions: start,
                temperature: 1.0,
            },
            emission_sums: vec![0.0; features * labels],
            transition_sums: vec![0.0; transitions.allowed.len()],
            step: 1.0,
        }
    }

    /// Decodes and, if wrong, moves weights from the guess to the truth.
    fn learn(&mut self, sequence: &TaggedSequence) -> bool {
        let guess = viterbi(&self.model, &emission_scores(&self.model, &sequence.features));
        let wrong = guess != sequence.labels;
        if wrong {
            self.update(sequence, &sequence.labels, 1.0);
            self.update(sequence, &guess, -1.0);
        }
        self.step += 1.0;
        wrong
    }

    fn update(&mut self, sequence: &TaggedSequence, path: &[u32], change: f32) {
        let labels = self.model.labels;
        let mut previous = labels;
        for (features, &label) in sequence.features.iter().zip(path) {
            for &feature in features {
                let cell = feature as usize * labels + label as usize;
                self.model.emissions[cell] += change;
                self.emission_sums[cell] += f64::from(change) * self.step;
            }
            self.move_transition(previous * labels + label as usize, change);
            previous = label as usize;
        }
        if previous < labels {
            self.move_transition((labels + 1) * labels + previous, change);
        }
    }

    fn move_transition(&mut self, cell: usize, change: f32) {
        self.model.transitions[cell] += change;
        self.transition_sums[cell] += f64::from(change) * self.step;
    }

    fn average(mut self) -> TaggerModel {
        let step = self.step;
        let settle = |weights: &mut [f32], sums: &[f64]| {
            for (weight, sum) in weights.iter_mut().zip(sums) {
                if *weight > FORBIDDEN / 2.0 {
                    *weight = (f64::from(*weight) - sum / step) as f32;
                }
            }
        };
        settle(&mut self.model.emissions, &self.emission_sums);
        settle(&mut self.model.transitions, &self.transition_sums);
        self.model
    }
}

/// T x L scores of the tokens; unknown features count nothing.
fn emission_scores(model: &TaggerModel, features: &[Vec<u32>]) -> Vec<f32> {
    let labels = model.labels;
    let mut scores = vec![0.0_f32; features.len() * labels];
    for (scores, active) in scores.chunks_exact_mut(labels.max(1)).zip(features) {
        for &feature in active {
            let start = feature as usize * labels;
            let Some(weights) = model.emissions.get(start..start + labels) else { continue };
            scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += weight);
        }
    }
    scores
}

/// The best path; ties go to the lower label.
fn viterbi(model: &TaggerModel, emissions: &[f32]) -> Vec<u32> {
    let labels = model.labels;
    if labels == 0 || emissions.is_empty() {
        return Vec::new();
    }
    let row = |from: usize| &model.transitions[from * labels..(from + 1) * labels];
    let mut scores: Vec<f32> = row(labels).iter().zip(emissions).map(|(t, e)| t + e).collect();
    let mut back: Vec<u32> = Vec::with_capacity(emissions.len());
    let mut best = vec![0.0_f32; labels];
    let mut from = vec![0_u32; labels];
    for token in emissions.chunks_exact(labels).skip(1) {
        best.fill(f32::NEG_INFINITY);
        from.fill(0);
        for (previous, &score) in scores.iter().enumerate() {
            for ((best, from), transition) in best.iter_mut().zip(&mut from).zip(row(previous)) {
                let candidate = score + transition;
                if candidate > *best {
                    *best = candidate;
                    *from = previous as u32;
                }
            }
        }
        scores.iter_mut().zip(best.iter().zip(token)).for_each(|(score, (best, e))| *score = best + e);
        back.extend_from_slice(&from);
    }
    scores.iter_mut().zip(row(labels + 1)).for_each(|(score, end)| *score += end);
    let mut label = argmax(&scores);
    let mut path = vec![label as u32];
    for from in back.chunks_exact(labels).rev() {
        label = from[label] as usize;
        path.push(label as u32);
    }
    path.reverse();
    path
}

fn argmax(scores: &[f32]) -> usize {
    let better = |best: usize, (i, score): (usize, &f32)| if *score > scores[best] { i } else { best };
    scores.iter().enumerate().fold(0, better)
}

/// A tagger ready for use.
#[derive(Clone, Debug)]
pub struct Tagger {
    model: TaggerModel,
    /// Exponentials of the transitions at the model's temperature, the largest 1.
    factors: Vec<f32>,
}

impl Tagger {
    /// Prepares the weights.
    pub fn new(model: TaggerModel) -> Self {
        let top = math::max(&model.transitions);
        let factors = model.transitions.iter().map(|&t| math::expf((t - top) / model.temperature)).collect();
        Self { model, factors }
    }

    /// The weights.
    pub fn model(&self) -> &TaggerModel {
        &self.model
    }

    /// The best label of each token, and T x L marginal probabilities. If all
    /// labels are 0 (nothing found) the marginals are left out: most messages
    /// cost only half.
    pub fn tag(&self, features: &[Vec<u32>]) -> (Vec<u32>, Vec<f32>) {
        let emissions = emission_scores(&self.model, features);
        let labels = viterbi(&self.model, &emissions);
        let nothing = labels.iter().all(|&label| label == 0);
        (labels, if nothing { Vec::new() } else { self.marginals(emissions) })
    }

    /// Forward-backward with every row scaled to sum one.
    fn marginals(&self, mut emissions: Vec<f32>) -> Vec<f32> {
        let labels = self.model.labels;
        if labels == 0 {
            return Vec::new();
        }
        for row in emissions.chunks_exact_mut(labels) {
            row.iter_mut().for_each(|score| *score /= self.model.temperature);
            math::softmax(row);
        }
        let tokens = emissions.len() / labels;
        let factors = |from: usize| &self.factors[from * labels..(from + 1) * labels];
        let mut forward = emissions.clone();
        let mut reach = factors(labels).to_vec();
        for token in 0..tokens {
            let row = &mut forward[token * labels..(token + 1) * labels];
            row.iter_mut().zip(&reach).for_each(|(value, reach)| *value *= reach);
            normalise(row);
            reach.fill(0.0);
            for (from, &value) in row.iter().enumerate() {
                reach.iter_mut().zip(factors(from)).for_each(|(reach, factor)| *reach += value * factor);
            }
        }
        let mut after = factors(labels + 1).to_vec();
        for token in (0..tokens).rev() {
            let range = token * labels..(token + 1) * labels;
            let row = &mut forward[range.clone()];
            row.iter_mut().zip(&after).for_each(|(value, after)| *value *= after);
            normalise(row);
            let mut inside: Vec<f32> = emissions[range].iter().zip(&after).map(|(e, a)| e * a).collect();
            normalise(&mut inside);
            for (from, value) in after.iter_mut().enumerate() {
                *value = factors(from).iter().zip(&inside).map(|(f, i)| f * i).sum();
            }
        }
        forward
    }

    /// Sum of the negative logarithms of the true labels' marginals.
    fn loss(&self, sequence: &TaggedSequence) -> f64 {
        let marginals = self.marginals(emission_scores(&self.model, &sequence.features));
        let rows = marginals.chunks_exact(self.model.labels.max(1)).zip(&sequence.labels);
        rows.map(|(row, &label)| -math::ln(f64::from(row.get(label as usize).copied().unwrap_or(0.0)).max(1e-9))).sum()
    }
}

fn normalise(row: &mut [f32]) {
    let sum: f32 = row.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        row.iter_mut().for_each(|value| *value /= sum);
    } else {
        let even = 1.0 / row.len().max(1) as f32;
        row.fill(even);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels: 0 outside, 1 begin, 2 inside. Feature 0: any word; 1: a name's
    /// first word; 2: an ambiguous word, inside only after a begin.
    fn corpus() -> Vec<TaggedSequence> {
        let make = |features: &[u32], labels: &[u32]| TaggedSequence {
            features: features.iter().map(|&f| vec![f]).collect(),
            labels: labels.to_vec(),
        };
        vec![
            make(&[0, 1, 2], &[0, 1, 2]),
            make(&[0, 2, 0], &[0, 0, 0]),
            make(&[1, 2, 0], &[1, 2, 0]),
            make(&[2, 0], &[0, 0]),
            make(&[0, 1, 0], &[0, 1, 0]),
        ]
    }

    fn bio() -> Transitions {
        Transitions::only(3, |from, to| to != Some(2) || matches!(from, Some(1 | 2)))
    }

    #[test]
    fn context_decides_an_ambiguous_word() {
        let tagger = Tagger::new(TaggerModel::train(&corpus(), 3, &bio(), &TaggerOptions::default()));
        assert_eq!(tagger.tag(&[vec![1], vec![2], vec![2]]).0[..2], [1, 2]);
        assert_eq!(tagger.tag(&[vec![2], vec![0]]).0, [0, 0]);
    }

    #[test]
    fn forbidden_transitions_never_come_out() {
        let tagger = Tagger::new(TaggerModel::train(&corpus(), 3, &bio(), &TaggerOptions::default()));
        let mut rng = Rng::new(5);
        for _ in 0..200 {
            let features: Vec<Vec<u32>> = (0..6).map(|_| vec![rng.below(4) as u32]).collect();
            let (labels, marginals) = tagger.tag(&features);
            assert_ne!(labels[0], 2);
            assert!(labels.windows(2).all(|pair| pair[1] != 2 || pair[0] != 0), "{labels:?}");
            assert!(marginals.is_empty() || marginals[2] < 1e-6);
        }
    }

    #[test]
    fn marginals_agree_with_summing_over_all_paths() {
        let model = TaggerModel {
            labels: 2,
            emissions: vec![0.3, -0.2, 1.1, 0.4],
            transitions: vec![0.5, -0.5, 0.1, 0.9, 0.2, -0.3, 0.7, -0.1],
            temperature: 1.0,
        };
        let tokens = [0_usize, 1, 0];
        let mut expected = [[0.0_f64; 2]; 3];
        for path in 0..8_usize {
            let label = |i: usize| path >> i & 1;
            let mut score = model.transitions[4 + label(0)] + model.transitions[6 + label(2)];
            for (i, token) in tokens.iter().enumerate() {
                score += model.emissions[token * 2 + label(i)];
                if i > 0 {
                    score += model.transitions[label(i - 1) * 2 + label(i)];
                }
            }
            (0..3).for_each(|i| expected[i][label(i)] += math::exp(f64::from(score)));
        }
        let features: Vec<Vec<u32>> = tokens.iter().map(|&t| vec![t as u32]).collect();
        let emissions = emission_scores(&model, &features);
        let marginals = Tagger::new(model).marginals(emissions);
        for (i, row) in expected.iter().enumerate() {
            let share = row[0] / (row[0] + row[1]);
            assert!((f64::from(marginals[i * 2]) - share).abs() < 1e-5, "{i}: {marginals:?} {expected:?}");
        }
    }

    #[test]
    fn training_twice_gives_the_same_weights_and_calibration_softens() {
        let train = || TaggerModel::train(&corpus(), 3, &bio(), &TaggerOptions::default());
        let mut model = train();
        assert_eq!(model, train());
        // Held-out data that contradict the model: less certain is better.
        let contradiction = TaggedSequence { features: vec![vec![1], vec![1]], labels: vec![0, 1] };
        model.calibrate(&[contradiction]);
        assert!(model.temperature > 1.0);
    }

    #[test]
    fn nothing_to_tag_and_unusable_sequences_are_fine() {
        let broken = TaggedSequence { features: vec![vec![9]], labels: vec![0] };
        let model = TaggerModel::train(&[broken], 3, &bio(), &TaggerOptions::default());
        let (labels, marginals) = Tagger::new(model).tag(&[]);
        assert!(labels.is_empty() && marginals.is_empty());
        assert!(Tagger::new(TaggerModel { temperature: 1.0, ..TaggerModel::default() }).tag(&[vec![1]]).0.is_empty());
    }
}
