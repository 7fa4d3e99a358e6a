//! Rules that are incomplete, and rules and stories that contradict each other
//! (spec §3.4, steps 2 and 6).

use std::collections::{BTreeMap, BTreeSet};

use sapa_project::{Diagnostic, Domain, Span, codes};
use sapa_sdk::{Event, EventBody};

use super::{Found, RulePolicy, Source};
use crate::state::{SHOULD_NOT_BE_SET, State, key};
use crate::tracker::Tracker;
use crate::training::{SNIPPET, TrainingDialogue};

/// Slots and loops that follow an action in some rule, and where.
#[derive(Default)]
struct Fingerprint {
    slots: BTreeMap<String, Span>,
    loops: BTreeMap<String, Span>,
}

/// A rule in which an action is not followed by the slots or loop that follow it
/// in another rule.
pub(super) fn incomplete_rules(dialogues: &[TrainingDialogue], blank: &Tracker) -> Vec<Diagnostic> {
    let rules: Vec<&TrainingDialogue> = dialogues.iter().filter(|d| d.is_rule).collect();
    let domain = blank.domain();
    let fingerprints = fingerprints(&rules, domain);
    let mut findings = Vec::new();
    for rule in rules {
        let mut tracker = blank.clone();
        let mut last_action: Option<(&str, Span)> = None;
        for event in &rule.events {
            if let EventBody::Action { name, .. } = &event.event.body {
                if let (Some((before, span)), Some(next)) = (last_action, name.as_deref())
                    && next != SNIPPET
                    && let Some(fingerprint) = fingerprints.get(before)
                {
                    let state = tracker.current().state(domain, false);
                    findings.extend(missing(rule, (before, span), fingerprint, &state, domain));
                }
                last_action = name.as_deref().map(|name| (name, event.span));
            }
            tracker.update(event.event.clone());
        }
    }
    findings
}

fn fingerprints(rules: &[&TrainingDialogue], domain: &Domain) -> BTreeMap<String, Fingerprint> {
    let mut fingerprints: BTreeMap<String, Fingerprint> = BTreeMap::new();
    for rule in rules {
        let mut action: Option<&str> = None;
        for event in &rule.events {
            match (&event.event.body, action) {
                (EventBody::Action { name, .. }, _) => action = name.as_deref().filter(|name| *name != SNIPPET),
                (EventBody::User { .. }, _) => action = None,
                (EventBody::Slot { name, .. }, Some(action))
                    if domain.slots.get(name).is_some_and(|slot| slot.influence_conversation) =>
                {
                    fingerprints.entry(action.to_owned()).or_default().slots.insert(name.clone(), event.span);
                }
                (EventBody::ActiveLoop { name: Some(name) }, Some(action)) => {
                    fingerprints.entry(action.to_owned()).or_default().loops.insert(name.clone(), event.span);
                }
                _ => {}
            }
        }
    }
    fingerprints
}

fn missing(
    rule: &TrainingDialogue,
    (action, span): (&str, Span),
    fingerprint: &Fingerprint,
    state: &State,
    domain: &Domain,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let report = |what: String, other: Span| {
        Diagnostic::error(codes::INCOMPLETE_RULE, format!("rule `{}` is incomplete: after `{action}` {what} is missing", rule.name))
            .at(span, "nothing follows here")
            .at(other, "but in this rule it does")
            .help("write the same slots and loop after the action in every rule, or end the rule with `wait_for_user_input: false`")
    };
    for (slot, other) in &fingerprint.slots {
        if !state.slots.contains_key(slot) {
            findings.push(report(format!("the slot `{slot}`"), *other));
        }
    }
    let active = match &state.active_loop {
        Some(crate::state::LoopState::Active(name)) => Some(name.as_str()),
        Some(crate::state::LoopState::ShouldNotBeSet) => Some(SHOULD_NOT_BE_SET),
        None => None,
    };
    if let Some((name, other)) = fingerprint.loops.first_key_value()
        && !active.is_some_and(|active| fingerprint.loops.contains_key(active))
    {
        // No loop ran before: the rule starts the form and does not say so.
        if active.is_none() && domain.forms.contains_key(action) {
            findings.push(started_silently(rule, action, span, *other));
            return findings;
        }
        let what =
            if name == SHOULD_NOT_BE_SET { "`active_loop: null`".to_owned() } else { format!("`active_loop: {name}`") };
        findings.push(report(what, *other));
    }
    findings
}

