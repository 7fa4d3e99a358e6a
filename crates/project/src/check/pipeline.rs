//! Training data that the pipeline has no component for: nobody learns it, and
//! nothing else would say so. As Rasa's own validation of the default recipe.

use crate::components::{Role, find};
use crate::load::all_steps;
use crate::{ComponentConfig, Diagnostic, Project, Span, Step, StepKind, codes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Components that learn entities from annotations.
const LEARN_ENTITIES: [&str; 3] = ["CRFEntityExtractor", "DIETClassifier", "MitieEntityExtractor"];
/// Components that know entities of their own; which ones, is not looked at.
const KNOW_ENTITIES: [&str; 2] = ["DucklingEntityExtractor", "SpacyEntityExtractor"];
/// Components that tell roles and groups apart.
const LEARN_ROLES: [&str; 2] = ["CRFEntityExtractor", "DIETClassifier"];
/// Components that read regular expressions and lookup tables.
const READ_PATTERNS: [&str; 2] = ["RegexFeaturizer", "RegexEntityExtractor"];
/// The component that predicts `nlu_fallback`.
const FALLBACK: &str = "FallbackClassifier";
/// Most names that one finding lists.
const MOST_NAMES: usize = 5;

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    // A component that is not known may do anything; an empty list says that
    // nothing is to be understood here.
    if project.config.has_unknown_components || project.config.pipeline.is_empty() {
        return;
    }
    out.extend(classifier(project));
    out.extend(entities(project));
    out.extend(roles(project));
    out.extend(patterns(project));
    out.extend(synonyms(project));
    out.extend(selector(project));
    out.extend(idle_fallback(project));
    out.extend(early_fallback(project));
}

/// Whether the pipeline has one of these.
fn has(project: &Project, names: &[&str]) -> bool {
    project.config.pipeline.iter().any(|component| names.contains(&component.name.as_str()) && !is_off(component))
}

/// DIETClassifier does half of its work where an option says so.
fn is_off(component: &ComponentConfig) -> bool {
    component.options.get("entity_recognition") == Some(&Value::Bool(false))
}

fn unused(message: impl Into<String>, place: Span, cure: &str) -> Diagnostic {
    Diagnostic::warning(codes::UNUSED_TRAINING_DATA, message)
        .at(place, "this, for one, is used by no component of the pipeline")
        .help(cure)
}

/// Whether a component names intents of its own accord.
fn classifies(component: &ComponentConfig) -> bool {
    find(&component.name).is_none_or(|known| known.role == Role::Classifier)
        && component.name != FALLBACK
        && component.options.get("intent_classification") != Some(&Value::Bool(false))
}

/// Intents that nobody tells apart.
fn classifier(project: &Project) -> Option<Diagnostic> {
    let mut examples = project.nlu.examples.iter().filter(|example| !example.intent.is_empty());
    let first = examples.next()?;
    examples.find(|example| example.base_intent() != first.base_intent())?;
    (!project.config.pipeline.iter().any(classifies)).then(|| {
        unused(
            "there are examples of several intents, but the pipeline has no intent classifier",
            first.span,
            "add e.g. `- name: LogisticRegressionClassifier` to `pipeline` of config.yml, behind the featurizers",
        )
    })
}

/// Entities that nobody finds. RegexEntityExtractor finds those that have a
/// regular expression or lookup table of their name (spec §2.5): where some have,
/// the others may be there for the words they mark.
fn entities(project: &Project) -> Option<Diagnostic> {
    if has(project, &LEARN_ENTITIES) || has(project, &KNOW_ENTITIES) {
        return None;
    }
    let mut places: BTreeMap<&str, Span> = BTreeMap::new();
    for example in &project.nlu.examples {
        for entity in &example.entities {
            places.entry(&entity.entity).or_insert(example.span);
        }
    }
    let regexes = project.nlu.regexes.iter().map(|regex| regex.name.as_str());
    let is_matched =
        regexes.chain(project.nlu.lookups.iter().map(|lookup| &*lookup.name)).any(|name| places.contains_key(name));
    let place = *places.values().min()?;
    let names = list(places.keys().copied());
    match (has(project, &["RegexEntityExtractor"]), is_matched) {
        (true, true) => None,
        (true, false) => Some(unused(
            format!("{names} is annotated, but RegexEntityExtractor has no pattern of that name to find it by"),
            place,
            "add a `lookup` or `regex` of the entity's name to the NLU data, or CRFEntityExtractor to `pipeline`",
        )),
        (false, _) => Some(unused(
            format!("{names} is annotated, but the pipeline has no entity extractor"),
            place,
            "add e.g. `- name: CRFEntityExtractor` to `pipeline` of config.yml",
        )),
    }
}

