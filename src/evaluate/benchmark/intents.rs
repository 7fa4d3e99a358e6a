//! Intents of a data set, some of whose messages may be out of scope.

use std::collections::BTreeMap;

use crate::evaluate::metrics::{Confusion, ratio};

/// Stands for "none of the bot's intents", whatever the data calls it.
pub const OUT_OF_SCOPE: &str = "out of scope";

/// Thresholds that are tried for the best correlation: 0, 0.01, …
const THRESHOLDS: usize = 100;

/// One message: what it is and what was made of it. Out of scope is
/// [`OUT_OF_SCOPE`] on either side.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The intent of the data.
    pub expected: String,
    /// The predicted intent.
    pub predicted: String,
    /// The prediction's confidence, 0 to 1.
    pub confidence: f64,
}

/// What the answers come to. Shares are 0 to 1; those about out-of-scope
/// messages are `None` where there are none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Messages.
    pub messages: usize,
    /// Right among all; an out-of-scope message is right when it is refused.
    pub accuracy: f64,
    /// F1 averaged over the intents that occur, each as heavy as the other.
    pub macro_f1: f64,
    /// Right among the messages in scope.
    pub in_scope: f64,
    /// Refused among the messages out of scope.
    pub recall: Option<f64>,
    /// Out of scope among the refused messages.
    pub precision: Option<f64>,
    /// The best multi-class Matthews correlation over thresholds below which an
    /// answer counts as refused, and that threshold. Like the rows of HINT3
    /// (Arora et al. 2020) it is picked on the very messages it judges.
    pub correlation: Option<(f64, f64)>,
}

/// Judges answers. A model that knows no out-of-scope intent refuses nothing by
/// itself: there, recall and precision are those at the threshold of the best
/// correlation.
pub fn score(answers: &[Answer], knows_out_of_scope: bool) -> Score {
    let pairs = || answers.iter().map(|a| (a.expected.as_str(), a.predicted.as_str()));
    let is_out = |label: &str| label == OUT_OF_SCOPE;
    let confusion = Confusion::of(pairs());
    let inside = answers.iter().filter(|a| !is_out(&a.expected)).count();
    let right_inside = pairs().filter(|(expected, predicted)| !is_out(expected) && expected == predicted).count();
    let mut score = Score {
        messages: answers.len(),
        accuracy: confusion.summary().accuracy,
        macro_f1: confusion.macro_f1(),
        in_scope: ratio(right_inside, inside),
        ..Score::default()
    };
    if inside == answers.len() {
        return score;
    }
    let best = best_correlation(answers);
    let threshold = if knows_out_of_scope { 0.0 } else { best.1 };
    let refused = |answer: &Answer| is_out(&answer.predicted) || answer.confidence < threshold;
    let refusals = answers.iter().filter(|a| refused(a)).count();
    let justified = answers.iter().filter(|a| refused(a) && is_out(&a.expected)).count();
    score.recall = Some(ratio(justified, answers.len() - inside));
    score.precision = Some(ratio(justified, refusals));
    score.correlation = Some(best);
    score
}

/// The highest correlation and the lowest threshold that gives it.
fn best_correlation(answers: &[Answer]) -> (f64, f64) {
    let mut best = (f64::NEG_INFINITY, 0.0);
    for step in 0..THRESHOLDS {
        let threshold = step as f64 / THRESHOLDS as f64;
        let found = correlation(answers.iter().map(|a| {
            let predicted = if a.confidence < threshold { OUT_OF_SCOPE } else { a.predicted.as_str() };
            (a.expected.as_str(), predicted)
        }));
        if found > best.0 {
            best = (found, threshold);
        }
    }
    best
}

/// Matthews' correlation of more than two classes (Gorodkin 2004, "Comparing two
/// K-category assignments by a K-category correlation coefficient"); 0 where
/// either side knows one class only.
fn correlation<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> f64 {
    let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let (mut right, mut all) = (0.0, 0.0);
    for (expected, predicted) in pairs {
        counts.entry(expected).or_default().0 += 1.0;
        counts.entry(predicted).or_default().1 += 1.0;
        right += f64::from(u8::from(expected == predicted));
        all += 1.0;
    }
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| counts.values().map(of).sum::<f64>();
    let (expected, predicted) = (sum(&|c| c.0 * c.0), sum(&|c| c.1 * c.1));
    let below = ((all * all - expected) * (all * all - predicted)).sqrt();
    if below > 0.0 { (right * all - sum(&|c| c.0 * c.1)) / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(expected: &str, predicted: &str, confidence: f64) -> Answer {
        Answer { expected: expected.to_owned(), predicted: predicted.to_owned(), confidence }
    }

    #[test]
    fn in_scope_and_out_of_scope_are_counted_apart() {
        let answers = [
            answer("a", "a", 0.9),
            answer("a", "b", 0.8),
            answer("b", "b", 0.7),
            answer("b", OUT_OF_SCOPE, 0.6),
            answer(OUT_OF_SCOPE, OUT_OF_SCOPE, 0.9),
            answer(OUT_OF_SCOPE, "a", 0.2),
        ];
        let score = score(&answers, true);
        assert_eq!((score.accuracy, score.in_scope), (0.5, 0.5));
        assert_eq!((score.recall, score.precision), (Some(0.5), Some(0.5)));
        // The last answer is refused from 0.21 on: four of six are right.
        assert_eq!(score.correlation.map(|(_, threshold)| threshold), Some(0.21));
    }

    #[test]
    fn a_model_without_such_an_intent_is_judged_at_the_best_threshold() {
        let answers = [answer("a", "a", 0.9), answer("b", "b", 0.8), answer(OUT_OF_SCOPE, "a", 0.3)];
        let score = score(&answers, false);
        assert_eq!((score.recall, score.precision), (Some(1.0), Some(1.0)));
        assert_eq!(score.correlation, Some((1.0, 0.31)));
        assert_eq!(score.in_scope, 1.0);
    }

    #[test]
    fn without_messages_out_of_scope_nothing_is_said_about_them() {
        let score = score(&[answer("a", "a", 0.9), answer("b", "a", 0.9)], false);
        assert_eq!((score.recall, score.precision, score.correlation), (None, None, None));
        assert!((score.macro_f1 - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn two_classes_have_the_textbook_correlation() {
        // True positives 6, false negatives 1, false positives 2, true negatives 3.
        let many = |n: usize, e, p| std::iter::repeat_n((e, p), n);
        let pairs = many(6, "+", "+").chain(many(1, "+", "-")).chain(many(2, "-", "+")).chain(many(3, "-", "-"));
        assert!((correlation(pairs) - 16.0 / 1120.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(correlation([("a", "a"), ("a", "a")].into_iter()), 0.0);
    }
}
