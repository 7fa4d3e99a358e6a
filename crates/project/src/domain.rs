//! The runtime domain (spec §1.6): no spans, ready to be stored in a model.

use indexmap::IndexMap;
use sapa_sdk::JsonMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Intents that exist in every domain.
pub const DEFAULT_INTENTS: [&str; 5] = ["restart", "back", "out_of_scope", "session_start", "nlu_fallback"];

/// The default actions, in index order (spec §3.5).
pub const DEFAULT_ACTIONS: [&str; 13] = [
    "action_listen",
    "action_restart",
    "action_session_start",
    "action_default_fallback",
    "action_deactivate_loop",
    "action_revert_fallback_events",
    "action_default_ask_affirmation",
    "action_default_ask_rephrase",
    "action_two_stage_fallback",
    "action_unlikely_intent",
    "action_back",
    "...",
    "action_extract_slots",
];

/// An intent and which entities count with it (featurization only).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Entity names (plain, `e#role`, `e#group`) that count: use minus ignore.
    pub used_entities: BTreeSet<String>,
    /// Whether `/`-keyed examples make it a retrieval intent.
    pub is_retrieval: bool,
}

/// An entity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EntityType {
    /// Roles.
    pub roles: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Whether it counts in featurization.
    pub influence_conversation: bool,
}

/// A slot's type with what that type needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SlotType {
    /// Any text; features: set or not.
    Text,
    /// Yes or no.
    Bool,
    /// One of these values (lower-cased), or `__other__`.
    Categorical {
        /// Values, lower-cased, without null.
        values: Vec<String>,
    },
    /// A number between these bounds.
    Float {
        /// Lower bound.
        min_value: f64,
        /// Upper bound.
        max_value: f64,
    },
    /// A list; features: empty or not.
    List,
    /// Anything; never featurized.
    Any,
}

/// When a mapping applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingCondition {
    /// `None`: no loop may be active.
    pub active_loop: Option<String>,
    /// The slot that must be asked for.
    pub requested_slot: Option<String>,
}

/// How a slot gets its value (spec §3.7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MappingKind {
    /// From an entity.
    FromEntity {
        /// Entity name.
        entity: String,
        /// Role, which must be equal.
        role: Option<String>,
        /// Group, which must be equal.
        group: Option<String>,
    },
    /// From the message's text.
    FromText,
    /// This value, whenever the intent matches.
    FromIntent {
        /// The value.
        value: Value,
    },
    /// This value, when the intent that triggered the loop matches.
    FromTriggerIntent {
        /// The value.
        value: Value,
    },
    /// Set by a custom action.
    Custom {
        /// The action; none: set by validation or other actions.
        action: Option<String>,
    },
}

/// One mapping of a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotMapping {
    /// How.
    #[serde(flatten)]
    pub kind: MappingKind,
    /// Only with these intents; empty: any.
    pub intent: Vec<String>,
    /// Not with these intents.
    pub not_intent: Vec<String>,
    /// Any of these must hold; empty: always.
    pub conditions: Vec<MappingCondition>,
}

/// A slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Type.
    #[serde(flatten)]
    pub slot_type: SlotType,
    /// Mappings in order; empty for implicit slots.
    pub mappings: Vec<SlotMapping>,
    /// Whether it has features.
    pub influence_conversation: bool,
    /// Value at start and after a reset.
    pub initial_value: Value,
    /// Added by Rasa, not by the developer: mappings never apply.
    pub is_implicit: bool,
}

/// A condition of a response variation: a slot's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseCondition {
    /// Slot name.
    pub name: String,
    /// Value it must have.
    pub value: Value,
}

/// One variation of a response (spec §3.9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseVariation {
    /// Every key but `condition` and `channel`, as written.
    pub content: JsonMap,
    /// Output channel it is for.
    pub channel: Option<String>,
    /// All must hold; empty: a default variation.
    pub condition: Vec<ResponseCondition>,
    /// `condition` as written, for the bot event's metadata.
    pub condition_json: Value,
}

/// A custom action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomAction {
    /// Name.
    pub name: String,
    /// Whether the domain is posted under `enable_selective_domain`.
    pub send_domain: bool,
}

/// A form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Slots to fill, in order.
    pub required_slots: Vec<String>,
    /// Intents whose mappings do not count while it is active.
    pub ignored_intents: Vec<String>,
}

/// `session_config`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionConfig {
    /// Minutes; 0: never.
    pub session_expiration_time: f64,
    /// Whether slots survive.
    pub carry_over_slots_to_new_session: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { session_expiration_time: 60.0, carry_over_slots_to_new_session: true }
    }
}

/// The domain as the runtime needs it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Intents, with the default ones, sorted.
    pub intents: BTreeMap<String, Intent>,
    /// Entities, sorted.
    pub entities: BTreeMap<String, EntityType>,
    /// Slots in file order, implicit ones last.
    pub slots: IndexMap<String, Slot>,
    /// Responses in file order (with those of NLU files).
    pub responses: IndexMap<String, Vec<ResponseVariation>>,
    /// Custom actions in file order, as listed under `actions`.
    pub actions: Vec<CustomAction>,
    /// Forms in file order.
    pub forms: IndexMap<String, Form>,
    /// End-to-end bot texts, sorted.
    pub e2e_actions: Vec<String>,
    /// Session settings.
    pub session_config: SessionConfig,
    /// Whether stories' entities set slots while training.
    pub store_entities_as_slots: bool,
    /// All actions in index order: defaults, custom, responses, forms, e2e.
    pub action_names: Vec<String>,
    /// The domain dictionary as Rasa answers `/domain` and posts it to actions.
    pub raw: JsonMap,
}

impl Domain {
    /// Whether an action of that name exists.
    pub fn has_action(&self, name: &str) -> bool {
        self.action_names.iter().any(|action| action == name)
    }

    /// Whether the developer listed that action (which overrides a default).
    pub fn is_custom_action(&self, name: &str) -> bool {
        self.actions.iter().any(|action| action.name == name)
    }
}
