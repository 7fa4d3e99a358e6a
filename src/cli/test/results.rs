//! The folder that reports are written to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::flags::Shared;
use crate::cli::terminal;
use crate::evaluate::chart::Picture;

/// What is written, and where.
#[derive(Debug, Clone)]
pub(super) struct Results {
    folder: PathBuf,
    pub(super) has_plots: bool,
    pub(super) has_successes: bool,
    pub(super) has_errors: bool,
    pub(super) has_warnings: bool,
}

impl Results {
    /// Makes the folder that the flags name.
    pub(super) fn of(flags: &Shared) -> Result<Self> {
        let results = Self {
            folder: flags.out.clone(),
            has_plots: !flags.no_plot,
            has_successes: flags.successes,
            has_errors: !flags.no_errors,
            has_warnings: !flags.no_warnings,
        };
        results.below("")
    }

    /// A folder in this one; it is made.
    pub(super) fn below(&self, path: &str) -> Result<Self> {
        let folder = self.folder.join(path);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        Ok(Self { folder, ..self.clone() })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write `{}`", path.display()))
    }

    pub(super) fn json(&self, name: &str, value: &Value) -> Result<()> {
        self.write(name, serde_json::to_string_pretty(value)?)
    }

    /// Writes `<name>.svg` and `<name>.png`, unless no plots are wanted.
    pub(super) fn plot(&self, name: &str, draw: impl FnOnce() -> Picture) -> Result<()> {
        if !self.has_plots {
            return Ok(());
        }
        let picture = draw();
        self.write(&format!("{name}.svg"), picture.to_svg())?;
        match picture.to_png() {
            Some(png) => self.write(&format!("{name}.png"), png),
            None => {
                terminal::note(&format!("`{name}.png` would be too large; look at `{name}.svg`"));
                Ok(())
            }
        }
    }
}
