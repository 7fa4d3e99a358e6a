//! Rows of a database as records: the same for SQLite and PostgreSQL.

use std::sync::Arc;

use sapa_sdk::Event;
use serde_json::Value;

use super::record::{Accepted, Conversation, Intake, OutboxItem, Pending, Publication, Seen, Session, Step, Timer};
use super::{StoreError, scope};

/// Typed columns of one row, by name.
pub(in crate::store) trait Columns {
    fn integer(&self, column: &str) -> sqlx::Result<i64>;
    fn optional_integer(&self, column: &str) -> sqlx::Result<Option<i64>>;
    fn real(&self, column: &str) -> sqlx::Result<f64>;
    fn flag(&self, column: &str) -> sqlx::Result<bool>;
    fn text(&self, column: &str) -> sqlx::Result<&str>;
    fn optional_text(&self, column: &str) -> sqlx::Result<Option<&str>>;
    fn string(&self, column: &str) -> sqlx::Result<String>;
    fn optional_string(&self, column: &str) -> sqlx::Result<Option<String>>;
    /// The first column.
    fn first_text(&self) -> sqlx::Result<String>;
}

/// [`Columns`] for a row type of sqlx.
macro_rules! columns {
    ($row:ty) => {
        impl $crate::store::rows::Columns for $row {
            fn integer(&self, column: &str) -> sqlx::Result<i64> {
                sqlx::Row::try_get(self, column)
            }
            fn optional_integer(&self, column: &str) -> sqlx::Result<Option<i64>> {
                sqlx::Row::try_get(self, column)
            }
            fn real(&self, column: &str) -> sqlx::Result<f64> {
                sqlx::Row::try_get(self, column)
            }
            fn flag(&self, column: &str) -> sqlx::Result<bool> {
                sqlx::Row::try_get(self, column)
            }
            fn text(&self, column: &str) -> sqlx::Result<&str> {
                sqlx::Row::try_get(self, column)
            }
            fn optional_text(&self, column: &str) -> sqlx::Result<Option<&str>> {
                sqlx::Row::try_get(self, column)
            }
            fn string(&self, column: &str) -> sqlx::Result<String> {
                sqlx::Row::try_get(self, column)
            }
            fn optional_string(&self, column: &str) -> sqlx::Result<Option<String>> {
                sqlx::Row::try_get(self, column)
            }
            fn first_text(&self) -> sqlx::Result<String> {
                sqlx::Row::try_get(self, 0)
            }
        }
    };
}
pub(in crate::store) use columns;

/// A reader of one row: which table it is of, for the error.
pub(in crate::store) struct Row<'r, R>(pub(in crate::store) &'static str, pub(in crate::store) &'r R);

