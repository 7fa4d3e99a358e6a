//! Stories and rules (spec §1.5), as written: nothing expanded.

use crate::Span;
use serde_json::Value;

/// What kind of item it is.
#[derive(Clone, Debug, PartialEq)]
pub enum StoryKind {
    /// A story.
    Story,
    /// A rule.
    Rule {
        /// Steps of `condition`.
        condition: Vec<Step>,
        /// Only at the start of a conversation.
        conversation_start: bool,
        /// Whether `action_listen` follows.
        wait_for_user_input: bool,
    },
}

/// One story or rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Its name.
    pub name: String,
    /// Story or rule.
    pub kind: StoryKind,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// Where its name stands.
    pub span: Span,
}

/// One step and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it says.
    pub kind: StepKind,
    /// Where it stands.
    pub span: Span,
}

/// An entity named by a user step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEntity {
    /// Entity name.
    pub entity: String,
    /// Value; `""` when only the name was given.
    pub value: Value,
    /// Role.
    pub role: Option<String>,
    /// Group.
    pub group: Option<String>,
    /// Character offsets, when it was annotated in a text.
    pub range: Option<(usize, usize)>,
    /// Where it stands.
    pub span: Span,
}

/// A user turn.
#[derive(Clone, Debug, PartialEq)]
pub struct UserStep {
    /// Intent (base name of a retrieval intent); `None` for an end-to-end turn.
    pub intent: Option<String>,
    /// The full name of a retrieval intent, where one was written.
    pub full_intent: Option<String>,
    /// Plain text, annotations removed.
    pub text: Option<String>,
    /// Entities.
    pub entities: Vec<StepEntity>,
}

/// A slot and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotStep {
    /// Slot name.
    pub name: String,
    /// Value; `None` when only the name was given, `Some(Null)` for `null`.
    pub value: Option<Value>,
    /// Where it stands.
    pub span: Span,
}

/// What a step says.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// The user says something.
    User(UserStep),
    /// An action runs.
    Action(String),
    /// End-to-end bot text.
    Bot(String),
    /// One of several steps: user turns, or slot steps of one slot each.
    Or(Vec<Step>),
    /// A checkpoint, with slot conditions at the start of a story.
    Checkpoint {
        /// Its name.
        name: String,
        /// Conditions.
        slots: Vec<SlotStep>,
    },
    /// Slots were set.
    SlotWasSet(Vec<SlotStep>),
    /// A loop became active, or none is.
    ActiveLoop(Option<String>),
}

impl Story {
    /// Whether a user turn is written out: such texts are learnt like examples.
    pub fn has_user_text(&self) -> bool {
        fn is_text(step: &Step) -> bool {
            match &step.kind {
                StepKind::User(user) => user.text.is_some(),
                StepKind::Or(steps) => steps.iter().any(is_text),
                _ => false,
            }
        }
        self.steps.iter().any(is_text)
    }
}
