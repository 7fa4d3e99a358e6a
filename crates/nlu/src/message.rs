//! One message on its way through the pipeline.

use sapa_learn::sparse::SparseRow;
use sapa_sdk::{Entity, IntentPrediction, JsonMap};
use serde_json::Value;
use std::borrow::Cow;

/// Translates byte offsets into character (code point) offsets.
#[derive(Clone, Debug, Default)]
pub(crate) struct CharIndex {
    /// For each byte the number of characters before it; empty if all are ASCII.
    before: Vec<u32>,
}

impl CharIndex {
    /// An index of the text.
    pub fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self::default();
        }
        let mut before = Vec::with_capacity(text.len() + 1);
        for (number, character) in text.chars().enumerate() {
            before.extend(std::iter::repeat_n(number as u32, character.len_utf8()));
        }
        before.push(before.last().map_or(0, |last| last + 1));
        Self { before }
    }

    /// Number of characters before this byte.
    pub fn char_at(&self, byte: usize) -> usize {
        if self.before.is_empty() { byte } else { self.before.get(byte).map_or(byte, |&number| number as usize) }
    }
}

/// A token: a piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// First byte.
    pub from: usize,
    /// One past the last byte.
    pub to: usize,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// A message and what the components found out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message<'a> {
    /// The text as written.
    pub text: &'a str,
    /// Its character offsets.
    pub chars: CharIndex,
    /// Tokens, once a tokenizer ran.
    pub tokens: Option<Vec<Token>>,
    /// How tokens are read, once a normaliser ran; `None` as they are written.
    pub readings: Vec<Option<String>>,
    /// Sentence features of each featurizer, in pipeline order.
    pub blocks: Vec<SparseRow>,
    /// For each token the names of the patterns that touch it, as numbers into
    /// the featurizer's list.
    pub token_patterns: Vec<Vec<u32>>,
    /// The winning intent, once a classifier ran.
    pub intent: Option<IntentPrediction>,
    /// The candidates, best first, if a classifier ranks.
    pub ranking: Option<Vec<(String, f64)>>,
    /// Entities in the order found.
    pub entities: Vec<Entity>,
    /// What the response selectors report.
    pub response_selector: Option<JsonMap>,
    /// Answers to the components' queries, in pipeline order.
    pub answers: std::slice::Iter<'a, Value>,
}

impl<'a> Message<'a> {
    /// A message nobody has looked at.
    pub fn new(text: &'a str) -> Self {
        Self { text, chars: CharIndex::new(text), ..Self::default() }
    }

    /// The tokens; none before a tokenizer ran.
    pub fn tokens(&self) -> &[Token] {
        self.tokens.as_deref().unwrap_or_default()
    }

    /// A token's text.
    pub fn token_text(&self, token: &Token) -> &'a str {
        self.text.get(token.from..token.to).unwrap_or_default()
    }

    /// The tokens as they are read: what is learnt from and looked up.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let read = |(number, token): (usize, &Token)| match self.readings.get(number) {
            Some(Some(reading)) => reading.as_str(),
            _ => self.token_text(token),
        };
        self.tokens().iter().enumerate().map(read)
    }

    /// The text as it is read: as written, unless a normaliser ran.
    pub fn wording(&self) -> Cow<'a, str> {
        if self.readings.iter().all(Option::is_none) {
            return Cow::Borrowed(self.text);
        }
        Cow::Owned(self.words().collect::<Vec<_>>().join(" "))
    }

    /// A token over these bytes.
    pub fn token(&self, from: usize, to: usize) -> Token {
        Token { from, to, start: self.chars.char_at(from), end: self.chars.char_at(to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_code_points() {
        let index = CharIndex::new("aé😀b");
        assert_eq!([0, 1, 3, 7, 8].map(|byte| index.char_at(byte)), [0, 1, 2, 3, 4]);
        assert_eq!(CharIndex::new("abc").char_at(3), 3);
        assert_eq!(CharIndex::new("").char_at(0), 0);
    }
}
