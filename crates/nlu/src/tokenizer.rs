//! WhitespaceTokenizer (spec §2.2).

use crate::message::{Message, Token};
use crate::options::Options;
use crate::pattern::Pattern;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;
use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;

/// Languages written without blanks.
const REFUSED_LANGUAGES: [&str; 3] = ["zh", "ja", "th"];

#[derive(Serialize, Deserialize)]
struct Stored {
    token_pattern: Option<String>,
}

/// From so many digits on a number is one of many of its kind (a NIP, a telephone
/// number): what counts is how long it is. Shorter ones are all alike, as Rasa's
/// CountVectorsFeaturizer has them (spec §2.3): `__NUMBER__`.
pub(crate) const LONG_NUMBER: usize = 5;

/// Splits at blanks, after punctuation around words was blanked out.
pub(crate) struct WhitespaceTokenizer {
    stored: Stored,
    pattern: Option<Pattern>,
}

pub(crate) fn train(config: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let language = context.language.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    let has_pattern = options.get("token_pattern").is_some();
    if REFUSED_LANGUAGES.contains(&language.as_str()) && !has_pattern {
        let message = format!("WhitespaceTokenizer cannot split texts of language `{language}`");
        let help = "this language does not put blanks between words: say with `token_pattern` what a token is";
        return Err(TrainError::new(sapa_project::codes::REFUSED_LANGUAGE, message, config.span, help));
    }
    let token_pattern = options.text("token_pattern")?.map(str::to_owned);
    let pattern = match &token_pattern {
        Some(source) => Some(
            Pattern::new(source, true)
                .map_err(|error| options.bad("token_pattern", &format!("a regular expression ({error})")))?,
        ),
        None => None,
    };
    Ok(Box::new(WhitespaceTokenizer { stored: Stored { token_pattern }, pattern }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    let stored: Stored = reader.json("options")?;
    let compile = |source: &String| Pattern::new(source, true).map_err(|_| reader.malformed("options"));
    let pattern = stored.token_pattern.as_ref().map(compile).transpose()?;
    Ok(Box::new(WhitespaceTokenizer { stored, pattern }))
}

impl Component for WhitespaceTokenizer {
    fn process(&self, message: &mut Message) {
        let tokens = whitespace_tokens(message);
        message.tokens = Some(match &self.pattern {
            Some(pattern) => split_by_pattern(message, &tokens, pattern),
            None => tokens,
        });
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", &self.stored);
    }
}

/// `token_pattern`: every token is split into the pattern's matches and kept
/// whole if there are none (spec §2.2).
fn split_by_pattern(message: &Message, tokens: &[Token], pattern: &Pattern) -> Vec<Token> {
    let mut split = Vec::with_capacity(tokens.len());
    for token in tokens {
        let matches = pattern.find_all(message.token_text(token));
        if matches.is_empty() {
            split.push(*token);
        }
        split.extend(matches.into_iter().map(|(from, to)| message.token(token.from + from, token.from + to)));
    }
    split
}

/// The tokens of a text; the whole text if nothing is left of it.
fn whitespace_tokens(message: &Message) -> Vec<Token> {
    if let Some(tokens) = plain_tokens(message) {
        return tokens;
    }
    tokens_by_rules(message)
}

/// The tokens by the rules of spec §2.2, whatever the text.
fn tokens_by_rules(message: &Message) -> Vec<Token> {
    let blanked = blank_punctuation(message.text);
    let mut tokens = Vec::new();
    let mut from = None;
    for (&(byte, character), blank) in blanked.characters.iter().zip(&blanked.blank) {
        if *blank || character.is_whitespace() {
            tokens.extend(from.take().map(|from| message.token(from, byte)));
        } else if from.is_none() {
            from = Some(byte);
        }
    }
    tokens.extend(from.map(|from| message.token(from, message.text.len())));
    tokens.retain(|token| !is_one_emoji(message.token_text(token)));
    if tokens.is_empty() {
        tokens.push(message.token(0, message.text.len()));
    }
    tokens
}

/// The tokens of a text of ASCII letters and blanks, which is most of what people
/// write: none of the rules has anything to replace in it.
fn plain_tokens(message: &Message) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut from = None;
    for (at, byte) in message.text.bytes().enumerate() {
        match byte {
            b' ' => tokens.extend(from.take().map(|from| message.token(from, at))),
            b'a'..=b'z' | b'A'..=b'Z' => from = from.or(Some(at)),
            _ => return None,
        }
    }
    tokens.extend(from.map(|from| message.token(from, message.text.len())));
    (!tokens.is_empty()).then_some(tokens)
}

/// Tokens that consist of one emoji are dropped (spec §2.2).
fn is_one_emoji(token: &str) -> bool {
    let mut characters = token.chars();
    let emoji = |c: char| matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{200D}' | '\u{FE0F}');
    characters.next().is_some_and(emoji) && characters.all(|c| matches!(c, '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}'))
}

/// A letter, digit, mark or underscore.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || (!c.is_ascii() && is_combining_mark(c))
}

