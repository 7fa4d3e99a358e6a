//! What is left out where stories and actions are so many that learning all of
//! it would take minutes and gigabytes. Nothing in projects of a usual size.

use std::collections::BTreeSet;

use sapa_learn::Vocabulary;

use super::linear::Examples;

/// Weights: labels times features. The solver keeps seventeen vectors of them.
const MOST_WEIGHTS: usize = 10_000_000;
/// Scores of all examples: labels times rows.
const MOST_SCORES: usize = 60_000_000;
/// Multiplications of all iterations.
const MOST_WORK: usize = 20_000_000_000;
/// Iterations of the solver.
const MOST_ITERATIONS: usize = 100;
/// With fewer the weights would say little.
const FEWEST_ITERATIONS: usize = 5;

impl Examples {
    /// The same, or with the most frequent features only, and with every so many
    /// of the rows that then still differ.
    pub(super) fn bounded(self) -> Self {
        let features = MOST_WEIGHTS / self.labels.len().max(1);
        let examples = if self.names.len() > features { self.frequent(features) } else { self };
        let most_rows = (MOST_SCORES / examples.labels.len().max(1)).max(1);
        if examples.rows.len() <= most_rows {
            return examples;
        }
        let step = examples.rows.len().div_ceil(most_rows);
        Self { rows: examples.rows.into_iter().step_by(step).collect(), ..examples }
    }

    /// Keeps that many features: those of the most rows, of equals the first.
    fn frequent(self, count: usize) -> Self {
        let mut uses = vec![0_u32; self.names.len()];
        self.rows.iter().flat_map(|(row, _)| row).for_each(|column| uses[*column as usize] += 1);
        let mut by_use: Vec<usize> = (0..uses.len()).collect();
        by_use.sort_by_key(|column| (std::cmp::Reverse(uses[*column]), *column));
        let kept: BTreeSet<usize> = by_use.into_iter().take(count).collect();
        let mut numbers = vec![None; uses.len()];
        kept.iter().zip(0_u32..).for_each(|(column, number)| numbers[*column] = Some(number));
        let names: Vec<&str> =
            self.names.iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, n)| n).collect();
        let shorten = |(row, label): &(Vec<u32>, String)| {
            (row.iter().filter_map(|column| numbers[*column as usize]).collect(), label.clone())
        };
        let rows = self.rows.iter().map(shorten).collect();
        Self { names: Vocabulary::new(&names), rows, labels: self.labels }
    }

    /// How many iterations the solver may take.
    pub(super) fn iterations(&self) -> usize {
        let entries: usize = self.rows.iter().map(|(row, _)| row.len()).sum();
        // Each iteration goes over the entries forwards and back.
        let work = entries.saturating_mul(2 * self.labels.len()).max(1);
        (MOST_WORK / work).clamp(FEWEST_ITERATIONS, MOST_ITERATIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_features_stay_and_rows_that_become_equal_count_once() {
        let mut examples = Examples::default();
        for (label, names) in
            [("a", ["often", "x"]), ("a", ["often", "y"]), ("b", ["often", "twice"]), ("c", ["z", "twice"])]
        {
            examples.add(label, |emit| names.iter().for_each(|name| emit(name)));
        }
        let kept = examples.frequent(2);
        assert_eq!(kept.names.iter().collect::<Vec<_>>(), ["often", "twice"]);
        let rows: Vec<_> = kept.iter().map(|(row, label)| (row.to_vec(), label)).collect();
        assert_eq!(rows, [(vec![0], "a"), (vec![0, 1], "b"), (vec![1], "c")]);
    }

    #[test]
    fn few_examples_stay_as_they_are() {
        let mut examples = Examples::default();
        examples.add("a", |emit| emit("x"));
        examples.add("b", |emit| emit("y"));
        let kept = examples.bounded();
        assert_eq!((kept.names.len(), kept.iter().count(), kept.iterations()), (2, 2, MOST_ITERATIONS));
    }
}
