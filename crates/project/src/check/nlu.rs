//! NLU data against itself and the domain.

use super::{unknown_entity, unknown_intent};
use crate::nlu::EntityAnnotation;
use crate::{ComponentConfig, Diagnostic, Project, Span, codes, pattern};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Components that learn entities word by word.
const TAGGERS: [&str; 2] = ["CRFEntityExtractor", "DIETClassifier"];

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    same_example(project, out);
    intents(project, out);
    entities(project, out);
    synonyms(project, out);
    regexes(project, out);
    misaligned(project, out);
}

/// The same text under two intents (compared as Rasa does: exactly).
fn same_example(project: &Project, out: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, (&str, Span)> = HashMap::with_capacity(project.nlu.examples.len());
    for example in &project.nlu.examples {
        if example.intent.is_empty() {
            continue;
        }
        let first = seen.entry(&example.text).or_insert((example.base_intent(), example.span));
        if first.0 != example.base_intent() {
            out.push(
                Diagnostic::warning(
                    codes::EXAMPLE_TWO_INTENTS,
                    format!("the example `{}` stands under two intents", example.text),
                )
                .at(example.span, format!("here it means `{}`", example.base_intent()))
                .at(first.1, format!("here it means `{}`", first.0))
                .help("keep it under one of them"),
            );
        }
    }
}

fn intents(project: &Project, out: &mut Vec<Diagnostic>) {
    let mut counts: BTreeMap<&str, (usize, Span)> = BTreeMap::new();
    for example in project.nlu.examples.iter().filter(|example| !example.intent.is_empty()) {
        counts.entry(example.base_intent()).or_insert((0, example.span)).0 += 1;
    }
    for (intent, (count, span)) in &counts {
        if !project.domain.intents.contains_key(*intent) {
            let mut finding =
                unknown_intent(codes::NLU_INTENT_NOT_IN_DOMAIN, intent, "the NLU data", *span, &project.domain);
            for place in &mut finding.annotations {
                place.label = format!("the first example of `{intent}`");
            }
            out.push(finding);
        }
        if *count < 2 {
            out.push(few("intent", intent, *count, *span));
        }
    }
    let defaults = crate::domain::DEFAULT_INTENTS;
    for (intent, span) in &project.domain_spans.intents {
        if !counts.contains_key(intent.as_str()) && !defaults.contains(&intent.as_str()) {
            out.push(
                Diagnostic::note(
                    codes::INTENT_WITHOUT_EXAMPLES,
                    format!("the intent `{intent}` has no examples in the NLU data"),
                )
                .at(*span, "")
                .help("add examples; without them it is reached only by buttons and `/intent` messages"),
            );
        }
    }
}

/// A role or group that the domain's entity has not, where it lists some; once each.
fn labels<'p>(
    entity: &'p EntityAnnotation,
    span: Span,
    project: &'p Project,
    reported: &mut HashSet<(&'p str, &'p str)>,
    out: &mut Vec<Diagnostic>,
) {
    let Some(known) = project.domain.entities.get(&entity.entity) else { return };
    let role = entity.role.as_deref().filter(|_| !known.roles.is_empty());
    let group = entity.group.as_deref().filter(|_| !known.groups.is_empty());
    for finding in super::domain::unknown_label(&entity.entity, known, role, group, span) {
        let label = role.or(group).unwrap_or_default();
        if reported.insert((&entity.entity, label)) {
            out.push(finding);
        }
    }
}

fn entities(project: &Project, out: &mut Vec<Diagnostic>) {
    let mut reported = HashSet::new();
    let mut counts: BTreeMap<&str, (usize, Span)> = BTreeMap::new();
    for example in &project.nlu.examples {
        for entity in &example.entities {
            labels(entity, example.span, project, &mut reported, out);
            counts.entry(&entity.entity).or_insert((0, example.span)).0 += 1;
        }
    }
    for (entity, (count, span)) in counts {
        if !project.domain.entities.contains_key(entity) {
            out.push(unknown_entity(codes::NLU_ENTITY_NOT_IN_DOMAIN, entity, "the NLU data", span, &project.domain));
        }
        if count < 2 {
            out.push(few("entity", entity, count, span));
        }
    }
}

fn few(kind: &str, name: &str, count: usize, span: Span) -> Diagnostic {
    Diagnostic::note(codes::FEW_EXAMPLES, format!("the {kind} `{name}` has only {count} example"))
        .at(span, "")
        .help("add more examples, so that it can be learned")
}

/// The same text (letter case aside, as it is looked up) with two values.
fn synonyms(project: &Project, out: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<String, (&str, Span)> = HashMap::new();
    let mut reported: HashSet<(String, &str)> = HashSet::new();
    for synonym in &project.nlu.synonyms {
        let text = synonym.text.to_lowercase();
        let before = seen.insert(text.clone(), (&synonym.value, synonym.span));
        let Some((value, span)) = before.filter(|(value, _)| *value != synonym.value) else { continue };
        if reported.insert((text, &synonym.value)) {
            out.push(
                Diagnostic::warning(
                    codes::SYNONYM_CONFLICT,
                    format!("`{}` is a synonym of two values; the later one counts", synonym.text),
                )
                .at(synonym.span, format!("here of `{}`", synonym.value))
                .at(span, format!("here of `{value}`")),
            );
        }
    }
}

fn regexes(project: &Project, out: &mut Vec<Diagnostic>) {
    for regex in &project.nlu.regexes {
        if let Err(problem) = pattern::compile(&regex.pattern) {
            out.push(
                Diagnostic::error(
                    codes::BAD_REGEX,
                    format!("the regular expression of `{}` does not compile: {problem}", regex.name),
                )
                .at(regex.span, "")
                .help("put a backslash before characters such as ( [ { * + ? that mean themselves"),
            );
        }
    }
}

/// Annotations that begin or end within a word, where words are what a tagger
/// learns. Other ends that fit no token are found in training.
fn misaligned(project: &Project, out: &mut Vec<Diagnostic>) {
    let pipeline = &project.config.pipeline;
    let splits_at_blanks = |component: &ComponentConfig| {
        component.name == "WhitespaceTokenizer" && !component.options.contains_key("token_pattern")
    };
    let learns_entities = |component: &ComponentConfig| TAGGERS.contains(&component.name.as_str());
    if !pipeline.iter().any(splits_at_blanks) || !pipeline.iter().any(learns_entities) {
        return;
    }
    for example in project.nlu.examples.iter().filter(|example| !example.entities.is_empty()) {
        let text: Vec<char> = example.text.chars().collect();
        let is_letter = |at: usize| text.get(at).is_some_and(|ch| ch.is_alphanumeric());
        let is_inside = |at: usize| at.checked_sub(1).is_some_and(is_letter) && is_letter(at);
        let wrong = example.entities.iter().find(|entity| is_inside(entity.start) || is_inside(entity.end));
        if let Some(entity) = wrong {
            let message =
                format!("the annotation of entity `{}` does not begin and end with whole tokens", entity.entity);
            out.push(
                Diagnostic::warning(codes::MISALIGNED_ENTITY, message)
                    .at(example.span, "")
                    .help("annotate whole words, without the punctuation around them"),
            );
        }
    }
}
