//! Test stories (spec §8): each expected step is compared with what the model
//! predicts on the story so far.

use std::sync::Arc;

use sapa_dialogue::policy::UNLIKELY_INTENT;
use sapa_dialogue::policy::ensemble::choose;
use sapa_dialogue::training::{TrainingDialogue, dialogues};
use sapa_dialogue::{DialogueModel, Tracker};
use sapa_project::story::{StepKind, StoryKind, UserStep};
use sapa_project::{Diagnostic, Domain, Span, Step, Story};
use sapa_sdk::{Event, EventBody, ParseData};

use super::coverage::causes;
use super::step_entities;
pub use super::story_result::{Moment, StepKindTag, StepResult, StoryResult};

/// Understands a text.
pub type Parse<'a> = &'a dyn Fn(&str) -> ParseData;

/// Runs test stories, at most so many. With `parse`, user texts are understood
/// and compared (end-to-end mode); without it, intents are taken as given. The
/// findings say which stories could not be run as they are written.
pub fn evaluate(
    stories: &[Story],
    model: &DialogueModel,
    parse: Option<Parse<'_>>,
    most: usize,
) -> (Vec<StoryResult>, Vec<Diagnostic>) {
    let stories: Vec<Story> = stories.iter().filter(|s| matches!(s.kind, StoryKind::Story)).cloned().collect();
    let (expanded, findings) = dialogues(&stories, &model.domain);
    let results = expanded.iter().take(most).map(|dialogue| Run::new(&stories, dialogue, model, parse).finish());
    (results.collect(), findings)
}

/// The pseudo action that stands where Rasa gives up (spec §8.2).
const CIRCUIT_BREAKER: &str = "circuit breaker tripped";

/// A story that is being run.
struct Run<'a> {
    stories: &'a [Story],
    dialogue: &'a TrainingDialogue,
    model: &'a DialogueModel,
    parse: Option<Parse<'a>>,
    tracker: Tracker,
    /// Full key of the response that answers the last message, where it is known.
    selected: Option<String>,
}

impl<'a> Run<'a> {
    fn new(
        stories: &'a [Story],
        dialogue: &'a TrainingDialogue,
        model: &'a DialogueModel,
        parse: Option<Parse<'a>>,
    ) -> Self {
        let tracker = Tracker::new(&*dialogue.name, Arc::clone(&model.domain));
        Self { stories, dialogue, model, parse, tracker, selected: None }
    }

    fn finish(mut self) -> StoryResult {
        let dialogue = self.dialogue;
        let mut moments = Vec::new();
        for (number, event) in dialogue.events.iter().enumerate() {
            let known = as_policies_know_it(&event.event, &self.model.domain);
            let mut moment = Moment::of(event.event.clone());
            match &event.event.body {
                // The first event begins the story; nothing predicts it.
                EventBody::Action { .. } if number > 0 => {
                    let expected = action_of(&event.event).unwrap_or_default().to_owned();
                    let (predicted, has_warning) = self.predict(&expected);
                    moment.has_warning = has_warning;
                    moment.causes = causes(self.model, &self.tracker, action_of(&known).unwrap_or(&expected));
                    moment.results.push(StepResult {
                        kind: StepKindTag::Action,
                        span: event.span,
                        expected,
                        predicted,
                    });
                }
                EventBody::User { .. } => {
                    moment.user = self.user_step(event.span).cloned();
                    moment.results = self.understand(moment.user.as_ref(), event.span);
                }
                _ => {}
            }
            // Whatever was predicted: later steps are judged by themselves.
            self.tracker.update(known);
            moments.push(moment);
        }
        StoryResult { name: dialogue.name.clone(), span: dialogue.span, moments }
    }

    /// The model's next action, and whether an unlikely intent was found first
    /// (spec §8.2).
    fn predict(&mut self, expected: &str) -> (String, bool) {
        if self.tracker.actions_since_listen() >= self.model.max_predictions {
            return (CIRCUIT_BREAKER.to_owned(), false);
        }
        let mut predicted = self.ask(expected);
        let has_warning = predicted == UNLIKELY_INTENT && predicted != expected;
        if has_warning {
            self.tracker.update(Event::new(0.0, unlikely_intent()));
            predicted = self.ask(expected);
        }
        if predicted != expected && self.tracker.current().active_loop_name() == Some(predicted.as_str()) {
            decline(&mut self.tracker, predicted);
            predicted = self.ask(expected);
        }
        (predicted, has_warning)
    }

