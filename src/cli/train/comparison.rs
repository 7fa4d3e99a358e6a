//! `sapa train core -c A B`: dialogue models of several configurations, each
//! with ever fewer stories, for `sapa test core --evaluate-model-directory`
//! (spec §7).

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use sapa_learn::Rng;
use sapa_model::{Fingerprint, Target, TrainRequest, train};
use sapa_project::{Loaded, Project};

use super::{CoreFlags, Flags, say};
use crate::cli::components::load_options;
use crate::cli::dotenv::Environment;
use crate::cli::files::{ProjectPaths, distinct_name, read_project};
use crate::cli::findings::{Detail, check_project};
use crate::cli::models::{PERCENTAGE, STORY_COUNTS};
use crate::cli::{models, terminal};

/// A configuration, with the project as it reads under it.
struct Candidate {
    name: String,
    loaded: Loaded,
    fingerprint: Fingerprint,
}

/// Trains every configuration with every percentage of stories left out, run by
/// run. Within a run all configurations learn the same stories.
pub(super) fn run(core: &CoreFlags, detail: Detail, environment: &Environment) -> Result<ExitCode> {
    let flags = &core.flags;
    let mut candidates = Vec::new();
    for config in &flags.config {
        let candidate = read(config, flags, environment)?;
        if !is_sound(&candidate, config, flags, detail) {
            terminal::error("training did not start: correct the errors above");
            return Ok(ExitCode::FAILURE);
        }
        candidates.push(candidate);
    }
    if flags.dry_run {
        say(detail.quiet, "A comparison always trains.");
        return Ok(ExitCode::from(if flags.force { super::DRY_RUN_FORCED } else { 1 }));
    }
    let mut percentages = core.percentages.clone();
    percentages.sort_unstable();
    percentages.dedup();
    for run in 0..core.runs {
        let folder = flags.out.join(format!("run_{}", run + 1));
        for percentage in &percentages {
            for candidate in &candidates {
                let bytes = learn(candidate, flags, run, *percentage);
                let name = format!("{}{PERCENTAGE}{percentage}.sapa", candidate.name);
                let path = models::write(&folder, &name, &bytes)?;
                say(detail.quiet, &format!("{percentage} % left out: {}", path.display()));
            }
        }
    }
    let stories = candidates.first().map_or(0, |candidate| candidate.loaded.project.stories.len());
    let counts: Vec<usize> = percentages.iter().map(|percentage| stories - excluded(stories, *percentage)).collect();
    let path = flags.out.join(STORY_COUNTS);
    std::fs::write(&path, serde_json::to_vec(&counts)?)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn read(config: &Path, flags: &Flags, environment: &Environment) -> Result<Candidate> {
    let paths = ProjectPaths { config, domain: &flags.domain, data: &flags.data, without_domain: false };
    let files = read_project(&paths, environment)?;
    let options = sapa_project::LoadOptions { substitute: flags.substitute, ..load_options() };
    let loaded = sapa_project::load_with(files.clone(), &|name| environment.get(name), options);
    let fingerprint = Fingerprint::of(&files, &environment.asked(), Target::Core);
    Ok(Candidate { name: distinct_name(config, &flags.config), loaded, fingerprint })
}

fn is_sound(candidate: &Candidate, config: &Path, flags: &Flags, detail: Detail) -> bool {
    let mut findings = check_project(&candidate.loaded, config);
    findings.forgive_language();
    findings.add_conflicts(&candidate.loaded.project, flags.validation_max_history);
    let is_fatal = findings.are_fatal(flags.fail_on_validation_warnings);
    if is_fatal {
        findings.add_contradictions(&candidate.loaded.project);
    }
    findings.show(detail);
    !is_fatal
}

fn learn(candidate: &Candidate, flags: &Flags, run: u16, percentage: u8) -> Vec<u8> {
    let project = with_fewer_stories(&candidate.loaded.project, run, percentage);
    // Another model than that of the whole project.
    let fingerprint = Fingerprint(format!("{} without {percentage} % in run {run}", candidate.fingerprint.0));
    let threads = flags.num_threads.clamp(1, 64);
    let request = TrainRequest { project: &project, fingerprint: &fingerprint, target: Target::Core, threads };
    train(&request, &mut |_| {}).bytes
}

/// The project without a share of its stories and rules, drawn by the run.
fn with_fewer_stories(project: &Project, run: u16, percentage: u8) -> Project {
    let mut fewer = project.clone();
    Rng::new(u64::from(run)).shuffle(&mut fewer.stories);
    let kept = fewer.stories.len() - excluded(fewer.stories.len(), percentage);
    fewer.stories.truncate(kept);
    fewer
}

/// Rounded as Python does; one story is always left.
fn excluded(stories: usize, percentage: u8) -> usize {
    let share = (stories as f64 * f64::from(percentage) / 100.0).round_ties_even() as usize;
    share.min(stories.saturating_sub(1))
}
