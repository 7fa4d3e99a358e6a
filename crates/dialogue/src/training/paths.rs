//! Blocks joined at checkpoints into linear dialogues.
//!
//! Every path is a dialogue, as long as there are not too many of them: each
//! checkpoint that several stories lead to and several go on from multiplies
//! them. Then paths are chosen so that every story has its part in some.

use std::collections::{BTreeMap, BTreeSet};

use sapa_project::{Diagnostic, Span, codes};
use sapa_sdk::EventBody;
use serde_json::Value;

use super::blocks::Block;
use super::{TrainingDialogue, TrainingEvent};

/// More linear dialogues than this from one project do not help learning.
const MOST_DIALOGUES: usize = 50_000;
/// Nor do more events than this in those that checkpoints join.
const MOST_EVENTS: usize = 400_000;
/// Blocks in one path, where all paths are followed. It bounds the recursion.
const LONGEST_PATH: usize = 500;
/// Blocks in one path, where paths are chosen.
const LONGEST_CHOSEN_PATH: usize = 20;

/// Joins blocks at checkpoints into linear dialogues. A block is passed at most
/// once in a dialogue, which cuts cycles.
pub(super) fn connect(blocks: &[Block], findings: &mut Vec<Diagnostic>) -> Vec<TrainingDialogue> {
    let mut graph = Graph::new(blocks);
    let is_complete = (0..blocks.len()).filter(|at| blocks[*at].start.is_none()).all(|at| graph.follow(&mut vec![at]));
    let paths = if is_complete { std::mem::take(&mut graph.paths) } else { graph.choose() };
    if !is_complete {
        graph.reach();
        findings.extend(graph.too_many());
    }
    findings.append(&mut graph.open());
    findings.append(&mut graph.unreached());
    paths.iter().map(|path| join(blocks, path)).collect()
}

/// Which block can follow which.
struct Graph<'b> {
    blocks: &'b [Block],
    by_start: BTreeMap<&'b str, Vec<usize>>,
    /// Blocks that some path passes, in the order in which they were reached.
    reached: Vec<usize>,
    is_reached: Vec<bool>,
    paths: Vec<Vec<usize>>,
    events: usize,
}

impl<'b> Graph<'b> {
    fn new(blocks: &'b [Block]) -> Self {
        let mut by_start: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, block) in blocks.iter().enumerate() {
            if let Some((name, _, _)) = &block.start {
                by_start.entry(name).or_default().push(index);
            }
        }
        let is_reached = vec![false; blocks.len()];
        Self { blocks, by_start, reached: Vec::new(), is_reached, paths: Vec::new(), events: 0 }
    }

    fn pass(&mut self, block: usize) {
        if !std::mem::replace(&mut self.is_reached[block], true) {
            self.reached.push(block);
        }
    }

    /// Blocks that start with the checkpoint with which this one ends.
    fn after(&self, block: usize) -> &[usize] {
        let end = self.blocks[block].end.as_ref();
        end.and_then(|(checkpoint, _)| self.by_start.get(checkpoint.as_str())).map_or(&[], Vec::as_slice)
    }

    /// Follows all paths that begin so; `false` when there are too many.
    fn follow(&mut self, path: &mut Vec<usize>) -> bool {
        let Some(&last) = path.last() else { return true };
        self.pass(last);
        let mut went_on = false;
        for at in 0..self.after(last).len() {
            let next = self.after(last)[at];
            if path.contains(&next) || !conditions_hold(self.blocks, path, &self.blocks[next]) {
                continue;
            }
            went_on = true;
            path.push(next);
            if path.len() > LONGEST_PATH || !self.follow(path) {
                return false;
            }
            path.pop();
        }
        if !went_on {
            self.events += self.joined_events(path);
            self.paths.push(path.clone());
        }
        self.paths.len() <= MOST_DIALOGUES && self.events <= MOST_EVENTS
    }

    /// Events of a path that checkpoints join; other stories are not to blame.
    fn joined_events(&self, path: &[usize]) -> usize {
        path.iter().map(|at| self.blocks[*at].events.len()).sum::<usize>() * usize::from(path.len() > 1)
    }

    /// Paths in rounds, one for each beginning in each round; each goes on where
    /// the fewest went before.
    fn choose(&self) -> Vec<Vec<usize>> {
        let mut passed = vec![0_usize; self.blocks.len()];
        let mut chosen = Vec::new();
        let mut known = BTreeSet::new();
        let mut events = 0;
        loop {
            let before = chosen.len();
            for start in (0..self.blocks.len()).filter(|at| self.blocks[*at].start.is_none()) {
                let is_too_much = events > MOST_EVENTS || chosen.len() >= MOST_DIALOGUES;
                // The first round has something of every story that begins a dialogue.
                if before > 0 && (is_too_much || self.after(start).is_empty()) {
                    continue;
                }
                let path = self.rarest(start, &mut passed);
                if known.insert(path.clone()) {
                    events += self.joined_events(&path);
                    chosen.push(path);
                }
            }
            if chosen.len() == before {
                return chosen;
            }
        }
    }

    fn rarest(&self, start: usize, passed: &mut [usize]) -> Vec<usize> {
        let mut path = vec![start];
        while let Some(&last) = path.last().filter(|_| path.len() < LONGEST_CHOSEN_PATH) {
            let fits = |next: &usize| !path.contains(next) && conditions_hold(self.blocks, &path, &self.blocks[*next]);
            let next = self.after(last).iter().copied().filter(fits).min_by_key(|next| (passed[*next], *next));
            let Some(next) = next else { break };
            passed[next] += 1;
            path.push(next);
        }
        path
    }

    /// Marks what could be reached if slots were no matter.
    fn reach(&mut self) {
        let mut open: Vec<usize> = (0..self.blocks.len()).filter(|at| self.blocks[*at].start.is_none()).collect();
        (self.is_reached, self.reached) = (vec![false; self.blocks.len()], Vec::new());
        while let Some(block) = open.pop() {
            if !self.is_reached[block] {
                self.pass(block);
                open.extend(self.after(block).iter().filter(|next| !self.is_reached[**next]));
            }
        }
    }

    fn too_many(&self) -> Option<Diagnostic> {
        let widest = self.reached.iter().copied().max_by_key(|block| (self.after(*block).len(), usize::MAX - block))?;
        let (name, span) = self.blocks[widest].end.as_ref()?;
        let text = "checkpoints connect these stories in too many ways: not all of them are learnt";
        Some(
            Diagnostic::warning(codes::TOO_MANY_PATHS, text)
                .at(*span, format!("{} stories go on from `{name}`", self.after(widest).len()))
                .help("use fewer checkpoints; stories that only share their beginning need none"),
        )
    }

    fn open(&self) -> Vec<Diagnostic> {
        let ends = self.reached.iter().filter_map(|block| self.blocks[*block].end.as_ref());
        ends.filter(|(checkpoint, _)| !self.by_start.contains_key(checkpoint.as_str()))
            .map(|(checkpoint, span)| leads_nowhere(checkpoint, *span))
            .collect()
    }

    fn unreached(&self) -> Vec<Diagnostic> {
        let blocks = self.blocks.iter().zip(&self.is_reached).filter(|(_, reached)| !**reached);
        let ends = || {
            let passed = self.reached.iter().filter_map(|block| self.blocks[*block].end.as_ref());
            passed.map(|(name, span)| (name.as_str(), *span))
        };
        blocks.filter_map(|(block, _)| never_reached(block, ends())).collect()
    }
}

