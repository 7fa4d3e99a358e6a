//! Stories that no policy can tell apart (spec §7, "story conflict"): the same
//! states, followed by different actions. Rules are held against each other and
//! against stories elsewhere.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use sapa_project::{Diagnostic, Project, Span, codes};
use sapa_sdk::EventBody;

use crate::Tracker;
use crate::policy::RuleOnly;
use crate::state::view_key;
use crate::training::{TrainingDialogue, dialogues};

/// What followed some states first.
struct First<'a> {
    action: &'a str,
    story: &'a str,
    span: Span,
}

/// All conflicts of a project's stories, each pair of places once. Policies are
/// taken to see the last `max_history` states, by default all.
pub fn story_conflicts(project: &Project, max_history: Option<usize>) -> Vec<Diagnostic> {
    let domain = Arc::new(project.domain.clone());
    let (dialogues, _) = dialogues(&project.stories, &domain);
    let mut search = Search {
        window: max_history,
        rule_only: RuleOnly::default(),
        first: HashMap::new(),
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    for dialogue in dialogues.iter().filter(|dialogue| !dialogue.is_rule) {
        search.pass(dialogue, Tracker::new(&*dialogue.name, Arc::clone(&domain)));
    }
    search.found
}

struct Search<'a> {
    window: Option<usize>,
    /// Rasa asks for conflicts before it knows what only rules use.
    rule_only: RuleOnly,
    /// By the hash of the states: a whole history would be kept for every step.
    first: HashMap<u64, First<'a>>,
    /// Pairs of places that were reported: alternatives repeat them.
    seen: BTreeSet<(Span, Span)>,
    found: Vec<Diagnostic>,
}

impl<'a> Search<'a> {
    fn pass(&mut self, dialogue: &'a TrainingDialogue, mut tracker: Tracker) {
        for event in &dialogue.events {
            if let EventBody::Action { name, action_text, .. } = &event.event.body
                && !event.unpredictable
                && let Some(action) = name.as_deref().or(action_text.as_deref())
            {
                let mut hasher = DefaultHasher::new();
                let states = tracker.with_learnt_states(self.window, &self.rule_only, view_key);
                states.hash(&mut hasher);
                self.step(hasher.finish(), First { action, story: &dialogue.name, span: event.span });
            }
            tracker.update(event.event.clone());
        }
    }

    fn step(&mut self, states: u64, now: First<'a>) {
        let first = self.first.entry(states).or_insert_with(|| First { ..now });
        if first.action != now.action && self.seen.insert((first.span, now.span)) {
            self.found.push(conflict(first, &now));
        }
    }
}

fn conflict(first: &First<'_>, second: &First<'_>) -> Diagnostic {
    let follows = |what: &First<'_>| match what.action {
        "action_listen" => format!("the bot listens in `{}`", what.story),
        action => format!("`{action}` follows in `{}`", what.story),
    };
    let message = format!("no policy can tell these stories apart: {}, {}", follows(first), follows(second));
    Diagnostic::warning(codes::STORY_CONFLICT, message)
        .at(second.span, "after the same conversation, this comes next")
        .at(first.span, "and here this")
        .help("let them go on alike, or let a slot, an entity or another intent before this point tell them apart")
}
