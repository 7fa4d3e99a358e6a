//! `sapa bench nlu`: a pipeline trained and judged on public data sets, beside
//! other learners on the same machine. Linux only where memory is measured.

mod dataset;
mod measure;
mod peers;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sapa_project::{Config, FileRole, LoadOptions, ProjectFile, Severity};
use serde_json::{Value, json};

use self::dataset::{Dataset, Judged};
use crate::cli::components::load_options;
use crate::cli::terminal;

#[derive(Debug, Args)]
pub(super) struct NluArgs {
    /// Folders with `train.yml`, `test.yml` and, for tuning, `dev.yml`.
    sets: Vec<PathBuf>,
    /// A set made of other files: what to train on (files or folders) …
    #[arg(long, num_args = 1.., requires = "test")]
    train: Vec<PathBuf>,
    /// … and what to judge on.
    #[arg(long, requires = "train")]
    test: Option<PathBuf>,
    /// Take the pipeline of this `config.yml` instead of DIETClassifier behind
    /// Rasa's usual featurizers.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Judge on `dev.yml`, or on a tenth of the training data where there is none.
    #[arg(long)]
    dev: bool,
    /// Intents that mean "none of the bot's", besides `oos`, `out_of_scope` and
    /// `NO_NODES_DETECTED`.
    #[arg(long, num_args = 1..)]
    out_of_scope: Vec<String>,
    /// Learn intents only.
    #[arg(long)]
    intents: bool,
    /// Threads to train with; 0: one for each core.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Train scikit-learn, fastText and sklearn-crfsuite on the same messages.
    #[arg(long)]
    peers: bool,
    /// Train Rasa's DIETClassifier on the same messages: minutes to hours.
    #[arg(long)]
    with_rasa: bool,
    /// Passes over the data that DIET makes; Rasa's default is 300.
    #[arg(long, default_value_t = 100)]
    rasa_epochs: u32,
    /// The Python that has these packages.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Write the figures to this file too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// The pipeline of a project that names none, without what only a dialogue needs.
const PIPELINE: &str = "recipe: default.v1
language: en
pipeline:
- name: WhitespaceTokenizer
- name: RegexFeaturizer
- name: LexicalSyntacticFeaturizer
- name: CountVectorsFeaturizer
- name: CountVectorsFeaturizer
  analyzer: char_wb
  min_ngram: 1
  max_ngram: 4
- name: DIETClassifier
";

/// Runs the command.
pub(super) fn run(args: &NluArgs) -> Result<ExitCode> {
    let config = config(args)?;
    let judged = if args.dev { Judged::Dev } else { Judged::Test };
    let mut sets = Vec::new();
    for folder in &args.sets {
        sets.push(Dataset::read(folder, judged, &args.out_of_scope)?);
    }
    if let Some(test) = &args.test {
        sets.push(Dataset::of(&args.train, test, judged, &args.out_of_scope)?);
    }
    if sets.is_empty() {
        bail!("name the folder of a data set, or files with `--train` and `--test`");
    }
    let options = measure::Options {
        config: &config,
        threads: match args.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        },
        intents_only: args.intents,
    };
    terminal::say(table::HEAD);
    let mut written = Vec::new();
    for set in &sets {
        let found = measure::measure(set, &options)?;
        terminal::say(&table::line(&set.name, &found));
        written.push(found.to_json(&set.name));
    }
    let mut of_peers = Vec::new();
    if args.peers || args.with_rasa {
        let wanted = peers::Wanted { libraries: args.peers, rasa_epochs: args.with_rasa.then_some(args.rasa_epochs) };
        terminal::say(&format!("\n{}", table::PEERS_HEAD));
        for set in &sets {
            let found = peers::measure(set, &args.python, wanted)?;
            found.iter().for_each(|peer| terminal::say(&table::peer_line(&set.name, peer)));
            of_peers
                .push(json!({ "set": set.name, "peers": found.iter().map(peers::Peer::to_json).collect::<Vec<_>>() }));
        }
    }
    if let Some(path) = &args.json {
        write(path, &json!({ "judged_on": judged.name(), "sets": written, "peers": of_peers }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &PathBuf, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write `{}`", path.display()))
}

/// The pipeline to train; nothing in it may be wrong.
fn config(args: &NluArgs) -> Result<Config> {
    let bytes = match &args.config {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?,
        None => PIPELINE.as_bytes().to_vec(),
    };
    let file = ProjectFile { path: "config.yml".to_owned(), bytes, role: FileRole::Config };
    let options = LoadOptions { without_domain: true, ..load_options() };
    let loaded = sapa_project::load_with(vec![file], &|name| std::env::var(name).ok(), options);
    match loaded.diagnostics.iter().find(|finding| finding.severity == Severity::Error) {
        Some(error) => bail!("the configuration is wrong: {}", error.message),
        None => Ok(loaded.project.config),
    }
}
