//! What training would warn of, found without learning anything.

use crate::entity::regex;
use crate::intent::{diet, logistic};
use crate::response_selector;
use sapa_project::nlu::NluData;
use sapa_project::{ComponentConfig, Config, Diagnostic};

/// What a component says of its data.
type Check = fn(&ComponentConfig, &NluData) -> Option<Diagnostic>;

/// Components that have something to say, by what they are called here.
const CHECKS: &[(&str, Check)] = &[
    ("RegexEntityExtractor", regex::idle),
    ("ResponseSelector", response_selector::idle),
    ("LogisticRegressionClassifier", logistic::untrained),
    ("DIETClassifier", diet::untrained),
];

/// Components that would learn nothing from these data, in the order of the
/// pipeline; the same warnings come while training.
pub fn check_data(config: &Config, data: &NluData) -> Vec<Diagnostic> {
    let check = |entry: &ComponentConfig| {
        let (_, check) = CHECKS.iter().find(|(name, _)| *name == entry.name)?;
        check(entry, data)
    };
    config.pipeline.iter().filter_map(check).collect()
}
