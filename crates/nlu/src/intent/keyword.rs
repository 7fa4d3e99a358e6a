//! KeywordIntentClassifier (spec §2.4): example texts as keywords.

use crate::message::Message;
use crate::options::Options;
use crate::pattern::Pattern;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use indexmap::IndexMap;
use sapa_project::{ComponentConfig, Diagnostic, NluData};
use sapa_sdk::IntentPrediction;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Stored {
    case_sensitive: bool,
    /// Keyword and intent, in training order.
    keywords: Vec<(String, String)>,
}

struct KeywordIntentClassifier {
    stored: Stored,
    compiled: Vec<Pattern>,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let case_sensitive = Options { config }.bool("case_sensitive", true)?;
    let mut keywords = Vec::new();
    let mut compiled = Vec::new();
    for (keyword, intent) in unambiguous_keywords(config, context.data, case_sensitive, &mut context.diagnostics) {
        match compile(&keyword, case_sensitive) {
            Ok(pattern) => {
                compiled.push(pattern);
                keywords.push((keyword, intent));
            }
            Err(error) => {
                let message = format!("keyword `{keyword}` of intent `{intent}` is not a regular expression: {error}");
                let help = "KeywordIntentClassifier reads examples as regular expressions; escape special characters";
                context.diagnostics.push(
                    Diagnostic::warning(sapa_project::codes::BROKEN_KEYWORD, message).at(config.span, "").help(help),
                );
            }
        }
    }
    Ok(Box::new(KeywordIntentClassifier { stored: Stored { case_sensitive, keywords }, compiled }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let stored: Stored = reader.json("keywords")?;
    let compiled = stored.keywords.iter().map(|(keyword, _)| compile(keyword, stored.case_sensitive));
    let compiled = compiled.collect::<Result<_, _>>().map_err(|_| reader.malformed("keywords"))?;
    Ok(Box::new(KeywordIntentClassifier { stored, compiled }))
}

/// Quirk, spec §2.4: the example is not escaped.
fn compile(keyword: &str, case_sensitive: bool) -> Result<Pattern, String> {
    Pattern::new(&format!(r"\b{keyword}\b"), case_sensitive)
}

/// The examples as keywords, without those that stand in two intents or are
/// contained in a keyword of another intent (spec §2.4).
fn unambiguous_keywords(
    config: &ComponentConfig,
    data: &NluData,
    case_sensitive: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(String, String)> {
    let mut intents: IndexMap<String, Vec<&str>> = IndexMap::new();
    for example in data.examples.iter().filter(|example| !example.intent.is_empty()) {
        let of_keyword = intents.entry(example.text.clone()).or_default();
        if !of_keyword.contains(&example.base_intent()) {
            of_keyword.push(example.base_intent());
        }
    }
    let mut kept = Vec::new();
    for (keyword, own) in &intents {
        // As whole words, and as the classifier itself would read them. What stands for
        // several intents is none's keyword.
        let pattern = compile(keyword, case_sensitive).ok().filter(|_| own.len() == 1);
        let container = pattern.and_then(|pattern| {
            let mut others = intents.iter().filter(|(_, others)| others.len() == 1 && *others != own);
            others.find(|(other, _)| pattern.is_match(other))
        });
        let reason = match (own.as_slice(), container) {
            ([intent], None) => {
                kept.push((keyword.clone(), (*intent).to_owned()));
                continue;
            }
            ([_], Some((other, _))) => format!("is contained in keyword `{other}` of another intent"),
            _ => format!("stands for several intents ({})", own.join(", ")),
        };
        let message = format!("keyword `{keyword}` {reason}: KeywordIntentClassifier leaves it out");
        let span = data.examples.iter().find(|example| example.text == *keyword).map_or(config.span, |e| e.span);
        diagnostics.push(
            Diagnostic::warning(sapa_project::codes::SHARED_KEYWORD, message)
                .at(span, "")
                .help("make the keywords distinct"),
        );
    }
    kept
}

impl Component for KeywordIntentClassifier {
    /// The first keyword in training order wins; without one an earlier intent
    /// stays, else there is none (spec §2.4).
    fn process(&self, message: &mut Message) {
        let found = self.compiled.iter().position(|pattern| pattern.is_match(message.text));
        match found.and_then(|number| self.stored.keywords.get(number)) {
            Some((_, intent)) => message.intent = Some(IntentPrediction::new(intent, 1.0)),
            None => {
                message.intent.get_or_insert_default();
            }
        }
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("keywords", &self.stored);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapa_project::nlu::Example;

    fn classify(examples: &[(&str, &str)], case_sensitive: bool, text: &str) -> (Option<String>, usize) {
        let examples = examples.iter().map(|(intent, text)| Example {
            intent: (*intent).to_owned(),
            text: (*text).to_owned(),
            entities: Vec::new(),
            metadata: Default::default(),
            span: Default::default(),
        });
        let data = NluData { examples: examples.collect(), ..NluData::default() };
        let config = ComponentConfig::implied("KeywordIntentClassifier", Default::default());
        let mut diagnostics = Vec::new();
        let keywords = unambiguous_keywords(&config, &data, case_sensitive, &mut diagnostics);
        let compiled = keywords.iter().map(|(keyword, _)| compile(keyword, case_sensitive).unwrap()).collect();
        let classifier = KeywordIntentClassifier { stored: Stored { case_sensitive, keywords }, compiled };
        let mut message = Message::new(text);
        classifier.process(&mut message);
        (message.intent.unwrap().name, diagnostics.len())
    }

    #[test]
    fn a_keyword_within_a_word_of_another_intents_is_kept() {
        let examples = [("deny", "no"), ("inform", "in paris now")];
        assert_eq!(classify(&examples, true, "no"), (Some("deny".to_owned()), 0));
        let as_a_word = [("deny", "no"), ("inform", "no thanks")];
        assert_eq!(classify(&as_a_word, true, "no"), (None, 1));
    }

    #[test]
    fn the_first_keyword_in_training_order_wins() {
        let examples = [("a", "satu"), ("b", "dua")];
        assert_eq!(classify(&examples, true, "dua atau satu"), (Some("a".to_owned()), 0));
        assert_eq!(classify(&examples, true, "Dua"), (None, 0));
        assert_eq!(classify(&examples, false, "DUA"), (Some("b".to_owned()), 0));
        assert_eq!(classify(&examples, true, "duaan"), (None, 0));
    }

    #[test]
    fn keywords_are_regular_expressions() {
        assert_eq!(classify(&[("a", "kop[ie]")], true, "kope"), (Some("a".to_owned()), 0));
    }

    #[test]
    fn ambiguous_and_contained_keywords_are_left_out_with_a_warning() {
        let examples = [("a", "kopi"), ("b", "kopi"), ("a", "teh"), ("b", "teh manis")];
        assert_eq!(classify(&examples, true, "kopi teh"), (None, 2));
        assert_eq!(classify(&examples, true, "teh manis"), (Some("b".to_owned()), 2));
    }
}
