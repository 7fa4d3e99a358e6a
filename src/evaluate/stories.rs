//! Test stories (spec §8): each expected step is compared with what the model
//! predicts on the story so far.

use std::sync::Arc;

use sapa_dialogue::policy::ensemble::choose;
use sapa_dialogue::training::{TrainingDialogue, dialogues};
use sapa_dialogue::{DialogueModel, Tracker};
use sapa_project::story::{StepKind, StoryKind};
use sapa_project::{Domain, Span, Step, Story};
use sapa_sdk::{Entity, Event, EventBody, ParseData};

/// What one story came to.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryResult {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Every step that was compared: expected and predicted.
    pub steps: Vec<StepResult>,
}

/// One compared step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepResult {
    /// What kind: action, intent or entities.
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
    /// The message's entities.
    Entities,
}

impl StepKindTag {
    /// The kind, as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Intent => "intent",
            Self::Entities => "entities",
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
    /// A story passes when every step does.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(StepResult::is_right)
    }
}

/// Understands a text.
pub type Parse<'a> = &'a dyn Fn(&str) -> ParseData;

/// Runs test stories. With `parse`, user texts are understood and compared
/// (end-to-end mode); without it, intents are taken as given.
pub fn evaluate(stories: &[Story], model: &DialogueModel, parse: Option<Parse<'_>>) -> Vec<StoryResult> {
    let stories: Vec<&Story> = stories.iter().filter(|s| matches!(s.kind, StoryKind::Story)).collect();
    stories.iter().flat_map(|story| evaluate_story(story, model, parse)).collect()
}

fn evaluate_story(story: &Story, model: &DialogueModel, parse: Option<Parse<'_>>) -> Vec<StoryResult> {
    let (expanded, _) = dialogues(std::slice::from_ref(story), &model.domain);
    expanded.iter().map(|dialogue| run(story, dialogue, model, parse)).collect()
}

fn run(story: &Story, dialogue: &TrainingDialogue, model: &DialogueModel, parse: Option<Parse<'_>>) -> StoryResult {
    let mut tracker = Tracker::new(&*dialogue.name, Arc::clone(&model.domain));
    let mut steps = Vec::new();
    let mut is_first = true;
    for event in &dialogue.events {
        match &event.event.body {
            EventBody::Action { name, action_text, .. } => {
                let expected = name.clone().or_else(|| action_text.clone()).unwrap_or_default();
                // The first `action_listen` begins the story; nothing predicts it.
                if !is_first {
                    steps.push(predict(&mut tracker, &expected, event.span, model));
                }
            }
            EventBody::User { .. } => {
                if let Some(parse) = parse {
                    steps.extend(understand(story, event.span, &model.domain, parse));
                }
            }
            _ => {}
        }
        is_first = false;
        tracker.update(event.event.clone());
    }
    StoryResult { name: dialogue.name.clone(), span: story.span, steps }
}

/// The model's next action. If it is the active form where something else is
/// expected, the form is taken to have declined, and asked once more (spec §8.2).
fn predict(tracker: &mut Tracker, expected: &str, span: Span, model: &DialogueModel) -> StepResult {
    let ask = |tracker: &Tracker| choose(&model.policies, tracker, &model.domain, &model.rule_only).action;
    let mut predicted =
        tracker.current().followup_action.clone().filter(|a| a != "action_listen").unwrap_or_else(|| ask(tracker));
    if predicted != expected && tracker.current().active_loop_name() == Some(predicted.as_str()) {
        let name = predicted.clone();
        tracker.update(Event::new(0.0, EventBody::ActionExecutionRejected { name, policy: None, confidence: None }));
        predicted = ask(tracker);
    }
    let base = expected.split('/').next().unwrap_or(expected);
    if predicted == base {
        predicted = expected.to_owned();
    }
    StepResult { kind: StepKindTag::Action, span, expected: expected.to_owned(), predicted }
}

/// Compares intent and entities of a user step that has a text (spec §8.2).
fn understand(story: &Story, span: Span, domain: &Domain, parse: Parse<'_>) -> Vec<StepResult> {
    let Some(StepKind::User(user)) = find(&story.steps, span).map(|step| &step.kind) else { return Vec::new() };
    let (Some(text), Some(intent)) = (&user.text, &user.intent) else { return Vec::new() };
    let parsed = parse(text);
    let predicted = parsed.intent.name.clone().unwrap_or_default();
    let mut results = vec![StepResult { kind: StepKindTag::Intent, span, expected: intent.clone(), predicted }];
    let known = |entity: &&Entity| domain.entities.contains_key(&entity.entity);
    // Entities of a payload stand nowhere in the text (spec §1.5).
    let is_payload = text.trim_start().starts_with('/');
    let describe = |entity: &str, value: &serde_json::Value, range: (usize, usize)| {
        let value = sapa_dialogue::features::python_str(value);
        if is_payload { format!("{entity}={value}") } else { format!("{entity}={value} [{}..{}]", range.0, range.1) }
    };
    let mut found: Vec<String> = parsed
        .entities
        .iter()
        .filter(known)
        .map(|e| describe(&e.entity, &e.value, (e.start.unwrap_or_default(), e.end.unwrap_or_default())))
        .collect();
    let mut wanted: Vec<String> =
        user.entities.iter().map(|e| describe(&e.entity, &e.value, e.range.unwrap_or_default())).collect();
    for list in [&mut found, &mut wanted] {
        list.sort();
        list.dedup();
    }
    if !(found.is_empty() && wanted.is_empty()) {
        results.push(StepResult {
            kind: StepKindTag::Entities,
            span,
            expected: wanted.join(", "),
            predicted: found.join(", "),
        });
    }
    results
}

fn find(steps: &[Step], span: Span) -> Option<&Step> {
    steps.iter().find_map(|step| match &step.kind {
        StepKind::Or(choices) => find(choices, span),
        _ if step.span == span => Some(step),
        _ => None,
    })
}
