//! Stories and rules as trackers to learn from (spec §1.5).

mod blocks;
mod expand;
mod paths;

use std::sync::Arc;

use sapa_project::{Diagnostic, Domain, Span, Story};
use sapa_sdk::Event;

use crate::Tracker;

/// The pseudo action that stands for "anything may have happened".
pub const SNIPPET: &str = "...";

/// One event of a training dialogue and where it was written.
#[derive(Clone, Debug)]
pub struct TrainingEvent {
    /// The event.
    pub event: Event,
    /// Where it stands; the story's name for events that are implied.
    pub span: Span,
    /// An action before anything that could predict it: neither learnt nor
    /// checked.
    pub unpredictable: bool,
}

/// One linear training dialogue: a story or rule with its alternatives chosen
/// and its checkpoints followed.
#[derive(Clone, Debug)]
pub struct TrainingDialogue {
    /// Names of the stories it passes through, joined by ` > `.
    pub name: String,
    /// Whether it is a rule.
    pub is_rule: bool,
    /// Where its (first) name stands.
    pub span: Span,
    /// Its events.
    pub events: Vec<TrainingEvent>,
    /// User turns written in it.
    pub user_turns: usize,
}

impl TrainingDialogue {
    /// The tracker after all its events, begun with a `blank` one: making that is
    /// dear in a domain of many slots, a copy of it is cheap.
    pub fn tracker(&self, blank: &Tracker) -> Tracker {
        let mut tracker = blank.clone();
        self.events.iter().for_each(|event| tracker.update(event.event.clone()));
        tracker
    }
}

/// The tracker with which every training dialogue begins.
pub fn blank(domain: &Arc<Domain>) -> Tracker {
    Tracker::new("", Arc::clone(domain))
}

/// Expands stories and rules. Findings: unconnected checkpoints, too many
/// alternatives.
pub fn dialogues(stories: &[Story], domain: &Domain) -> (Vec<TrainingDialogue>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let blocks = blocks::split(stories, domain, &mut findings);
    let dialogues = paths::connect(&blocks, &mut findings);
    (dialogues, findings)
}
