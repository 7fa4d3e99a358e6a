//! RegexEntityExtractor (spec §2.5).

use crate::features::regex::PatternSet;
use crate::message::Message;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::nlu::NluData;
use sapa_project::{ComponentConfig, Diagnostic};
use sapa_sdk::Entity;
use serde_json::json;
use std::collections::BTreeSet;

const NAME: &str = "RegexEntityExtractor";

struct RegexEntityExtractor {
    patterns: PatternSet,
}

/// The warning where nothing has the name of an annotated entity.
pub(crate) fn idle(config: &ComponentConfig, data: &NluData) -> Option<Diagnostic> {
    let annotated = annotated(data);
    let uses = |option: &str| config.options.get(option) != Some(&serde_json::Value::Bool(false));
    let regexes = data.regexes.iter().filter(|_| uses("use_regexes")).map(|regex| regex.name.as_str());
    let lookups = data.lookups.iter().filter(|_| uses("use_lookup_tables")).map(|lookup| lookup.name.as_str());
    if regexes.chain(lookups).any(|name| annotated.contains(name)) {
        return None;
    }
    let message = format!("{NAME} finds nothing: no regex or lookup table has the name of an annotated entity");
    let help = "name the regex or lookup table as the entity, and annotate the entity in at least one example";
    Some(Diagnostic::warning(sapa_project::codes::IDLE_EXTRACTOR, message).at(config.span, "").help(help))
}

fn annotated(data: &NluData) -> BTreeSet<&str> {
    data.examples.iter().flat_map(|example| &example.entities).map(|entity| entity.entity.as_str()).collect()
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let annotated = annotated(context.data);
    let patterns = PatternSet::train(config, context.data, false, |name| annotated.contains(name))?;
    context.diagnostics.extend(idle(config, context.data));
    Ok(Box::new(RegexEntityExtractor { patterns }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(RegexEntityExtractor { patterns: PatternSet::load(reader)? }))
}

impl Component for RegexEntityExtractor {
    /// Every match of every pattern, overlaps between patterns kept (spec §2.5).
    fn process(&self, message: &mut Message) {
        for (_, name, pattern) in self.patterns.iter() {
            for (from, to) in pattern.find_all(message.text) {
                let value = message.text.get(from..to).unwrap_or_default();
                message.entities.push(Entity {
                    start: Some(message.chars.char_at(from)),
                    end: Some(message.chars.char_at(to)),
                    extractor: Some(NAME.to_owned()),
                    ..Entity::bare(name, json!(value))
                });
            }
        }
    }

    fn save(&self, writer: &mut SectionWriter) {
        self.patterns.save(writer);
    }
}
