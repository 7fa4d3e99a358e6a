//! Literate dialogue tests: Markdown with fenced blocks of what is said.
//!
//! ````text
//! ```dialogue
//! sender: demo          (optional: a conversation id of that name)
//! # a comment
//! > what the user types
//! < what the bot says; … stands for any text
//!   a further line of it
//! < /a regular expression/
//! [Title] [Of] [Buttons]
//! ```
//! ````
//!
//! After each `>` the `<` lines name all messages of the bot's turn in order.
//! White space is collapsed before comparing.

use regex::Regex;
use sapa_sdk::BotMessage;
use serde_json::Value;

/// One conversation of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    /// Line of its opening fence, from 1.
    pub line: usize,
    /// Conversation id it asks for.
    pub sender: Option<String>,
    /// Its turns.
    pub turns: Vec<Turn>,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Line of the user's text, from 1.
    pub line: usize,
    /// What the user types.
    pub user: String,
    /// What the bot is to say.
    pub expected: Vec<Expected>,
}

/// One expected message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its line, from 1.
    pub line: usize,
    /// Text as written, without `<`.
    pub text: String,
    /// Titles of its buttons; `None`: not looked at.
    pub buttons: Option<Vec<String>>,
}

/// A line that is no part of the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LiterateError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Reads the dialogues of a Markdown file: those that can be read, and for each
/// that cannot the first line that fits no form, or its beginning when it is
/// not closed.
pub fn parse(markdown: &str) -> (Vec<Dialogue>, Vec<LiterateError>) {
    let (mut dialogues, mut errors) = (Vec::new(), Vec::new());
    let mut open: Option<Block> = None;
    for (index, line) in markdown.lines().enumerate() {
        let number = index + 1;
        if line.trim() == "```dialogue" {
            errors.extend(open.take().map(Block::not_closed));
            open = Some(Block::new(number));
        } else if line.trim() == "```" {
            match open.take().map(|block| block.read) {
                Some(Ok(dialogue)) => dialogues.push(dialogue),
                Some(Err(error)) => errors.push(error),
                None => {}
            }
        } else if let Some(Block { read, .. }) = &mut open
            && let Ok(dialogue) = read
            && let Err(error) = read_line(dialogue, line, number)
        {
            *read = Err(error);
        }
    }
    errors.extend(open.map(Block::not_closed));
    (dialogues, errors)
}

/// A block that is being read.
struct Block {
    line: usize,
    read: Result<Dialogue, LiterateError>,
}

impl Block {
    fn new(line: usize) -> Self {
        Self { line, read: Ok(Dialogue { line, sender: None, turns: Vec::new() }) }
    }

    /// What is wrong: the line that fits no form, if there is one.
    fn not_closed(self) -> LiterateError {
        let not_closed =
            LiterateError { line: self.line, what: "this block is not closed; end it with ```".to_owned() };
        self.read.err().unwrap_or(not_closed)
    }
}

fn read_line(dialogue: &mut Dialogue, line: &str, number: usize) -> Result<(), LiterateError> {
    let wrong = |what: &str| LiterateError { line: number, what: what.to_owned() };
    if line.trim().is_empty() || line.starts_with('#') {
        return Ok(());
    }
    if let Some(user) = line.strip_prefix('>') {
        dialogue.turns.push(Turn { line: number, user: user.trim().to_owned(), expected: Vec::new() });
        return Ok(());
    }
    if let Some(sender) = line.strip_prefix("sender:").filter(|_| dialogue.turns.is_empty()) {
        dialogue.sender = Some(sender.trim().to_owned());
        return Ok(());
    }
    let turn = dialogue.turns.last_mut().ok_or_else(|| wrong("a `>` line must come first"))?;
    if let Some(text) = line.strip_prefix('<') {
        turn.expected.push(Expected { line: number, text: text.trim().to_owned(), buttons: None });
        return Ok(());
    }
    let message = turn.expected.last_mut().ok_or_else(|| wrong("a `<` line must come first"))?;
    if line.starts_with('[') {
        let inner = line.trim().trim_start_matches('[').trim_end_matches(']');
        message.buttons = Some(inner.split("] [").map(|title| title.trim().to_owned()).collect());
    } else if line.starts_with("  ") {
        message.text = format!("{} {}", message.text, line.trim());
    } else {
        return Err(wrong(
            "expected `> user`, `< bot`, `[Button] [Button]`, a line continued by two spaces, or `# comment`",
        ));
    }
    Ok(())
}

