//! What a conversation's events add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use sapa_project::Domain;
use sapa_project::domain::Slot;
use sapa_sdk::{Entity, Event, EventBody, JsonMap, ParseData};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::features::{coerce, featurize};
use crate::state::{LoopState, PrevAction, SHOULD_NOT_BE_SET, SlotState, State, UserState};

/// The last user message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LatestMessage {
    /// Its text.
    pub text: Option<String>,
    /// What was understood.
    pub parse_data: Arc<ParseData>,
    /// Id and metadata of the message.
    pub message_id: Option<String>,
    /// Metadata of the event.
    pub metadata: Arc<JsonMap>,
    /// Whether policies see text (`true`) or intent; unknown before a decision.
    pub use_text: Option<bool>,
}

/// The latest action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LatestAction {
    /// By name.
    Name(String),
    /// An end-to-end bot text.
    Text(String),
}

/// The loop that is active.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActiveLoop {
    /// Its name.
    pub name: String,
    /// Whether something interrupted it.
    pub is_interrupted: bool,
    /// Whether it declined to run.
    pub rejected: bool,
    /// The message that activated it.
    pub trigger_message: Option<Arc<LatestMessage>>,
}

/// The state that a list of events leads to. Cheap to clone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Derived {
    slots: Arc<IndexMap<String, Value>>,
    set_slots: Arc<BTreeSet<String>>,
    /// Whether the bot is silent.
    pub paused: bool,
    /// Action that must run next.
    pub followup_action: Option<String>,
    /// Latest action.
    pub latest_action: Option<LatestAction>,
    /// Latest user message.
    pub latest_message: Option<Arc<LatestMessage>>,
    /// Channel of the latest user message.
    pub latest_input_channel: Option<String>,
    /// Active loop.
    pub active_loop: Option<ActiveLoop>,
}

impl Derived {
    /// Before any event: slots at their initial value, listening next.
    pub fn initial(domain: &Domain) -> Self {
        Self {
            slots: Arc::new(
                domain.slots.iter().map(|(name, slot)| (name.clone(), slot.initial_value.clone())).collect(),
            ),
            set_slots: Arc::default(),
            paused: false,
            followup_action: Some("action_listen".to_owned()),
            latest_action: None,
            latest_message: None,
            latest_input_channel: None,
            active_loop: None,
        }
    }

    /// Values of all slots, in domain order.
    pub fn slots(&self) -> &IndexMap<String, Value> {
        &self.slots
    }

    /// Names of the slots that some event set.
    pub fn set_slots(&self) -> &BTreeSet<String> {
        &self.set_slots
    }

    /// A slot's value; `Null` when it is unset or unknown.
    pub fn slot(&self, name: &str) -> &Value {
        self.slots.get(name).unwrap_or(&Value::Null)
    }

