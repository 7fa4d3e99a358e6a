//! Agents exported from Dialogflow: each intent and each entity is a file, with
//! a file beside it for its examples in each language.

use super::json::{self, Example};
use super::{Sibling, text_under};
use crate::nlu::EntityAnnotation;
use crate::read_nlu::NluReader;
use crate::yaml::{Map, Node, Yaml};
use crate::{Diagnostic, Span, codes, shape};
use sapa_sdk::JsonMap;

/// Parts of an example that are marked but mean nothing.
const IGNORED: &str = "@sys.ignore";

/// `<file>_usersays_<language>.json` or `<file>_entries_<language>.json`; a
/// warning without it.
pub(super) fn part<'n>(
    file: &Sibling<'_>,
    others: &[Sibling<'n>],
    kind: &str,
    language: &str,
    out: &mut Vec<Diagnostic>,
) -> Option<&'n Node> {
    let stem = file.path.get(..file.path.len().saturating_sub(".json".len()))?;
    let wanted = format!("{stem}_{kind}_{language}.json");
    let found = others.iter().find(|other| other.path == wanted).map(|other| other.root);
    if found.is_none() {
        let span = Span { end: file.root.span.start, ..file.root.span };
        out.push(
            Diagnostic::warning(codes::NO_EXAMPLES, format!("{} has no examples: there is no {wanted}", file.path))
                .at(span, "")
                .help("its name ends in the language: that of config.yml, or of `--language`; export the agent again with all its files"),
        );
    }
    found
}

pub(super) fn read_intent(
    map: &Map,
    root: Span,
    examples: Option<&Node>,
    nlu: &mut NluReader<'_>,
    out: &mut Vec<Diagnostic>,
) {
    let name = json::text(map, "name", "an intent of Dialogflow", root, out);
    let (Some((intent, _)), Some(examples)) = (name, examples) else { return };
    for item in shape::seq(examples, "a file of examples", out).unwrap_or_default() {
        let Some(map) = shape::map(item, "an example", out) else { continue };
        if shape::required(map, "data", "an example", item.span, out).is_none() {
            continue;
        }
        let mut text = String::new();
        let mut entities = Vec::new();
        for (chunk, span) in json::maps(map, "data", "a part of an example", out) {
            let Some((words, _)) = json::text(chunk, "text", "a part of an example", span, out) else { continue };
            let start = text.chars().count();
            text.push_str(words);
            entities.extend(entity(chunk, start, words, &text, span, out));
        }
        Example { text: &text, intent, entities, metadata: JsonMap::new(), span: item.span }.add_to(nlu, out);
    }
}

/// A part with `alias` or `meta` is an entity of that name.
fn entity(
    chunk: &Map,
    start: usize,
    words: &str,
    text: &str,
    span: Span,
    out: &mut Vec<Diagnostic>,
) -> Option<EntityAnnotation> {
    let name = text_under(chunk, "alias").or_else(|| text_under(chunk, "meta"))?;
    if name == IGNORED || words.is_empty() {
        return None;
    }
    json::entity(Some(name), Some((start, start + words.chars().count())), text, span, out)
}

/// Entries are synonyms, and besides patterns (`isRegexp`) or a lookup table
/// without what refers to other entities (`@`).
pub(super) fn read_entity(
    map: &Map,
    root: Span,
    entries: Option<&Node>,
    nlu: &mut NluReader<'_>,
    out: &mut Vec<Diagnostic>,
) {
    let name = json::text(map, "name", "an entity of Dialogflow", root, out);
    let (Some((name, place)), Some(entries)) = (name, entries) else { return };
    let mut words: Vec<(&str, Span)> = Vec::new();
    for item in shape::seq(entries, "a file of entries", out).unwrap_or_default() {
        let Some(map) = shape::map(item, "an entry", out) else { continue };
        let synonyms = json::texts(map, "synonyms", out);
        if let Some((value, _)) = json::text(map, "value", "an entry", item.span, out) {
            let differing = synonyms.iter().filter(|(text, _)| *text != value);
            differing.for_each(|(text, span)| nlu.add_synonym(text, value, *span));
        }
        words.extend(synonyms);
    }
    if map.get("isRegexp").is_some_and(|node| node.value == Yaml::Bool(true)) {
        words.into_iter().for_each(|(pattern, span)| nlu.add_regex(name, pattern, span));
        return;
    }
    let elements: Vec<String> =
        words.iter().filter(|(word, _)| !word.contains('@')).map(|(word, _)| (*word).to_owned()).collect();
    if !elements.is_empty() {
        nlu.add_lookup(name, place, elements.into_iter());
    }
}
