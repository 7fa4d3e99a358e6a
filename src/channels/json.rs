//! JSON as chat services and clients send it. A text may hold half of a surrogate
//! pair (somebody cut an emoji in two); strict readers refuse all of it for that,
//! and what a service delivers again would come again for ever.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Reads JSON; halves of surrogate pairs become U+FFFD.
///
/// # Errors
/// It is no JSON, or of another shape.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| match whole(bytes) {
        Cow::Owned(mended) => serde_json::from_slice(&mended),
        Cow::Borrowed(_) => Err(error),
    })
}

/// The text with each escape `\uD800`-`\uDFFF` that has no other half replaced.
fn whole(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(bytes);
    let mut at = 0;
    while at < bytes.len() {
        let length = match unit(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                mended.to_mut()[at + 2..at + 6].copy_from_slice(b"fffd");
                6
            }
            Some(_) => 6,
            // An escaped backslash begins no escape.
            None if bytes[at] == b'\\' => 2,
            None => 1,
        };
        at += length;
    }
    mended
}

/// The UTF-16 unit of an escape that begins there.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn half_an_emoji_spoils_nothing_else() {
        let read = |text: &str| super::read::<Value>(text.as_bytes()).map(|value| value.to_string());
        assert_eq!(read(r#"["a \ud83d b"]"#).unwrap(), "[\"a \u{fffd} b\"]");
        assert_eq!(read(r#"["\ude00\ud83d\ude00\ud83d"]"#).unwrap(), "[\"\u{fffd}😀\u{fffd}\"]");
        assert_eq!(read(r#"["\\ud83d"]"#).unwrap(), r#"["\\ud83d"]"#);
        assert!(read(r#"["\ud83d""#).is_err());
    }
}
