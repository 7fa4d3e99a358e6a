//! What `convert` and `split` share: reading NLU data, writing files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sapa_project::{Diagnostic, FileRole, LoadedNlu, ProjectFile, Severity, Sources, load_nlu, render_text};

use crate::cli::files::{PROJECT_FILES, missing, walk_all};
use crate::cli::terminal;

/// The NLU data of files and folders; `None`, and the errors are shown, when
/// there are any.
pub(super) fn read_nlu(paths: &[PathBuf], language: &str, quiet: bool) -> Result<Option<LoadedNlu>> {
    let loaded = load_nlu(read_files(paths)?, language);
    show(&loaded.diagnostics, &loaded.sources, quiet);
    if loaded.diagnostics.iter().any(|d| d.severity == Severity::Error) {
        terminal::error("nothing was written: correct the errors above");
        return Ok(None);
    }
    if loaded.nlu.examples.is_empty() && loaded.nlu.synonyms.is_empty() {
        bail!("there is no NLU data here: name its files or their folder");
    }
    Ok(Some(loaded))
}

/// The bytes of files and of those below folders.
pub(super) fn read_files(paths: &[PathBuf]) -> Result<Vec<ProjectFile>> {
    if let Some(lost) = paths.iter().find(|path| !path.exists()) {
        bail!(missing(lost, "--data", "name your files or their folder"));
    }
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let path = path.to_string_lossy().replace('\\', "/");
        Ok(ProjectFile { path, bytes, role: FileRole::Data })
    };
    walk_all(paths, &PROJECT_FILES)?.into_iter().map(read).collect()
}

/// Shows findings; quietly, no notes.
pub(super) fn show(findings: &[Diagnostic], sources: &Sources, quiet: bool) {
    let shown: Vec<Diagnostic> = findings.iter().filter(|d| !quiet || d.severity != Severity::Note).cloned().collect();
    if !shown.is_empty() {
        terminal::note(&render_text(&shown, sources, terminal::has_colour()));
    }
}

/// Writes a file, with the folders above it.
pub(super) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}
