//! What cannot be beaten on this machine, measured in the same run: an axum
//! handler that does nothing, a row that is written durably, and a program that
//! reads a project's YAML and stops.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use axum::routing::get;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::process::{Cost, cpu_seconds, median, quiet};

/// Bytes of a bare row: about what a turn writes.
const ROW_BYTES: usize = 2_500;

/// Serves an answer of a turn's size on that port, for ever.
pub(super) fn serve_bare(port: u16) -> Result<ExitCode> {
    let threads = crate::cli::run::worker_threads();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(async {
        let answer = json!([{ "recipient_id": "bench", "text": "x".repeat(200) }]);
        let router = axum::Router::new().route(
            "/",
            get(async || "ok").post(move |axum::Json(_): axum::Json<Value>| async move { axum::Json(answer.clone()) }),
        );
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        axum::serve(listener, router).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Reads YAML as the library gives it, and does nothing with it.
pub(super) fn read_bare(folder: &Path) -> Result<ExitCode> {
    let mut files = vec![folder.join("config.yml"), folder.join("domain.yml")];
    files.extend(crate::cli::files::walk_all(&[folder.join("data")], &["yml", "yaml"])?);
    let mut values = Vec::with_capacity(files.len());
    for file in files.iter().filter(|file| file.exists()) {
        let text = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        values.push(serde_yaml::from_slice::<serde_yaml::Value>(&text)?);
    }
    // Kept until here: the memory they take is measured too.
    std::hint::black_box(values);
    Ok(ExitCode::SUCCESS)
}

/// Writes rows into a SQLite file, each synced to the disk, and prints what one
/// costs.
pub(super) fn insert_bare(file: &Path, rows: u32) -> Result<ExitCode> {
    print_cost(async {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        sqlx::query("CREATE TABLE bare (id INTEGER PRIMARY KEY, data TEXT)").execute(&mut connection).await?;
        let data = "x".repeat(ROW_BYTES);
        let watch = Watch::start()?;
        for _ in 0..rows {
            sqlx::query("INSERT INTO bare (data) VALUES (?)").bind(&data).execute(&mut connection).await?;
        }
        let cost = watch.stop(rows)?;
        connection.close().await?;
        Ok(cost)
    })
}

async fn postgres(url: &str) -> Result<PgConnection> {
    // The error would show the URL, and the password in it.
    let parsed = url.starts_with("postgres").then(|| url.parse::<PgConnectOptions>().ok()).flatten();
    let options = parsed.context("`--postgres` is not a PostgreSQL URL")?.disable_statement_logging();
    let place = format!("{}:{}", options.get_host(), options.get_port());
    options.connect().await.with_context(|| format!("the PostgreSQL of `--postgres` at {place} does not let us in"))
}

/// Fails unless the database holds no table: what is measured stays in it.
pub(super) async fn must_be_empty(url: &str) -> Result<()> {
    const TABLES: &str =
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let mut connection = postgres(url).await?;
    let tables: i64 = sqlx::query_scalar(TABLES).fetch_one(&mut connection).await?;
    connection.close().await?;
    if tables > 0 {
        bail!(
            "the database of `--postgres` has {tables} tables; name an empty one, for the bench leaves its rows there"
        );
    }
    Ok(())
}

/// The same on a PostgreSQL server, in a table that is dropped again.
pub(super) fn insert_bare_postgres(url: &str, rows: u32) -> Result<ExitCode> {
    print_cost(async {
        let mut connection = postgres(url).await?;
        sqlx::query("CREATE TABLE sapa_bench_bare (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data TEXT)")
            .execute(&mut connection)
            .await?;
        let data = "x".repeat(ROW_BYTES);
        let watch = Watch::start()?;
        for _ in 0..rows {
            sqlx::query("INSERT INTO sapa_bench_bare (data) VALUES ($1)").bind(&data).execute(&mut connection).await?;
        }
        let cost = watch.stop(rows)?;
        sqlx::query("DROP TABLE sapa_bench_bare").execute(&mut connection).await?;
        connection.close().await?;
        Ok(cost)
    })
}

/// Processor and wall time of this process from a moment on.
struct Watch {
    cpu: f64,
    started: Instant,
}

impl Watch {
    fn start() -> Result<Self> {
        Ok(Self { cpu: cpu_seconds(std::process::id())?, started: Instant::now() })
    }

    /// What each of so many pieces of work has cost.
    fn stop(self, pieces: u32) -> Result<Cost> {
        let (wall, pieces) = (self.started.elapsed().as_secs_f64(), f64::from(pieces.max(1)));
        Ok(Cost { cpu: (cpu_seconds(std::process::id())? - self.cpu) / pieces, wall: wall / pieces })
    }
}

/// Runs it on one thread and prints its cost for [`measured`].
fn print_cost(work: impl Future<Output = Result<Cost>>) -> Result<ExitCode> {
    let cost = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)?;
    crate::cli::terminal::say(&json!({ "cpu": cost.cpu, "wall": cost.wall }).to_string());
    Ok(ExitCode::SUCCESS)
}

/// [`insert_bare`] in a process of its own, `rounds` times; the median counts.
pub(super) fn measured_insert(folder: &Path, rounds: usize, rows: u32) -> Result<Cost> {
    measured(rounds, |round| {
        let mut command = quiet(&["bench", "--requests", &rows.to_string(), "--insert-bare"]);
        command.arg(folder.join(format!("bare-{round}.db")));
        command
    })
}

/// [`insert_bare_postgres`] likewise. The URL goes through the environment: other
/// users can read a command line.
pub(super) fn measured_insert_postgres(url: &str, rounds: usize, rows: u32) -> Result<Cost> {
    measured(rounds, |_| {
        let mut command = quiet(&["bench", "--requests", &rows.to_string(), "--insert-bare-postgres"]);
        command.env("SAPA_BENCH_POSTGRES", url);
        command
    })
}

fn measured(rounds: usize, command: impl Fn(usize) -> Command) -> Result<Cost> {
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for round in 0..rounds.max(1) {
        let output = command(round).stdout(Stdio::piped()).output()?;
        if !output.status.success() {
            bail!("the bare insert failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        let cost: Value = serde_json::from_slice(&output.stdout).context("the bare insert gave no JSON")?;
        let number = |key: &str| cost.get(key).and_then(Value::as_f64).context("the bare insert gave no figure");
        cpu.push(number("cpu")?);
        wall.push(number("wall")?);
    }
    Ok(Cost { cpu: median(&mut cpu), wall: median(&mut wall) })
}
