//! Features by a 64-bit hash, where their text is not needed: a look-up allocates
//! nothing and touches two places in memory, and a model stores eight bytes for a
//! feature however long it is. Two of a million features collide once in forty
//! million models.

/// Adds to a hash. Not for keys that an attacker may choose.
pub fn mix(state: u64, value: u64) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (state.rotate_left(23) ^ value).wrapping_mul(FACTOR);
    mixed ^ (mixed >> 29)
}

/// A set of distinct keys that only grows; a key's number is its place.
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

    /// Little-endian bytes of the keys in their order.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.keys.iter().flat_map(|key| key.to_le_bytes()).collect()
    }

    /// Reads what [`KeyTable::to_bytes`] wrote; `None` if a key occurs twice or is
    /// cut off.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let keys: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let table = Self::new(&keys);
        (rest.is_empty() && table.len() == keys.len()).then_some(table)
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

    #[test]
    fn a_table_survives_its_bytes_and_doubles_are_refused() {
        let keys: Vec<u64> = (0..1000).map(|i| mix(7, i)).collect();
        let table = KeyTable::new(&keys);
        assert_eq!(table.len(), 1000);
        assert_eq!(KeyTable::from_bytes(&table.to_bytes()), Some(table));
        assert_eq!(KeyTable::from_bytes(&[0; 16]), None);
        assert_eq!(KeyTable::from_bytes(&[0; 7]), None);
    }
}
