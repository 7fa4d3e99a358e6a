//! Waiting for the server, checking the database, bringing its tables up to
//! date.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqlSafeStr as _};
use tokio::time::{Instant, sleep, timeout};

use super::pool::Pool;
use super::settings::{PostgresSettings, Target, quoted};
use super::{fault, sql};
use crate::store::StoreError;

/// How long one attempt to connect may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Pauses between attempts, and between lines about them in the log.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const NEWS: Duration = Duration::from_secs(5);

/// Migrations in order: number, name, text. Released ones are never edited.
const MIGRATIONS: [(i64, &str, &str); 6] = [
    (1, "tables", include_str!("../migrations/postgres/0001_tables.sql")),
    (2, "functions", include_str!("../migrations/postgres/0002_functions.sql")),
    (3, "outbox leases", include_str!("../migrations/postgres/0003_outbox_leases.sql")),
    (4, "inbox leases", include_str!("../migrations/postgres/0004_inbox_leases.sql")),
    (5, "inbox lines", include_str!("../migrations/postgres/0005_inbox_lines.sql")),
    (6, "unasked", include_str!("../migrations/postgres/0006_unasked.sql")),
];

/// Where is kept which migrations were made. Not sqlx's usual name: the database
/// may be shared with another program that uses that.
const MIGRATIONS_TABLE: &str = "sapa_migrations";

/// A pool of connections to a database whose tables are up to date.
pub(super) async fn open(settings: &PostgresSettings) -> Result<Pool, StoreError> {
    let target = Target::of(settings)?;
    let mut connection = wait_for_database(&target, settings).await?;
    check_server(&mut connection, &target, settings.schema.as_deref()).await?;
    check_events(&mut connection, &target).await?;
    let _ = connection.close().await;
    migrate(&target).await?;
    let pool = Pool::new(target.options.clone(), target.name.clone(), settings.pool_size, settings.max_overflow);
    pool.add(connect(&target.options, &target.name).await?);
    Ok(pool)
}

async fn connect(options: &PgConnectOptions, name: &str) -> Result<PgConnection, StoreError> {
    match timeout(ATTEMPT, options.connect()).await {
        Ok(connected) => connected.map_err(|error| fault::connect_error(&error, name)),
        Err(_) => Err(fault::silent(name)),
    }
}

/// Connects; a database that is missing is made when `login_db` is given.
async fn wait_for_database(target: &Target, settings: &PostgresSettings) -> Result<PgConnection, StoreError> {
    if let (Some(login), Some(database)) = (&settings.login_database, &settings.database) {
        let mut connection = wait_for(target, &target.options.clone().database(login)).await?;
        make_database(&mut connection, database).await.map_err(|error| fault::connect_error(&error, &target.name))?;
        let _ = connection.close().await;
    }
    wait_for(target, &target.options).await
}

/// Connects, and waits for a server that is not there yet: services start in any
/// order.
async fn wait_for(target: &Target, options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let deadline = Instant::now() + target.patience;
    let (mut pause, mut news) = (FIRST_PAUSE, Instant::now());
    loop {
        let error = match connect(options, &target.name).await {
            Err(error @ StoreError::Unreachable { .. }) => error,
            other => return other,
        };
        let now = Instant::now();
        if now + pause >= deadline {
            return Err(error);
        }
        if now >= news {
            let seconds_left = (deadline - now).as_secs();
            tracing::warn!(%error, seconds_left, "waiting for the tracker store");
            news = now + NEWS;
        }
        sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

async fn make_database(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    if sqlx::query(sql::HAS_DATABASE).bind(name).fetch_optional(&mut *connection).await?.is_some() {
        return Ok(());
    }
    // A name cannot be a parameter; in quotes it can be nothing but a name.
    let text = AssertSqlSafe(format!("CREATE DATABASE {}", quoted(name)));
    match sqlx::raw_sql(text).execute(connection).await {
        Err(error) if fault::is_there_already(&error) => Ok(()),
        other => other.map(drop),
    }
}

/// Refuses a server that cannot keep any text, or has no such schema.
async fn check_server(connection: &mut PgConnection, target: &Target, schema: Option<&str>) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| fault::connect_error(&error, &target.name);
    let row = sqlx::query(sql::SERVER).fetch_one(connection).await.map_err(failed)?;
    let text = |column: &str| row.try_get::<Option<String>, _>(column).map_err(failed);
    let encoding = text("encoding")?.unwrap_or_default();
    if encoding != "UTF8" {
        return Err(StoreError::Incompatible(format!("its encoding is {encoding}; create it with ENCODING 'UTF8'")));
    }
    let current = text("schema")?;
    if let Some(schema) = schema
        && current.as_deref() != Some(schema)
    {
        let name = quoted(schema);
        let reason =
            format!("there is no schema `{schema}` (POSTGRESQL_SCHEMA), or it may not be used: CREATE SCHEMA {name}");
        return Err(StoreError::Denied { server: target.name.clone(), reason });
    }
    if current.is_none() {
        let reason = "no schema of the search path exists; name one in POSTGRESQL_SCHEMA".into();
        return Err(StoreError::Denied { server: target.name.clone(), reason });
    }
    for (setting, value) in [("synchronous_commit", text("sync")?), ("fsync", text("fsync")?)] {
        if value.as_deref() == Some("off") {
            tracing::warn!(setting, "the database has this switched off: a power cut can lose answered messages");
        }
    }
    Ok(())
}

/// An `events` table that is there must be Rasa's (spec §6.1).
async fn check_events(connection: &mut PgConnection, target: &Target) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| fault::connect_error(&error, &target.name);
    let rows = sqlx::query(sql::EVENTS_COLUMNS).fetch_all(connection).await.map_err(failed)?;
    let columns: Vec<Column> = rows.iter().map(Column::of).collect::<Result<_, _>>().map_err(failed)?;
    if columns.is_empty() {
        return Ok(());
    }
    match not_rasas(&columns) {
        None => Ok(()),
        Some(reason) => Err(StoreError::Incompatible(format!(
            "its table `events` is not that of Rasa's tracker store: {reason}; use another database or schema"
        ))),
    }
}

