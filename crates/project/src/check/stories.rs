//! Stories and rules against the domain.

use super::{is_loop, unknown_action, unknown_entity, unknown_form_action, unknown_intent, unknown_slot};
use crate::domain::SlotType;
use crate::load::all_steps;
use crate::story::{SlotStep, UserStep};
use crate::{Diagnostic, Domain, Project, Span, Step, StepKind, Story, StoryKind, codes, suggest};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Names that stories and rules use.
pub(super) fn check<'d>(stories: &'d [Story], domain: &'d Domain) -> Vec<Diagnostic> {
    let actions: HashSet<&str> = domain.action_names.iter().map(String::as_str).collect();
    let loops = stories.iter().flat_map(all_steps).filter_map(loop_name).collect();
    let mut names = Names { domain, actions, loops, out: Vec::new() };
    for story in stories {
        let what = match story.kind {
            StoryKind::Story => format!("the story `{}`", story.name),
            StoryKind::Rule { .. } => format!("the rule `{}`", story.name),
        };
        for step in all_steps(story) {
            names.step(&what, step);
        }
    }
    names.out
}

/// The loop that a step says is active.
pub(super) fn loop_name(step: &Step) -> Option<&str> {
    match &step.kind {
        StepKind::ActiveLoop(name) => name.as_deref(),
        _ => None,
    }
}

struct Names<'d> {
    domain: &'d Domain,
    actions: HashSet<&'d str>,
    /// Loops that steps name: an action of such a name is a form.
    loops: HashSet<&'d str>,
    out: Vec<Diagnostic>,
}

impl Names<'_> {
    fn step(&mut self, what: &str, step: &Step) {
        match &step.kind {
            StepKind::User(user) => self.user(what, user, step.span),
            StepKind::Action(name) if !self.actions.contains(name.as_str()) => {
                let unknown = if self.loops.contains(name.as_str()) { unknown_form_action } else { unknown_action };
                self.out.push(unknown(name, what, step.span, self.domain))
            }
            StepKind::Checkpoint { slots, .. } | StepKind::SlotWasSet(slots) => {
                slots.iter().for_each(|slot| self.slot(what, slot))
            }
            StepKind::ActiveLoop(Some(name)) if !is_loop(name, self.domain) => {
                let known = self.domain.forms.keys().map(String::as_str);
                let otherwise = match name.as_str() {
                    "null" | "None" | "~" => {
                        "write `active_loop: null` without quotes: no form is active then".to_owned()
                    }
                    _ => format!("add `{name}:` to `forms:` of the domain"),
                };
                self.out.push(
                    Diagnostic::error(
                        codes::UNKNOWN_FORM,
                        format!("{what} names the form `{name}`, which is not in the domain"),
                    )
                    .at(step.span, "")
                    .help(suggest::cure(name, known, &otherwise)),
                );
            }
            StepKind::Or(steps) => steps.iter().for_each(|step| self.step(what, step)),
            _ => {}
        }
    }

    fn user(&mut self, what: &str, user: &UserStep, span: Span) {
        if let Some(intent) = user.intent.as_deref().filter(|intent| !self.domain.intents.contains_key(*intent)) {
            self.out.push(unknown_intent(codes::UNKNOWN_STORY_INTENT, intent, what, span, self.domain));
        }
        for entity in user.entities.iter().filter(|entity| !self.domain.entities.contains_key(&entity.entity)) {
            self.out.push(unknown_entity(codes::UNKNOWN_STORY_ENTITY, &entity.entity, what, entity.span, self.domain));
        }
        for entity in &user.entities {
            let Some(known) = self.domain.entities.get(&entity.entity) else { continue };
            let role = entity.role.as_deref().filter(|_| !known.roles.is_empty());
            let group = entity.group.as_deref().filter(|_| !known.groups.is_empty());
            self.out.extend(super::domain::unknown_label(&entity.entity, known, role, group, entity.span));
        }
    }

    fn slot(&mut self, what: &str, step: &SlotStep) {
        let Some(slot) = self.domain.slots.get(&step.name) else {
            self.out.push(unknown_slot(&step.name, what, step.span, self.domain));
            return;
        };
        let has_default = matches!(slot.slot_type, SlotType::Text | SlotType::List);
        if step.value.is_none() && slot.influence_conversation && !has_default {
            self.out.push(
                Diagnostic::warning(
                    codes::SLOT_WITHOUT_VALUE,
                    format!("{what} sets the slot `{}` without a value, which means null", step.name),
                )
                .at(step.span, "")
                .help(format!("write `- {}: <value>`", step.name)),
            );
        }
    }
}

