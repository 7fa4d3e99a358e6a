//! `sapa train [nlu|core]`.

mod comparison;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use sapa_model::{Fingerprint, Target, TrainRequest, train};
use sapa_project::{LoadOptions, Project, Story};

use super::components::load_options;
use super::dotenv::Environment;
use super::files::{ProjectPaths, read_project};
use super::findings::{Detail, Findings, check_project};
use super::{Verbosity, idle, models, terminal};

/// Exit code of a dry run when training is forced (spec §7).
const DRY_RUN_FORCED: u8 = 8;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct TrainArgs {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Train the NLU part only.
    Nlu(Flags),
    /// Train the dialogue part only.
    Core(CoreFlags),
}

#[derive(Debug, Args)]
struct CoreFlags {
    #[command(flatten)]
    flags: Flags,
    /// Percentages of the stories that a comparison of several configurations
    /// leaves out.
    #[arg(short, long, num_args = 1.., default_values_t = [0, 25, 50, 75], value_parser = clap::value_parser!(u8).range(0..=99))]
    percentages: Vec<u8>,
    /// Runs of a comparison.
    #[arg(short, long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    runs: u16,
}

#[derive(Debug, Args)]
struct Flags {
    /// Files or folders with training data.
    #[arg(long, short_aliases = ['u', 's'], alias = "nlu", alias = "stories", num_args = 1.., default_value = "data")]
    data: Vec<PathBuf>,
    /// Configuration file.
    #[arg(short, long, num_args = 1.., default_value = "config.yml")]
    config: Vec<PathBuf>,
    /// Domain file or folder.
    #[arg(short, long, default_value = "domain.yml")]
    domain: PathBuf,
    /// Folder the model is written to.
    #[arg(long, default_value = "models")]
    out: PathBuf,
    /// Only say whether training is needed: exit code 0 no, 1 yes, 8 forced.
    #[arg(long)]
    dry_run: bool,
    /// Train even if nothing changed.
    #[arg(long)]
    force: bool,
    /// Accepted for compatibility: data is always checked.
    #[arg(long)]
    skip_validation: bool,
    /// Warnings stop training too.
    #[arg(long)]
    fail_on_validation_warnings: bool,
    /// Threads to train with; the model does not depend on it.
    #[arg(long, default_value_t = 2)]
    num_threads: usize,
    /// Put our own tokenizer, features and extractor in place of NLU components
    /// that cannot be served; each replacement is named.
    #[arg(long)]
    substitute: bool,
    /// Name of the model file.
    #[arg(long, value_parser = models::checked_name)]
    fixed_model_name: Option<String>,
    /// Show every finding, however many are alike.
    #[arg(long)]
    all: bool,
    /// How many states of a conversation tell stories apart; by default all.
    #[arg(long)]
    validation_max_history: Option<usize>,
    #[arg(long, hide = true)]
    augmentation: Option<usize>,
    #[arg(long, hide = true)]
    debug_plots: bool,
    #[arg(long, hide = true)]
    persist_nlu_data: bool,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "models")]
    finetune: Option<PathBuf>,
    #[arg(long, hide = true)]
    epoch_fraction: Option<f64>,
    #[arg(long, hide = true)]
    endpoints: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &TrainArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let (target, flags) = match &args.part {
        Some(Part::Nlu(flags)) => (Target::Nlu, flags),
        Some(Part::Core(core)) => (Target::Core, &core.flags),
        None => (Target::All, &args.flags),
    };
    let detail = Detail::of(verbosity, flags.all);
    let quiet = detail.quiet;
    if !quiet {
        idle::say(&idle_flags(flags));
    }
    let started = Instant::now();
    let environment = Environment::read();
    if let (Some(Part::Core(core)), [_, _, ..]) = (&args.part, flags.config.as_slice()) {
        return comparison::run(core, detail, &environment);
    }
    let config = only_config(flags)?;
    let without_domain = target == Target::Nlu;
    let files =
        read_project(&ProjectPaths { config, domain: &flags.domain, data: &flags.data, without_domain }, &environment)?;
    let options = LoadOptions { substitute: flags.substitute, without_domain, ..load_options() };
    let loaded = sapa_project::load_with(files.clone(), &|name| environment.get(name), options);
    let target = narrowed(target, &loaded.project, quiet);
    let fingerprint = Fingerprint::of(&files, &environment.asked(), target);

    let mut findings = check_project(&loaded, config);
    if target == Target::Core {
        findings.forgive_language();
    }
    if target != Target::Nlu {
        findings.add_conflicts(&loaded.project, flags.validation_max_history);
    }
    if findings.are_fatal(flags.fail_on_validation_warnings) {
        findings.add_contradictions(&loaded.project);
        findings.show(detail);
        terminal::error("training did not start: correct the errors above");
        return Ok(ExitCode::FAILURE);
    }
    let old = unchanged_model(&flags.out, target, &fingerprint);
    if flags.dry_run {
        return Ok(dry_run(flags.force, old.is_some(), quiet));
    }
    if let Some(old) = old.filter(|_| !flags.force) {
        findings.show(detail);
        let path = match &flags.fixed_model_name {
            Some(name) => named(&old, &flags.out, name)?,
            None => newest_again(old, &flags.out)?,
        };
        say(quiet, &format!("Nothing changed. The model is still {}.", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let request = TrainRequest {
        project: &loaded.project,
        fingerprint: &fingerprint,
        target,
        threads: flags.num_threads.clamp(1, 64),
    };
    learn(flags, &request, findings, started, detail)
}

/// What there is data for: Rasa trains a part of the model only, and says so,
/// where the other part has none.
fn narrowed(target: Target, project: &Project, quiet: bool) -> Target {
    if target != Target::All {
        return target;
    }
    let nlu = &project.nlu;
    let has_messages = !(nlu.examples.is_empty()
        && nlu.synonyms.is_empty()
        && nlu.regexes.is_empty()
        && nlu.lookups.is_empty()
        && !project.stories.iter().any(Story::has_user_text));
    let has_stories = !project.stories.is_empty();
    match (has_messages, has_stories) {
        (true, false) => {
            say(quiet, "No stories and no rules: only an NLU model is trained.");
            Target::Nlu
        }
        (false, true) => {
            say(quiet, "No NLU examples: only a dialogue model is trained.");
            Target::Core
        }
        _ => target,
    }
}

/// Several configurations can be compared, which is another thing than training
/// one of them.
fn only_config(flags: &Flags) -> Result<&Path> {
    match flags.config.as_slice() {
        [config] => Ok(config),
        _ => bail!(
            "one configuration is trained at a time; `sapa train core -c A B` and `sapa test nlu -c A B` compare several"
        ),
    }
}

fn idle_flags(flags: &Flags) -> Vec<(&'static str, bool)> {
    vec![
        ("--skip-validation", flags.skip_validation),
        ("--augmentation", flags.augmentation.is_some()),
        ("--debug-plots", flags.debug_plots),
        ("--persist-nlu-data", flags.persist_nlu_data),
        ("--finetune", flags.finetune.is_some()),
        ("--epoch-fraction", flags.epoch_fraction.is_some()),
        ("--endpoints", flags.endpoints.is_some()),
    ]
}

fn say(quiet: bool, text: &str) {
    if !quiet {
        terminal::say(text);
    }
}

fn learn(
    flags: &Flags,
    request: &TrainRequest<'_>,
    mut findings: Findings,
    started: Instant,
    detail: Detail,
) -> Result<ExitCode> {
    let quiet = detail.quiet;
    let progress = Progress::new(quiet);
    let trained = train(request, &mut |what| progress.say(what));
    progress.finish();
    findings.extend(trained.diagnostics);
    findings.show(detail);
    if trained.bytes.is_empty() {
        let reason = if findings.are_fatal(false) {
            "no model was written: correct the errors above"
        } else {
            "there is nothing to train on: no NLU examples, stories or rules were found; give their folder with `--data`"
        };
        terminal::error(reason);
        return Ok(ExitCode::FAILURE);
    }
    let name = models::file_name(
        request.target.file_prefix(),
        &trained.model_id,
        flags.fixed_model_name.as_deref(),
        SystemTime::now(),
    );
    let path = models::write(&flags.out, &name, &trained.bytes)?;
    let summary = format!(
        "Trained in {:.2} s: {} ({:.0} KiB, id {}).",
        started.elapsed().as_secs_f64(),
        path.display(),
        trained.bytes.len() as f64 / 1024.0,
        trained.model_id.get(..12).unwrap_or_default(),
    );
    say(quiet, &summary);
    Ok(ExitCode::SUCCESS)
}

/// The newest model of that kind, if it was trained on the same input.
fn unchanged_model(out: &Path, target: Target, fingerprint: &Fingerprint) -> Option<PathBuf> {
    let path = models::newest(out, Some(target.file_prefix()))?;
    // A model that this program cannot load is as good as none.
    (models::load(&path).ok()?.fingerprint == fingerprint.0).then_some(path)
}

/// The unchanged model, as the newest of its folder: what serves a folder takes
/// the newest, which may be a model of another kind.
fn newest_again(old: PathBuf, out: &Path) -> Result<PathBuf> {
    if models::newest(out, None).as_ref() != Some(&old) {
        let file = std::fs::File::options().append(true).open(&old);
        file.and_then(|file| file.set_modified(SystemTime::now()))
            .with_context(|| format!("cannot make `{}` the newest model", old.display()))?;
    }
    Ok(old)
}

/// The unchanged model under the name that was asked for.
fn named(old: &Path, out: &Path, name: &str) -> Result<PathBuf> {
    let name = models::file_name("", "", Some(name), SystemTime::now());
    if out.join(&name) == old {
        return Ok(old.to_path_buf());
    }
    let bytes = std::fs::read(old).with_context(|| format!("cannot read `{}`", old.display()))?;
    models::write(out, &name, &bytes)
}

fn dry_run(force: bool, unchanged: bool, quiet: bool) -> ExitCode {
    let (code, text) = match (force, unchanged) {
        (true, _) => (DRY_RUN_FORCED, "The training was forced."),
        (false, true) => (0, "No training of components required."),
        (false, false) => (1, "Training is required: the data changed, or there is no model yet."),
    };
    say(quiet, text);
    ExitCode::from(code)
}

/// A spinner on a terminal, plain lines elsewhere, nothing when quiet.
enum Progress {
    Nothing,
    Lines,
    Spinner(ProgressBar),
}

impl Progress {
    fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Nothing;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} learning {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(80));
        Self::Spinner(bar)
    }

    fn say(&self, what: &str) {
        match self {
            Self::Nothing => {}
            Self::Lines => terminal::note(&format!("learning {what}")),
            Self::Spinner(bar) => bar.set_message(what.to_owned()),
        }
    }

    fn finish(&self) {
        if let Self::Spinner(bar) = self {
            bar.finish_and_clear();
        }
    }
}
