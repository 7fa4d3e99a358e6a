//! What RulePolicy has learnt: rules and the loops' unhappy paths.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::RulePolicy;
use super::matching::{Asked, Seen};
use crate::state::{PrevAction, State};

/// Where a learnt rule was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Origin {
    /// Name of the rule.
    pub(super) name: String,
    /// `path:line` of the step that is predicted.
    pub(super) place: String,
}

/// In these states, that action follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// Oldest first; never empty.
    pub(super) states: Vec<State>,
    /// What follows.
    pub(super) action: String,
    /// Length of Rasa's key string: the longest matching rule wins.
    pub(super) key_length: usize,
    /// The rules it was learnt from.
    pub(super) origins: Vec<Origin>,
    /// Whether a story needs it; else its turns are hidden from learning
    /// policies.
    pub(super) in_stories: bool,
}

/// How a loop behaves after an interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Unhappy {
    /// The loop goes on, told that it was interrupted.
    LoopWasInterrupted,
    /// The loop is not taken up again by itself.
    DoNotPredictLoop,
}

/// States after which a loop behaves so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct UnhappyKey {
    /// The previous action's state and the last state.
    pub(super) states: Vec<State>,
    /// What they mean.
    pub(super) condition: Unhappy,
}

/// Numbers of rules, in rule order.
type Numbers = Vec<usize>;

/// Rules whose last state has the same previous action.
#[derive(Clone, Debug, Default)]
struct AfterAction {
    by_intent: HashMap<String, Numbers>,
    by_text: HashMap<String, Numbers>,
    /// They ask nothing of the user.
    any: Numbers,
}

/// Rules by what their last state asks for, so that a prediction looks at few.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    after: HashMap<String, AfterAction>,
    after_text: HashMap<String, AfterAction>,
    /// At the start of a conversation.
    at_start: AfterAction,
    /// States of the longest rule.
    pub(super) longest: usize,
    /// Whether any rule reads a message's text.
    pub(super) has_text_rules: bool,
}

impl Index {
    fn new(policy: &RulePolicy) -> Self {
        let mut index = Self { longest: 2, ..Self::default() };
        for (number, rule) in policy.rules.iter().enumerate() {
            let Some(last) = rule.states.last() else { continue };
            let after = match &last.prev_action {
                Some(PrevAction::Name(name)) => index.after.entry(name.clone()).or_default(),
                Some(PrevAction::Text(text)) => index.after_text.entry(text.clone()).or_default(),
                None => &mut index.at_start,
            };
            let numbers = match last.user.as_ref().and_then(Asked::of) {
                Some(Asked::Intent(intent)) => after.by_intent.entry(intent.to_owned()).or_default(),
                Some(Asked::Text(text)) => after.by_text.entry(text.to_owned()).or_default(),
                None => &mut after.any,
            };
            numbers.push(number);
            index.longest = index.longest.max(rule.states.len());
            index.has_text_rules |= last.user.as_ref().is_some_and(|user| user.text.is_some());
        }
        index
    }

    /// Numbers of the rules whose last state could match, in no order.
    pub(super) fn candidates(&self, last: &Seen<'_>) -> impl Iterator<Item = usize> {
        let after = match &last.state.prev_action {
            Some(PrevAction::Name(name)) => self.after.get(name),
            Some(PrevAction::Text(text)) => self.after_text.get(text),
            None => Some(&self.at_start),
        };
        let asked = after.and_then(|after| match last.asked()? {
            Asked::Intent(intent) => after.by_intent.get(intent),
            Asked::Text(text) => after.by_text.get(text),
        });
        after.map(|after| &after.any).into_iter().chain(asked).flatten().copied()
    }
}

impl RulePolicy {
    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self))
    }
}
