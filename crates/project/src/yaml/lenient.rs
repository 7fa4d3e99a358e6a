//! What ruamel reads and the parser does not (spec §1.2): quoted text and lists in
//! brackets that go on less indented than their key, and emoji as two escapes in a
//! file that holds other letters than ASCII.
//!
//! The text is changed character by character, so that places stay what they are:
//! [`BREAK`] stands for a line break within quotes, [`NOTHING`] for no character.
//! [`restore`] takes both out of the value.

use saphyr_parser::ScanError;
use std::iter::Peekable;
use std::str::Chars;

const BREAK: char = '\u{1}';
const NOTHING: char = '\u{2}';
/// Characters that may be looked at again over all repairs of one file.
const MOST_WORK: usize = 200_000_000;

/// How often a text has been repaired, and what that cost.
#[derive(Default)]
pub(super) struct Repairs {
    work: usize,
}

impl Repairs {
    /// Repairs what the error complains of; `false` when it cannot. `bracket` is the
    /// outermost bracket that is open there: the number of its character.
    pub(super) fn mend(&mut self, text: &mut String, error: &ScanError, bracket: Option<usize>) -> bool {
        self.work = self.work.saturating_add(text.len());
        if self.work > MOST_WORK || text.contains([BREAK, NOTHING]) && self.work == text.len() {
            return false;
        }
        match error.info() {
            "invalid indentation in quoted scalar" => hide_breaks(text, error.marker().index()),
            "invalid indentation" | "invalid indentation in flow construct" => {
                bracket.is_some_and(|bracket| hide_flow_breaks(text, bracket))
            }
            info if info.contains("escape") => join_surrogates(text),
            _ => false,
        }
    }
}

/// Replaces the line breaks of the quoted scalar that begins at that character.
fn hide_breaks(text: &mut String, start: usize) -> bool {
    let Some((from, quote)) = text.char_indices().nth(start) else { return false };
    let mut hidden = text[..from].to_owned();
    hidden.push(quote);
    let mut rest = text[from + quote.len_utf8()..].chars().peekable();
    if copy_quoted(quote, &mut rest, &mut hidden) != Some(true) {
        return false;
    }
    hidden.extend(rest);
    *text = hidden;
    true
}

/// Makes one line of what stands in brackets, from that character on: between them
/// indentation means nothing. Comments go. `false` when the brackets are never
/// closed, or a word goes on in the next line: blanks within it would count.
fn hide_flow_breaks(text: &mut String, start: usize) -> bool {
    let Some((from, _)) = text.char_indices().nth(start) else { return false };
    let mut hidden = text[..from].to_owned();
    let mut rest = text[from..].chars().peekable();
    let (mut depth, mut changed) = (0_usize, false);
    // The last character that is no blank, and whether a line ended behind it.
    let (mut last, mut is_broken) = ('[', false);
    while let Some(character) = rest.next() {
        match character {
            ' ' | '\t' => hidden.push(character),
            '\n' | '\r' => {
                (changed, is_broken) = (true, true);
                hidden.push(' ');
            }
            '#' if hidden.ends_with([' ', '\t']) => {
                hidden.push(' ');
                while rest.next_if(|next| *next != '\n').is_some() {
                    hidden.push(' ');
                }
            }
            '"' | '\'' if "[{,:".contains(last) => {
                hidden.push(character);
                (last, is_broken) = (character, false);
                match copy_quoted(character, &mut rest, &mut hidden) {
                    Some(had_breaks) => changed |= had_breaks,
                    None => return false,
                }
            }
            _ => {
                if is_broken && !"[]{},:\"'".contains(last) && !"]},:".contains(character) {
                    return false;
                }
                match character {
                    '[' | '{' => depth += 1,
                    ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                hidden.push(character);
                (last, is_broken) = (character, false);
                if depth == 0 {
                    hidden.extend(rest);
                    *text = hidden;
                    return changed;
                }
            }
        }
    }
    false
}

/// The rest of a quoted text, its breaks hidden; whether it had any. `None` when it is
/// never closed.
fn copy_quoted(quote: char, rest: &mut Peekable<Chars<'_>>, hidden: &mut String) -> Option<bool> {
    let mut changed = false;
    while let Some(character) = rest.next() {
        match character {
            '\n' => {
                changed = true;
                hidden.push(BREAK);
            }
            '\r' => hidden.push(' '),
            '\\' if quote == '"' && matches!(rest.peek(), Some('\n' | '\r')) => {
                changed = true;
                hidden.push(NOTHING);
                while rest.next_if(|next| matches!(next, '\n' | '\r' | ' ' | '\t')).is_some() {
                    hidden.push(NOTHING);
                }
            }
            '\\' if quote == '"' => {
                hidden.push(character);
                hidden.extend(rest.next());
            }
            _ => {
                hidden.push(character);
                let is_doubled = quote == '\'' && character == quote && rest.next_if_eq(&quote).is_some();
                if is_doubled {
                    hidden.push(quote);
                } else if character == quote {
                    return Some(changed);
                }
            }
        }
    }
    None
}

/// Writes each pair of escapes `\ud83d\ude00` as one.
fn join_surrogates(text: &mut String) -> bool {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut changed = false;
    while let Some(at) = rest.find("\\u") {
        joined.push_str(&rest[..at]);
        rest = &rest[at..];
        match pair(rest) {
            Some(character) => {
                changed = true;
                joined.push(character);
                joined.extend([NOTHING; 11]);
                rest = &rest[12..];
            }
            None => {
                joined.push_str("\\u");
                rest = &rest[2..];
            }
        }
    }
    joined.push_str(rest);
    *text = joined;
    changed
}

/// The character of the two escapes that the text begins with.
fn pair(text: &str) -> Option<char> {
    let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let (high, low) = (unit(2)?, unit(8)?);
    if text.get(6..8)? != "\\u" {
        return None;
    }
    char::decode_utf16([high, low]).next()?.ok().filter(|character| *character > '\u{ffff}')
}

/// A quoted value without the stand-ins: breaks folded as YAML folds them (YAML
/// 1.2.2 §7.3.1: one becomes a space, of more one is dropped).
pub(super) fn restore(value: &str) -> Option<String> {
    if !value.contains([BREAK, NOTHING]) {
        return None;
    }
    let value = value.replace(NOTHING, "");
    let blank = [' ', '\t'];
    let mut restored = String::new();
    let mut breaks = 0;
    for (number, line) in value.split(BREAK).enumerate() {
        let line = if number == 0 { line } else { line.trim_start_matches(blank) };
        if number > 0 {
            breaks += 1;
            if line.is_empty() && value.matches(BREAK).count() > number {
                continue;
            }
            restored.truncate(restored.trim_end_matches(blank).len());
            restored.push_str(&if breaks == 1 { " ".to_owned() } else { "\n".repeat(breaks - 1) });
            breaks = 0;
        }
        restored.push_str(line);
    }
    Some(restored)
}
