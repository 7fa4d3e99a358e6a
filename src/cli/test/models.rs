//! Several models on the same test stories: how many each predicts (spec §7).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::flags::{CoreFlags, Shared};
use super::results::Results;
use super::stories;
use crate::cli::dotenv::Environment;
use crate::cli::{files, models, terminal};
use crate::evaluate::chart::{Curve, curves};
use crate::evaluate::metrics::mean_and_deviation;

const MODEL_FILES: [&str; 1] = ["sapa"];

/// Compares the models given with `--model`.
pub(super) fn compare(shared: &Shared, flags: &CoreFlags, is_e2e: bool, environment: &Environment) -> Result<()> {
    let mut counts = Map::new();
    for named in &shared.model {
        let Some(path) = models::find(named) else { bail!("no model found in `{}`", named.display()) };
        let tested = tested(&path, flags, is_e2e, environment)?;
        counts.insert(file_name(&path), json!([tested.correct]));
    }
    Results::of(shared)?.json("results.json", &Value::Object(counts))
}

/// Compares all models below the folder: for each configuration one list for
/// each folder, a number for each model, the most stories first.
pub(super) fn compare_folder(
    shared: &Shared,
    flags: &CoreFlags,
    is_e2e: bool,
    environment: &Environment,
) -> Result<()> {
    let found = files::walk_all(&shared.model, &MODEL_FILES)?;
    if found.is_empty() {
        bail!("no models are in the folder given with `--model`");
    }
    let mut runs: BTreeMap<String, BTreeMap<PathBuf, Vec<(u8, Tested)>>> = BTreeMap::new();
    for path in found {
        let tested = tested(&path, flags, is_e2e, environment)?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let (name, percentage) = configuration(&path);
        runs.entry(name).or_default().entry(folder).or_default().push((percentage, tested));
    }
    let mut counts = Map::new();
    let mut lines = Vec::new();
    for (name, folders) in runs {
        let mut folders: Vec<Vec<(u8, Tested)>> = folders.into_values().collect();
        folders.iter_mut().for_each(|models| models.sort_by_key(|(percentage, _)| *percentage));
        let correct = |models: &Vec<(u8, Tested)>| models.iter().map(|(_, tested)| tested.correct).collect::<Vec<_>>();
        counts.insert(name.clone(), json!(folders.iter().map(correct).collect::<Vec<_>>()));
        lines.push(Curve { name, points: points(&folders) });
    }
    let results = Results::of(shared)?;
    results.json("results.json", &Value::Object(counts))?;
    match story_counts(&shared.model) {
        Some(sizes) => results.plot("core_model_comparison_graph", || {
            curves("Number of stories present during training", "Share of correct test stories", &sizes, &lines)
        }),
        None => Ok(()),
    }
}

/// Mean and deviation over the runs, for each percentage.
fn points(folders: &[Vec<(u8, Tested)>]) -> Vec<(f64, f64)> {
    let most = folders.iter().map(Vec::len).max().unwrap_or(0);
    let of = |at: usize| folders.iter().filter_map(move |models| models.get(at).map(|(_, tested)| tested.share()));
    (0..most).map(|at| mean_and_deviation(&of(at).collect::<Vec<_>>())).collect()
}

/// How many stories each percentage left, where the training of a comparison
/// wrote it.
fn story_counts(folders: &[PathBuf]) -> Option<Vec<usize>> {
    let text = folders.iter().find_map(|folder| std::fs::read_to_string(folder.join(models::STORY_COUNTS)).ok())?;
    serde_json::from_str(&text).ok()
}

/// What a model made of the test stories.
struct Tested {
    correct: usize,
    stories: usize,
}

impl Tested {
    fn share(&self) -> f64 {
        self.correct as f64 / self.stories.max(1) as f64
    }
}

fn tested(path: &Path, flags: &CoreFlags, is_e2e: bool, environment: &Environment) -> Result<Tested> {
    let Some(played) = stories::play(flags, is_e2e, path, environment)? else {
        bail!("no test stories were found; name their files or folders with `--stories`");
    };
    terminal::say(&format!("{}: {} of {} test stories passed", path.display(), played.correct(), played.results.len()));
    Ok(Tested { correct: played.correct(), stories: played.results.len() })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The configuration a model was trained with, and the percentage of stories
/// left out.
fn configuration(path: &Path) -> (String, u8) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match stem.split_once(models::PERCENTAGE) {
        Some((name, percentage)) => (name.to_owned(), percentage.parse().unwrap_or(0)),
        None => (stem, 0),
    }
}
