//! How well policies predict stories that they have not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sapa_dialogue::policy::Prediction;
use sapa_dialogue::policy::ensemble::choose;
use sapa_dialogue::training::{TrainingDialogue, dialogues};
use sapa_dialogue::{DialogueModel, Tracker};
use sapa_learn::Rng;
use sapa_project::story::StoryKind;
use sapa_project::{ComponentConfig, Project};
use sapa_sdk::EventBody;
use serde_json::json;

use super::stories::decline;

/// Actions right and all, by policy.
pub type Counts = BTreeMap<&'static str, (usize, usize)>;

/// The policies that are compared, with the history TEDPolicy has by default in
/// Rasa's own configuration.
const COMPARED: [(&str, Option<u64>); 4] = [
    ("MemoizationPolicy", None),
    ("AugmentedMemoizationPolicy", Some(5)),
    ("RulePolicy", None),
    ("TEDPolicy", Some(5)),
];
/// The name under which all of them together are counted.
pub const TOGETHER: &str = "together";
/// More held-out dialogues than this say nothing new.
const MOST_DIALOGUES: usize = 200;

/// Holds out a fifth of the stories (at least one), learns the others and all
/// rules, and counts how many actions of the held-out ones each policy predicts.
/// `None` when there are fewer than two stories, or the rest cannot be learnt.
pub fn hold_out(project: &Project, seed: u64, threads: usize) -> Option<Counts> {
    let mut names: Vec<&str> =
        project.stories.iter().filter(|s| matches!(s.kind, StoryKind::Story)).map(|s| s.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Rng::new(seed).shuffle(&mut names);
    if names.len() < 2 {
        return None;
    }
    let held: BTreeSet<&str> = names.iter().take((names.len() / 5).max(1)).copied().collect();
    let (all, _) = dialogues(&project.stories, &project.domain);
    let is_held =
        |dialogue: &&TrainingDialogue| !dialogue.is_rule && dialogue.name.split(" > ").any(|part| held.contains(part));
    let tested: Vec<&TrainingDialogue> = all.iter().filter(is_held).take(MOST_DIALOGUES).collect();
    let mut rest = project.clone();
    rest.stories.retain(|story| !held.contains(story.name.as_str()));
    rest.config.policies = COMPARED.iter().map(|(name, history)| component(project, name, *history)).collect();
    let (model, _) = DialogueModel::train(&rest, threads);
    if model.policies.len() < COMPARED.len() {
        return None;
    }
    let mut counts = Counts::new();
    tested.iter().for_each(|dialogue| count(dialogue, &model, &mut counts));
    Some(counts)
}

fn component(project: &Project, name: &str, history: Option<u64>) -> ComponentConfig {
    let options = match name {
        // Held-out stories leave rules without the stories that need them.
        "RulePolicy" => json!({ "check_for_contradictions": false }),
        _ => json!({ "max_history": history }),
    };
    let span = project.config.policies.first().map(|policy| policy.span).unwrap_or_default();
    ComponentConfig { span, ..ComponentConfig::implied(name, options.as_object().cloned().unwrap_or_default()) }
}

fn count(dialogue: &TrainingDialogue, model: &DialogueModel, counts: &mut Counts) {
    let mut tracker = Tracker::new(&*dialogue.name, Arc::clone(&model.domain));
    for event in &dialogue.events {
        if let EventBody::Action { name, action_text, .. } = &event.event.body
            && let Some(expected) = name.as_deref().or(action_text.as_deref())
            && tracker.current().latest_action.is_some()
        {
            let mut add = |policy: &'static str, right: bool| {
                let entry = counts.entry(policy).or_default();
                (entry.0, entry.1) = (entry.0 + usize::from(right), entry.1 + 1);
            };
            for ((_, policy), (name, _)) in model.policies.iter().zip(COMPARED) {
                add(name, best(&policy.predict(&tracker, &model.rule_only)) == Some(expected));
            }
            add(TOGETHER, together(&tracker, expected, model) == expected);
        }
        tracker.update(event.event.clone());
    }
}

/// What all policies choose. A form that runs where something else is expected is
/// taken to have declined, as in test stories (spec §8.2).
fn together(tracker: &Tracker, expected: &str, model: &DialogueModel) -> String {
    let ask = |tracker: &Tracker| choose(&model.policies, tracker, &model.domain, &model.rule_only).action;
    let chosen = ask(tracker);
    if chosen == expected || tracker.current().active_loop_name() != Some(chosen.as_str()) {
        return chosen;
    }
    let mut declined = tracker.clone();
    decline(&mut declined, chosen);
    ask(&declined)
}

fn best(prediction: &Prediction) -> Option<&str> {
    let best = prediction.probabilities.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    best.map(|(action, _)| action.as_str())
}
