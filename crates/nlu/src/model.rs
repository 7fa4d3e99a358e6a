//! A trained pipeline.

use crate::entity::duckling::DucklingQuery;
use crate::entity::tagging::EntityReasons;
use crate::intent::reasons::IntentReasons;
use crate::message::Message;
use crate::registry::{Component, Role, kind};
use crate::sections::{SectionReader, SectionWriter};
use crate::train::{Pipeline, train_pipeline};
use crate::{LoadError, TrainError, parse_intent_message};
use sapa_project::{Config, Diagnostic, Domain, NluData};
use sapa_sdk::{IntentPrediction, JsonMap, ParseData};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Put before the name of every section.
const PREFIX: &str = "nlu/";

#[derive(Serialize, Deserialize)]
struct Stored {
    components: Vec<String>,
    intents: Vec<String>,
}

/// A trained pipeline: text in, intent and entities out. Shared freely between
/// threads.
pub struct NluModel {
    components: Pipeline,
    /// Whether the terms that featurizers count are looked at by anybody: the
    /// intent learner cuts texts by itself.
    counts_are_read: bool,
    intents: Vec<String>,
}

/// Why a message is understood as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Of each classifier that has learnt, in pipeline order.
    pub intents: Vec<IntentReasons>,
    /// Of each entity that a learnt extractor finds, in pipeline order. Those of
    /// other extractors have no reasons beyond themselves.
    pub entities: Vec<EntityReasons>,
}

impl std::fmt::Debug for NluModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.components.iter().map(|(kind, _)| kind.name).collect();
        f.debug_struct("NluModel").field("components", &names).field("intents", &self.intents.len()).finish()
    }
}

impl NluModel {
    fn of(components: Pipeline, intents: Vec<String>) -> Self {
        let counts_are_read = components.iter().any(|(_, component)| component.reads_counts());
        Self { components, counts_are_read, intents }
    }