    /// Name of the latest action.
    pub fn latest_action_name(&self) -> Option<&str> {
        match &self.latest_action {
            Some(LatestAction::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// Name of the active loop; the sentinel of rules is no loop.
    pub fn active_loop_name(&self) -> Option<&str> {
        self.active_loop.as_ref().map(|active| active.name.as_str()).filter(|name| *name != SHOULD_NOT_BE_SET)
    }

    /// Intent of the latest message.
    pub fn latest_intent(&self) -> Option<&str> {
        self.latest_message.as_ref()?.parse_data.intent.name.as_deref()
    }

    /// Entities of the latest message.
    pub fn latest_entities(&self) -> &[Entity] {
        self.latest_message.as_ref().map_or(&[], |message| &message.parse_data.entities)
    }

    /// Applies one event (the table of spec §3.1). Undoing events are not
    /// applied here: they change which events count.
    pub fn apply(&mut self, event: &Event, domain: &Domain) {
        match &event.body {
            EventBody::User { text, parse_data, input_channel, message_id } => {
                self.latest_message = Some(Arc::new(LatestMessage {
                    text: text.clone(),
                    parse_data: Arc::clone(parse_data),
                    message_id: message_id.clone(),
                    metadata: event.metadata.clone(),
                    use_text: None,
                }));
                if input_channel.is_some() {
                    self.latest_input_channel.clone_from(input_channel);
                }
                self.followup_action = None;
            }
            EventBody::Action { name, action_text, .. } => self.apply_action(name.as_deref(), action_text.as_deref()),
            EventBody::Slot { name, value } => self.set_slot(name, value, domain),
            EventBody::ActiveLoop { name } => {
                self.active_loop = name.as_ref().filter(|name| is_loop(name, domain)).map(|name| ActiveLoop {
                    name: name.clone(),
                    is_interrupted: false,
                    rejected: false,
                    trigger_message: self.latest_message.clone(),
                });
            }
            EventBody::LoopInterrupted { is_interrupted } => {
                if let Some(active) = &mut self.active_loop {
                    active.is_interrupted = *is_interrupted;
                }
            }
            EventBody::ActionExecutionRejected { name, .. } => {
                if let Some(active) = self.active_loop.as_mut().filter(|active| active.name == *name) {
                    active.rejected = true;
                }
            }
            EventBody::UserFeaturization { use_text_for_featurization } => {
                if self.latest_action_name() == Some("action_listen") {
                    self.change_message(|message| message.use_text = Some(*use_text_for_featurization));
                }
            }
            EventBody::Entities { entities } => {
                if self.latest_action_name() == Some("action_listen") {
                    self.change_message(|message| {
                        Arc::make_mut(&mut message.parse_data).entities.extend(entities.iter().cloned());
                    });
                }
            }
            EventBody::SessionStarted {} => self.reset(domain, "action_listen"),
            EventBody::Restart {} => self.reset(domain, "action_session_start"),
            EventBody::ResetSlots {} => self.reset_slots(domain),
            EventBody::Followup { name } => self.followup_action = Some(name.clone()),
            EventBody::Pause {} => self.paused = true,
            EventBody::Resume {} => self.paused = false,
            EventBody::Bot { .. }
            | EventBody::Rewind {}
            | EventBody::Undo {}
            | EventBody::Reminder { .. }
            | EventBody::CancelReminder { .. }
            | EventBody::Export { .. }
            | EventBody::Agent { .. } => {}
        }
    }

    fn apply_action(&mut self, name: Option<&str>, text: Option<&str>) {
        self.latest_action = match (name, text) {
            (Some(name), _) => Some(LatestAction::Name(name.to_owned())),
            (None, Some(text)) => Some(LatestAction::Text(text.to_owned())),
            (None, None) => None,
        };
        self.followup_action = None;
        // Any action ends an interruption, the loop's own a rejection
        // (`DialogueStateTracker.set_latest_action`).
        if let Some(active) = &mut self.active_loop {
            active.is_interrupted = false;
            active.rejected &= Some(active.name.as_str()) != name;
        }
    }

    fn change_message(&mut self, change: impl FnOnce(&mut LatestMessage)) {
        if let Some(message) = &mut self.latest_message {
            change(Arc::make_mut(message));
        }
    }

    fn set_slot(&mut self, name: &str, value: &Value, domain: &Domain) {
        // An unknown slot is ignored, as in Rasa (spec §3.1).
        let Some(slot) = domain.slots.get(name) else { return };
        let value = coerce(&slot.slot_type, value.clone());
        Arc::make_mut(&mut self.slots).insert(name.to_owned(), value);
        if !self.set_slots.contains(name) {
            Arc::make_mut(&mut self.set_slots).insert(name.to_owned());
        }
    }

    fn reset_slots(&mut self, domain: &Domain) {
        let fresh = Self::initial(domain);
        self.slots = fresh.slots;
        self.set_slots = fresh.set_slots;
    }

    fn reset(&mut self, domain: &Domain, followup: &str) {
        let channel = self.latest_input_channel.take();
        *self = Self::initial(domain);
        self.latest_input_channel = channel;
        self.followup_action = Some(followup.to_owned());
    }

    /// What policies see now. `only_set` leaves out slots that no event set
    /// (rules speak only of those, spec §3.4).
    pub fn state(&self, domain: &Domain, only_set: bool) -> State {
        let slots = if only_set { self.set_slot_states(domain) } else { self.slot_states(domain) };
        self.state_with(slots, domain)
    }

    /// [`Self::state`] after a moment with that state: where no slot changed in
    /// between, its slots are taken over.
    pub(super) fn state_after(&self, (before, state): (&Self, &State), domain: &Domain) -> State {
        match Arc::ptr_eq(&self.slots, &before.slots) {
            true => self.state_with(state.slots.clone(), domain),
            false => self.state(domain, false),
        }
    }

    fn state_with(&self, slots: BTreeMap<String, SlotState>, domain: &Domain) -> State {
        State {
            slots,
            user: self.user_state(domain),
            prev_action: self.latest_action.as_ref().map(|action| match action {
                LatestAction::Name(name) => PrevAction::Name(name.clone()),
                LatestAction::Text(text) => PrevAction::Text(text.clone()),
            }),
            active_loop: self.active_loop.as_ref().map(|active| match active.name.as_str() {
                SHOULD_NOT_BE_SET => LoopState::ShouldNotBeSet,
                name => LoopState::Active(name.to_owned()),
            }),
        }
    }

    fn slot_states(&self, domain: &Domain) -> BTreeMap<String, SlotState> {
        let mut states = BTreeMap::new();
        for (position, (name, slot)) in domain.slots.iter().enumerate() {
            // Both maps have the domain's order; looking up by name is for a
            // tracker whose domain changed under it.
            let value = match self.slots.get_index(position) {
                Some((known, value)) if known == name => value,
                _ => self.slot(name),
            };
            states.extend(slot_state(slot, value).map(|state| (name.clone(), state)));
        }
        states
    }

    fn set_slot_states(&self, domain: &Domain) -> BTreeMap<String, SlotState> {
        let state = |name: &String| Some((name.clone(), slot_state(domain.slots.get(name)?, self.slot(name))?));
        self.set_slots.iter().filter_map(state).collect()
    }

    fn user_state(&self, domain: &Domain) -> Option<UserState> {
        let message = self.latest_message.as_ref()?;
        let use_text = message.use_text == Some(true);
        let intent = message.parse_data.intent.name.clone().filter(|_| !use_text);
        let text = message.text.clone().filter(|text| !text.is_empty() && message.use_text != Some(false));
        let entities = if use_text { Vec::new() } else { counted_entities(message, domain) };
        if intent.is_none() && text.is_none() && entities.is_empty() {
            return None;
        }
        Some(UserState { intent, entities, text })
    }
}

/// What policies see of a slot's value. Nothing has no features, whatever the
/// type (spec §1.6).
fn slot_state(slot: &Slot, value: &Value) -> Option<SlotState> {
    if !slot.influence_conversation || value.is_null() {
        return None;
    }
    if value.as_str() == Some(SHOULD_NOT_BE_SET) {
        return Some(SlotState::should_not_be_set());
    }
    featurize(slot, value).map(SlotState::Features)
}

/// Sorted names (with `#role`, `#group`) of the entities that count with the
/// message's intent.
fn counted_entities(message: &LatestMessage, domain: &Domain) -> Vec<String> {
    let mut names = BTreeSet::new();
    for entity in &message.parse_data.entities {
        names.insert(entity.entity.clone());
        for label in [&entity.role, &entity.group].into_iter().flatten() {
            names.insert(format!("{}#{label}", entity.entity));
        }
    }
    if let Some(intent) = message.parse_data.intent.name.as_deref().and_then(|name| domain.intents.get(name)) {
        names.retain(|name| intent.used_entities.contains(name));
    }
    names.into_iter().collect()
}

/// Whether that loop can run. In Rasa a conversation in a loop that the domain
/// lost answers nothing until it is restarted; here it is in none.
pub(crate) fn is_loop(name: &str, domain: &Domain) -> bool {
    name == SHOULD_NOT_BE_SET || domain.has_action(name)
}
