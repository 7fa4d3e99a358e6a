//! Test stories (spec §8): what failed is printed, the reports are written.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sapa_project::{Diagnostic, FileRole, ProjectFile, Severity, Sources, load_test_stories, render_text};

use super::flags::{CoreFlags, Shared};
use super::listener::Listener;
use super::results::Results;
use crate::cli::dotenv::Environment;
use crate::cli::{files, models, terminal};
use crate::evaluate::chart::matrix;
use crate::evaluate::stories::{StoryResult, evaluate};
use crate::evaluate::{report, story_file};

const YAML: [&str; 2] = ["yml", "yaml"];

/// What became of all test stories.
pub(super) struct Played {
    pub(super) results: Vec<StoryResult>,
    /// Whether every file could be read; one that cannot is never passed.
    pub(super) is_readable: bool,
    sources: Sources,
}

impl Played {
    /// Number of stories that passed.
    pub(super) fn correct(&self) -> usize {
        self.results.iter().filter(|result| result.passed()).count()
    }
}

/// Plays the test stories that the flags name; `None` without any file of them.
pub(super) fn play(
    flags: &CoreFlags,
    is_e2e: bool,
    model_path: &Path,
    environment: &Environment,
) -> Result<Option<Played>> {
    let files = story_files(&flags.stories, is_e2e)?;
    if files.is_empty() {
        return Ok(None);
    }
    let model = models::load(model_path)?;
    let Some(dialogue) = model.dialogue() else { bail!("the model has no dialogue part to test") };
    let (sources, read, mut findings) = load_test_stories(files, &|name| environment.get(name), &dialogue.domain);
    let listener = Listener::new()?;
    let parse = |text: &str| listener.parse(&model, text);
    let most = flags.max_stories.unwrap_or(usize::MAX);
    let (results, found) = evaluate(&read, dialogue, is_e2e.then_some(&parse), most);
    findings.extend(found);
    show_findings(&findings, &sources);
    let is_readable = findings.iter().all(|finding| finding.severity != Severity::Error);
    Ok(Some(Played { results, is_readable, sources }))
}

/// Says what failed, and writes the reports.
pub(super) fn report(shared: &Shared, played: &Played) -> Result<()> {
    let results = &played.results;
    if results.is_empty() && played.is_readable {
        terminal::say("The files hold no test stories: they stand under `stories:`; rules are not played.");
        return write_reports(&Results::of(shared)?, played);
    }
    results.iter().filter(|r| !r.passed()).for_each(|result| show_failure(result, &played.sources));
    terminal::say(&format!("{} of {} test stories passed", played.correct(), results.len()));
    let summary = report::confusion(results).summary();
    terminal::say(&format!(
        "actions, intents and entities: accuracy {:.3}, F1 {:.3}, precision {:.3} (means weighted by support)",
        summary.accuracy, summary.weighted.f1, summary.weighted.precision
    ));
    write_reports(&Results::of(shared)?, played)
}

fn show_findings(findings: &[Diagnostic], sources: &Sources) {
    if !findings.is_empty() {
        terminal::note(&render_text(findings, sources, terminal::has_colour()));
    }
}

fn show_failure(result: &StoryResult, sources: &Sources) {
    terminal::say(&format!("story {} `{}` failed:", sources.place(result.span), result.name));
    for step in result.steps().filter(|step| !step.is_right()) {
        let place = sources.place(step.span);
        terminal::say(&format!(
            "  {place}: expected {} `{}`, predicted `{}`",
            step.kind.word(),
            step.expected,
            step.predicted
        ));
    }
}

fn write_reports(folder: &Results, played: &Played) -> Result<()> {
    let results = played.results.as_slice();
    folder.json("story_report.json", &report::story_report(results))?;
    let file = |name: &str, counts: &dyn Fn(&StoryResult) -> bool, none: &str| {
        folder.write(name, story_file::write(results, counts, none))
    };
    if folder.has_errors {
        let none = match played.is_readable && !results.is_empty() {
            true => "None of the test stories failed - all good!",
            false => "None of the test stories that could be played failed",
        };
        file("failed_test_stories.yml", &|result| !result.passed(), none)?;
    }
    if folder.has_successes {
        file("successful_test_stories.yml", &StoryResult::passed, "None of the test stories succeeded :(")?;
    }
    if folder.has_warnings {
        file("stories_with_warnings.yml", &StoryResult::has_warnings, "No warnings for test stories")?;
    }
    folder.plot("story_confusion_matrix", || matrix("Action confusion matrix", &report::action_confusion(results)))
}

/// The story files under the given paths: end to end those named `test_*.yml`,
/// else all (spec §8.1).
fn story_files(paths: &[PathBuf], is_e2e: bool) -> Result<Vec<ProjectFile>> {
    let found = files::walk_all(paths, &YAML)?;
    let is_test = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test_"));
    found
        .iter()
        .filter(|path| files::has_ending(path, &YAML) && (!is_e2e || is_test(path)))
        .map(|path| {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok(ProjectFile { path: path.to_string_lossy().into_owned(), bytes, role: FileRole::Data })
        })
        .collect()
}
