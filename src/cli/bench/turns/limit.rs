//! The limit of durable turns: the rows of a turn, written by the same writer with the
//! same batching, and nothing else. In a process of its own, as the server is.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sapa_sdk::Event;
use serde_json::{Value, json};

use crate::cli::dotenv::Environment;
use crate::cli::{bot, terminal};
use crate::store::{Commit, CommitError, Store};

/// Writes turns for so long from so many tasks into the store of that `endpoints.yml`,
/// and prints how many a second. A turn's rows are those of the last turn of `sender`.
pub(super) fn write(endpoints: &Path, sender: &str, connections: usize, time: Duration) -> Result<ExitCode> {
    // As many threads as a server has.
    let threads = crate::cli::run::worker_threads();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let turns = runtime.block_on(async {
        let store = bot::open_store(&bot::read_endpoints(endpoints, &Environment::read())?).await?;
        let events = last_turn(store.load_all(sender).await?.events)?;
        let started = Instant::now();
        let tasks: Vec<_> = (0..connections)
            .map(|task| {
                let sender = format!("limit {} {task}", std::process::id());
                tokio::spawn(commit(Arc::clone(&store), sender, events.clone(), started + time))
            })
            .collect();
        let mut turns = 0;
        for task in tasks {
            turns += task.await.context("a task ended")??;
        }
        let rate = f64::from(turns) / started.elapsed().as_secs_f64();
        store.close().await?;
        anyhow::Ok(rate)
    })?;
    terminal::say(&json!({ "turns": turns }).to_string());
    Ok(ExitCode::SUCCESS)
}

/// The events behind the last but one `action_listen`.
fn last_turn(events: Vec<Event>) -> Result<Vec<Arc<Event>>> {
    let is_listen = |event: &Event| event.type_name() == "action" && event.name_column() == Some("action_listen");
    let ends: Vec<usize> = events.iter().enumerate().filter(|(_, event)| is_listen(event)).map(|(at, _)| at).collect();
    let [.., from, to] = ends[..] else { bail!("the conversation has no turn") };
    Ok(events[from + 1..=to].iter().cloned().map(Arc::new).collect())
}

async fn commit(store: Arc<dyn Store>, sender_id: String, events: Vec<Arc<Event>>, until: Instant) -> Result<u32> {
    let mut version = 0;
    while Instant::now() < until {
        let new_events = events.clone();
        let commit = Commit {
            sender_id: sender_id.clone(),
            expected_version: i64::from(version),
            new_events,
            ..Commit::default()
        };
        match store.commit(commit).await {
            Ok(_) => version += 1,
            Err(CommitError::Store(crate::store::StoreError::Busy)) => tokio::task::yield_now().await,
            Err(error) => bail!("a commit failed: {error}"),
        }
    }
    Ok(version)
}

/// [`write`] in a process of its own: turns a second.
pub(super) fn measured(folder: &Path, sender: &str, connections: usize, time: Duration) -> Result<f64> {
    let (connections, seconds) = (connections.to_string(), time.as_secs_f64().to_string());
    let line = ["bench", "turns", "--connections", &connections, "--seconds", &seconds, "--write-like", sender];
    let mut command = super::super::process::quiet(&line);
    let output = command.arg("--endpoints").arg(folder).stdout(std::process::Stdio::piped()).output()?;
    if !output.status.success() {
        bail!("the bare writer failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let said: Value = serde_json::from_slice(&output.stdout).context("the bare writer gave no JSON")?;
    said.get("turns").and_then(Value::as_f64).context("the bare writer gave no figure")
}
