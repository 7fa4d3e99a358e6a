//! `sapa bench --held-out`: policies on stories that they have not learnt.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::components::load_options;
use crate::cli::dotenv::Environment;
use crate::cli::files::{ProjectPaths, read_project};
use crate::cli::terminal;
use crate::evaluate::held_out::{Counts, hold_out};

/// Seeds of the five splits.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
const COLUMNS: [&str; 5] =
    ["MemoizationPolicy", "AugmentedMemoizationPolicy", "RulePolicy", "TEDPolicy", crate::evaluate::held_out::TOGETHER];

/// Prints a table: a line a project, a column a policy, action accuracy as mean
/// and standard deviation over the seeds.
pub(super) fn run(folders: &[PathBuf]) -> Result<ExitCode> {
    terminal::say(&format!("| project | actions | {} |\n|---|---|{}", COLUMNS.join(" | "), "---|".repeat(5)));
    for folder in folders {
        match measure(folder)? {
            Some(line) => terminal::say(&line),
            None => terminal::say(&format!("| {} | too few stories | | | | | |", name(folder))),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}

fn measure(folder: &Path) -> Result<Option<String>> {
    let data = [folder.join("data")];
    let (config, domain) = (folder.join("config.yml"), folder.join("domain.yml"));
    let files = read_project(
        &ProjectPaths { config: &config, domain: &domain, data: &data, without_domain: false },
        &Environment::read(),
    )?;
    let project = sapa_project::load_with(files, &|name| std::env::var(name).ok(), load_options()).project;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let counts: Vec<Counts> = SEEDS.iter().filter_map(|seed| hold_out(&project, *seed, threads)).collect();
    if counts.is_empty() {
        return Ok(None);
    }
    let actions: usize = counts.iter().filter_map(|c| c.get("TEDPolicy")).map(|(_, all)| all).sum();
    let cells = COLUMNS.map(|policy| {
        let shares = counts.iter().filter_map(|c| c.get(policy));
        mean_and_deviation(&shares.map(|&(right, all)| 100.0 * right as f64 / all.max(1) as f64).collect::<Vec<_>>())
    });
    Ok(Some(format!("| {} | {actions} | {} |", name(folder), cells.join(" | "))))
}

fn mean_and_deviation(values: &[f64]) -> String {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    format!("{mean:.1} ± {:.1}", variance.sqrt())
}
