//! Lookup tables: many literal texts, looked for at once.
//!
//! A table means `\b(?:first|second|…)\b`, and is matched as a regular expression
//! would be: leftmost, and of several elements that match at one place the one
//! that comes first in the data. But hundreds of thousands of words are no
//! business of a regular expression's engine. Here they are sorted; at each place
//! where a match could begin, one character of the text after the other narrows
//! down which of them are left.

use std::borrow::Cow;
use std::ops::Range;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// Literal texts in a form to be looked for. Its own size is about the texts'
/// bytes and eight for each.
#[derive(Clone, Debug)]
pub(crate) struct Literals {
    case_sensitive: bool,
    word_boundaries: bool,
    /// The elements as they are compared, sorted, without anything in between.
    bytes: Vec<u8>,
    /// Where each of them begins in `bytes`, and the end of the last.
    starts: Vec<u32>,
    /// Their places in the data.
    places: Vec<u32>,
    /// Number of elements that begin with a smaller byte, for each byte and 256.
    smaller: Vec<u32>,
}

impl Literals {
    /// The elements that are not empty; `None` when there are none.
    ///
    /// # Errors
    /// They are longer than 4 GiB in all.
    pub fn new(elements: &[String], case_sensitive: bool, word_boundaries: bool) -> Result<Option<Self>, String> {
        let total: usize = elements.iter().map(|element| 2 * element.len()).sum();
        if u32::try_from(total.max(elements.len())).is_err() {
            return Err("it is too large".to_owned());
        }
        let compared = elements.iter().map(|element| comparable(element, case_sensitive).0);
        let mut sorted: Vec<(Cow<'_, str>, u32)> =
            compared.zip(0..).filter(|(element, _)| !element.is_empty()).collect();
        sorted.sort_unstable();
        // Of equal ones the first in the data is left.
        sorted.dedup_by(|next, first| next.0 == first.0);
        if sorted.is_empty() {
            return Ok(None);
        }
        let mut smaller = vec![0; 257];
        let mut bytes = Vec::with_capacity(sorted.iter().map(|(element, _)| element.len()).sum());
        let mut starts = Vec::with_capacity(sorted.len() + 1);
        for (element, _) in &sorted {
            let first = element.as_bytes().first().copied().unwrap_or_default();
            smaller[usize::from(first) + 1] += 1;
            starts.push(bytes.len() as u32);
            bytes.extend_from_slice(element.as_bytes());
        }
        starts.push(bytes.len() as u32);
        for byte in 1..smaller.len() {
            smaller[byte] += smaller[byte - 1];
        }
        let places = sorted.iter().map(|(_, place)| *place).collect();
        Ok(Some(Self { case_sensitive, word_boundaries, bytes, starts, places, smaller }))
    }

    /// Bytes of all non-overlapping matches.
    pub fn find_all(&self, text: &str) -> Vec<(usize, usize)> {
        let (compared, offsets) = comparable(text, self.case_sensitive);
        // Byte of the text that a byte of what is compared stands for.
        let original = |at: usize| offsets.get(at).map_or(at, |offset| *offset as usize);
        let may_bound = |at: usize| !self.word_boundaries || is_word_boundary(text, original(at));
        let (mut found, mut end) = (Vec::new(), 0);
        for (at, _) in compared.char_indices() {
            if at < end || !may_bound(at) {
                continue;
            }
            if let Some(length) = self.length_at(&compared.as_bytes()[at..], |length| may_bound(at + length)) {
                end = at + length;
                found.push((original(at), original(end)));
            }
        }
        found
    }

    /// Whether one of them occurs.
    pub fn is_match(&self, text: &str) -> bool {
        !self.find_all(text).is_empty()
    }

    /// Length of the element that the text begins with, the first in the data of
    /// those that may end where they do.
    fn length_at(&self, text: &[u8], may_end: impl Fn(usize) -> bool) -> Option<usize> {
        let first = usize::from(*text.first()?);
        let mut left = self.smaller[first] as usize..self.smaller[first + 1] as usize;
        let mut best: Option<(u32, usize)> = None;
        // All that are left begin with these first bytes of the text.
        let mut depth = 1;
        while !left.is_empty() {
            // Sorted, the one that ends here is the first of them.
            if self.element(left.start).len() == depth {
                let place = self.places[left.start];
                if best.is_none_or(|(known, _)| place < known) && may_end(depth) {
                    best = Some((place, depth));
                }
                left.start += 1;
            }
            let Some(next) = text.get(depth) else { break };
            left = self.narrow(left, depth, *next);
            depth += 1;
        }
        best.map(|(_, length)| length)
    }

    fn element(&self, number: usize) -> &[u8] {
        &self.bytes[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    /// Of elements that are longer than `depth` and equal up to there, those with
    /// this byte there.
    fn narrow(&self, left: Range<usize>, depth: usize, byte: u8) -> Range<usize> {
        let behind = |goes_before: &dyn Fn(u8) -> bool| {
            let (mut low, mut high) = (left.start, left.end);
            while low < high {
                let middle = low + (high - low) / 2;
                if goes_before(self.element(middle)[depth]) { low = middle + 1 } else { high = middle }
            }
            low
        };
        behind(&|other| other < byte)..behind(&|other| other <= byte)
    }
}

/// A text as it is compared, and where each of its bytes comes from, if not from
/// the same place (the last entry is the text's end).
fn comparable(text: &str, case_sensitive: bool) -> (Cow<'_, str>, Vec<u32>) {
    if case_sensitive {
        return (Cow::Borrowed(text), Vec::new());
    }
    if text.is_ascii() {
        return (Cow::Owned(text.to_ascii_lowercase()), Vec::new());
    }
    let mut folded = String::with_capacity(text.len());
    let mut offsets = Vec::with_capacity(text.len() + 1);
    for (at, character) in text.char_indices() {
        folded.push(fold(character));
        offsets.resize(folded.len(), at as u32);
    }
    offsets.push(text.len() as u32);
    (Cow::Owned(folded), offsets)
}

/// One character for all that Unicode's simple case folding takes for the same,
/// as regular expressions do.
fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
    if class.try_case_fold_simple().is_err() {
        return character;
    }
    class.ranges().first().map_or(character, |range| range.start().to_ascii_lowercase())
}

/// `\b`: a word's character on one side only.
fn is_word_boundary(text: &str, at: usize) -> bool {
    let is_word = |character: Option<char>| {
        character.is_some_and(|c| regex_syntax::try_is_word_character(c).unwrap_or_else(|_| c.is_alphanumeric()))
    };
    let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default());
    is_word(before.chars().next_back()) != is_word(behind.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapa_learn::Rng;

    fn words(rng: &mut Rng, most: usize) -> String {
        const LETTERS: [&str; 14] = ["a", "b", "A", "k", "\u{212a}", "ß", "ſ", "s", "σ", "ς", "é", " ", "+", "-"];
        (0..rng.below(most + 1)).map(|_| LETTERS[rng.below(LETTERS.len())]).collect()
    }

    #[test]
    fn a_table_matches_as_its_regular_expression_does() {
        let mut rng = Rng::new(7);
        let mut matches = 0;
        for _ in 0..2_000 {
            let elements: Vec<String> = (0..rng.below(7)).map(|_| words(&mut rng, 4)).collect();
            let text = words(&mut rng, 14);
            for (case_sensitive, bounds) in [(true, true), (true, false), (false, true), (false, false)] {
                let escaped: Vec<String> =
                    elements.iter().filter(|e| !e.is_empty()).map(|e| regex::escape(e)).collect();
                let Some(table) = Literals::new(&elements, case_sensitive, bounds).unwrap() else {
                    assert!(escaped.is_empty());
                    continue;
                };
                let source = if bounds { format!(r"\b(?:{})\b", escaped.join("|")) } else { escaped.join("|") };
                let regex = regex::RegexBuilder::new(&source).case_insensitive(!case_sensitive).build().unwrap();
                let expected: Vec<_> = regex.find_iter(&text).map(|found| (found.start(), found.end())).collect();
                assert_eq!(table.find_all(&text), expected, "{elements:?} in {text:?}, {case_sensitive} {bounds}");
                matches += expected.len();
            }
        }
        assert!(matches > 1_000, "{matches}");
    }

    #[test]
    fn a_large_table_is_built_and_searched_at_once() {
        let elements: Vec<String> = (0..200_000).map(|n| format!("Desa Nomor {n}")).collect();
        let begun = std::time::Instant::now();
        let table = Literals::new(&elements, false, true).unwrap().unwrap();
        assert_eq!(table.find_all("saya tinggal di desa nomor 19999 sekarang"), [(16, 32)]);
        assert!(table.find_all("desa nomor 200000").is_empty());
        // Compiling the expression takes tens of seconds.
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