impl<'r, R: Columns> Row<'r, R> {
    pub(in crate::store) fn get<T>(
        &self,
        read: impl FnOnce(&'r R, &str) -> sqlx::Result<T>,
        column: &str,
    ) -> Result<T, StoreError> {
        read(self.1, column).map_err(|_| self.bad(format!("column `{column}` has the wrong type")))
    }

    fn json(&self, column: &str) -> Result<Value, StoreError> {
        self.parse(column, self.get(R::text, column)?)
    }

    fn parse(&self, column: &str, text: &str) -> Result<Value, StoreError> {
        serde_json::from_str(text).map_err(|_| self.bad(format!("column `{column}` is no JSON")))
    }

    fn bad(&self, reason: String) -> StoreError {
        StoreError::BadRow { table: self.0, id: self.1.integer("id").unwrap_or_default(), reason }
    }
}

/// Of `RESUME`: the conversation's row with its snapshot, then its events.
pub(in crate::store) fn session<R: Columns>(rows: &[R]) -> Result<Session, StoreError> {
    // One that cannot be read is as good as none; whoever reads it tells.
    let text = rows.first().map(|first| first.optional_text("data").unwrap_or(Some("")));
    let snapshot = text.flatten().map(|text| serde_json::from_str(text).unwrap_or_default());
    Ok(Session { snapshot, conversation: conversation(rows)? })
}

/// Of `RESUME` and `LOAD_ALL`: the conversation's row, then its events.
pub(in crate::store) fn conversation<R: Columns>(rows: &[R]) -> Result<Conversation, StoreError> {
    let Some((first, events)) = rows.split_first() else {
        return Ok(Conversation { version: 0, next_seq: 1, events: Vec::new() });
    };
    let first = Row("sapa_conversation", first);
    let mut conversation = Conversation {
        version: first.get(R::integer, "version")?,
        next_seq: first.get(R::integer, "next_seq")?,
        events: Vec::with_capacity(events.len()),
    };
    for row in events {
        let row = Row("events", row);
        let event = scope::read_event(row.get(R::text, "data")?).map_err(|reason| row.bad(reason))?;
        conversation.events.extend(event.map(|event| sharing(event, conversation.events.last())));
    }
    Ok(conversation)
}

/// The event, with the metadata of the one before it where that is the same: it takes
/// more room in memory than the rest.
fn sharing(mut event: Event, before: Option<&Event>) -> Event {
    if let Some(before) = before.filter(|before| before.metadata == event.metadata) {
        event.metadata = Arc::clone(&before.metadata);
    }
    event
}

/// What became of a message, by its columns `state` and `reply`.
fn seen_state<R: Columns>(row: &Row<'_, R>) -> Result<Seen, StoreError> {
    match row.get(R::text, "state")? {
        "accepted" => Ok(Seen::Open),
        "done" => {
            let reply = row.get(R::optional_text, "reply")?;
            Ok(Seen::Done { reply: reply.map(|reply| row.parse("reply", reply)).transpose()? })
        }
        "dead" => Ok(Seen::Dead),
        _ => Err(row.bad("its state is unknown".into())),
    }
}

/// Of `ACCEPT` and `SEEN`.
pub(in crate::store) fn accepted<R: Columns>(row: &R) -> Result<Accepted, StoreError> {
    let row = Row("sapa_inbox", row);
    let fresh = row.get(R::flag, "fresh")?;
    let duplicate = if fresh { None } else { Some(seen_state(&row)?) };
    let (inbox_id, seq) = (row.get(R::integer, "id")?, row.get(R::integer, "seq")?);
    Ok(Accepted { inbox_id, seq, duplicate, is_held: row.get(R::flag, "held")? })
}

/// Of `WHY`: the version the conversation is at, and what became of the
/// message, if there is one.
pub(in crate::store) fn why<R: Columns>(row: &R) -> Result<(i64, Option<Seen>), StoreError> {
    let row = Row("sapa_inbox", row);
    let version = row.get(R::optional_integer, "version")?;
    let state = row.get(R::optional_text, "state")?;
    Ok((version.unwrap_or(0), state.map(|_| seen_state(&row)).transpose()?))
}

/// Of `CLAIM_INBOX`.
pub(in crate::store) fn pending<R: Columns>(row: &R) -> Result<Pending, StoreError> {
    let row = Row("sapa_inbox", row);
    Ok(Pending {
        inbox_id: row.get(R::integer, "id")?,
        seq: row.get(R::integer, "seq")?,
        attempts: row.get(R::integer, "attempts")?,
        accepted_at: row.get(R::real, "accepted_at")?,
        intake: Intake {
            channel: row.get(R::string, "channel")?,
            dedupe_key: row.get(R::optional_string, "dedupe_key")?,
            sender_id: row.get(R::string, "sender_id")?,
            // Whoever serves it gives up what it cannot read; the others must not wait for it.
            payload: row.json("payload").unwrap_or_default(),
        },
    })
}

/// Of `JOURNALLED`.
pub(in crate::store) fn step<R: Columns>(row: &R) -> Result<Step, StoreError> {
    let row = Row("sapa_step", row);
    Ok(Step {
        step: row.get(R::integer, "id")?,
        action: row.get(R::string, "action")?,
        request_hash: row.get(R::string, "request_hash")?,
        response: row.json("response")?,
    })
}

/// Of `CLAIM_OUTBOX`.
pub(in crate::store) fn outbox_item<R: Columns>(row: &R) -> Result<OutboxItem, StoreError> {
    let row = Row("sapa_outbox", row);
    Ok(OutboxItem {
        id: row.get(R::integer, "id")?,
        inbox_id: row.get(R::optional_integer, "inbox_id")?,
        ordinal: row.get(R::integer, "ordinal")?,
        sender_id: row.get(R::string, "sender_id")?,
        channel: row.get(R::string, "channel")?,
        payload: row.json("payload")?,
        attempts: row.get(R::integer, "attempts")?,
        possible_double: row.get(R::flag, "possible_double")?,
    })
}

/// Of `HOLD_INBOX` and `HOLD_OUTBOX`: the id of a row of that table.
pub(in crate::store) fn id<R: Columns>(row: &R, table: &'static str) -> Result<i64, StoreError> {
    Row(table, row).get(R::integer, "id")
}

/// Of `UNSERVED` and `UNSENT`: how many rows of that table.
pub(in crate::store) fn count<R: Columns>(rows: &[R], table: &'static str) -> Result<u64, StoreError> {
    let count = rows.first().map(|row| Row(table, row).get(R::integer, "count")).transpose()?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// Of `DUE_TIMERS` and `TIMERS`.
pub(in crate::store) fn timer<R: Columns>(row: &R) -> Result<Timer, StoreError> {
    let row = Row("sapa_timer", row);
    Ok(Timer {
        id: row.get(R::integer, "id")?,
        sender_id: row.get(R::string, "sender_id")?,
        name: row.get(R::string, "name")?,
        due_at: row.get(R::real, "due_at")?,
        payload: row.json("payload")?,
    })
}

/// Of `UNPUBLISHED`: only rows that [`scope::read_event`] accepts were ever put
/// there.
pub(in crate::store) fn publication<R: Columns>(row: &R) -> Result<Publication, StoreError> {
    let row = Row("events", row);
    let event = scope::read_event(row.get(R::text, "data")?)
        .and_then(|event| event.ok_or_else(|| "its `data` has no type".into()))
        .map_err(|reason| row.bad(reason))?;
    Ok(Publication { event_id: row.get(R::integer, "id")?, sender_id: row.get(R::string, "sender_id")?, event })
}

/// The first column, a text, of a row of that table.
pub(in crate::store) fn text<R: Columns>(row: &R, table: &'static str) -> Result<String, StoreError> {
    row.first_text().map_err(|_| StoreError::BadRow { table, id: 0, reason: "its first column is no text".into() })
}

/// Decodes all rows.
pub(in crate::store) fn all<R, T>(
    rows: &[R],
    decode: impl Fn(&R) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(decode).collect()
}
