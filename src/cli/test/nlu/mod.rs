//! `sapa test nlu`: how well messages are understood (spec §8.3).

mod comparison;
mod cross_validation;
mod reports;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use sapa_model::Model;
use sapa_nlu::NluModel;
use sapa_project::nlu::Example;
use sapa_project::{
    Config, Diagnostic, Domain, FileRole, LoadOptions, NluData, Project, ProjectFile, Severity, Sources, load,
    load_with, render_text,
};

use super::flags::{DEFAULT_NLU, NluFlags, Shared};
use super::listener::Listener;
use super::results::Results;
use crate::cli::components::load_options;
use crate::cli::dotenv::Environment;
use crate::cli::files::{self, ProjectPaths};
use crate::cli::{models, terminal};
use crate::evaluate::nlu::{evaluate, understand};

const PROJECT_FILES: [&str; 3] = ["yml", "yaml", "json"];
/// As many threads as `sapa train` takes; results do not depend on it.
const THREADS: usize = 2;

/// Runs the part that the flags ask for.
pub(super) fn run(shared: &Shared, flags: &NluFlags, environment: &Environment) -> Result<()> {
    check_paths(&flags.nlu)?;
    let configs = comparison::configs(&shared.config)?;
    if configs.len() > 1 {
        return comparison::run(&configs, shared, flags, environment);
    }
    if flags.cross_validation {
        return cross_validation::run(shared, flags, environment);
    }
    let model = models::load(&super::find_model(shared)?)?;
    if !model.has_nlu() {
        bail!("the model has no NLU part to test; train one with `sapa train` or `sapa train nlu`");
    }
    let examples = read_examples(&flags.nlu, environment)?;
    if examples.is_empty() {
        bail!("no NLU examples were found; name their file or folder with `--nlu`");
    }
    test_model(&model, shared, &flags.nlu, &examples)
}

/// The NLU part of `sapa test`, which leaves out what is not there.
pub(super) fn run_after_core(shared: &Shared, flags: &NluFlags, environment: &Environment) -> Result<()> {
    let is_default = flags.nlu.iter().all(|path| path.as_os_str() == DEFAULT_NLU);
    if !is_default || flags.cross_validation || shared.config.len() > 1 {
        return run(shared, flags, environment);
    }
    let model = models::load(&super::find_model(shared)?)?;
    if !model.has_nlu() || !Path::new(DEFAULT_NLU).exists() {
        return Ok(());
    }
    match read_examples(&flags.nlu, environment)? {
        none if none.is_empty() => Ok(()),
        examples => test_model(&model, shared, &flags.nlu, &examples),
    }
}

fn test_model(model: &Model, shared: &Shared, paths: &[PathBuf], examples: &[Example]) -> Result<()> {
    let names = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    terminal::say(&format!("NLU: {} examples of {names}", examples.len()));
    let listener = Listener::new()?;
    let evaluations = evaluate(&understand(examples, &|text| listener.parse(model, text)));
    if evaluations.is_empty() {
        terminal::say("Nothing can be judged: examples of two intents, or with entities, are needed.");
    }
    reports::write(&Results::of(shared)?, &evaluations)
}

/// A path that was named must be there.
fn check_paths(paths: &[PathBuf]) -> Result<()> {
    match paths.iter().find(|path| !path.exists()) {
        Some(path) => bail!(files::missing(path, "--nlu", "name the file or folder of your NLU examples")),
        None => Ok(()),
    }
}

/// The NLU examples below these paths.
fn read_examples(paths: &[PathBuf], environment: &Environment) -> Result<Vec<Example>> {
    let mut given = Vec::new();
    for path in files::walk_all(paths, &PROJECT_FILES)? {
        let bytes = std::fs::read(&path)?;
        given.push(ProjectFile { path: path.to_string_lossy().into_owned(), bytes, role: FileRole::Data });
    }
    let loaded = load(given, &|name| environment.get(name));
    let shown: Vec<Diagnostic> = loaded.diagnostics.into_iter().filter(is_about_a_file).collect();
    show(&shown, &loaded.project.sources);
    Ok(loaded.project.nlu.examples)
}

/// Without configuration and domain there is more to say, which is beside the point.
fn is_about_a_file(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Error && !finding.annotations.is_empty()
}

fn show(findings: &[Diagnostic], sources: &Sources) {
    if !findings.is_empty() {
        terminal::note(&render_text(findings, sources, terminal::has_colour()));
    }
}

/// A project to train on: its configuration, the domain and the examples.
fn read_project(config: &Path, shared: &Shared, flags: &NluFlags, environment: &Environment) -> Result<Project> {
    let files = files::read_project(
        &ProjectPaths { config, domain: &shared.domain, data: &flags.nlu, without_domain: true },
        &Environment::read(),
    )?;
    let options = LoadOptions { substitute: flags.substitute, without_domain: true, ..load_options() };
    let loaded = load_with(files, &|name| environment.get(name), options);
    let errors: Vec<Diagnostic> =
        loaded.diagnostics.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    show(&errors, &loaded.project.sources);
    if !errors.is_empty() {
        bail!("correct the errors above first");
    }
    Ok(loaded.project)
}

/// Learns a pipeline from some of a project's examples.
fn train(
    config: &Config,
    data: &NluData,
    domain: &Domain,
    examples: &[&Example],
    sources: &Sources,
) -> Result<NluModel> {
    let part = NluData { examples: examples.iter().map(|example| (*example).clone()).collect(), ..data.clone() };
    match NluModel::train(config, &part, domain, THREADS, &mut |_| {}) {
        Ok((model, _)) => Ok(model),
        Err(error) => {
            show(std::slice::from_ref(&*error.0), sources);
            bail!("training failed: correct the error above")
        }
    }
}
