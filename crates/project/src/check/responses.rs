//! Responses: buttons, placeholders, conditions, use.

use super::{fallback_actions, unknown_entity, unknown_intent, unknown_slot};
use crate::annotation::{payload_entities, payload_intent, payload_json_part};
use crate::domain::{Domain, ResponseVariation};
use crate::load::all_steps;
use crate::placeholders::{Piece, Template};
use crate::{Diagnostic, Project, Severity, Span, StepKind, codes};
use sapa_sdk::JsonMap;
use serde_json::Value;
use std::collections::BTreeSet;

/// Responses that default actions send when they are defined.
const DEFAULT_RESPONSES: [&str; 5] =
    ["utter_default", "utter_restart", "utter_back", "utter_ask_rephrase", "utter_action_failed"];

/// Parts of a response in which slots are filled (spec §3.9).
const FILLED: [&str; 6] = ["text", "image", "custom", "buttons", "attachment", "quick_replies"];

/// Every variation of every response, with the response's name and its own place.
pub(super) fn variations(project: &Project) -> impl Iterator<Item = (&str, &ResponseVariation, Span)> {
    project.domain.responses.iter().flat_map(|(name, variations)| {
        let places = project.domain_spans.variations.get(name).map(Vec::as_slice).unwrap_or_default();
        variations.iter().zip(places).map(move |(variation, span)| (name.as_str(), variation, *span))
    })
}

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    for (name, variation, span) in variations(project) {
        let what = format!("the response `{name}`");
        placeholders(&what, variation, span, &project.domain, out);
        braces(&what, variation, span, out);
        unfillable(&what, variation, span, &project.domain, out);
    }
    conditions(project, out);
    buttons(project, out);
    retrieval(project, out);
    unused(project, out);
}

/// Payloads of buttons that name an intent or an entity that is not known.
fn buttons(project: &Project, out: &mut Vec<Diagnostic>) {
    for payload in &project.domain_spans.payloads {
        let what = format!("a button of the response `{}`", payload.owner);
        let (span, domain) = (payload.span, &project.domain);
        let Some(intent) = payload_intent(&payload.name) else { continue };
        if !domain.intents.contains_key(intent.split('/').next().unwrap_or(intent)) {
            out.push(unknown_intent(codes::BUTTON_INTENT, intent, &what, span, domain));
        }
        // Braces are doubled where they are not to be taken for a placeholder.
        let sent = payload.name.replace("{{", "{").replace("}}", "}");
        payload_json(&payload.name, &sent, &what, span, out);
        let given = payload_entities(&sent);
        let names: BTreeSet<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        for name in names.into_iter().filter(|name| !domain.entities.contains_key(*name)) {
            out.push(unknown_entity(codes::BUTTON_ENTITY, name, &what, span, domain));
        }
    }
}

/// What is in a payload's braces must be the JSON of entities, unless slots are
/// filled into it first.
fn payload_json(written: &str, sent: &str, what: &str, span: Span, out: &mut Vec<Diagnostic>) {
    let Some(json) = payload_json_part(sent).filter(|_| placeholder_names(written).is_empty()) else { return };
    if let Err(error) = serde_json::from_str::<JsonMap>(json) {
        let message = format!("what {what} sends behind the intent is no JSON object: {error}");
        out.push(
            Diagnostic::warning(codes::PAYLOAD_NO_JSON, message)
                .at(span, "the entities in it would be lost")
                .help("put names and texts in double quotes: '/inform{{\"room\": \"anggrek\"}}'"),
        );
    }
}

/// A text that cannot be filled: sending it would fail (spec §3.9).
fn braces(what: &str, variation: &ResponseVariation, span: Span, out: &mut Vec<Diagnostic>) {
    let texts = FILLED.iter().filter_map(|key| variation.content.get(*key));
    if let Some(text) = texts.filter_map(unbalanced).next() {
        out.push(
            Diagnostic::warning(codes::UNBALANCED_BRACE, format!("the braces of {what} do not match in `{text}`"))
                .at(span, "it cannot be sent")
                .help("write `{name}` for a slot's value, and `{{` or `}}` for a brace that is sent"),
        );
    }
}

/// The first text in which a single brace opens or closes nothing.
fn unbalanced(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Template::parse(text).is_err().then_some(text),
        Value::Array(items) => items.iter().find_map(unbalanced),
        Value::Object(map) => map.values().find_map(unbalanced),
        _ => None,
    }
}

