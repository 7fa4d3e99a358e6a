//! Cutting a text into terms: normalised words, and n-grams of words or
//! characters (spec §2.3).

use crate::tokenizer::is_word;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What takes a number's place.
const NUMBER: &str = "__NUMBER__";

/// What n-grams are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Analyzer {
    /// Words.
    Word,
    /// Characters across words.
    Char,
    /// Characters within words, a blank on either side.
    CharWb,
}

/// How accents are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StripAccents {
    /// What is not ASCII after decomposition goes.
    Ascii,
    /// Marks go after decomposition.
    Unicode,
}

/// How a text is cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TermOptions {
    /// Unit.
    pub analyzer: Analyzer,
    /// Shortest n-gram, at least 1.
    pub min_ngram: usize,
    /// Longest n-gram.
    pub max_ngram: usize,
    /// Whether case goes.
    pub lowercase: bool,
    /// Whether and how accents go.
    pub strip_accents: Option<StripAccents>,
    /// Words left out (word analyzer).
    pub stop_words: Vec<String>,
}

impl TermOptions {
    /// The tokens' texts with numbers replaced, case and accents removed, joined
    /// by blanks.
    pub fn normalise<'a>(&self, tokens: impl Iterator<Item = &'a str>) -> String {
        let mut text = String::new();
        for token in tokens {
            if !text.is_empty() {
                text.push(' ');
            }
            push_numbers_replaced(token, &mut text);
        }
        if self.lowercase {
            text = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() };
        }
        match self.strip_accents {
            None => text,
            Some(_) if text.is_ascii() => text,
            Some(StripAccents::Ascii) => text.nfkd().filter(char::is_ascii).collect(),
            Some(StripAccents::Unicode) => text.nfkd().filter(|c| !is_combining_mark(*c)).collect(),
        }
    }

    /// Calls `emit` for each n-gram of characters.
    pub fn character_terms(&self, text: &str, emit: &mut impl FnMut(&str)) {
        let mut padded = String::new();
        let mut places: Vec<usize> = Vec::new();
        match self.analyzer {
            Analyzer::Word => {}
            Analyzer::Char => {
                padded.extend(text.split_whitespace().flat_map(|word| [word, " "]));
                padded.pop();
                fill_places(&padded, &mut places);
                self.windows(&padded, &places, false, emit);
            }
            Analyzer::CharWb => {
                for word in text.split_whitespace() {
                    padded.clear();
                    padded.extend([" ", word, " "]);
                    fill_places(&padded, &mut places);
                    self.windows(&padded, &places, true, emit);
                }
            }
        }
    }

    /// All windows of each length. A text shorter than a window gives itself
    /// once if `short` (scikit-learn's `char_wb`), else nothing.
    fn windows(&self, text: &str, places: &[usize], short: bool, emit: &mut impl FnMut(&str)) {
        let length = places.len().saturating_sub(1);
        for n in self.min_ngram..=self.max_ngram {
            if n >= length {
                if short || n == length {
                    emit(text);
                }
                return;
            }
            for (from, to) in places.iter().zip(&places[n..]) {
                emit(&text[*from..*to]);
            }
        }
    }

    /// Words of a normalised text as byte ranges, stop words left out.
    pub fn words(&self, text: &str) -> Vec<Range<usize>> {
        let mut words = word_ranges(text);
        if !self.stop_words.is_empty() {
            words.retain(|range| !self.stop_words.iter().any(|stop| *stop == text[range.clone()]));
        }
        words
    }

    /// Calls `emit` for each n-gram of words, joined by blanks.
    pub fn word_terms(&self, words: &[&str], emit: &mut impl FnMut(&str)) {
        let mut joined = String::new();
        for n in self.min_ngram..=self.max_ngram.min(words.len()) {
            for window in words.windows(n) {
                if let [word] = window {
                    emit(word);
                    continue;
                }
                joined.clear();
                for word in window {
                    if !joined.is_empty() {
                        joined.push(' ');
                    }
                    joined.push_str(word);
                }
                emit(&joined);
            }
        }
    }
}

