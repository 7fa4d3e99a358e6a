//! Whether the database file is still where it was opened. A file that was moved
//! or removed can be written to as long as it is open: what is written is lost
//! when the program ends.

use std::path::Path;

use super::open::beside;
use crate::store::StoreError;

/// Which files stood under the database's names when they were last seen.
#[derive(Debug)]
pub(super) struct Place {
    database: Option<FileId>,
    /// Made by the first transaction.
    log: Option<FileId>,
}

/// Device and number of a file.
type FileId = (u64, u64);

impl Place {
    /// The place of an open database; one without a file has none.
    pub(super) fn of(path: &Path) -> Self {
        Self { database: file_id(path), log: file_id(&beside(path, "-wal")) }
    }

    /// # Errors
    /// Another file stands there, or none: what was written is in no file that a
    /// restart would find.
    pub(super) fn check(&mut self, path: &Path) -> Result<(), StoreError> {
        if self.database.is_none() {
            return Ok(());
        }
        let log = file_id(&beside(path, "-wal"));
        let is_there = file_id(path) == self.database && (self.log.is_none() || log == self.log);
        if !is_there {
            return Err(StoreError::CannotOpen {
                path: path.to_owned(),
                reason: "it was moved or removed while it was in use; put it back with its `-wal`, or restart".into(),
            });
        }
        self.log = log;
        Ok(())
    }
}

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere an open file cannot be moved.
#[cfg(not(unix))]
fn file_id(_path: &Path) -> Option<FileId> {
    None
}
