//! Bounds on what comes from outside, shared by everything that takes it in.

use serde_json::Value;

/// Deepest JSON that is taken in as a value (metadata, entity values, events,
/// action answers). Stored and posted, it is wrapped a few levels deeper, and
/// readers of JSON stop at 128.
pub const MOST_DEPTH: usize = 64;

/// Longest message in characters: twice Telegram's 4096.
pub const MOST_MESSAGE_CHARS: usize = 8_192;

/// Whether a value nests at most [`MOST_DEPTH`] levels.
pub fn is_shallow(value: &Value) -> bool {
    fn fits(value: &Value, left: usize) -> bool {
        match value {
            Value::Array(list) => left > 0 && list.iter().all(|item| fits(item, left - 1)),
            Value::Object(map) => left > 0 && map.values().all(|item| fits(item, left - 1)),
            _ => true,
        }
    }
    fits(value, MOST_DEPTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_exact() {
        let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(is_shallow(&nested(MOST_DEPTH)));
        assert!(!is_shallow(&nested(MOST_DEPTH + 1)));
    }
}