/// A column of a table that is there.
struct Column {
    name: String,
    kind: String,
    /// It may not be null.
    required: bool,
    /// It has a value when none is given.
    filled: bool,
}

impl Column {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            kind: row.try_get("type")?,
            required: row.try_get("required")?,
            filled: row.try_get("filled")?,
        })
    }
}

const TEXTS: &[&str] = &["character varying", "text"];

/// Rasa's columns, and their types; operators have made ids and texts longer.
const RASAS: [(&str, &[&str]); 7] = [
    ("id", &["integer", "bigint"]),
    ("sender_id", TEXTS),
    ("type_name", TEXTS),
    ("timestamp", &["double precision"]),
    ("intent_name", TEXTS),
    ("action_name", TEXTS),
    ("data", TEXTS),
];

/// What keeps the table from being used as Rasa's.
fn not_rasas(columns: &[Column]) -> Option<String> {
    for (name, kinds) in RASAS {
        let Some(column) = columns.iter().find(|column| column.name == name) else {
            return Some(format!("it has no column `{name}`"));
        };
        if !kinds.contains(&column.kind.as_str()) {
            return Some(format!("its column `{name}` has the type {}", column.kind));
        }
        if name == "id" && !column.filled {
            return Some("its column `id` does not count by itself".into());
        }
    }
    let other = columns
        .iter()
        .find(|column| column.required && !column.filled && RASAS.iter().all(|(name, _)| *name != column.name))?;
    Some(format!("its column `{}` wants a value that Rasa does not give", other.name))
}

/// Brings the tables up to date. An advisory lock makes processes that start at
/// once do it one after the other.
async fn migrate(target: &Target) -> Result<(), StoreError> {
    let patient = target.options.clone().options([("lock_timeout", "60s"), ("statement_timeout", "0")]);
    let mut connection = connect(&patient, &target.name).await?;
    let migrations = MIGRATIONS.map(|(version, name, text)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.into());
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    migrator.run_direct(None, &mut connection, false).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match fault::store_error(&error) {
            StoreError::Locked => StoreError::Locked,
            _ => fault::connect_error(&error, &target.name),
        },
        other => StoreError::Incompatible(other.to_string()),
    })?;
    let _ = connection.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rasas() -> Vec<Column> {
        RASAS
            .iter()
            .map(|(name, kinds)| Column {
                name: (*name).into(),
                kind: kinds[0].into(),
                required: *name == "id",
                filled: *name == "id",
            })
            .collect()
    }

    #[test]
    fn a_table_is_rasas_or_it_is_said_why_not() {
        assert_eq!(not_rasas(&rasas()), None);
        let wrong = |change: fn(&mut Vec<Column>)| {
            let mut columns = rasas();
            change(&mut columns);
            not_rasas(&columns).unwrap()
        };
        assert!(wrong(|columns| drop(columns.remove(2))).contains("`type_name`"));
        assert!(wrong(|columns| columns[6].kind = "jsonb".into()).contains("jsonb"));
        assert!(wrong(|columns| columns[0].filled = false).contains("count"));
        let other = |required, filled| Column { name: "tenant".into(), kind: "text".into(), required, filled };
        let mut more = rasas();
        more.extend([other(false, false), other(true, true)]);
        assert_eq!(not_rasas(&more), None, "columns that fill themselves do no harm");
        more.push(other(true, false));
        assert!(not_rasas(&more).unwrap().contains("`tenant`"));
    }
}
