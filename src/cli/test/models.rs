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

/// What Rasa puts between a configuration's name and the percentage of stories
/// left out, in the names of models that are to be compared.
const PERCENTAGE: &str = "__percentage__";
const MODEL_FILES: [&str; 1] = ["sapa"];

/// Compares the models given with `--model`.
pub(super) fn compare(shared: &Shared, flags: &CoreFlags, is_e2e: bool, environment: &Environment) -> Result<()> {
    let mut counts = Map::new();
    for named in &shared.model {
        let Some(path) = models::find(named) else { bail!("no model found in `{}`", named.display()) };
        let correct = correct(&path, flags, is_e2e, environment)?;
        counts.insert(file_name(&path), json!([correct]));
    }
    Results::of(shared)?.json("results.json", &Value::Object(counts))
}

/// Compares all models below the folder: for each configuration one list for
/// each folder, a number for each model.
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
    let mut counts: BTreeMap<String, BTreeMap<PathBuf, Vec<usize>>> = BTreeMap::new();
    for path in found {
        let correct = correct(&path, flags, is_e2e, environment)?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        counts.entry(configuration(&path)).or_default().entry(folder).or_default().push(correct);
    }
    let counts: Map<String, Value> =
        counts.into_iter().map(|(name, runs)| (name, json!(runs.into_values().collect::<Vec<_>>()))).collect();
    Results::of(shared)?.json("results.json", &Value::Object(counts))
}

fn correct(path: &Path, flags: &CoreFlags, is_e2e: bool, environment: &Environment) -> Result<usize> {
    let Some(played) = stories::play(flags, is_e2e, path, environment)? else {
        bail!("no test stories were found; name their files or folders with `--stories`");
    };
    terminal::say(&format!("{}: {} of {} test stories passed", path.display(), played.correct(), played.results.len()));
    Ok(played.correct())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn configuration(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    stem.split(PERCENTAGE).next().unwrap_or(&stem).to_owned()
}
