//! Cutting examples into parts to learn from and parts to test with: the same
//! parts on every run.

use std::collections::BTreeMap;

use sapa_learn::rng::Rng;
use sapa_project::nlu::Example;

/// Any number would do; a fixed one makes results repeatable.
const SEED: u64 = 0x5a9a;

/// Examples to learn from and examples to test with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Split<'a> {
    /// To learn from.
    pub train: Vec<&'a Example>,
    /// To test with.
    pub test: Vec<&'a Example>,
}

/// The examples of intents that have at least so many; the others' names.
pub fn frequent(examples: &[Example], least: usize) -> (Vec<&Example>, Vec<&str>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    examples.iter().for_each(|example| *counts.entry(example.base_intent()).or_default() += 1);
    let is_frequent = |example: &&Example| counts.get(example.base_intent()).is_some_and(|count| *count >= least);
    let rare = counts.iter().filter(|(_, count)| **count < least).map(|(name, _)| *name).collect();
    (examples.iter().filter(is_frequent).collect(), rare)
}

/// `count` parts, each tested with once while the others are learnt from. Each
/// full intent name is spread evenly (spec §8.3).
pub fn folds<'a>(examples: &[&'a Example], count: usize) -> Vec<Split<'a>> {
    let mut folds = vec![Split::default(); count.max(1)];
    // Going on where the last intent ended keeps the parts equally large.
    let mut next = 0;
    for group in shuffled_by_intent(examples, &mut Rng::new(SEED)) {
        for example in group {
            for (number, fold) in folds.iter_mut().enumerate() {
                let list = if number == next { &mut fold.test } else { &mut fold.train };
                list.push(example);
            }
            next = (next + 1) % count.max(1);
        }
    }
    folds
}

/// Learns from this share of each full intent name and tests with the rest; of
/// two examples or more at least one is on each side. `run` chooses which.
pub fn split<'a>(examples: &[&'a Example], train_share: f64, run: u64) -> Split<'a> {
    let mut split = Split::default();
    for group in shuffled_by_intent(examples, &mut Rng::new(SEED ^ (run + 1))) {
        let wanted = (group.len() as f64 * train_share).round() as usize;
        let kept = wanted
            .clamp(usize::from(train_share > 0.0), group.len().saturating_sub(usize::from(train_share < 1.0)).max(1));
        let (train, test) = group.split_at(kept.min(group.len()));
        split.train.extend(train);
        split.test.extend(test);
    }
    split
}

fn shuffled_by_intent<'a>(examples: &[&'a Example], rng: &mut Rng) -> Vec<Vec<&'a Example>> {
    let mut groups: BTreeMap<&str, Vec<&Example>> = BTreeMap::new();
    examples.iter().for_each(|example| groups.entry(&example.intent).or_default().push(example));
    let mut groups: Vec<Vec<&Example>> = groups.into_values().collect();
    groups.iter_mut().for_each(|group| rng.shuffle(group));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(counts: &[(&str, usize)]) -> Vec<Example> {
        let one = |intent: &str, number: usize| Example {
            intent: intent.to_owned(),
            text: format!("{intent} {number}"),
            entities: Vec::new(),
            metadata: sapa_sdk::JsonMap::new(),
            span: sapa_project::Span::default(),
        };
        counts.iter().flat_map(|(intent, count)| (0..*count).map(move |number| one(intent, number))).collect()
    }

    #[test]
    fn every_example_is_tested_once_and_every_intent_in_every_fold() {
        let all = examples(&[("a", 6), ("faq/x", 3), ("faq/y", 4), ("rare", 2)]);
        let (kept, dropped) = frequent(&all, 3);
        assert_eq!((kept.len(), dropped), (13, vec!["rare"]));
        let folds = folds(&kept, 3);
        let mut tested: Vec<&str> = folds.iter().flat_map(|fold| &fold.test).map(|e| e.text.as_str()).collect();
        tested.sort_unstable();
        tested.dedup();
        assert_eq!(tested.len(), 13);
        for fold in &folds {
            assert_eq!(fold.train.len() + fold.test.len(), 13);
            for intent in ["a", "faq/x", "faq/y"] {
                assert!(fold.test.iter().any(|e| e.intent == intent), "{intent} is not tested");
            }
        }
        assert_eq!(folds, super::folds(&kept, 3), "the same folds each time");
    }

    #[test]
    fn a_share_is_taken_of_every_intent() {
        let all = examples(&[("a", 10), ("b", 5)]);
        let all: Vec<&Example> = all.iter().collect();
        let split = split(&all, 0.8, 0);
        assert_eq!((split.train.len(), split.test.len()), (12, 3));
        assert_ne!(split, super::split(&all, 0.8, 1), "another run takes others");
        assert_eq!(super::split(&all, 1.0, 0).train.len(), 15, "no exclusion leaves all");
    }
}
