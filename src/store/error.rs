//! What can go wrong with a store. No message ever carries a stored value.

use std::path::PathBuf;

use serde_json::Value;

/// Why a store did not do what it was asked. In every case but
/// [`StoreError::InDoubt`] nothing was written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// More work is waiting than the store takes; ask again later.
    #[error("the store has more work waiting than it takes; try again later")]
    Busy,
    /// Another program holds the database.
    #[error("the database is locked by another program; close it, or try again later")]
    Locked,
    /// No room on the disk; writing works again once there is.
    #[error("the disk is full: nothing was written; writing works again once there is room")]
    DiskFull,
    /// The database cannot be opened or created there.
    #[error("cannot open the database `{path}`: {reason}", path = path.display())]
    CannotOpen {
        /// File asked for.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The database or its directory may not be written to.
    #[error("the database may not be written to ({0}); check the owner and mode of the file and its directory")]
    ReadOnly(String),
    /// The file is no database, or a damaged one.
    #[error(
        "the database is damaged or no SQLite database ({0}); restore it from a backup, or move it away to begin anew"
    )]
    Corrupt(String),
    /// The file is a database, but not one this version can work with.
    #[error("the database does not fit this version: {0}")]
    Incompatible(String),
    /// A stored row cannot be read.
    #[error("row {id} of table `{table}` cannot be read: {reason}")]
    BadRow {
        /// Table of the row.
        table: &'static str,
        /// Its id.
        id: i64,
        /// What is wrong, without the row's content.
        reason: String,
    },
    /// The request contradicts what is stored.
    #[error("{0}")]
    Invalid(String),
    /// The system could not read or write.
    #[error("reading or writing the database failed: {0}")]
    Io(String),
    /// The database server does not answer.
    #[error("{server} cannot be reached: {reason}")]
    Unreachable {
        /// The server asked for, without a password.
        server: String,
        /// What went wrong.
        reason: String,
    },
    /// The database server answers, and will not have us.
    #[error("{server} refuses: {reason}")]
    Denied {
        /// The server asked for, without a password.
        server: String,
        /// What it said, and what can be done.
        reason: String,
    },
    /// The database server went away in the middle of writing: all of it was
    /// written, or nothing.
    #[error("the database went away while it was writing; whether it did is not known")]
    InDoubt,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a commit was not made. In every case but [`StoreError::InDoubt`] nothing
/// of it was written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommitError {
    /// Somebody else committed to the conversation first: load it and run the
    /// turn again.
    #[error("the conversation has moved on to version {current}")]
    Conflict {
        /// The version it is at.
        current: i64,
    },
    /// The message already had its turn.
    #[error("the message was already answered")]
    Duplicate {
        /// The stored reply, if that turn stored one.
        reply: Option<Value>,
    },
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