fn is_url_character(c: char) -> bool {
    ".~:/?#[]()@!$&*+,;=-".contains(c)
}

struct Blanked {
    characters: Vec<(usize, char)>,
    blank: Vec<bool>,
}

/// The three replacement rules of spec §2.2, left to right in one pass:
/// (a) runs of other than word characters, `#@&`, before a blank or the end;
/// (b) such runs at the start of a word, before a non-digit;
/// (c) between two non-digits, runs of characters that are neither word nor URL
/// characters. Linear in the text: where runs end and what they contain is
/// looked up from the right.
fn blank_punctuation(text: &str) -> Blanked {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let length = characters.len();
    let mut blank = vec![false; length];
    let runs = Runs::new(&characters);
    let is_anchor = |at: usize| runs.anchor(at);
    let mut at = 0;
    while at < length {
        let begins_word = at == 0 || characters[at].1.is_whitespace();
        let end = last_before_blank(&runs, at)
            .or_else(|| {
                let after_blank =
                    characters[at].1.is_whitespace().then(|| last_before_text(&runs, &runs.loose, at + 1));
                after_blank
                    .flatten()
                    .or_else(|| begins_word.then(|| last_before_text(&runs, &runs.loose, at)).flatten())
            })
            .or_else(|| (at > 0 && is_anchor(at - 1)).then(|| last_before_text(&runs, &runs.strict, at)).flatten());
        match end {
            Some(end) => {
                blank[at..end].fill(true);
                at = end;
            }
            None => at += 1,
        }
    }
    Blanked { characters, blank }
}

/// What the rules ask about positions, by character number.
struct Runs {
    /// End of the run of rules (a) and (b) that contains the position.
    loose: Vec<usize>,
    /// End of the run of rule (c) that contains the position.
    strict: Vec<usize>,
    /// Last position up to this one that is a blank or the end of the text.
    last_blank: Vec<Option<usize>>,
    /// Last position up to this one that is neither digit nor blank.
    last_anchor: Vec<Option<usize>>,
}

impl Runs {
    fn new(characters: &[(usize, char)]) -> Self {
        let length = characters.len();
        let ends = |belongs: &dyn Fn(char) -> bool| {
            let mut ends: Vec<usize> = (0..=length).collect();
            for at in (0..length).rev() {
                if belongs(characters[at].1) {
                    ends[at] = ends[at + 1];
                }
            }
            ends
        };
        let lasts = |counts: &dyn Fn(Option<char>) -> bool| {
            let mut last = None;
            (0..=length)
                .map(|at| {
                    if counts(characters.get(at).map(|&(_, c)| c)) {
                        last = Some(at);
                    }
                    last
                })
                .collect()
        };
        Self {
            loose: ends(&|c| !is_word(c) && !"#@&".contains(c)),
            strict: ends(&|c| !is_word(c) && !is_url_character(c)),
            last_blank: lasts(&|c| c.is_none_or(char::is_whitespace)),
            last_anchor: lasts(&|c| c.is_some_and(|c| !c.is_ascii_digit() && !c.is_whitespace())),
        }
    }

