//! `sapa bench --project`: how long a project takes to load and to validate.
//! `scripts/generate_project.py` writes large ones.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use super::{Row, process};
use crate::cli::components::load_options;
use crate::cli::dotenv::Environment;
use crate::cli::files::{ProjectPaths, read_project};
use crate::cli::findings::{Detail, check_project};

/// Reads, loads and validates the project in a folder once. Findings are
/// rendered, as people see them, but not shown.
pub(super) fn measure(folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let (config, domain) = (folder.join("config.yml"), folder.join("domain.yml"));
    let data: Vec<PathBuf> = vec![folder.join("data")];
    let environment = Environment::read();
    let started = Instant::now();
    let paths = ProjectPaths { config: &config, domain: &domain, data: &data, without_domain: false };
    let files = read_project(&paths, &environment)?;
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    let loaded = sapa_project::load_with(files, &|name| environment.get(name), load_options());
    let load = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let mut findings = check_project(&loaded, &config);
    findings.add_contradictions(&loaded.project);
    let shown = findings.text(Detail { quiet: false, all: true }, false);
    let validate = started.elapsed().as_secs_f64();
    rows.push(Row::plain("files", bytes as f64 / 1e6, "MB"));
    rows.push(Row::plain("examples", loaded.project.nlu.examples.len() as f64, ""));
    rows.push(Row::plain("stories and rules", loaded.project.stories.len() as f64, ""));
    rows.push(Row::plain("loading", load, "s"));
    rows.push(Row::plain("validating", validate, "s"));
    rows.push(Row::plain("text of findings", shown.len() as f64 / 1e6, "MB"));
    rows.push(Row::plain("peak memory", process::peak_memory().unwrap_or_default(), "MiB"));
    Ok(())
}
