//! Making, securing and migrating the database file.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlSafeStr as _};

use super::{fault, sql};
use crate::store::StoreError;

/// How long SQLite waits for another program's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read at the same time, and how long a reader waits for one.
const READERS: u32 = 4;
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// Migrations in order: number, name, text. Released ones are never edited.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "tables", include_str!("../migrations/sqlite/0001_tables.sql")),
    (2, "outbox leases", include_str!("../migrations/sqlite/0002_outbox_leases.sql")),
    (3, "inbox leases", include_str!("../migrations/sqlite/0003_inbox_leases.sql")),
    (4, "unasked", include_str!("../migrations/sqlite/0004_unasked.sql")),
];

/// Makes the file if there is none, with mode 0600; an existing one gets that
/// mode. SQLite gives its `-wal` and `-shm` files the mode of the database.
pub(crate) fn secure_file(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let cannot = |error: &io::Error| {
        let reason = format!(
            "{error}; its folder must exist and be writable, or name another file: `db` under `tracker_store` in endpoints.yml"
        );
        StoreError::CannotOpen { path: path.to_owned(), reason }
    };
    let file = options.open(path).map_err(|error| cannot(&error))?;
    if !file.metadata().map_err(|error| cannot(&error))?.is_file() {
        return Err(StoreError::CannotOpen { path: path.to_owned(), reason: "it is not a file".into() });
    }
    restrict(path);
    restrict(&beside(path, "-wal"));
    restrict(&beside(path, "-shm"));
    Ok(())
}

/// Takes an existing file's rights from group and others. Not being allowed to
/// is worth a warning only: the file may be somebody else's on purpose.
#[cfg(unix)]
fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::metadata(path) else { return };
    if metadata.permissions().mode() & 0o077 != 0
        && let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    {
        tracing::warn!(path = %path.display(), %error, "others may read this database file");
    }
}

#[cfg(not(unix))]
fn restrict(_path: &Path) {}

/// How long another process may take to look around ([`Presence::is_alone`]).
const LOOKS_AROUND: Duration = Duration::from_millis(20);
const LOOKS: u32 = 100;

/// Says to other processes that this one has the database open, by a lock on a file beside
/// it that all of them share. The operating system lets go of it when the process ends,
/// however it does. A lock on the database itself would get in SQLite's way.
pub(super) struct Presence(Option<File>);

impl Presence {
    /// Of a process that opens the database. None where there can be no such file: then
    /// nobody is taken to be alone.
    pub(super) fn of(path: &Path) -> Self {
        // A link is the same database under another name.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let beside = beside(&path, "-presence");
        // Whatever else stands there is not waited for.
        if std::fs::symlink_metadata(&beside).is_ok_and(|found| !found.is_file()) {
            return Self(None);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self(options.open(beside).ok())
    }

    /// Whether no other process has the database open. None is alone until
    /// [`Self::stay`].
    pub(super) fn is_alone(&self) -> bool {
        self.0.as_ref().is_some_and(|file| file.try_lock().is_ok())
    }

    /// From now on others are not alone, for as long as this value is there.
    pub(super) async fn stay(self) -> Option<File> {
        let file = self.0?;
        // What happens to a lock that is taken once more is not said by all systems.
        let _ = file.unlock();
        for _ in 0..LOOKS {
            if file.try_lock_shared().is_ok() {
                return Some(file);
            }
            // Whoever is alone opens the database just now.
            tokio::time::sleep(LOOKS_AROUND).await;
        }
        None
    }
}

/// Takes from others what they had under way: there are none any more. What they were
/// sending may have arrived, and is marked so when it is taken up.
pub(super) async fn abandon(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    for text in sql::RELEASE {
        sqlx::query(text)
            .bind(0.0)
            .execute(&mut *connection)
            .await
            .map_err(|error| fault::store_error(&error, path))?;
    }
    Ok(())
}

/// The name SQLite gives a file that belongs to the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// How the writer connects, and how long it waits for another program's lock.
pub(super) fn writer_options(path: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(busy_timeout)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // After a burst the log shrinks back to this many bytes.
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

/// Attempts to bring the tables up to date when another process does the same.
const MIGRATION_TRIES: u32 = 4;

/// Connects the writer and brings the tables up to date. Two processes that
/// start at once on a new file get in each other's way: the later one looks
/// again.
pub(super) async fn connect(path: &Path, options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    for attempt in 1..MIGRATION_TRIES {
        match migrate(path, options).await {
            // What the other one has just made or dropped does not fit, either.
            Err(StoreError::Locked | StoreError::Incompatible(_)) => {}
            other => return other,
        }
        tokio::time::sleep(std::time::Duration::from_millis(u64::from(20 * attempt))).await;
    }
    migrate(path, options).await
}

async fn migrate(path: &Path, options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let failed = |error: sqlx::Error| fault::store_error(&error, path);
    let mut connection = options.connect().await.map_err(failed)?;
    check_events(&mut connection, path).await?;
    let migrations = MIGRATIONS.map(|(version, name, text)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into()).run_direct(None, &mut connection, false).await.map_err(|error| {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => failed(error),
            sqlx::migrate::MigrateError::ExecuteMigration(error, _) => failed(error),
            other => StoreError::Incompatible(other.to_string()),
        }
    })?;
    add_views(connection, path).await
}

/// Connects the writer to a file whose tables are up to date.
pub(super) async fn reconnect(path: &Path, options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let connection = options.connect().await.map_err(|error| fault::store_error(&error, path))?;
    add_views(connection, path).await
}

async fn add_views(mut connection: SqliteConnection, path: &Path) -> Result<SqliteConnection, StoreError> {
    let failed = |error: sqlx::Error| fault::store_error(&error, path);
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql::views())).execute(&mut connection).await.map_err(failed)?;
    Ok(connection)
}

/// An `events` table that is there must be Rasa's (spec §6.1).
async fn check_events(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| fault::store_error(&error, path);
    if sqlx::query(sql::HAS_EVENTS).fetch_optional(&mut *connection).await.map_err(failed)?.is_none() {
        return Ok(());
    }
    sqlx::query(sql::CHECK_EVENTS).fetch_all(connection).await.map(drop).map_err(|error| match failed(error) {
        StoreError::Incompatible(reason) => {
            StoreError::Incompatible(format!("its table `events` is not that of Rasa's tracker store ({reason})"))
        }
        other => other,
    })
}

/// The connections that read.
pub(super) async fn readers(path: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("query_only", "ON")
        // A whole session's events pass without waiting for their reader.
        .row_buffer_size(512)
        .disable_statement_logging();
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READER_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|error| fault::store_error(&error, path))
}