fn fill_places(text: &str, places: &mut Vec<usize>) {
    places.clear();
    places.extend(text.char_indices().map(|(byte, _)| byte));
    places.push(text.len());
}

/// Maximal runs of word characters.
fn word_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = None;
    for (byte, c) in text.char_indices() {
        match (is_word(c), from) {
            (true, None) => from = Some(byte),
            (false, Some(start)) => {
                ranges.push(start..byte);
                from = None;
            }
            _ => {}
        }
    }
    ranges.extend(from.map(|start| start..text.len()));
    ranges
}

/// Appends the token, each whole number in it replaced.
fn push_numbers_replaced(token: &str, out: &mut String) {
    if !token.bytes().any(|byte| byte.is_ascii_digit()) {
        out.push_str(token);
        return;
    }
    let mut done = 0;
    for range in word_ranges(token) {
        out.push_str(&token[done..range.start]);
        let word = &token[range.clone()];
        out.push_str(if word.bytes().all(|byte| byte.is_ascii_digit()) { NUMBER } else { word });
        done = range.end;
    }
    out.push_str(&token[done..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(analyzer: Analyzer, min_ngram: usize, max_ngram: usize) -> TermOptions {
        TermOptions { analyzer, min_ngram, max_ngram, lowercase: true, strip_accents: None, stop_words: Vec::new() }
    }

    fn characters(options: &TermOptions, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        options.character_terms(text, &mut |term: &str| terms.push(term.to_owned()));
        terms
    }

    #[test]
    fn whole_numbers_become_a_word_and_are_lower_cased_with_the_rest() {
        let options = options(Analyzer::Word, 1, 1);
        assert_eq!(
            options.normalise(["Pukul", "10:30", "a1", "3,5"].into_iter()),
            "pukul __number__:__number__ a1 __number__,__number__"
        );
        let cased = TermOptions { lowercase: false, ..options };
        assert_eq!(cased.normalise(["Jam", "7"].into_iter()), "Jam __NUMBER__");
    }

    #[test]
    fn character_n_grams_stay_within_padded_words() {
        assert_eq!(
            characters(&options(Analyzer::CharWb, 2, 3), "ab c"),
            [" a", "ab", "b ", " ab", "ab ", " c", "c ", " c "]
        );
        assert_eq!(characters(&options(Analyzer::CharWb, 4, 6), "a"), [" a "]);
        assert_eq!(characters(&options(Analyzer::CharWb, 3, 3), "é"), [" é "]);
    }

    #[test]
    fn character_n_grams_cross_words_when_asked() {
        assert_eq!(characters(&options(Analyzer::Char, 2, 2), "ab  c"), ["ab", "b ", " c"]);
        assert_eq!(characters(&options(Analyzer::Char, 3, 9), "ab"), Vec::<String>::new());
        assert_eq!(characters(&options(Analyzer::Char, 1, 2), "ab"), ["a", "b", "ab"]);
        assert_eq!(characters(&options(Analyzer::Char, 1, 2), ""), Vec::<String>::new());
    }

    #[test]
    fn word_n_grams_join_neighbours_and_keep_single_letters() {
        let options = options(Analyzer::Word, 1, 2);
        let text = "i a-b";
        let words: Vec<&str> = options.words(text).into_iter().map(|range| &text[range]).collect();
        let mut terms = Vec::new();
        options.word_terms(&words, &mut |term: &str| terms.push(term.to_owned()));
        assert_eq!(terms, ["i", "a", "b", "i a", "a b"]);
    }

    #[test]
    fn stop_words_and_accents_go_when_asked() {
        let options = TermOptions {
            stop_words: vec!["yang".into()],
            strip_accents: Some(StripAccents::Unicode),
            ..options(Analyzer::Word, 1, 1)
        };
        let text = options.normalise(["Café", "yang", "ß"].into_iter());
        assert_eq!(text, "cafe yang ß");
        assert_eq!(options.words(&text).len(), 2);
        let ascii = TermOptions { strip_accents: Some(StripAccents::Ascii), ..options };
        assert_eq!(ascii.normalise(["é", "ß"].into_iter()), "e ");
    }
}
