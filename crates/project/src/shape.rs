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

/// Keys that are not in `known`, where Rasa's schema refuses them: an error where a
/// known one was meant, as what the key says would be lost; a warning elsewhere.
pub(crate) fn unknown_keys(map: &Map, known: &[&str], what: &str, out: &mut Vec<Diagnostic>) {
    for key in others(map, known) {
        out.push(slip(key, known, what).unwrap_or_else(|| {
            Diagnostic::warning(codes::UNKNOWN_KEY, not_a_key(&key.name, what))
                .at(key.span, "")
                .help("remove it; it has no effect")
        }));
    }
}

/// Keys that were meant to be one of `known`, where Rasa's schema refuses them;
/// others are tolerated.
pub(crate) fn slips(map: &Map, known: &[&str], what: &str, out: &mut Vec<Diagnostic>) {
    out.extend(others(map, known).filter_map(|key| slip(key, known, what)));
}

/// Keys that are not in `known`, where Rasa passes over them.
pub(crate) fn ignored_keys(map: &Map, known: &[&str], what: &str, out: &mut Vec<Diagnostic>) {
    for key in others(map, known) {
        out.push(
            Diagnostic::warning(codes::UNKNOWN_KEY, not_a_key(&key.name, what)).at(key.span, "").help(suggest::cure(
                &key.name,
                known.iter().copied(),
                "remove it; it has no effect",
            )),
        );
    }
}

/// Keys that look like one of `known`, where Rasa passes over them.
pub(crate) fn near_misses(map: &Map, known: &[&str], what: &str, out: &mut Vec<Diagnostic>) {
    out.extend(others(map, known).filter_map(|key| near_miss(key, known, what)));
}

/// A key that looks like one of `known`, where Rasa passes over it.
pub(crate) fn near_miss(key: &Key, known: &[&str], what: &str) -> Option<Diagnostic> {
    let near = suggest::nearest(&key.name, known.iter().copied())?;
    let finding = Diagnostic::warning(codes::UNKNOWN_KEY, not_a_key(&key.name, what)).at(key.span, "");
    Some(finding.help(format!("did you mean `{near}`?")))
}

fn others<'m>(map: &'m Map, known: &[&str]) -> impl Iterator<Item = &'m Key> {
    map.iter().map(|(key, _)| key).filter(|key| !known.contains(&key.name.as_str()))
}

/// A key that was meant to be one of `known`.
pub(crate) fn slip(key: &Key, known: &[&str], what: &str) -> Option<Diagnostic> {
    let cure = match key.name.strip_prefix('-').map(str::trim) {
        Some(rest) if !rest.is_empty() => format!("write a blank behind the dash: `- {rest}: …`"),
        _ => format!("did you mean `{}`?", suggest::nearest(&key.name, known.iter().copied())?),
    };
    Some(Diagnostic::error(codes::MISSPELT_KEY, not_a_key(&key.name, what)).at(key.span, "").help(cure))
}

fn not_a_key(name: &str, what: &str) -> String {
    format!("`{name}` is not a key of {what}")
}

/// A key of the top level that means something further in: Rasa does not read it,
/// and says nothing.
pub(crate) fn unread_here(key: &Key, cure: &str) -> Diagnostic {
    Diagnostic::warning(codes::UNREAD_HERE, format!("`{}` is not read here", key.name)).at(key.span, "").help(cure)
}

/// A key that means nothing here and something one level further in.
pub(crate) fn misplaced(key: &Key, below: &str) -> Diagnostic {
    Diagnostic::error(codes::MISPLACED_KEY, format!("`{}` stands too far left to count", key.name))
        .at(key.span, "")
        .help(format!("indent it, and what belongs to it, below {below}"))
}

/// The line that was meant by a text without a colon behind its key, with a colon
/// of another script, or without the blank behind the colon.
pub(crate) fn with_colon(text: &str, keys: &[&str]) -> Option<String> {
    let (key, rest) = text.split_once(|c: char| c.is_whitespace() || c == ':' || c == '：')?;
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ':' || c == '：').trim_end();
    keys.contains(&key).then(|| format!("write `- {key}: {rest}`, with a colon and a blank"))
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
