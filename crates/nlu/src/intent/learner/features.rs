//! Terms as numbers: which a training knew, how rare each is, and a message as a
//! sparse vector. Words, pieces of words and patterns are blocks of length one
//! each, so that none drowns the others.

use super::terms::{Terms, terms};
use crate::LoadError;
use crate::message::Message;
use crate::sections::{SectionReader, SectionWriter};
use sapa_learn::keys::KeyIndex;
use sapa_learn::math;
use sapa_learn::parallel::for_each_chunk;
use sapa_learn::sparse::SparseRow;
use serde::{Deserialize, Serialize};

/// From so many examples on, terms that one alone has are left out: they double
/// the model and tell nothing any more.
const MANY: usize = 40_000;

/// How much a term that nobody wrote before counts towards a block's length, as
/// a share of what it would count had it been seen once. At 0 one known word
/// among ten unknown ones would speak for the whole message; the more it counts,
/// the less sure an answer to a strange message is.
const UNKNOWN: f32 = 0.5;

/// The terms of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
struct Block {
    index: KeyIndex,
    /// `ln((1 + n) / (1 + df)) + 1` of each term: n messages, df of which have it.
    rarity: Vec<f32>,
    /// The same of a term that none has.
    unseen: f32,
}

/// A block of flags that a featurizer of the pipeline made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Flags {
    /// Number of the featurizer in the pipeline.
    pub block: usize,
    /// Number of patterns.
    pub columns: usize,
}

/// What a training knew.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Features {
    words: Block,
    pieces: Block,
    flags: Vec<Flags>,
}

impl Features {
    /// Learns the terms of messages and turns each into a row.
    pub fn learn(messages: &[&Message], flags: Vec<Flags>, threads: usize) -> (Self, Vec<SparseRow>) {
        let mut all: Vec<Terms> = vec![Terms::default(); messages.len()];
        for_each_chunk(&mut all, 64, threads, |number, part| {
            part.iter_mut().zip(&messages[number * 64..]).for_each(|(out, message)| *out = terms(message.text));
        });
        let features = Self {
            words: Block::learn(all.iter().map(|terms| terms.words.as_slice())),
            pieces: Block::learn(all.iter().map(|terms| terms.pieces.as_slice())),
            flags,
        };
        let mut rows: Vec<SparseRow> = vec![SparseRow::new(); messages.len()];
        for_each_chunk(&mut rows, 64, threads, |number, part| {
            let sources = all[number * 64..].iter().zip(&messages[number * 64..]);
            part.iter_mut().zip(sources).for_each(|(row, (terms, message))| *row = features.row_of(terms, message));
        });
        (features, rows)
    }

    /// Number of columns of a row.
    pub fn columns(&self) -> usize {
        self.words.index.len() + self.pieces.index.len() + self.flags.iter().map(|flags| flags.columns).sum::<usize>()
    }

    /// A message as a row, columns ascending.
    pub fn row(&self, message: &Message) -> SparseRow {
        self.row_of(&terms(message.text), message)
    }

    fn row_of(&self, terms: &Terms, message: &Message) -> SparseRow {
        let mut row = SparseRow::with_capacity(terms.words.len() + terms.pieces.len());
        self.words.push(&terms.words, 0, &mut row);
        self.pieces.push(&terms.pieces, self.words.index.len() as u32, &mut row);
        let mut first = (self.words.index.len() + self.pieces.index.len()) as u32;
        for flags in &self.flags {
            let from = row.len();
            let set = message.blocks.get(flags.block).into_iter().flatten();
            row.extend(set.map(|(column, value)| (first + column, *value)));
            to_length_one(&mut row[from..], 0.0);
            first += flags.columns as u32;
        }
        row
    }

    /// A learnt row as it would be if nobody had written the terms that `known`
    /// denies.
    pub fn without_unknown(&self, row: &[(u32, f32)], known: impl Fn(u32) -> bool) -> SparseRow {
        let words = self.words.index.len() as u32;
        let pieces = words + self.pieces.index.len() as u32;
        let mut unknown = [0.0_f32; 2];
        let mut kept: SparseRow = Vec::with_capacity(row.len());
        for &(column, value) in row {
            match known(column) {
                true => kept.push((column, value)),
                false if column < words => unknown[0] += value * value,
                false if column < pieces => unknown[1] += value * value,
                false => {}
            }
        }
        let (first, second) = (kept.partition_point(|e| e.0 < words), kept.partition_point(|e| e.0 < pieces));
        to_length_one(&mut kept[..first], UNKNOWN * unknown[0]);
        to_length_one(&mut kept[first..second], UNKNOWN * unknown[1]);
        kept
    }

    /// Writes everything.
    pub fn save(&self, writer: &mut SectionWriter) {
        writer.json("flags", &self.flags);
        for (name, block) in [("words", &self.words), ("pieces", &self.pieces)] {
            writer.bytes(&format!("{name}.keys"), block.index.to_bytes());
            writer.floats(&format!("{name}.rarity"), &block.rarity);
            writer.floats(&format!("{name}.unseen"), &[block.unseen]);
        }
    }

