//! Why a classifier prefers an intent to the next one, in numbers that add up.

use sapa_sdk::IntentPrediction;

/// What speaks for the best intent of a message against the second.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentReasons {
    /// The component that decided.
    pub classifier: String,
    /// The two best intents and their confidences.
    pub intents: [IntentPrediction; 2],
    /// Features by name, and by how much each speaks for the first (above 0) or
    /// for the second (below 0); the strongest first.
    pub features: Vec<(String, f32)>,
    /// What no feature brings: how the intents stand to each other by themselves.
    pub constant: f32,
    /// The difference of the intents' scores: the sum of all of these. Confidences
    /// follow from it by calibration.
    pub score: f32,
}

/// A feature of a message: its name, or its place among a featurizer's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FeatureName {
    /// As people read it.
    Known(String),
    /// Number of the featurizer in the pipeline, and of the column in it.
    Of(usize, u32),
}

/// [`IntentReasons`] before the featurizers have named their columns.
#[derive(Clone, Debug)]
pub(crate) struct Reasons {
    pub intents: [(String, f64); 2],
    pub features: Vec<(FeatureName, f32)>,
    pub constant: f32,
}

impl Reasons {
    /// With names. A name that occurs twice has its shares added.
    pub fn named(self, classifier: &str, name: impl Fn(usize, u32) -> Option<String>) -> IntentReasons {
        let mut features: Vec<(String, f32)> = Vec::new();
        for (feature, share) in self.features {
            let known = match feature {
                FeatureName::Known(known) => known,
                FeatureName::Of(block, column) => {
                    name(block, column).unwrap_or_else(|| format!("feature {column} of featurizer {}", block + 1))
                }
            };
            match features.iter_mut().find(|(other, _)| *other == known) {
                Some((_, sum)) => *sum += share,
                None => features.push((known, share)),
            }
        }
        let score = features.iter().map(|(_, share)| share).sum::<f32>() + self.constant;
        features.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
        let intents = self.intents.map(|(name, confidence)| IntentPrediction::new(name, confidence));
        IntentReasons { classifier: classifier.to_owned(), intents, features, constant: self.constant, score }
    }
}
