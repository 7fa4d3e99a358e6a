//! What became of a test story: each event, and how it compares.

use sapa_dialogue::policy::Cause;
use sapa_project::Span;
use sapa_project::story::UserStep;
use sapa_sdk::Event;

/// What one story came to.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryResult {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Everything that happens in it.
    pub moments: Vec<Moment>,
}

/// One event of a story, and how it compares.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The event, as the story says.
    pub event: Event,
    /// The user's step, as it is written.
    pub user: Option<UserStep>,
    /// What was compared: expected and predicted.
    pub results: Vec<StepResult>,
    /// Whether `action_unlikely_intent` was predicted first.
    pub has_warning: bool,
    /// Why policies expect the action too.
    pub causes: Vec<Cause>,
}

impl Moment {
    pub(super) fn of(event: Event) -> Self {
        Self { event, user: None, results: Vec::new(), has_warning: false, causes: Vec::new() }
    }
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct StepResult {
    /// What kind: action, intent or entity.
    pub kind: StepKindTag,
    /// Where the step stands.
    pub span: Span,
    /// What the story says.
    pub expected: String,
    /// What the model says.
    pub predicted: String,
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKindTag {
    /// The next action.
    Action,
    /// The message's intent.
    Intent,
    /// One of the message's entities.
    Entity,
}

impl StepKindTag {
    /// The kind, as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Intent => "intent",
            Self::Entity => "entity",
        }
    }
}

impl StepResult {
    /// Whether both agree.
    pub fn is_right(&self) -> bool {
        self.expected == self.predicted
    }
}

impl StoryResult {
    /// A story passes when every step does; warnings do not count.
    pub fn passed(&self) -> bool {
        self.steps().all(StepResult::is_right)
    }

    /// Whether some step has a warning.
    pub fn has_warnings(&self) -> bool {
        self.moments.iter().any(|moment| moment.has_warning)
    }

    /// Every comparison, in order.
    pub fn steps(&self) -> impl Iterator<Item = &StepResult> {
        self.moments.iter().flat_map(|moment| &moment.results)
    }
}
