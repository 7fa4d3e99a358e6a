//! The chain over a sequence's labels: a beam that keeps few labels a token, the
//! best path among them, and forward-backward over them.
//!
//! With hundreds of labels nearly all are hopeless at any one token. A beam
//! search from the left keeps the few whose best path so far scores highest;
//! training and decoding look at those only (structured prediction cascades,
//! Weiss and Taskar 2010). It must be a beam and not the best emissions alone:
//! labels that the transitions rule out are never pushed down by training, and
//! would crowd out the others.

use super::kernels::exp;

/// The labels that are looked at, token by token, best first but for label 0,
/// which is always there and comes first.
#[derive(Clone, Debug, Default)]
pub(super) struct Lattice {
    /// Where each token's labels begin, and the end of the last.
    starts: Vec<usize>,
    labels: Vec<u32>,
    /// Score of the best path to each.
    scores: Vec<f32>,
}

/// Transition scores: `(L + 2) x L`, laid out as
/// [`Transitions`](super::Transitions).
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain<'a> {
    pub labels: usize,
    pub transitions: &'a [f32],
}

impl Chain<'_> {
    fn row(&self, from: usize) -> &[f32] {
        &self.transitions[from * self.labels..(from + 1) * self.labels]
    }

    fn score(&self, from: u32, to: u32) -> f32 {
        self.transitions[from as usize * self.labels + to as usize]
    }

    /// Score of a label at the end.
    fn end(&self, label: u32) -> f32 {
        self.transitions[(self.labels + 1) * self.labels + label as usize]
    }

    /// The `width` best labels of each token for T x L emission scores, and the
    /// true ones if they are given.
    pub fn lattice(&self, emissions: &[f32], width: usize, truth: Option<&[u32]>) -> Lattice {
        let mut lattice = Lattice { starts: vec![0], ..Lattice::default() };
        if self.labels == 0 {
            return lattice;
        }
        let mut reached = vec![0.0_f32; self.labels];
        let mut best: Vec<u32> = Vec::with_capacity(width + 1);
        for (token, emission) in emissions.chunks_exact(self.labels).enumerate() {
            match token.checked_sub(1) {
                None => reached.copy_from_slice(self.row(self.labels)),
                Some(before) => {
                    reached.fill(f32::NEG_INFINITY);
                    let before = lattice.range(before);
                    for (&from, &score) in lattice.labels[before.clone()].iter().zip(&lattice.scores[before]) {
                        for (reached, transition) in reached.iter_mut().zip(self.row(from as usize)) {
                            let candidate = score + transition;
                            *reached = if candidate > *reached { candidate } else { *reached };
                        }
                    }
                }
            }
            reached.iter_mut().zip(emission).for_each(|(reached, emission)| *reached += emission);
            select(&reached, width, &mut best);
            if let Some(&label) = truth.and_then(|truth| truth.get(token)).filter(|label| !best.contains(label)) {
                best.push(label);
            }
            let top = best.iter().fold(f32::NEG_INFINITY, |top, &label| top.max(reached[label as usize]));
            lattice.labels.extend_from_slice(&best);
            lattice.scores.extend(best.iter().map(|&label| reached[label as usize] - top));
            lattice.starts.push(lattice.labels.len());
        }
        lattice
    }

    /// The best path through a lattice; ties go to the earlier candidate.
    pub fn best_path(&self, lattice: &Lattice) -> Vec<u32> {
        let tokens = lattice.tokens();
        let mut path = vec![0_u32; tokens];
        for token in (0..tokens).rev() {
            let range = lattice.range(token);
            let after = path.get(token + 1).copied();
            let onward = |label: u32| after.map_or_else(|| self.end(label), |after| self.score(label, after));
            let mut best = (f32::NEG_INFINITY, 0);
            for (&label, &score) in lattice.labels[range.clone()].iter().zip(&lattice.scores[range]) {
                let score = score + onward(label);
                if score > best.0 {
                    best = (score, label);
                }
            }
            path[token] = best.1;
        }
        path
    }

    /// Forward-backward at a temperature; `None` for an empty lattice.
    pub fn marginals(&self, emissions: &[f32], lattice: &Lattice, temperature: f32) -> Option<Marginals> {
        let tokens = lattice.tokens();
        let last = tokens.checked_sub(1)?;
        let factor = |score: f32| if score < -80.0 * temperature { 0.0 } else { exp(score / temperature) };
        let mut inside = vec![0.0_f32; lattice.labels.len()];
        for token in 0..tokens {
            let range = lattice.range(token);
            let emission = &emissions[token * self.labels..(token + 1) * self.labels];
            let labels = &lattice.labels[range.clone()];
            let top = labels.iter().fold(f32::NEG_INFINITY, |top, &label| top.max(emission[label as usize]));
            for (inside, &label) in inside[range].iter_mut().zip(labels) {
                *inside = factor(emission[label as usize] - top);
                if token == 0 {
                    *inside *= factor(self.score(self.labels as u32, label));
                }
                if token == last {
                    *inside *= factor(self.end(label));
                }
            }
        }
        // Factors of the transitions, once for both directions.
        let mut pairs: Vec<f32> = Vec::new();
        let mut pair_starts = vec![0];
        for token in 1..tokens {
            for &from in lattice.at(token - 1) {
                pairs.extend(lattice.at(token).iter().map(|&to| factor(self.score(from, to))));
            }
            pair_starts.push(pairs.len());
        }
        let mut forward = inside.clone();
        for token in 0..tokens {
            let range = lattice.range(token);
            if token > 0 {
                let (done, rest) = forward.split_at_mut(range.start);
                let here = &mut rest[..range.len()];
                here.fill(0.0);
                let rows = pairs[pair_starts[token - 1]..pair_starts[token]].chunks_exact(range.len());
                for (&value, row) in done[lattice.range(token - 1)].iter().zip(rows) {
                    here.iter_mut().zip(row).for_each(|(here, pair)| *here += value * pair);
                }
                here.iter_mut().zip(&inside[range.clone()]).for_each(|(here, inside)| *here *= inside);
            }
            normalise(&mut forward[range]);
        }
        let mut labels = forward.clone();
        let mut after = vec![1.0_f32; lattice.range(last).len()];
        for token in (1..tokens).rev() {
            let (range, before) = (lattice.range(token), lattice.range(token - 1));
            let onward: Vec<f32> =
                after.iter().zip(&inside[range.clone()]).map(|(after, inside)| after * inside).collect();
            let rows = &mut pairs[pair_starts[token - 1]..pair_starts[token]];
            after = vec![0.0; before.len()];
            for ((row, after), &value) in
                rows.chunks_exact_mut(range.len()).zip(&mut after).zip(&forward[before.clone()])
            {
                *after = row.iter().zip(&onward).fold(0.0, |sum, (pair, onward)| sum + pair * onward);
                row.iter_mut().zip(&onward).for_each(|(pair, onward)| *pair *= value * onward);
            }
            normalise(rows);
            normalise(&mut after);
            let here = &mut labels[before];
            here.iter_mut().zip(&after).for_each(|(here, after)| *here *= after);
            normalise(here);
        }
        Some(Marginals { labels, pairs, pair_starts })
    }
}

