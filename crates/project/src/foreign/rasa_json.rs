//! Rasa's older JSON format, `rasa_nlu_data` (spec §1.1).

use super::json::{self, Example};
use super::text_under;
use crate::nlu::EntityAnnotation;
use crate::read_nlu::NluReader;
use crate::yaml::{Map, Node};
use crate::{Diagnostic, Span, shape};

pub(super) fn read(map: &Map, nlu: &mut NluReader<'_>, out: &mut Vec<Diagnostic>) {
    let Some(data) = map.get("rasa_nlu_data").and_then(|node| shape::map(node, "`rasa_nlu_data`", out)) else { return };
    let known = ["common_examples", "regex_features", "lookup_tables", "entity_synonyms"];
    shape::slips(data, &known, "`rasa_nlu_data`", out);
    for (map, span) in json::maps(data, "common_examples", "an example", out) {
        if let Some(example) = example(map, span, out) {
            example.add_to(nlu, out);
        }
    }
    for (map, span) in json::maps(data, "regex_features", "a regular expression", out) {
        let name = json::text(map, "name", "a regular expression", span, out);
        let pattern = json::text(map, "pattern", "a regular expression", span, out);
        if let (Some((name, _)), Some((pattern, span))) = (name, pattern) {
            nlu.add_regex(name, pattern, span);
        }
    }
    for (map, span) in json::maps(data, "lookup_tables", "a lookup table", out) {
        let elements = json::texts(map, "elements", out);
        if let Some((name, _)) = json::text(map, "name", "a lookup table", span, out) {
            nlu.add_lookup(name, span, elements.iter().map(|(element, _)| (*element).to_owned()));
        }
    }
    for (map, span) in json::maps(data, "entity_synonyms", "a synonym", out) {
        let texts = json::texts(map, "synonyms", out);
        if let Some((value, _)) = json::text(map, "value", "a synonym", span, out) {
            texts.into_iter().for_each(|(text, span)| nlu.add_synonym(text, value, span));
        }
    }
}

fn example<'n>(map: &'n Map, span: Span, out: &mut Vec<Diagnostic>) -> Option<Example<'n>> {
    let (text, place) = json::text(map, "text", "an example", span, out)?;
    let mut entities = Vec::new();
    for (map, span) in json::maps(map, "entities", "an entity", out) {
        entities.extend(entity(map, text, span, out));
    }
    let metadata = map.get("metadata").and_then(Node::as_map).map(shape::json_map).unwrap_or_default();
    Some(Example { text, intent: text_under(map, "intent").unwrap_or_default(), entities, metadata, span: place })
}

fn entity(map: &Map, text: &str, span: Span, out: &mut Vec<Diagnostic>) -> Option<EntityAnnotation> {
    let range = json::offset(map, "start").zip(json::offset(map, "end"));
    let mut entity = json::entity(text_under(map, "entity"), range, text, span, out)?;
    entity.role = text_under(map, "role").map(str::to_owned);
    entity.group = text_under(map, "group").map(str::to_owned);
    if let Some(value) = map.get("value").filter(|value| !value.is_null()) {
        entity.value = value.to_json();
    }
    Some(entity)
}