/// The first names, and how many more there are.
fn list<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let shown: Vec<String> = names.take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    let kind = if shown.len() == 1 { "the entity" } else { "each of the entities" };
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{kind} {}{rest}", shown.join(", "))
}

/// Roles and groups that nobody tells apart.
fn roles(project: &Project) -> Option<Diagnostic> {
    let has_label = |example: &&crate::nlu::Example| {
        example.entities.iter().any(|entity| entity.role.is_some() || entity.group.is_some())
    };
    let example = project.nlu.examples.iter().find(has_label)?;
    // Where nothing learns entities at all, that is said.
    let is_used = has(project, &LEARN_ROLES) || entities(project).is_some();
    (!is_used).then(|| {
        unused(
            "entities are annotated with roles or groups, but no component of the pipeline learns them",
            example.span,
            "add `- name: CRFEntityExtractor` to `pipeline` of config.yml",
        )
    })
}

/// Regular expressions and lookup tables that nobody reads.
fn patterns(project: &Project) -> Vec<Diagnostic> {
    if has(project, &READ_PATTERNS) {
        return Vec::new();
    }
    let regex = project.nlu.regexes.first().map(|regex| ("regular expressions", regex.span));
    let lookup = project.nlu.lookups.first().map(|lookup| ("lookup tables", lookup.span));
    let finding = |(what, place): (&str, Span)| {
        unused(
            format!("there are {what}, but the pipeline has neither RegexFeaturizer nor RegexEntityExtractor"),
            place,
            "add `- name: RegexFeaturizer` behind the tokenizer, or `- name: RegexEntityExtractor`",
        )
    };
    regex.into_iter().chain(lookup).map(finding).collect()
}

/// Synonyms that nobody maps.
fn synonyms(project: &Project) -> Option<Diagnostic> {
    let synonym = project.nlu.synonyms.first()?;
    (!has(project, &["EntitySynonymMapper"])).then(|| {
        unused(
            "there are synonyms, but the pipeline has no EntitySynonymMapper",
            synonym.span,
            "add `- name: EntitySynonymMapper` to `pipeline` of config.yml, behind the entity extractors",
        )
    })
}

/// Retrieval intents with responses among which nobody chooses.
fn selector(project: &Project) -> Option<Diagnostic> {
    let bases: BTreeSet<&str> = project
        .domain
        .responses
        .keys()
        .filter_map(|name| name.strip_prefix("utter_")?.split_once('/').map(|(base, _)| base))
        .collect();
    let is_keyed =
        |example: &&crate::nlu::Example| example.intent.contains('/') && bases.contains(example.base_intent());
    let example = project.nlu.examples.iter().find(is_keyed)?;
    (!has(project, &["ResponseSelector"])).then(|| {
        let base = example.base_intent();
        unused(
            format!("the retrieval intent `{base}` has responses, but the pipeline has no ResponseSelector"),
            example.span,
            "add `- name: ResponseSelector` to `pipeline` of config.yml, behind the featurizers",
        )
    })
}

/// A rule for `nlu_fallback` that no message reaches.
fn idle_fallback(project: &Project) -> Option<Diagnostic> {
    let is_fallback = |step: &&Step| match &step.kind {
        StepKind::User(user) => user.intent.as_deref() == Some("nlu_fallback"),
        _ => false,
    };
    let step = project.stories.iter().flat_map(all_steps).find(is_fallback)?;
    // An example of one's own may teach it.
    let is_learnt = project.nlu.examples.iter().any(|example| example.intent == "nlu_fallback");
    (!has(project, &[FALLBACK]) && !is_learnt).then(|| {
        let message = "`nlu_fallback` is waited for, but the pipeline has no FallbackClassifier, which predicts it";
        Diagnostic::warning(codes::FALLBACK_NEVER, message)
            .at(step.span, "no message that is not understood comes here")
            .help("add `- name: FallbackClassifier` to the end of `pipeline` of config.yml")
    })
}

/// What FallbackClassifier doubts, a classifier behind it says anew.
fn early_fallback(project: &Project) -> Option<Diagnostic> {
    let pipeline = &project.config.pipeline;
    let at = pipeline.iter().position(|component| component.name == FALLBACK)?;
    let later = pipeline.iter().skip(at).find(|component| classifies(component))?;
    let is_first = !pipeline.iter().take(at).any(classifies);
    // Where it is the first, that is an error of its own.
    (!is_first).then(|| {
        let message = format!("FallbackClassifier stands before {}, which may overwrite what it says", later.name);
        Diagnostic::warning(codes::FALLBACK_TOO_EARLY, message)
            .at(pipeline.get(at).map(|component| component.span).unwrap_or_default(), "")
            .at(later.span, "this one may name the intent anew")
            .help("put FallbackClassifier behind the last intent classifier")
    })
}
