//! The project's files, read from disk.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sapa_project::{FileRole, ProjectFile, suggest};

use super::dotenv::Environment;
use super::imports;

/// Deepest folder that is walked: links may go in circles.
const MOST_DEPTH: usize = 64;
/// How names of project files end.
pub(super) const PROJECT_FILES: [&str; 3] = ["yml", "yaml", "json"];
/// How names end that may have been meant by one that does not exist.
const LIKELY_FILES: [&str; 4] = ["yml", "yaml", "json", "md"];

/// Where the parts of a project are.
pub(super) struct ProjectPaths<'a> {
    pub(super) config: &'a Path,
    pub(super) domain: &'a Path,
    pub(super) data: &'a [PathBuf],
    /// Whether the default domain may be missing.
    pub(super) without_domain: bool,
}

/// What `--domain` and `--data` are when nobody gives them: a project that only
/// imports others need not have them.
const DEFAULT_DOMAIN: &str = "domain.yml";
const DEFAULT_DATA: &str = "data";

/// Reads every file of a project, and of the projects that it imports. A path
/// that does not exist is an error, so that nothing else is trained than what
/// was meant.
pub(super) fn read_project(paths: &ProjectPaths<'_>, environment: &Environment) -> Result<Vec<ProjectFile>> {
    let imported = imports::files(paths.config, environment)?;
    let paths = &ProjectPaths { domain: domain_or_folder(paths.domain), ..*paths };
    check_paths(paths, imported.is_some())?;
    let root = paths.config.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut files = vec![read(paths.config, &root, FileRole::Config)?];
    for path in imported.unwrap_or_default() {
        files.push(read(&path, &root, FileRole::Imported)?);
    }
    for path in walk_all(&[paths.domain.to_path_buf()], &PROJECT_FILES)? {
        files.push(read(&path, &root, FileRole::Domain)?);
    }
    for path in walk_all(paths.data, &PROJECT_FILES)? {
        files.push(read(&path, &root, FileRole::Data)?);
    }
    Ok(files)
}

/// Without `domain.yml`, and unless a flag names another, Rasa takes the folder
/// `domain`.
fn domain_or_folder(domain: &Path) -> &Path {
    let folder = Path::new("domain");
    if domain == Path::new(DEFAULT_DOMAIN) && !domain.exists() && folder.is_dir() { folder } else { domain }
}

/// All missing paths at once: each with its flag and what may have been meant.
fn check_paths(paths: &ProjectPaths<'_>, imports_others: bool) -> Result<()> {
    let is_optional = |path: &Path, default: &str| imports_others && path == Path::new(default);
    let mut problems = Vec::new();
    if paths.config.is_dir() {
        problems.push(format!("`{}` (--config) is a folder; name the file in it", paths.config.display()));
    } else if !paths.config.exists() {
        problems.push(missing(paths.config, "--config", "name your configuration file"));
    }
    let needs_domain = !paths.without_domain || paths.domain != Path::new(DEFAULT_DOMAIN);
    if !paths.domain.exists() && needs_domain && !is_optional(paths.domain, DEFAULT_DOMAIN) {
        problems.push(missing(paths.domain, "--domain", "name your domain file or folder"));
    }
    for path in paths.data.iter().filter(|path| !path.exists() && !is_optional(path, DEFAULT_DATA)) {
        problems.push(missing(path, "--data", "name the file or folder of your training data"));
    }
    if problems.is_empty() { Ok(()) } else { bail!(problems.join("\n       ")) }
}

/// "`x` does not exist", with the flag that names it, and the nearest name that
/// does exist.
pub(super) fn missing(path: &Path, flag: &str, otherwise: &str) -> String {
    let cure = match nearest(path) {
        Some(near) => format!("did you mean `{}`?", near.display()),
        None => format!("{otherwise} with `{flag}`"),
    };
    format!("`{}` ({flag}) does not exist; {cure}", path.display())
}

/// The entry of the same folder whose name is nearest, endings not counting
/// where the whole name finds none.
fn nearest(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let listed = std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).ok()?;
    let names: Vec<String> = listed
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            !name.starts_with('.') && (folder.join(name).is_dir() || has_ending(Path::new(name), &LIKELY_FILES))
        })
        .collect();
    let stem = |name: &'_ str| Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let wanted = path.file_name()?.to_string_lossy();
    let by_name = suggest::nearest(&wanted, names.iter().map(String::as_str)).map(str::to_owned);
    let by_stem = || {
        let stems: Vec<String> = names.iter().filter_map(|name| stem(name)).collect();
        let near = suggest::nearest(&stem(&wanted)?, stems.iter().map(String::as_str))?.to_owned();
        names.iter().filter(|name| stem(name).as_deref() == Some(&near)).min().cloned()
    };
    by_name.or_else(by_stem).map(|name| folder.join(name))
}

fn read(path: &Path, root: &Path, role: FileRole) -> Result<ProjectFile> {
    let bytes = read_regular(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(ProjectFile { path: relative(path, root), bytes, role })
}

/// The bytes of a regular file.
///
/// # Errors
/// It cannot be read, or is a pipe or a device: these never end.
pub(super) fn read_regular(path: &Path) -> std::io::Result<Vec<u8>> {
    if !is_readable_file(path) {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    std::fs::read(path)
}

/// The path from the current folder, with `/`; as it is when it lies elsewhere.
pub(super) fn from_here(path: &Path) -> String {
    let seen = relative(path, Path::new("."));
    if seen.starts_with("../") { path.to_string_lossy().replace('\\', "/") } else { seen }
}

/// The path from the project's folder, with `/`: the same wherever the project
/// lies.
fn relative(path: &Path, root: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let (path, root) = (absolute(path), absolute(if root.as_os_str().is_empty() { Path::new(".") } else { root }));
    let (path, root) = (parts(&path), parts(&root));
    let shared = path.iter().zip(&root).take_while(|(left, right)| left == right).count();
    let up = std::iter::repeat_n("..".to_owned(), root.len() - shared);
    up.chain(path.into_iter().skip(shared)).collect::<Vec<_>>().join("/")
}

/// The names of an absolute path, without `.` and `..`.
fn parts(path: &Path) -> Vec<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => _ = parts.pop(),
            _ => {}
        }
    }
    parts
}

/// The files that are meant by these paths, each once: those below a folder
/// with one of these endings, and every path that is no folder.
pub(super) fn walk_all(paths: &[PathBuf], endings: &[&str]) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            found.extend(walk(path, endings)?);
        } else if path.exists() {
            found.insert(path.clone());
        }
    }
    Ok(found)
}

/// Every file below a folder with one of these endings, following links. As in
/// Rasa, hidden files and folders are not looked at: editors and notebooks leave
/// theirs there.
fn walk(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
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
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                continue;
            }
            if path.is_dir() {
                if depth < MOST_DEPTH {
                    open.push((path, depth + 1));
                }
            } else if is_readable_file(&path) && has_ending(&path, endings) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Whether a path ends so, letter case not counting.
pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// A regular file, or a link that leads to nothing, which is reported when it is
/// read. Pipes and devices would never end.
fn is_readable_file(path: &Path) -> bool {
    path.metadata().map_or(true, |metadata| metadata.is_file())
}

/// The file's name without its ending, or its path where two are named alike.
pub(super) fn distinct_name(path: &Path, all: &[PathBuf]) -> String {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_alone = all.iter().filter(|other| stem(other) == stem(path)).count() == 1;
    if is_alone { stem(path) } else { path.with_extension("").to_string_lossy().replace(['/', '\\'], "_") }
}
