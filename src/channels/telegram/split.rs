//! Cutting a text that is too long for one message.

/// Longest text of a message, UTF-16 units (Bot API, `sendMessage`).
pub(super) const MOST_UNITS: usize = 4096;

/// Parts of at most `most` UTF-16 units, cut where it hurts least: at a line's
/// end, a sentence's, a word's, at last between characters, but not within what
/// is shown as one.
pub(super) fn split(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while let Some(end) = overflow(rest, most) {
        let (part, more) = rest.split_at(cut(&rest[..end], rest));
        parts.push(part.trim_end());
        rest = more.trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Where the text exceeds the limit, in bytes; `None` when it fits.
fn overflow(text: &str, most: usize) -> Option<usize> {
    let mut units = 0;
    text.char_indices().find_map(|(at, c)| {
        units += c.len_utf16();
        (units > most).then_some(at)
    })
}

/// Where to cut within `window`, a beginning of `text`; never at 0.
fn cut(window: &str, text: &str) -> usize {
    let half = window.len() / 2;
    let after = |mark: &str| window.rfind(mark).map(|at| at + mark.len()).filter(|at| *at > half);
    ["\n\n", "\n", ". ", "? ", "! ", " "]
        .iter()
        .find_map(|mark| after(mark))
        .unwrap_or_else(|| between_characters(window, text))
}

/// The end of the window, moved back so that nothing shown as one character is
/// torn apart: marks and joiners belong to what stands before them.
fn between_characters(window: &str, text: &str) -> usize {
    let mut at = window.len();
    for _ in 0..16 {
        let before = text[..at].chars().next_back();
        let next = text[at..].chars().next();
        let belongs = next.is_some_and(joins) || before == Some('\u{200d}');
        let Some(before) = before.filter(|_| belongs && at > 0) else { break };
        at -= before.len_utf8();
    }
    if at == 0 { window.len() } else { at }
}

fn joins(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{300}'..='\u{36f}' | '\u{20e3}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(text: &str) -> usize {
        text.encode_utf16().count()
    }

    #[test]
    fn it_cuts_at_lines_then_sentences_then_words() {
        assert_eq!(split("satu dua\ntiga", 10), ["satu dua", "tiga"]);
        assert_eq!(split("Satu. Dua tiga empat", 12), ["Satu. Dua", "tiga empat"]);
        assert_eq!(split("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(split("  ", 4), Vec::<&str>::new());
    }

    #[test]
    fn an_emoji_is_not_torn_apart() {
        assert_eq!(split("aaa👍🏽", 6), ["aaa", "👍🏽"]);
        assert_eq!(split("aaaa👩‍💻", 7), ["aaaa", "👩‍💻"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_everything_fits(text in "\\PC{0,200}", most in 8_usize..40) {
            let parts = split(&text, most);
            prop_assert!(parts.iter().all(|part| units(part) <= most && !part.is_empty()));
            let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeeze(&parts.concat()), squeeze(&text));
        }
    }
}
