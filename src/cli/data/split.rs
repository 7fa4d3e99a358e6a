//! `sapa data split`: training and test data out of one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use sapa_learn::Rng;
use sapa_project::split::{Parts, responses_of, split_nlu, split_stories};
use sapa_project::write_nlu::to_yaml;
use sapa_project::{Severity, Sources};

use super::nlu_files::{read_files, read_nlu, show, write};
use crate::cli::terminal;

#[derive(Debug, Args)]
pub(super) struct SplitArgs {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Split NLU data, the same fraction of every intent.
    Nlu(Flags),
    /// Split the stories of every file.
    Stories(Flags),
}

#[derive(Debug, Args)]
struct Flags {
    /// Files or folders with the data.
    #[arg(short = 'u', long = "nlu", aliases = ["data", "stories"], num_args = 1.., default_value = "data")]
    data: Vec<PathBuf>,
    /// How much of the data is for training, between 0 and 1.
    #[arg(long, default_value_t = 0.8)]
    training_fraction: f64,
    /// The same number gives the same parts.
    #[arg(long)]
    random_seed: Option<u64>,
    /// Folder for both parts.
    #[arg(long, default_value = "train_test_split")]
    out: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &SplitArgs, quiet: bool) -> Result<ExitCode> {
    let (Part::Nlu(flags) | Part::Stories(flags)) = &args.part;
    if !(flags.training_fraction > 0.0 && flags.training_fraction < 1.0) {
        bail!("`--training-fraction` must lie between 0 and 1, such as 0.8");
    }
    let by_clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    let mut random = Rng::new(flags.random_seed.unwrap_or_else(by_clock));
    match &args.part {
        Part::Nlu(flags) => nlu(flags, &mut random, quiet),
        Part::Stories(flags) => stories(flags, &mut random, quiet),
    }
}

/// What is split must not be read again as training data.
fn check_apart(flags: &Flags) -> Result<()> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let out = absolute(&flags.out);
    match flags.data.iter().find(|data| data.is_dir() && out.starts_with(absolute(data))) {
        Some(data) => bail!(
            "`--out {}` lies in `{}`, where both parts would be read as training data; name a folder beside it",
            flags.out.display(),
            data.display()
        ),
        None => Ok(()),
    }
}

fn nlu(flags: &Flags, random: &mut Rng, quiet: bool) -> Result<ExitCode> {
    check_apart(flags)?;
    // Exports of Dialogflow are split in English; others know one language.
    let Some(loaded) = read_nlu(&flags.data, "en", quiet)? else { return Ok(ExitCode::FAILURE) };
    let parts = split_nlu(loaded.nlu, flags.training_fraction, &mut |bound| random.below(bound));
    let mut counts = Vec::new();
    for (name, part) in [("training_data.yml", &parts.train), ("test_data.yml", &parts.test)] {
        let written = to_yaml(part);
        show(&written.diagnostics, &loaded.sources, quiet);
        write(&flags.out.join(name), &written.text)?;
        counts.push(written.examples.to_string());
        if let Some(responses) = responses_of(&part.examples, &loaded.responses) {
            write(&flags.out.join(format!("nlg_{name}")), responses.to_yaml())?;
        }
    }
    say(quiet, &format!("`{}` has {} examples for training and tests.", flags.out.display(), counts.join(" and ")));
    Ok(ExitCode::SUCCESS)
}

fn stories(flags: &Flags, random: &mut Rng, quiet: bool) -> Result<ExitCode> {
    check_apart(flags)?;
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let mut parts: Vec<(String, Parts<String>)> = Vec::new();
    for file in read_files(&flags.data)? {
        let mut draw = |bound| random.below(bound);
        let split =
            split_stories(&file.path, &file.bytes, flags.training_fraction, &mut draw, &mut sources, &mut found);
        parts.extend(split.map(|split| (file.path, split)));
    }
    show(&found, &sources, quiet);
    if found.iter().any(|d| d.severity == Severity::Error) {
        terminal::error("nothing was written: correct the errors above");
        return Ok(ExitCode::FAILURE);
    }
    if parts.is_empty() {
        bail!("there are no stories here: name their files or their folder with `--nlu`");
    }
    let names = names(parts.iter().map(|(path, _)| path.as_str()));
    for ((path, part), name) in parts.iter().zip(names) {
        let place = |part: &str| flags.out.join(format!("{part}_{name}"));
        write(&place("train"), &part.train)?;
        write(&place("test"), &part.test)?;
        let (train, test) = (place("train"), place("test"));
        say(quiet, &format!("`{path}` is split: `{}` and `{}`.", train.display(), test.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The files' names; where two are alike, with their folders.
fn names<'p>(paths: impl Iterator<Item = &'p str> + Clone) -> Vec<String> {
    let name =
        |path: &str| Path::new(path).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for path in paths.clone() {
        *counts.entry(name(path)).or_default() += 1;
    }
    let is_alone = |path: &str| counts.get(&name(path)) == Some(&1);
    paths
        .map(|path| if is_alone(path) { name(path) } else { path.trim_start_matches(['.', '/']).replace('/', "_") })
        .collect()
}

fn say(quiet: bool, text: &str) {
    if !quiet {
        terminal::say(text);
    }
}
