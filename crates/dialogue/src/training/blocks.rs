//! Stories cut at checkpoints, alternatives chosen, and joined again.

use std::collections::BTreeMap;

use sapa_project::story::{SlotStep, Step, StepKind, Story, StoryKind};
use sapa_project::{Diagnostic, Domain, Span, codes};
use sapa_sdk::EventBody;
use serde_json::Value;

use super::expand::Writer;
use super::{SNIPPET, TrainingDialogue, TrainingEvent};

/// More linear dialogues than this from one story mean a mistake.
const MOST_ALTERNATIVES: usize = 2_000;
/// More linear dialogues than this from one project do not help learning.
const MOST_DIALOGUES: usize = 50_000;

/// A linear piece between two checkpoints.
pub(super) struct Block {
    name: String,
    is_rule: bool,
    span: Span,
    start: Option<(String, Vec<SlotStep>, Span)>,
    end: Option<(String, Span)>,
    events: Vec<TrainingEvent>,
    user_turns: usize,
}

/// Cuts stories into blocks with every alternative chosen once.
pub(super) fn split(stories: &[Story], domain: &Domain, findings: &mut Vec<Diagnostic>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for story in stories {
        for steps in alternatives(story, findings) {
            cut(story, &steps, domain, &mut blocks);
        }
    }
    blocks
}

/// The story's steps with each `or` replaced by one of its choices.
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
            return lists;
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

/// Joins blocks at checkpoints into linear dialogues. A block is passed at most
/// once in a dialogue, which cuts cycles.
pub(super) fn connect(blocks: &[Block], findings: &mut Vec<Diagnostic>) -> Vec<TrainingDialogue> {
    let mut by_start: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, block) in blocks.iter().enumerate() {
        if let Some((name, _, _)) = &block.start {
            by_start.entry(name).or_default().push(index);
        }
    }
    let mut dialogues = Vec::new();
    let mut reached = vec![false; blocks.len()];
    for (index, block) in blocks.iter().enumerate() {
        if block.start.is_none() {
            follow(blocks, &by_start, &mut vec![index], &mut reached, &mut dialogues, findings);
        }
    }
    findings.extend(blocks.iter().zip(&reached).filter(|(_, reached)| !**reached).filter_map(|(block, _)| {
        let ends = blocks.iter().zip(&reached).filter_map(|(block, reached)| block.end.as_ref().filter(|_| *reached));
        unreached(block, ends.map(|(name, span)| (name.as_str(), *span)))
    }));
    dialogues
}

/// A block that no dialogue passes, given where those that are passed end: in
/// other checkpoints, or in this one without the slots that it asks for.
fn unreached<'a>(block: &Block, mut ends: impl Iterator<Item = (&'a str, Span)>) -> Option<Diagnostic> {
    let (name, _, span) = block.start.as_ref()?;
    let finding = match ends.find(|(end, _)| end == name) {
        Some((_, end)) => Diagnostic::warning(
            codes::UNREACHED_CHECKPOINT,
            format!("stories reach the checkpoint `{name}`, but never with the slots that `{}` asks for", block.name),
        )
        .at(*span, "this condition never holds")
        .at(end, "reached here")
        .help("set these slots in a story that ends with the checkpoint, or remove the condition"),
        None => Diagnostic::warning(
            codes::UNREACHED_CHECKPOINT,
            format!("no story reaches the checkpoint `{name}` with which `{}` starts", block.name),
        )
        .at(*span, "never reached")
        .help("end another story with this checkpoint, or remove it"),
    };
    Some(finding)
}

fn follow(
    blocks: &[Block],
    by_start: &BTreeMap<&str, Vec<usize>>,
    path: &mut Vec<usize>,
    reached: &mut [bool],
    dialogues: &mut Vec<TrainingDialogue>,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(&last) = path.last() else { return };
    reached[last] = true;
    if dialogues.len() >= MOST_DIALOGUES {
        return;
    }
    let Some((checkpoint, span)) = &blocks[last].end else {
        dialogues.push(join(blocks, path));
        return;
    };
    let next: Vec<usize> = by_start.get(checkpoint.as_str()).cloned().unwrap_or_default();
    if next.is_empty() {
        findings.push(
            Diagnostic::warning(codes::OPEN_CHECKPOINT, format!("no story starts with the checkpoint `{checkpoint}`"))
                .at(*span, "leads nowhere")
                .help("start another story with this checkpoint, or remove it"),
        );
    }
    let mut went_on = false;
    for index in next {
        if path.contains(&index) || !conditions_hold(blocks, path, &blocks[index]) {
            continue;
        }
        went_on = true;
        path.push(index);
        follow(blocks, by_start, path, reached, dialogues, findings);
        path.pop();
    }
    if !went_on {
        dialogues.push(join(blocks, path));
    }
}

/// Whether the slots that a start checkpoint asks for were last set so.
fn conditions_hold(blocks: &[Block], path: &[usize], next: &Block) -> bool {
    let Some((_, conditions, _)) = &next.start else { return true };
    conditions.iter().all(|condition| {
        let held = path.iter().rev().flat_map(|i| blocks[*i].events.iter().rev()).find_map(|e| match &e.event.body {
            EventBody::Slot { name, value } if *name == condition.name => Some(value),
            _ => None,
        });
        match &condition.value {
            None => held.is_some_and(|value| !value.is_null()),
            Some(wanted) => held.unwrap_or(&Value::Null) == wanted,
        }
    })
}

fn join(blocks: &[Block], path: &[usize]) -> TrainingDialogue {
    let first = &blocks[path[0]];
    let mut names: Vec<&str> = path.iter().map(|i| blocks[*i].name.as_str()).collect();
    names.dedup();
    let mut events: Vec<TrainingEvent> = Vec::new();
    for index in path {
        for event in &blocks[*index].events {
            let is_listen = |e: &TrainingEvent| matches!(&e.event.body, EventBody::Action { name: Some(name), .. } if name == "action_listen");
            if is_listen(event) && events.last().is_some_and(is_listen) {
                continue;
            }
            let mut event = event.clone();
            event.event.timestamp = events.len() as f64;
            event.unpredictable &= events.is_empty() || first.is_rule;
            events.push(event);
        }
    }
    TrainingDialogue {
        name: names.join(" > "),
        is_rule: first.is_rule,
        span: first.span,
        user_turns: path.iter().map(|i| blocks[*i].user_turns).sum(),
        events,
    }
}
