//! How much is learnt from how many examples. The figures come from the dev
//! splits of public data (docs/understanding.md), none from a test set.

use sapa_learn::bag::BagOptions;

/// Below so many examples every one is left out once to see how sure answers may be.
const FEW: usize = 1500;

/// Examples from which on a sequence network does not harm.
const MANY_SEQUENCES: usize = 500;

/// Left-out examples that tell enough.
const TELLING: usize = 1000;

/// Below so many examples, and up to so many weights (columns times classes), the
/// wide margin of a linear classifier is mixed in; below so many, the opinion of a
/// sequence network too. A weight takes eight bytes while
/// it is learnt and one in the model; every example is looked at for every class.
const MANY: usize = 20_000;
const MOST_WEIGHTS: usize = 20_000_000;
const MOST_LOOKS: usize = 10_000_000;

/// Steps that training may take for one network.
const MOST_STEPS: usize = 400_000;

/// Classes from which on a sample stands for the others.
const MANY_CLASSES: usize = 1000;
const SAMPLED: usize = 256;

/// Multiplications that the networks' steps may come to before there is one only.
const MOST_WORK: usize = 130_000_000;

/// What to train.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Networks whose answers are averaged.
    pub networks: usize,
    /// How each learns.
    pub options: BagOptions,
    /// Whether a linear classifier is mixed in.
    pub linear: bool,
    /// Parts the examples are cut into …
    pub folds: usize,
    /// … and how many of them are left out, one at a time, to calibrate.
    pub tried: usize,
}

impl Plan {
    /// A plan for so many examples, with so many features altogether, in so many
    /// columns.
    pub fn new(examples: usize, features: usize, columns: usize, classes: usize) -> Self {
        let few = examples < FEW;
        let sampled = if classes > MANY_CLASSES { SAMPLED } else { 0 };
        let epochs = match few {
            true => 60,
            false => (MOST_STEPS / examples).clamp(4, 20),
        };
        let (feature_dropout, dropout) = if few { (0.3, 0.2) } else { (0.5, 0.3) };
        let options = BagOptions { epochs, feature_dropout, dropout, rate: 0.05, last_rate: 0.001, sampled };
        let looked_at = if sampled > 0 { sampled } else { classes };
        let work = epochs * (features + examples * looked_at);
        Self {
            networks: if work > MOST_WORK { 1 } else { 3 },
            options,
            linear: is_looked_over(examples, classes) && columns.saturating_mul(classes) <= MOST_WEIGHTS,
            folds: folds(examples),
            tried: if few { 5 } else { (TELLING / (examples / folds(examples))).clamp(1, 4) },
        }
    }
}

/// Parts that so many examples are cut into.
pub(super) fn folds(examples: usize) -> usize {
    if examples < FEW { 5 } else { 10 }
}

/// Whether a sequence network is asked: it must have seen many examples, and take
/// no more time than the rest.
pub(super) fn asks_sequences(examples: usize, classes: usize) -> bool {
    examples >= MANY_SEQUENCES && is_looked_over(examples, classes)
}

/// Whether the examples are few enough to learn them in more ways than one.
pub(super) fn is_looked_over(examples: usize, classes: usize) -> bool {
    examples < MANY && examples.saturating_mul(classes) <= MOST_LOOKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_data_is_passed_over_less_often_and_by_fewer_networks() {
        let small = Plan::new(100, 5_000, 1_000, 10);
        assert_eq!((small.networks, small.options.epochs, small.linear, small.tried), (3, 60, true, 5));
        let middle = Plan::new(10_000, 1_000_000, 50_000, 64);
        assert_eq!((middle.networks, middle.options.epochs, middle.linear, middle.tried), (3, 20, true, 1));
        let large = Plan::new(100_000, 10_000_000, 300_000, 2_000);
        assert_eq!((large.networks, large.options.epochs, large.options.sampled), (1, 4, 256));
        assert!(!large.linear);
        assert!(!Plan::new(10_000, 1_000_000, 50_000, 2_000).linear, "it would take 800 MB");
        assert!(!Plan::new(10_000, 100_000, 1_000, 10_000).linear, "it would take minutes");
    }
}
