//! What is learnt from examples that were left out of training: how much weight
//! the linear classifier and the sequence network get, how sure answers may be (temperature, Guo et al.
//! 2017), and how readily a message is out of scope.

use sapa_learn::math;
use serde::{Deserialize, Serialize};

/// How sharply margins become probabilities: `softmax(sharpness * margin)`.
const SHARPNESSES: [f32; 7] = [1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0];
/// Weights of the linear classifier. Both have a say always: which of them copes
/// with messages unlike the examples is not seen on examples.
const WEIGHTS: [f32; 3] = [0.25, 0.5, 0.75];
/// Weights of the sequence network's opinion.
const OPINIONS: [f32; 6] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
/// Exponents, as powers of this: about 0.3 to 3.
const STEP: f64 = 0.95;
const STEPS: std::ops::RangeInclusive<i32> = -22..=22;
/// Powers of what is familiar that exponents are multiplied by.
const HUMILITIES: [f32; 5] = [0.0, 0.25, 0.5, 1.0, 1.5];
/// Factors for the probability of "out of scope".
const FACTORS: [f32; 12] = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 30.0];
/// Share of the messages in scope that a factor may cost.
const BUDGET: f64 = 0.005;
/// Messages in scope below which a share says little, and the factor they allow.
const TELLING: usize = 200;
const CAUTIOUS: f32 = 3.0;
/// Probabilities that are looked at for each setting: more say nothing new.
const MOST_NUMBERS: usize = 150_000;
/// Probabilities below this are all the same.
const LEAST: f32 = 1e-12;
/// How many examples would have to be left out to outweigh what is believed before:
/// that some messages are none of what was learnt, and that of a message of which
/// little is known anything may be true. On a few dozen examples all answers can be
/// right, and no sureness would be too much.
const DOUBT: f64 = 3.0;
/// A smaller part changes nothing and is left out.
const SMALL_DOUBT: f64 = 0.005;
/// How familiar the messages of that belief are.
const STRANGE: f32 = 0.2;
/// An answer to a message of which nothing is known keeps this much of its
/// sureness: enough for an order.
const STRANGEST: f32 = 0.05;

/// How raw answers become confidences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibration {
    /// Weight of the linear classifier, 0 to 1.
    pub weight: f32,
    /// What its margins are multiplied by.
    pub sharpness: f32,
    /// Weight of the sequence network's log-probabilities for a familiar message,
    /// 0 to 1.
    pub opinion: f32,
    /// Power that probabilities are raised to.
    pub exponent: f32,
    /// How much evener answers to strange messages are: the power of what is
    /// familiar, 0 to 1, that the exponent is multiplied by.
    pub humility: f32,
    /// The class that means "none of the others", and its probability's factor.
    pub out_of_scope: Option<(u32, f32)>,
}

/// An example that was left out: what was said about it, and what it is.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    /// Probabilities by networks.
    pub network: Vec<f32>,
    /// Margins by the linear classifier; empty if there is none.
    pub margins: Vec<f32>,
    /// Probabilities by the sequence network; empty if it was not asked.
    pub opinion: Vec<f32>,
    /// How much of it was known, 0 to 1.
    pub familiar: f32,
    /// Its class.
    pub label: u32,
}

impl Calibration {
    /// Nothing is known: answers stay as they are.
    pub fn neutral(out_of_scope: Option<u32>) -> Self {
        let out_of_scope = out_of_scope.map(|class| (class, 1.0));
        Self { weight: 0.5, sharpness: 3.0, opinion: 0.0, exponent: 1.0, humility: 1.0, out_of_scope }
    }

    /// The settings that make left-out examples likeliest, one after the other.
    pub fn fit(left_out: &[LeftOut], out_of_scope: Option<u32>) -> Self {
        let numbers: usize = left_out.iter().map(|one| one.network.len()).sum();
        let looked_at: Vec<LeftOut> = left_out.iter().step_by(numbers / MOST_NUMBERS + 1).cloned().collect();
        let mut best = Self::neutral(out_of_scope).fitted(&looked_at);
        if let Some(class) = out_of_scope {
            best.out_of_scope = Some((class, best.factor(left_out, class)));
        }
        best
    }