/// Slots that a text names in a way in which they are never filled (spec §3.9).
fn unfillable(what: &str, variation: &ResponseVariation, span: Span, domain: &Domain, out: &mut Vec<Diagnostic>) {
    let Some(text) = variation.content.get("text").and_then(Value::as_str) else { return };
    let Ok(Some(template)) = Template::parse(text) else { return };
    let of_slot = |piece: &Piece<'_>| match piece {
        Piece::Placeholder(inner) => {
            let (slot, rest) = inner.split_at(inner.find(['.', '[', ':', '!']).unwrap_or(inner.len()));
            (!rest.is_empty() && domain.slots.contains_key(slot.trim())).then(|| slot.trim().to_owned())
        }
        _ => None,
    };
    let (name, cure) = match (template.pieces.iter().find_map(of_slot), template.names().next()) {
        (Some(slot), _) => {
            (slot.clone(), format!("write `{{{slot}}}`, and have a custom action set the slot as it is to be shown"))
        }
        (None, Some(name)) if template.has_escaped_tag && domain.slots.contains_key(name) => (
            name.to_owned(),
            "a text with a doubled tag such as `{{x}}` is sent as it stands: leave the tag out".to_owned(),
        ),
        _ => return,
    };
    out.push(
        Diagnostic::warning(codes::NEVER_FILLED, format!("the slot `{name}` is never filled into {what}"))
            .at(span, "sent as it stands")
            .help(cure),
    );
}

/// Retrieval intents that have no response: the bot would say nothing.
fn retrieval(project: &Project, out: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    let keyed = project.nlu.examples.iter().filter(|example| example.intent.contains('/'));
    for example in keyed.filter(|example| seen.insert(example.intent.as_str())) {
        let name = format!("utter_{}", example.intent);
        // Where a base has no response at all, another component may answer.
        let of_base = format!("utter_{}/", example.base_intent());
        let is_answered = project.domain.responses.keys().any(|known| known.starts_with(&of_base));
        if is_answered && !project.domain.responses.contains_key(&name) {
            let known = project.domain.responses.keys().map(String::as_str);
            out.push(
                Diagnostic::warning(
                    codes::RETRIEVAL_RESPONSE,
                    format!("the retrieval intent `{}` has no response `{name}`", example.intent),
                )
                .at(example.span, "its first example")
                .help(crate::suggest::cure(&name, known, &format!("add `{name}:` to `responses:`"))),
            );
        }
    }
}

/// Placeholders that no slot fills. A note, for a custom action may fill them.
fn placeholders(what: &str, variation: &ResponseVariation, span: Span, domain: &Domain, out: &mut Vec<Diagnostic>) {
    let names = placeholders_of(variation);
    for name in names.iter().filter(|name| !domain.slots.contains_key(name.as_str())) {
        let known = domain.slots.keys().map(String::as_str);
        out.push(
            Diagnostic::note(codes::PLACEHOLDER, format!("no slot fills the placeholder `{{{name}}}` of {what}"))
                .at(span, "unless a custom action fills it, the text is sent as it stands")
                .help(crate::suggest::cure(
                    name,
                    known,
                    &format!("add the slot `{name}`, or have a custom action pass it"),
                )),
        );
    }
}

/// The names in single braces that a variation sends.
pub(super) fn placeholders_of(variation: &ResponseVariation) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for key in FILLED {
        if let Some(value) = variation.content.get(key) {
            collect_placeholders(value, &mut names);
        }
    }
    names
}

fn collect_placeholders(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names.extend(placeholder_names(text).into_iter().map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| collect_placeholders(item, names)),
        Value::Object(map) => map.values().for_each(|item| collect_placeholders(item, names)),
        _ => {}
    }
}

/// Names of slots in a text; none in one that cannot be filled.
fn placeholder_names(text: &str) -> Vec<&str> {
    Template::parse(text).ok().flatten().map(|template| template.names().collect()).unwrap_or_default()
}

/// Slots that conditions name and that are not known.
fn conditions(project: &Project, out: &mut Vec<Diagnostic>) {
    let domain = &project.domain;
    for place in project.domain_spans.condition_slots.iter().filter(|place| !domain.slots.contains_key(&place.name)) {
        let what = format!("a condition of the response `{}`", place.owner);
        let mut diagnostic = unknown_slot(&place.name, &what, place.span, domain);
        (diagnostic.code, diagnostic.severity) = (codes::CONDITION_SLOT, Severity::Warning);
        out.push(diagnostic);
    }
}

/// Responses that no story, rule or form uses. A custom action may still use
/// them, so this is a note only.
fn unused(project: &Project, out: &mut Vec<Diagnostic>) {
    if project.stories.is_empty() {
        return;
    }
    let mut used: BTreeSet<&str> = DEFAULT_RESPONSES.into_iter().collect();
    for step in project.stories.iter().flat_map(all_steps) {
        if let StepKind::Action(name) = &step.kind {
            used.insert(name);
        }
    }
    used.extend(fallback_actions(project).map(|(_, name)| name));
    let is_used = |name: &str| used.contains(name) || name.starts_with("utter_ask_") || name.contains('/');
    for (name, span) in project.domain_spans.responses.iter().filter(|(name, _)| !is_used(name)) {
        out.push(
            Diagnostic::note(codes::UNUSED_RESPONSE, format!("no story or rule uses the response `{name}`"))
                .at(*span, ""),
        );
    }
}
