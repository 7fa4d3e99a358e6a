//! `sapa data validate`, and the findings that `train` shows.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use sapa_dialogue::DialogueModel;
use sapa_project::check::NEED_ALL_FILES;
use sapa_project::{Diagnostic, LoadOptions, Loaded, Project, Severity, Sources, render_text};

use super::dotenv::Environment;
use super::files::{ProjectPaths, read_project};
use super::{idle, terminal};

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
    #[arg(long, hide = true)]
    max_history: Option<usize>,
}

/// Runs the command: exit code 1 when there are errors.
pub(super) fn run(args: &ValidateArgs, quiet: bool) -> Result<ExitCode> {
    let args = match &args.part {
        Some(Part::Stories(flags)) => flags,
        None => &args.flags,
    };
    if !quiet {
        idle::say(&[("--max-history", args.max_history.is_some())]);
    }
    let environment = Environment::read();
    let files = read_project(
        &ProjectPaths { config: &args.config, domain: &args.domain, data: &args.data, without_domain: false },
        &environment,
    )?;
    let options = LoadOptions { substitute: args.substitute, without_domain: false };
    let loaded = sapa_project::load_with(files, &|name| environment.get(name), options);
    let mut findings = check_project(&loaded);
    findings.add_contradictions(&loaded.project);
    findings.show(quiet);
    if findings.are_fatal(args.fail_on_warnings) {
        return Ok(ExitCode::FAILURE);
    }
    if !quiet {
        terminal::say("No errors found.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything found about a project so far.
pub(super) struct Findings<'a> {
    diagnostics: Vec<Diagnostic>,
    sources: &'a Sources,
}

/// What loading found, and what the checks across files find.
pub(super) fn check_project(loaded: &Loaded) -> Findings<'_> {
    let mut diagnostics = loaded.diagnostics.clone();
    diagnostics.extend(sapa_project::check(&loaded.project));
    Findings { diagnostics, sources: &loaded.project.sources }
}

impl Findings<'_> {
    /// Adds what training finds in rules and stories, without learning anything.
    pub(super) fn add_contradictions(&mut self, project: &Project) {
        if !project.stories.is_empty() {
            let found = DialogueModel::check(project);
            let says_something = |d: &Diagnostic| !project.is_incomplete || !NEED_ALL_FILES.contains(&d.code);
            self.extend(found.into_iter().filter(says_something).collect());
        }
    }

    /// Adds findings, but none twice.
    pub(super) fn extend(&mut self, more: Vec<Diagnostic>) {
        for finding in more {
            if !self.diagnostics.contains(&finding) {
                self.diagnostics.push(finding);
            }
        }
    }

    /// Whether anything found stops training.
    pub(super) fn are_fatal(&self, warnings_too: bool) -> bool {
        self.diagnostics.iter().any(|d| match d.severity {
            Severity::Error => true,
            Severity::Warning => warnings_too,
            Severity::Note => false,
        })
    }

    /// Shows all findings, by place, and counts them; quietly, only errors and
    /// warnings.
    pub(super) fn show(&mut self, quiet: bool) {
        self.diagnostics.retain(|d| !quiet || d.severity != Severity::Note);
        if self.diagnostics.is_empty() {
            return;
        }
        self.diagnostics.sort_by_key(|d| d.annotations.first().map(|a| a.span));
        terminal::note(&render_text(&self.diagnostics, self.sources, terminal::has_colour()));
        if quiet {
            return;
        }
        let count = |severity: Severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
        terminal::note(&format!("{errors} errors, {warnings} warnings, {notes} notes"));
    }
}
