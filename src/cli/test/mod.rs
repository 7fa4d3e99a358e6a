//! `sapa test [core]`: test stories as Rasa's, and literate dialogue tests.

mod dialogues;
mod stories;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use super::bot::BotArgs;
use super::dotenv::Environment;
use super::{files, models, terminal};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct TestArgs {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Test dialogues.
    Core(Flags),
}

/// Where tests are unless `--stories` says otherwise.
const DEFAULT_FOLDER: &str = "tests";

#[derive(Debug, Args)]
struct Flags {
    #[command(flatten)]
    bot: BotArgs,
    /// Files or folders with `test_*.yml` stories and `*.md` dialogues.
    #[arg(short, long, num_args = 1.., default_value = DEFAULT_FOLDER)]
    stories: Vec<PathBuf>,
    /// Folder the reports are written to.
    #[arg(long, default_value = "results")]
    out: PathBuf,
    /// Take the intents as given instead of understanding the texts.
    #[arg(long)]
    no_e2e: bool,
    /// Accepted for compatibility: texts are understood unless `--no-e2e`.
    #[arg(long)]
    e2e: bool,
    /// Exit code 1 when a story fails. (A failed dialogue test always gives 1.)
    #[arg(long)]
    fail_on_prediction_errors: bool,
    #[arg(long, hide = true)]
    no_plot: bool,
    #[arg(long, hide = true)]
    successes: bool,
    #[arg(long, hide = true)]
    no_errors: bool,
    #[arg(long, hide = true)]
    no_warnings: bool,
}

/// Runs the command.
pub(super) fn run(args: &TestArgs) -> Result<ExitCode> {
    let flags = match &args.part {
        Some(Part::Core(flags)) => flags,
        None => &args.flags,
    };
    let Some(model_path) = models::find(&flags.bot.model) else {
        bail!("no model found in `{}`; train one with `sapa train` first", flags.bot.model.display());
    };
    check_paths(&flags.stories)?;
    let environment = Environment::read();
    let stories = stories::run(flags, &model_path, &environment)?;
    let dialogues = dialogues::run(flags, &model_path, &environment)?;
    if stories.is_none() && dialogues.is_none() {
        terminal::say("No tests were found: no `test_*.yml` and no `*.md` with a block ```dialogue.");
    }
    let passed = stories.unwrap_or(true) && dialogues.unwrap_or(true);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A path that was named must be there; a project without tests is none.
fn check_paths(paths: &[PathBuf]) -> Result<()> {
    match paths.iter().find(|path| !path.exists() && path.as_os_str() != DEFAULT_FOLDER) {
        Some(path) => bail!(files::missing(path, "--stories", "name the file or folder of your tests")),
        None => Ok(()),
    }
}
