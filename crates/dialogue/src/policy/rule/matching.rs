//! Whether a rule applies to a conversation (spec §3.4, "Rule matching").

use super::RulePolicy;
use super::lookup::Unhappy;
use crate::state::{LoopState, SlotState, State, UserState};

/// A state of the conversation as rules see it, without a copy: of the user's
/// message the intent counts or the text.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) state: &'a State,
    intent: Option<&'a str>,
    entities: &'a [String],
    text: Option<&'a str>,
}

impl<'a> Seen<'a> {
    /// As it was decided when the message was answered: a message that a text
    /// rule answered has no intent (spec §3.3). Where nothing was decided, the
    /// intent counts.
    pub(super) fn decided(state: &'a State) -> Self {
        let user = state.user.as_ref();
        let entities = user.map_or(&[][..], |user| &user.entities);
        let intent = user.and_then(|user| user.intent.as_deref());
        let text = user.and_then(|user| user.text.as_deref()).filter(|_| intent.is_none());
        Self { state, intent, entities, text }
    }

    /// Of a message that was just listened to, the text left out.
    pub(super) fn by_intent(state: &'a State) -> Self {
        Self { text: None, ..Self::decided(state) }
    }

    /// Of a message that was just listened to, intent and entities left out.
    pub(super) fn by_text(state: &'a State) -> Self {
        let text = state.user.as_ref().and_then(|user| user.text.as_deref());
        Self { state, intent: None, entities: &[], text }
    }

    /// What a rule's last state has to ask of the user to be looked at: an intent
    /// or else a text.
    pub(super) fn asked(&self) -> Option<Asked<'a>> {
        self.intent.map(Asked::Intent).or(self.text.map(Asked::Text))
    }
}

/// What a message is.
pub(super) enum Asked<'a> {
    Intent(&'a str),
    Text(&'a str),
}

impl<'a> Asked<'a> {
    /// What a rule asks for.
    pub(super) fn of(user: &'a UserState) -> Option<Self> {
        user.intent.as_deref().map(Asked::Intent).or(user.text.as_deref().map(Asked::Text))
    }
}

impl RulePolicy {
    /// The matching rule with the longest key; of equally long ones the first
    /// learnt (spec §10.3 leaves that to us). `from_text`: only a rule that reads
    /// the message's text.
    pub(super) fn longest_match(&self, states: &[Seen<'_>], from_text: bool) -> Option<usize> {
        let last = states.last()?;
        self.index()
            .candidates(last)
            .filter(|index| {
                let rule = &self.rules[*index];
                let reads_text = rule.states.last().and_then(|s| s.user.as_ref()).is_some_and(|u| u.text.is_some());
                (reads_text || !from_text) && rule_applies(&rule.states, states)
            })
            .max_by(|a, b| self.rules[*a].key_length.cmp(&self.rules[*b].key_length).then(b.cmp(a)))
    }

    /// What the unhappy-path lookup says of these states.
    pub(super) fn unhappy_conditions(&self, states: &[Seen<'_>]) -> Vec<Unhappy> {
        self.unhappy.iter().filter(|key| rule_applies(&key.states, states)).map(|key| key.condition).collect()
    }
}

/// Walks both from the newest state to the oldest; beyond the rule's length
/// everything matches.
fn rule_applies(rule: &[State], conversation: &[Seen<'_>]) -> bool {
    rule.iter().rev().enumerate().all(|(distance, rule_state)| {
        match conversation.len().checked_sub(distance + 1).map(|index| &conversation[index]) {
            Some(state) => state_matches(rule_state, state),
            None => false,
        }
    })
}

fn state_matches(rule: &State, seen: &Seen<'_>) -> bool {
    let state = seen.state;
    match (&rule.prev_action, &state.prev_action) {
        // Both begin a conversation: slots with an initial value are in both.
        (None, None) => return true,
        (Some(a), Some(b)) if a == b => {}
        _ => return false,
    }
    user_matches(rule.user.as_ref(), seen) && slots_match(rule, state) && loop_matches(rule, state)
}

/// A rule with entities wants exactly those; one without takes any.
fn user_matches(rule: Option<&UserState>, seen: &Seen<'_>) -> bool {
    let Some(rule) = rule else { return true };
    (rule.intent.is_none() || rule.intent.as_deref() == seen.intent)
        && (rule.text.is_none() || rule.text.as_deref() == seen.text)
        && (rule.entities.is_empty() || rule.entities == seen.entities)
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
