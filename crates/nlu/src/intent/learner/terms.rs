//! What a text consists of, for telling intents apart: words, neighbouring words,
//! and pieces of words, which forgive spelling and inflection (`char_wb` of Rasa's
//! CountVectorsFeaturizer). Each is a 64-bit key.

use crate::tokenizer::{LONG_NUMBER, is_word};
use sapa_learn::keys::mix;
use unicode_normalization::UnicodeNormalization;

/// Lengths of pieces of words, the blanks around a word included.
const SHORTEST: usize = 2;
const LONGEST: usize = 4;

/// Characters that are looked at: what a longer text says further down does not
/// change what it is about.
const MOST_CHARACTERS: usize = 1 << 15;

/// Says which kind of term a key is, so that the word `ab` is not the piece `ab`.
#[derive(Clone, Copy)]
enum Kind {
    Word = 1,
    Neighbours = 2,
    Piece = 3,
}

/// Keys that stand before the first and behind the last word.
const EDGES: [u64; 2] = [11, 13];

/// The terms of a text, in its order, repeated as often as they occur.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Terms {
    /// Words and pairs of neighbours.
    pub words: Vec<u64>,
    /// Pieces of words.
    pub pieces: Vec<u64>,
}

/// Cuts a text.
pub(super) fn terms(text: &str) -> Terms {
    let mut characters = normalised(text);
    blank_long_numbers(&mut characters);
    let mut terms = Terms::default();
    let mut words = vec![EDGES[0]];
    let mut padded = Vec::new();
    for word in characters.split(|c| !is_word(*c)).filter(|word| !word.is_empty()) {
        words.push(number_or_word(word).iter().fold(7, |key, c| mix(key, u64::from(*c))));
        padded.clear();
        padded.push(' ');
        padded.extend_from_slice(word);
        padded.push(' ');
        push_pieces(&padded, &mut terms.pieces);
    }
    if words.len() > 1 {
        words.push(EDGES[1]);
        push_words(&words, &mut terms);
    }
    terms
}

/// What people may call the terms of a text, in the order of [`terms`]: words,
/// pairs, pieces.
pub(super) fn named_terms(text: &str) -> Vec<String> {
    let mut characters = normalised(text);
    blank_long_numbers(&mut characters);
    let written: Vec<&[char]> = characters.split(|c| !is_word(*c)).filter(|word| !word.is_empty()).collect();
    let words: Vec<String> = written.iter().copied().map(number_or_word).map(String::from_iter).collect();
    let mut names: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let edge = "·".to_owned();
    let with_edges: Vec<&String> = std::iter::once(&edge).chain(&words).chain([&edge]).collect();
    if !words.is_empty() {
        names.extend(with_edges.windows(2).map(|pair| format!("`{} {}`", pair[0], pair[1])));
    }
    for word in written {
        let padded: Vec<char> = ['·'].into_iter().chain(word.iter().copied()).chain(['·']).collect();
        for from in 0..padded.len() {
            let longest = LONGEST.min(padded.len() - from);
            let pieces = (SHORTEST..=longest).map(|length| String::from_iter(&padded[from..from + length]));
            names.extend(pieces.map(|piece| format!("…{piece}…")));
        }
    }
    names
}

/// Compatibility forms (NFKC) in lower case.
fn normalised(text: &str) -> Vec<char> {
    if text.is_ascii() {
        return text.bytes().take(MOST_CHARACTERS).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    }
    text.nfkc().flat_map(char::to_lowercase).take(MOST_CHARACTERS).collect()
}

/// Makes every digit of a long number a nought.
fn blank_long_numbers(characters: &mut [char]) {
    for number in characters.chunk_by_mut(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        if number.len() >= LONG_NUMBER && number[0].is_ascii_digit() {
            number.fill('0');
        }
    }
}

/// A word, or what stands for any short number. Only as a word: its pieces are kept, as
/// a project may know which of them it means.
fn number_or_word(word: &[char]) -> &[char] {
    if word.len() < LONG_NUMBER && word.iter().all(char::is_ascii_digit) { &['0'] } else { word }
}

fn key(kind: Kind, parts: &[u64]) -> u64 {
    let joined = parts.iter().fold(0, |key, part| mix(key, *part));
    // Twice, so that the leading bits depend on every part.
    mix(mix(joined, kind as u64), 0)
}

fn push_words(with_edges: &[u64], out: &mut Terms) {
    let words = &with_edges[1..with_edges.len() - 1];
    out.words.extend(words.iter().map(|word| key(Kind::Word, &[*word])));
    out.words.extend(with_edges.windows(2).map(|pair| key(Kind::Neighbours, pair)));
}

fn push_pieces(word: &[char], out: &mut Vec<u64>) {
    for from in 0..word.len() {
        let mut piece = 0;
        for (length, c) in word[from..].iter().take(LONGEST).enumerate() {
            piece = mix(piece, u64::from(*c));
            if length + 1 >= SHORTEST {
                out.push(mix(mix(piece, Kind::Piece as u64), length as u64));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_has_its_name() {
        for text in ["", "a", "jam buka", "jam berapa buka kantornya?", "nip 199001012020121001 é"] {
            let terms = terms(text);
            let number = terms.words.len() + terms.pieces.len();
            assert_eq!(named_terms(text).len(), number, "{text}");
        }
        let names = named_terms("jam ab");
        assert_eq!(&names[..5], ["`jam`", "`ab`", "`· jam`", "`jam ab`", "`ab ·`"]);
        assert!(names.contains(&"…·ab·…".to_owned()));
    }

    #[test]
    fn short_numbers_are_all_alike_and_long_ones_by_their_length() {
        assert_eq!(terms("nilai 5").words, terms("nilai 10").words);
        assert_ne!(terms("nip 123456"), terms("nip 1234567"));
        assert_eq!(terms("nip 123456"), terms("nip 654321"));
        assert_ne!(terms("lantai 2a"), terms("lantai 3a"), "no number by itself");
    }

    #[test]
    fn case_blanks_and_punctuation_change_nothing() {
        let plain = terms("jam berapa buka");
        assert_eq!(plain, terms("  Jam   BERAPA, buka?! "));
        // Three words, and four pairs with the edges of the text.
        assert_eq!(plain.words.len(), 7);
        assert_ne!(plain, terms("jam buka berapa"));
    }

    #[test]
    fn pieces_reach_over_the_edges_of_a_word() {
        // " ab ": ` a`, ` ab`, ` ab `, `ab`, `ab `, `b `.
        assert_eq!(terms("ab").pieces.len(), 6);
        assert_eq!(terms("ab ab").pieces.len(), 12);
        let wide = terms("\u{ff21}b");
        assert_eq!(wide, terms("ab"));
    }

    #[test]
    fn long_numbers_are_alike_when_they_are_equally_long() {
        assert_eq!(terms("nip 199001012020121001"), terms("nip 198502022010012002"));
        assert_ne!(terms("nik 7401010101900001"), terms("nik 199001012020121001"));
    }

    #[test]
    fn nothing_has_no_terms_and_much_only_so_many() {
        for text in ["", " \n", "?!", "😀😀"] {
            assert_eq!(terms(text), Terms::default(), "{text:?}");
        }
        assert!(terms(&"halo ".repeat(200_000)).pieces.len() < 4 * MOST_CHARACTERS);
    }
}
