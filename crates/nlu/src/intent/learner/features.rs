//! Terms as numbers: which a training knew, how rare each is, and a message as a
//! sparse vector. Words, pieces of words and patterns are blocks of length one
//! each, so that none drowns the others.

use super::terms::{Terms, terms};
use crate::LoadError;
use crate::message::Message;
use crate::sections::{SectionReader, SectionWriter};
use sapa_learn::KeyTable;
use sapa_learn::math;
use sapa_learn::parallel::for_each_chunk;
use sapa_learn::sparse::SparseRow;
use serde::{Deserialize, Serialize};

/// From so many examples on, terms that one alone has are left out: they double
/// the model and tell nothing any more.
const MANY: usize = 40_000;

/// A message as numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// Known terms and their weights, columns ascending.
    pub entries: SparseRow,
    /// How much of the message training knew: 0, nothing, to 1, every term. A term
    /// weighs as rare as it is.
    pub familiar: f32,
}

/// The terms of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
struct Block {
    index: KeyTable,
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
    pub fn learn(messages: &[&Message], flags: Vec<Flags>, threads: usize) -> (Self, Vec<Row>) {
        let mut all: Vec<Terms> = vec![Terms::default(); messages.len()];
        for_each_chunk(&mut all, 64, threads, |number, part| {
            part.iter_mut().zip(&messages[number * 64..]).for_each(|(out, message)| *out = terms(&message.wording()));
        });
        let (n, least) = (all.len(), if all.len() < MANY { 1 } else { 2 });
        let words = frequent(&all, |terms| &terms.words, least);
        let pieces = frequent(&all, |terms| &terms.pieces, least);
        let features = Self { words: Block::new(words, n), pieces: Block::new(pieces, n), flags };
        let mut rows: Vec<Row> = vec![Row::default(); messages.len()];
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

    /// A message as a row.
    pub fn row(&self, message: &Message) -> Row {
        self.row_of(&terms(&message.wording()), message)
    }

    /// The column of a term.
    pub fn column(&self, key: u64) -> Option<u32> {
        let pieces = || Some(self.words.index.len() as u32 + self.pieces.index.id(key)?);
        self.words.index.id(key).or_else(pieces)
    }

    /// The featurizer that a column comes from, and the column there.
    pub fn flag(&self, column: u32) -> Option<(usize, u32)> {
        let mut first = (self.words.index.len() + self.pieces.index.len()) as u32;
        for flags in &self.flags {
            if column >= first && column - first < flags.columns as u32 {
                return Some((flags.block, column - first));
            }
            first += flags.columns as u32;
        }
        None
    }

    fn row_of(&self, terms: &Terms, message: &Message) -> Row {
        let mut row = SparseRow::with_capacity(terms.words.len() + terms.pieces.len());
        let words = self.words.push(&terms.words, 0, &mut row);
        let pieces = self.pieces.push(&terms.pieces, self.words.index.len() as u32, &mut row);
        let mut first = (self.words.index.len() + self.pieces.index.len()) as u32;
        for flags in &self.flags {
            let from = row.len();
            let set = message.blocks.get(flags.block).into_iter().flatten();
            row.extend(set.map(|(column, value)| (first + column, *value)));
            to_length_one(&mut row[from..]);
            first += flags.columns as u32;
        }
        Row { entries: row, familiar: 0.5 * (words + pieces) }
    }

    /// A learnt row as it would be if nobody had written the terms that `known`
    /// denies.
    pub fn without_unknown(&self, row: &[(u32, f32)], known: impl Fn(u32) -> bool) -> Row {
        let words = self.words.index.len() as u32;
        let pieces = words + self.pieces.index.len() as u32;
        let mut entries: SparseRow = row.iter().copied().filter(|(column, _)| known(*column)).collect();
        let (first, second) = (entries.partition_point(|e| e.0 < words), entries.partition_point(|e| e.0 < pieces));
        // The learnt blocks had length one: what is left is the familiar share.
        let familiar = to_length_one(&mut entries[..first]) + to_length_one(&mut entries[first..second]);
        Row { entries, familiar: 0.5 * familiar.min(2.0) }
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
            let index = KeyTable::from_bytes(keys).ok_or_else(|| reader.malformed(name))?;
            let rarity = reader.floats(&format!("{name}.rarity"), index.len())?;
            let unseen = reader.floats(&format!("{name}.unseen"), 1)?[0];
            Ok(Block { index, rarity, unseen })
        };
        Ok(Self { words: block("words")?, pieces: block("pieces")?, flags: reader.json("flags")? })
    }
}

