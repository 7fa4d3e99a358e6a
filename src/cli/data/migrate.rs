//! `sapa data migrate`: a domain of Rasa 2 -> Rasa 3, beside the old one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sapa_project::migrate::{Migrated, migrate};
use sapa_project::{Severity, render_text};

use super::nlu_files::write;
use crate::cli::files::{PROJECT_FILES, has_ending, missing, walk_all};
use crate::cli::terminal;

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Domain file or folder.
    #[arg(short, long, default_value = "domain.yml")]
    domain: PathBuf,
    /// File or folder for the new domain; `new_domain` beside the old one by
    /// default.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Where the old files are kept, and where the new ones go.
struct Places {
    backup: PathBuf,
    out: PathBuf,
}

/// Runs the command: exit code 1, and nothing written, when there are errors.
pub(super) fn run(args: &MigrateArgs, quiet: bool) -> Result<ExitCode> {
    if !args.domain.exists() {
        bail!(missing(&args.domain, "--domain", "name your domain file or folder"));
    }
    let places = places(&args.domain, args.out.as_deref());
    check_free(&places)?;
    let old = read(&args.domain)?;
    let migrated = migrate(old.clone());
    let shown: Vec<_> =
        migrated.diagnostics.iter().filter(|d| !quiet || d.severity != Severity::Note).cloned().collect();
    if !shown.is_empty() {
        terminal::note(&render_text(&shown, &migrated.sources, terminal::has_colour()));
    }
    if migrated.diagnostics.iter().any(|d| d.severity == Severity::Error) {
        terminal::error("nothing was migrated: correct the errors above");
        return Ok(ExitCode::FAILURE);
    }
    write_all(&args.domain, &places, &old, &migrated)?;
    if !quiet {
        terminal::say(&format!(
            "The new domain is `{}`; `{}` is as it was, and copied to `{}`. Put the new one in its place, or name it with `--domain`.",
            places.out.display(),
            args.domain.display(),
            places.backup.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn places(domain: &Path, out: Option<&Path>) -> Places {
    let suffix = if domain.is_dir() { "" } else { ".yml" };
    let beside = |name: &str| domain.parent().unwrap_or(Path::new("")).join(format!("{name}{suffix}"));
    Places { backup: beside("original_domain"), out: out.map_or_else(|| beside("new_domain"), Path::to_path_buf) }
}

/// Nothing is overwritten; an empty folder may be filled.
fn check_free(places: &Places) -> Result<()> {
    if places.backup.exists() {
        bail!(
            "`{}`, where the old domain would be kept, exists already: if you have migrated before, put `{}` in the place of the domain; else move the file away",
            places.backup.display(),
            places.out.display()
        );
    }
    let is_empty_folder = places.out.is_dir() && std::fs::read_dir(&places.out)?.next().is_none();
    if places.out.exists() && !is_empty_folder {
        bail!("`{}` exists already; move it away, or name another place with `--out`", places.out.display());
    }
    Ok(())
}

/// The domain's files: path below the folder, or the file's name.
fn read(domain: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for path in walk_all(&[domain.to_path_buf()], &PROJECT_FILES)? {
        let below = path.strip_prefix(domain).ok().filter(|below| !below.as_os_str().is_empty());
        let name =
            below.map_or_else(|| path.to_string_lossy().into_owned(), |below| below.to_string_lossy().into_owned());
        files.push((name, std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?));
    }
    Ok(files)
}

/// The backup first: when anything fails, the old domain is still in its place.
fn write_all(domain: &Path, places: &Places, old: &[(String, Vec<u8>)], new: &Migrated) -> Result<()> {
    let is_folder = domain.is_dir();
    let below = |place: &Path, name: &str| match is_folder {
        true => place.join(name),
        // A folder may be named for the one file.
        false if place.is_dir() => place.join(domain.file_name().unwrap_or_default()),
        false => place.to_path_buf(),
    };
    for (name, bytes) in old {
        write(&below(&places.backup, name), bytes)?;
    }
    for (name, text) in &new.files {
        let path = below(&places.out, name);
        // What was JSON is YAML now, and JSON is what its ending promises.
        write(&if has_ending(&path, &["json"]) { path.with_extension("yml") } else { path }, text.as_bytes())?;
    }
    Ok(())
}
