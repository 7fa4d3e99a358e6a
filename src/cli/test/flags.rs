//! Flags of `sapa test` and its parts, named as Rasa's (spec §7).

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Where tests are unless `--stories` says otherwise.
pub(super) const DEFAULT_STORIES: &str = "tests";
/// Where NLU examples are unless `--nlu` says otherwise.
pub(super) const DEFAULT_NLU: &str = "data";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TestArgs {
    #[command(subcommand)]
    pub(super) part: Option<Part>,
    #[command(flatten)]
    pub(super) shared: Shared,
    #[command(flatten)]
    pub(super) core: CoreFlags,
    #[command(flatten)]
    pub(super) nlu: NluFlags,
    /// Take the intents of test stories as given instead of understanding the texts.
    #[arg(long, conflicts_with = "e2e")]
    pub(super) no_e2e: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Part {
    /// Test stories and dialogues only.
    Core {
        #[command(flatten)]
        shared: Shared,
        #[command(flatten)]
        core: CoreFlags,
    },
    /// Test how well messages are understood.
    Nlu {
        #[command(flatten)]
        shared: Shared,
        #[command(flatten)]
        nlu: NluFlags,
    },
}

/// What both parts need.
#[derive(Debug, Args)]
pub(super) struct Shared {
    /// Model file, or folder whose newest model is used; several for `test core`
    /// are compared.
    #[arg(short, long, num_args = 1.., default_value = "models")]
    pub(super) model: Vec<PathBuf>,
    /// Configuration file; `test nlu` trains and compares several, or those of a
    /// folder.
    #[arg(short, long, num_args = 1..)]
    pub(super) config: Vec<PathBuf>,
    /// Domain file or folder.
    #[arg(short, long, default_value = "domain.yml")]
    pub(super) domain: PathBuf,
    /// Endpoints file.
    #[arg(long, default_value = "endpoints.yml")]
    pub(super) endpoints: PathBuf,
    /// Folder the reports are written to.
    #[arg(long, default_value = "results")]
    pub(super) out: PathBuf,
    /// Write no plots.
    #[arg(long)]
    pub(super) no_plot: bool,
    /// Write what went right too.
    #[arg(long)]
    pub(super) successes: bool,
    /// Do not write what went wrong.
    #[arg(long)]
    pub(super) no_errors: bool,
    /// Do not write stories with warnings.
    #[arg(long)]
    pub(super) no_warnings: bool,
    /// Accepted for compatibility: tests need no credentials.
    #[arg(long, hide = true)]
    pub(super) credentials: Option<PathBuf>,
}

impl Shared {
    /// The configuration that a single one is asked of.
    pub(super) fn config(&self) -> PathBuf {
        self.config.first().cloned().unwrap_or_else(|| PathBuf::from("config.yml"))
    }
}

#[derive(Debug, Args)]
pub(super) struct CoreFlags {
    /// Files or folders with `test_*.yml` stories and `*.md` dialogues.
    #[arg(short, long, num_args = 1.., default_value = DEFAULT_STORIES)]
    pub(super) stories: Vec<PathBuf>,
    /// Play at most so many test stories.
    #[arg(long)]
    pub(super) max_stories: Option<usize>,
    /// Understand the texts of test stories; without `core` that is always done.
    #[arg(long)]
    pub(super) e2e: bool,
    /// Exit code 1 when a story fails. (A failed dialogue test always gives 1.)
    #[arg(long)]
    pub(super) fail_on_prediction_errors: bool,
    /// Refused: name a file or folder with `--stories`.
    #[arg(long, hide = true)]
    pub(super) url: Option<String>,
    /// Test every model below the folder given with `--model`, and compare them.
    #[arg(long)]
    pub(super) evaluate_model_directory: bool,
    /// Tell which rules, story steps, forms, responses and intents the tests exercise.
    #[arg(long)]
    pub(super) coverage: bool,
    /// Files or folders with the training data that coverage is laid over.
    #[arg(long, num_args = 1.., default_value = "data")]
    pub(super) data: Vec<PathBuf>,
    /// Seconds to wait for action servers that `endpoints.yml` gives no
    /// `request_timeout` for.
    #[arg(long)]
    pub(super) request_timeout: Option<f64>,
}

#[derive(Debug, Args)]
pub(super) struct NluFlags {
    /// Files or folders with NLU examples.
    #[arg(short = 'u', long, num_args = 1.., default_value = DEFAULT_NLU)]
    pub(super) nlu: Vec<PathBuf>,
    /// Train on parts of the examples and test with the others, by turns.
    #[arg(long)]
    pub(super) cross_validation: bool,
    /// Number of parts.
    #[arg(short, long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    pub(super) folds: u16,
    /// Train with replacements for components that cannot be served.
    #[arg(long)]
    pub(super) substitute: bool,
    /// Runs of a comparison.
    #[arg(short, long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) runs: u16,
    /// Percentages of the training examples that a comparison leaves out.
    #[arg(short, long, num_args = 1.., default_values_t = [0, 25, 50, 75], value_parser = clap::value_parser!(u8).range(0..=99))]
    pub(super) percentages: Vec<u8>,
}
