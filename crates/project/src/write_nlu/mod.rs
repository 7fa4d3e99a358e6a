//! NLU data -> text: Rasa's YAML, and its older JSON (spec §1.1, §1.4).

mod annotate;
mod json;
mod yaml;

pub use json::to_json;
pub use yaml::to_yaml;

use crate::nlu::{NluData, RegexPattern};
use crate::{Diagnostic, Span, codes};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// A written file, and what the format could not take.
#[derive(Debug, Default)]
pub struct Written {
    /// The text.
    pub text: String,
    /// How many examples it holds.
    pub examples: usize,
    /// Warnings, each at the place of what was left out.
    pub diagnostics: Vec<Diagnostic>,
}

/// Synonyms by value, both in order: what counts in the end of several
/// definitions, so that the same data is always written alike.
fn synonyms(data: &NluData) -> BTreeMap<&str, BTreeMap<&str, Span>> {
    let mut last: BTreeMap<&str, (&str, Span)> = BTreeMap::new();
    for synonym in data.synonyms.iter().filter(|synonym| synonym.text != synonym.value) {
        last.insert(&synonym.text, (&synonym.value, synonym.span));
    }
    let mut by_value: BTreeMap<&str, BTreeMap<&str, Span>> = BTreeMap::new();
    for (text, (value, span)) in last {
        by_value.entry(value).or_default().insert(text, span);
    }
    by_value
}

/// Regular expressions by name, in the order of first appearance.
fn regexes(data: &NluData) -> IndexMap<&str, Vec<&RegexPattern>> {
    let mut by_name: IndexMap<&str, Vec<&RegexPattern>> = IndexMap::new();
    for regex in &data.regexes {
        by_name.entry(&regex.name).or_default().push(regex);
    }
    by_name
}

fn left_out(what: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::warning(codes::NOT_WRITTEN, format!("{what} cannot be written in YAML: {why}"))
        .at(span, "left out")
        .help("write it in another way, or keep this file")
}
