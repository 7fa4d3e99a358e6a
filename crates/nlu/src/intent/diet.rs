//! DIETClassifier (spec §2.7). The intent learner stands in for the network's
//! intent head, a linear-chain tagger for its entity head. The tagger's network,
//! which reads a message word after word, also tells what it takes the intent for;
//! the learner listens to it as far as that proves right on examples left out.

use super::learner::{IntentLearner, LearnerOptions, held_out};
use super::logistic::{cut_ranking, intent_examples, set_ranking, too_few_intents};
use super::reasons::Reasons;
use crate::entity::attribute::Opinions;
use crate::entity::crf::{diet_windows, read_split};
use crate::entity::tagging::{EntityReasons, EntityTagger, TaggingOptions};
use crate::features::selected_featurizers;
use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::train::FeatureKind;
use crate::{LoadError, TrainError};
use sapa_project::nlu::NluData;
use sapa_project::{ComponentConfig, Diagnostic};
use sapa_sdk::Entity;
use serde::{Deserialize, Serialize};

/// Options with a meaning; the last two are our own.
pub(crate) const OPTIONS: &[&str] = &[
    "featurizers",
    "intent_classification",
    "entity_recognition",
    "BILOU_flag",
    "split_entities_by_comma",
    "ranking_length",
    "random_seed",
    "out_of_scope_intent",
    "class_weight",
];

/// What projects call the intent of messages that are none of the bot's.
const OUT_OF_SCOPE: [&str; 3] = ["out_of_scope", "oos", "nlu_fallback"];

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
    classifier: Option<IntentLearner>,
    tagger: Option<EntityTagger>,
}

/// The warning that no intents are learnt.
pub(crate) fn untrained(config: &ComponentConfig, data: &NluData) -> Option<Diagnostic> {
    let classifies = config.options.get("intent_classification") != Some(&serde_json::Value::Bool(false));
    super::logistic::untrained(config, data).filter(|_| classifies)
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let intent_classification = options.bool("intent_classification", true)?;
    let entity_recognition = options.bool("entity_recognition", true)?;
    let tagging = TaggingOptions {
        bilou: options.bool("BILOU_flag", true)?,
        split_by_comma: read_split(&options)?,
        windows: diet_windows(context),
        own_features: true,
        entities: entity_recognition,
    };
    let asked = if intent_classification { asked(context) } else { None };
    let trained = match entity_recognition || asked.is_some() {
        true => EntityTagger::train(&config.name, tagging, asked.as_deref(), context),
        false => None,
    };
    let (mut tagger, opinions) = trained.unzip();
    let opinions = opinions.unwrap_or_default();
    let classifier = if intent_classification { train_intents(&options, opinions, context)? } else { None };
    if intent_classification && classifier.is_none() {
        context.diagnostics.push(too_few_intents(config));
    }
    // A network for intents alone that nobody listens to only costs time.
    tagger = tagger.filter(|tagger| tagger.finds_entities() || classifier.as_ref().is_some_and(IntentLearner::listens));
    let stored = Stored {
        ranking_length: options.count("ranking_length", 10)?,
        intent_classification,
        has_classifier: classifier.is_some(),
        has_tagger: tagger.is_some(),
    };
    Ok(Box::new(DietClassifier { stored, classifier, tagger }))
}

/// Messages whose intents the tagger's network is asked about.
fn asked(context: &TrainContext) -> Option<Vec<bool>> {
    let examples = intent_examples(context);
    let labels: Vec<&str> = examples.iter().map(|(_, intent)| *intent).collect();
    let mut asked = vec![false; context.messages.len()];
    for ((number, _), held_out) in examples.iter().zip(held_out(&labels)?) {
        asked[*number] = held_out;
    }
    Some(asked)
}

fn train_intents(
    options: &Options,
    mut opinions: Opinions,
    context: &TrainContext,
) -> Result<Option<IntentLearner>, TrainError> {
    let examples = intent_examples(context);
    let named = options.text("out_of_scope_intent")?;
    let usual = || OUT_OF_SCOPE.into_iter().find(|name| examples.iter().any(|(_, intent)| intent == name));
    let learner = learner_options(options, context, named.or_else(usual))?;
    let of = |number: usize| opinions.get_mut(number).map(std::mem::take).unwrap_or_default();
    let opinions: Opinions = examples.iter().map(|(number, _)| *number).map(of).collect();
    let examples: Vec<(&Message, &str)> =
        examples.iter().map(|(number, intent)| (&context.messages[*number], *intent)).collect();
    Ok(IntentLearner::train(&examples, &opinions, &learner))
}

/// What DIETClassifier and ResponseSelector share.
pub(crate) fn learner_options<'o>(
    options: &Options,
    context: &TrainContext,
    out_of_scope: Option<&'o str>,
) -> Result<LearnerOptions<'o>, TrainError> {
    let flags = selected_featurizers(options, context)?
        .into_iter()
        .map(|number| (number, &context.featurizers[number]))
        .filter(|(_, info)| info.kind == FeatureKind::Flags && info.columns > 0)
        .map(|(number, info)| (number, info.columns));
    Ok(LearnerOptions {
        flags: flags.collect(),
        seed: options.count("random_seed", 0)? as u64,
        out_of_scope,
        balanced: options.text("class_weight")? == Some("balanced"),
        sharpness: SHARPNESS,
        threads: context.threads,
    })
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let stored: Stored = reader.json("options")?;
    let classifier = if stored.has_classifier { Some(IntentLearner::load(reader)?) } else { None };
    let tagger = if stored.has_tagger { Some(EntityTagger::load(reader)?) } else { None };
    Ok(Box::new(DietClassifier { stored, classifier, tagger }))
}

impl DietClassifier {
    /// Entities, and what the tagger's network takes the intent for.
    fn read(&self, message: &Message) -> (Vec<Entity>, Vec<f32>) {
        self.tagger.as_ref().map(|tagger| tagger.read(message)).unwrap_or_default()
    }
}

impl Component for DietClassifier {
    fn process(&self, message: &mut Message) {
        let (found, opinion) = self.read(message);
        if self.stored.intent_classification {
            // Untrained (fewer than two intents): intent null, empty ranking.
            let ranking = self.classifier.as_ref().map(|classifier| classifier.rank(message, &opinion));
            set_ranking(message, cut_ranking(ranking.unwrap_or_default(), self.stored.ranking_length));
        }
        message.entities.extend(found);
    }

    fn explain_intent(&self, message: &Message) -> Option<Reasons> {
        let (_, opinion) = self.read(message);
        let shares = |pair| self.tagger.as_ref()?.explain_intent(message, pair);
        self.classifier.as_ref()?.explain(message, &opinion, shares)
    }

    fn explain_entities(&self, message: &Message) -> Vec<EntityReasons> {
        self.tagger.as_ref().map(|tagger| tagger.explain(message)).unwrap_or_default()
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
