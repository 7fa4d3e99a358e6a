//! RegexFeaturizer (spec §2.3): one dimension for each pattern of the training
//! data.

use crate::message::Message;
use crate::options::Options;
use crate::pattern::Pattern;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::train::{FeatureKind, FeaturizerInfo};
use crate::{LoadError, TrainError};
use sapa_project::{ComponentConfig, NluData};
use serde::{Deserialize, Serialize};

/// Options of RegexFeaturizer and RegexEntityExtractor.
pub(crate) const OPTIONS: &[&str] =
    &["case_sensitive", "use_lookup_tables", "use_regexes", "use_word_boundaries", "alias"];

/// What a pattern was made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// A regular expression in Python's syntax.
    Regex(String),
    /// A lookup table.
    Lookup(Vec<String>),
}

/// Named patterns, as trained and stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    case_sensitive: bool,
    word_boundaries: bool,
    patterns: Vec<(String, Source)>,
}

/// Named patterns of the training data: regular expressions first, then lookup
/// tables.
///
/// They are compiled when they are trained or loaded: no message waits for them.
pub(crate) struct PatternSet {
    stored: Stored,
    compiled: Vec<Pattern>,
}

impl PatternSet {
    /// Collects and compiles the patterns whose name passes `wanted`.
    pub fn train(
        config: &ComponentConfig,
        data: &NluData,
        case_sensitive: bool,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, TrainError> {
        let options = Options { config };
        let mut stored = Stored {
            case_sensitive: options.bool("case_sensitive", case_sensitive)?,
            word_boundaries: options.bool("use_word_boundaries", true)?,
            patterns: Vec::new(),
        };
        let mut compiled = Vec::new();
        if options.bool("use_regexes", true)? {
            for regex in data.regexes.iter().filter(|regex| wanted(&regex.name)) {
                let pattern = Pattern::new(&regex.pattern, stored.case_sensitive).map_err(|error| {
                    let message = format!("the pattern of regex `{}` cannot be read: {error}", regex.name);
                    TrainError::new(
                        sapa_project::codes::BROKEN_REGEX,
                        message,
                        regex.span,
                        "correct the pattern (Python `re` syntax)",
                    )
                })?;
                compiled.push(pattern);
                stored.patterns.push((regex.name.clone(), Source::Regex(regex.pattern.clone())));
            }
        }
        if options.bool("use_lookup_tables", true)? {
            for lookup in data.lookups.iter().filter(|lookup| wanted(&lookup.name)) {
                let pattern = Pattern::literals(&lookup.elements, stored.case_sensitive, stored.word_boundaries);
                let pattern = pattern.map_err(|error| {
                    let message = format!("lookup table `{}` cannot be used: {error}", lookup.name);
                    TrainError::new(
                        sapa_project::codes::BROKEN_LOOKUP,
                        message,
                        lookup.span,
                        "split or shorten the table",
                    )
                })?;
                let Some(pattern) = pattern else { continue };
                compiled.push(pattern);
                stored.patterns.push((lookup.name.clone(), Source::Lookup(lookup.elements.clone())));
            }
        }
        Ok(Self { stored, compiled })
    }

    /// Reads what [`PatternSet::save`] wrote.
    pub fn load(reader: &SectionReader) -> Result<Self, LoadError> {
        let stored: Stored = reader.json("patterns")?;
        let compiled = stored.patterns.iter().map(|(_, source)| match source {
            Source::Regex(pattern) => Pattern::new(pattern, stored.case_sensitive).ok(),
            Source::Lookup(elements) => {
                Pattern::literals(elements, stored.case_sensitive, stored.word_boundaries).ok().flatten()
            }
        });
        let compiled = compiled.collect::<Option<Vec<_>>>().ok_or_else(|| reader.malformed("patterns"))?;
        Ok(Self { stored, compiled })
    }

    /// Writes the patterns.
    pub fn save(&self, writer: &mut SectionWriter) {
        writer.json("patterns", &self.stored);
    }

    /// Number of patterns.
    pub fn len(&self) -> usize {
        self.compiled.len()
    }

    /// Names in order; a name may occur several times.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.stored.patterns.iter().map(|(name, _)| name.as_str())
    }

    /// All patterns with their numbers and names.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str, &Pattern)> {
        self.names().zip(&self.compiled).enumerate().map(|(number, (name, pattern))| (number, name, pattern))
    }
}

