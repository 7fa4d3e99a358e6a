//! What the JSON formats share: typed access, and examples with entities by
//! character offsets.

use crate::nlu::EntityAnnotation;
use crate::read_nlu::NluReader;
use crate::yaml::{Map, Node, Yaml};
use crate::{Diagnostic, Span, codes, shape};
use sapa_sdk::JsonMap;
use serde_json::Value;

/// An example as a JSON format gives it.
pub(super) struct Example<'n> {
    pub text: &'n str,
    pub intent: &'n str,
    pub entities: Vec<EntityAnnotation>,
    pub metadata: JsonMap,
    /// Where the text stands.
    pub span: Span,
}

impl Example<'_> {
    /// Adds the example, and a synonym for each value that is not the covered
    /// text, as annotations in YAML do.
    pub fn add_to(self, nlu: &mut NluReader<'_>, out: &mut Vec<Diagnostic>) {
        nlu.add_example(self.intent, self.text, self.entities, self.metadata, self.span, out);
    }
}

/// The items of a list; none without it, an error when it is no list.
pub(super) fn list<'n>(map: &'n Map, key: &str, out: &mut Vec<Diagnostic>) -> &'n [Node] {
    let node = map.get(key).filter(|node| !node.is_null());
    node.and_then(|node| shape::seq(node, &format!("`{key}`"), out)).unwrap_or_default()
}

/// The mappings of a list, with the place of each.
pub(super) fn maps<'n>(map: &'n Map, key: &str, what: &str, out: &mut Vec<Diagnostic>) -> Vec<(&'n Map, Span)> {
    list(map, key, out).iter().filter_map(|item| Some((shape::map(item, what, out)?, item.span))).collect()
}

/// Text that must be there, and its place.
pub(super) fn text<'n>(
    map: &'n Map,
    key: &str,
    what: &str,
    span: Span,
    out: &mut Vec<Diagnostic>,
) -> Option<(&'n str, Span)> {
    let node = shape::required(map, key, what, span, out)?;
    Some((shape::text(node, &format!("`{key}` of {what}"), out)?, node.span))
}

/// Texts in a list.
pub(super) fn texts<'n>(map: &'n Map, key: &str, out: &mut Vec<Diagnostic>) -> Vec<(&'n str, Span)> {
    let what = format!("an item of `{key}`");
    list(map, key, out).iter().filter_map(|item| Some((shape::text(item, &what, out)?, item.span))).collect()
}

/// A character offset.
pub(super) fn offset(map: &Map, key: &str) -> Option<usize> {
    match map.get(key)?.value {
        Yaml::Int(number) => usize::try_from(number).ok(),
        _ => None,
    }
}

/// Characters `start..end` of a text as an entity whose value is what they say;
/// `None`, and an error, when the text has no such characters.
pub(super) fn entity(
    name: Option<&str>,
    range: Option<(usize, usize)>,
    text: &str,
    span: Span,
    out: &mut Vec<Diagnostic>,
) -> Option<EntityAnnotation> {
    let fits = range.filter(|(start, end)| start < end && *end <= text.chars().count());
    let (Some(name), Some((start, end))) = (name, fits) else {
        out.push(
            Diagnostic::error(codes::BAD_ANNOTATION, "this entity does not fit its text")
                .at(span, "")
                .help("it needs a name, and character offsets of its start and end inside the text"),
        );
        return None;
    };
    let covered: String = text.chars().skip(start).take(end - start).collect();
    let (entity, value) = (name.to_owned(), Value::String(covered));
    Some(EntityAnnotation { start, end, entity, role: None, group: None, value })
}