    fn fitted(mut self, left_out: &[LeftOut]) -> Self {
        if left_out.is_empty() {
            return self;
        }
        if left_out.iter().all(|one| !one.margins.is_empty()) {
            let alone = |sharpness: &f32| Self { weight: 1.0, sharpness: *sharpness, ..self };
            self.sharpness = least(SHARPNESSES, |sharpness| loss(left_out, &alone(sharpness)));
            let mixed = |weight: &f32| Self { weight: *weight, ..self };
            self.weight = least(WEIGHTS, |weight| loss(left_out, &mixed(weight)));
        }
        // Where the sequence network was asked about some, only those tell how sure
        // the answers of all together are.
        let asked: Vec<LeftOut> = left_out.iter().filter(|one| !one.opinion.is_empty()).cloned().collect();
        let left_out = if asked.is_empty() { left_out } else { &asked };
        if !asked.is_empty() {
            let heard = |opinion: &f32| Self { opinion: *opinion, ..self }.with_exponent(left_out);
            self.opinion = least(OPINIONS, |opinion| loss(left_out, &heard(opinion)));
        }
        let fitted = |humility: &f32| Self { humility: *humility, ..self }.with_exponent(left_out);
        self.humility = least(HUMILITIES, |humility| loss(left_out, &fitted(humility)));
        self = self.with_exponent(left_out);
        self
    }

    /// The exponent that makes left-out examples likeliest. The loss has one
    /// valley, so halving finds its bottom.
    fn with_exponent(self, left_out: &[LeftOut]) -> Self {
        let with = |power: i32| Self { exponent: math::pow(STEP, f64::from(power)) as f32, ..self };
        let (mut low, mut high) = (*STEPS.start(), *STEPS.end());
        while low < high {
            let middle = (low + high).div_euclid(2);
            let falls = loss(left_out, &with(middle + 1)) < loss(left_out, &with(middle));
            if falls { low = middle + 1 } else { high = middle }
        }
        with(low)
    }

    /// The largest factor whose cost in scope stays within the budget.
    fn factor(&self, left_out: &[LeftOut], class: u32) -> f32 {
        let inside = left_out.iter().filter(|one| one.label != class).count();
        let most = if inside < TELLING { CAUTIOUS } else { f32::INFINITY };
        let right = |factor: f32| {
            let tried = Self { out_of_scope: Some((class, factor)), ..*self };
            let is_right = |one: &&LeftOut| one.label != class && first(&tried.apply(one)) == one.label;
            left_out.iter().filter(is_right).count()
        };
        let before = right(1.0) as f64;
        let affordable = |factor: &&f32| **factor <= most && right(**factor) as f64 >= before - BUDGET * inside as f64;
        FACTORS.iter().rev().find(affordable).copied().unwrap_or(1.0)
    }

    fn apply(&self, one: &LeftOut) -> Vec<f32> {
        let (mut out, mut margins) = (one.network.clone(), one.margins.clone());
        self.mix(&mut out, &mut margins, &one.opinion, one.familiar);
        out
    }

    /// The weight of the sequence network's opinion of a message: it too knows only
    /// what is familiar, and does not say how little that is.
    pub fn heard(&self, familiar: f32) -> f32 {
        self.opinion * familiar
    }

    /// What log-odds are multiplied by.
    pub fn sureness(&self, familiar: f32) -> f32 {
        self.exponent * math::pow(f64::from(familiar.max(STRANGEST)), f64::from(self.humility)) as f32
    }

    /// Turns the networks' probabilities into confidences, which sum to 1.
    /// `margins` are spoilt; they and the sequence network's `opinion` have no say
    /// where they are empty. The less of a message is
    /// `familiar`, the more even the confidences: one known word among ten strange
    /// ones must not speak for the whole.
    pub fn mix(&self, out: &mut [f32], margins: &mut [f32], opinion: &[f32], familiar: f32) {
        self.score(out, margins, opinion, familiar);
        math::softmax(out);
    }

    /// The logarithms of the confidences, but for what they share.
    pub fn score(&self, out: &mut [f32], margins: &mut [f32], opinion: &[f32], familiar: f32) {
        if !margins.is_empty() {
            margins.iter_mut().for_each(|margin| *margin *= self.sharpness);
            math::softmax(margins);
            for (out, linear) in out.iter_mut().zip(&*margins) {
                *out = (1.0 - self.weight) * *out + self.weight * linear;
            }
        }
        let exponent = self.sureness(familiar);
        out.iter_mut().for_each(|p| *p = math::lnf(p.max(LEAST)));
        let heard = self.heard(familiar);
        if heard > 0.0 {
            for (out, opinion) in out.iter_mut().zip(opinion) {
                *out = (1.0 - heard) * *out + heard * math::lnf(opinion.max(LEAST));
            }
        }
        out.iter_mut().for_each(|score| *score *= exponent);
        if let Some((class, factor)) = self.out_of_scope
            && let Some(score) = out.get_mut(class as usize)
        {
            // Not evened out: to a strange message it is the likelier answer.
            *score += self.exponent * math::lnf(factor);
        }
    }
}