struct RegexFeaturizer {
    patterns: PatternSet,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let patterns = PatternSet::train(config, context.data, true, |_| true)?;
    let alias = Options { config }.text("alias")?.unwrap_or(&config.name).to_owned();
    context.featurizers.push(FeaturizerInfo { alias, columns: patterns.len(), kind: FeatureKind::Flags });
    context.pattern_names = patterns.names().map(str::to_owned).collect();
    Ok(Box::new(RegexFeaturizer { patterns }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(RegexFeaturizer { patterns: PatternSet::load(reader)? }))
}

impl Component for RegexFeaturizer {
    fn process(&self, message: &mut Message) {
        let tokens = message.tokens.take().unwrap_or_default();
        let mut token_patterns = vec![Vec::new(); tokens.len()];
        let mut block = Vec::new();
        for (number, _, pattern) in self.patterns.iter() {
            let number = number as u32;
            let mut any = false;
            for (from, to) in pattern.find_all(message.text) {
                // Tokens ascend: only those from the first that ends behind
                // the match's start can overlap.
                let first = tokens.partition_point(|token| token.to <= from);
                for (patterns, _) in
                    token_patterns[first..].iter_mut().zip(&tokens[first..]).take_while(|(_, token)| token.from < to)
                {
                    any = true;
                    if patterns.last() != Some(&number) {
                        patterns.push(number);
                    }
                }
            }
            if any {
                block.push((number, 1.0));
            }
        }
        message.tokens = Some(tokens);
        message.token_patterns = token_patterns;
        message.blocks.push(block);
    }

    fn feature_name(&self, column: u32) -> Option<String> {
        self.patterns.names().nth(column as usize).map(|name| format!("pattern {name}"))
    }

    fn save(&self, writer: &mut SectionWriter) {
        self.patterns.save(writer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapa_project::Span;
    use sapa_project::nlu::{Lookup, RegexPattern};

    fn data() -> NluData {
        NluData {
            regexes: vec![RegexPattern { name: "nip".into(), pattern: r"\b\d{18}\b".into(), span: Span::default() }],
            lookups: vec![Lookup {
                name: "city".into(),
                elements: vec!["Bau Bau".into(), "Raha".into()],
                span: Span::default(),
            }],
            ..NluData::default()
        }
    }

    fn featurized(text: &str, options: serde_json::Value) -> (Vec<(u32, f32)>, Vec<Vec<u32>>) {
        let config = ComponentConfig::implied("RegexFeaturizer", options.as_object().cloned().unwrap_or_default());
        let patterns = PatternSet::train(&config, &data(), true, |_| true).unwrap();
        let mut message = Message::new(text);
        let words = text.split(' ').scan(0, |at, word| {
            let from = *at;
            *at += word.len() + 1;
            Some((from, from + word.len()))
        });
        message.tokens = Some(words.map(|(from, to)| message.token(from, to)).collect());
        RegexFeaturizer { patterns }.process(&mut message);
        (message.blocks.remove(0), message.token_patterns)
    }

    #[test]
    fn a_match_marks_every_token_it_overlaps_and_the_sentence() {
        let (block, tokens) = featurized("ke Bau Bau 199001012020121001", serde_json::json!({}));
        assert_eq!(block, [(0, 1.0), (1, 1.0)]);
        assert_eq!(tokens, [vec![], vec![1], vec![1], vec![0]]);
    }

    #[test]
    fn matching_is_case_sensitive_and_bound_to_words_unless_told_otherwise() {
        assert!(featurized("raha", serde_json::json!({})).0.is_empty());
        assert_eq!(featurized("raha", serde_json::json!({"case_sensitive": false})).0, [(1, 1.0)]);
        assert!(featurized("Rahasia", serde_json::json!({})).0.is_empty());
        assert_eq!(featurized("Rahasia", serde_json::json!({"use_word_boundaries": false})).0, [(1, 1.0)]);
        assert!(featurized("Raha", serde_json::json!({"use_lookup_tables": false})).0.is_empty());
    }

    #[test]
    fn a_bad_pattern_is_an_error_that_names_it() {
        let mut data = data();
        data.regexes[0].pattern = "(".into();
        let config = ComponentConfig::implied("RegexFeaturizer", Default::default());
        let error = PatternSet::train(&config, &data, true, |_| true).err().unwrap();
        assert!(error.0.message.contains("regex `nip`"), "{error}");
    }
}
