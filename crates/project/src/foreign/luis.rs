//! Applications exported from LUIS.

use super::json::{self, Example};
use super::text_under;
use crate::read_nlu::NluReader;
use crate::yaml::{Map, Node, Yaml};
use crate::{Diagnostic, Span, codes};
use sapa_sdk::JsonMap;

/// The newest schema whose fields are known.
const NEWEST_SCHEMA: u64 = 7;

pub(super) fn read(map: &Map, root: Span, nlu: &mut NluReader<'_>, out: &mut Vec<Diagnostic>) {
    check_schema(map, out);
    if map.get("utterances").is_none() {
        let place = map.entry("luis_schema_version").map_or(root, |(key, _)| key.span);
        out.push(
            Diagnostic::warning(codes::NO_EXAMPLES, "this LUIS application has no `utterances`")
                .at(place, "")
                .help("export the application as JSON with its utterances"),
        );
    }
    for (map, span) in json::maps(map, "utterances", "an utterance", out) {
        if let Some(example) = utterance(map, span, out) {
            example.add_to(nlu, out);
        }
    }
    // The first are of schemas before 3; one that was switched off does not count.
    for (key, pattern, is_switched) in [("regex_features", "pattern", true), ("regex_entities", "regexPattern", false)]
    {
        for (map, span) in json::maps(map, key, "a regular expression", out) {
            let is_on = map.get("activated").is_some_and(|node| node.value == Yaml::Bool(true));
            let name = json::text(map, "name", "a regular expression", span, out);
            if let Some((name, _)) = name.filter(|_| is_on || !is_switched)
                && let Some((pattern, span)) = json::text(map, pattern, "a regular expression", span, out)
            {
                nlu.add_regex(name, pattern, span);
            }
        }
    }
}

fn check_schema(map: &Map, out: &mut Vec<Diagnostic>) {
    let Some(node) = map.get("luis_schema_version") else { return };
    let major = node.as_str().and_then(|version| version.split('.').next()?.parse::<u64>().ok());
    if major.is_none_or(|major| major > NEWEST_SCHEMA) {
        let message = format!("this LUIS schema is not known: {NEWEST_SCHEMA} is the newest that is");
        out.push(
            Diagnostic::warning(codes::FORMAT_TOO_NEW, message)
                .at(node.span, "")
                .help("look over what was read, or export the application with an older schema"),
        );
    }
}

fn utterance<'n>(map: &'n Map, span: Span, out: &mut Vec<Diagnostic>) -> Option<Example<'n>> {
    let (text, place) = json::text(map, "text", "an utterance", span, out)?;
    let mut entities = Vec::new();
    for (map, span) in json::maps(map, "entities", "an entity", out) {
        // The end is the last character, not the one behind it.
        let end = json::offset(map, "endPos").and_then(|end| end.checked_add(1));
        let range = json::offset(map, "startPos").zip(end);
        if let Some(mut entity) = json::entity(text_under(map, "entity"), range, text, span, out) {
            entity.role = map.get("role").and_then(Node::as_str).map(str::to_owned);
            entities.push(entity);
        }
    }
    let intent = text_under(map, "intent").unwrap_or_default();
    Some(Example { text, intent, entities, metadata: JsonMap::new(), span: place })
}
