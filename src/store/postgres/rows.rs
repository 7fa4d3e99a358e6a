//! Rows of the database as records.

use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};

use crate::store::record::{Accepted, Conversation, Intake, OutboxItem, Pending, Publication, Seen, Step, Timer};
use crate::store::{StoreError, scope};

/// A reader of one row: which table it is of, for the error.
struct Row<'r>(&'static str, &'r PgRow);

impl<'r> Row<'r> {
    fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        self.1.try_get(column).map_err(|_| self.bad(format!("column `{column}` has the wrong type")))
    }

    fn json(&self, column: &'static str) -> Result<Value, StoreError> {
        self.parse(column, self.get(column)?)
    }

    fn parse(&self, column: &'static str, text: &str) -> Result<Value, StoreError> {
        serde_json::from_str(text).map_err(|_| self.bad(format!("column `{column}` is no JSON")))
    }

    fn bad(&self, reason: String) -> StoreError {
        StoreError::BadRow { table: self.0, id: self.1.try_get("id").unwrap_or_default(), reason }
    }
}

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
    let row = Row("sapa_inbox", row);
    let version: Option<i64> = row.get("version")?;
    let state: Option<&str> = row.get("state")?;
    let seen = state.map(|_| seen_state(&row)).transpose()?;
    Ok(Why { version: version.unwrap_or(0), last_commit: row.get("last_commit")?, seen })
}

/// Of `LOAD` and `LOAD_ALL`: the conversation's row, then its events.
pub(super) fn conversation(rows: &[PgRow]) -> Result<Conversation, StoreError> {
    let Some((first, events)) = rows.split_first() else {
        return Ok(Conversation { version: 0, next_seq: 1, events: Vec::new() });
    };
    let first = Row("sapa_conversation", first);
    let mut conversation = Conversation {
        version: first.get("version")?,
        next_seq: first.get("next_seq")?,
        events: Vec::with_capacity(events.len()),
    };
    for row in events {
        let row = Row("events", row);
        conversation.events.extend(scope::read_event(row.get("data")?).map_err(|reason| row.bad(reason))?);
    }
    Ok(conversation)
}

/// What became of a message, by its columns `state` and `reply`.
fn seen_state(row: &Row<'_>) -> Result<Seen, StoreError> {
    match row.get("state")? {
        "accepted" => Ok(Seen::Open),
        "done" => {
            let reply: Option<&str> = row.get("reply")?;
            Ok(Seen::Done { reply: reply.map(|reply| row.parse("reply", reply)).transpose()? })
        }
        "dead" => Ok(Seen::Dead),
        _ => Err(row.bad("its state is unknown".into())),
    }
}

/// Of `ACCEPT` and `SEEN`.
pub(super) fn accepted(row: &PgRow) -> Result<Accepted, StoreError> {
    let row = Row("sapa_inbox", row);
    let fresh: bool = row.get("fresh")?;
    let duplicate = if fresh { None } else { Some(seen_state(&row)?) };
    Ok(Accepted { inbox_id: row.get("id")?, seq: row.get("seq")?, duplicate })
}

/// Of `PENDING`.
pub(super) fn pending(row: &PgRow) -> Result<Pending, StoreError> {
    let row = Row("sapa_inbox", row);
    Ok(Pending {
        inbox_id: row.get("id")?,
        seq: row.get("seq")?,
        attempts: row.get("attempts")?,
        intake: Intake {
            channel: row.get("channel")?,
            dedupe_key: row.get("dedupe_key")?,
            sender_id: row.get("sender_id")?,
            payload: row.json("payload")?,
        },
    })
}

/// Of `JOURNALLED`.
pub(super) fn step(row: &PgRow) -> Result<Step, StoreError> {
    let row = Row("sapa_step", row);
    Ok(Step {
        step: row.get("id")?,
        action: row.get("action")?,
        request_hash: row.get("request_hash")?,
        response: row.json("response")?,
    })
}

/// Of `CLAIM_OUTBOX` and `DOUBT_OUTBOX`.
pub(super) fn outbox_item(row: &PgRow) -> Result<OutboxItem, StoreError> {
    let row = Row("sapa_outbox", row);
    Ok(OutboxItem {
        id: row.get("id")?,
        inbox_id: row.get("inbox_id")?,
        ordinal: row.get("ordinal")?,
        sender_id: row.get("sender_id")?,
        channel: row.get("channel")?,
        payload: row.json("payload")?,
        attempts: row.get("attempts")?,
        possible_double: row.get("possible_double")?,
    })
}

/// Of `DUE_TIMERS` and `TIMERS`.
pub(super) fn timer(row: &PgRow) -> Result<Timer, StoreError> {
    let row = Row("sapa_timer", row);
    Ok(Timer {
        id: row.get("id")?,
        sender_id: row.get("sender_id")?,
        name: row.get("name")?,
        due_at: row.get("due_at")?,
        payload: row.json("payload")?,
    })
}

/// Of `UNPUBLISHED`: only rows that [`scope::read_event`] accepts were ever put
/// there.
pub(super) fn publication(row: &PgRow) -> Result<Publication, StoreError> {
    let row = Row("events", row);
    let event = scope::read_event(row.get("data")?)
        .and_then(|event| event.ok_or_else(|| "its `data` has no type".into()))
        .map_err(|reason| row.bad(reason))?;
    Ok(Publication { event_id: row.get("id")?, sender_id: row.get("sender_id")?, event })
}

/// Of `PRUNE`: how many rows of each kind went.
pub(super) fn pruned(row: &PgRow) -> Result<[u64; 3], StoreError> {
    let row = Row("sapa_inbox", row);
    let count = |column| Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0));
    Ok([count("inbox")?, count("outbox")?, count("steps")?])
}

/// The first column, a text, of a row of that table.
pub(super) fn text(row: &PgRow, table: &'static str) -> Result<String, StoreError> {
    row.try_get(0).map_err(|_| StoreError::BadRow { table, id: 0, reason: "its first column is no text".into() })
}

/// Of `COMMIT`: the new version, or nothing when the fence held.
pub(super) fn committed(rows: &[PgRow]) -> Result<Option<i64>, StoreError> {
    let row = rows.first().ok_or_else(|| StoreError::Io("a turn has no answer".into()))?;
    Row("sapa_conversation", row).get("version")
}