/// Compares a turn's messages with what is expected; each difference is one
/// line.
pub fn compare(turn: &Turn, said: &[BotMessage]) -> Vec<String> {
    let mut differences = Vec::new();
    for (index, expected) in turn.expected.iter().enumerate() {
        match said.get(index) {
            None => differences
                .push(format!("line {}: expected `{}`, but the bot said nothing more", expected.line, expected.text)),
            Some(message) => differences.extend(compare_message(expected, message)),
        }
    }
    for message in said.iter().skip(turn.expected.len()) {
        let text = collapse(message.text.as_deref().unwrap_or_default());
        differences.push(format!("line {}: the bot said more: `{text}`", turn.line));
    }
    differences
}

fn compare_message(expected: &Expected, message: &BotMessage) -> Vec<String> {
    let mut differences = Vec::new();
    let said = collapse(message.text.as_deref().unwrap_or_default());
    match pattern(&expected.text) {
        Ok(pattern) if pattern.is_match(&said) => {}
        Ok(_) => {
            differences.push(format!("line {}: expected `{}`, the bot said `{said}`", expected.line, expected.text))
        }
        Err(error) => differences.push(format!("line {}: not a regular expression: {error}", expected.line)),
    }
    if let Some(titles) = &expected.buttons {
        let shown: Vec<String> = message
            .data
            .buttons
            .as_array()
            .into_iter()
            .flatten()
            .map(|b| b.get("title").and_then(Value::as_str).unwrap_or_default().to_owned())
            .collect();
        if *titles != shown {
            differences
                .push(format!("line {}: expected the buttons {titles:?}, the bot showed {shown:?}", expected.line));
        }
    }
    differences
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `/…/` is a regular expression; in any other text `…` stands for anything.
fn pattern(text: &str) -> Result<Regex, regex::Error> {
    if let Some(inner) = text.strip_prefix('/').and_then(|t| t.strip_suffix('/')).filter(|t| !t.is_empty()) {
        return Regex::new(inner);
    }
    let parts: Vec<String> = collapse(text).split('…').map(regex::escape).collect();
    Regex::new(&format!("(?s)^{}$", parts.join(".*")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> BotMessage {
        BotMessage { text: Some(text.to_owned()), ..BotMessage::default() }
    }

    #[test]
    fn a_block_is_read_with_its_continuations_and_buttons() {
        let read =
            parse("# T\n```dialogue\nsender: a\n> hai\n< Halo … bantu?\n  Silakan.\n[Ya] [Tidak, terima kasih]\n```\n")
                .0;
        assert_eq!(read[0].sender.as_deref(), Some("a"));
        assert_eq!(read[0].turns[0].expected[0].text, "Halo … bantu? Silakan.");
        assert_eq!(read[0].turns[0].expected[0].buttons, Some(vec!["Ya".into(), "Tidak, terima kasih".into()]));
    }

    #[test]
    fn texts_compare_exactly_but_for_the_ellipsis() {
        let dialogue = parse("```dialogue\n> a\n< Halo … bantu?\n< /HD-\\d+/\n```").0;
        let turn = &dialogue[0].turns[0];
        assert!(compare(turn, &[said("Halo Bu,\nada yang bisa kami bantu?"), said("Nomor HD-12")]).is_empty());
        assert_eq!(compare(turn, &[said("Halo bantu"), said("HD-x")]).len(), 2);
        assert_eq!(compare(turn, &[said("Halo a bantu?")]).len(), 1);
        assert_eq!(compare(turn, &[said("Halo a bantu?"), said("HD-1"), said("more")]).len(), 1);
    }

    #[test]
    fn a_block_that_cannot_be_read_is_named_once_and_the_others_are_read() {
        let text = "```dialogue\nhalo\nhalo\n```\n```dialogue\n> a\n```dialogue\n> b\n```\n```dialogue\n> c\n";
        let (read, errors) = parse(text);
        let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
        assert_eq!((read.len(), lines), (1, vec![2, 5, 10]));
        assert_eq!(read[0].turns[0].user, "b");
    }
}
