//! Terms and their numbers: one arena of text and an open-addressing table, so
//! that a look-up allocates nothing and loading needs no string per term.

/// A set of distinct terms that only grows; a term's id is its place.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    arena: String,
    ends: Vec<u32>,
    /// Term id + 1, or 0 for a free slot; a power of two, at most half full.
    table: Vec<u32>,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self::new(std::iter::empty::<&str>())
    }
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        self.arena == other.arena && self.ends == other.ends
    }
}

impl Vocabulary {
    /// Numbers the terms in the order given; a repeated term keeps its first
    /// number. Terms beyond 4 GiB of text are left out.
    pub fn new<S: AsRef<str>>(terms: impl IntoIterator<Item = S>) -> Self {
        let terms = terms.into_iter();
        // Filled at once, the table never has to grow.
        let slots = (terms.size_hint().0 * 2).clamp(16, 1 << 24).next_power_of_two();
        let mut vocabulary = Self { arena: String::new(), ends: Vec::new(), table: vec![0; slots] };
        for term in terms {
            vocabulary.insert(term.as_ref());
        }
        vocabulary
    }

    /// The number of a term, the next free one if it is new; `None` beyond 4 GiB
    /// of text.
    pub fn insert(&mut self, term: &str) -> Option<u32> {
        if self.arena.len() + term.len() > u32::MAX as usize {
            return self.id(term);
        }
        if (self.ends.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let slot = match self.find(term) {
            Ok(id) => return Some(id),
            Err(slot) => slot,
        };
        self.arena.push_str(term);
        self.ends.push(self.arena.len() as u32);
        self.table[slot] = self.ends.len() as u32;
        Some(self.ends.len() as u32 - 1)
    }

    fn grow(&mut self) {
        self.table = vec![0; self.table.len() * 2];
        for id in 0..self.ends.len() {
            let free = self.find(self.term_at(id));
            if let Err(slot) = free {
                self.table[slot] = id as u32 + 1;
            }
        }
    }

    /// The term's id, or the free slot where it would go.
    fn find(&self, term: &str) -> Result<u32, usize> {
        let mask = self.table.len() - 1;
        let mut slot = hash(term.as_bytes()) as usize & mask;
        loop {
            match self.table[slot] {
                0 => return Err(slot),
                id if self.term_at(id as usize - 1) == term => return Ok(id - 1),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn term_at(&self, id: usize) -> &str {
        let start = if id == 0 { 0 } else { self.ends[id - 1] as usize };
        &self.arena[start..self.ends[id] as usize]
    }

    /// The id of a term.
    pub fn id(&self, term: &str) -> Option<u32> {
        self.find(term).ok()
    }

    /// The term of an id.
    pub fn term(&self, id: u32) -> Option<&str> {
        ((id as usize) < self.ends.len()).then(|| self.term_at(id as usize))
    }

    /// Number of terms.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All terms by id.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|id| self.term_at(id))
    }
}

/// Eight bytes at a time, multiply and rotate: short keys, no attacker gains
/// anything (the table is fixed once trained).
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = bytes.len() as u64;
    for word in words {
        state = (state.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
    }
    let mut last = [0_u8; 8];
    last[..rest.len()].copy_from_slice(rest);
    state = (state.rotate_left(23) ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR);
    state ^ (state >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_keep_their_first_number() {
        let vocabulary = Vocabulary::new(["b", "a", "b", ""]);
        assert_eq!(vocabulary.len(), 3);
        assert_eq!(vocabulary.id("b"), Some(0));
        assert_eq!(vocabulary.id("a"), Some(1));
        assert_eq!(vocabulary.id(""), Some(2));
        assert_eq!(vocabulary.id("c"), None);
        assert_eq!(vocabulary.term(1), Some("a"));
        assert_eq!(vocabulary.term(3), None);
        assert_eq!(vocabulary.iter().collect::<Vec<_>>(), ["b", "a", ""]);
    }

    #[test]
    fn many_terms_are_all_found_again() {
        let terms: Vec<String> = (0..5000).map(|i| format!("term-{i}")).collect();
        let vocabulary = Vocabulary::new(&terms);
        assert!(terms.iter().enumerate().all(|(i, term)| vocabulary.id(term) == Some(i as u32)));
        assert_eq!(vocabulary.id("term-5000"), None);
    }
}
