//! Forms and loops as stories use them.

use super::stories::loop_name;
use super::{DEFAULT_LOOPS, is_form_name};
use crate::load::all_steps;
use crate::{Diagnostic, Project, Step, StepKind, Story, StoryKind, codes};

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    listed_loops(project, out);
    silent_forms(project, out);
    rephrasing(project, out);
}

/// A loop by the name of a form that only `actions` knows: the action server
/// would have to run it.
fn listed_loops(project: &Project, out: &mut Vec<Diagnostic>) {
    let domain = &project.domain;
    let is_listed = |name: &str| {
        is_form_name(name) && !domain.forms.contains_key(name) && domain.actions.iter().any(|a| a.name == name)
    };
    for (name, step) in steps(project).filter_map(|step| Some((loop_name(step)?, step))) {
        if is_listed(name) {
            let message = format!("`{name}` is listed under `actions`, and is no form: nothing asks for slots");
            out.push(
                Diagnostic::warning(codes::LOOP_NO_FORM, message)
                    .at(step.span, "the action server is asked to run this loop")
                    .help(format!("add `{name}:` with its `required_slots` to `forms:` of the domain")),
            );
        }
    }
}

/// A story that runs a form and never says that it is active: while the bot runs
/// it is, so that what the story shows does not happen.
fn silent_forms(project: &Project, out: &mut Vec<Diagnostic>) {
    for story in project.stories.iter().filter(|story| story.kind == StoryKind::Story) {
        let mut steps = story.steps.iter().peekable();
        while let Some(step) = steps.next() {
            let StepKind::Action(name) = &step.kind else { continue };
            let says_so = steps.peek().is_some_and(|next| matches!(next.kind, StepKind::ActiveLoop(_)));
            if says_so || !project.domain.forms.contains_key(name) || is_said_elsewhere(story, name) {
                continue;
            }
            let message =
                format!("the story `{}` runs the form `{name}` and does not say that it is active", story.name);
            out.push(
                Diagnostic::warning(codes::FORM_WITHOUT_LOOP, message)
                    .at(step.span, "")
                    .help(format!("add `- active_loop: {name}` behind it, and `- active_loop: null` where it ends")),
            );
            break;
        }
    }
}

/// Whether any step of the story says that the form is active: then it may run
/// here once more, or end at once.
fn is_said_elsewhere(story: &Story, form: &str) -> bool {
    story.steps.iter().any(|step| loop_name(step) == Some(form))
}

/// The two-stage fallback asks to rephrase with a response of the domain, and has
/// no text of its own for that (spec §3.8).
fn rephrasing(project: &Project, out: &mut Vec<Diagnostic>) {
    const ASK: &str = "utter_ask_rephrase";
    let domain = &project.domain;
    if domain.responses.contains_key(ASK) || domain.is_custom_action("action_default_ask_rephrase") {
        return;
    }
    let uses = |step: &&Step| matches!(&step.kind, StepKind::Action(name) if DEFAULT_LOOPS.contains(&name.as_str()));
    if let Some(step) = steps(project).find(uses) {
        out.push(
            Diagnostic::warning(
                codes::NO_REPHRASE_TEXT,
                format!("the two-stage fallback asks with `{ASK}`, which is not defined"),
            )
            .at(step.span, "the second stage would say nothing")
            .help(format!("add `{ASK}:` to `responses:` of the domain")),
        );
    }
}

fn steps(project: &Project) -> impl Iterator<Item = &Step> {
    project.stories.iter().flat_map(all_steps)
}
