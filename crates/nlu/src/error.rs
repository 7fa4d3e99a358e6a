//! What can go wrong while training and loading.

use sapa_project::{Diagnostic, Span};

/// Why a pipeline cannot be trained: a finding with its place and cure.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct TrainError(pub Box<Diagnostic>);

impl TrainError {
    /// An error at a place.
    pub(crate) fn new(code: &'static str, message: impl Into<String>, span: Span, help: &str) -> Self {
        Self(Box::new(Diagnostic::error(code, message).at(span, "").help(help)))
    }
}

/// Why stored sections are not a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// A section is absent.
    #[error("the model has no section {0}")]
    Missing(String),
    /// A section has other content than its reader expects.
    #[error("section {0} of the model is malformed")]
    Malformed(String),
    /// A component this program does not have.
    #[error("the model needs the component {0}, which this program does not have")]
    UnknownComponent(String),
}
