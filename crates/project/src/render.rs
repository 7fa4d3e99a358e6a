//! Findings as text with source lines, and as JSON.

use crate::{Annotation, Diagnostic, FileId, Severity, Sources, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::ops::Range;

/// All findings as text: `severity[code]: message`, the source lines of every
/// place, `help:`. Never panics, whatever the spans.
pub fn render_text(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[group(diagnostic, sources)]));
        out.push_str("\n\n");
    }
    out
}

/// All findings as a JSON list: `{code, severity, message, help, places}`,
/// each place `{path, line, column, end_line, end_column, label}`, from 1,
/// columns in characters.
pub fn render_json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let place = |annotation: &Annotation| {
        let end = Span { start: annotation.span.end, ..annotation.span };
        let ((line, column), (end_line, end_column)) = (sources.line_column(annotation.span), sources.line_column(end));
        let path = sources.get(annotation.span.file).map(|source| source.path.as_str());
        json!({"path": path, "line": line, "column": column, "end_line": end_line, "end_column": end_column, "label": annotation.label})
    };
    let entry = |diagnostic: &Diagnostic| {
        let places: Vec<Value> = diagnostic.annotations.iter().map(place).collect();
        json!({
            "code": diagnostic.code,
            "severity": severity_name(diagnostic.severity),
            "message": diagnostic.message,
            "help": diagnostic.help,
            "places": places,
        })
    };
    diagnostics.iter().map(entry).collect()
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code));
    let primary = diagnostic.annotations.first().map(|annotation| annotation.span);
    let mut files: Vec<FileId> = Vec::new();
    for annotation in &diagnostic.annotations {
        if !files.contains(&annotation.span.file) {
            files.push(annotation.span.file);
        }
    }
    for file in files {
        let in_file: Vec<&Annotation> =
            diagnostic.annotations.iter().filter(|annotation| annotation.span.file == file).collect();
        if let Some(snippet) = snippet(file, &in_file, primary, sources) {
            group = group.element(snippet);
        }
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// The lines of one file from the first to the last place.
fn snippet<'a>(
    file: FileId,
    annotations: &[&'a Annotation],
    primary: Option<Span>,
    sources: &'a Sources,
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let source = sources.get(file)?;
    let text: &str = &source.text;
    let ranges: Vec<Range<usize>> = annotations.iter().map(|annotation| clamp(text, annotation.span)).collect();
    let first = ranges.iter().map(|range| range.start).min()?;
    let last = ranges.iter().map(|range| range.end).max()?;
    let (line, from) = source.line_at(first);
    let to = text.get(last..)?.find('\n').map_or(text.len(), |newline| last + newline);
    let lines = text.get(from..to)?;
    let shown = without_returns(lines);
    // Of the ends of lines, a span moves by those that stand before it.
    let moved = |at: usize| (at - from) - lines.get(..at - from).map_or(0, |before| lines_ended(before, lines));
    let mut snippet = Snippet::source(shown).line_start(line).path(source.path.as_str());
    for (annotation, range) in annotations.iter().zip(ranges) {
        let kind = if primary == Some(annotation.span) { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = Some(annotation.label.as_str()).filter(|label| !label.is_empty());
        snippet = snippet.annotation(kind.span(moved(range.start)..moved(range.end)).label(label));
    }
    Some(snippet)
}

/// Lines without the carriage returns that Windows ends them with.
fn without_returns(lines: &str) -> Cow<'_, str> {
    let lines = lines.strip_suffix('\r').unwrap_or(lines);
    if lines.contains("\r\n") { Cow::Owned(lines.replace("\r\n", "\n")) } else { Cow::Borrowed(lines) }
}

/// How many carriage returns of `before`, the beginning of `lines`, are left out.
fn lines_ended(before: &str, lines: &str) -> usize {
    let is_cut = before.ends_with('\r') && matches!(lines.as_bytes().get(before.len()), None | Some(b'\n'));
    before.matches("\r\n").count() + usize::from(is_cut)
}

/// A span inside the text, on character boundaries, at most to the end of its
/// first line: findings about a whole block show where it starts.
fn clamp(text: &str, span: Span) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    let line_end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| start + newline);
    start..end.min(line_end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add("domain.yml", text);
        sources
    }

    fn span(start: usize, end: usize) -> Span {
        Span { file: FileId(0), start, end }
    }

    #[test]
    fn text_shows_code_both_places_and_the_cure() {
        let sources = sources("intents:\n- é\n- sapa\n- sapa\n");
        let diagnostic = Diagnostic::error("E0502", "the intent `sapa` is listed twice")
            .at(span(23, 27), "again here")
            .at(span(16, 20), "first here")
            .help("remove one");
        insta::assert_snapshot!(render_text(&[diagnostic], &sources, false), @r"
        error[E0502]: the intent `sapa` is listed twice
         --> domain.yml:4:3
          |
        3 | - sapa
          |   ---- first here
        4 | - sapa
          |   ^^^^ again here
          |
          = help: remove one
        ");
    }

    #[test]
    fn odd_spans_never_panic() {
        let cases = ["", "\n", "é", "a\nb", "a: é\r\n"];
        for text in cases {
            let sources = sources(text);
            for (start, end) in [(0, 0), (0, 99), (1, 1), (1, 2), (99, 99), (5, 3), (usize::MAX, usize::MAX)] {
                let diagnostic = Diagnostic::warning("W0001", "odd")
                    .at(span(start, end), "x")
                    .at(Span { file: FileId(7), start, end }, "");
                for color in [true, false] {
                    assert!(render_text(std::slice::from_ref(&diagnostic), &sources, color).contains("odd"));
                }
                assert_eq!(render_json(std::slice::from_ref(&diagnostic), &sources)[0]["code"], "W0001");
            }
        }
    }

    #[test]
    fn ends_of_lines_as_windows_writes_them_are_not_shown() {
        let sources = sources("intents:\r\n- one\r\n- one\r\n");
        let twice =
            |last| Diagnostic::error("E0502", "twice").at(span(last - 3, last), "again").at(span(12, 15), "first");
        for last in [22, 23, 24] {
            let text = render_text(&[twice(last)], &sources, false);
            assert!(
                text.contains("2 | - one\n  |   --- first\n3 | - one\n") && !text.contains(['\r', '␍']),
                "{last}: {text}"
            );
        }
    }

    #[test]
    fn json_places_count_from_one_in_characters() {
        let sources = sources("a: 1\né: ü\n");
        let diagnostic = Diagnostic::note("N0001", "m").at(span(9, 11), "l");
        let value = render_json(&[diagnostic], &sources);
        assert_eq!(
            value[0]["places"][0].to_string(),
            r#"{"path":"domain.yml","line":2,"column":4,"end_line":2,"end_column":5,"label":"l"}"#
        );
    }
}
