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
use crate::store::{
    Claim, Commit, CommitError, InboxDone, InboxMessage, Intake, OutboxMessage, Settled, Store, StoreError,
};

/// A channel that the server beside does not serve: it leaves these rows alone.
const CHANNEL: &str = "limit";

/// Writes turns for so long from so many tasks into the store of that `endpoints.yml`,
/// and prints how many a second. A turn's rows are those of the last turn of `sender`.
pub(super) fn write(
    endpoints: &Path,
    sender: &str,
    connections: usize,
    time: Duration,
    door: Door,
) -> Result<ExitCode> {
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
                let writer = Writer { store: Arc::clone(&store), sender, events: events.clone() };
                tokio::spawn(async move { writer.write(door, started + time).await })
            })
            .collect();
        let sending = (door == Door::Telegram).then(|| tokio::spawn(send(Arc::clone(&store), started + time)));
        let mut turns = 0;
        for task in tasks {
            turns += task.await.context("a task ended")??;
        }
        if let Some(sending) = sending {
            sending.await.context("a task ended")??;
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

/// Whose rows are written.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub(super) enum Door {
    /// A turn alone.
    Rest,
    /// A message, its turn with a reply, the reply taken out, and the reply sent.
    Telegram,
}

struct Writer {
    store: Arc<dyn Store>,
    sender: String,
    events: Vec<Arc<Event>>,
}

impl Writer {
    /// How many turns were written until that time.
    async fn write(&self, door: Door, until: Instant) -> Result<u32> {
        let mut version = 0;
        while Instant::now() < until {
            let written = match door {
                Door::Rest => self.commit(version, Commit::default()).await,
                Door::Telegram => self.message(version).await,
            };
            match written {
                Ok(()) => version += 1,
                Err(CommitError::Store(StoreError::Busy)) => tokio::task::yield_now().await,
                Err(error) => bail!("a commit failed: {error}"),
            }
        }
        Ok(version)
    }

    async fn commit(&self, version: u32, commit: Commit) -> Result<(), CommitError> {
        let (sender_id, new_events) = (self.sender.clone(), self.events.clone());
        let commit = Commit { sender_id, expected_version: i64::from(version), new_events, ..commit };
        self.store.commit(commit).await.map(drop)
    }

    async fn message(&self, version: u32) -> Result<(), CommitError> {
        let (owner, channel) = (self.sender.as_str(), CHANNEL.to_owned());
        let payload = json!({ "update_id": version, "text": "x".repeat(150) });
        let dedupe_key = Some(format!("{owner} {version}"));
        let intake = Intake { channel: channel.clone(), dedupe_key, sender_id: self.sender.clone(), payload };
        let accepted = self.store.accept(intake, owner, 60.0).await?;
        let message = InboxMessage::Accepted(accepted.inbox_id);
        let reply =
            OutboxMessage { channel, payload: json!({ "part": { "text": "x".repeat(200) } }), not_before: None };
        let inbox = Some(InboxDone { message, reply: Some(json!({ "update": version })) });
        self.commit(version, Commit { inbox, outbox: vec![reply], ..Commit::default() }).await?;
        Ok(())
    }
}

/// Takes replies out and calls them sent, until none is left once the writers are done.
async fn send(store: Arc<dyn Store>, until: Instant) -> Result<()> {
    let owner = "the writer alone";
    loop {
        let is_over = Instant::now() > until;
        let taken = store
            .claim_outbox(Claim { owner, channels: &[CHANNEL], seconds: 60.0, limit: 256, unasked: false })
            .await?;
        if taken.is_empty() && is_over {
            return Ok(());
        }
        let sent = taken.iter().map(|item| (item.id, Settled::Sent)).collect();
        store.settle_outbox(owner, sent).await?;
        if taken.len() < 32 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// [`write`] in a process of its own: turns a second.
pub(super) fn measured(endpoints: &Path, sender: &str, connections: usize, time: Duration, door: Door) -> Result<f64> {
    let (connections, seconds) = (connections.to_string(), time.as_secs_f64().to_string());
    let door = if door == Door::Rest { "rest" } else { "telegram" };
    let line = [
        "bench",
        "turns",
        "--connections",
        &connections,
        "--seconds",
        &seconds,
        "--like",
        door,
        "--write-like",
        sender,
    ];
    let mut command = super::super::process::quiet(&line);
    let output = command.arg("--endpoints").arg(endpoints).stdout(std::process::Stdio::piped()).output()?;
    if !output.status.success() {
        bail!("the bare writer failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let said: Value = serde_json::from_slice(&output.stdout).context("the bare writer gave no JSON")?;
    said.get("turns").and_then(Value::as_f64).context("the bare writer gave no figure")
}
