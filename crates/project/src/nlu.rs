//! NLU training data (spec §1.4).

use crate::Span;
use sapa_sdk::JsonMap;
use serde_json::Value;

/// An annotated entity. Offsets count characters of the plain text.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityAnnotation {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// Entity name.
    pub entity: String,
    /// Role.
    pub role: Option<String>,
    /// Group.
    pub group: Option<String>,
    /// Value; the covered text when none was given.
    pub value: Value,
}

/// One example of an intent.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Full intent name: `faq/ask_name` for a retrieval intent.
    pub intent: String,
    /// Plain text, annotations removed.
    pub text: String,
    /// Entities in text order.
    pub entities: Vec<EntityAnnotation>,
    /// `{intent: …, example: …}` metadata.
    pub metadata: JsonMap,
    /// Where the example's text stands.
    pub span: Span,
}

impl Example {
    /// The classifier's label: the part before `/`.
    pub fn base_intent(&self) -> &str {
        self.intent.split('/').next().unwrap_or(&self.intent)
    }
}

/// A synonym: `text` reads as `value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Synonym {
    /// What users write.
    pub text: String,
    /// What it means.
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// A named regular expression (Python `re` syntax).
#[derive(Clone, Debug, PartialEq)]
pub struct RegexPattern {
    /// Name; the entity's name when it serves RegexEntityExtractor.
    pub name: String,
    /// The pattern.
    pub pattern: String,
    /// Where it stands.
    pub span: Span,
}

/// A lookup table.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// Name.
    pub name: String,
    /// Elements in data order, merged over files.
    pub elements: Vec<String>,
    /// Where the table (first) stands.
    pub span: Span,
}

/// All NLU training data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NluData {
    /// Examples in path order and then file order.
    pub examples: Vec<Example>,
    /// Synonyms, declared and from annotations, in order; a later one wins.
    pub synonyms: Vec<Synonym>,
    /// Regular expressions.
    pub regexes: Vec<RegexPattern>,
    /// Lookup tables.
    pub lookups: Vec<Lookup>,
}
