//! CountVectorsFeaturizer (spec §2.3): how often each known term occurs.

use super::stop_words::ENGLISH;
use super::terms::{Analyzer, StripAccents, TermOptions};
use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::train::{FeatureKind, FeaturizerInfo};
use crate::{LoadError, TrainError};
use sapa_learn::Vocabulary;
use sapa_learn::sparse::SparseRow;
use sapa_project::ComponentConfig;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Options with a meaning.
pub(crate) const OPTIONS: &[&str] = &[
    "alias",
    "analyzer",
    "min_ngram",
    "max_ngram",
    "min_df",
    "max_df",
    "max_features",
    "stop_words",
    "strip_accents",
    "lowercase",
    "OOV_token",
    "OOV_words",
];

/// How a featurizer was configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    terms: TermOptions,
    /// Stands for unknown words, if it occurs in the training texts.
    oov_token: Option<String>,
    /// Words read as the token while training.
    oov_words: Vec<String>,
}

/// How a word is read.
enum Read<'a> {
    /// As it is.
    Word(&'a str),
    /// As the token for unknown words.
    Unknown,
}

/// Which terms are kept: those that occur in so many messages.
struct Limits {
    min_df: f64,
    max_df: f64,
    max_features: Option<usize>,
}

/// What training has seen of a term.
struct Seen {
    messages: usize,
    /// Last message it occurred in.
    last: usize,
    times: usize,
}

/// A term in a stored list, borrowed unless it is written with escapes.
#[derive(Deserialize)]
struct Term<'a>(#[serde(borrow)] Cow<'a, str>);

impl AsRef<str> for Term<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A trained vocabulary.
#[derive(Clone)]
pub(crate) struct CountVectors {
    stored: Stored,
    vocabulary: Vocabulary,
    /// Whether unknown words are read as the token.
    replaces_unknown: bool,
}

impl CountVectors {
    fn train(stored: Stored, limits: &Limits, messages: &[Message]) -> Self {
        let untrained = Self { stored, vocabulary: Vocabulary::default(), replaces_unknown: false };
        let mut seen = Vocabulary::default();
        let mut counts: Vec<Seen> = Vec::new();
        for (number, message) in messages.iter().enumerate() {
            untrained.for_each_term(message, Self::training_word, &mut |term: &str| {
                let Some(id) = seen.insert(term) else { return };
                if id as usize == counts.len() {
                    counts.push(Seen { messages: 0, last: usize::MAX, times: 0 });
                }
                let count = &mut counts[id as usize];
                count.messages += usize::from(count.last != number);
                count.last = number;
                count.times += 1;
            });
        }
        let wanted = |count: &Seen| (limits.min_df..=limits.max_df).contains(&(count.messages as f64));
        let terms = seen.iter().zip(&counts).filter(|(_, count)| wanted(count));
        let mut terms: Vec<(&str, usize)> = terms.map(|(term, count)| (term, count.times)).collect();
        if let Some(most) = limits.max_features {
            // The most frequent, ties by term; then by term again.
            terms.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            terms.truncate(most);
        }
        terms.sort_unstable();
        untrained.with_vocabulary(Vocabulary::new(terms.iter().map(|(term, _)| term)))
    }

    fn with_vocabulary(mut self, vocabulary: Vocabulary) -> Self {
        let known = |token: &String| vocabulary.id(token).is_some();
        self.replaces_unknown =
            self.stored.terms.analyzer == Analyzer::Word && self.stored.oov_token.as_ref().is_some_and(known);
        self.vocabulary = vocabulary;
        self
    }

