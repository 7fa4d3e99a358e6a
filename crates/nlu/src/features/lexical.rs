//! LexicalSyntacticFeaturizer (spec §2.3): token features only, which the token
//! taggers of later components compute themselves from its windows.

use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::train::{FeatureKind, FeaturizerInfo};
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;

/// Names its windows may hold.
const KNOWN: [&str; 12] =
    ["BOS", "EOS", "low", "upper", "title", "digit", "prefix2", "prefix5", "suffix1", "suffix2", "suffix3", "suffix5"];
/// Names that need a part-of-speech tagger, which no available tokenizer is.
const UNAVAILABLE: [&str; 2] = ["pos", "pos2"];
/// The default windows.
const DEFAULT: [&[&str]; 3] =
    [&["low", "title", "upper"], &["BOS", "EOS", "low", "upper", "title", "digit"], &["low", "title", "upper"]];

struct LexicalSyntacticFeaturizer;

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let default = || DEFAULT.iter().map(|names| names.iter().map(|name| (*name).to_owned()).collect()).collect();
    let windows: Vec<Vec<String>> = options.windows("features")?.unwrap_or_else(default);
    let known = |name: &String| KNOWN.contains(&name.as_str()) || UNAVAILABLE.contains(&name.as_str());
    if windows.len().is_multiple_of(2) {
        return Err(options.bad("features", "an odd number of lists, the token's own in the middle"));
    }
    if let Some(name) = windows.iter().flatten().find(|name| !known(name)) {
        return Err(options.bad("features", &format!("lists of known features; `{name}` is none")));
    }
    context.lexical_windows = Some(windows);
    let alias = options.text("alias")?.unwrap_or(&config.name).to_owned();
    context.featurizers.push(FeaturizerInfo { alias, columns: 0, kind: FeatureKind::Flags });
    Ok(Box::new(LexicalSyntacticFeaturizer))
}

pub(crate) fn load(_: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(LexicalSyntacticFeaturizer))
}

impl Component for LexicalSyntacticFeaturizer {
    /// No sentence features: an empty block.
    fn process(&self, message: &mut Message) {
        message.blocks.push(Vec::new());
    }

    fn save(&self, _: &mut SectionWriter) {}
}
