//! CRFEntityExtractor (spec §2.5).

use super::tagging::{EntityTagger, TaggingOptions};
use super::tags::SplitByComma;
use super::token_features::is_known_feature;
use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;
use serde_json::Value;

/// Options with a meaning.
pub(crate) const OPTIONS: &[&str] = &["features", "BILOU_flag", "split_entities_by_comma", "featurizers"];

/// Rasa's default windows (spec §2.5).
const DEFAULT: [&[&str]; 3] = [
    &["low", "title", "upper"],
    &["low", "bias", "prefix5", "prefix2", "suffix5", "suffix3", "suffix2", "upper", "title", "digit", "pattern"],
    &["low", "title", "upper"],
];

/// Windows of the tagger that stands in for DIET's entity head, which sees the
/// whole message: wider, and with word pairs and shapes.
const DIET: [&[&str]; 5] = [
    &["low"],
    &["low", "title", "upper", "suffix3", "pattern", "pair"],
    &[
        "low", "bias", "prefix2", "prefix3", "prefix5", "suffix1", "suffix2", "suffix3", "suffix5", "upper", "title",
        "digit", "shape", "pattern", "pair",
    ],
    &["low", "title", "upper", "suffix3", "pattern", "pair"],
    &["low", "pair"],
];

struct CrfEntityExtractor {
    tagger: Option<EntityTagger>,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let windows = options.windows("features")?.unwrap_or_else(|| owned(&DEFAULT));
    if windows.len().is_multiple_of(2) {
        return Err(options.bad("features", "an odd number of lists, the token's own in the middle"));
    }
    if let Some(name) = windows.iter().flatten().find(|name| !is_known_feature(name)) {
        return Err(options.bad("features", &format!("lists of known features; `{name}` is none")));
    }
    let tagging =
        TaggingOptions { bilou: options.bool("BILOU_flag", true)?, split_by_comma: read_split(&options)?, windows };
    Ok(Box::new(CrfEntityExtractor { tagger: EntityTagger::train(&config.name, tagging, context) }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let trained: bool = reader.json("options")?;
    Ok(Box::new(CrfEntityExtractor { tagger: if trained { Some(EntityTagger::load(reader)?) } else { None } }))
}

impl Component for CrfEntityExtractor {
    fn process(&self, message: &mut Message) {
        if let Some(tagger) = &self.tagger {
            let found = tagger.entities(message);
            message.entities.extend(found);
        }
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", &self.tagger.is_some());
        if let Some(tagger) = &self.tagger {
            tagger.save(writer);
        }
    }
}

fn owned(windows: &[&[&str]]) -> Vec<Vec<String>> {
    windows.iter().map(|names| names.iter().map(|name| (*name).to_owned()).collect()).collect()
}

/// `split_entities_by_comma`: true, false, or a map from entity to either.
pub(crate) fn read_split(options: &Options) -> Result<SplitByComma, TrainError> {
    const KEY: &str = "split_entities_by_comma";
    let bad = || options.bad(KEY, "true, false, or a map from entities to either");
    match options.get(KEY) {
        None => Ok(SplitByComma { default: true, by_name: Default::default() }),
        Some(Value::Bool(default)) => Ok(SplitByComma { default: *default, by_name: Default::default() }),
        Some(value) => {
            let by_name = serde_json::from_value(value.clone()).map_err(|_| bad())?;
            Ok(SplitByComma { default: true, by_name })
        }
    }
}

/// DIET's windows, with those of a LexicalSyntacticFeaturizer before it.
pub(crate) fn diet_windows(context: &TrainContext) -> Vec<Vec<String>> {
    let mut windows = owned(&DIET);
    let lexical = context.lexical_windows.as_deref().unwrap_or_default();
    let widen = lexical.len().saturating_sub(windows.len()) / 2;
    for _ in 0..widen {
        windows.insert(0, Vec::new());
        windows.push(Vec::new());
    }
    let first = (windows.len() - lexical.len().min(windows.len())) / 2;
    for (window, names) in windows.iter_mut().skip(first).zip(lexical) {
        for name in names {
            // There `low` means: is lower case.
            let name = if name == "low" { "is_lower" } else { name };
            if !window.iter().any(|known| known == name) {
                window.push(name.to_owned());
            }
        }
    }
    windows
}
