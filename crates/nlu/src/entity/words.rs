//! A message's words made ready for features: lower-cased characters side by
//! side, and hashes of what features are about, each computed once.

use crate::message::Message;
use crate::tokenizer::LONG_NUMBER;
use sapa_learn::keys::mix;
use std::ops::Range;

/// More tokens are not looked at: no message of a person has as many, and a
/// megabyte of blanks and letters must not keep the server busy.
pub(crate) const MOST_TOKENS: usize = 5_000;
/// Of longer tokens only beginning and end are looked at.
const LONG: usize = 30;
/// Longest beginning or end that is a feature of its own.
const AFFIXES: usize = 9;

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One word.
#[derive(Clone, Debug)]
struct Word {
    /// Lower-cased, in `Words::characters`, a mark on either side.
    range: Range<usize>,
    hash: u64,
    /// Hash of the text as it is, numbers too; the same as `hash` of other words.
    literal: u64,
    is_number: bool,
    shape: u64,
    has_digit: bool,
}

/// The words of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    characters: Vec<char>,
    words: Vec<Word>,
}

/// Stand before and behind a word's characters.
const OPEN: char = '\u{2}';
const CLOSE: char = '\u{3}';

impl Words {
    /// The words of a message's tokens.
    pub fn new(message: &Message) -> Self {
        let tokens = message.tokens();
        let tokens = &tokens[..tokens.len().min(MOST_TOKENS)];
        let mut words = Self { characters: Vec::with_capacity(message.text.len().min(1 << 16)), words: Vec::new() };
        words.words.reserve_exact(tokens.len());
        for token in tokens {
            words.push(message.token_text(token));
        }
        words
    }

    fn push(&mut self, text: &str) {
        let start = self.characters.len();
        self.characters.push(OPEN);
        let is_number = is_number(text);
        if is_number {
            // As in Rasa's CountVectorsFeaturizer (spec §2.3) one number is like
            // another; a long one is of a kind that its length tells.
            let alike = if text.len() < LONG_NUMBER { 1 } else { text.len() };
            self.characters.extend(std::iter::repeat_n('0', alike));
        } else if text.is_ascii() {
            self.characters.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        } else {
            self.characters.extend(text.chars().flat_map(char::to_lowercase));
        }
        self.characters.push(CLOSE);
        let range = start..self.characters.len();
        let letters = &self.characters[start + 1..range.end - 1];
        self.words.push(Word {
            hash: hash_characters(letters),
            literal: if is_number { hash_text(text) } else { hash_characters(letters) },
            is_number,
            shape: hash_characters(&shape(text)),
            has_digit: letters.iter().any(|c| c.is_numeric()),
            range,
        });
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Hash of a word's lower-cased text.
    pub fn hash(&self, word: usize) -> u64 {
        self.words[word].hash
    }

    /// Hash of a word as it was written, but for its case.
    pub fn literal(&self, word: usize) -> u64 {
        self.words[word].literal
    }

    /// Whether a word is a whole number in digits.
    pub fn is_number(&self, word: usize) -> bool {
        self.words[word].is_number
    }

    /// Hash of a word's shape.
    pub fn shape(&self, word: usize) -> u64 {
        self.words[word].shape
    }

    /// Hash of a word with all digits alike; none for a word without digits.
    pub fn digits_alike(&self, word: usize) -> Option<u64> {
        let word = &self.words[word];
        word.has_digit.then(|| {
            let digit = |c: char| if c.is_numeric() { '0' } else { c };
            self.letters(word).iter().fold(START, |hash, &c| step(hash, digit(c)))
        })
    }

    fn letters(&self, word: &Word) -> &[char] {
        &self.characters[word.range.start + 1..word.range.end - 1]
    }

    /// Lower-cased text of a word.
    pub fn text(&self, word: usize) -> String {
        self.letters(&self.words[word]).iter().collect()
    }

    /// Pieces of a word's lower-cased text with its marks: beginnings and ends of
    /// two to five characters, and what lies inside in threes and fours, the
    /// marks left out. `emit(which, length, hash, characters)`.
    pub fn pieces(&self, word: usize, mut emit: impl FnMut(Piece, usize, u64, &[char])) {
        let marked = &self.characters[self.words[word].range.clone()];
        for length in 2..=5.min(marked.len()) {
            let (first, last) = (&marked[..length], &marked[marked.len() - length..]);
            emit(Piece::Beginning, length, hash_characters(first), first);
            emit(Piece::End, length, hash_characters(last), last);
        }
        if marked.len() <= LONG {
            let inner = &marked[1..marked.len() - 1];
            for length in 3..=4 {
                inner.windows(length).for_each(|piece| emit(Piece::Inside, length, hash_characters(piece), piece));
            }
        }
    }

    /// Beginnings and ends of a word's lower-cased text of one to four
    /// characters, as far as it is that long.
    pub fn affixes(&self, word: usize, mut emit: impl FnMut(Piece, usize, u64, &[char])) {
        let letters = self.letters(&self.words[word]);
        for length in 1..=4.min(letters.len()) {
            let (first, last) = (&letters[..length], &letters[letters.len() - length..]);
            emit(Piece::Beginning, length, hash_characters(first), first);
            emit(Piece::End, length, hash_characters(last), last);
        }
    }
}

/// Which part of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Beginning,
    End,
    Inside,
}

