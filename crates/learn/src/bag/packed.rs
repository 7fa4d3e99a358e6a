//! Trained networks side by side, as they are stored and run: embeddings in one
//! byte an entry, a scale for each row, the networks' rows of one feature next to
//! each other in memory. The answer is the mean of their probabilities.

use super::{BagModel, HIDDEN, Row};
use crate::bytes::push_bytes;
use crate::math;

/// Several networks over the same features and classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedBag {
    networks: usize,
    classes: usize,
    /// `feature x network x HIDDEN`.
    rows: Vec<i8>,
    /// `feature x network`: what an entry of 1 stands for.
    scales: Vec<f32>,
    /// `network x HIDDEN`.
    hidden_bias: Vec<f32>,
    /// `network x class x HIDDEN`.
    output: Vec<f32>,
    /// `network x class`.
    output_bias: Vec<f32>,
}

/// Room for the numbers of one answer, used again and again.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    hidden: Vec<f32>,
    scores: Vec<f32>,
}

impl PackedBag {
    /// Packs networks of the same shape.
    pub fn new(models: &[BagModel]) -> Self {
        let features = models.first().map_or(0, |model| model.embeddings.len());
        let mut packed = Self {
            networks: models.len(),
            classes: models.first().map_or(0, |model| model.output.len()),
            ..Self::default()
        };
        packed.rows.reserve_exact(features * models.len() * HIDDEN);
        for feature in 0..features {
            for model in models {
                packed.scales.push(push_bytes(&model.embeddings[feature], &mut packed.rows));
            }
        }
        for model in models {
            packed.hidden_bias.extend(model.hidden_bias);
            packed.output.extend(model.output.as_flattened());
            packed.output_bias.extend(&model.output_bias);
        }
        packed
    }

    /// Puts stored parts together; `None` if their lengths do not fit.
    pub fn from_parts(networks: usize, classes: usize, rows: Vec<i8>, floats: [Vec<f32>; 4]) -> Option<Self> {
        let [scales, hidden_bias, output, output_bias] = floats;
        let fits = rows.len() == scales.len().checked_mul(HIDDEN)?
            && networks > 0
            && scales.len() % networks == 0
            && hidden_bias.len() == networks.checked_mul(HIDDEN)?
            && output_bias.len() == networks.checked_mul(classes)?
            && output.len() == output_bias.len().checked_mul(HIDDEN)?;
        fits.then_some(Self { networks, classes, rows, scales, hidden_bias, output, output_bias })
    }

    /// What [`PackedBag::from_parts`] takes: one byte an entry, then scales,
    /// hidden bias, output and output bias.
    pub fn parts(&self) -> (&[i8], [&[f32]; 4]) {
        (&self.rows, [&self.scales, &self.hidden_bias, &self.output, &self.output_bias])
    }

    /// Number of networks.
    pub fn networks(&self) -> usize {
        self.networks
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.scales.len() / self.networks.max(1)
    }

    /// Writes the mean probability of each class to `out`. Features that do not
    /// exist are left out.
    pub fn probabilities(&self, features: &[(u32, f32)], scratch: &mut Scratch, out: &mut [f32]) {
        self.fill_hidden(features, &mut scratch.hidden);
        out.fill(0.0);
        let share = 1.0 / self.networks as f32;
        let outputs = self.output.chunks_exact(HIDDEN * self.classes).zip(self.output_bias.chunks_exact(self.classes));
        for (hidden, (rows, bias)) in scratch.hidden.as_chunks::<HIDDEN>().0.iter().zip(outputs) {
            let rows = rows.as_chunks::<HIDDEN>().0.iter();
            scratch.scores.clear();
            scratch.scores.extend(rows.zip(bias).map(|(row, bias)| math::dot(row, hidden) + bias));
            math::softmax(&mut scratch.scores);
            out.iter_mut().zip(&scratch.scores).for_each(|(out, score)| *out += share * score);
        }
    }