    fn anchor(&self, at: usize) -> bool {
        self.last_anchor.get(at).copied().flatten() == Some(at)
    }
}

/// Rule (a): the largest end of a run from `at` with a blank or the end behind.
fn last_before_blank(runs: &Runs, at: usize) -> Option<usize> {
    let run_end = *runs.loose.get(at)?;
    runs.last_blank.get(run_end).copied().flatten().filter(|&end| end > at)
}

/// Rules (b), (c): the largest end of a run from `at` with a character behind
/// that is neither digit nor blank.
fn last_before_text(runs: &Runs, ends: &[usize], at: usize) -> Option<usize> {
    let run_end = *ends.get(at)?;
    runs.last_anchor.get(run_end).copied().flatten().filter(|&end| end > at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let message = Message::new(text);
        whitespace_tokens(&message).iter().map(|token| message.token_text(token).to_owned()).collect()
    }

    #[test]
    fn punctuation_around_words_goes_as_the_examples_of_the_specification_say() {
        assert_eq!(tokens("don't"), ["don", "t"]);
        assert_eq!(tokens("it."), ["it"]);
        assert_eq!(tokens("C++"), ["C"]);
        assert_eq!(tokens("5%"), ["5"]);
        assert_eq!(tokens("a|b"), ["a", "b"]);
        assert_eq!(tokens("/nosuch"), ["nosuch"]);
        assert_eq!(tokens("Halo, (apa) kabar?!  Baik..."), ["Halo", "apa", "kabar", "Baik"]);
    }

    #[test]
    fn numbers_addresses_and_links_stay_whole() {
        for text in [
            "a.b",
            "e-mail",
            "a@b.com",
            "3,5",
            "10:30",
            "+49",
            "$5",
            "-5",
            "https://x.go.id/a?b=c&d=1",
            "#tag",
            "10'000",
        ] {
            assert_eq!(tokens(text), [text]);
        }
        assert_eq!(tokens("bayar -5 atau ((-7"), ["bayar", "-5", "atau", "-7"]);
    }

    #[test]
    fn text_that_is_punctuation_emoji_or_nothing_is_one_token() {
        assert_eq!(tokens("?!"), ["?!"]);
        assert_eq!(tokens("😀"), ["😀"]);
        assert_eq!(tokens(""), [""]);
        assert_eq!(tokens("  "), ["  "]);
        assert_eq!(tokens("halo 😀 5"), ["halo", "5"]);
    }

    #[test]
    fn plain_texts_are_cut_as_the_rules_would_cut_them() {
        for text in ["lupa password", " a  bC ", "x", "Halo Pak mau tanya jam layanan"] {
            let message = Message::new(text);
            assert_eq!(plain_tokens(&message), Some(tokens_by_rules(&message)), "{text:?}");
        }
        for text in ["", "  ", "a.", "jam 5", "é", "a\tb"] {
            assert_eq!(plain_tokens(&Message::new(text)), None, "{text:?}");
        }
    }

    #[test]
    fn offsets_count_characters() {
        let message = Message::new("é, 😀kopi");
        let spans: Vec<_> = whitespace_tokens(&message).iter().map(|token| (token.start, token.end)).collect();
        assert_eq!(spans, [(0, 1), (4, 8)]);
    }

    #[test]
    fn a_token_pattern_splits_further() {
        let message = Message::new("ab12 --");
        let pattern = Pattern::new("[a-z]+|[0-9]+", true).unwrap();
        let split = split_by_pattern(&message, &whitespace_tokens(&message), &pattern);
        let texts: Vec<_> = split.iter().map(|token| message.token_text(token)).collect();
        assert_eq!(texts, ["ab", "12"]);
        let message = Message::new("?!");
        assert_eq!(split_by_pattern(&message, &whitespace_tokens(&message), &pattern).len(), 1);
    }

    #[test]
    fn a_megabyte_of_punctuation_takes_no_quadratic_time() {
        assert_eq!(tokens(&format!("a{}5", ".".repeat(1_000_000))).len(), 1);
        assert_eq!(tokens(&format!("a{}5", ".'".repeat(500_000))).len(), 500_000);
    }
}
