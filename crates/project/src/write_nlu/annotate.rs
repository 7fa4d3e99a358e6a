//! Entities -> inline annotations, the way back from [`crate::annotation`].

use crate::annotation::parse_annotations;
use crate::nlu::EntityAnnotation;
use serde_json::{Value, json};

/// What Rasa strips from examples.
const STRIPPED: [char; 3] = [' ', '\n', '\r'];

/// A text with annotations.
pub(super) struct Annotated {
    pub text: String,
    /// Whether entities had to be left out, as they overlap others.
    pub is_reduced: bool,
}

/// The text with its entities as annotations; `None` when no way of writing it
/// would be read back as the same.
pub(super) fn annotate(text: &str, entities: &[EntityAnnotation]) -> Option<Annotated> {
    let (text, entities) = stripped(text, entities);
    let whole = write(text, &entities).filter(|written| is_same(written, text, &entities));
    if let Some(text) = whole {
        return Some(Annotated { text, is_reduced: false });
    }
    let apart = without_overlaps(&entities);
    let written = write(text, &apart).filter(|written| is_same(written, text, &apart))?;
    Some(Annotated { text: written, is_reduced: true })
}

/// The text without blanks at its ends, and its entities in text order.
fn stripped<'t>(text: &'t str, entities: &[EntityAnnotation]) -> (&'t str, Vec<EntityAnnotation>) {
    let inner = text.trim_start_matches(STRIPPED);
    let cut = text.chars().count() - inner.chars().count();
    let inner = inner.trim_end_matches(STRIPPED);
    let length = inner.chars().count();
    let mut moved: Vec<EntityAnnotation> = entities
        .iter()
        .map(|entity| EntityAnnotation {
            start: entity.start.saturating_sub(cut),
            end: entity.end.saturating_sub(cut).min(length),
            ..entity.clone()
        })
        .collect();
    moved.sort_by_key(|entity| (entity.start, entity.end));
    (inner, moved)
}

fn is_same(written: &str, text: &str, entities: &[EntityAnnotation]) -> bool {
    let read = parse_annotations(written);
    read.problems.is_empty() && read.text == text && read.entities == entities
}

/// The entities that overlap no earlier one; of several on the same characters
/// all.
fn without_overlaps(entities: &[EntityAnnotation]) -> Vec<EntityAnnotation> {
    let mut kept: Vec<EntityAnnotation> = Vec::new();
    for entity in entities {
        let fits = kept
            .last()
            .is_none_or(|last| (last.start, last.end) == (entity.start, entity.end) || entity.start >= last.end);
        if fits {
            kept.push(entity.clone());
        }
    }
    kept
}

/// `None` where entities overlap.
fn write(text: &str, entities: &[EntityAnnotation]) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| characters.get(from..to).map(|part| part.iter().collect::<String>());
    let mut out = String::new();
    let mut at = 0;
    for group in entities.chunk_by(|left, right| (left.start, left.end) == (right.start, right.end)) {
        let first = group.first()?;
        let covered = part(first.start, first.end)?;
        out.push_str(&part(at, first.start)?);
        out.push_str(&format!("[{covered}]{}", body(group, &covered)));
        at = first.end;
    }
    out.push_str(&part(at, characters.len())?);
    Some(out)
}

/// `(entity)` where that says all, else JSON.
fn body(group: &[EntityAnnotation], covered: &str) -> String {
    match group {
        [only] if is_plain(only, covered) => format!("({})", only.entity),
        [only] => json(only, covered),
        several => {
            let all: Vec<String> = several.iter().map(|entity| json(entity, covered)).collect();
            format!("[{}]", all.join(", "))
        }
    }
}

fn is_plain(entity: &EntityAnnotation, covered: &str) -> bool {
    let has_labels = entity.role.is_some() || entity.group.is_some();
    !has_labels && entity.value == covered && !entity.entity.contains([':', ')'])
}

fn json(entity: &EntityAnnotation, covered: &str) -> String {
    let mut fields = vec![("entity", json!(entity.entity))];
    fields.extend(entity.role.as_ref().map(|role| ("role", json!(role))));
    fields.extend(entity.group.as_ref().map(|group| ("group", json!(group))));
    fields.extend((entity.value != covered).then(|| ("value", entity.value.clone())));
    let fields: Vec<String> = fields.iter().map(|(key, value): &(&str, Value)| format!("\"{key}\": {value}")).collect();
    format!("{{{}}}", fields.join(", "))
}
