//! RegexEntityExtractor (spec §2.5).

use crate::features::regex::PatternSet;
use crate::message::Message;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::{ComponentConfig, Diagnostic};
use sapa_sdk::Entity;
use serde_json::json;
use std::collections::BTreeSet;

const NAME: &str = "RegexEntityExtractor";

struct RegexEntityExtractor {
    patterns: PatternSet,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let annotated: BTreeSet<&str> = context
        .data
        .examples
        .iter()
        .flat_map(|example| &example.entities)
        .map(|entity| entity.entity.as_str())
        .collect();
    let patterns = PatternSet::train(config, context.data, false, |name| annotated.contains(name))?;
    if patterns.len() == 0 {
        let message = format!("{NAME} finds nothing: no regex or lookup table has the name of an annotated entity");
        let help = "name the regex or lookup table as the entity, and annotate the entity in at least one example";
        context
            .diagnostics
            .push(Diagnostic::warning(sapa_project::codes::IDLE_EXTRACTOR, message).at(config.span, "").help(help));
    }
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
