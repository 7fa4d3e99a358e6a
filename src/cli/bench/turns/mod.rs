//! `sapa bench turns`: durable turns a second, at several numbers of connections, beside
//! the same rows written by the same writer and nothing else. What asks shares the
//! machine with what answers. Linux only.

mod limit;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::limit::Door;
use super::process::{Server, percentile};
use super::{limits, telegram, wire};
use crate::cli::{models, terminal};

#[derive(Debug, Args)]
pub(super) struct TurnsArgs {
    /// Numbers of connections, each with a conversation of its own.
    #[arg(long, num_args = 1.., default_values_t = [1, 8, 32, 256], value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    connections: Vec<usize>,
    /// How long each load lasts.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Message that is answered.
    #[arg(long, default_value = "jam layanan helpdesk sampai kapan ya")]
    message: String,
    /// Measure on this PostgreSQL too: `postgresql://user:password@host/db`, empty.
    #[arg(long, env = "SAPA_BENCH_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
    /// Print JSON instead of Markdown.
    #[arg(long)]
    json: bool,
    /// Only write rows like those of this conversation's last turn.
    #[arg(long, hide = true, requires = "endpoints")]
    write_like: Option<String>,
    /// Which of its rows.
    #[arg(long, hide = true, default_value = "rest")]
    like: limit::Door,
    /// The store to write them to.
    #[arg(long, hide = true)]
    endpoints: Option<PathBuf>,
}

/// One line of the table.
struct Line {
    store: &'static str,
    door: &'static str,
    connections: usize,
    /// Turns a second.
    turns: f64,
    /// What the bare writer wrote a second.
    limit: f64,
    /// Median and 99th percentile of the answers' times, milliseconds.
    p50: f64,
    p99: f64,
}

