//! The files of the projects that a configuration imports (spec §1.1).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sapa_project::imports::{is_config, paths};

use super::dotenv::Environment;
use super::files::{PROJECT_FILES, missing, read_regular, walk_all};

/// All files of imported projects, and of those that they import; `None` when
/// the project imports nothing.
pub(super) fn files(config: &Path, environment: &Environment) -> Result<Option<BTreeSet<PathBuf>>> {
    let mut found = BTreeSet::new();
    // Projects may import each other: every configuration is followed once.
    let mut followed = BTreeSet::new();
    let mut open = vec![config.to_path_buf()];
    let mut is_any = false;
    while let Some(current) = open.pop() {
        let is_root = followed.is_empty();
        if !followed.insert(current.canonicalize().unwrap_or_else(|_| current.clone())) {
            continue;
        }
        // What is wrong with the project's own configuration is said elsewhere.
        let Ok(bytes) = read_regular(&current) else { continue };
        let imported = paths(&bytes, is_root, &|name| environment.get(name));
        is_any |= is_root && !imported.is_empty();
        for path in imported {
            let path = current.parent().unwrap_or(Path::new("")).join(path);
            let files = of_import(&path, &current)?;
            open.extend(files.iter().filter(|file| is_config(&file.to_string_lossy())).cloned());
            found.extend(files);
        }
    }
    // The project's own configuration may lie in a folder that it imports.
    let own = config.canonicalize().with_context(|| format!("cannot read `{}`", config.display()));
    found.retain(|file| !own.as_ref().is_ok_and(|own| file.canonicalize().is_ok_and(|file| file == *own)));
    Ok(is_any.then_some(found))
}

/// The files of one import: a folder's, or a configuration.
fn of_import(path: &Path, config: &Path) -> Result<BTreeSet<PathBuf>> {
    if !path.exists() {
        bail!(format!("{} of `{}`", missing(path, "imports", "correct the path"), config.display()));
    }
    if path.is_file() && !is_config(&path.to_string_lossy()) {
        bail!(
            "`{}` (imports) is no configuration: import the folder of a project, or its `config.yml`",
            path.display()
        );
    }
    walk_all(&[path.to_path_buf()], &PROJECT_FILES)
}
