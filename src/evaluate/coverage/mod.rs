//! What of a bot its tests exercise: rules, stories, forms, responses, intents,
//! by file and line.

mod exercised;
mod html;
mod lcov;
mod text;

use std::collections::BTreeMap;

use sapa_project::story::{StepKind, StoryKind};
use sapa_project::{Project, Sources, Span, Step, Story};
use serde_json::{Value, json};

use super::metrics::ratio;
pub use exercised::{Exercised, causes};

/// What a part of a bot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A rule; its steps count.
    Rule,
    /// A story; its steps count.
    Story,
    /// A form.
    Form,
    /// A response.
    Response,
    /// An intent.
    Intent,
}

impl Kind {
    /// All kinds, with their names in the plural.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Rule, "rules"),
        (Self::Story, "stories"),
        (Self::Form, "forms"),
        (Self::Response, "responses"),
        (Self::Intent, "intents"),
    ];

    /// The kind, as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Story => "story",
            Self::Form => "form",
            Self::Response => "response",
            Self::Intent => "intent",
        }
    }
}

/// A part of a bot, and how often tests made use of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// Line of its name, from 1.
    pub line: usize,
    /// What counts: the steps of a rule or story, or the part itself.
    pub lines: Vec<Line>,
}

/// A line that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub line: usize,
    /// What it says.
    pub what: String,
    /// How often it was made use of.
    pub hits: usize,
}

/// All parts, in the order of files and lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coverage {
    /// The parts.
    pub parts: Vec<Part>,
}

/// The share that is exercised, 0 to 1; where there is nothing, nothing is missing.
fn share(covered: usize, total: usize) -> f64 {
    if total == 0 { 1.0 } else { ratio(covered, total) }
}

impl Coverage {
    /// Lays what tests exercised over a project.
    pub fn of(project: &Project, exercised: &Exercised) -> Self {
        let mut parts: Vec<Part> = project.stories.iter().map(|story| of_story(story, &project.sources)).collect();
        add_decisions(&mut parts, &project.stories, exercised);
        let spans = &project.domain_spans;
        let named = [
            (Kind::Form, &spans.forms, &exercised.forms),
            (Kind::Response, &spans.responses, &exercised.responses),
            (Kind::Intent, &spans.intents, &exercised.intents),
        ];
        for (kind, spans, hits) in named {
            let part = |(name, span): (&String, &Span)| of_name(kind, name, *span, hits, &project.sources);
            parts.extend(spans.iter().map(part));
        }
        parts.sort_by(|a, b| (&a.path, a.line, a.kind).cmp(&(&b.path, b.line, b.kind)));
        Self { parts }
    }

    /// Covered lines and all lines of a kind.
    pub fn count(&self, kind: Kind) -> (usize, usize) {
        let lines = || self.parts.iter().filter(|part| part.kind == kind).flat_map(|part| &part.lines);
        (lines().filter(|line| line.hits > 0).count(), lines().count())
    }

    /// The figures of each kind, and every part, as JSON.
    pub fn to_json(&self) -> Value {
        let mut summary = serde_json::Map::new();
        for (kind, name) in Kind::ALL {
            let (covered, total) = self.count(kind);
            let figures = json!({ "covered": covered, "total": total, "share": share(covered, total) });
            summary.insert(name.to_owned(), figures);
        }
        let line = |line: &Line| json!({ "line": line.line, "what": line.what, "hits": line.hits });
        let part = |part: &Part| {
            json!({ "kind": part.kind.word(), "name": part.name, "file": part.path, "line": part.line,
                "lines": part.lines.iter().map(line).collect::<Vec<_>>() })
        };
        json!({ "summary": summary, "parts": self.parts.iter().map(part).collect::<Vec<_>>() })
    }

    /// Hits by file and line; a line that counts twice was made use of if either was.
    fn by_file(&self) -> BTreeMap<&str, BTreeMap<usize, usize>> {
        let mut files: BTreeMap<&str, BTreeMap<usize, usize>> = BTreeMap::new();
        for part in &self.parts {
            let file = files.entry(&part.path).or_default();
            part.lines.iter().for_each(|line| *file.entry(line.line).or_default() += line.hits);
        }
        files
    }
}

fn path(span: Span, sources: &Sources) -> String {
    sources.get(span.file).map(|source| source.path.clone()).unwrap_or_default()
}

fn of_name(kind: Kind, name: &str, span: Span, hits: &BTreeMap<String, usize>, sources: &Sources) -> Part {
    let line = sources.line_column(span).0;
    let hits = hits.get(name).copied().unwrap_or(0);
    let lines = vec![Line { line, what: format!("{} {name}", kind.word()), hits }];
    Part { kind, name: name.to_owned(), path: path(span, sources), line, lines }
}