/// The characters of a piece for people to read.
pub(crate) fn readable(piece: &[char]) -> String {
    let mark = |c: &char| match *c {
        OPEN => '<',
        CLOSE => '>',
        other => other,
    };
    piece.iter().map(mark).collect()
}

/// The first characters of a text, at most so many.
pub(crate) fn prefix(text: &str, length: usize) -> &str {
    text.char_indices().nth(length.min(AFFIXES)).map_or(text, |(byte, _)| &text[..byte])
}

/// The last characters of a text, at most so many and at least one.
pub(crate) fn suffix(text: &str, length: usize) -> &str {
    let back = length.clamp(1, AFFIXES) - 1;
    text.char_indices().rev().nth(back).map_or(text, |(byte, _)| &text[byte..])
}

/// Letters, digits and others as `x`, `X`, `d` and themselves, repetitions of all
/// but digits cut to two.
pub(crate) fn shape(text: &str) -> Vec<char> {
    let (mut last, mut times) = ('\0', 0);
    let mut shape = Vec::new();
    for c in text.chars().take(64) {
        let class = match c {
            _ if c.is_numeric() => 'd',
            _ if c.is_uppercase() => 'X',
            _ if c.is_alphabetic() => 'x',
            _ => c,
        };
        times = if class == last { times + 1 } else { 1 };
        last = class;
        if times <= 2 || class == 'd' {
            shape.push(class);
        }
    }
    shape
}

/// Where hashes begin.
pub(crate) const START: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, c: char) -> u64 {
    mix(hash, u64::from(u32::from(c)))
}

fn hash_characters(characters: &[char]) -> u64 {
    characters.iter().fold(START, |hash, &c| step(hash, c))
}

/// Hash of a text.
pub(crate) fn hash_text(text: &str) -> u64 {
    text.chars().fold(START, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        let mut words = Words::default();
        text.split(' ').for_each(|word| words.push(word));
        words
    }

    #[test]
    fn words_that_differ_in_case_only_hash_alike() {
        let words = words("Raha rAHA raha É é");
        assert_eq!(words.hash(0), words.hash(1));
        assert_ne!(words.shape(0), words.shape(1));
        assert_eq!(words.hash(3), words.hash(4));
        assert_eq!(words.text(0), "raha");
    }

    #[test]
    fn pieces_and_affixes_are_what_they_say() {
        let words = words("Kota a");
        let mut pieces = Vec::new();
        words.pieces(0, |_, _, _, piece| pieces.push(readable(piece)));
        assert_eq!(pieces, ["<k", "a>", "<ko", "ta>", "<kot", "ota>", "<kota", "kota>", "kot", "ota", "kota"]);
        let mut affixes = Vec::new();
        words.affixes(1, |_, _, _, piece| affixes.push(readable(piece)));
        assert_eq!(affixes, ["a", "a"]);
        assert_eq!(words.digits_alike(0), None);
    }

    #[test]
    fn shapes_and_affixes_of_texts() {
        assert_eq!(shape("KTP-el123").iter().collect::<String>(), "XX-xxddd");
        assert_eq!((suffix("é", 2), suffix("baca", 3), prefix("baca", 2), prefix("", 2)), ("é", "aca", "ba", ""));
    }

    #[test]
    fn hashes_keep_orders_and_lengths_apart() {
        let texts = ["ab", "ba", "a", "aa", "aaa", "", "b"];
        for (at, a) in texts.iter().enumerate() {
            assert!(texts[..at].iter().all(|b| hash_text(a) != hash_text(b)), "{a}");
        }
    }
}
