//! Utterances exported from wit.ai.

use super::json::{self, Example};
use super::text_under;
use crate::nlu::EntityAnnotation;
use crate::read_nlu::NluReader;
use crate::yaml::Map;
use crate::{Diagnostic, Span};
use sapa_sdk::JsonMap;

/// The intent of an utterance without one.
const NO_INTENT: &str = "out_of_scope";

/// Quirk: an utterance without the key `entities` is passed over.
pub(super) fn read(map: &Map, nlu: &mut NluReader<'_>, out: &mut Vec<Diagnostic>) {
    for (map, span) in json::maps(map, "utterances", "an utterance", out) {
        if map.get("entities").is_none_or(|node| node.is_null()) {
            continue;
        }
        let Some((text, place)) = json::text(map, "text", "an utterance", span, out) else { continue };
        let mut entities = Vec::new();
        for (map, span) in json::maps(map, "entities", "an entity", out) {
            entities.extend(entity(map, text, span, out));
        }
        let intent = text_under(map, "intent").unwrap_or(NO_INTENT);
        Example { text, intent, entities, metadata: JsonMap::new(), span: place }.add_to(nlu, out);
    }
}

/// `entity` is `name:role`, the last colon counting.
fn entity(map: &Map, text: &str, span: Span, out: &mut Vec<Diagnostic>) -> Option<EntityAnnotation> {
    let range = json::offset(map, "start").zip(json::offset(map, "end"));
    let written = text_under(map, "entity");
    let (name, role) = match written.and_then(|written| written.rsplit_once(':')) {
        Some((name, role)) => (Some(name), Some(role.to_owned())),
        None => (written, None),
    };
    let mut entity = json::entity(name, range, text, span, out)?;
    entity.role = role;
    if let Some(value) = map.get("value").filter(|value| !value.is_null()) {
        entity.value = value.to_json();
    }
    Some(entity)
}
