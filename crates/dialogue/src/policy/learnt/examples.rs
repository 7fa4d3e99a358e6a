//! Moments of the stories to learn from.

use sapa_learn::Rng;
use sapa_project::ComponentConfig;
use sapa_sdk::{Event, EventBody};
use serde_json::Value;

use crate::Tracker;
use crate::policy::{TrainContext, UNLIKELY_INTENT};
use crate::state::StateView;
use crate::training::{TrainingDialogue, blank};

/// Seed of the stories that are put before others (spec §1.5, "Augmentation").
const SEED: u64 = 42;
/// No more events than this are walked behind other stories.
const MOST_AUGMENTED: usize = 4_000;
/// States that a policy sees where `max_history` does not say.
const DEFAULT_WINDOW: usize = 20;
const LISTEN: &str = "action_listen";

/// States that a component looks back on (`max_history`; null: as many as help).
pub(super) fn window(component: &ComponentConfig) -> usize {
    let configured = component.options.get("max_history").and_then(Value::as_u64);
    configured.map_or(DEFAULT_WINDOW, |states| (states as usize).clamp(1, DEFAULT_WINDOW))
}

/// Which moments are learnt from.
pub(super) struct Moments {
    /// States that are seen.
    pub(super) window: usize,
    /// How often each story is put behind another one: conversations do not
    /// begin and end where stories do.
    pub(super) rounds: usize,
}

impl Moments {
    /// Calls `read` with the states and the action at every moment of the stories
    /// (rules excepted, spec §3.4).
    pub(super) fn for_each(&self, context: &TrainContext<'_>, read: &mut dyn FnMut(&[StateView<'_>], &str)) {
        let stories: Vec<&TrainingDialogue> = context.dialogues.iter().filter(|d| !d.is_rule).collect();
        let blank = blank(context.domain);
        for story in &stories {
            self.walk(story, blank.clone(), context, read);
        }
        let mut rng = Rng::new(SEED);
        let mut events = 0;
        for story in stories.iter().cycle().take(stories.len() * self.rounds) {
            events += story.events.len();
            if events > MOST_AUGMENTED || stories.len() < 2 {
                return;
            }
            let before = stories[rng.below(stories.len())];
            self.walk(story, before.tracker(&blank), context, read);
        }
    }

    fn walk(
        &self,
        story: &TrainingDialogue,
        mut tracker: Tracker,
        context: &TrainContext<'_>,
        read: &mut dyn FnMut(&[StateView<'_>], &str),
    ) {
        for event in &story.events {
            if let Some(action) = action_of(&event.event).filter(|_| !event.unpredictable) {
                if action == LISTEN && tracker.current().latest_action_name() == Some(LISTEN) {
                    continue;
                }
                if action != UNLIKELY_INTENT {
                    tracker.with_learnt_states(Some(self.window), &context.rule_only, |states| read(states, action));
                }
            }
            tracker.update(event.event.clone());
        }
    }
}

fn action_of(event: &Event) -> Option<&str> {
    match &event.body {
        EventBody::Action { name, action_text, .. } => name.as_deref().or(action_text.as_deref()),
        _ => None,
    }
}
