//! What RulePolicy has learnt: rules and the loops' unhappy paths.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::RulePolicy;
use crate::state::State;

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

/// Rules by what their last state asks for, so that a prediction looks at few.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    by_last: HashMap<(String, String), Vec<usize>>,
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
            index.by_last.entry(bucket(last, true)).or_default().push(number);
            index.longest = index.longest.max(rule.states.len());
            index.has_text_rules |= last.user.as_ref().is_some_and(|user| user.text.is_some());
        }
        index
    }

    /// Numbers of the rules whose last state could match, in rule order.
    pub(super) fn candidates(&self, last: &State) -> Vec<usize> {
        let mut keys = vec![bucket(last, true)];
        let without_user = bucket(last, false);
        if keys[0] != without_user {
            keys.push(without_user);
        }
        let mut numbers: Vec<usize> = keys.iter().filter_map(|key| self.by_last.get(key)).flatten().copied().collect();
        numbers.sort_unstable();
        numbers
    }
}

/// Previous action and intent (or text) of a state.
fn bucket(state: &State, with_user: bool) -> (String, String) {
    let action = match &state.prev_action {
        Some(crate::state::PrevAction::Name(name)) => name.clone(),
        Some(crate::state::PrevAction::Text(text)) => format!("text:{text}"),
        None => String::new(),
    };
    let user = state.user.as_ref().filter(|_| with_user);
    let user = user.and_then(|u| u.intent.clone().or_else(|| u.text.as_ref().map(|t| format!("text:{t}"))));
    (action, user.unwrap_or_default())
}

impl RulePolicy {
    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self))
    }
}