    /// Reads what [`Features::save`] wrote.
    pub fn load(reader: &SectionReader) -> Result<Self, LoadError> {
        let block = |name: &str| -> Result<Block, LoadError> {
            let keys = reader.raw(&format!("{name}.keys"))?;
            let index = KeyIndex::from_bytes(keys).ok_or_else(|| reader.malformed(name))?;
            let rarity = reader.floats(&format!("{name}.rarity"), index.len())?;
            let unseen = reader.floats(&format!("{name}.unseen"), 1)?[0];
            Ok(Block { index, rarity, unseen })
        };
        Ok(Self { words: block("words")?, pieces: block("pieces")?, flags: reader.json("flags")? })
    }
}

impl Block {
    fn learn<'t>(messages: impl ExactSizeIterator<Item = &'t [u64]>) -> Self {
        let count = messages.len();
        let mut keys: Vec<u64> = Vec::new();
        for terms in messages {
            let from = keys.len();
            keys.extend_from_slice(terms);
            keys[from..].sort_unstable();
            let distinct = dedup(&mut keys[from..]);
            keys.truncate(from + distinct);
        }
        keys.sort_unstable();
        let least = if count < MANY { 1 } else { 2 };
        let n = count as f64 + 1.0;
        let frequent = keys.chunk_by(|a, b| a == b).filter(|same| same.len() >= least);
        let (kept, rarity) =
            frequent.map(|same| (same[0], (math::ln(n / (same.len() as f64 + 1.0)) + 1.0) as f32)).unzip();
        Self { index: KeyIndex::new(kept), rarity, unseen: (math::ln(n) + 1.0) as f32 }
    }

    /// Appends the known terms, weighted and of length one, columns from `first`.
    fn push(&self, terms: &[u64], first: u32, row: &mut SparseRow) {
        let mut ids: Vec<u32> = terms.iter().filter_map(|key| self.index.id(*key)).collect();
        ids.sort_unstable();
        let from = row.len();
        row.extend(ids.chunk_by(|a, b| a == b).map(|same| {
            let often = if same.len() > 1 { 1.0 + math::lnf(same.len() as f32) } else { 1.0 };
            (first + same[0], often * self.rarity[same[0] as usize])
        }));
        let strange = (terms.len() - ids.len()) as f32;
        to_length_one(&mut row[from..], UNKNOWN * strange * self.unseen * self.unseen);
    }
}

/// Moves the distinct ones of sorted keys to the front and returns their number.
fn dedup(keys: &mut [u64]) -> usize {
    let mut kept = 0;
    for at in 0..keys.len() {
        if kept == 0 || keys[at] != keys[kept - 1] {
            keys[kept] = keys[at];
            kept += 1;
        }
    }
    kept
}

/// `others`: squared length of what a message has besides.
fn to_length_one(row: &mut [(u32, f32)], others: f32) {
    let squares = row.iter().map(|(_, value)| value * value).sum::<f32>() + others;
    if squares > 0.0 {
        let scale = 1.0 / squares.sqrt();
        row.iter_mut().for_each(|(_, value)| *value *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt() -> (Features, Vec<SparseRow>) {
        let messages = ["jam berapa buka", "jam layanan", "alamat kantor"].map(Message::new);
        Features::learn(&messages.iter().collect::<Vec<_>>(), Vec::new(), 2)
    }

    #[test]
    fn blocks_have_length_one_and_rare_terms_weigh_more() {
        let (features, rows) = learnt();
        for row in &rows {
            let length: f32 = row.iter().map(|(_, value)| value * value).sum();
            assert!((length - 2.0).abs() < 1e-5, "two blocks: {length}");
            assert!(row.is_sorted_by(|a, b| a.0 < b.0));
        }
        let row = features.row(&Message::new("jam layanan"));
        assert_eq!(row, rows[1]);
        let words = features.words.index.len() as u32;
        let word = |name| features.words.index.id(terms(name).words[0]);
        let value = |id| row.iter().find(|(column, _)| Some(*column) == id && *column < words).map(|e| e.1);
        assert!(value(word("layanan")) > value(word("jam")));
    }

    #[test]
    fn unknown_terms_are_left_out_and_weaken_the_rest() {
        let (features, rows) = learnt();
        assert!(features.row(&Message::new("xyz 123 😀")).is_empty());
        let length = |row: &SparseRow| row.iter().map(|(_, value)| value * value).sum::<f32>();
        let strange = features.row(&Message::new("jam layanan xyz"));
        assert!(strange.len() < rows[1].len() && length(&strange) < 1.6, "{}", length(&strange));
        let first = rows[0][0].0;
        let row = features.without_unknown(&rows[0], |column| column != first);
        assert_eq!(row.len(), rows[0].len() - 1);
        assert!(length(&row) < 2.0 && length(&row) > 1.8);
    }
}
