//! States and windows of states by their hash: as good as their text for telling
//! whether two are the same, and of one size.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::StateView;

/// The first 128 bits of a SHA-256 (FIPS 180-4); 32 hexadecimal digits as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    /// Of a state, by Rasa's dictionary of it (spec §3.3).
    pub fn of_state(view: &StateView<'_>) -> Self {
        Self::of(&serde_json::to_vec(view).unwrap_or_default())
    }

    fn of(bytes: &[u8]) -> Self {
        let mut digest = Self::default();
        for (byte, hashed) in digest.0.iter_mut().zip(Sha256::digest(bytes)) {
            *byte = hashed;
        }
        digest
    }
}

/// Of a window of states, oldest first.
pub fn window_digest(states: &[Digest]) -> Digest {
    let bytes: Vec<u8> = states.iter().flat_map(|state| state.0).collect();
    Digest::of(&bytes)
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        let mut text = String::with_capacity(32);
        for byte in digest.0 {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not 32 hexadecimal digits";
        if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let number = u128::from_str_radix(&text, 16).map_err(|_| WRONG)?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[test]
    fn a_digest_survives_the_round_trip_and_tells_windows_apart() {
        let empty = Digest::of_state(&StateView::from(&State::default()));
        let (one, two) = (window_digest(&[empty]), window_digest(&[empty, empty]));
        assert!(one != two && one != empty);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), one);
        for broken in ["\"\"", "\"+0000000000000000000000000000000\"", "7"] {
            assert!(serde_json::from_str::<Digest>(broken).is_err(), "{broken}");
        }
    }
}
