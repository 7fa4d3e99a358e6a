//! A set of 64-bit keys and their numbers: hashes of features, where the text of
//! the feature is not needed. A look-up allocates nothing and mostly reads one
//! cache line.

/// A set of distinct keys that only grows; a key's id is its place.
#[derive(Clone, Debug)]
pub struct KeyTable {
    keys: Vec<u64>,
    /// Key id + 1, or 0 for a free slot; a power of two, at most half full.
    table: Vec<u32>,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl PartialEq for KeyTable {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys
    }
}

impl KeyTable {
    /// Numbers the keys in the order given; a repeated key keeps its first
    /// number.
    pub fn new(keys: &[u64]) -> Self {
        let slots = (keys.len() * 2).max(16).next_power_of_two();
        let mut table = Self { keys: Vec::with_capacity(keys.len()), table: vec![0; slots] };
        keys.iter().for_each(|&key| {
            table.insert(key);
        });
        table
    }

    /// The number of a key, the next free one if it is new.
    pub fn insert(&mut self, key: u64) -> u32 {
        if (self.keys.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        match self.find(key) {
            Ok(id) => id,
            Err(slot) => {
                self.keys.push(key);
                self.table[slot] = self.keys.len() as u32;
                self.keys.len() as u32 - 1
            }
        }
    }

    fn grow(&mut self) {
        self.table = vec![0; self.table.len() * 2];
        for id in 0..self.keys.len() {
            if let Err(slot) = self.find(self.keys[id]) {
                self.table[slot] = id as u32 + 1;
            }
        }
    }

    /// The key's id, or the free slot where it would go.
    fn find(&self, key: u64) -> Result<u32, usize> {
        let mask = self.table.len() - 1;
        // Keys are hashes already; their upper half serves as well as any.
        let mut slot = (key ^ (key >> 32)) as usize & mask;
        loop {
            match self.table[slot] {
                0 => return Err(slot),
                id if self.keys[id as usize - 1] == key => return Ok(id - 1),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// The id of a key.
    pub fn id(&self, key: u64) -> Option<u32> {
        self.find(key).ok()
    }

    /// All keys by id.
    pub fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn keys_keep_their_first_number_and_are_all_found_again() {
        let mut rng = Rng::new(1);
        let keys: Vec<u64> = (0..5000).map(|_| rng.next_u64()).collect();
        let mut table = KeyTable::default();
        keys.iter().chain(&keys).for_each(|&key| {
            table.insert(key);
        });
        assert_eq!((table.keys(), table.len()), (keys.as_slice(), 5000));
        assert!(keys.iter().enumerate().all(|(id, &key)| table.id(key) == Some(id as u32)));
        assert_eq!(table.id(3), None);
        assert_eq!(KeyTable::new(&keys), table);
        assert!(KeyTable::default().is_empty());
    }
}
