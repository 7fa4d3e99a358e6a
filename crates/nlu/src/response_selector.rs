//! ResponseSelector (spec §2.1, §2.7): which example of a retrieval intent a
//! message is like. The intent learner over the full keys stands in for Rasa's
//! network; the report has Rasa's shape.

use crate::intent::diet::learner_options;
use crate::intent::learner::IntentLearner;
use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::domain::ResponseVariation;
use sapa_project::nlu::NluData;
use sapa_project::{ComponentConfig, Diagnostic, Domain, suggest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Options with a meaning; the last is our own.
pub(crate) const OPTIONS: &[&str] =
    &["featurizers", "retrieval_intent", "ranking_length", "random_seed", "class_weight"];

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Only this base; all if none.
    retrieval_intent: Option<String>,
    ranking_length: usize,
    /// Every base with a keyed example, sorted.
    retrieval_intents: Vec<String>,
    /// Variations of `utter_<key>`, by key.
    responses: BTreeMap<String, Vec<Value>>,
    /// The key if there is only one and nothing to learn.
    only_key: Option<String>,
    trained: bool,
}

struct ResponseSelector {
    stored: Stored,
    classifier: Option<IntentLearner>,
}

/// The warning where no example has the intent that is to be served.
pub(crate) fn idle(config: &ComponentConfig, data: &NluData) -> Option<Diagnostic> {
    let base = config.options.get("retrieval_intent")?.as_str()?;
    let bases: BTreeSet<&str> = bases(data);
    if bases.contains(base) {
        return None;
    }
    let message = format!("ResponseSelector chooses nothing: no example has an intent named `{base}/…`");
    let otherwise = format!("write examples for `{base}/…`, correct `retrieval_intent`, or remove the component");
    let help = suggest::cure_or(base, bases, &otherwise);
    Some(Diagnostic::warning(sapa_project::codes::IDLE_EXTRACTOR, message).at(config.span, "").help(help))
}

/// The names of retrieval intents in front of their keys.
fn bases(data: &NluData) -> BTreeSet<&str> {
    let keyed = data.examples.iter().filter(|example| example.intent.contains('/'));
    keyed.map(|example| example.base_intent()).collect()
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let retrieval_intent = options.text("retrieval_intent")?.map(str::to_owned);
    let keyed = || context.data.examples.iter().enumerate().filter(|(_, example)| example.intent.contains('/'));
    let bases = bases(context.data);
    context.diagnostics.extend(idle(config, context.data));
    let served = |base: &str| retrieval_intent.as_deref().is_none_or(|wanted| wanted == base);
    let examples: Vec<(usize, &str)> = keyed()
        .filter(|(_, example)| served(example.base_intent()))
        .map(|(number, example)| (number, example.intent.as_str()))
        .collect();
    let messages: Vec<(&Message, &str)> =
        examples.iter().map(|(number, key)| (&context.messages[*number], *key)).collect();
    let classifier = IntentLearner::train(&messages, &[], &learner_options(&options, context, None)?);
    let keys: BTreeSet<&str> = examples.iter().map(|(_, key)| *key).collect();
    let only_key = (keys.len() == 1).then(|| keys.first().map(|key| (*key).to_owned())).flatten();
    let stored = Stored {
        ranking_length: options.count("ranking_length", 10)?,
        retrieval_intents: bases.into_iter().map(str::to_owned).collect(),
        responses: keys.iter().map(|key| ((*key).to_owned(), responses_of(key, context.domain))).collect(),
        only_key,
        trained: classifier.is_some(),
        retrieval_intent,
    };
    Ok(Box::new(ResponseSelector { stored, classifier }))
}

/// The variations of `utter_<key>` as the domain has them.
fn responses_of(key: &str, domain: &Domain) -> Vec<Value> {
    let variations = domain.responses.get(&utter_action(key)).map(Vec::as_slice).unwrap_or_default();
    variations.iter().map(variation_json).collect()
}

fn variation_json(variation: &ResponseVariation) -> Value {
    let mut content = variation.content.clone();
    if let Some(channel) = &variation.channel {
        content.insert("channel".to_owned(), json!(channel));
    }
    if !variation.condition.is_empty() {
        content.insert("condition".to_owned(), variation.condition_json.clone());
    }
    Value::Object(content)
}

fn utter_action(key: &str) -> String {
    format!("utter_{key}")
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let stored: Stored = reader.json("options")?;
    let classifier = if stored.trained { Some(IntentLearner::load(reader)?) } else { None };
    Ok(Box::new(ResponseSelector { stored, classifier }))
}

impl ResponseSelector {
    fn ranking(&self, message: &Message) -> Vec<(&str, f64)> {
        let mut ranking = match (&self.classifier, &self.stored.only_key) {
            (Some(classifier), _) => classifier.rank(message, &[]),
            (None, Some(key)) => vec![(key.as_str(), 1.0)],
            (None, None) => Vec::new(),
        };
        if self.stored.ranking_length > 0 {
            ranking.truncate(self.stored.ranking_length);
        }
        ranking
    }

    /// One selector's entry; without a candidate Rasa's empty one, in which the
    /// action is named after Python's `None` (spec §2.1).
    fn entry(&self, ranking: &[(&str, f64)]) -> Value {
        let (responses, confidence, key, action) = match ranking.first() {
            Some((key, confidence)) => {
                (json!(self.stored.responses.get(*key)), *confidence, Some(*key), utter_action(key))
            }
            None => (Value::Null, 0.0, None, utter_action("None")),
        };
        let ranking: Vec<Value> = ranking
            .iter()
            .map(|(key, confidence)| json!({"confidence": confidence, "intent_response_key": key}))
            .collect();
        json!({
            "response": {
                "responses": responses,
                "confidence": confidence,
                "intent_response_key": key,
                "utter_action": action,
            },
            "ranking": ranking,
        })
    }
}

impl Component for ResponseSelector {
    fn process(&self, message: &mut Message) {
        let entry = self.entry(&self.ranking(message));
        let name = self.stored.retrieval_intent.clone().unwrap_or_else(|| "default".to_owned());
        let report = message.response_selector.get_or_insert_default();
        report.entry("all_retrieval_intents").or_insert_with(|| json!(self.stored.retrieval_intents));
        report.insert(name, entry);
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", &self.stored);
        if let Some(classifier) = &self.classifier {
            classifier.save(writer);
        }
    }
}
