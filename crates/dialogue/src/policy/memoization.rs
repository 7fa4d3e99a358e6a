//! MemoizationPolicy and AugmentedMemoizationPolicy (spec §3.4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sapa_project::ComponentConfig;
use sapa_sdk::{Event, EventBody};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cause, Kind, LoadError, Policy, Prediction, RuleOnly, Saved, TrainContext, UNLIKELY_INTENT};
use crate::Tracker;
use crate::state::{Digest, StateView, window_digest};
use crate::training::{TrainingDialogue, blank};

/// The registry's line for the plain policy.
pub const PLAIN: Kind = Kind { name: "MemoizationPolicy", train, load };
/// The registry's line for the policy that forgets.
pub const AUGMENTED: Kind = Kind { name: "AugmentedMemoizationPolicy", train, load };

fn train(component: &ComponentConfig, context: &mut TrainContext<'_>) -> Box<dyn Policy> {
    Box::new(MemoizationPolicy::train(component, context))
}

fn load(saved: Saved) -> Result<Box<dyn Policy>, LoadError> {
    Ok(Box::new(serde_json::from_slice::<MemoizationPolicy>(&saved.json)?))
}

/// Remembers which action followed which states in the stories.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemoizationPolicy {
    /// Name in events.
    name: String,
    /// Whether it forgets leading turns on a miss.
    augmented: bool,
    priority: i64,
    max_history: Option<usize>,
    use_nlu_confidence_as_score: bool,
    /// Digest of the states -> action and the place of the story.
    memory: BTreeMap<Digest, Remembered>,
    /// States of the longest key: longer histories cannot match.
    longest: usize,
    /// Digests of the last states of all windows: most conversations are dismissed
    /// by theirs.
    endings: BTreeSet<Digest>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Remembered {
    action: String,
    story: String,
    place: String,
    /// Places of other stories that say the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
}

impl Remembered {
    fn add(&mut self, place: String) {
        if self.place != place && !self.also.contains(&place) {
            self.also.push(place);
        }
    }
}

impl MemoizationPolicy {
    /// Learns from stories.
    fn train(component: &ComponentConfig, context: &TrainContext<'_>) -> Self {
        let option = |name: &str| component.options.get(name);
        let mut policy = Self {
            name: component.name.clone(),
            augmented: component.name != "MemoizationPolicy",
            priority: option("priority").and_then(Value::as_i64).unwrap_or(3),
            max_history: option("max_history").and_then(Value::as_u64).map(|n| n as usize),
            use_nlu_confidence_as_score: option("use_nlu_confidence_as_score")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            memory: BTreeMap::new(),
            longest: 0,
            endings: BTreeSet::new(),
        };
        let (mut ambiguous, blank) = (Vec::new(), blank(context.domain));
        for dialogue in context.dialogues.iter().filter(|d| !d.is_rule) {
            policy.remember((dialogue, &blank), context, &mut ambiguous);
        }
        // A key seen with two different actions is removed (spec §3.4).
        for key in ambiguous {
            policy.memory.remove(&key);
        }
        policy
    }

    fn remember(
        &mut self,
        (dialogue, blank): (&TrainingDialogue, &Tracker),
        context: &TrainContext<'_>,
        ambiguous: &mut Vec<Digest>,
    ) {
        let mut tracker = blank.clone();
        let mut history = History::default();
        for event in &dialogue.events {
            if let EventBody::Action { name, action_text, .. } = &event.event.body
                && !event.unpredictable
                && let Some(action) = name.as_ref().or(action_text.as_ref())
                && action != UNLIKELY_INTENT
            {
                let states = history.read(&tracker, &context.rule_only);
                let window = &states[states.len().saturating_sub(self.max_history.unwrap_or(usize::MAX))..];
                let key = window_digest(window);
                self.endings.extend(window.last());
                self.longest = self.longest.max(window.len());
                let remembered = Remembered {
                    action: action.clone(),
                    story: dialogue.name.clone(),
                    place: context.sources.place(event.span),
                    also: Vec::new(),
                };
                match self.memory.get_mut(&key) {
                    Some(known) if known.action != *action => ambiguous.push(key),
                    Some(known) => known.add(remembered.place),
                    None => drop(self.memory.insert(key, remembered)),
                }
            }
            history.update(&mut tracker, &event.event);
        }
    }

