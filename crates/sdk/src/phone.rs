//! Indonesian mobile numbers.

use std::fmt;

use crate::number::ascii_digit;

/// A mobile number in the form `+628…`. Prints masked: `+62•••••999`.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

/// The text is no Indonesian mobile number (`08…`, `628…` or `+628…`, 10 to 13
/// digits counted from the 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Indonesian mobile number")]
pub struct NotAPhone;

impl Phone {
    /// Reads a number typed with or without spaces, dots and dashes.
    ///
    /// # Errors
    /// It has another shape.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        let digits: String = text.chars().map(ascii_digit).filter(|c| !is_separator(*c)).collect();
        let digits = digits.strip_prefix('+').unwrap_or(&digits);
        let national = digits.strip_prefix("62").or_else(|| digits.strip_prefix('0')).ok_or(NotAPhone)?;
        let right_length = (9..=12).contains(&national.len());
        let right_start = national.starts_with('8') && national.bytes().all(|byte| byte.is_ascii_digit());
        if right_length && right_start { Ok(Self(format!("+62{national}"))) } else { Err(NotAPhone) }
    }

    /// The number in clear. Never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | '-' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{200b}'..='\u{200f}')
}

impl fmt::Display for Phone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Always five bullets: the length is nobody's business either.
        let tail = self.0.get(self.0.len().saturating_sub(3)..).unwrap_or_default();
        write!(out, "+62•••••{tail}")
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_of_writing_give_one_number() {
        for typed in
            ["081200000999", "+62 812-0000-0999", "62812 0000 0999", "0812.0000.0999", "０８１２０００００９９９"]
        {
            let phone = Phone::parse(typed).unwrap();
            assert_eq!(phone.expose(), "+6281200000999", "{typed}");
            assert_eq!(format!("{phone} {phone:?}"), "+62•••••999 +62•••••999");
        }
        for wrong in ["", "0211234567", "0812", "+1 555 0100 200", "08120000099999999", "08x200000999", "6262"] {
            assert_eq!(Phone::parse(wrong), Err(NotAPhone), "{wrong}");
        }
    }
}
