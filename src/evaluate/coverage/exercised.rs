//! What tests make use of: places of rules and stories, forms, responses, intents.

use std::collections::BTreeMap;
use std::sync::Arc;

use sapa_dialogue::policy::Cause;
use sapa_dialogue::{DialogueModel, Tracker};
use sapa_sdk::{Event, EventBody};
use serde_json::Value;

use crate::evaluate::stories::{StoryResult, action_of, as_policies_know_it};

/// A place that decided, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deciding {
    /// `path:line` of the step that was predicted.
    pub place: String,
    /// Whether it was to listen: what follows has not happened then.
    pub is_listen: bool,
    /// How many states back were looked at; `None`: all.
    pub reach: Option<usize>,
}

/// How often each thing was made use of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exercised {
    /// Steps of rules and stories that decided.
    pub decisions: BTreeMap<Deciding, usize>,
    /// Forms that ran.
    pub forms: BTreeMap<String, usize>,
    /// Responses that were said.
    pub responses: BTreeMap<String, usize>,
    /// Intents of messages.
    pub intents: BTreeMap<String, usize>,
}

/// All policies' reasons to do that now: also of those that others outbid, for
/// a story is no less right where a rule says the same.
pub fn causes(model: &DialogueModel, tracker: &Tracker, action: &str) -> Vec<Cause> {
    let predictions = model.policies.iter().map(|(_, policy)| policy.predict(tracker, &model.rule_only));
    let says_so = |probabilities: &[(String, f64)]| {
        probabilities.iter().max_by(|a, b| a.1.total_cmp(&b.1)).is_some_and(|(name, _)| name == action)
    };
    predictions.filter(|prediction| says_so(&prediction.probabilities)).map(|prediction| prediction.cause).collect()
}

impl Exercised {
    /// Takes in a test story.
    pub fn watch_story(&mut self, model: &DialogueModel, story: &StoryResult) {
        for moment in &story.moments {
            self.count(model, &moment.event);
            if let Some(action) = action_of(&moment.event) {
                self.decided(action, &moment.causes);
            }
        }
    }

    /// Takes in a conversation that took place.
    pub fn watch(&mut self, model: &DialogueModel, events: &[Arc<Event>]) {
        let mut tracker = Tracker::new("coverage", Arc::clone(&model.domain));
        // What a policy adds to its decision comes before the action, but was not there
        // when it was decided.
        let mut of_decision: Vec<&Event> = Vec::new();
        for event in events {
            self.count(model, event);
            match &event.body {
                EventBody::UserFeaturization { .. } | EventBody::LoopInterrupted { .. } => {
                    of_decision.push(event);
                    continue;
                }
                _ => {}
            }
            if let Some(action) = action_of(event) {
                let known = as_policies_know_it(event, &model.domain);
                self.decided(action, &causes(model, &tracker, action_of(&known).unwrap_or(action)));
            }
            of_decision.drain(..).for_each(|event| tracker.update(event.clone()));
            tracker.update_shared(Arc::clone(event));
        }
    }

    fn decided(&mut self, action: &str, causes: &[Cause]) {
        for cause in causes {
            for place in cause.place.iter().chain(&cause.also) {
                let deciding =
                    Deciding { place: place.clone(), is_listen: action == "action_listen", reach: cause.reach };
                *self.decisions.entry(deciding).or_default() += 1;
            }
        }
    }

    fn count(&mut self, model: &DialogueModel, event: &Event) {
        let domain = &model.domain;
        match &event.body {
            EventBody::User { parse_data, .. } => {
                let intent = parse_data.intent.name.clone();
                intent.into_iter().for_each(|intent| *self.intents.entry(intent).or_default() += 1);
            }
            // The bot's words follow where the action really ran.
            EventBody::Action { name: Some(name), .. } if domain.forms.contains_key(name) => {
                *self.forms.entry(name.clone()).or_default() += 1;
            }
            EventBody::Action { name: Some(name), .. } if domain.responses.contains_key(name) => {
                *self.responses.entry(name.clone()).or_default() += 1;
            }
            EventBody::Bot { .. } => {
                let name = event.metadata.get("utter_action").and_then(Value::as_str);
                name.into_iter().for_each(|name| *self.responses.entry(name.to_owned()).or_default() += 1);
            }
            _ => {}
        }
    }
}
