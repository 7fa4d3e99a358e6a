//! DIETClassifier (spec §2.7). A softmax regression over the pipeline's sentence
//! features stands in for the network's intent head, a linear-chain tagger for
//! its entity head.

use super::linear::{LinearClassifier, LinearOptions};
use super::logistic::{DEFAULT_C, cut_ranking, intent_examples, set_ranking, too_few_intents};
use crate::entity::crf::{diet_windows, read_split};
use crate::entity::tagging::{EntityTagger, TaggingOptions};
use crate::features::count_vectors::CountVectors;
use crate::features::selected_featurizers;
use crate::features::terms::Analyzer;
use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::train::FeatureKind;
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;
use serde::{Deserialize, Serialize};

/// Options with a meaning; those from `C` on are our own.
pub(crate) const OPTIONS: &[&str] = &[
    "featurizers",
    "intent_classification",
    "entity_recognition",
    "BILOU_flag",
    "split_entities_by_comma",
    "ranking_length",
    "random_seed",
    "C",
    "max_iter",
    "tol",
    "solver",
    "class_weight",
    "weighting",
];

/// DIET is surer than it is right: on the project of `rasa init` it gives two
/// words that nobody ever wrote a confidence of 0.92. Projects have set their
/// thresholds on that scale, so calibrated log-odds are doubled here; more would
/// pass what they mean to refuse.
const SHARPNESS: f32 = 2.0;

#[derive(Serialize, Deserialize)]
struct Stored {
    ranking_length: usize,
    intent_classification: bool,
    has_classifier: bool,
    has_tagger: bool,
}

struct DietClassifier {
    stored: Stored,
    classifier: Option<LinearClassifier>,
    tagger: Option<EntityTagger>,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let intent_classification = options.bool("intent_classification", true)?;
    let classifier = if intent_classification { train_intents(&options, context)? } else { None };
    if intent_classification && classifier.is_none() {
        context.diagnostics.push(too_few_intents(config));
    }
    let tagger = if options.bool("entity_recognition", true)? {
        let tagging = TaggingOptions {
            bilou: options.bool("BILOU_flag", true)?,
            split_by_comma: read_split(&options)?,
            windows: diet_windows(context),
        };
        EntityTagger::train(&config.name, tagging, context)
    } else {
        None
    };
    let stored = Stored {
        ranking_length: options.count("ranking_length", 10)?,
        intent_classification,
        has_classifier: classifier.is_some(),
        has_tagger: tagger.is_some(),
    };
    Ok(Box::new(DietClassifier { stored, classifier, tagger }))
}

fn train_intents(options: &Options, context: &TrainContext) -> Result<Option<LinearClassifier>, TrainError> {
    let mut linear = LinearOptions::read(options, DEFAULT_C, false, context.threads)?;
    linear.sharpness = Some(SHARPNESS);
    let counts = |number: &usize| context.featurizers[*number].kind == FeatureKind::Counts;
    let own = if selected_featurizers(options, context)?.iter().any(counts) {
        Vec::new()
    } else {
        // Rasa's default pipeline has these two.
        vec![
            CountVectors::with_ngrams(Analyzer::Word, 1, 1, &context.messages),
            CountVectors::with_ngrams(Analyzer::CharWb, 1, 4, &context.messages),
        ]
    };
    LinearClassifier::train(options, &linear, own, &intent_examples(context), context)
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let stored: Stored = reader.json("options")?;
    let classifier = if stored.has_classifier { Some(LinearClassifier::load(reader)?) } else { None };
    let tagger = if stored.has_tagger { Some(EntityTagger::load(reader)?) } else { None };
    Ok(Box::new(DietClassifier { stored, classifier, tagger }))
}

impl Component for DietClassifier {
    fn process(&self, message: &mut Message) {
        if self.stored.intent_classification {
            // Untrained (fewer than two intents): intent null, empty ranking.
            let ranking = self.classifier.as_ref().map(|classifier| classifier.rank(message)).unwrap_or_default();
            set_ranking(message, cut_ranking(ranking, self.stored.ranking_length));
        }
        if let Some(tagger) = &self.tagger {
            let found = tagger.entities(message);
            message.entities.extend(found);
        }
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", &self.stored);
        if let Some(classifier) = &self.classifier {
            classifier.save(writer);
        }
        if let Some(tagger) = &self.tagger {
            tagger.save(writer);
        }
    }
}