/// Probabilities of a lattice's labels and of pairs of neighbours.
#[derive(Clone, Debug)]
pub(super) struct Marginals {
    /// Laid out as the lattice's labels.
    pub labels: Vec<f32>,
    pairs: Vec<f32>,
    pair_starts: Vec<usize>,
}

impl Marginals {
    /// Probabilities of the pairs at a token and the one before, a row for each
    /// label of the latter.
    pub fn pairs(&self, token: usize) -> &[f32] {
        &self.pairs[self.pair_starts[token - 1]..self.pair_starts[token]]
    }
}

impl Lattice {
    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Where a token's labels stand.
    pub fn range(&self, token: usize) -> std::ops::Range<usize> {
        self.starts[token]..self.starts[token + 1]
    }

    /// The labels of a token.
    pub fn at(&self, token: usize) -> &[u32] {
        &self.labels[self.range(token)]
    }
}

/// Label 0, then the best of the others in descending order; of equals the
/// lower label.
fn select(scores: &[f32], width: usize, best: &mut Vec<u32>) {
    best.clear();
    best.push(0);
    let mut lowest = f32::NEG_INFINITY;
    for (label, &score) in scores.iter().enumerate().skip(1) {
        let is_full = best.len() >= width.max(2);
        if is_full && score <= lowest {
            continue;
        }
        let place = best.iter().skip(1).position(|&other| score > scores[other as usize]);
        if is_full {
            best.pop();
        }
        best.insert(place.map_or(best.len(), |place| place + 1), label as u32);
        if best.len() >= width.max(2) {
            lowest = best.last().map_or(lowest, |&last| scores[last as usize]);
        }
    }
}

