//! Entities of a test story's user step against those that were found (spec
//! §8.2): role, group and confidence do not count, values compare as strings.

use std::collections::BTreeSet;

use sapa_project::python::python_str;
use sapa_project::story::{StepEntity, UserStep};
use sapa_sdk::Entity;
use serde_json::json;

/// What stands opposite to an entity that has no counterpart, as in Rasa.
const NONE: &str = "None";

/// What is compared: first and last character, entity, value.
type Key = (usize, usize, String, String);

/// Pairs of expected and predicted entities, as Rasa writes them. Those of the
/// same place stand opposite to each other.
pub(super) fn compare(text: &str, user: &UserStep, found: &[Entity]) -> Vec<(String, String)> {
    // Entities of a payload stand nowhere in the text (spec §1.5).
    let is_payload = text.trim_start().starts_with('/');
    let place = |range: (usize, usize)| if is_payload { (0, 0) } else { range };
    let expected: BTreeSet<Key> = user
        .entities
        .iter()
        .map(|entity| {
            let (start, end) = place(entity.range.unwrap_or_default());
            (start, end, entity.entity.clone(), python_str(&entity.value))
        })
        .collect();
    let mut predicted: BTreeSet<Key> = found
        .iter()
        .map(|entity| {
            let (start, end) = place((entity.start.unwrap_or_default(), entity.end.unwrap_or_default()));
            (start, end, entity.entity.clone(), python_str(&entity.value))
        })
        .collect();
    let mut pairs = Vec::new();
    let mut missed = Vec::new();
    for key in expected {
        if predicted.remove(&key) {
            pairs.push((label(text, &key), label(text, &key)));
        } else {
            missed.push(key);
        }
    }
    for key in missed {
        let there = predicted.iter().find(|other| !is_payload && (other.0, other.1) == (key.0, key.1)).cloned();
        let opposite =
            there.filter(|other| predicted.remove(other)).map_or(NONE.to_owned(), |other| label(text, &other));
        pairs.push((label(text, &key), opposite));
    }
    pairs.extend(predicted.iter().map(|key| (NONE.to_owned(), label(text, key))));
    pairs
}

/// `[covered text](entity)`, with the value where it is another.
fn label(text: &str, (start, end, entity, value): &Key) -> String {
    let covered: String = text.chars().skip(*start).take(end - start.min(end)).collect();
    let covered = if covered.is_empty() { value.clone() } else { covered };
    mark(&covered, entity, &[("value", (covered != *value).then_some(value.as_str()))])
}

/// A marked stretch of a text, as training data writes it.
fn mark(covered: &str, entity: &str, more: &[(&str, Option<&str>)]) -> String {
    let more: Vec<String> =
        more.iter().filter_map(|(key, part)| Some(format!("{}: {}", json!(key), json!((*part)?)))).collect();
    match more.is_empty() {
        true => format!("[{covered}]({entity})"),
        false => format!("[{covered}]{{\"entity\": {}, {}}}", json!(entity), more.join(", ")),
    }
}

/// The step's text with its entities marked, as it was written.
pub(super) fn annotated(text: &str, entities: &[StepEntity]) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut marked: Vec<(&StepEntity, usize, usize)> =
        entities.iter().filter_map(|entity| entity.range.map(|(start, end)| (entity, start, end))).collect();
    marked.sort_by_key(|(_, start, _)| *start);
    let (mut written, mut at) = (String::new(), 0);
    for (entity, start, end) in marked {
        let (Some(before), Some(covered)) = (characters.get(at..start), characters.get(start..end)) else { continue };
        let covered: String = covered.iter().collect();
        let value = python_str(&entity.value);
        written.extend(before);
        let more = [
            ("value", (value != covered).then_some(value.as_str())),
            ("role", entity.role.as_deref()),
            ("group", entity.group.as_deref()),
        ];
        written += &mark(&covered, &entity.entity, &more);
        at = end;
    }
    written.extend(characters.get(at..).unwrap_or_default());
    written
}
