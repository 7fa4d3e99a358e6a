//! Tag sequences and entities (spec §2.5): plain tags or BILOU, alignment with
//! tokens, joining of tokens.

use crate::message::Token;
use sapa_learn::Transitions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Parts of an entity of several tokens, and the tag of one of a single token.
const BEGIN: usize = 0;
const INSIDE: usize = 1;
const LAST: usize = 2;
const UNIT: usize = 3;

/// How entities are written as one label a token. Label 0 is "no entity".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TagScheme {
    /// Begin, inside, last and unit labels for each name, or one label a name.
    pub bilou: bool,
    /// Names, sorted.
    pub names: Vec<String>,
}

impl TagScheme {
    fn parts(&self) -> usize {
        if self.bilou { 4 } else { 1 }
    }

    /// Number of labels.
    pub fn labels(&self) -> usize {
        1 + self.names.len() * self.parts()
    }

    /// Number of the name and the part of a label; `None` for "no entity".
    fn split(&self, label: usize) -> Option<(usize, usize)> {
        let label = label.checked_sub(1)?;
        let (name, part) = (label / self.parts(), label % self.parts());
        (name < self.names.len()).then_some((name, if self.bilou { part } else { INSIDE }))
    }

    /// The name of a label.
    pub fn name(&self, label: usize) -> Option<&str> {
        self.split(label).map(|(name, _)| self.names[name].as_str())
    }

    /// The share of all labels of this label's name in a token's marginals.
    pub fn confidence(&self, label: usize, marginals: &[f32]) -> f64 {
        let labels = match self.split(label) {
            Some((name, _)) => 1 + name * self.parts()..1 + (name + 1) * self.parts(),
            None => 0..1,
        };
        marginals.get(labels).unwrap_or_default().iter().map(|m| f64::from(*m)).sum::<f64>().min(1.0)
    }

    /// Labels of tokens given for each the number of its annotation and the
    /// annotation's name. Unknown names give no entity.
    pub fn encode(&self, covers: &[Option<(usize, &str)>]) -> Vec<u32> {
        let same = |a: usize, b: Option<usize>| {
            b.and_then(|b| covers.get(b)).copied().flatten().map(|(number, _)| number) == covers[a].map(|(n, _)| n)
        };
        let label = |at: usize| {
            let (_, name) = covers[at]?;
            let name = self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
            let part = match (same(at, at.checked_sub(1)), same(at, Some(at + 1))) {
                _ if !self.bilou => 0,
                (false, true) => BEGIN,
                (true, true) => INSIDE,
                (true, false) => LAST,
                (false, false) => UNIT,
            };
            Some(1 + name * self.parts() + part)
        };
        (0..covers.len()).map(|at| label(at).unwrap_or(0) as u32).collect()
    }

    /// Which labels may follow which: BILOU sequences come out consistent and
    /// need no repair.
    pub fn transitions(&self) -> Transitions {
        if !self.bilou {
            return Transitions::all(self.labels());
        }
        let open = |label: Option<usize>| {
            label
                .and_then(|label| self.split(label))
                .filter(|(_, part)| matches!(*part, BEGIN | INSIDE))
                .map(|(n, _)| n)
        };
        let continues = |label: Option<usize>| {
            label.and_then(|label| self.split(label)).filter(|(_, part)| matches!(*part, INSIDE | LAST)).map(|(n, _)| n)
        };
        Transitions::only(self.labels(), |from, to| open(from) == continues(to))
    }

    /// Groups tokens into entities: `(first token, one past the last)`. One
    /// begins at a begin or unit label, at a change of name, and behind a gap
    /// that `joins(name, characters)` refuses.
    pub fn spans(&self, labels: &[u32], tokens: &[Token], joins: impl Fn(&str, usize) -> bool) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        let mut previous: Option<usize> = None;
        for (at, (&label, token)) in labels.iter().zip(tokens).enumerate() {
            let current = self.split(label as usize);
            if let Some((name, part)) = current {
                let gap = at
                    .checked_sub(1)
                    .and_then(|before| tokens.get(before))
                    .map_or(0, |before| token.start - before.end);
                let joined = previous == Some(name) && matches!(part, INSIDE | LAST) && joins(&self.names[name], gap);
                match spans.last_mut() {
                    Some(span) if joined => span.1 = at + 1,
                    _ => spans.push((at, at + 1)),
                }
            }
            previous = current.map(|(name, _)| name);
        }
        spans
    }
}

/// Whether a comma separates entities, for all or by name
/// (`split_entities_by_comma`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SplitByComma {
    /// For names not listed.
    pub default: bool,
    /// By entity name.
    pub by_name: BTreeMap<String, bool>,
}

impl SplitByComma {
    /// Whether tokens with that many characters between them belong together:
    /// up to one always, up to three unless commas separate (spec §2.5).
    pub fn joins(&self, name: &str, gap: usize) -> bool {
        gap <= 1 || (gap <= 3 && !self.by_name.get(name).copied().unwrap_or(self.default))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(bilou: bool) -> TagScheme {
        TagScheme { bilou, names: vec!["city".into(), "date".into()] }
    }

    fn tokens(spans: &[(usize, usize)]) -> Vec<Token> {
        spans.iter().map(|&(start, end)| Token { from: start, to: end, start, end }).collect()
    }

    #[test]
    fn bilou_labels_tell_neighbouring_entities_apart() {
        let covers = [Some((0, "city")), Some((0, "city")), Some((1, "city")), None, Some((2, "x"))];
        let labels = scheme(true).encode(&covers);
        assert_eq!(labels, [1, 3, 4, 0, 0]);
        let places = tokens(&[(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]);
        assert_eq!(scheme(true).spans(&labels, &places, |_, gap| gap <= 1), [(0, 2), (2, 3)]);
        assert_eq!(scheme(false).encode(&covers), [1, 1, 1, 0, 0]);
    }

    #[test]
    fn plain_tags_join_neighbours_of_one_name() {
        let places = tokens(&[(0, 1), (2, 3), (4, 5), (6, 7)]);
        assert_eq!(scheme(false).spans(&[1, 1, 2, 0], &places, |_, gap| gap <= 1), [(0, 2), (2, 3)]);
    }

    #[test]
    fn a_comma_separates_unless_told_otherwise() {
        let places = tokens(&[(0, 4), (6, 9)]);
        let by_name = BTreeMap::from([("date".to_owned(), false)]);
        let split = SplitByComma { default: true, by_name };
        assert_eq!(scheme(false).spans(&[1, 1], &places, |name, gap| split.joins(name, gap)), [(0, 1), (1, 2)]);
        assert_eq!(scheme(false).spans(&[2, 2], &places, |name, gap| split.joins(name, gap)), [(0, 2)]);
        assert!(!split.joins("date", 4));
    }

    #[test]
    fn the_confidence_of_a_name_sums_its_parts() {
        let marginals = [0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
        assert!((scheme(true).confidence(2, &marginals) - 0.5).abs() < 1e-6);
        assert!((scheme(true).confidence(0, &marginals) - 0.1).abs() < 1e-6);
        assert_eq!(scheme(true).labels(), 9);
        assert_eq!(scheme(true).name(8), Some("date"));
        assert_eq!(scheme(true).name(9), None);
    }
}
