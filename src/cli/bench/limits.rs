//! What cannot be beaten on this machine, measured in the same run: an axum
//! handler that does nothing, and a row that is written durably.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use axum::routing::get;
use serde_json::{Value, json};
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

/// Writes rows into a file, each synced to the disk, and prints what one costs.
pub(super) fn insert_bare(file: &Path, rows: u32) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cost = runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        sqlx::query("CREATE TABLE bare (id INTEGER PRIMARY KEY, data TEXT)").execute(&mut connection).await?;
        let data = "x".repeat(ROW_BYTES);
        let (cpu, started) = (cpu_seconds(std::process::id())?, Instant::now());
        for _ in 0..rows {
            sqlx::query("INSERT INTO bare (data) VALUES (?)").bind(&data).execute(&mut connection).await?;
        }
        let (cpu, wall) = (cpu_seconds(std::process::id())? - cpu, started.elapsed().as_secs_f64());
        connection.close().await?;
        anyhow::Ok((cpu / f64::from(rows.max(1)), wall / f64::from(rows.max(1))))
    })?;
    crate::cli::terminal::say(&json!({ "cpu": cost.0, "wall": cost.1 }).to_string());
    Ok(ExitCode::SUCCESS)
}

/// [`insert_bare`] in a process of its own, `rounds` times; the median counts.
pub(super) fn measured_insert(folder: &Path, rounds: usize, rows: u32) -> Result<Cost> {
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for round in 0..rounds.max(1) {
        let file = folder.join(format!("bare-{round}.db"));
        let mut command = quiet(&["bench", "--requests", &rows.to_string(), "--insert-bare"]);
        let output = command.arg(&file).stdout(std::process::Stdio::piped()).output()?;
        let cost: Value = serde_json::from_slice(&output.stdout).context("the bare insert failed")?;
        let number = |key: &str| cost.get(key).and_then(Value::as_f64).context("the bare insert gave no figure");
        cpu.push(number("cpu")?);
        wall.push(number("wall")?);
    }
    Ok(Cost { cpu: median(&mut cpu), wall: median(&mut wall) })
}
