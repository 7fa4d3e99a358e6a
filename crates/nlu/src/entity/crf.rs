//! CRFEntityExtractor (spec §2.5). Without the option `features` the tagger
//! computes its own features, which hold all that Rasa's default windows do; with
//! it, it sees those features and no others.

use super::tagging::{EntityReasons, EntityTagger, TaggingOptions};
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

struct CrfEntityExtractor {
    tagger: Option<EntityTagger>,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let given = options.windows("features")?;
    let own_features = given.is_none();
    let windows = given.unwrap_or_else(|| vec![Vec::new()]);
    if windows.len().is_multiple_of(2) {
        return Err(options.bad("features", "an odd number of lists, the token's own in the middle"));
    }
    if let Some(name) = windows.iter().flatten().find(|name| !is_known_feature(name)) {
        return Err(options.bad("features", &format!("lists of known features; `{name}` is none")));
    }
    let bilou = options.bool("BILOU_flag", true)?;
    let split_by_comma = read_split(&options)?;
    let tagging = TaggingOptions { bilou, split_by_comma, windows, own_features, entities: true };
    Ok(Box::new(CrfEntityExtractor {
        tagger: EntityTagger::train(&config.name, tagging, None, context).map(|(tagger, _)| tagger),
    }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let trained: bool = reader.json("options")?;
    Ok(Box::new(CrfEntityExtractor { tagger: if trained { Some(EntityTagger::load(reader)?) } else { None } }))
}

impl Component for CrfEntityExtractor {
    fn process(&self, message: &mut Message) {
        if let Some(tagger) = &self.tagger {
            let (found, _) = tagger.read(message);
            message.entities.extend(found);
        }
    }

    fn explain_entities(&self, message: &Message) -> Vec<EntityReasons> {
        self.tagger.as_ref().map(|tagger| tagger.explain(message)).unwrap_or_default()
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", &self.tagger.is_some());
        if let Some(tagger) = &self.tagger {
            tagger.save(writer);
        }
    }
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

/// The windows of a LexicalSyntacticFeaturizer before DIETClassifier.
pub(crate) fn diet_windows(context: &TrainContext) -> Vec<Vec<String>> {
    let mut windows = context.lexical_windows.clone().unwrap_or_default();
    // There `low` means: is lower case.
    for name in windows.iter_mut().flatten().filter(|name| *name == "low") {
        *name = "is_lower".to_owned();
    }
    windows
}