/// A rule that starts a form and lacks the step which says that it runs.
fn started_silently(rule: &TrainingDialogue, form: &str, span: Span, other: Span) -> Diagnostic {
    let message = format!("rule `{}` is incomplete: after `{form}` `active_loop: {form}` is missing", rule.name);
    Diagnostic::error(codes::INCOMPLETE_RULE, message)
        .at(span, "the form is started here")
        .at(other, "another rule says here whether it runs")
        .help(format!("write `- active_loop: {form}` behind `- action: {form}`"))
}

/// Two rules that go on differently from the same states.
pub(super) fn disagreement(
    (first, place): (&str, Span),
    action: &str,
    dialogue: &TrainingDialogue,
    moment: &super::train::Moment<'_>,
) -> Diagnostic {
    let message =
        format!("rule `{}` expects `{}`, but rule `{first}` expects `{action}`", dialogue.name, moment.action);
    Diagnostic::error(codes::CONTRADICTION, message)
        .at(moment.event.span, format!("rule `{}` expects `{}` here", dialogue.name, moment.action))
        .at(place, format!("rule `{first}` expects `{action}` here"))
        .help("change one of them, or make one narrower with `condition`")
}

/// One action of a dialogue and what the policy makes of its moment.
struct Step<'a> {
    dialogue: &'a TrainingDialogue,
    gold: String,
    span: Span,
    found: Option<Found>,
}

/// Rules behind a prediction source: their name, what they say comes next, and
/// where.
type Sources = BTreeMap<String, Vec<(String, String, Span)>>;

/// What is most often forgotten where a loop would run on.
fn forgotten_end(found: &Found) -> &'static str {
    match found.source {
        Source::Builtin(_) => "write `- active_loop: null` where the form ends; else ",
        _ => "",
    }
}

impl RulePolicy {
    /// Replays all rules and stories against the policy. Marks rules that stories
    /// need; drops needless `action_listen` rules; reports contradictions with
    /// both places.
    pub(super) fn check_against(&mut self, dialogues: &[TrainingDialogue], blank: &Tracker) -> Vec<Diagnostic> {
        let sources = self.collect_sources(dialogues, blank);
        let of_forms =
            blank.domain().forms.keys().flat_map(|form| [false, true].map(|ran| super::happy_source(form, ran)));
        let of_intents = super::DEFAULT_ACTION_OF_INTENT.iter().map(|(intent, _)| super::intent_source(intent));
        self.builtin = of_forms.chain(of_intents).chain(sources.keys().cloned()).collect();
        let mut findings = Vec::new();
        let mut removed = BTreeSet::new();
        let mut used = Vec::new();
        for step in dialogues.iter().flat_map(|d| self.walk(d, blank)) {
            let Some(found) = &step.found else { continue };
            if found.action == step.gold {
                if !step.dialogue.is_rule {
                    used.push(found.source.clone());
                }
                continue;
            }
            if self.is_needless_listen(found, step.dialogue) {
                removed.insert(self.source_key(&found.source));
                continue;
            }
            if self.options.check_for_contradictions && !removed.contains(&self.source_key(&found.source)) {
                findings.extend(self.contradiction(&step, found, &sources));
            }
        }
        self.mark_used(&used);
        if !removed.is_empty() {
            self.rules.retain(|rule| !removed.contains(&key(&rule.states)));
            self.index = std::sync::OnceLock::new();
        }
        findings
    }

    fn mark_used(&mut self, used: &[Source]) {
        for source in used {
            match source {
                Source::Rule(index) => self.rules[*index].in_stories = true,
                Source::Builtin(what) => drop(self.builtin_in_stories.insert(what.clone())),
                Source::Fallback => {}
            }
        }
    }

    fn source_key(&self, source: &Source) -> String {
        match source {
            Source::Rule(index) => key(&self.rules[*index].states),
            Source::Builtin(what) => what.clone(),
            Source::Fallback => String::new(),
        }
    }

