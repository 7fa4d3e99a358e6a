//! Whether a rule applies to a conversation (spec §3.4, "Rule matching").

use super::RulePolicy;
use super::lookup::Unhappy;
use crate::state::{LoopState, SlotState, State, UserState};

impl RulePolicy {
    /// The matching rule with the longest key; of equally long ones the first
    /// learnt (spec §10.3 leaves that to us).
    pub(super) fn longest_match(&self, states: &[State], from_text: bool) -> Option<usize> {
        let last = states.last()?;
        self.index()
            .candidates(last)
            .into_iter()
            .filter(|index| {
                let rule = &self.rules[*index];
                let reads_text = rule.states.last().and_then(|s| s.user.as_ref()).is_some_and(|u| u.text.is_some());
                reads_text == from_text && rule_applies(&rule.states, states)
            })
            .max_by(|a, b| self.rules[*a].key_length.cmp(&self.rules[*b].key_length).then(b.cmp(a)))
    }

    /// What the unhappy-path lookup says of these states.
    pub(super) fn unhappy_conditions(&self, states: &[State]) -> Vec<Unhappy> {
        self.unhappy.iter().filter(|key| rule_applies(&key.states, states)).map(|key| key.condition).collect()
    }
}

/// Walks both from the newest state to the oldest; beyond the rule's length
/// everything matches.
pub(super) fn rule_applies(rule: &[State], conversation: &[State]) -> bool {
    rule.iter().rev().enumerate().all(|(distance, rule_state)| {
        match conversation.len().checked_sub(distance + 1).map(|index| &conversation[index]) {
            Some(state) => state_matches(rule_state, state),
            None => false,
        }
    })
}

fn state_matches(rule: &State, state: &State) -> bool {
    match (&rule.prev_action, &state.prev_action) {
        // Both begin a conversation: slots with an initial value are in both.
        (None, None) => return true,
        (Some(a), Some(b)) if a == b => {}
        _ => return false,
    }
    user_matches(rule.user.as_ref(), state.user.as_ref()) && slots_match(rule, state) && loop_matches(rule, state)
}

/// A rule with entities wants exactly those; one without takes any.
fn user_matches(rule: Option<&UserState>, user: Option<&UserState>) -> bool {
    let Some(rule) = rule else { return true };
    let empty = UserState::default();
    let user = user.unwrap_or(&empty);
    (rule.intent.is_none() || rule.intent == user.intent)
        && (rule.text.is_none() || rule.text == user.text)
        && (rule.entities.is_empty() || rule.entities == user.entities)
}

fn slots_match(rule: &State, state: &State) -> bool {
    rule.slots.iter().all(|(name, wanted)| match wanted {
        SlotState::Features(_) => state.slots.get(name) == Some(wanted),
        SlotState::ShouldNotBeSet(_) => matches!(state.slots.get(name), None | Some(SlotState::ShouldNotBeSet(_))),
    })
}

fn loop_matches(rule: &State, state: &State) -> bool {
    match &rule.active_loop {
        None => true,
        Some(LoopState::ShouldNotBeSet) => !matches!(state.active_loop, Some(LoopState::Active(_))),
        wanted => state.active_loop == *wanted,
    }
}
