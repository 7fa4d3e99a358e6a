//! Rows that only this database gives.

use sqlx::postgres::PgRow;

use crate::store::StoreError;
use crate::store::record::Seen;
use crate::store::rows::{self, Columns as _, Row, columns};

columns!(PgRow);

/// What the server knows about a commit that was not made.
pub(super) struct Why {
    /// Version the conversation is at.
    pub(super) version: i64,
    /// The mark of its last commit.
    pub(super) last_commit: Option<i64>,
    /// What became of the message, if there is one.
    pub(super) seen: Option<Seen>,
}

/// Of `WHY`.
pub(super) fn why(row: &PgRow) -> Result<Why, StoreError> {
    let (version, seen) = rows::why(row)?;
    Ok(Why { version, last_commit: Row("sapa_conversation", row).get(PgRow::optional_integer, "last_commit")?, seen })
}

/// Of `PRUNE`: how many rows of each kind went.
pub(super) fn pruned(row: &PgRow) -> Result<[u64; 4], StoreError> {
    let row = Row("sapa_inbox", row);
    let count = |column| Ok(u64::try_from(row.get(PgRow::integer, column)?).unwrap_or(0));
    Ok([count("inbox")?, count("outbox")?, count("steps")?, count("locks")?])
}

/// Of `COMMIT`: the new version, or nothing when the fence held.
pub(super) fn committed(rows: &[PgRow]) -> Result<Option<i64>, StoreError> {
    let row = rows.first().ok_or_else(|| StoreError::Io("a turn has no answer".into()))?;
    Row("sapa_conversation", row).get(PgRow::optional_integer, "version")
}