    /// By how much each feature speaks for one class against another: its share of
    /// the difference of their scores, mean of the networks; last, what no feature
    /// brings. With the hidden units that are on for these features the scores are
    /// sums over features, so that all shares add up to the difference.
    pub fn shares(&self, features: &[(u32, f32)], [one, other]: [usize; 2]) -> (Vec<f32>, f32) {
        let mut hidden = Vec::new();
        self.fill_hidden(features, &mut hidden);
        let (mut shares, mut rest) = (vec![0.0; features.len()], 0.0);
        let mean = 1.0 / self.networks.max(1) as f32;
        for (network, on) in hidden.as_chunks::<HIDDEN>().0.iter().enumerate() {
            let class = |class: usize| {
                let row = self.output.as_chunks::<HIDDEN>().0.get(network * self.classes + class);
                let bias = self.output_bias.get(network * self.classes + class);
                row.zip(bias)
            };
            let (Some((one, one_bias)), Some((other, other_bias))) = (class(one), class(other)) else { continue };
            let mut direction = [0.0_f32; HIDDEN];
            for (unit, way) in direction.iter_mut().enumerate() {
                *way = if on[unit] > 0.0 { mean * (one[unit] - other[unit]) } else { 0.0 };
            }
            rest += mean * (one_bias - other_bias);
            rest +=
                self.hidden_bias.as_chunks::<HIDDEN>().0.get(network).map_or(0.0, |bias| math::dot(&direction, bias));
            for (share, &(feature, value)) in shares.iter_mut().zip(features) {
                let place = feature as usize * self.networks + network;
                let Some(row) = self.rows.as_chunks::<HIDDEN>().0.get(place) else { continue };
                let along: f32 = direction.iter().zip(row).map(|(way, entry)| way * f32::from(*entry)).sum();
                *share += value * self.scales[place] * along;
            }
        }
        (shares, rest)
    }

    fn fill_hidden(&self, features: &[(u32, f32)], hidden: &mut Vec<f32>) {
        hidden.clear();
        hidden.extend(&self.hidden_bias);
        let rows = self.rows.as_chunks::<HIDDEN>().0;
        for &(feature, value) in features {
            let first = feature as usize * self.networks;
            let Some((rows, scales)) =
                rows.get(first..first + self.networks).zip(self.scales.get(first..first + self.networks))
            else {
                continue;
            };
            for ((hidden, row), scale) in hidden.as_chunks_mut::<HIDDEN>().0.iter_mut().zip(rows).zip(scales) {
                add(hidden, row, value * scale);
            }
        }
        hidden.iter_mut().for_each(|unit| *unit = unit.max(0.0));
    }
}

fn add(hidden: &mut Row, row: &[i8; HIDDEN], value: f32) {
    for (hidden, entry) in hidden.iter_mut().zip(row) {
        *hidden += value * f32::from(*entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bag::BagExamples;
    use crate::bag::tests::{examples, options};

    #[test]
    fn packing_changes_no_answer_and_little_of_its_probability() {
        let (features, labels) = examples();
        let data = BagExamples { features: &features, labels: &labels, classes: 3, weights: None };
        let models = [1, 2].map(|seed| BagModel::train(&data, &options(), seed));
        let packed = PackedBag::new(&models);
        let (mut scratch, mut out) = (Scratch::default(), vec![0.0; 3]);
        for row in 0..features.rows() {
            let (columns, values) = features.row(row);
            let row: Vec<(u32, f32)> = columns.iter().copied().zip(values.iter().copied()).collect();
            packed.probabilities(&row, &mut scratch, &mut out);
            let mut exact = [0.0_f32; 3];
            for model in &models {
                let mut scores = vec![0.0; 3];
                model.scores_into(&model.hidden_of(row.iter().copied()), &mut scores);
                math::softmax(&mut scores);
                exact.iter_mut().zip(&scores).for_each(|(sum, score)| *sum += score / 2.0);
            }
            assert!(out.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 0.02), "{out:?} {exact:?}");
            assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            // A network's scores differ as the logarithms of its probabilities do.
            let mut difference = 0.0;
            for model in &models {
                PackedBag::new(std::slice::from_ref(model)).probabilities(&row, &mut scratch, &mut out);
                difference += math::lnf(out[2] / out[0]) / 2.0;
            }
            let (shares, rest) = packed.shares(&row, [2, 0]);
            let sum = shares.iter().sum::<f32>() + rest;
            assert!((sum - difference).abs() < 1e-3, "{shares:?} + {rest}: {difference}");
        }
        let (rows, floats) = packed.parts();
        let again = PackedBag::from_parts(2, 3, rows.to_vec(), floats.map(<[f32]>::to_vec));
        assert_eq!(again, Some(packed.clone()));
        assert_eq!(PackedBag::from_parts(3, 3, rows.to_vec(), floats.map(<[f32]>::to_vec)), None);
        packed.probabilities(&[(u32::MAX, 1.0)], &mut scratch, &mut out);
        assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
