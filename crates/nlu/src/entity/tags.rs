//! Tag sequences and entities (spec §2.5): alignment with tokens, joining of
//! tokens.
//!
//! `BILOU_flag` asks for labels that tell neighbouring entities of one name
//! apart. Begin and inside labels do that; last and unit labels say nothing more
//! about the entities and spread the examples of an entity over twice as many
//! labels, which costs accuracy (docs/entities.md).

use crate::message::Token;
use sapa_learn::Transitions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The first token of an entity, and the others.
const BEGIN: usize = 0;
const INSIDE: usize = 1;

/// How entities are written as one label a token. Label 0 is "no entity".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TagScheme {
    /// Begin and inside labels for each name (`BILOU_flag`), or one label a name.
    pub bilou: bool,
    /// Names, sorted.
    pub names: Vec<String>,
}

impl TagScheme {
    fn parts(&self) -> usize {
        if self.bilou { 2 } else { 1 }
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

    /// A network's output columns whose sum is each label's score: one for "no
    /// entity", one for each name, one for each part. So what is learnt of a
    /// name's first tokens serves its other tokens.
    pub fn columns(&self) -> Vec<[u32; 2]> {
        let column = |label: usize| match self.split(label) {
            None => [0, 0],
            Some((name, _)) if !self.bilou => [1 + name as u32; 2],
            Some((name, part)) => [1 + name as u32, (1 + self.names.len() + part) as u32],
        };
        (0..self.labels()).map(column).collect()
    }

    /// The share of all labels of this label's name in a token's marginals.
    pub fn confidence(&self, label: usize, marginals: &[(u32, f32)]) -> f64 {
        let name = self.split(label).map(|(name, _)| name);
        let same = marginals.iter().filter(|(other, _)| self.split(*other as usize).map(|(name, _)| name) == name);
        same.map(|(_, probability)| f64::from(*probability)).sum::<f64>().min(1.0)
    }

    /// Labels of tokens given for each the number of its annotation and the
    /// annotation's name. Unknown names give no entity.
    pub fn encode(&self, covers: &[Option<(usize, &str)>]) -> Vec<u32> {
        let label = |at: usize| {
            let (number, name) = covers[at]?;
            let name = self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
            let before = at.checked_sub(1).and_then(|before| covers[before]);
            let goes_on = before.is_some_and(|(other, _)| other == number);
            let part = if self.bilou && goes_on { INSIDE } else { BEGIN };
            Some(1 + name * self.parts() + part)
        };
        (0..covers.len()).map(|at| label(at).unwrap_or(0) as u32).collect()
    }

    /// Which labels may follow which: sequences come out consistent and need no
    /// repair.
    pub fn transitions(&self) -> Transitions {
        if !self.bilou {
            return Transitions::all(self.labels());
        }
        let split = |label: Option<usize>| label.and_then(|label| self.split(label));
        Transitions::only(self.labels(), |from, to| match split(to) {
            Some((name, INSIDE)) => split(from).is_some_and(|(before, _)| before == name),
            _ => true,
        })
    }

    /// Groups tokens of a text into entities: `(first token, one past the last)`.
    /// One begins at a begin label, at a change of name, and behind a gap that
    /// `split` does not bridge.
    pub fn spans(&self, labels: &[u32], text: &str, tokens: &[Token], split: &SplitByComma) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        let mut previous: Option<usize> = None;
        for (at, (&label, token)) in labels.iter().zip(tokens).enumerate() {
            let current = self.split(label as usize);
            if let Some((name, part)) = current {
                let before = at.checked_sub(1).and_then(|before| tokens.get(before));
                let gap = before.and_then(|before| text.get(before.to..token.from)).unwrap_or_default();
                let goes_on = previous == Some(name) && part == INSIDE;
                let joined = goes_on && split.joins(&self.names[name], gap, self.bilou);
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
    /// Whether tokens with this between them belong together: blanks never
    /// separate, commas do unless told otherwise. Any other punctuation does
    /// where labels cannot tell neighbours apart (`told_apart` false); where they
    /// can, they have said that the entity goes on: "st. louis", "1 - 2". (Rasa
    /// goes by the number of characters, and splits these; spec §2.5.)
    pub fn joins(&self, name: &str, gap: &str, told_apart: bool) -> bool {
        let splits = self.by_name.get(name).copied().unwrap_or(self.default);
        let has_comma = gap.contains([',', ';', '、', '，', '،']);
        gap.trim().is_empty() || !splits || (told_apart && !has_comma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(bilou: bool) -> TagScheme {
        TagScheme { bilou, names: vec!["city".into(), "date".into()] }
    }

    const ALWAYS: SplitByComma = SplitByComma { default: true, by_name: BTreeMap::new() };

    /// Entities of a text by its labels; tokens are runs of letters.
    fn found(bilou: bool, labels: &[u32], text: &str, split: &SplitByComma) -> Vec<String> {
        let mut tokens: Vec<Token> = Vec::new();
        for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            let end = at + c.len_utf8();
            match tokens.last_mut() {
                Some(token) if token.to == at => token.to = end,
                _ => tokens.push(Token { from: at, to: end, start: at, end }),
            }
        }
        let spans = scheme(bilou).spans(labels, text, &tokens, split);
        spans.iter().map(|&(first, end)| text[tokens[first].from..tokens[end - 1].to].to_owned()).collect()
    }

    #[test]
    fn begin_labels_tell_neighbouring_entities_apart() {
        let covers = [Some((0, "city")), Some((0, "city")), Some((1, "city")), None, Some((2, "x"))];
        let labels = scheme(true).encode(&covers);
        assert_eq!(labels, [1, 2, 1, 0, 0]);
        assert_eq!(found(true, &labels, "bau bau raha ke sana", &ALWAYS), ["bau bau", "raha"]);
        assert_eq!(scheme(false).encode(&covers), [1, 1, 1, 0, 0]);
    }

    #[test]
    fn plain_tags_join_neighbours_of_one_name() {
        assert_eq!(found(false, &[1, 1, 2, 0], "bau bau besok pagi", &ALWAYS), ["bau bau", "besok"]);
        assert_eq!(found(false, &[1, 1], "raha. kendari", &ALWAYS), ["raha", "kendari"]);
    }

    #[test]
    fn a_comma_separates_unless_told_otherwise() {
        let by_name = BTreeMap::from([("date".to_owned(), false)]);
        let split = SplitByComma { default: true, by_name };
        for bilou in [false, true] {
            let (city, date) = if bilou { ([1, 2], [3, 4]) } else { ([1, 1], [2, 2]) };
            assert_eq!(found(bilou, &city, "raha, kendari", &split), ["raha", "kendari"]);
            assert_eq!(found(bilou, &date, "senin, selasa", &split), ["senin, selasa"]);
        }
    }

    #[test]
    fn blanks_never_separate_and_a_full_stop_only_plain_tags() {
        assert_eq!(found(true, &[1, 2], "bau \t    bau", &ALWAYS), ["bau \t    bau"]);
        assert_eq!(found(true, &[1, 2], "st. louis", &ALWAYS), ["st. louis"]);
        assert_eq!(found(false, &[1, 1], "bau    bau", &ALWAYS), ["bau    bau"]);
    }

    #[test]
    fn the_confidence_of_a_name_sums_its_parts() {
        let marginals = [(0, 0.1), (1, 0.2), (2, 0.3), (4, 0.4)];
        assert!((scheme(true).confidence(2, &marginals) - 0.5).abs() < 1e-6);
        assert!((scheme(true).confidence(0, &marginals) - 0.1).abs() < 1e-6);
        assert_eq!(scheme(true).labels(), 5);
        assert_eq!(scheme(true).name(4), Some("date"));
        assert_eq!(scheme(true).name(5), None);
    }

    #[test]
    fn a_label_is_the_sum_of_its_name_and_its_part() {
        assert_eq!(scheme(true).columns(), [[0, 0], [1, 3], [1, 4], [2, 3], [2, 4]]);
        assert_eq!(scheme(false).columns(), [[0, 0], [1, 1], [2, 2]]);
    }
}
