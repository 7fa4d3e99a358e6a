//! `sapa data validate`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};
use sapa_project::gitlab::render_gitlab;
use sapa_project::{LoadOptions, render_json};
use serde_json::Value;

use super::components::load_options;
use super::dotenv::Environment;
use super::files::{ProjectPaths, read_project};
use super::findings::{Detail, Findings, check_project};
use super::{Verbosity, terminal};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ValidateArgs {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// The same checks: stories are always looked at.
    Stories(Flags),
}

#[derive(Debug, Args)]
struct Flags {
    /// Files or folders with training data.
    #[arg(long, num_args = 1.., default_value = "data")]
    data: Vec<PathBuf>,
    /// Configuration file.
    #[arg(short, long, default_value = "config.yml")]
    config: PathBuf,
    /// Domain file or folder.
    #[arg(short, long, default_value = "domain.yml")]
    domain: PathBuf,
    /// Warnings are errors.
    #[arg(long)]
    fail_on_warnings: bool,
    /// Check as `train --substitute` would: our own NLU components in place of
    /// those that cannot be served.
    #[arg(long)]
    substitute: bool,
    /// How many states of a conversation tell stories apart: of two that agree in
    /// so many and go on differently, each is shown. By default all states.
    #[arg(long)]
    max_history: Option<usize>,
    /// What findings are written as.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// File the findings are written to.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Show every finding, however many are alike.
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the lines they speak of.
    Text,
    /// A JSON list, for programs.
    Json,
    /// A code quality report, for merge requests in GitLab.
    Gitlab,
}

/// Runs the command: exit code 1 when there are errors.
pub(super) fn run(args: &ValidateArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let flags = match &args.part {
        Some(Part::Stories(flags)) => flags,
        None => &args.flags,
    };
    let environment = Environment::read();
    let files = read_project(
        &ProjectPaths { config: &flags.config, domain: &flags.domain, data: &flags.data, without_domain: false },
        &environment,
    )?;
    let options = LoadOptions { substitute: flags.substitute, ..load_options() };
    let loaded = sapa_project::load_with(files, &|name| environment.get(name), options);
    let mut findings = check_project(&loaded, &flags.config);
    findings.forgive_language();
    findings.add_contradictions(&loaded.project);
    findings.add_conflicts(&loaded.project, flags.max_history);
    write(&mut findings, flags, Detail::of(verbosity, flags.all))?;
    if findings.are_fatal(flags.fail_on_warnings) {
        return Ok(ExitCode::FAILURE);
    }
    if !verbosity.quiet && flags.format == Format::Text {
        terminal::say("No errors found.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the findings where and as the flags say. What programs read is
/// complete, whatever `detail` says.
fn write(findings: &mut Findings, flags: &Flags, detail: Detail) -> Result<()> {
    let report: fn(&[_], &_) -> Value = match flags.format {
        Format::Text => {
            match &flags.out {
                Some(path) => write_file(path, &findings.text(detail, false))?,
                None => findings.show(detail),
            }
            return Ok(());
        }
        Format::Json => render_json,
        Format::Gitlab => render_gitlab,
    };
    findings.sort();
    let text = serde_json::to_string_pretty(&report(findings.all(), findings.sources()))?;
    match &flags.out {
        Some(path) => write_file(path, &format!("{text}\n"))?,
        None => terminal::say(&text),
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
