//! Stories and rules as trackers to learn from (spec §1.5).

mod blocks;
mod expand;

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
    /// The tracker after all its events.
    pub fn tracker(&self, domain: &Arc<Domain>) -> Tracker {
        Tracker::from_events(&*self.name, Arc::clone(domain), self.events.iter().map(|e| e.event.clone()))
    }
}

/// Expands stories and rules. Findings: unconnected checkpoints, too many
/// alternatives.
pub fn dialogues(stories: &[Story], domain: &Domain) -> (Vec<TrainingDialogue>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let blocks = blocks::split(stories, domain, &mut findings);
    let dialogues = blocks::connect(&blocks, &mut findings);
    (dialogues, findings)
}
