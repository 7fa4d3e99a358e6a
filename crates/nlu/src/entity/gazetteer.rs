//! Known values of entities: what lookup tables list and what training examples
//! annotate, looked up in a message word by word.
//!
//! A value of the training data is known in the very example that annotates it;
//! a tagger that saw this would trust the list and nothing else. So an example's
//! own annotations do not count for it: a value speaks only where another
//! example has it too, as it will be for new messages (leave one out).

use super::words::{START, Words, hash_text};
use sapa_learn::keys::mix;
use sapa_project::NluData;
use sapa_project::nlu::Example;
use std::collections::BTreeMap;

/// Values of more words are not looked for.
const LONGEST: usize = 8;
/// How often a value of a lookup table counts: never only in one example.
const LISTED: u32 = 1_000;

/// Known values: the hash of their words, and for each the numbers of the
/// entities it is a value of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gazetteer {
    /// Hashes, ascending, one for each pair of value and entity.
    pub keys: Vec<u64>,
    /// Entity of each.
    pub entities: Vec<u16>,
    /// How many examples have it.
    counts: Vec<u32>,
    /// Words of the longest value.
    pub longest: usize,
}

/// Where a token lies in a known value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Inside,
    Last,
    Alone,
}

impl Place {
    const ALL: [(Self, &'static str); 4] =
        [(Self::First, "first"), (Self::Inside, "inside"), (Self::Last, "last"), (Self::Alone, "whole")];

    /// For people to read.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(place, _)| *place == self).map_or("", |(_, name)| name)
    }
}

/// For each word the known values it is part of: entity and place.
pub(crate) type Mentions = Vec<Vec<(u16, Place)>>;

/// An example of the training data that is looked at itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    pub example: &'a Example,
    /// Names of the entities, sorted.
    pub names: &'a [String],
    /// Characters of its tokens.
    pub spans: &'a [(usize, usize)],
}

/// Words of an annotation: first and one past the last.
pub(crate) fn annotated(spans: &[(usize, usize)], start: usize, end: usize) -> Option<(usize, usize)> {
    let first = spans.iter().position(|span| start <= span.0 && span.1 <= end)?;
    let length = spans[first..].iter().take_while(|span| start <= span.0 && span.1 <= end).count();
    Some((first, first + length))
}

impl Gazetteer {
    /// Collects the values of the entities named (sorted); `spans` are the
    /// characters of each example's tokens.
    pub fn train(data: &NluData, names: &[String], words: &[Words], spans: &[Vec<(usize, usize)>]) -> Self {
        let mut counts: BTreeMap<(u64, u16), u32> = BTreeMap::new();
        let mut longest = 0;
        for ((example, words), spans) in data.examples.iter().zip(words).zip(spans) {
            for (key, entity, length) in values(example, names, words, spans) {
                *counts.entry((key, entity)).or_default() += 1;
                longest = longest.max(length);
            }
        }
        for lookup in &data.lookups {
            let Ok(entity) = names.binary_search(&lookup.name) else { continue };
            for element in &lookup.elements {
                let parts: Vec<u64> = element.split_whitespace().map(|word| hash_text(&word.to_lowercase())).collect();
                if (1..=LONGEST).contains(&parts.len()) {
                    longest = longest.max(parts.len());
                    counts.insert((parts.iter().fold(START, |key, &part| mix(key, part)), entity as u16), LISTED);
                }
            }
        }
        let (pairs, counts): (Vec<(u64, u16)>, Vec<u32>) = counts.into_iter().unzip();
        let (keys, entities) = pairs.into_iter().unzip();
        Self { keys, entities, counts, longest }
    }

    /// A gazetteer as it was stored; `None` if the parts do not fit.
    pub fn from_parts(keys: Vec<u64>, entities: Vec<u16>, longest: usize) -> Option<Self> {
        let fits = keys.is_sorted() && keys.len() == entities.len() && longest <= LONGEST;
        fits.then(|| Self { counts: vec![LISTED; keys.len()], keys, entities, longest })
    }