    /// Trains the pipeline of a project. `progress` hears each component's name
    /// before it trains. The model does not depend on `threads`. Findings are
    /// warnings and notes.
    ///
    /// # Errors
    /// What must be corrected: an unknown component, a bad option or pattern.
    pub fn train(
        config: &Config,
        data: &NluData,
        domain: &Domain,
        threads: usize,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(Self, Vec<Diagnostic>), TrainError> {
        let (components, diagnostics) = train_pipeline(config, data, domain, threads, progress)?;
        let intents: BTreeSet<&str> = data.examples.iter().map(sapa_project::nlu::Example::base_intent).collect();
        let intents = intents.into_iter().map(str::to_owned).collect();
        Ok((Self::of(components, intents), diagnostics))
    }

    /// Names of the intents with examples, sorted; of retrieval intents the base.
    pub fn intents(&self) -> &[String] {
        &self.intents
    }

    /// Understands a message as `/model/parse` answers it (spec §2.1): a message
    /// that names its intent (§2.6) is taken by its word, any other runs through
    /// the pipeline. `domain` is `None` for an NLU-only model.
    pub fn understand(&self, text: &str, domain: Option<&Domain>, answers: &[Value]) -> ParseData {
        parse_intent_message(text, domain).unwrap_or_else(|| self.parse_with(text, answers))
    }

    /// What other servers are to be asked about each message, in pipeline order.
    pub fn queries(&self) -> Vec<&DucklingQuery> {
        self.components.iter().filter_map(|(_, component)| component.query()).collect()
    }

    /// Runs the pipeline alone, without any other server.
    pub fn parse(&self, text: &str) -> ParseData {
        self.parse_with(text, &[])
    }

    /// Runs the pipeline alone. `answers` are those to [`Self::queries`]; null
    /// where there is none.
    pub fn parse_with(&self, text: &str, answers: &[Value]) -> ParseData {
        let mut message = Message { answers: answers.iter(), ..Message::new(text) };
        self.components.iter().for_each(|(_, component)| self.process(component.as_ref(), &mut message));
        into_parse_data(message)
    }

    fn process(&self, component: &dyn Component, message: &mut Message) {
        if component.only_counts() && !self.counts_are_read {
            // Its place among the featurizers stays.
            message.blocks.push(Vec::new());
        } else {
            component.process(message);
        }
    }

    /// Why a text is understood as it is.
    pub fn explain(&self, text: &str) -> Explanation {
        let mut message = Message::new(text);
        let featurizers: Vec<_> =
            self.components.iter().filter(|(kind, _)| kind.role == Role::Featurizer).map(|(_, c)| c).collect();
        let name = |block: usize, column: u32| featurizers.get(block)?.feature_name(column);
        let mut explanation = Explanation { intents: Vec::new(), entities: Vec::new() };
        for (kind, component) in &self.components {
            let reasons = component.explain_intent(&message);
            explanation.intents.extend(reasons.map(|reasons| reasons.named(kind.name, name)));
            self.process(component.as_ref(), &mut message);
            explanation.entities.extend(component.explain_entities(&message));
        }
        explanation
    }

    /// The model as named pieces; the names begin with `nlu/`.
    pub fn to_sections(&self) -> Vec<(String, Vec<u8>)> {
        let mut writer = SectionWriter::default();
        writer.enter(PREFIX.to_owned());
        let components = self.components.iter().map(|(kind, _)| kind.name.to_owned()).collect();
        writer.json("pipeline", &Stored { components, intents: self.intents.clone() });
        for (number, (kind, component)) in self.components.iter().enumerate() {
            writer.enter(component_prefix(number, kind.name));
            component.save(&mut writer);
        }
        writer.sections
    }

    /// Reads what [`NluModel::to_sections`] wrote; `find` gives a section's bytes.
    ///
    /// # Errors
    /// If a section is absent or malformed, or a component unknown.
    pub fn from_sections<'a>(find: &dyn Fn(&str) -> Option<&'a [u8]>) -> Result<Self, LoadError> {
        let stored: Stored = SectionReader { find, prefix: PREFIX.to_owned() }.json("pipeline")?;
        let mut components = Vec::with_capacity(stored.components.len());
        for (number, name) in stored.components.iter().enumerate() {
            let kind = kind(name).ok_or_else(|| LoadError::UnknownComponent(name.clone()))?;
            let reader = SectionReader { find, prefix: component_prefix(number, name) };
            components.push((kind, (kind.load)(&reader)?));
        }
        Ok(Self::of(components, stored.intents))
    }
}

fn component_prefix(number: usize, name: &str) -> String {
    format!("{PREFIX}{number:02}-{name}/")
}

/// The output properties, Rasa's defaults filled in (spec §2.1).
fn into_parse_data(message: Message) -> ParseData {
    let mut intent = message.intent.unwrap_or_default();
    let mut rest = JsonMap::new();
    let text_tokens = message.tokens.map(|tokens| tokens.iter().map(|token| (token.start, token.end)).collect());
    let candidate = |(name, confidence): (String, f64)| IntentPrediction::new(name, confidence);
    let intent_ranking = message.ranking.map(|ranking| ranking.into_iter().map(candidate).collect());
    if let Some(report) = message.response_selector {
        if let Some(full_name) = full_retrieval_intent_name(intent.name.as_deref(), &report) {
            intent.rest.insert("full_retrieval_intent_name".to_owned(), full_name);
        }
        rest.insert("response_selector".to_owned(), Value::Object(report));
    }
    let (text, entities) = (Some(message.text.to_owned()), message.entities);
    ParseData { text, intent, entities, text_tokens, intent_ranking, rest }
}

/// The key chosen by the selector of the top intent; null for a retrieval intent
/// that only the `default` selector serves (spec §2.1).
fn full_retrieval_intent_name(intent: Option<&str>, report: &JsonMap) -> Option<Value> {
    let intent = intent?;
    let retrieval_intents = report.get("all_retrieval_intents")?.as_array()?;
    let is_retrieval = retrieval_intents.iter().any(|name| name.as_str() == Some(intent));
    let key = || report.get(intent)?.pointer("/response/intent_response_key").cloned();
    is_retrieval.then(|| key().unwrap_or(Value::Null))
}