    fn collect_sources(&self, dialogues: &[TrainingDialogue], blank: &Tracker) -> Sources {
        let mut sources = Sources::new();
        for dialogue in dialogues.iter().filter(|d| d.is_rule) {
            for step in self.walk(dialogue, blank) {
                let Some(found) = &step.found else { continue };
                let entry = match &found.source {
                    // A built-in behaviour always means what it predicts.
                    Source::Builtin(what) => (what.clone(), found.action.clone(), step.span),
                    _ => (dialogue.name.clone(), step.gold.clone(), step.span),
                };
                sources.entry(self.source_key(&found.source)).or_default().push(entry);
            }
        }
        sources
    }

    /// Every predictable action of a dialogue with the policy's prediction.
    fn walk<'a>(&self, dialogue: &'a TrainingDialogue, blank: &Tracker) -> Vec<Step<'a>> {
        let mut tracker = blank.clone();
        let mut unpredictable = true;
        let mut steps = Vec::new();
        for event in &dialogue.events {
            if let EventBody::Action { name, action_text, .. } = &event.event.body {
                let gold = name.clone().or_else(|| action_text.clone()).unwrap_or_default();
                if gold == SNIPPET {
                    unpredictable = true;
                } else if unpredictable || event.unpredictable {
                    unpredictable = false;
                } else {
                    let found = self.find_with_rejection(&tracker, &gold);
                    steps.push(Step { dialogue, gold, span: event.span, found });
                }
            }
            tracker.update(event.event.clone());
        }
        steps
    }

    /// If the active loop is predicted where something else was written, the loop
    /// may have rejected: ask again after that.
    fn find_with_rejection(&self, tracker: &Tracker, gold: &str) -> Option<Found> {
        let found = self.find(tracker)?;
        if found.action == gold || tracker.current().active_loop_name() != Some(found.action.as_str()) {
            return Some(found);
        }
        let mut rejected = tracker.clone();
        let name = found.action.clone();
        rejected.update(Event::new(0.0, EventBody::ActionExecutionRejected { name, policy: None, confidence: None }));
        self.find(&rejected)
    }

    /// A rule that begins with an action implies `action_listen` after it; when
    /// another rule goes on from there, the implied one gives way (spec §3.4,
    /// step 6).
    fn is_needless_listen(&self, found: &Found, dialogue: &TrainingDialogue) -> bool {
        let Source::Rule(index) = found.source else { return false };
        let rule = &self.rules[index];
        if dialogue.is_rule || found.action != "action_listen" || rule.states.len() > 1 {
            return false;
        }
        self.rules.iter().any(|other| other.states.len() > 1 && other.states.first() == rule.states.first())
    }

    fn contradiction(&self, step: &Step<'_>, found: &Found, sources: &Sources) -> Option<Diagnostic> {
        let others: Vec<_> = sources
            .get(&self.source_key(&found.source))?
            .iter()
            .filter(|(_, action, _)| *action != step.gold)
            .collect();
        let (first, action, place) = others.first()?;
        let kind = if step.dialogue.is_rule { "rule" } else { "story" };
        let names: BTreeSet<&str> = others.iter().map(|(name, _, _)| name.as_str()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join("`, `");
        let (message, other) = match found.source {
            Source::Builtin(_) => (
                format!("{kind} `{}` expects `{}`, but {first} runs `{action}`", step.dialogue.name, step.gold),
                format!("`{action}` runs here: {first}"),
            ),
            _ => (
                format!(
                    "{kind} `{}` expects `{}`, but rule `{names}` predicts `{action}`",
                    step.dialogue.name, step.gold
                ),
                format!("rule `{first}` predicts `{action}` here"),
            ),
        };
        Some(
            Diagnostic::error(codes::CONTRADICTION, message)
                .at(step.span, format!("{kind} `{}` expects `{}` here", step.dialogue.name, step.gold))
                .at(*place, other)
                .help(format!("{}rules and stories must agree: change one of them, or make the rule narrower with `condition` so that it does not apply in this {kind}", forgotten_end(found))),
        )
    }
}