    /// Finds known values, of each entity the longest from the left. An example
    /// of the training data does not find what it alone annotates.
    pub fn mentions(&self, words: &Words, own: Option<Own>) -> Mentions {
        let mut mentions: Mentions = vec![Vec::new(); words.len()];
        if self.keys.is_empty() {
            return mentions;
        }
        let values_of = |own: Own| values(own.example, own.names, words, own.spans).collect();
        let own: Vec<(u64, u16, usize)> = own.map(values_of).unwrap_or_default();
        let mut taken: Vec<(u16, usize)> = Vec::new();
        let mut found: Vec<(usize, u16)> = Vec::new();
        for first in 0..words.len() {
            found.clear();
            let mut key = START;
            for last in first..words.len().min(first + self.longest) {
                key = mix(key, words.literal(last));
                let at = self.keys.partition_point(|known| *known < key);
                let same = self.keys[at..].iter().take_while(|known| **known == key).count();
                for (&entity, &count) in self.entities[at..at + same].iter().zip(&self.counts[at..at + same]) {
                    let owned = own.iter().filter(|value| (value.0, value.1) == (key, entity)).count();
                    if count as usize > owned {
                        found.push((last + 1, entity));
                    }
                }
            }
            // The longest first.
            for &(end, entity) in found.iter().rev() {
                if taken.iter().any(|&(other, until)| other == entity && first < until) {
                    continue;
                }
                taken.retain(|&(other, _)| other != entity);
                taken.push((entity, end));
                for (word, mentions) in mentions.iter_mut().enumerate().take(end).skip(first) {
                    let place = match (word == first, word + 1 == end) {
                        (true, true) => Place::Alone,
                        (true, false) => Place::First,
                        (false, false) => Place::Inside,
                        (false, true) => Place::Last,
                    };
                    mentions.push((entity, place));
                }
            }
        }
        mentions
    }
}

/// Values annotated in an example: hash, entity, number of words. Numbers are not
/// among them: the next one is as good (spec §2.3).
fn values<'a>(
    example: &'a Example,
    names: &'a [String],
    words: &'a Words,
    spans: &'a [(usize, usize)],
) -> impl Iterator<Item = (u64, u16, usize)> + 'a {
    example.entities.iter().filter_map(move |annotation| {
        let entity = names.binary_search(&annotation.entity).ok()?;
        let (first, end) = annotated(spans, annotation.start, annotation.end)?;
        let end = end.min(words.len());
        let length = end.checked_sub(first).filter(|length| (1..=LONGEST).contains(length))?;
        if (first..end).all(|word| words.is_number(word)) {
            return None;
        }
        Some(((first..end).fold(START, |key, word| mix(key, words.literal(word))), entity as u16, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::tests::{data, example};

    fn words(text: &str) -> (Words, Vec<(usize, usize)>) {
        let mut message = Message::new(text);
        let starts = text.split(' ').scan(0, |at, word| {
            let from = *at;
            *at += word.len() + 1;
            Some((from, from + word.len()))
        });
        message.tokens = Some(starts.map(|(from, to)| message.token(from, to)).collect());
        (Words::new(&message), message.tokens().iter().map(|token| (token.start, token.end)).collect())
    }

    #[test]
    fn an_example_does_not_know_what_it_alone_annotates() {
        let names = ["city".to_owned()];
        let mut data = data();
        data.examples =
            ["ke [Raha](city)", "dari [raha](city)", "di [Bau Bau](city)"].map(|t| example("x", t)).to_vec();
        let (all, spans): (Vec<Words>, Vec<_>) = data.examples.iter().map(|example| words(&example.text)).unzip();
        let gazetteer = Gazetteer::train(&data, &names, &all, &spans);
        let own = |at: usize| Own { example: &data.examples[at], names: &names, spans: &spans[at] };
        let found = |at: usize| gazetteer.mentions(&all[at], Some(own(at)));
        assert_eq!(found(0), [vec![], vec![(0, Place::Alone)]]);
        assert_eq!(found(2), [vec![], vec![], vec![]]);
        // A new message knows both, and what the lookup table lists.
        let known = |text: &str| gazetteer.mentions(&words(text).0, None);
        assert_eq!(known("bau bau"), [vec![(0, Place::First)], vec![(0, Place::Last)]]);
        assert_eq!(known("Kendari Tomia"), [vec![(0, Place::Alone)], vec![]]);
        let stored = Gazetteer::from_parts(gazetteer.keys.clone(), gazetteer.entities.clone(), gazetteer.longest);
        assert_eq!(stored.unwrap().mentions(&all[2], None), known("di Bau Bau"));
        assert!(Gazetteer::from_parts(vec![2, 1], vec![0, 0], 2).is_none());
    }
}
