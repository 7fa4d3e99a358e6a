//! Positions: characters of what the YAML parser saw -> bytes of the file; and
//! the `\u` quirk, which makes the two differ.

use std::borrow::Cow;

/// The text the YAML parser reads, with the way back to the file's bytes.
pub(super) struct Decoded<'a> {
    /// What the parser reads.
    pub text: Cow<'a, str>,
    /// Byte of the file for every character, and the end; `None`: the same.
    bytes: Option<Vec<u32>>,
    /// Byte ranges of escapes that are no character.
    pub bad: Vec<(usize, usize)>,
}

impl<'a> Decoded<'a> {
    /// Prepares a file's text.
    pub fn new(text: &'a str) -> Self {
        if !text.is_ascii() {
            let bytes = text.char_indices().map(|(at, _)| offset(at)).chain([offset(text.len())]).collect();
            return Self { text: Cow::Borrowed(text), bytes: Some(bytes), bad: Vec::new() };
        }
        if text.contains("\\u") || text.contains("\\U") {
            return decode_unicode_escapes(text);
        }
        Self { text: Cow::Borrowed(text), bytes: None, bad: Vec::new() }
    }

    /// The file's byte at which that character stands.
    pub fn byte(&self, character: usize) -> usize {
        match &self.bytes {
            Some(bytes) => bytes.get(character).or(bytes.last()).map_or(0, |byte| *byte as usize),
            None => character.min(self.text.len()),
        }
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Quirk (spec §1.2): in a file that is all ASCII, `\uXXXX` and `\UXXXXXXXX`
/// are decoded everywhere, surrogate pairs included, unless the backslash is
/// itself escaped. What is not of that form stays as it is.
fn decode_unicode_escapes(text: &str) -> Decoded<'_> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = Vec::with_capacity(text.len() + 1);
    let mut bad = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (ch, used) = match rest.strip_prefix('\\') {
            Some(after) if after.starts_with('\\') => {
                out.push('\\');
                bytes.push(offset(at));
                at += 1;
                ('\\', 1)
            }
            Some(_) => match escape(rest) {
                Escape::Char(ch, used) => (ch, used),
                Escape::Bad(used) => {
                    bad.push((at, at + used));
                    (char::REPLACEMENT_CHARACTER, used)
                }
                Escape::None => ('\\', 1),
            },
            None => (rest.chars().next().unwrap_or_default(), 1),
        };
        out.push(ch);
        bytes.push(offset(at));
        at += used;
    }
    bytes.push(offset(text.len()));
    Decoded { text: Cow::Owned(out), bytes: Some(bytes), bad }
}

enum Escape {
    Char(char, usize),
    Bad(usize),
    None,
}

fn escape(rest: &str) -> Escape {
    let Some((first, used)) = code_unit(rest) else { return Escape::None };
    if (0xD800..0xDC00).contains(&first)
        && let Some((second, more)) = rest.get(used..).and_then(code_unit)
        && (0xDC00..0xE000).contains(&second)
    {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return char::from_u32(code).map_or(Escape::Bad(used + more), |ch| Escape::Char(ch, used + more));
    }
    char::from_u32(first).map_or(Escape::Bad(used), |ch| Escape::Char(ch, used))
}

/// The number of a `\uXXXX` or `\UXXXXXXXX` and its length.
fn code_unit(rest: &str) -> Option<(u32, usize)> {
    let length = match rest.as_bytes().get(..2)? {
        b"\\u" => 6,
        b"\\U" => 10,
        _ => return None,
    };
    let digits = rest.get(2..length).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok().map(|number| (number, length))
}
