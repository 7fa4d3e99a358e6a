//! Why the learner answers as it does.

use super::IntentLearner;
use super::terms::{named_terms, terms};
use crate::intent::reasons::{FeatureName, Reasons};
use crate::message::Message;
use std::collections::BTreeMap;

impl IntentLearner {
    /// What speaks for the best class against the second: the mean of the
    /// networks' scores and the linear classifier's margins, each as much as it
    /// counts. `None` when there is nothing to choose between.
    pub fn explain(&self, message: &Message) -> Option<Reasons> {
        let ranking = self.rank(message);
        let [(first, sure), (second, less)] = ranking.get(..2)?.try_into().ok()?;
        let class = |label: &str| self.stored.labels.iter().position(|known| known == label);
        let pair = [class(first)?, class(second)?];
        let row = self.features.row(message).entries;
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
        let features = row.iter().zip(shares).map(|(&(column, _), share)| (name(column), share)).collect();
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
