//! The broker `sql` (spec §6.3): a row an event in a table `events` of a database
//! of its own, as Rasa makes it.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use sapa_project::StoreEndpoint;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::{OpenError, Opened};
use crate::agent::{Broker, BrokerError, Message};

/// Rasa's name of the database.
const DEFAULT_DATABASE: &str = "events.db";

/// Rasa's table, column for column.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS events (
    id INTEGER NOT NULL, sender_id VARCHAR(255), data TEXT, PRIMARY KEY (id))";

/// $1 messages: `[sender_id, data]` each.
const INSERT: &str = "
    INSERT INTO events (sender_id, data) SELECT value ->> 0, value ->> 1 FROM json_each($1) ORDER BY key";

struct SqlBroker {
    pool: SqlitePool,
}

pub(super) fn open(section: StoreEndpoint) -> Opened {
    Box::pin(async move {
        let dialect = section.dialect.as_deref().unwrap_or("sqlite");
        if dialect != "sqlite" {
            return Err(OpenError(format!("dialect `{dialect}` is not served; use `dialect: sqlite`")));
        }
        let path = Path::new(section.db.as_deref().unwrap_or(DEFAULT_DATABASE));
        let failed = |error: &dyn std::fmt::Display| OpenError(format!("`{}` cannot be used: {error}", path.display()));
        crate::store::secure_file(path).map_err(|error| failed(&error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        let pool = pool.map_err(|error| failed(&error))?;
        sqlx::query(TABLE).execute(&pool).await.map_err(|error| failed(&error))?;
        Ok(Arc::new(SqlBroker { pool }) as Arc<dyn Broker>)
    })
}

impl Broker for SqlBroker {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn publish<'a>(
        &'a self,
        messages: &'a [Message],
    ) -> Pin<Box<dyn Future<Output = Result<(), BrokerError>> + Send + 'a>> {
        let rows: Value = messages.iter().map(|message| [&*message.sender_id, &*message.body]).collect();
        Box::pin(async move {
            let inserted = sqlx::query(INSERT).bind(rows.to_string()).execute(&self.pool).await;
            inserted.map(drop).map_err(|error| BrokerError(error.to_string()))
        })
    }
}
