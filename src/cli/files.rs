//! The project's files, read from disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sapa_project::{FileRole, ProjectFile};

/// Deepest folder that is walked: links may go in circles.
const MOST_DEPTH: usize = 64;

/// Where the parts of a project are.
pub(super) struct ProjectPaths<'a> {
    pub(super) config: &'a Path,
    pub(super) domain: &'a Path,
    pub(super) data: &'a [PathBuf],
}

/// Reads every file of a project. A missing `data` folder is an empty one.
pub(super) fn read_project(paths: &ProjectPaths<'_>) -> Result<Vec<ProjectFile>> {
    let root = paths.config.parent().map(Path::to_path_buf).unwrap_or_default();
    let config = read(paths.config, &root, FileRole::Config);
    let mut files = vec![config.context("there is no configuration: give its path with `--config` (`-c`)")?];
    if paths.domain.is_dir() {
        for path in walk(paths.domain)? {
            files.push(read(&path, &root, FileRole::Domain)?);
        }
    } else {
        let domain = read(paths.domain, &root, FileRole::Domain);
        files.push(domain.context("there is no domain: give its file or folder with `--domain` (`-d`)")?);
    }
    files.extend(read_data(paths.data, &root)?);
    Ok(files)
}

/// Reads training files under these paths.
pub(super) fn read_data(data: &[PathBuf], root: &Path) -> Result<Vec<ProjectFile>> {
    let mut found = BTreeSet::new();
    for path in data {
        if path.is_dir() {
            found.extend(walk(path)?);
        } else if path.exists() {
            found.insert(path.clone());
        } else {
            bail!("`{}` does not exist; give the folder of your training data with `--data`", path.display());
        }
    }
    found.iter().map(|path| read(path, root, FileRole::Data)).collect()
}

fn read(path: &Path, root: &Path, role: FileRole) -> Result<ProjectFile> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(ProjectFile { path: relative(path, root), bytes, role })
}

/// The path below the project's folder, with `/`: the same wherever the project
/// lies.
fn relative(path: &Path, root: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let (path, root) = (absolute(path), absolute(if root.as_os_str().is_empty() { Path::new(".") } else { root }));
    let below = path.strip_prefix(&root).unwrap_or(&path);
    let parts = below.components().filter_map(|part| match part {
        std::path::Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Every `.yml`, `.yaml` and `.json` file below a folder, following links.
pub(super) fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    // Links may lead back: every real folder is walked once.
    let mut walked = BTreeSet::new();
    while let Some((folder, depth)) = open.pop() {
        if !walked.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read `{}`", folder.display()))?.path();
            if path.is_dir() {
                if depth < MOST_DEPTH {
                    open.push((path, depth + 1));
                }
            } else if is_readable_file(&path)
                && path
                    .extension()
                    .is_some_and(|e| ["yml", "yaml", "json"].iter().any(|known| e.eq_ignore_ascii_case(known)))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A regular file, or a link that leads to nothing, which is reported when it is
/// read. Pipes and devices would never end.
fn is_readable_file(path: &Path) -> bool {
    path.metadata().map_or(true, |metadata| metadata.is_file())
}
