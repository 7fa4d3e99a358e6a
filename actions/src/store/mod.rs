//! The service's database: one SQLite file, readable by its owner only.

mod ratings;
mod tickets;

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use tickets::{NewTicket, Ticket, TicketStatus};

const SCHEMA: &str = include_str!("schema.sql");

/// Tickets and ratings.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the file, creating it with mode 0600 when it is not there.
    ///
    /// # Errors
    /// The file cannot be created or is no database of this service.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        make_private(path).with_context(|| format!("cannot create {}", path.display()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        // SQLite has one writer anyway: one connection queues writers fairly,
        // where several would poll for the lock.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .with_context(|| format!("cannot open {}", path.display()))?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await.context("cannot create the tables")?;
        add_later_columns(&pool).await.context("cannot bring the tables up to date")?;
        Ok(Self { pool })
    }

    /// Opens a file that must exist.
    ///
    /// # Errors
    /// It does not exist, or as [`Store::open`].
    pub async fn open_existing(path: &Path) -> anyhow::Result<Self> {
        if !path.is_file() {
            bail!("there is no database at {}", path.display());
        }
        Self::open(path).await
    }

    /// Writes out what is pending and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Columns that databases of earlier versions have not.
async fn add_later_columns(pool: &SqlitePool) -> sqlx::Result<()> {
    let later = [
        ("identitas", "ALTER TABLE tiket ADD COLUMN identitas TEXT"),
        ("kontak", "ALTER TABLE tiket ADD COLUMN kontak TEXT NOT NULL DEFAULT ''"),
    ];
    for (column, added) in later {
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM pragma_table_info('tiket') WHERE name = ?1")
            .bind(column)
            .fetch_one(pool)
            .await?;
        if known == 0 {
            sqlx::raw_sql(added).execute(pool).await?;
        }
    }
    Ok(())
}

/// Makes sure that the file exists and nobody else can read it. SQLite gives
/// its `-wal` and `-shm` files the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        let file = options.open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        for suffix in ["-wal", "-shm"] {
            let beside = PathBuf::from(format!("{}{suffix}", path.display()));
            if beside.is_file() {
                std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))?;
            }
        }
    }
    #[cfg(not(unix))]
    options.open(path)?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A store in a directory that lives as long as the test.
    pub(crate) async fn store() -> (Store, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("helpdesk.db")).await.unwrap();
        (store, directory)
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_the_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("helpdesk.db");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let store = Store::open(&path).await.unwrap();
        store.rate("s", 5, "2026-11-23T00:00:00+07:00", None).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap).collect();
        assert!(files.len() > 1, "the WAL is there");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        std::fs::write(&path, "bukan basis data, hanya teks yang cukup panjang ".repeat(100)).unwrap();
        assert!(Store::open(&path).await.is_err());
        assert!(Store::open_existing(&directory.path().join("none.db")).await.is_err());
    }
}
