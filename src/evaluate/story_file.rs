//! Test stories written back as YAML, with a comment where something else was
//! predicted (spec §8.3).

use sapa_project::python::python_str;
use sapa_project::story::UserStep;
use sapa_sdk::EventBody;
use serde_json::json;

use super::step_entities::annotated;
use super::stories::{Moment, StepKindTag, StepResult, StoryResult};

/// The stories that count, or a comment that says there are none.
pub fn write(results: &[StoryResult], counts: impl Fn(&StoryResult) -> bool, none: &str) -> String {
    let stories: Vec<String> = results.iter().filter(|result| counts(result)).map(story).collect();
    if stories.is_empty() {
        return format!("# {none}\n");
    }
    format!("version: \"3.1\"\nstories:\n{}", stories.join("\n"))
}

fn story(result: &StoryResult) -> String {
    let mut lines = vec![format!("- story: {}", json!(result.name)), "  steps:".to_owned()];
    for moment in &result.moments {
        lines.extend(step(moment).iter().enumerate().map(|(number, line)| {
            let indent = if number == 0 { "  - " } else { "    " };
            format!("{indent}{line}")
        }));
    }
    lines.join("\n") + "\n"
}

/// The lines of a step; none for what goes without saying.
fn step(moment: &Moment) -> Vec<String> {
    match &moment.event.body {
        EventBody::Action { name: Some(name), .. } => {
            let comment = comment(moment, StepKindTag::Action);
            // Stories do not write it, unless something else was predicted.
            if name == "action_listen" && comment.is_empty() {
                Vec::new()
            } else {
                vec![format!("action: {name}{comment}")]
            }
        }
        EventBody::Action { action_text: Some(text), .. } => {
            vec![format!("bot: {}{}", json!(text), comment(moment, StepKindTag::Action))]
        }
        EventBody::User { .. } => moment.user.as_ref().map(|user| user_step(moment, user)).unwrap_or_default(),
        EventBody::Slot { name, value } => vec!["slot_was_set:".to_owned(), format!("- {}: {value}", json!(name))],
        EventBody::ActiveLoop { name } => vec![format!("active_loop: {}", name.as_deref().unwrap_or("null"))],
        _ => Vec::new(),
    }
}

fn user_step(moment: &Moment, user: &UserStep) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(intent) = user.full_intent.as_ref().or(user.intent.as_ref()) {
        lines.push(format!("intent: {intent}{}", comment(moment, StepKindTag::Intent)));
    }
    if let Some(text) = &user.text {
        lines.push(format!("user: |-{}", comment(moment, StepKindTag::Entity)));
        lines.extend(annotated(text, &user.entities).trim().lines().map(|line| format!("  {}", line.trim())));
    } else if !user.entities.is_empty() {
        lines.push("entities:".to_owned());
        lines.extend(user.entities.iter().map(|e| format!("- {}: {}", json!(e.entity), json!(python_str(&e.value)))));
    }
    lines
}

/// `  # predicted: …`, where something else was predicted or warned of.
fn comment(moment: &Moment, kind: StepKindTag) -> String {
    let wrong: Vec<&str> = moment
        .results
        .iter()
        .filter(|result| result.kind == kind && !result.is_right())
        .map(|result: &StepResult| result.predicted.as_str())
        .collect();
    let warned = (moment.has_warning && kind == StepKindTag::Action).then_some(sapa_dialogue::policy::UNLIKELY_INTENT);
    let predicted: Vec<&str> = warned.into_iter().chain(wrong).collect();
    // A line break would end the comment.
    if predicted.is_empty() {
        String::new()
    } else {
        format!("  # predicted: {}", predicted.join(", ").replace('\n', " "))
    }
}
