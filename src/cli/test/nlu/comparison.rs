//! Comparison of configurations: each is trained on ever fewer examples and
//! tested on the same ones (spec §8.3).

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use sapa_project::nlu::Example;
use sapa_project::{Config, Project};
use serde_json::{Map, Value, json};

use super::super::flags::{NluFlags, Shared};
use super::super::results::Results;
use super::{read_project, reports, train};
use crate::cli::dotenv::Environment;
use crate::cli::{files, terminal};
use crate::evaluate::chart::{Curve, curves};
use crate::evaluate::metrics::mean_and_deviation;
use crate::evaluate::nlu::folds::{Split, frequent, split};
use crate::evaluate::nlu::{evaluate, understand};

/// Intents with fewer examples are left out (spec §8.3).
const LEAST_EXAMPLES: usize = 5;
/// Share of the examples that is learnt from; the rest is tested with.
const TRAIN_SHARE: f64 = 0.8;
const CONFIG_FILES: [&str; 2] = ["yml", "yaml"];

/// The configurations that are meant: the files named, and those of folders.
pub(super) fn configs(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if let Some(path) = paths.iter().find(|path| !path.exists()) {
        bail!(files::missing(path, "--config", "name your configuration files"));
    }
    let found = files::walk_all(paths, &CONFIG_FILES)?.into_iter();
    Ok(found.filter(|path| paths.contains(path) || is_config(path)).collect())
}

/// Of the files in a folder those that configure something are meant.
fn is_config(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let is_key = |line: &str| ["pipeline:", "policies:", "recipe:"].iter().any(|key| line.starts_with(key));
    text.lines().any(is_key)
}

/// A configuration, and its F1 for each run and percentage.
struct Candidate {
    name: String,
    config: Config,
    scores: Vec<Vec<f64>>,
}

pub(super) fn run(paths: &[PathBuf], shared: &Shared, flags: &NluFlags, environment: &Environment) -> Result<()> {
    let mut candidates = Vec::new();
    let mut project = Project::default();
    for path in paths {
        project = read_project(path, shared, flags, environment)?;
        candidates.push(Candidate {
            name: files::distinct_name(path, paths),
            config: project.config.clone(),
            scores: Vec::new(),
        });
    }
    let (examples, dropped) = frequent(&project.nlu.examples, LEAST_EXAMPLES);
    if !dropped.is_empty() {
        terminal::say(&format!("left out, with fewer than {LEAST_EXAMPLES} examples: {}", dropped.join(", ")));
    }
    if examples.is_empty() {
        bail!("no intent has {LEAST_EXAMPLES} examples; nothing can be compared");
    }
    let results = Results::of(shared)?;
    let mut sizes = Vec::new();
    for run in 0..flags.runs {
        let parts = split(&examples, TRAIN_SHARE, u64::from(run));
        let run_sizes = one_run(usize::from(run), &parts, &flags.percentages, &mut candidates, &project, &results)?;
        if run == 0 {
            sizes = run_sizes;
        }
    }
    write(&results, &candidates, &flags.percentages, &sizes)
}

/// Trains and tests every candidate with every percentage left out; how many
/// examples were learnt from each time.
fn one_run(
    run: usize,
    parts: &Split<'_>,
    percentages: &[u8],
    candidates: &mut [Candidate],
    project: &Project,
    results: &Results,
) -> Result<Vec<usize>> {
    let mut sizes = Vec::new();
    candidates.iter_mut().for_each(|candidate| candidate.scores.push(Vec::new()));
    for percentage in percentages {
        let kept = split(&parts.train, 1.0 - f64::from(*percentage) / 100.0, run as u64).train;
        sizes.push(kept.len());
        for candidate in candidates.iter_mut() {
            let folder = format!("run_{}/{percentage}%_exclusion/{}_report", run + 1, candidate.name);
            let f1 = judge(candidate, &kept, &parts.test, project, &results.below(&folder)?)?;
            terminal::say(&format!(
                "run {}, {percentage} % left out ({} examples): {} F1 {f1:.3}",
                run + 1,
                kept.len(),
                candidate.name
            ));
            if let Some(scores) = candidate.scores.last_mut() {
                scores.push(f1);
            }
        }
    }
    Ok(sizes)
}

/// The weighted F1 of intents.
fn judge(
    candidate: &Candidate,
    kept: &[&Example],
    tested: &[&Example],
    project: &Project,
    results: &Results,
) -> Result<f64> {
    let model = train(&candidate.config, &project.nlu, &project.domain, kept, &project.sources)?;
    let parse = |text: &str| model.understand(text, Some(&project.domain), &[]);
    let evaluations = evaluate(&understand(tested.iter().copied(), &parse));
    evaluations.iter().try_for_each(|evaluation| reports::write_one(results, evaluation))?;
    let intents = evaluations.iter().find(|evaluation| evaluation.name == "intent");
    Ok(intents.map_or(0.0, |evaluation| evaluation.confusion.summary().weighted.f1))
}

fn write(results: &Results, candidates: &[Candidate], percentages: &[u8], sizes: &[usize]) -> Result<()> {
    let scores: Map<String, Value> =
        candidates.iter().map(|candidate| (candidate.name.clone(), json!(candidate.scores))).collect();
    results.json("results.json", &Value::Object(scores))?;
    let points = |candidate: &Candidate| -> Vec<(f64, f64)> {
        let of = |number: usize| candidate.scores.iter().filter_map(move |run| run.get(number).copied());
        (0..percentages.len()).map(|number| mean_and_deviation(&of(number).collect::<Vec<_>>())).collect()
    };
    let lines: Vec<Curve> =
        candidates.iter().map(|candidate| Curve { name: candidate.name.clone(), points: points(candidate) }).collect();
    for line in &lines {
        let means: Vec<String> =
            line.points.iter().map(|(mean, deviation)| format!("{mean:.3} ({deviation:.3})")).collect();
        terminal::say(&format!("{}: {}", line.name, means.join(", ")));
    }
    results.plot("nlu_model_comparison_graph", || {
        let x = "Number of intent examples present during training";
        curves(x, "Label-weighted average F1 score on test set", sizes, &lines)
    })
}
