//! Test stories (spec §8): what failed is printed, the reports are written.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sapa_project::{Diagnostic, FileRole, ProjectFile, Severity, Sources, load_test_stories, render_text};

use super::flags::{CoreFlags, Shared};
use super::results::Results;
use crate::cli::dotenv::Environment;
use crate::cli::{files, models, terminal};
use crate::evaluate::report;
use crate::evaluate::stories::{StoryResult, evaluate};

const YAML: [&str; 2] = ["yml", "yaml"];

/// Whether the tests are passed: a story that cannot be read never is, one that
/// is predicted otherwise only counts with `--fail-on-prediction-errors`. `None`
/// without any story.
pub(super) fn run(
    shared: &Shared,
    flags: &CoreFlags,
    is_e2e: bool,
    model_path: &Path,
    environment: &Environment,
) -> Result<Option<bool>> {
    let files = story_files(&flags.stories)?;
    if files.is_empty() {
        return Ok(None);
    }
    let model = models::load(model_path)?;
    let Some(dialogue) = model.dialogue() else { bail!("the model has no dialogue part to test") };
    let (sources, read, findings) = load_test_stories(files, &|name| environment.get(name), &dialogue.domain);
    show_findings(&findings, &sources);
    let parse = |text: &str| model.parse(text);
    let results = evaluate(&read, dialogue, is_e2e.then_some(&parse));
    results.iter().filter(|r| !r.passed()).for_each(|result| show_failure(result, &sources));
    let passed = results.iter().filter(|r| r.passed()).count();
    terminal::say(&format!("{passed} of {} test stories passed", results.len()));
    write_reports(&Results::of(shared)?, &results)?;
    let is_readable = findings.iter().all(|finding| finding.severity != Severity::Error);
    Ok(Some(is_readable && (passed == results.len() || !flags.fail_on_prediction_errors)))
}

fn show_findings(findings: &[Diagnostic], sources: &Sources) {
    if !findings.is_empty() {
        terminal::note(&render_text(findings, sources, terminal::has_colour()));
    }
}

fn show_failure(result: &StoryResult, sources: &Sources) {
    terminal::say(&format!("story {} `{}` failed:", sources.place(result.span), result.name));
    for step in result.steps.iter().filter(|step| !step.is_right()) {
        let place = sources.place(step.span);
        terminal::say(&format!(
            "  {place}: expected {} `{}`, predicted `{}`",
            step.kind.word(),
            step.expected,
            step.predicted
        ));
    }
}

fn write_reports(folder: &Results, results: &[StoryResult]) -> Result<()> {
    folder.json("story_report.json", &report::story_report(results))?;
    folder.write("failed_test_stories.yml", report::failed_stories(results))
}

/// Files named `test_*.yml` under the given paths (spec §8.1).
fn story_files(paths: &[PathBuf]) -> Result<Vec<ProjectFile>> {
    let found = files::walk_all(paths, &YAML)?;
    let is_test = |path: &&PathBuf| {
        files::has_ending(path, &YAML)
            && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test_"))
    };
    found
        .iter()
        .filter(is_test)
        .map(|path| {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok(ProjectFile { path: path.to_string_lossy().into_owned(), bytes, role: FileRole::Data })
        })
        .collect()
}