    fn ask(&self, expected: &str) -> String {
        let followup = self.tracker.current().followup_action.clone().filter(|action| action != "action_listen");
        let model = self.model;
        let action =
            followup.unwrap_or_else(|| choose(&model.policies, &self.tracker, &model.domain, &model.rule_only).action);
        if action == expected { action } else { self.with_full_key(action, expected) }
    }

    /// A retrieval action counts with its full key where the story does not name
    /// it by its base (spec §8.2). Where no selector was asked, the expected key
    /// is as good as any.
    fn with_full_key(&self, action: String, expected: &str) -> String {
        let is_retrieval = self
            .model
            .domain
            .responses
            .keys()
            .any(|name| name.strip_prefix(&action).is_some_and(|rest| rest.starts_with('/')));
        if !is_retrieval {
            return action;
        }
        match &self.selected {
            Some(key) => format!("utter_{key}"),
            None if base(expected) == action => expected.to_owned(),
            None => action,
        }
    }

    /// Compares intent and entities of a user step that has a text (spec §8.2).
    fn understand(&mut self, user: Option<&UserStep>, span: Span) -> Vec<StepResult> {
        self.selected = user.and_then(|user| user.full_intent.clone());
        let Some((user, parse)) = user.zip(self.parse) else { return Vec::new() };
        let (Some(text), Some(intent)) = (&user.text, &user.intent) else { return Vec::new() };
        let parsed = parse(text);
        let expected = user.full_intent.as_ref().unwrap_or(intent);
        let (key, predicted) = (selected_key(&parsed), predicted_intent(&parsed, expected));
        let mut results = vec![StepResult { kind: StepKindTag::Intent, span, expected: expected.clone(), predicted }];
        results.extend(
            step_entities::compare(text, user, &parsed.entities).into_iter().map(|(expected, predicted)| StepResult {
                kind: StepKindTag::Entity,
                span,
                expected,
                predicted,
            }),
        );
        self.selected = key.or_else(|| self.selected.take());
        results
    }

    fn user_step(&self, span: Span) -> Option<&'a UserStep> {
        let step = self.stories.iter().find_map(|story| find(&story.steps, span))?;
        if let StepKind::User(user) = &step.kind { Some(user) } else { None }
    }
}

/// Where something else was expected than the active form, it is taken to have
/// declined; what comes then is asked for once (spec §8.2).
pub(super) fn decline(tracker: &mut Tracker, name: String) {
    tracker.update(Event::new(0.0, EventBody::ActionExecutionRejected { name, policy: None, confidence: None }));
}

/// Policies know retrieval actions by their base.
pub(super) fn as_policies_know_it(event: &Event, domain: &Domain) -> Event {
    let mut event = event.clone();
    if let EventBody::Action { name: Some(name), .. } = &mut event.body
        && let Some((base, _)) = name.split_once('/')
        && domain.has_action(base)
    {
        *name = base.to_owned();
    }
    event
}

/// Name or text of the action that an event tells of.
pub(super) fn action_of(event: &Event) -> Option<&str> {
    match &event.body {
        EventBody::Action { name, action_text, .. } => name.as_deref().or(action_text.as_deref()),
        _ => None,
    }
}

/// The base if that is what was expected, else the selector's full key if there
/// is one.
fn predicted_intent(parsed: &ParseData, expected: &str) -> String {
    let base = parsed.intent.name.clone().unwrap_or_default();
    if base == expected { base } else { selected_key(parsed).unwrap_or(base) }
}

/// Full key that the selector of the predicted intent chose.
fn selected_key(parsed: &ParseData) -> Option<String> {
    let intent = parsed.intent.name.as_deref()?;
    let selectors = parsed.rest.get("response_selector")?;
    let key = |name: &str| selectors.get(name)?.pointer("/response/intent_response_key")?.as_str().map(str::to_owned);
    key(intent).or_else(|| key("default")).filter(|key| base(key) == intent)
}

fn base(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

fn unlikely_intent() -> EventBody {
    EventBody::Action {
        name: Some(UNLIKELY_INTENT.to_owned()),
        policy: None,
        confidence: None,
        action_text: None,
        hide_rule_turn: false,
    }
}

fn find(steps: &[Step], span: Span) -> Option<&Step> {
    steps.iter().find_map(|step| match &step.kind {
        StepKind::Or(choices) => find(choices, span),
        _ if step.span == span => Some(step),
        _ => None,
    })
}
