//! What `actions` of the domain lists and is no custom action.

use crate::{Diagnostic, Domain, Project, Span, codes, suggest};

/// Actions that mark a place in a conversation: there is nothing to run, and an
/// action server that is asked for them stops the conversation.
const MARKERS: [&str; 2] = ["action_listen", "..."];

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    for (name, span) in &project.domain_spans.actions {
        out.extend(response(name, *span, project));
        out.extend(form(name, *span, &project.domain));
        out.extend(marker(name, *span));
    }
}

/// A response that is defined nowhere: nothing can be said (Rasa's "there is no
/// matching response defined"). Keys of a retrieval intent count as its response.
fn response(name: &str, span: Span, project: &Project) -> Option<Diagnostic> {
    let intent = name.strip_prefix("utter_")?;
    let responses = &project.domain.responses;
    let keys = format!("{name}/");
    let is_defined = responses.contains_key(name) || responses.keys().any(|known| known.starts_with(&keys));
    let is_retrieval = project.domain.intents.get(intent).is_some_and(|intent| intent.is_retrieval);
    if is_defined || is_retrieval {
        return None;
    }
    let known = responses.keys().map(String::as_str);
    let cure = format!("add `{name}:` to `responses:`, or remove it from `actions:`");
    Some(
        Diagnostic::warning(
            codes::RESPONSE_NOT_DEFINED,
            format!("`{name}` is listed under `actions`, but no response has that name"),
        )
        .at(span, "the bot says nothing here")
        .help(suggest::cure_or(name, known, &cure)),
    )
}

/// A form that is listed is a custom action of the form's name, as in Rasa.
fn form(name: &str, span: Span, domain: &Domain) -> Option<Diagnostic> {
    domain.forms.contains_key(name).then(|| {
        Diagnostic::warning(
            codes::FORM_AS_ACTION,
            format!("the form `{name}` is listed under `actions`, and never runs as a form"),
        )
        .at(span, "the action server is asked to run it")
        .help("remove it from `actions:`, unless your action server has an action of that name")
    })
}

/// Other default actions are listed in order to replace them; these cannot be.
fn marker(name: &str, span: Span) -> Option<Diagnostic> {
    MARKERS.contains(&name).then(|| {
        Diagnostic::warning(
            codes::CORE_ACTION_LISTED,
            format!("`{name}` is listed under `actions`, and nothing can replace it"),
        )
        .at(span, "no action server can run it")
        .help("remove it from `actions:`; it is always there")
    })
}
