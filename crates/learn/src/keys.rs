//! Terms by a 64-bit hash: a look-up touches two places in memory, and a model
//! stores eight bytes for a term however long it is. Two of a million terms
//! collide once in forty million models.

/// Adds to a hash. Not for keys that an attacker may choose.
pub fn mix(state: u64, value: u64) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (state.rotate_left(23) ^ value).wrapping_mul(FACTOR);
    mixed ^ (mixed >> 29)
}

/// A set of keys; a key's number is its rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyIndex {
    /// Ascending.
    keys: Vec<u64>,
    /// Where the keys with these leading bits begin: hashes are spread evenly,
    /// so that few share them.
    starts: Vec<u32>,
    shift: u32,
}

impl KeyIndex {
    /// An index of these keys, in any order, each kept once.
    pub fn new(mut keys: Vec<u64>) -> Self {
        keys.sort_unstable();
        keys.dedup();
        let bits = keys.len().next_power_of_two().trailing_zeros().clamp(1, 30);
        let shift = 64 - bits;
        let mut starts = vec![0_u32; (1 << bits) + 1];
        for key in &keys {
            starts[(key >> shift) as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { keys, starts, shift }
    }

    /// The number of a key.
    pub fn id(&self, key: u64) -> Option<u32> {
        let bucket = (key >> self.shift) as usize;
        let (from, to) = (*self.starts.get(bucket)?, *self.starts.get(bucket + 1)?);
        let among = self.keys.get(from as usize..to as usize)?;
        among.iter().position(|known| *known == key).map(|place| from + place as u32)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Little-endian bytes of the keys, ascending.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.keys.iter().flat_map(|key| key.to_le_bytes()).collect()
    }

    /// Reads what [`KeyIndex::to_bytes`] wrote; `None` if the keys do not ascend.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let keys: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let ascends = keys.windows(2).all(|pair| pair[0] < pair[1]);
        (rest.is_empty() && ascends).then(|| Self::new(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_by_rank_and_found_again() {
        let keys: Vec<u64> = (0..1000).map(|i| mix(7, i)).collect();
        let index = KeyIndex::new(keys.iter().chain(&keys).copied().collect());
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(index.len(), 1000);
        assert!(sorted.iter().enumerate().all(|(rank, key)| index.id(*key) == Some(rank as u32)));
        assert_eq!(index.id(mix(7, 1000)), None);
        assert_eq!(KeyIndex::from_bytes(&index.to_bytes()), Some(index));
    }

    #[test]
    fn an_empty_index_knows_nothing_and_disorder_is_refused() {
        assert_eq!(KeyIndex::new(Vec::new()).id(5), None);
        assert_eq!(KeyIndex::default().id(5), None);
        assert_eq!(KeyIndex::from_bytes(&[0; 16]), None);
        assert_eq!(KeyIndex::from_bytes(&[0; 7]), None);
    }
}
