//! Stories cut at checkpoints, alternatives chosen.

use sapa_project::story::{SlotStep, Step, StepKind, Story, StoryKind};
use sapa_project::{Diagnostic, Domain, Span, codes};

use super::expand::Writer;
use super::{SNIPPET, TrainingEvent};

/// More linear dialogues than this from one story mean a mistake.
const MOST_ALTERNATIVES: usize = 2_000;

/// And so many from all stories together: each takes memory and time.
const MOST_IN_ALL: usize = 50_000;

/// A linear piece between two checkpoints.
pub(super) struct Block {
    pub(super) name: String,
    pub(super) is_rule: bool,
    pub(super) span: Span,
    pub(super) start: Option<(String, Vec<SlotStep>, Span)>,
    pub(super) end: Option<(String, Span)>,
    pub(super) events: Vec<TrainingEvent>,
    pub(super) user_turns: usize,
}

/// Cuts stories into blocks with every alternative chosen once.
pub(super) fn split(stories: &[Story], domain: &Domain, findings: &mut Vec<Diagnostic>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut left = MOST_IN_ALL;
    for story in stories {
        let alternatives = alternatives(story, findings);
        let Some(rest) = left.checked_sub(alternatives.len()) else {
            let message = format!("the stories have more than {MOST_IN_ALL} alternatives together");
            let finding = Diagnostic::error(codes::TOO_MANY_ALTERNATIVES, message);
            findings.push(finding.at(story.span, "reached here").help("use fewer `or` steps"));
            return blocks;
        };
        left = rest;
        for steps in alternatives {
            cut(story, &steps, domain, &mut blocks);
        }
    }
    blocks
}

/// The story's steps with each `or` replaced by one of its choices; none when
/// there are too many.
fn alternatives<'a>(story: &'a Story, findings: &mut Vec<Diagnostic>) -> Vec<Vec<&'a Step>> {
    let mut lists: Vec<Vec<&Step>> = vec![Vec::new()];
    for step in &story.steps {
        let choices: Vec<&Step> = match &step.kind {
            StepKind::Or(choices) => choices.iter().collect(),
            _ => vec![step],
        };
        if lists.len() * choices.len().max(1) > MOST_ALTERNATIVES {
            findings.push(
                Diagnostic::error(
                    codes::TOO_MANY_ALTERNATIVES,
                    format!("`{}` has more than {MOST_ALTERNATIVES} alternatives", story.name),
                )
                .at(step.span, "multiplied here")
                .help("split the story, or use fewer `or` steps"),
            );
            return Vec::new();
        }
        lists = lists
            .iter()
            .flat_map(|list| choices.iter().map(move |choice| list.iter().copied().chain([*choice]).collect()))
            .collect();
    }
    lists
}

fn cut(story: &Story, steps: &[&Step], domain: &Domain, blocks: &mut Vec<Block>) {
    let mut start = None;
    let mut writer = writer_for(story, domain);
    for (index, step) in steps.iter().enumerate() {
        let StepKind::Checkpoint { name, slots } = &step.kind else {
            writer.step(step);
            continue;
        };
        if index == 0 {
            start = Some((name.clone(), slots.clone(), step.span));
            continue;
        }
        let finished = std::mem::replace(&mut writer, Writer::new(domain, false));
        blocks.push(block(story, start.take(), Some((name.clone(), step.span)), finished));
        start = Some((name.clone(), Vec::new(), step.span));
    }
    let ends_with_checkpoint = steps.last().is_some_and(|s| matches!(s.kind, StepKind::Checkpoint { .. }));
    if ends_with_checkpoint && steps.len() > 1 {
        return;
    }
    finish(story, &mut writer);
    blocks.push(block(story, start, None, writer));
}

fn block(
    story: &Story,
    start: Option<(String, Vec<SlotStep>, Span)>,
    end: Option<(String, Span)>,
    writer: Writer<'_>,
) -> Block {
    Block {
        name: story.name.clone(),
        is_rule: matches!(story.kind, StoryKind::Rule { .. }),
        span: story.span,
        start,
        end,
        user_turns: writer.user_turns,
        events: writer.events,
    }
}

/// Rules begin with their conditions and, unless they are for the start of a
/// conversation, with [`SNIPPET`] (spec §1.5).
fn writer_for<'a>(story: &Story, domain: &'a Domain) -> Writer<'a> {
    match &story.kind {
        StoryKind::Story => Writer::new(domain, false),
        StoryKind::Rule { condition, conversation_start, .. } => {
            let mut writer = Writer::new(domain, true);
            condition.iter().for_each(|step| writer.step(step));
            if !conversation_start {
                writer.action(SNIPPET, story.span);
                if let Some(last) = writer.events.last_mut() {
                    last.unpredictable = false;
                }
            }
            writer
        }
    }
}

fn finish(story: &Story, writer: &mut Writer<'_>) {
    let last_span = writer.events.last().map_or(story.span, |e| e.span);
    match &story.kind {
        StoryKind::Rule { wait_for_user_input: false, .. } => writer.action(SNIPPET, last_span),
        _ => writer.listen(last_span),
    }
}
