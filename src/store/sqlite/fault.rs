//! SQLite's errors in the store's words.

use std::path::Path;

use crate::store::StoreError;

// Primary result codes, <https://www.sqlite.org/rescode.html>.
const ERROR: i32 = 1;
const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const TOOBIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;
const NOTADB: i32 = 26;

/// The primary result code, if SQLite is what failed.
fn code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// Whether a row broke a constraint: what a fenced job hits when it is refused.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    code(error) == Some(CONSTRAINT)
}

/// Whether only the statement failed and the transaction around it lives on.
pub(super) fn spares_transaction(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(ERROR | TOOBIG | CONSTRAINT | MISMATCH))
}

/// Whether a rollback failed merely because SQLite had rolled back by itself.
pub(super) fn nothing_to_roll_back(error: &sqlx::Error) -> bool {
    code(error) == Some(ERROR)
}

/// The store's error for one of sqlx's.
pub(super) fn store_error(error: &sqlx::Error, path: &Path) -> StoreError {
    let said = match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        sqlx::Error::PoolTimedOut => return StoreError::Busy,
        sqlx::Error::PoolClosed => return StoreError::Closed,
        other => other.to_string(),
    };
    match code(error) {
        Some(BUSY | LOCKED) => StoreError::Locked,
        Some(FULL) => StoreError::DiskFull,
        Some(READONLY | PERM) => StoreError::ReadOnly(said),
        Some(CANTOPEN) => StoreError::CannotOpen { path: path.to_owned(), reason: said },
        Some(CORRUPT | NOTADB) => StoreError::Corrupt(said),
        Some(ERROR | MISMATCH | CONSTRAINT) => StoreError::Incompatible(said),
        _ => StoreError::Io(said),
    }
}
