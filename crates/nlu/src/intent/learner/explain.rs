//! Why the learner answers as it does.

use super::IntentLearner;
use super::terms::{named_terms, terms};
use crate::intent::reasons::{FeatureName, Reasons};
use crate::message::Message;
use std::collections::BTreeMap;

/// What the learners' answers together come to beyond the mean of their scores.
const TOGETHER: &str = "all learners together";

/// What each word adds to the sequence network's log-odds of two classes, by
/// name, and what is there without any word.
pub(crate) type OpinionShares = (Vec<(String, f32)>, f32);

impl IntentLearner {
    /// What speaks for the best class against the second, in shares of the
    /// logarithm of how much likelier it is: the mean of the
    /// networks' scores, the linear classifier's margins and the sequence network's
    /// `opinion`, each as much as it counts. `shares_of` tells what the opinion of
    /// two classes is made of. `None` when there is nothing to choose between.
    pub fn explain(
        &self,
        message: &Message,
        opinion: &[f32],
        shares_of: impl Fn([usize; 2]) -> Option<OpinionShares>,
    ) -> Option<Reasons> {
        let ranking = self.rank(message, opinion);
        let [(first, sure), (second, less)] = ranking.get(..2)?.try_into().ok()?;
        let class = |label: &str| self.stored.labels.iter().position(|known| known == label);
        let pair = [class(first)?, class(second)?];
        let row = self.features.row(message);
        let scores = self.scores(&row, opinion);
        let (row, familiar) = (row.entries, row.familiar);
        let (mut shares, mut constant) = self.bag.shares(&row, pair);
        if let Some(linear) = &self.linear {
            let (weight, sharpness) = (self.stored.calibration.weight, self.stored.calibration.sharpness);
            let (margins, rest) = linear.shares(&row, pair);
            for (share, margin) in shares.iter_mut().zip(&margins) {
                *share = (1.0 - weight) * *share + weight * sharpness * margin;
            }
            constant = (1.0 - weight) * constant + weight * sharpness * rest;
        }
        let names = self.names(message);
        let name = |column: u32| match names.get(&column) {
            Some(name) => FeatureName::Known(name.clone()),
            None => self.features.flag(column).map_or_else(
                || FeatureName::Known(format!("feature {column}")),
                |(block, column)| FeatureName::Of(block, column),
            ),
        };
        let heard = self.stored.calibration.heard(familiar);
        let shares_of = if heard > 0.0 { shares_of(pair) } else { None };
        let own = if shares_of.is_some() { 1.0 - heard } else { 1.0 };
        let named = row.iter().zip(shares).map(|(&(column, _), share)| (name(column), own * share));
        let mut features: Vec<(FeatureName, f32)> = named.collect();
        constant *= own;
        if let Some((words, rest)) = shares_of {
            features.extend(words.into_iter().map(|(word, share)| (FeatureName::Known(word), heard * share)));
            constant += heard * rest;
        }
        // The learners' probabilities are averaged, not their scores, and the intent
        // for what is out of scope is preferred: what that changes is told by itself.
        let decided = (scores[pair[0]] - scores[pair[1]]) / self.stored.calibration.sureness(familiar);
        let told = features.iter().map(|(_, share)| share).sum::<f32>() + constant;
        features.push((FeatureName::Known(TOGETHER.to_owned()), decided - told));
        Some(Reasons { intents: [(first.to_owned(), sure), (second.to_owned(), less)], features, constant })
    }

    /// The names of the message's terms by their columns.
    fn names(&self, message: &Message) -> BTreeMap<u32, String> {
        let text = message.wording();
        let keys = terms(&text);
        let keys = keys.words.iter().chain(&keys.pieces);
        keys.zip(named_terms(&text)).filter_map(|(key, name)| Some((self.features.column(*key)?, name))).collect()
    }
}
