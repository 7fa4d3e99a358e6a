//! Expectations on the shape of a node, each with its diagnostic.

use crate::yaml::{Key, Map, Node, Yaml};
use crate::{Diagnostic, Span, codes, suggest};
use sapa_sdk::JsonMap;

/// "`what` must be `wanted`, but this is …".
pub(crate) fn wrong_type(node: &Node, what: &str, wanted: &str) -> Diagnostic {
    Diagnostic::error(codes::WRONG_TYPE, format!("{what} must be {wanted}"))
        .at(node.span, format!("this is {}", node.kind()))
        .help(format!("write {wanted} here"))
}

/// The mapping, or a finding.
pub(crate) fn map<'n>(node: &'n Node, what: &str, out: &mut Vec<Diagnostic>) -> Option<&'n Map> {
    let map = node.as_map();
    if map.is_none() {
        out.push(wrong_type(node, what, "a mapping (`key: value` lines)"));
    }
    map
}

/// The list, or a finding.
pub(crate) fn seq<'n>(node: &'n Node, what: &str, out: &mut Vec<Diagnostic>) -> Option<&'n [Node]> {
    let items = node.as_seq();
    if items.is_none() {
        out.push(wrong_type(node, what, "a list").help("start each item on a line of its own with `- `"));
    }
    items
}

/// The text, or a finding.
pub(crate) fn text<'n>(node: &'n Node, what: &str, out: &mut Vec<Diagnostic>) -> Option<&'n str> {
    let text = node.as_str();
    if text.is_none() {
        let diagnostic = wrong_type(node, what, "text");
        out.push(match node.value {
            Yaml::Bool(_) | Yaml::Int(_) | Yaml::Float(_) => diagnostic.help("put the value in quotes to make it text"),
            _ => diagnostic,
        });
    }
    text
}

/// The boolean, or a finding.
pub(crate) fn flag(node: &Node, what: &str, out: &mut Vec<Diagnostic>) -> Option<bool> {
    if let Yaml::Bool(flag) = node.value {
        return Some(flag);
    }
    let diagnostic = wrong_type(node, what, "`true` or `false`");
    let is_word = node.as_str().is_some_and(|word| matches!(word.to_lowercase().as_str(), "yes" | "no" | "on" | "off"));
    out.push(if is_word {
        diagnostic.help("in YAML 1.2 `yes`, `no`, `on` and `off` are text; write `true` or `false`")
    } else {
        diagnostic
    });
    None
}

/// The number, or a finding.
pub(crate) fn number(node: &Node, what: &str, out: &mut Vec<Diagnostic>) -> Option<f64> {
    match node.value {
        Yaml::Int(number) => Some(number as f64),
        Yaml::Float(number) if number.is_finite() => Some(number),
        _ => {
            out.push(wrong_type(node, what, "a number"));
            None
        }
    }
}

/// One text or a list of texts, with their places.
pub(crate) fn texts(node: &Node, what: &str, out: &mut Vec<Diagnostic>) -> Vec<(String, Span)> {
    match &node.value {
        Yaml::Null => Vec::new(),
        Yaml::Seq(items) => {
            items.iter().filter_map(|item| Some((text(item, what, out)?.to_owned(), item.span))).collect()
        }
        _ => text(node, what, out).map(|name| (name.to_owned(), node.span)).into_iter().collect(),
    }
}

/// The value of a key that must be there.
pub(crate) fn required<'n>(
    map: &'n Map,
    key: &str,
    what: &str,
    span: Span,
    out: &mut Vec<Diagnostic>,
) -> Option<&'n Node> {
    let node = map.get(key);
    if node.is_none() {
        out.push(Diagnostic::error(codes::MISSING_KEY, format!("{what} needs the key `{key}`")).at(span, ""));
    }
    node
}

/// Warns about keys that are not in `known`.
pub(crate) fn unknown_keys(map: &Map, known: &[&str], what: &str, out: &mut Vec<Diagnostic>) {
    for (key, _) in map.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
        out.push(
            Diagnostic::warning(codes::UNKNOWN_KEY, format!("`{}` is not a key of {what}", key.name))
                .at(key.span, "")
                .help(suggest::cure(&key.name, known.iter().copied(), "remove it; it has no effect")),
        );
    }
}

/// Warns about keys that look like slips of known ones; others are tolerated.
pub(crate) fn slips(map: &Map, known: &[&str], what: &str, out: &mut Vec<Diagnostic>) {
    for (key, _) in map.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
        if let Some(near) = suggest::nearest(&key.name, known.iter().copied()) {
            out.push(
                Diagnostic::warning(codes::UNKNOWN_KEY, format!("`{}` is not a key of {what}", key.name))
                    .at(key.span, "")
                    .help(format!("did you mean `{near}`?")),
            );
        }
    }
}

/// Says that a top-level key is not read, which may be meant: a mapping that other
/// places repeat by its anchor.
/// `None` for names that are extensions by convention.
pub(crate) fn unread_section(key: &Key, what: &str) -> Option<Diagnostic> {
    if key.name.starts_with("x-") {
        return None;
    }
    let finding =
        Diagnostic::note(codes::UNREAD_SECTION, format!("`{}` is not a key of {what} and is not read", key.name));
    Some(finding.at(key.span, "").help("remove it if nothing refers to it"))
}

/// A mapping as JSON.
pub(crate) fn json_map(map: &Map) -> JsonMap {
    map.iter().map(|(key, node)| (key.name.clone(), node.to_json())).collect()
}
