//! Findings across files (spec §7, "data validate checks").
//!
//! Contradictions between rules and stories are not looked for here.

mod actions;
mod annotations;
mod domain;
mod fillable;
mod loops;
mod lost;
mod nlu;
mod pipeline;
mod responses;
mod stories;
mod unused;
mod values;

use crate::{ComponentConfig, Diagnostic, Domain, Project, Story, codes, load};

/// Loops that need no form.
const DEFAULT_LOOPS: [&str; 1] = ["action_two_stage_fallback"];

/// Findings that say nothing while the domain could not be read.
const NEED_DOMAIN: [&str; 9] = [
    codes::UNKNOWN_ACTION,
    codes::UNKNOWN_SLOT,
    codes::UNKNOWN_FORM,
    codes::UNKNOWN_STORY_INTENT,
    codes::UNKNOWN_STORY_ENTITY,
    codes::NLU_INTENT_NOT_IN_DOMAIN,
    codes::NLU_ENTITY_NOT_IN_DOMAIN,
    codes::BUTTON_INTENT,
    codes::BUTTON_ENTITY,
];

/// Findings of something that is nowhere, which say nothing while a file could
/// not be read: it may stand there.
pub const NEED_ALL_FILES: [&str; 11] = [
    codes::RESPONSE_NOT_DEFINED,
    codes::UNUSED_INTENT,
    codes::UNUSED_RESPONSE,
    codes::UNUSED_SLOT,
    codes::UNUSED_ACTION,
    codes::RETRIEVAL_RESPONSE,
    codes::STORY_CONFLICT,
    codes::INTENT_WITHOUT_EXAMPLES,
    codes::CHECKPOINT_UNCONNECTED,
    codes::UNREACHED_CHECKPOINT,
    codes::OPEN_CHECKPOINT,
];

/// Checks a project's files against each other; findings sorted by place.
pub fn check(project: &Project) -> Vec<Diagnostic> {
    let mut out = stories::check(&project.stories, &project.domain);
    stories::check_project(project, &mut out);
    domain::check(project, &mut out);
    fillable::check(project, &mut out);
    responses::check(project, &mut out);
    unused::check(project, &mut out);
    actions::check(project, &mut out);
    nlu::check(project, &mut out);
    annotations::check(project, &mut out);
    pipeline::check(project, &mut out);
    values::check(project, &mut out);
    rules_without_policy(project, &mut out);
    fallback_action(project, &mut out);
    loops::check(project, &mut out);
    lost::check(project, &mut out);
    if project.is_domain_incomplete {
        out.retain(|diagnostic| !NEED_DOMAIN.contains(&diagnostic.code));
    }
    if project.is_incomplete {
        out.retain(|diagnostic| !NEED_ALL_FILES.contains(&diagnostic.code));
    }
    load::sort(&mut out);
    out
}

/// Rules where no policy follows them: the bot would say nothing.
fn rules_without_policy(project: &Project, out: &mut Vec<Diagnostic>) {
    let is_followed = project.config.policies.iter().any(|policy| policy.name == "RulePolicy");
    let rule = project.stories.iter().find(|story| matches!(story.kind, crate::StoryKind::Rule { .. }));
    if let Some(rule) = rule.filter(|_| !is_followed) {
        out.push(
            Diagnostic::warning(codes::RULES_WITHOUT_POLICY, "there are rules, but `policies` has no RulePolicy")
                .at(rule.span, "this rule, for one, is never followed")
                .help("add `- name: RulePolicy` to `policies` of config.yml"),
        );
    }
}

/// The action that RulePolicy takes where nothing else applies (spec §3.4).
fn fallback_action(project: &Project, out: &mut Vec<Diagnostic>) {
    for (policy, name) in fallback_actions(project) {
        if !project.domain.action_names.iter().any(|known| known == name) {
            let what = format!("`core_fallback_action_name` of {}", policy.name);
            out.push(unknown_action(name, &what, policy.span, &project.domain));
        }
    }
}