fn of_story(story: &Story, sources: &Sources) -> Part {
    let kind = if matches!(story.kind, StoryKind::Story) { Kind::Story } else { Kind::Rule };
    let line = |step: &&Step| Line { line: sources.line_column(step.span).0, what: describe(step), hits: 0 };
    Part {
        kind,
        name: story.name.clone(),
        path: path(story.span, sources),
        line: sources.line_column(story.span).0,
        lines: steps(story).iter().map(line).collect(),
    }
}

/// The steps of a rule or story, its condition first.
fn steps(story: &Story) -> Vec<&Step> {
    let condition: &[Step] = match &story.kind {
        StoryKind::Rule { condition, .. } => condition,
        StoryKind::Story => &[],
    };
    condition.iter().chain(&story.steps).collect()
}

fn describe(step: &Step) -> String {
    match &step.kind {
        StepKind::User(user) => match (&user.full_intent, &user.intent, &user.text) {
            (Some(intent), _, _) | (None, Some(intent), _) => format!("intent {intent}"),
            (None, None, text) => format!("user {}", text.as_deref().unwrap_or_default()),
        },
        StepKind::Action(name) => format!("action {name}"),
        StepKind::Bot(text) => format!("bot {text}"),
        StepKind::Or(_) => "or".to_owned(),
        StepKind::Checkpoint { name, .. } => format!("checkpoint {name}"),
        StepKind::SlotWasSet(slots) => {
            format!("slot_was_set {}", slots.iter().map(|slot| slot.name.as_str()).collect::<Vec<_>>().join(", "))
        }
        StepKind::ActiveLoop(name) => format!("active_loop {}", name.as_deref().unwrap_or("null")),
    }
}

/// Counts each decision at its step, at the steps before it that were looked at,
/// and at those after it that only say what the action did.
fn add_decisions(parts: &mut [Part], stories: &[Story], exercised: &Exercised) {
    for (deciding, hits) in &exercised.decisions {
        let Some((file, line)) = deciding.place.rsplit_once(':') else { continue };
        let Ok(line) = line.parse::<usize>() else { continue };
        // The rule or story that a line lies in is the last that begins before it.
        let within = parts.iter_mut().zip(stories).filter(|(part, _)| part.path == file && part.line <= line);
        let Some((part, story)) = within.max_by_key(|(part, _)| part.line) else { continue };
        // Places of slots lie within their step.
        let Some(index) = part.lines.iter().rposition(|step| step.line <= line) else { continue };
        for number in reached(&steps(story), index, deciding.is_listen, deciding.reach) {
            if let Some(line) = part.lines.get_mut(number) {
                line.hits += hits;
            }
        }
    }
}

/// Numbers of the steps that a decision at step `index` makes use of.
fn reached(steps: &[&Step], index: usize, is_listen: bool, reach: Option<usize>) -> Vec<usize> {
    let is_user = |step: &&Step| matches!(step.kind, StepKind::User(_) | StepKind::Or(_));
    // Listening before a user step says nothing of that step.
    let end = if is_listen && steps.get(index).is_some_and(is_user) { index } else { index + 1 };
    let mut states = reach.map_or(usize::MAX, |reach| reach + 1);
    let mut first = end;
    for (number, step) in steps.iter().enumerate().take(end).rev() {
        let is_state = matches!(step.kind, StepKind::Action(_) | StepKind::Bot(_)) || is_user(step);
        if is_state && states == 0 {
            break;
        }
        states -= usize::from(is_state && states != usize::MAX);
        first = number;
    }
    let says_what_it_did = |step: &&&Step| {
        matches!(step.kind, StepKind::SlotWasSet(_) | StepKind::ActiveLoop(_) | StepKind::Checkpoint { .. })
    };
    let after = if is_listen { 0 } else { steps.iter().skip(end).take_while(says_what_it_did).count() };
    (first..end + after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps_of(words: &str) -> Vec<Step> {
        let kind = |word: &str| match word.split_once(' ') {
            Some(("action", name)) => StepKind::Action(name.to_owned()),
            Some(("loop", name)) => StepKind::ActiveLoop(Some(name.to_owned())),
            _ => StepKind::User(sapa_project::story::UserStep {
                intent: Some(word.to_owned()),
                full_intent: None,
                text: None,
                entities: Vec::new(),
            }),
        };
        words.split(", ").map(|word| Step { kind: kind(word), span: Span::default() }).collect()
    }

    #[test]
    fn a_decision_reaches_back_as_far_as_its_policy_looks() {
        let steps = steps_of("greet, action a, book, action form, loop form, inform, action form");
        let steps: Vec<&Step> = steps.iter().collect();
        assert_eq!(reached(&steps, 6, false, None), [0, 1, 2, 3, 4, 5, 6]);
        // The decision itself and two states before it.
        assert_eq!(reached(&steps, 6, false, Some(2)), [3, 4, 5, 6]);
        assert_eq!(reached(&steps, 3, false, Some(8)), [0, 1, 2, 3, 4], "with what the action did");
        assert_eq!(reached(&steps, 5, true, None), [0, 1, 2, 3, 4], "listening is not hearing");
    }
}
