//! The one YAML loader (spec §1.2): text -> [`Node`]s with byte spans.
//!
//! Built on the events of `saphyr-parser`; scalars follow ruamel's YAML 1.2
//! rules, as Rasa's files do.

mod emit;
mod escape;
mod lenient;
mod lines;
mod parse;
mod repeated;
mod scalar;

pub use lines::Line;
pub(crate) use parse::parse_with;
pub use parse::{MAX_DEPTH, MAX_NODES, parse, parse_verbatim};
pub use scalar::{Unset, interpolate, resolve_scalar};

use crate::Span;
use serde_json::Value;

/// Looks an environment variable up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How a node was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in single or double quotes.
    Quoted,
    /// A literal block, `|`.
    Literal,
    /// A folded block, `>`.
    Folded,
    /// A sequence or mapping.
    Collection,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping.
    Map(Map),
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Yaml,
    /// Bytes of the file it covers.
    pub span: Span,
    /// How it was written.
    pub style: Style,
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key as text.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A mapping in file order, each key once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    /// Keys and values.
    pub entries: Vec<(Key, Node)>,
}

impl Map {
    /// The value of a key. Linear: for records, not for large tables.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|(_, node)| node)
    }

    /// A key with its value.
    pub fn entry(&self, name: &str) -> Option<&(Key, Node)> {
        self.entries.iter().find(|(key, _)| key.name == name)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.entries.iter().map(|(key, node)| (key, node))
    }
}

impl Node {
    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Yaml::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The mapping, if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Yaml::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if this is one.
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Yaml::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        self.value == Yaml::Null
    }

    /// What this is, for a sentence: `a list`, `text`, `nothing`.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "a boolean",
            Yaml::Int(_) | Yaml::Float(_) => "a number",
            Yaml::Str(_) => "text",
            Yaml::Seq(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// The value as JSON. Infinities and NaN, which JSON lacks, become text.
    pub fn to_json(&self) -> Value {
        match &self.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(flag) => Value::Bool(*flag),
            Yaml::Int(number) => Value::from(*number),
            Yaml::Float(number) if number.is_finite() => Value::from(*number),
            Yaml::Float(number) => Value::String(number.to_string()),
            Yaml::Str(text) => Value::String(text.clone()),
            Yaml::Seq(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Yaml::Map(map) => Value::Object(map.iter().map(|(key, node)| (key.name.clone(), node.to_json())).collect()),
        }
    }
}

#[cfg(test)]
mod tests;