/// What needs the rest of the project.
pub(super) fn check_project(project: &Project, out: &mut Vec<Diagnostic>) {
    user_turns_of_rules(project, out);
    checkpoints(&project.stories, out);
    rule_names(&project.stories, out);
    unused_intents(project, out);
}

/// A rule has at most one user turn, unless `restrict_rules: false`.
fn user_turns_of_rules(project: &Project, out: &mut Vec<Diagnostic>) {
    let is_free =
        project.config.policies.iter().any(|policy| policy.options.get("restrict_rules") == Some(&false.into()));
    let is_user = |step: &&Step| match &step.kind {
        StepKind::User(_) => true,
        StepKind::Or(steps) => steps.iter().any(|step| matches!(step.kind, StepKind::User(_))),
        _ => false,
    };
    for story in project.stories.iter().filter(|story| !is_free && matches!(story.kind, StoryKind::Rule { .. })) {
        let mut turns = story.steps.iter().filter(is_user);
        if let (Some(first), Some(second)) = (turns.next(), turns.next()) {
            out.push(
                Diagnostic::error(
                    codes::RULE_SEVERAL_USER_TURNS,
                    format!("the rule `{}` has more than one user turn", story.name),
                )
                .at(second.span, "the second one")
                .at(first.span, "the first one")
                .help("make it a story, or split it into rules with one user turn each"),
            );
        }
    }
}

/// A checkpoint at the start of a story needs one that leads to it, and the
/// other way round.
fn checkpoints(stories: &[Story], out: &mut Vec<Diagnostic>) {
    let (mut starts, mut ends) = (BTreeMap::new(), BTreeMap::new());
    for story in stories {
        let mut is_start = true;
        for step in &story.steps {
            if let StepKind::Checkpoint { name, .. } = &step.kind {
                let places = if is_start { &mut starts } else { &mut ends };
                places.entry(name.as_str()).or_insert(step.span);
            } else {
                is_start = false;
            }
        }
    }
    let lonely = |from: &BTreeMap<&str, Span>, to: &BTreeMap<&str, Span>, text: &str| -> Vec<Diagnostic> {
        let unconnected = from.iter().filter(|(name, _)| !to.contains_key(**name));
        let finding = |(name, span): (&&str, &Span)| {
            Diagnostic::warning(codes::CHECKPOINT_UNCONNECTED, format!("no story {text} the checkpoint `{name}`"))
                .at(*span, "")
                .help(suggest::cure(name, to.keys().copied(), "remove it, or add the other end"))
        };
        unconnected.map(finding).collect()
    };
    out.extend(lonely(&starts, &ends, "leads to"));
    out.extend(lonely(&ends, &starts, "continues from"));
}

/// Two rules of one name are legal, but findings about them are hard to read.
fn rule_names(stories: &[Story], out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for story in stories.iter().filter(|story| matches!(story.kind, StoryKind::Rule { .. })) {
        if let Some(first) = seen.get(story.name.as_str()) {
            out.push(
                Diagnostic::note(codes::DUPLICATE_RULE_NAME, format!("two rules have the name `{}`", story.name))
                    .at(story.span, "again here")
                    .at(*first, "first here"),
            );
        } else {
            seen.insert(&story.name, story.span);
        }
    }
}

/// Intents of the domain that no story, rule, mapping or form uses.
fn unused_intents(project: &Project, out: &mut Vec<Diagnostic>) {
    if project.stories.is_empty() {
        return;
    }
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for step in project.stories.iter().flat_map(all_steps) {
        if let StepKind::User(UserStep { intent: Some(intent), .. }) = &step.kind {
            used.insert(intent);
        }
    }
    let mappings = project.domain.slots.values().flat_map(|slot| &slot.mappings);
    used.extend(mappings.flat_map(|mapping| mapping.intent.iter().chain(&mapping.not_intent)).map(String::as_str));
    used.extend(project.domain.forms.values().flat_map(|form| &form.ignored_intents).map(String::as_str));
    let defaults = crate::domain::DEFAULT_INTENTS;
    let unused = project
        .domain_spans
        .intents
        .iter()
        .filter(|(name, _)| !used.contains(name.as_str()) && !defaults.contains(&name.as_str()));
    for (name, span) in unused {
        out.push(
            Diagnostic::note(codes::UNUSED_INTENT, format!("no story or rule uses the intent `{name}`")).at(*span, ""),
        );
    }
}
