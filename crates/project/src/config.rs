//! `config.yml` (spec §1.7).

use crate::Span;
use sapa_sdk::JsonMap;
use std::collections::BTreeMap;

/// One entry of `pipeline` or `policies`.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentConfig {
    /// Rasa's class name, without module path.
    pub name: String,
    /// All other keys of the entry.
    pub options: JsonMap,
    /// Where the name stands.
    pub span: Span,
    /// Where the values of options stand, those that stand somewhere.
    pub option_spans: BTreeMap<String, Span>,
}

impl ComponentConfig {
    /// A component with these options that stands nowhere (a default).
    pub fn implied(name: &str, options: JsonMap) -> Self {
        Self { name: name.to_owned(), options, span: Span::default(), option_spans: BTreeMap::new() }
    }

    /// Where an option's value stands, else where the component does.
    pub fn option_span(&self, key: &str) -> Span {
        self.option_spans.get(key).copied().unwrap_or(self.span)
    }
}

/// The configuration of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `default.v1`.
    pub recipe: Option<String>,
    /// Stamped into every event.
    pub assistant_id: Option<String>,
    /// ISO 639-1 code.
    pub language: Option<String>,
    /// NLU components in order; Rasa's defaults when the file gives none.
    pub pipeline: Vec<ComponentConfig>,
    /// Whether `pipeline` of the file has entries that are not in `pipeline` here.
    pub has_unknown_components: bool,
    /// Whether `pipeline` was filled with the defaults.
    pub pipeline_is_default: bool,
    /// Policies in order; Rasa's defaults when the file gives none.
    pub policies: Vec<ComponentConfig>,
    /// Whether `policies` was filled with the defaults.
    pub policies_is_default: bool,
}
