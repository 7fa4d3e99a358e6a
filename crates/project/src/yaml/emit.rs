//! [`Node`]s -> YAML text that this crate and Rasa read back as the same values.

use super::{Key, Map, Node, Style, Yaml, resolve_scalar};
use crate::Span;
use serde_json::Value;

/// Words that YAML 1.1 reads as booleans: quoted, as others read these files too.
const OLD_BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];

impl Node {
    /// A node that stands nowhere.
    pub fn new(value: Yaml) -> Self {
        let style = match value {
            Yaml::Seq(_) | Yaml::Map(_) => Style::Collection,
            Yaml::Str(_) => Style::Quoted,
            _ => Style::Plain,
        };
        Self { value, span: Span::default(), style }
    }

    /// Text that stands nowhere.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Yaml::Str(text.into()))
    }

    /// A JSON value as a node.
    pub fn from_json(value: &Value) -> Self {
        Self::new(match value {
            Value::Null => Yaml::Null,
            Value::Bool(flag) => Yaml::Bool(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Yaml::Int(number),
                None => Yaml::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Yaml::Str(text.clone()),
            Value::Array(items) => Yaml::Seq(items.iter().map(Self::from_json).collect()),
            Value::Object(fields) => {
                return Self::map(fields.iter().map(|(key, value)| (key.as_str(), Self::from_json(value))));
            }
        })
    }

    /// A mapping that stands nowhere.
    pub fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Self)>) -> Self {
        let key = |name: &str| Key { name: name.to_owned(), span: Span::default() };
        Self::new(Yaml::Map(Map { entries: entries.into_iter().map(|(name, node)| (key(name), node)).collect() }))
    }

    /// The node as a YAML document. Comments are not kept; variables (`${…}`) in
    /// plain scalars are, when they were read as themselves.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        match &self.value {
            Yaml::Map(map) if !map.entries.is_empty() => write_map(map, 0, &mut out),
            Yaml::Seq(items) if !items.is_empty() => write_seq(items, 0, &mut out),
            _ => out = format!("{}\n", scalar(self, 0)),
        }
        out
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_map(map: &Map, indent: usize, out: &mut String) {
    for (key, node) in map.iter() {
        pad(indent, out);
        out.push_str(&plain_or_quoted(&key.name));
        out.push(':');
        match &node.value {
            Yaml::Map(inner) if !inner.entries.is_empty() => {
                out.push('\n');
                write_map(inner, indent + 2, out);
            }
            Yaml::Seq(items) if !items.is_empty() => {
                out.push('\n');
                write_seq(items, indent, out);
            }
            Yaml::Null => out.push('\n'),
            _ => {
                out.push(' ');
                out.push_str(&scalar(node, indent));
                out.push('\n');
            }
        }
    }
}

fn write_seq(items: &[Node], indent: usize, out: &mut String) {
    for item in items {
        pad(indent, out);
        out.push_str("- ");
        let mut inner = String::new();
        match &item.value {
            Yaml::Map(map) if !map.entries.is_empty() => write_map(map, indent + 2, &mut inner),
            Yaml::Seq(items) if !items.is_empty() => write_seq(items, indent + 2, &mut inner),
            _ => {
                out.push_str(&scalar(item, indent));
                out.push('\n');
            }
        }
        // A collection starts on the line of its dash.
        out.push_str(inner.get(indent + 2..).unwrap_or(""));
    }
}

/// A scalar or an empty collection; of several lines, a block below `indent`.
fn scalar(node: &Node, indent: usize) -> String {
    match &node.value {
        Yaml::Null => "null".to_owned(),
        Yaml::Bool(flag) => flag.to_string(),
        Yaml::Int(number) => number.to_string(),
        // As Rust prints it for reading back: 1.0, not 1.
        Yaml::Float(number) if number.is_finite() => format!("{number:?}"),
        Yaml::Float(number) if number.is_nan() => ".nan".to_owned(),
        Yaml::Float(number) => if *number > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        Yaml::Seq(_) => "[]".to_owned(),
        Yaml::Map(_) => "{}".to_owned(),
        // A variable is replaced only in a plain scalar.
        Yaml::Str(text) if node.style == Style::Plain && text.contains("${") => text.clone(),
        Yaml::Str(text) => block(text, indent).unwrap_or_else(|| plain_or_quoted(text)),
    }
}

/// A literal block, where the text is one that blocks keep as it is.
fn block(text: &str, indent: usize) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_odd = |c: char| !matches!(c, '\n' | '\t') && (c.is_control() || c == '\u{feff}');
    let starts_well = body.chars().next().is_some_and(|first| !first.is_whitespace());
    if !text.contains('\n') || !starts_well || body.ends_with('\n') || text.chars().any(is_odd) || has_escape(text) {
        return None;
    }
    let mut out = String::from(if body.len() < text.len() { "|" } else { "|-" });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(indent + 2, &mut out);
            out.push_str(line);
        }
    }
    Some(out)
}

/// Quirk (spec §1.2): in a file that is all ASCII these are decoded, quoted or
/// not, unless the backslash is doubled.
fn has_escape(text: &str) -> bool {
    text.contains("\\u") || text.contains("\\U")
}

fn plain_or_quoted(text: &str) -> String {
    let is_inner = |c: char| c.is_alphanumeric() || " _-./+()',!?;=%&*@<>|~^$".contains(c);
    let starts_well = text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_' || first == '/');
    let is_plain = starts_well
        && text.chars().all(is_inner)
        && !text.ends_with(' ')
        && !OLD_BOOLEANS.contains(&text.to_lowercase().as_str())
        && resolve_scalar(text) == Yaml::Str(text.to_owned());
    if is_plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Not `\u`, which the quirk above would decode.
            other if u32::from(other) < 0x100 && other.is_control() => {
                out.push_str(&format!("\\x{:02x}", u32::from(other)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