fn leads_nowhere(checkpoint: &str, span: Span) -> Diagnostic {
    Diagnostic::warning(codes::OPEN_CHECKPOINT, format!("no story starts with the checkpoint `{checkpoint}`"))
        .at(span, "leads nowhere")
        .help("start another story with this checkpoint, or remove it")
}

/// A block that no dialogue passes, given where those that are passed end: in
/// other checkpoints, or in this one without the slots that it asks for.
fn never_reached<'a>(block: &Block, mut ends: impl Iterator<Item = (&'a str, Span)>) -> Option<Diagnostic> {
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
    let is_listen = |e: &TrainingEvent| matches!(&e.event.body, EventBody::Action { name: Some(name), .. } if name == "action_listen");
    let mut events: Vec<TrainingEvent> = Vec::new();
    for event in path.iter().flat_map(|index| &blocks[*index].events) {
        if is_listen(event) && events.last().is_some_and(is_listen) {
            continue;
        }
        let mut event = event.clone();
        event.event.timestamp = events.len() as f64;
        event.unpredictable &= events.is_empty() || first.is_rule;
        events.push(event);
    }
    TrainingDialogue {
        name: names.join(" > "),
        is_rule: first.is_rule,
        span: first.span,
        user_turns: path.iter().map(|i| blocks[*i].user_turns).sum(),
        events,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapa_project::story::{Step, StepKind, Story, StoryKind};
    use sapa_project::{Domain, Span};

    /// Stories that each lead to a checkpoint from which all others go on.
    fn stories(count: usize) -> Vec<Story> {
        let step = |kind| Step { kind, span: Span::default() };
        let checkpoint = |name: &str| step(StepKind::Checkpoint { name: name.to_owned(), slots: Vec::new() });
        let story = |number: usize| {
            let action = step(StepKind::Action(format!("action_{number}")));
            let mut steps = vec![action, checkpoint("all")];
            if number > 0 {
                steps.insert(0, checkpoint("all"));
            }
            Story { name: format!("story {number}"), kind: StoryKind::Story, steps, span: Span::default() }
        };
        (0..count).map(story).collect()
    }

    fn dialogues(count: usize) -> (Vec<TrainingDialogue>, Vec<&'static str>) {
        let (dialogues, findings) = crate::training::dialogues(&stories(count), &Domain::default());
        (dialogues, findings.iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn few_paths_are_all_followed() {
        let (dialogues, findings) = dialogues(4);
        assert_eq!((dialogues.len(), findings.len()), (6, 0));
    }

    #[test]
    fn of_too_many_paths_some_are_chosen_and_no_story_is_left_out() {
        let (dialogues, findings) = dialogues(600);
        assert_eq!(findings, [codes::TOO_MANY_PATHS]);
        let events: usize = dialogues.iter().map(|dialogue| dialogue.events.len()).sum();
        assert!(events <= MOST_EVENTS + 3 * LONGEST_CHOSEN_PATH, "{events} events");
        let names: BTreeSet<&str> = dialogues.iter().flat_map(|dialogue| dialogue.name.split(" > ")).collect();
        assert_eq!(names.len(), 600);
    }
}
