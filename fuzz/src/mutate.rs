//! Mutation of inputs, from a seed: the same seed gives the same inputs.

use crate::corpus::DICTIONARY;

/// Longest input made.
const MOST_BYTES: usize = 16 << 10;

/// xorshift64*: not good, but enough, and the same everywhere.
pub struct Random(u64);

impl Random {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A length: short ones are likely.
    fn length(&mut self) -> usize {
        let bits = self.below(8);
        self.below(1 << bits)
    }

    /// A number below `most`, 0 if that is 0.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        if most == 0 { 0 } else { number as usize % most }
    }
}

/// One of the inputs, changed in one to eight places.
pub fn mutate(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = corpus.get(random.below(corpus.len())).cloned().unwrap_or_default();
    for _ in 0..=random.below(8) {
        change(&mut input, corpus, random);
    }
    input.truncate(MOST_BYTES);
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let part = at..(at + random.length()).min(input.len());
    match random.below(9) {
        0 => flip(input, at, random),
        1 => drop(input.drain(part)),
        2 => insert(input, at, DICTIONARY[random.below(DICTIONARY.len())].as_bytes()),
        3 => insert(input, at, &[random.below(256) as u8]),
        4 => {
            let repeated = input[part].repeat(1 + random.length());
            insert(input, at, &repeated);
        }
        5 => {
            let moved: Vec<u8> = input.drain(part).collect();
            let to = random.below(input.len() + 1);
            insert(input, to, &moved);
        }
        6 => {
            let token = DICTIONARY[random.below(DICTIONARY.len())];
            input.splice(part, token.bytes());
        }
        7 => splice(input, at, corpus, random),
        _ => line(input, random),
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if input.len() + bytes.len() <= MOST_BYTES {
        input.splice(at..at, bytes.iter().copied());
    }
}

fn flip(input: &mut [u8], at: usize, random: &mut Random) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

/// Goes on with the end of another input.
fn splice(input: &mut Vec<u8>, at: usize, corpus: &[Vec<u8>], random: &mut Random) {
    let Some(other) = corpus.get(random.below(corpus.len())) else { return };
    input.truncate(at);
    input.extend_from_slice(&other[random.below(other.len() + 1)..]);
}

/// Indents a line, takes it away, or repeats it.
fn line(input: &mut Vec<u8>, random: &mut Random) {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(input.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1))
        .collect();
    let number = random.below(starts.len());
    let range = starts[number]..starts.get(number + 1).copied().unwrap_or(input.len());
    match random.below(4) {
        0 => insert(input, range.start, b"  "),
        1 if input[range.clone()].starts_with(b"  ") => drop(input.drain(range.start..range.start + 2)),
        2 => drop(input.drain(range)),
        _ => {
            let copy = input[range.clone()].to_vec();
            insert(input, range.start, &copy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_inputs_and_others_give_others() {
        let corpus = crate::corpus::small();
        let inputs = |seed| {
            let mut random = Random::new(seed);
            (0..500).map(|_| mutate(&corpus, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(3).iter().all(|input| input.len() <= MOST_BYTES));
    }
}
