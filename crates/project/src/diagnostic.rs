//! A finding about a project, as pure data: collected, sorted, rendered at the
//! edge, never printed by the check that made it.

use crate::Span;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Training goes on; fatal with `--fail-on-validation-warnings`.
    Warning,
    /// Worth knowing.
    Note,
}

/// A place a finding speaks of.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Where.
    pub span: Span,
    /// What is there; may be empty.
    pub label: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Stable code, `E0101`, `W0203`, `N0301`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence: what is wrong.
    pub message: String,
    /// The place, and the other one when two disagree. The first is primary.
    pub annotations: Vec<Annotation>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { code, severity, message: message.into(), annotations: Vec::new(), help: None }
    }

    /// A finding that stops training.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    /// A finding that does not stop training.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    /// Something worth knowing.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, message)
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.annotations.push(Annotation { span, label: label.into() });
        self
    }

    /// Adds the cure.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