impl Block {
    /// Terms in ascending order with the number of messages that have each, of so
    /// many messages.
    fn new(terms: Vec<(u64, usize)>, messages: usize) -> Self {
        let n = messages as f64 + 1.0;
        let rarity = |count: usize| (math::ln(n / (count as f64 + 1.0)) + 1.0) as f32;
        Self {
            rarity: terms.iter().map(|(_, count)| rarity(*count)).collect(),
            index: KeyTable::new(&terms.iter().map(|(key, _)| *key).collect::<Vec<_>>()),
            unseen: rarity(0),
        }
    }

    /// Appends the known terms, weighted and of length one, columns from `first`,
    /// and returns their share among all.
    fn push(&self, terms: &[u64], first: u32, row: &mut SparseRow) -> f32 {
        let mut ids: Vec<u32> = terms.iter().filter_map(|key| self.index.id(*key)).collect();
        ids.sort_unstable();
        let from = row.len();
        row.extend(ids.chunk_by(|a, b| a == b).map(|same| {
            let often = if same.len() > 1 { 1.0 + math::lnf(same.len() as f32) } else { 1.0 };
            (first + same[0], often * self.rarity[same[0] as usize])
        }));
        let strange = (terms.len() - ids.len()) as f32 * self.unseen * self.unseen;
        let known = to_length_one(&mut row[from..]);
        if known + strange > 0.0 { known / (known + strange) } else { 0.0 }
    }
}

/// The keys that at least so many messages have, with their number.
fn frequent(all: &[Terms], of: impl Fn(&Terms) -> &[u64], least: usize) -> Vec<(u64, usize)> {
    let mut keys: Vec<u64> = Vec::new();
    let mut distinct = Vec::new();
    for terms in all {
        distinct.clear();
        distinct.extend_from_slice(of(terms));
        distinct.sort_unstable();
        distinct.dedup();
        keys.extend_from_slice(&distinct);
    }
    keys.sort_unstable();
    let groups = keys.chunk_by(|a, b| a == b).filter(|same| same.len() >= least);
    groups.map(|same| (same[0], same.len())).collect()
}

/// Scales entries to length one and returns the square of the length before.
fn to_length_one(row: &mut [(u32, f32)]) -> f32 {
    let squares: f32 = row.iter().map(|(_, value)| value * value).sum();
    if squares > 0.0 {
        let scale = 1.0 / squares.sqrt();
        row.iter_mut().for_each(|(_, value)| *value *= scale);
    }
    squares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt() -> (Features, Vec<Row>) {
        let messages = ["jam berapa buka", "jam layanan", "alamat kantor"].map(Message::new);
        Features::learn(&messages.iter().collect::<Vec<_>>(), Vec::new(), 2)
    }

    #[test]
    fn blocks_have_length_one_and_rare_terms_weigh_more() {
        let (features, rows) = learnt();
        for row in &rows {
            let length: f32 = row.entries.iter().map(|(_, value)| value * value).sum();
            assert!((length - 2.0).abs() < 1e-5, "two blocks: {length}");
            assert!(row.entries.is_sorted_by(|a, b| a.0 < b.0) && row.familiar == 1.0);
        }
        let row = features.row(&Message::new("jam layanan"));
        assert_eq!(row, rows[1]);
        let words = features.words.index.len() as u32;
        let word = |name| features.words.index.id(terms(name).words[0]);
        let value = |id| row.entries.iter().find(|(column, _)| Some(*column) == id && *column < words).map(|e| e.1);
        assert!(value(word("layanan")) > value(word("jam")));
    }

    #[test]
    fn unknown_terms_are_left_out_and_make_a_message_strange() {
        let (features, rows) = learnt();
        assert_eq!(features.row(&Message::new("xyz 123 😀")), Row::default());
        let half = features.row(&Message::new("jam layanan xyz qwq"));
        assert!(half.familiar > 0.2 && half.familiar < 0.6, "{}", half.familiar);
        let (first, value) = rows[0].entries[0];
        let row = features.without_unknown(&rows[0].entries, |column| column != first);
        assert_eq!(row.entries.len(), rows[0].entries.len() - 1);
        assert!((row.familiar - (1.0 - 0.5 * value * value)).abs() < 1e-5);
    }
}