    /// `OOV_words` are read as the token while training.
    fn training_word<'w>(&self, word: &'w str) -> Read<'w> {
        let unknown = self.stored.oov_token.is_some() && self.stored.oov_words.iter().any(|oov| oov == word);
        if unknown { Read::Unknown } else { Read::Word(word) }
    }

    /// Unknown words are read as the token, if training has seen it.
    fn known_word<'w>(&self, word: &'w str) -> Read<'w> {
        let unknown = self.replaces_unknown && self.vocabulary.id(word).is_none();
        if unknown { Read::Unknown } else { Read::Word(word) }
    }

    /// Calls `emit` for each term; words are read through `read` first.
    fn for_each_term(
        &self,
        message: &Message,
        read: impl for<'w> Fn(&Self, &'w str) -> Read<'w>,
        emit: &mut impl FnMut(&str),
    ) {
        let terms = &self.stored.terms;
        let text = terms.normalise(message.words());
        if terms.analyzer != Analyzer::Word {
            terms.character_terms(&text, emit);
            return;
        }
        let token = self.stored.oov_token.as_deref().unwrap_or_default();
        let ranges = terms.words(&text);
        let words: Vec<&str> = ranges
            .into_iter()
            .map(|range| match read(self, &text[range]) {
                Read::Word(word) => word,
                Read::Unknown => token,
            })
            .collect();
        terms.word_terms(&words, emit);
    }

    /// Number of terms.
    pub fn columns(&self) -> usize {
        self.vocabulary.len()
    }

    /// Counts of the known terms of a message.
    pub fn counts(&self, message: &Message) -> SparseRow {
        let mut ids = Vec::new();
        self.for_each_term(message, Self::known_word, &mut |term: &str| ids.extend(self.vocabulary.id(term)));
        ids.sort_unstable();
        ids.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f32)).collect()
    }

    /// Writes options and vocabulary under this name.
    pub fn save(&self, name: &str, writer: &mut SectionWriter) {
        writer.json(&format!("{name}.options"), &self.stored);
        writer.json(&format!("{name}.vocabulary"), &self.vocabulary.iter().collect::<Vec<_>>());
    }

    /// Reads what [`CountVectors::save`] wrote.
    pub fn load(name: &str, reader: &SectionReader) -> Result<Self, LoadError> {
        let stored: Stored = reader.json(&format!("{name}.options"))?;
        let terms: Vec<Term> = reader.json(&format!("{name}.vocabulary"))?;
        let untrained = Self { stored, vocabulary: Vocabulary::default(), replaces_unknown: false };
        Ok(untrained.with_vocabulary(Vocabulary::new(terms)))
    }
}

struct CountVectorsFeaturizer(CountVectors);

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let stored = read_options(&options)?;
    let messages = context.messages.len();
    let limits = Limits {
        min_df: document_limit(&options, "min_df", 1.0, messages)?,
        max_df: document_limit(&options, "max_df", f64::INFINITY, messages)?,
        max_features: options.opt_count("max_features")?,
    };
    let vectors = CountVectors::train(stored, &limits, &context.messages);
    let alias = options.text("alias")?.unwrap_or(&config.name).to_owned();
    context.featurizers.push(FeaturizerInfo { alias, columns: vectors.columns(), kind: FeatureKind::Counts });
    Ok(Box::new(CountVectorsFeaturizer(vectors)))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(CountVectorsFeaturizer(CountVectors::load("counts", reader)?)))
}

impl Component for CountVectorsFeaturizer {
    fn process(&self, message: &mut Message) {
        let counts = self.0.counts(message);
        message.blocks.push(counts);
    }

    fn only_counts(&self) -> bool {
        true
    }

    fn feature_name(&self, column: u32) -> Option<String> {
        let term = self.0.vocabulary.term(column)?;
        Some(match self.0.stored.terms.analyzer {
            Analyzer::Word => format!("`{term}`"),
            Analyzer::Char | Analyzer::CharWb => format!("…{}…", term.replace(' ', "·")),
        })
    }

    fn save(&self, writer: &mut SectionWriter) {
        self.0.save("counts", writer);
    }
}

fn read_options(options: &Options) -> Result<Stored, TrainError> {
    let analyzer = match options.choice("analyzer", &["word", "char", "char_wb"])? {
        "char" => Analyzer::Char,
        "char_wb" => Analyzer::CharWb,
        _ => Analyzer::Word,
    };
    let strip_accents = match options.text("strip_accents")? {
        None => None,
        Some("ascii") => Some(StripAccents::Ascii),
        Some("unicode") => Some(StripAccents::Unicode),
        Some(_) => return Err(options.bad("strip_accents", "`ascii`, `unicode` or null")),
    };
    let (min_ngram, max_ngram) = (options.count("min_ngram", 1)?, options.count("max_ngram", 1)?);
    if min_ngram == 0 || min_ngram > max_ngram || max_ngram > 20 {
        return Err(options.bad("max_ngram", "at least `min_ngram`, which is at least 1, and at most 20"));
    }
    let lowercase = options.bool("lowercase", true)?;
    let fold = |word: &str| if lowercase { word.to_lowercase() } else { word.to_owned() };
    let terms = TermOptions {
        analyzer,
        min_ngram,
        max_ngram,
        lowercase,
        strip_accents,
        stop_words: match options.get("stop_words").and_then(serde_json::Value::as_str) {
            Some("english") => ENGLISH.split_whitespace().map(str::to_owned).collect(),
            _ => options.texts("stop_words")?,
        },
    };
    let oov_words = options.texts("OOV_words")?.iter().map(|word| fold(word)).collect();
    Ok(Stored { terms, oov_token: options.text("OOV_token")?.map(fold), oov_words })
}