    fn recall(&self, tracker: &Tracker, rule_only: &RuleOnly) -> Option<&Remembered> {
        let digests = |states: &[StateView<'_>]| states.iter().map(digest).collect::<Vec<_>>();
        let last = tracker.with_learnt_states(Some(1), rule_only, digests);
        if !last.first().is_some_and(|last| self.endings.contains(last)) {
            return None;
        }
        let window = self.max_history.unwrap_or(self.longest + 1);
        let states = tracker.with_learnt_states(Some(window), rule_only, digests);
        if states.len() > self.longest {
            return None;
        }
        self.memory.get(&window_digest(&states))
    }

    /// Forgets leading events up to the next action until something is
    /// remembered or nothing is left. What was set before the first action is
    /// forgotten at once: slots that came along from an earlier session
    /// (rasa/core/policies/memoization.py, `_recall_using_truncation`).
    fn recall_truncated(&self, tracker: &Tracker, rule_only: &RuleOnly) -> Option<&Remembered> {
        let events: Vec<_> = tracker.applied_events().cloned().collect();
        let is_action = |event: &Event| matches!(event.body, EventBody::Action { .. });
        let from = self.reach(&events);
        let starts = (from..events.len()).filter(|at| events.get(*at).is_some_and(|event| is_action(event)));
        // Without `max_history` all states are the key: more than any story has never match.
        let may_match = |at: &usize| {
            let shown = |event: &&Arc<Event>| matches!(event.body, EventBody::Action { hide_rule_turn: false, .. });
            self.max_history.is_some() || events.iter().skip(*at).filter(shown).count() <= self.longest + 1
        };
        starts.filter(may_match).find_map(|start| {
            let mut truncated = Tracker::new(&*tracker.sender_id, Arc::clone(tracker.domain()));
            for event in events.get(start..).unwrap_or_default() {
                truncated.update((**event).clone());
            }
            self.recall(&truncated, rule_only)
        })
    }
}

impl MemoizationPolicy {
    /// Where a tracker that is cut to `max_history` begins: at the newest
    /// `action_listen` with more actions from it on (`_trim_tracker_by_max_history`).
    fn reach(&self, events: &[Arc<Event>]) -> usize {
        let Some(most) = self.max_history.filter(|most| *most > 0) else { return 0 };
        let mut actions = 0;
        let enough = |event: &Arc<Event>| match &event.body {
            EventBody::Action { name, .. } => {
                actions += 1;
                actions > most && name.as_deref() == Some("action_listen")
            }
            _ => false,
        };
        events.iter().rposition(enough).unwrap_or(0)
    }
}

impl Policy for MemoizationPolicy {
    fn predict(&self, tracker: &Tracker, rule_only: &RuleOnly) -> Prediction {
        let found = self
            .recall(tracker, rule_only)
            .or_else(|| if self.augmented { self.recall_truncated(tracker, rule_only) } else { None });
        let mut prediction = Prediction { policy: self.name.clone(), priority: self.priority, ..Prediction::default() };
        if let Some(remembered) = found {
            let confidence = if self.use_nlu_confidence_as_score {
                tracker.current().latest_message.as_ref().map_or(1.0, |m| m.parse_data.intent.confidence)
            } else {
                1.0
            };
            prediction.probabilities.push((remembered.action.clone(), confidence));
            prediction.cause = Cause {
                what: format!("story `{}`", remembered.story),
                place: Some(remembered.place.clone()),
                also: remembered.also.clone(),
                reach: self.max_history,
            };
        }
        prediction
    }

    fn save(&self) -> Saved {
        Saved { json: serde_json::to_vec(self).unwrap_or_default(), floats: Vec::new() }
    }
}

/// A state's digest. Where an intent is known, the text does not count.
fn digest(state: &StateView<'_>) -> Digest {
    Digest::of_state(&state.intent_first())
}

/// Digests of a story's states, each computed once: a story's actions would
/// otherwise cost the square of their number.
#[derive(Default)]
struct History {
    digests: Vec<Digest>,
}

impl History {
    /// The states now, oldest first. Those that were there when this was last asked
    /// are what they were, see [`History::update`].
    fn read(&mut self, tracker: &Tracker, rule_only: &RuleOnly) -> &[Digest] {
        let known = self.digests.len();
        let new = |states: &[StateView<'_>]| states.get(known..).map(|new| new.iter().map(digest).collect::<Vec<_>>());
        match tracker.with_learnt_states(None, rule_only, new) {
            Some(new) => self.digests.extend(new),
            None => {
                self.digests.clear();
                tracker.with_learnt_states(None, rule_only, |states| self.digests.extend(states.iter().map(digest)));
            }
        }
        &self.digests
    }

    /// Tells the tracker an event. Undone turns and repeated executions of a loop
    /// change the states that count (spec §3.2); an action else adds one, and any
    /// other event leaves those before it alone.
    fn update(&mut self, tracker: &mut Tracker, event: &Event) {
        let adds = usize::from(matches!(event.body, EventBody::Action { .. }));
        let before = tracker.state_count();
        tracker.update(event.clone());
        if tracker.state_count() != before + adds {
            self.digests.clear();
        }
    }
}
