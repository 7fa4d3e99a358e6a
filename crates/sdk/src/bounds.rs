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

/// Most values in a JSON body that anybody may post. In memory a value takes up
/// to forty times the two bytes that it takes in a text.
pub const MOST_VALUES: usize = 10_000;

/// Whether a JSON text holds at most [`MOST_VALUES`] values, counted without
/// reading it: by the commas and opening brackets outside of its texts.
pub fn is_modest(json: &[u8]) -> bool {
    let (mut values, mut in_text, mut escaped) = (0, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b',' | b'[' | b'{') => values += 1,
            _ => {}
        }
    }
    values <= MOST_VALUES
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

    #[test]
    fn values_are_counted_outside_of_texts() {
        let list = |values: usize| format!("[{}1]", "1,".repeat(values - 1));
        // The list itself is a value, too.
        assert!(is_modest(list(MOST_VALUES - 1).as_bytes()));
        assert!(!is_modest(list(MOST_VALUES + 1).as_bytes()));
        let text = format!(r#"{{"a": "\\\"{}"}}"#, "[,{".repeat(MOST_VALUES));
        assert!(is_modest(text.as_bytes()), "{}", &text[..20]);
    }
}