/// The fallback actions that policies name, where the fallback is not switched off.
fn fallback_actions(project: &Project) -> impl Iterator<Item = (&ComponentConfig, &str)> {
    project.config.policies.iter().filter_map(|policy| {
        let option = |key: &str| policy.options.get(key);
        let is_off = option("enable_fallback_prediction") == Some(&serde_json::Value::Bool(false));
        let name = option("core_fallback_action_name")?.as_str()?;
        (!is_off).then_some((policy, name))
    })
}

/// Names used in stories against the domain.
pub(crate) fn check_stories(stories: &[Story], domain: &Domain) -> Vec<Diagnostic> {
    stories::check(stories, domain)
}

/// Whether something of that name can be an active loop.
fn is_loop(name: &str, domain: &Domain) -> bool {
    domain.forms.contains_key(name) || DEFAULT_LOOPS.contains(&name) || domain.is_custom_action(name)
}

/// An unknown intent: a warning, as in Rasa.
fn unknown_intent(code: &'static str, name: &str, used_by: &str, span: crate::Span, domain: &Domain) -> Diagnostic {
    let known = domain.intents.keys().map(String::as_str);
    Diagnostic::warning(code, format!("{used_by} names the intent `{name}`, which is not in the domain"))
        .at(span, "")
        .help(crate::suggest::cure(name, known, &format!("add `- {name}` to `intents:` of the domain")))
}

/// An unknown entity: a warning.
fn unknown_entity(code: &'static str, name: &str, used_by: &str, span: crate::Span, domain: &Domain) -> Diagnostic {
    let known = domain.entities.keys().map(String::as_str);
    let otherwise = match name {
        // As NLU data and trackers write it.
        "entity" | "value" => "stories write an entity as its name and its value: `- city: Rome`".to_owned(),
        _ => format!("add `- {name}` to `entities:` of the domain"),
    };
    Diagnostic::warning(code, format!("{used_by} names the entity `{name}`, which is not in the domain"))
        .at(span, "")
        .help(crate::suggest::cure(name, known, &otherwise))
}

/// An unknown slot: an error, as in Rasa's "Unresolved slots".
fn unknown_slot(name: &str, used_by: &str, span: crate::Span, domain: &Domain) -> Diagnostic {
    let known = domain.slots.keys().map(String::as_str);
    let otherwise = match name {
        "name" | "value" => "stories write a slot as its name and its value: `- city: Rome`".to_owned(),
        "requested_slot" => "it is there as soon as the domain has forms".to_owned(),
        _ => format!("add `{name}:` to `slots:` of the domain"),
    };
    Diagnostic::error(codes::UNKNOWN_SLOT, format!("{used_by} names the slot `{name}`, which is not in the domain"))
        .at(span, "")
        .help(crate::suggest::cure(name, known, &otherwise))
}

/// An unknown action that is a form, by its name or by how it is used: listed
/// under `actions`, the action server would be asked to run it.
fn unknown_form_action(name: &str, used_by: &str, span: crate::Span, domain: &Domain) -> Diagnostic {
    let known = domain.forms.keys().map(String::as_str);
    let cure = format!("add `{name}:` with its `required_slots` to `forms:` of the domain");
    Diagnostic::error(codes::UNKNOWN_ACTION, format!("{used_by} names the form `{name}`, which is not in the domain"))
        .at(span, "")
        .help(crate::suggest::cure(name, known, &cure))
}

/// Whether a name is that of a form, by Rasa's custom: `action_submit_form` is none.
fn is_form_name(name: &str) -> bool {
    let is_other = ["action_", "utter_", "validate_"].iter().any(|start| name.starts_with(start));
    !is_other && (name.ends_with("_form") || name.starts_with("form_"))
}

/// An unknown action: an error.
fn unknown_action(name: &str, used_by: &str, span: crate::Span, domain: &Domain) -> Diagnostic {
    if is_form_name(name) {
        return unknown_form_action(name, used_by, span, domain);
    }
    let known = domain.action_names.iter().map(String::as_str);
    let section = if name.starts_with("utter_") {
        format!("`{name}:` to `responses:`")
    } else {
        format!("`- {name}` to `actions:`")
    };
    Diagnostic::error(codes::UNKNOWN_ACTION, format!("{used_by} names the action `{name}`, which is not defined"))
        .at(span, "")
        .help(crate::suggest::cure_or(name, known, &format!("add {section} of the domain")))
}

#[cfg(test)]
mod tests;
