//! `sapa test [core|nlu]`: test stories as Rasa's, literate dialogue tests, and
//! how well messages are understood.

mod coverage;
mod dialogues;
mod flags;
mod listener;
mod models;
mod nlu;
mod results;
mod stories;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::dotenv::Environment;
use super::{files, terminal};
use coverage::Watch;
use flags::{CoreFlags, DEFAULT_STORIES, Part, Shared};
use results::Results;

pub(super) use flags::TestArgs;

/// Runs the command. What was understood or predicted wrong is no failure of the
/// command, as in Rasa, unless the flags say so.
pub(super) fn run(args: &TestArgs) -> Result<ExitCode> {
    let environment = Environment::read();
    match &args.part {
        Some(Part::Core { shared, core }) => test_core(shared, core, core.e2e, &environment),
        Some(Part::Nlu { shared, nlu }) => {
            nlu::run(shared, nlu, &environment)?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            let code = match has_dialogue(&args.shared)? {
                true => test_core(&args.shared, &args.core, !args.no_e2e, &environment)?,
                false => {
                    terminal::say("The model has no dialogue part: stories and dialogues are left out.");
                    ExitCode::SUCCESS
                }
            };
            nlu::run_after_core(&args.shared, &args.nlu, &environment)?;
            Ok(code)
        }
    }
}

/// Whether there are dialogues to test: an NLU model has none.
fn has_dialogue(shared: &Shared) -> Result<bool> {
    Ok(shared.model.len() > 1 || super::models::load(&find_model(shared)?)?.dialogue().is_some())
}

fn test_core(shared: &Shared, flags: &CoreFlags, is_e2e: bool, environment: &Environment) -> Result<ExitCode> {
    if flags.url.is_some() {
        bail!("`--url` is not served: save the stories in a file and name it with `--stories`");
    }
    check_paths(&flags.stories)?;
    if flags.evaluate_model_directory {
        models::compare_folder(shared, flags, is_e2e, environment)?;
        return Ok(ExitCode::SUCCESS);
    }
    if shared.model.len() > 1 {
        models::compare(shared, flags, is_e2e, environment)?;
        return Ok(ExitCode::SUCCESS);
    }
    let model_path = find_model(shared)?;
    let mut watch = if flags.coverage { Some(Watch::start(shared, flags, &model_path)?) } else { None };
    let stories = test_stories(shared, flags, is_e2e, &model_path, environment, watch.as_mut())?;
    let dialogues = dialogues::run(shared, flags, &model_path, environment, watch.as_mut())?;
    if let Some(watch) = watch {
        watch.report(&Results::of(shared)?)?;
    }
    if stories.is_none() && dialogues.is_none() {
        terminal::say("No tests were found: no `test_*.yml` and no `*.md` with a block ```dialogue.");
    }
    let passed = stories.unwrap_or(true) && dialogues.unwrap_or(true);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the stories are passed: one that is predicted otherwise only counts
/// with `--fail-on-prediction-errors`. `None` without any story.
fn test_stories(
    shared: &Shared,
    flags: &CoreFlags,
    is_e2e: bool,
    model_path: &Path,
    environment: &Environment,
    watch: Option<&mut Watch>,
) -> Result<Option<bool>> {
    let Some(played) = stories::play(flags, is_e2e, model_path, environment)? else { return Ok(None) };
    stories::report(shared, &played)?;
    if let Some(watch) = watch {
        watch.stories(&played.results);
    }
    // Nothing that was tested is nothing that passed.
    let all = !played.results.is_empty() && played.correct() == played.results.len();
    let is_predicted = all || !flags.fail_on_prediction_errors;
    Ok(Some(played.is_readable && is_predicted))
}

/// The (first) model that the flags mean.
fn find_model(shared: &Shared) -> Result<PathBuf> {
    let named = shared.model.first().cloned().unwrap_or_default();
    match super::models::find(&named) {
        Some(path) => Ok(path),
        None => bail!("no model found in `{}`; train one with `sapa train` first", named.display()),
    }
}

/// A path that was named must be there; a project without tests is none.
fn check_paths(paths: &[PathBuf]) -> Result<()> {
    match paths.iter().find(|path| !path.exists() && path.as_os_str() != DEFAULT_STORIES) {
        Some(path) => bail!(files::missing(path, "--stories", "name the file or folder of your tests")),
        None => Ok(()),
    }
}
