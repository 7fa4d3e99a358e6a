//! Entities, token by token and extractor by extractor (spec §8.3).

use std::collections::BTreeSet;

use sapa_project::nlu::EntityAnnotation;
use sapa_sdk::Entity;
use serde_json::{Map, Value, json};

use super::{Confidences, Evaluation, Understood};
use crate::evaluate::metrics::Confusion;

/// Label of a token that belongs to no entity.
const NO_ENTITY: &str = "no_entity";

/// They bring their models with them: nothing of the bot's is judged by them.
const PRETRAINED: [&str; 2] = ["DucklingEntityExtractor", "SpacyEntityExtractor"];

/// The extractors that say how sure they are.
const WITH_CONFIDENCES: [&str; 2] = ["CRFEntityExtractor", "DIETClassifier"];

/// One evaluation for each extractor that found anything.
pub fn evaluate(understood: &[Understood<'_>]) -> Vec<Evaluation> {
    let extractors: BTreeSet<&str> = understood
        .iter()
        .flat_map(|u| &u.parsed.entities)
        .filter_map(|entity| entity.extractor.as_deref())
        .filter(|name| !PRETRAINED.contains(name))
        .collect();
    extractors.into_iter().map(|extractor| judge(extractor, understood)).collect()
}

fn judge(extractor: &str, understood: &[Understood<'_>]) -> Evaluation {
    let mut labels: Vec<(String, String)> = Vec::new();
    let (mut errors, mut successes, mut confidences) = (Vec::new(), Vec::new(), Confidences::default());
    for one in understood {
        let found: Vec<&Entity> =
            one.parsed.entities.iter().filter(|entity| entity.extractor.as_deref() == Some(extractor)).collect();
        let (mut is_wrong, mut is_found) = (false, false);
        for token in tokens(one) {
            let expected = label(best_fit(token, one.example.entities.iter()).map(Marked::parts));
            let covering = best_fit(token, found.iter().copied());
            let predicted = label(covering.map(Marked::parts));
            is_wrong |= expected != predicted;
            is_found |= expected == predicted && expected != NO_ENTITY;
            if predicted != NO_ENTITY {
                confidences.push(expected == predicted, covering.and_then(|e| e.confidence_entity).unwrap_or(0.0));
            }
            labels.push((expected, predicted));
        }
        if is_wrong {
            errors.push(entry(one));
        } else if is_found {
            successes.push(entry(one));
        }
    }
    let pairs = labels.iter().map(|(expected, predicted)| (expected.as_str(), predicted.as_str()));
    Evaluation {
        name: extractor.to_owned(),
        title: "Entity",
        confusion: Confusion::of(pairs).without(NO_ENTITY),
        errors,
        successes,
        confidences: WITH_CONFIDENCES.contains(&extractor).then_some(confidences),
    }
}

/// A stretch of characters: first, and one past the last.
type Stretch = (usize, usize);

/// The message's tokens as the pipeline cut them.
fn tokens(understood: &Understood<'_>) -> Vec<Stretch> {
    understood.parsed.text_tokens.clone().unwrap_or_default()
}

/// An entity that covers characters: an annotated or a found one.
trait Marked {
    fn stretch(&self) -> Stretch;
    /// Name, group and role, in the order of the label.
    fn parts(&self) -> [Option<&str>; 3];
}

impl Marked for EntityAnnotation {
    fn stretch(&self) -> Stretch {
        (self.start, self.end)
    }

    fn parts(&self) -> [Option<&str>; 3] {
        [Some(&self.entity), self.group.as_deref(), self.role.as_deref()]
    }
}

impl Marked for Entity {
    fn stretch(&self) -> Stretch {
        (self.start.unwrap_or_default(), self.end.unwrap_or_default())
    }

    fn parts(&self) -> [Option<&str>; 3] {
        [Some(&self.entity), self.group.as_deref(), self.role.as_deref()]
    }
}

/// The entity that shares most characters with a token, the first on a tie.
fn best_fit<'a, T: Marked>(token: Stretch, entities: impl Iterator<Item = &'a T>) -> Option<&'a T> {
    let shared = |entity: &T| {
        let (start, end) = entity.stretch();
        end.min(token.1).saturating_sub(start.max(token.0))
    };
    entities
        .filter(|entity| shared(entity) > 0)
        .reduce(|best, next| if shared(next) > shared(best) { next } else { best })
}

/// `entity.group.role`, without what there is none of.
fn label(parts: Option<[Option<&str>; 3]>) -> String {
    match parts {
        None => NO_ENTITY.to_owned(),
        Some(parts) => parts.into_iter().flatten().collect::<Vec<_>>().join("."),
    }
}

fn entry(understood: &Understood<'_>) -> Value {
    let expected: Vec<Value> = understood.example.entities.iter().map(annotation).collect();
    json!({
        "text": understood.example.text,
        "entities": expected,
        "predicted_entities": understood.parsed.entities,
    })
}

fn annotation(annotation: &EntityAnnotation) -> Value {
    let mut shown = Map::new();
    shown.insert("start".to_owned(), json!(annotation.start));
    shown.insert("end".to_owned(), json!(annotation.end));
    shown.insert("value".to_owned(), annotation.value.clone());
    shown.insert("entity".to_owned(), json!(annotation.entity));
    for (key, part) in [("role", &annotation.role), ("group", &annotation.group)] {
        shown.extend(part.as_ref().map(|part| (key.to_owned(), json!(part))));
    }
    shown.into()
}