/// A limit on the number of messages a term occurs in: a whole number, or a
/// share of all messages if written with a decimal point.
fn document_limit(options: &Options, key: &str, default: f64, messages: usize) -> Result<f64, TrainError> {
    match options.get(key) {
        None => Ok(default),
        Some(value) => match (value.as_u64(), value.as_f64()) {
            (Some(count), _) => Ok(count as f64),
            (None, Some(share)) if (0.0..=1.0).contains(&share) => Ok(share * messages as f64),
            _ => Err(options.bad(key, "a whole number or a share between 0.0 and 1.0")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(text: &str) -> Message<'_> {
        let mut message = Message::new(text);
        let mut at = 0;
        let mut tokens = Vec::new();
        for word in text.split(' ') {
            tokens.push(message.token(at, at + word.len()));
            at += word.len() + 1;
        }
        message.tokens = Some(tokens);
        message
    }

    fn trained(options: serde_json::Value, texts: &[&str]) -> CountVectors {
        let config = ComponentConfig::implied("CountVectorsFeaturizer", options.as_object().cloned().unwrap());
        let options = Options { config: &config };
        let messages: Vec<Message> = texts.iter().map(|text| message(text)).collect();
        let limits = Limits {
            min_df: document_limit(&options, "min_df", 1.0, texts.len()).unwrap(),
            max_df: document_limit(&options, "max_df", f64::INFINITY, texts.len()).unwrap(),
            max_features: options.opt_count("max_features").unwrap(),
        };
        CountVectors::train(read_options(&options).unwrap(), &limits, &messages)
    }

    fn terms(vectors: &CountVectors) -> Vec<&str> {
        vectors.vocabulary.iter().collect()
    }

    #[test]
    fn words_are_counted_and_unknown_ones_are_not() {
        let vectors = trained(json!({}), &["buka pintu", "tutup pintu 5"]);
        assert_eq!(terms(&vectors), ["__number__", "buka", "pintu", "tutup"]);
        assert_eq!(vectors.counts(&message("Pintu pintu jendela 17")), [(0, 1.0), (2, 2.0)]);
    }

    #[test]
    fn rare_frequent_and_surplus_terms_are_left_out() {
        let texts = ["a b c", "a b", "a d d d"];
        assert_eq!(terms(&trained(json!({"min_df": 2}), &texts)), ["a", "b"]);
        assert_eq!(terms(&trained(json!({"max_df": 2}), &texts)), ["b", "c", "d"]);
        assert_eq!(terms(&trained(json!({"max_df": 0.5}), &texts)), ["c", "d"]);
        assert_eq!(terms(&trained(json!({"max_features": 2}), &texts)), ["a", "d"]);
    }

    #[test]
    fn unknown_words_become_the_oov_token_only_if_training_has_seen_it() {
        let unseen = trained(json!({"OOV_token": "OOV"}), &["a b"]);
        assert_eq!(unseen.counts(&message("x y")), []);
        let seen = trained(json!({"OOV_token": "OOV"}), &["a oov"]);
        assert_eq!(seen.counts(&message("a x y")), [(0, 1.0), (1, 2.0)]);
        let by_words = trained(json!({"OOV_token": "oov", "OOV_words": ["B"]}), &["a b"]);
        assert_eq!(terms(&by_words), ["a", "oov"]);
    }

    #[test]
    fn stop_words_are_left_out() {
        assert_eq!(terms(&trained(json!({"stop_words": "english"}), &["open the door"])), ["door", "open"]);
        assert_eq!(terms(&trained(json!({"stop_words": ["yang"]}), &["yang mana"])), ["mana"]);
    }

    #[test]
    fn character_n_grams_of_the_whole_text_are_counted() {
        let vectors = trained(json!({"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 2}), &["aa"]);
        assert_eq!(terms(&vectors), [" ", " a", "a", "a ", "aa"]);
        assert_eq!(vectors.counts(&message("a")), [(0, 2.0), (1, 1.0), (2, 1.0), (3, 1.0)]);
    }

    #[test]
    fn options_of_the_wrong_kind_are_errors() {
        for options in [
            json!({"analyzer": "bytes"}),
            json!({"min_ngram": 3}),
            json!({"strip_accents": "x"}),
            json!({"stop_words": "latin"}),
        ] {
            let config = ComponentConfig::implied("CountVectorsFeaturizer", options.as_object().cloned().unwrap());
            assert!(read_options(&Options { config: &config }).is_err(), "{options}");
        }
    }
}