/// How unlikely the left-out examples are, and what is believed before of them: a
/// part of [`DOUBT`] of each is any class, and as much of it once more when the
/// message is strange.
fn loss(left_out: &[LeftOut], calibration: &Calibration) -> f64 {
    let doubt = DOUBT / (left_out.len() as f64 + DOUBT);
    let surprise = |p: f32| -f64::from(math::lnf(p.max(LEAST)));
    let even = |answer: &[f32]| answer.iter().map(|p| surprise(*p)).sum::<f64>() / answer.len().max(1) as f64;
    let one = |one: &LeftOut| {
        let answer = calibration.apply(one);
        let own = surprise(answer.get(one.label as usize).copied().unwrap_or(0.0));
        if doubt < SMALL_DOUBT {
            return own;
        }
        let strange = calibration.apply(&LeftOut { familiar: one.familiar.min(STRANGE), ..one.clone() });
        (1.0 - doubt) * own + doubt * (even(&answer) + even(&strange))
    };
    left_out.iter().map(one).sum()
}

/// The candidate of the smallest value; the first on a tie.
fn least(candidates: impl IntoIterator<Item = f32>, value: impl Fn(&f32) -> f64) -> f32 {
    let mut best = (f64::INFINITY, 1.0);
    for candidate in candidates {
        let found = value(&candidate);
        if found < best.0 {
            best = (found, candidate);
        }
    }
    best.1
}

/// The class of the largest probability, the first on a tie.
fn first(probabilities: &[f32]) -> u32 {
    let mut best = 0;
    for (class, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = class;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right three times of four, with this confidence.
    fn answers(confidence: f32) -> Vec<LeftOut> {
        let one = |i: u32| LeftOut {
            network: vec![confidence, 1.0 - confidence],
            margins: vec![],
            opinion: vec![],
            familiar: 1.0,
            label: u32::from(i.is_multiple_of(4)),
        };
        (0..40).map(one).collect()
    }

    #[test]
    fn confidences_say_how_often_they_are_right() {
        for confidence in [0.6, 0.75, 0.95] {
            let answers = answers(confidence);
            let found = Calibration::fit(&answers, None).apply(&answers[0]);
            assert!((found[0] - 0.75).abs() < 0.03, "{confidence}: {found:?}");
        }
        assert_eq!(Calibration::fit(&[], None), Calibration::neutral(None));
    }

    #[test]
    fn answers_to_strange_messages_are_less_sure_and_rather_out_of_scope() {
        let calibration = Calibration { out_of_scope: Some((1, 3.0)), ..Calibration::neutral(None) };
        let answer = |familiar| {
            calibration.apply(&LeftOut {
                network: vec![0.8, 0.2],
                margins: vec![],
                opinion: vec![],
                familiar,
                label: 0,
            })
        };
        let (known, strange) = (answer(1.0), answer(0.3));
        assert!(known[0] > 0.55 && strange[0] < known[0], "{known:?} {strange:?}");
        assert_eq!((first(&known), first(&strange)), (0, 1));
        assert!((strange.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_better_of_two_gets_more_weight() {
        let mut answers = answers(0.9);
        for one in &mut answers {
            one.margins = if one.label == 0 { vec![1.0, -1.0] } else { vec![-1.0, 1.0] };
        }
        assert_eq!(Calibration::fit(&answers, None).weight, 0.75);
    }

    #[test]
    fn a_sequence_network_is_heard_as_far_as_it_proves_right() {
        let mut answers = answers(0.7);
        let say = |one: &mut LeftOut, label: u32| {
            one.opinion = if label == 0 { vec![0.9, 0.1] } else { vec![0.1, 0.9] };
        };
        answers.iter_mut().for_each(|one| say(one, one.label));
        let right = Calibration::fit(&answers, None);
        assert_eq!(Some(&right.opinion), OPINIONS.last());
        assert_eq!((first(&right.apply(&answers[0])), answers[0].label), (1, 1));
        // Where it was not asked it changes nothing.
        let unasked = LeftOut { opinion: vec![], ..answers[0].clone() };
        assert_eq!(first(&right.apply(&unasked)), 0);
        answers.iter_mut().for_each(|one| say(one, 1 - one.label));
        assert_eq!(Calibration::fit(&answers, None).opinion, 0.0);
    }

    #[test]
    fn out_of_scope_is_preferred_as_far_as_it_costs_little() {
        // In scope the classifier gives class 1 a tenth: a factor of 8 is free.
        let inside = LeftOut { network: vec![0.9, 0.1], margins: vec![], opinion: vec![], familiar: 1.0, label: 0 };
        let outside = LeftOut { network: vec![0.7, 0.3], margins: vec![], opinion: vec![], familiar: 1.0, label: 1 };
        let answers = [vec![inside; 300], vec![outside.clone(); 10]].concat();
        let calibration = Calibration::fit(&answers, Some(1));
        assert_eq!(calibration.out_of_scope, Some((1, 8.0)));
        assert_eq!(first(&calibration.apply(&outside)), 1);
        assert_eq!(Calibration::fit(&answers[..50], Some(1)).out_of_scope, Some((1, 3.0)));
    }
}