/// Runs the command.
pub(super) fn run(args: &TurnsArgs) -> Result<ExitCode> {
    let time = Duration::try_from_secs_f64(args.seconds).context("`--seconds` is no time")?;
    if let (Some(sender), Some(endpoints)) = (&args.write_like, &args.endpoints) {
        return limit::write(endpoints, sender, args.connections.first().copied().unwrap_or(1), time, args.like);
    }
    let model = models::find(Path::new("models")).context("no model found in `models`; train one with `sapa train`")?;
    let folder = std::env::temp_dir().join(format!("sapa-bench-turns-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let bench = Bench { args, model, folder, time };
    let lines = bench.all();
    let _ = std::fs::remove_dir_all(&bench.folder);
    print(args.json, &lines?);
    if args.postgres.is_none() {
        terminal::note("PostgreSQL was not measured: name an empty database with `--postgres`");
    }
    Ok(ExitCode::SUCCESS)
}

struct Bench<'a> {
    args: &'a TurnsArgs,
    model: PathBuf,
    folder: PathBuf,
    time: Duration,
}

impl Bench<'_> {
    fn all(&self) -> Result<Vec<Line>> {
        // One thread: what asks shall not crowd what answers.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut lines = Vec::new();
        for connections in &self.args.connections {
            let file = self.folder.join(format!("bench-{connections}.db"));
            let store = format!("{{type: SQL, dialect: sqlite, db: {}}}", json!(file));
            self.store(&runtime, "SQLite", &store, *connections, &mut lines)?;
        }
        if let Some(url) = &self.args.postgres {
            runtime.block_on(limits::must_be_empty(url))?;
            let store = format!("{{type: SQL, dialect: postgresql, url: {}}}", json!(url));
            for connections in &self.args.connections {
                self.store(&runtime, "PostgreSQL", &store, *connections, &mut lines)?;
            }
        }
        Ok(lines)
    }

    /// Both doors on one store, then the writer alone.
    fn store(
        &self,
        runtime: &Runtime,
        store: &'static str,
        section: &str,
        connections: usize,
        lines: &mut Vec<Line>,
    ) -> Result<()> {
        let api = runtime.block_on(telegram::start())?;
        let [endpoints, credentials] = ["endpoints.yml", "credentials.yml"].map(|name| self.folder.join(name));
        std::fs::write(&endpoints, format!("tracker_store: {section}\n"))?;
        std::fs::write(&credentials, telegram::credentials(&api))?;
        let paths = [&endpoints, &credentials, &self.model].map(|path| path.to_string_lossy().into_owned());
        let [endpoints_path, credentials_path, model] = &paths;
        let line = ["run", "--enable-api", "-i", "127.0.0.1", "--quiet", "--endpoints", endpoints_path];
        let rest = ["--credentials", credentials_path, "-m", model, "-p"];
        let server = Server::start(&[&line[..], &rest[..]].concat(), runtime)?;
        let run = std::process::id();
        let message = self.args.message.clone();
        let until = Instant::now() + self.time;
        let rest = move |connection: usize, _: usize| {
            let body = json!({ "sender": format!("bench {run} {connections} {connection}"), "message": message });
            (Instant::now() < until).then(|| wire::request("/webhooks/rest/webhook", "", &body.to_string()))
        };
        let loaded = runtime.block_on(wire::load(server.address(), connections, rest))?.all_served()?;
        let like = format!("bench {run} {connections} 0");
        let limit = |door| limit::measured(&endpoints, &like, connections, self.time, door);
        let of = |door, turns, limit, mut latencies: Vec<f64>| {
            let [p50, p99] = [0.5, 0.99].map(|share| percentile(&mut latencies, share) * 1e3);
            Line { store, door, connections, turns, limit, p50, p99 }
        };
        let turns = loaded.latencies.len() as f64 / loaded.time.as_secs_f64();
        lines.push(of("REST", turns, limit(Door::Rest)?, loaded.latencies));
        let (turns, latencies) = self.telegram(runtime, &server, connections)?;
        lines.push(of("Telegram", turns, limit(Door::Telegram)?, latencies));
        Ok(())
    }

    /// Updates, until each has had its turn: turns a second, and how long each was
    /// waited for to be acknowledged.
    fn telegram(&self, runtime: &Runtime, server: &Server, connections: usize) -> Result<(f64, Vec<f64>)> {
        let (message, header) = (self.args.message.clone(), "X-Telegram-Bot-Api-Secret-Token: bench\r\n");
        let update = move |connection: usize, number: usize| {
            let body = telegram::update_in(chat(connections, connection), number, &message);
            wire::request("/webhooks/telegram/webhook", header, &body)
        };
        self.wait_for_bot(runtime, server, &update)?;
        let started = Instant::now();
        let until = started + self.time;
        let next = move |connection, number| (Instant::now() < until).then(|| update(connection, number + 1));
        let loaded = runtime.block_on(wire::load(server.address(), connections, next))?.all_served()?;
        let left = self.wait_for_turns(runtime, server)?;
        let turns = (loaded.latencies.len() as f64 - left) / started.elapsed().as_secs_f64();
        Ok((turns, loaded.latencies))
    }

    /// A server refuses updates until it knows its bot's name.
    fn wait_for_bot(
        &self,
        runtime: &Runtime,
        server: &Server,
        update: &(impl Fn(usize, usize) -> String + Clone + Send + Sync + 'static),
    ) -> Result<()> {
        for _ in 0..400 {
            let update = update.clone();
            let once = move |connection, number| (number == 0).then(|| update(connection, 0));
            if runtime.block_on(wire::load(server.address(), 1, once)).is_ok_and(|load| load.refused == 0) {
                return Ok(());
            }
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
        }
        bail!("the server takes no updates")
    }

    /// Waits until no accepted update is without its turn; how many are left after too
    /// long a time.
    fn wait_for_turns(&self, runtime: &Runtime, server: &Server) -> Result<f64> {
        let until = Instant::now() + self.time * 4;
        loop {
            let health: Value = serde_json::from_str(&server.get(runtime, "/health")?)?;
            match health.get("unserved").and_then(Value::as_f64) {
                Some(left) if left > 0.0 && Instant::now() > until => return Ok(left),
                Some(left) if left > 0.0 => {}
                Some(_) => return Ok(0.0),
                None if Instant::now() > until => bail!("the server does not say what it has left to do"),
                None => {}
            }
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
        }
    }
}

/// A chat of its own for each connection of each load.
fn chat(connections: usize, connection: usize) -> usize {
    connections * 1_000 + connection + 1
}

fn print(as_json: bool, lines: &[Line]) {
    if as_json {
        let value = |line: &Line| {
            json!({ "store": line.store, "door": line.door, "connections": line.connections, "turns": line.turns,
                "limit": line.limit, "ratio": line.turns / line.limit, "p50_ms": line.p50, "p99_ms": line.p99 })
        };
        return terminal::say(&Value::Array(lines.iter().map(value).collect()).to_string());
    }
    terminal::say("| store | door | connections | turns/s | the writer alone | ratio | p50 ms | p99 ms |");
    terminal::say("|---|---|---|---|---|---|---|---|");
    for line in lines {
        let Line { store, door, connections, turns, limit, p50, p99 } = line;
        let ratio = turns / limit;
        terminal::say(&format!(
            "| {store} | {door} | {connections} | {turns:.0} | {limit:.0} | {ratio:.2} | {p50:.2} | {p99:.2} |"
        ));
    }
}