/// Scales to sum one; what cannot be scaled becomes even.
fn normalise(row: &mut [f32]) {
    let sum = row.iter().fold(0.0, |sum, value| sum + value);
    if sum > 0.0 && sum.is_finite() {
        row.iter_mut().for_each(|value| *value /= sum);
        return;
    }
    let even = 1.0 / row.len().max(1) as f32;
    row.fill(even);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rng, math};

    /// Score of one labelling.
    fn path_score(chain: &Chain, emissions: &[f32], path: &[u32]) -> f64 {
        let mut sum = 0.0;
        let mut before = chain.labels as u32;
        for (emission, &label) in emissions.chunks_exact(chain.labels).zip(path) {
            sum += f64::from(emission[label as usize]) + f64::from(chain.score(before, label));
            before = label;
        }
        path.last().map_or(sum, |&last| sum + f64::from(chain.end(last)))
    }

    /// All labellings of three tokens with three labels.
    fn paths() -> impl Iterator<Item = Vec<u32>> {
        (0..27_u32).map(|number| vec![number / 9, number / 3 % 3, number % 3])
    }

    #[test]
    fn best_path_and_marginals_agree_with_looking_at_all_paths() {
        let mut rng = Rng::new(9);
        for _ in 0..20 {
            let transitions: Vec<f32> = (0..15).map(|_| rng.normal()).collect();
            let emissions: Vec<f32> = (0..9).map(|_| 2.0 * rng.normal()).collect();
            let chain = Chain { labels: 3, transitions: &transitions };
            let lattice = chain.lattice(&emissions, 9, None);
            let scored: Vec<(f64, Vec<u32>)> =
                paths().map(|path| (path_score(&chain, &emissions, &path), path)).collect();
            let best = scored.iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            assert_eq!(chain.best_path(&lattice), best.1);
            let sum: f64 = scored.iter().map(|(score, _)| math::exp(*score)).sum();
            let marginals = chain.marginals(&emissions, &lattice, 1.0).unwrap();
            for token in 0..3 {
                for (place, &label) in lattice.range(token).zip(lattice.at(token)) {
                    let with: f64 = scored
                        .iter()
                        .filter(|(_, path)| path[token] == label)
                        .map(|(score, _)| math::exp(*score))
                        .sum();
                    assert!((f64::from(marginals.labels[place]) - with / sum).abs() < 1e-4);
                }
            }
            let pair = scored.iter().filter(|(_, path)| path[..2] == [0, 0]).map(|(score, _)| math::exp(*score));
            let at = lattice.at(0).iter().position(|&label| label == 0).unwrap() * 3;
            assert!((f64::from(marginals.pairs(1)[at]) - pair.sum::<f64>() / sum).abs() < 1e-4);
        }
    }

    #[test]
    fn the_beam_keeps_the_outside_label_the_best_and_the_truth() {
        let transitions = vec![0.0; 12 * 10];
        let chain = Chain { labels: 10, transitions: &transitions };
        let emissions: Vec<f32> = (0..10).map(|label| if label == 0 { -9.0 } else { label as f32 }).collect();
        let lattice = chain.lattice(&emissions, 4, Some(&[2]));
        assert_eq!(lattice.at(0), [0, 9, 8, 7, 2]);
        assert_eq!(chain.best_path(&lattice), [9]);
        assert!(chain.best_path(&chain.lattice(&[], 4, None)).is_empty());
        assert!(chain.marginals(&[], &chain.lattice(&[], 4, None), 1.0).is_none());
    }
}
