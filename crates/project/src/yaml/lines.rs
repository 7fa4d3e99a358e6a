//! The lines of a text node, each with its own span where that is possible.

use super::{Node, Style};
use crate::{Sources, Span};

/// One line of a text node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<'a> {
    /// The line's text, without its end.
    pub text: &'a str,
    /// Where it stands. Exact in literal blocks (`|`); elsewhere a line of the
    /// value is no line of the file, and this is the whole node's span.
    pub span: Span,
}

impl Node {
    /// The lines of a text node; none for other nodes.
    pub fn lines<'a>(&'a self, sources: &Sources) -> Vec<Line<'a>> {
        let Some(text) = self.as_str() else { return Vec::new() };
        let source = sources.get(self.span.file).map(|source| &*source.text).filter(|_| self.style == Style::Literal);
        match source {
            Some(source) => literal_lines(self.span, text, source),
            None => text.lines().map(|text| Line { text, span: self.span }).collect(),
        }
    }
}

/// A literal block keeps its lines: the span starts at the first line that is
/// not blank, behind its indentation, and each further line of the value is
/// the file's next line without that indentation.
fn literal_lines<'a>(span: Span, text: &'a str, source: &str) -> Vec<Line<'a>> {
    let start = span.start.min(source.len());
    let line_start = source.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let indent = start - line_start;
    let blank = text.lines().take_while(|line| line.trim().is_empty()).count();
    let mut rest = source.get(line_start..).unwrap_or("").split_inclusive('\n');
    let mut at = line_start;
    let mut lines = Vec::new();
    for (number, text) in text.lines().enumerate() {
        if number < blank {
            lines.push(Line { text, span: Span { end: span.start, ..span } });
            continue;
        }
        let line = rest.next().unwrap_or("");
        let content = line.trim_end_matches(['\n', '\r']);
        let skip = content.bytes().take(indent).take_while(|byte| *byte == b' ').count();
        let line_span = Span { file: span.file, start: at + skip, end: at + content.len() };
        lines.push(Line { text, span: line_span });
        at += line.len();
    }
    lines
}
