//! LogisticRegressionClassifier (spec §2.4).

use super::linear::{LinearClassifier, LinearOptions};
use super::reasons::Reasons;
use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::nlu::{Example, NluData};
use sapa_project::{ComponentConfig, Diagnostic};
use sapa_sdk::IntentPrediction;
use serde::{Deserialize, Serialize};

/// Options with a meaning; the last four are our own.
pub(crate) const OPTIONS: &[&str] =
    &["featurizers", "max_iter", "tol", "solver", "ranking_length", "C", "class_weight", "weighting"];

/// Inverse penalty for features of length one (Rasa's 1 is for raw counts).
pub(crate) const DEFAULT_C: f64 = 20.0;

#[derive(Serialize, Deserialize)]
struct Stored {
    ranking_length: usize,
    trained: bool,
}

struct LogisticRegressionClassifier {
    stored: Stored,
    classifier: Option<LinearClassifier>,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let linear = LinearOptions::read(&options, DEFAULT_C, true, context.threads)?;
    let examples = intent_examples(context);
    let classifier = LinearClassifier::train(&options, &linear, &examples, context)?;
    if classifier.is_none() {
        context.diagnostics.push(too_few_intents(config));
    }
    let stored = Stored { ranking_length: options.count("ranking_length", 10)?, trained: classifier.is_some() };
    Ok(Box::new(LogisticRegressionClassifier { stored, classifier }))
}

/// Every training message that has an intent, with it (of a retrieval intent
/// the base). JSON formats know examples without one: they are for entities.
pub(crate) fn intent_examples<'a>(context: &TrainContext<'a>) -> Vec<(usize, &'a str)> {
    let intents = context.data.examples.iter().map(sapa_project::nlu::Example::base_intent).enumerate();
    intents.filter(|(_, intent)| !intent.is_empty()).collect()
}

/// The warning of [`too_few_intents`], where it is due.
pub(crate) fn untrained(config: &ComponentConfig, data: &NluData) -> Option<Diagnostic> {
    let mut intents = data.examples.iter().map(Example::base_intent).filter(|intent| !intent.is_empty());
    let first = intents.next();
    intents.all(|intent| Some(intent) == first).then(|| too_few_intents(config))
}

/// The warning that a classifier stays untrained.
pub(crate) fn too_few_intents(config: &ComponentConfig) -> Diagnostic {
    let message = format!("{} is not trained: it needs examples of at least two intents", config.name);
    Diagnostic::warning(sapa_project::codes::TOO_FEW_INTENTS, message)
        .at(config.span, "")
        .help("add another intent to the NLU data")
}

/// The first `length` of a ranking (0: all), names owned.
pub(crate) fn cut_ranking(mut ranking: Vec<(&str, f64)>, length: usize) -> Vec<(String, f64)> {
    if length > 0 {
        ranking.truncate(length);
    }
    ranking.into_iter().map(|(name, confidence)| (name.to_owned(), confidence)).collect()
}

/// Puts a ranking and its first into a message.
pub(crate) fn set_ranking(message: &mut Message, ranking: Vec<(String, f64)>) {
    let first = ranking.first().map(|(name, confidence)| IntentPrediction::new(name, *confidence));
    message.intent = Some(first.unwrap_or_default());
    message.ranking = Some(ranking);
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let stored: Stored = reader.json("options")?;
    let classifier = if stored.trained { Some(LinearClassifier::load(reader)?) } else { None };
    Ok(Box::new(LogisticRegressionClassifier { stored, classifier }))
}

impl Component for LogisticRegressionClassifier {
    fn process(&self, message: &mut Message) {
        if let Some(classifier) = &self.classifier {
            let ranking = cut_ranking(classifier.rank(message), self.stored.ranking_length);
            set_ranking(message, ranking);
        }
    }

    fn explain_intent(&self, message: &Message) -> Option<Reasons> {
        self.classifier.as_ref().and_then(|classifier| classifier.explain(message))
    }

    fn reads_counts(&self) -> bool {
        true
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", &self.stored);
        if let Some(classifier) = &self.classifier {
            classifier.save(writer);
        }
    }
}
