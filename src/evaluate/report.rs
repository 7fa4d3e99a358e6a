//! Results of test stories as Rasa's files show them (spec §8.3).

use serde_json::{Value, json};

use super::metrics::{Confusion, ratio};
use super::stories::{StepKindTag, StepResult, StoryResult};

/// Everything that was compared: actions, intents and entities together.
pub fn confusion(results: &[StoryResult]) -> Confusion {
    of_steps(results, |_| true)
}

/// The actions alone, as `story_confusion_matrix` shows them.
pub fn action_confusion(results: &[StoryResult]) -> Confusion {
    of_steps(results, |step| step.kind == StepKindTag::Action)
}

fn of_steps(results: &[StoryResult], counts: impl Fn(&StepResult) -> bool) -> Confusion {
    let steps = results.iter().flat_map(StoryResult::steps).filter(|step| counts(step));
    Confusion::of(steps.map(|step| (step.expected.as_str(), step.predicted.as_str())))
}

/// `story_report.json`: precision, recall, F1 and support of every label, their
/// averages, and the share of stories that pass.
pub fn story_report(results: &[StoryResult]) -> Value {
    let mut report = confusion(results).report(false);
    let count = |is_counted: &dyn Fn(&StoryResult) -> bool| results.iter().filter(|result| is_counted(result)).count();
    let correct = count(&StoryResult::passed);
    let conversations = json!({
        "accuracy": ratio(correct, results.len()),
        "correct": correct,
        "with_warnings": count(&StoryResult::has_warnings),
        "total": results.len(),
    });
    report.insert("conversation_accuracy".to_owned(), conversations);
    Value::Object(report)
}
