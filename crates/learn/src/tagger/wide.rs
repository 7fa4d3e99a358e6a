//! The linear part: a weight for a feature and a label, kept only for the pairs
//! that training ever moved. With hundreds of labels these are few.

/// One weight in training.
#[derive(Clone, Copy, Debug)]
struct Cell {
    label: u32,
    weight: f32,
    /// Sum of the squared gradients.
    squares: f32,
}

/// Weights in training, a row for each feature, sorted by label.
#[derive(Clone, Debug, Default)]
pub(super) struct WideTrainer {
    rows: Vec<Vec<Cell>>,
}

/// Added to the squared gradients: the first step is not longer than later ones
/// by orders of magnitude.
const FLOOR: f32 = 1e-2;

impl WideTrainer {
    /// No weight yet for any of so many features.
    pub fn new(features: usize) -> Self {
        Self { rows: vec![Vec::new(); features] }
    }

    /// Adds the weights of a feature to the scores of the labels.
    pub fn add(&self, feature: u32, scores: &mut [f32]) {
        for cell in self.rows.get(feature as usize).into_iter().flatten() {
            scores[cell.label as usize] += cell.weight;
        }
    }

    /// Moves one weight against its gradient, in steps that shrink with the
    /// gradients seen (AdaGrad; Duchi et al. 2011); `decay` pulls it to zero.
    pub fn update(&mut self, feature: u32, label: u32, gradient: f32, rate: f32, decay: f32) {
        let Some(row) = self.rows.get_mut(feature as usize) else { return };
        let at = row.binary_search_by_key(&label, |cell| cell.label).unwrap_or_else(|at| {
            row.insert(at, Cell { label, weight: 0.0, squares: 0.0 });
            at
        });
        let cell = &mut row[at];
        let gradient = gradient + decay * cell.weight;
        cell.squares += gradient * gradient;
        cell.weight -= rate * gradient / (cell.squares + FLOOR).sqrt();
    }

    /// What is worth keeping.
    pub fn finish(self, smallest: f32) -> Wide {
        let mut wide = Wide { starts: vec![0], ..Wide::default() };
        for row in &self.rows {
            for cell in row.iter().filter(|cell| cell.weight.abs() >= smallest) {
                wide.labels.push(cell.label as u16);
                wide.weights.push(cell.weight);
            }
            wide.starts.push(wide.labels.len() as u32);
        }
        wide
    }
}

/// Weights ready for use: compressed rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wide {
    /// Where each feature's row begins, and the end of the last: F + 1.
    pub starts: Vec<u32>,
    /// Label of each weight, ascending within a row.
    pub labels: Vec<u16>,
    /// The weights.
    pub weights: Vec<f32>,
}

impl Wide {
    /// Number of features.
    pub fn features(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Labels and weights of a feature; nothing for one that does not exist.
    pub fn row(&self, feature: u32) -> impl Iterator<Item = (usize, f32)> {
        let range = match (self.starts.get(feature as usize), self.starts.get(feature as usize + 1)) {
            (Some(&start), Some(&end)) => start as usize..end as usize,
            _ => 0..0,
        };
        let labels = self.labels.get(range.clone()).unwrap_or_default();
        let weights = self.weights.get(range).unwrap_or_default();
        labels.iter().map(|&label| usize::from(label)).zip(weights.iter().copied())
    }

    /// Adds the weights of a feature to the scores of the labels.
    pub fn add(&self, feature: u32, scores: &mut [f32]) {
        for (label, weight) in self.row(feature) {
            if let Some(score) = scores.get_mut(label) {
                *score += weight;
            }
        }
    }

    /// Keeps the rows for which `keep` says so, in order.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, bool) -> bool) {
        let mut kept = Self { starts: vec![0], ..Self::default() };
        for feature in 0..self.features() {
            let range = self.starts[feature] as usize..self.starts[feature + 1] as usize;
            if keep(feature, !range.is_empty()) {
                kept.labels.extend_from_slice(&self.labels[range.clone()]);
                kept.weights.extend_from_slice(&self.weights[range]);
                kept.starts.push(kept.labels.len() as u32);
            }
        }
        *self = kept;
    }

    /// Whether the parts fit together: what was read from a file may not.
    pub fn is_sound(&self) -> bool {
        self.starts.first() == Some(&0)
            && self.starts.is_sorted()
            && self.starts.last().is_some_and(|&end| end as usize == self.labels.len())
            && self.labels.len() == self.weights.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_weights_that_moved_are_kept() {
        let mut trainer = WideTrainer::new(3);
        trainer.update(1, 5, -1.0, 0.1, 0.0);
        trainer.update(1, 2, 1e-6, 0.1, 0.0);
        trainer.update(9, 2, 1.0, 0.1, 0.0);
        let mut wide = trainer.finish(0.01);
        assert!(wide.is_sound());
        assert_eq!(wide.row(1).map(|(label, _)| label).collect::<Vec<_>>(), [5]);
        assert_eq!(wide.row(7).count(), 0);
        let mut scores = [0.0; 6];
        wide.add(1, &mut scores);
        assert!(scores[5] > 0.09 && scores[..5] == [0.0; 5]);
        wide.retain(|_, has_weights| has_weights);
        assert_eq!((wide.features(), wide.row(0).count()), (1, 1));
        wide.starts[1] = 9;
        assert!(!wide.is_sound());
    }
}
