//! `sapa bench scale`: what a turn and the server's memory cost when there is much of
//! something: turns in one conversation, conversations, connections, messages of one
//! user. Each figure stands beside the same without it, of the same run. What asks
//! shares the machine with what answers. Linux only.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::json;
use tokio::runtime::Runtime;

use super::flood::Flood;
use super::process::{Server, median};
use super::table::{Row, print};
use super::wire::{self, Load, Wire};
use crate::cli::{models, terminal};

/// Connections that make what is measured afterwards.
const MAKERS: usize = 32;

/// Turns around the one that is meant: one alone says little.
const AROUND: usize = 100;

/// Conversations in which the tenth turn is measured: as many turns as around the last
/// one of the long conversation.
const SHORT: usize = 100;

/// Conversations that are written to, out of many, to measure a cold turn and a warm one.
const VISITS: usize = 2_000;

/// From one to the next: a prime, so that all are visited before one is again.
const STEP: usize = 1_000_003;

#[derive(Debug, Args)]
pub(super) struct ScaleArgs {
    /// Turns of one conversation.
    #[arg(long, default_value_t = 10_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    turns: usize,
    /// Conversations that are stored, two turns each.
    #[arg(long, default_value_t = 100_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    conversations: usize,
    /// Connections that are open at once; the limit of open files must allow them.
    #[arg(long, default_value_t = 5_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    connections: usize,
    /// Connections that flood one conversation.
    #[arg(long, default_value_t = 8, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    flooding: usize,
    /// How long others write, with the flood and without, seconds each.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// Message that is answered.
    #[arg(long, default_value = "jam layanan helpdesk sampai kapan ya")]
    message: String,
    /// Print JSON instead of Markdown.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &ScaleArgs) -> Result<ExitCode> {
    let time = Duration::try_from_secs_f64(args.seconds).context("`--seconds` is no time")?;
    ensure!(!time.is_zero(), "`--seconds` is no time");
    let model = models::find(Path::new("models")).context("no model found in `models`; train one with `sapa train`")?;
    let folder = std::env::temp_dir().join(format!("sapa-bench-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    // One thread: what asks shall not crowd what answers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bench = Bench { args, model, folder, runtime, time };
    let rows = bench.all();
    let _ = std::fs::remove_dir_all(&bench.folder);
    print(args.json, &rows?, &[]);
    let ScaleArgs { turns, conversations, connections, .. } = args;
    terminal::note(&format!(
        "{turns} turns of the long conversation, {conversations} conversations, {connections} connections"
    ));
    Ok(ExitCode::SUCCESS)
}

struct Bench<'a> {
    args: &'a ScaleArgs,
    model: PathBuf,
    folder: PathBuf,
    runtime: Runtime,
    time: Duration,
}

impl Bench<'_> {
    fn all(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.one_long(&mut rows)?;
        self.many(&mut rows)?;
        self.connections(&mut rows)?;
        self.flood(&mut rows)?;
        Ok(rows)
    }

    /// A server on an SQLite file of that name.
    fn server(&self, name: &str) -> Result<Server> {
        let path = |name: &str| self.folder.join(name).to_string_lossy().into_owned();
        let [endpoints, credentials] = ["endpoints.yml", "credentials.yml"].map(path);
        let store = json!(path(&format!("{name}.db")));
        std::fs::write(&endpoints, format!("tracker_store: {{type: SQL, dialect: sqlite, db: {store}}}\n"))?;
        std::fs::write(&credentials, "rest:\n")?;
        let model = self.model.to_string_lossy().into_owned();
        let line = ["run", "--enable-api", "-i", "127.0.0.1", "--quiet", "--endpoints", &endpoints];
        let rest = ["--credentials", &credentials, "-m", &model, "-p"];
        Server::start(&[&line[..], &rest].concat(), &self.runtime)
    }

    /// A message of that sender.
    fn message(&self) -> impl Fn(&str) -> String + Clone + Send + Sync + use<> {
        let message = self.args.message.clone();
        move |sender: &str| {
            let body = json!({ "sender": sender, "message": message }).to_string();
            wire::request("/webhooks/rest/webhook", "", &body)
        }
    }

    /// Posts on one connection; the latencies.
    fn one_by_one(&self, server: &Server, request: impl Fn(usize) -> Option<String>) -> Result<Vec<f64>> {
        let load = async { Wire::open(server.address()).await?.post(request).await?.all_served() };
        Ok(self.runtime.block_on(load)?.latencies)
    }

    /// The tenth turn of short conversations, and the last ones of a long one.
    fn one_long(&self, rows: &mut Vec<Row>) -> Result<()> {
        let (server, message) = (self.server("long")?, self.message());
        let short = |number: usize| (number < 10 * SHORT).then(|| message(&format!("short {}", number / 10)));
        let all = self.one_by_one(&server, short)?;
        let mut tenths: Vec<f64> = all.iter().skip(9).step_by(10).copied().collect();
        let tenth = median(&mut tenths) * 1e3;
        rows.push(Row::plain("limit: turn 10 of a conversation, p50", tenth, "ms"));
        let turns = self.args.turns;
        let mut all = self.one_by_one(&server, |number| (number < turns).then(|| message("long")))?;
        let last = all.split_off(all.len().saturating_sub(AROUND));
        let limit = Some(("turn 10", tenth));
        rows.push(Row {
            limit,
            ..Row::plain("the last turns of a long conversation, p50", median(&mut { last }) * 1e3, "ms")
        });
        drop(server);
        let server = self.server("long")?;
        let cold = self.one_by_one(&server, |number| (number == 0).then(|| message("long")))?;
        rows.push(Row { limit, ..Row::plain("its first turn after a restart", median(&mut { cold }) * 1e3, "ms") });
        Ok(())
    }

    /// Conversations that are written to in turn: the first turn has to read what is
    /// stored, the second finds it in memory.
    fn many(&self, rows: &mut Vec<Row>) -> Result<()> {
        let (server, message, count) = (self.server("many")?, self.message(), self.args.conversations);
        let make = {
            let message = message.clone();
            move |connection: usize, number: usize| {
                // Two turns each.
                let conversation = connection + MAKERS * (number / 2);
                (conversation < count).then(|| message(&format!("many {conversation}")))
            }
        };
        self.load(&server, MAKERS, make)?.all_served()?;
        let visit = |number: usize| {
            (number < 2 * VISITS.min(count)).then(|| message(&format!("many {}", number / 2 * STEP % count)))
        };
        let latencies = self.one_by_one(&server, visit)?;
        let [mut cold, mut warm] =
            [0, 1].map(|which| latencies.iter().skip(which).step_by(2).copied().collect::<Vec<f64>>());
        let (cold, warm) = (median(&mut cold) * 1e3, median(&mut warm) * 1e3);
        rows.push(Row::plain("limit: turn of a conversation in memory, p50", warm, "ms"));
        let limit = Some(("turn in memory", warm));
        rows.push(Row { limit, ..Row::plain("turn of one that is read from the store, p50", cold, "ms") });
        rows.push(self.memory("resident memory, many conversations stored", &server)?);
        Ok(())
    }

    /// The server's memory, beside that of one that has just started.
    fn memory(&self, what: &'static str, server: &Server) -> Result<Row> {
        let fresh = self.server("fresh")?;
        let limit = Some(("just started", fresh.resident()));
        Ok(Row { limit, ..Row::plain(what, server.resident(), "MiB") })
    }

    /// Connections that stay open after a turn each.
    fn connections(&self, rows: &mut Vec<Row>) -> Result<()> {
        let (server, message) = (self.server("connections")?, self.message());
        let open = self.runtime.block_on(async {
            let mut open = Vec::with_capacity(self.args.connections);
            for number in 0..self.args.connections {
                let mut wire = Wire::open(server.address()).await.context("raise the limit: `ulimit -n`")?;
                let request = |turn: usize| (turn == 0).then(|| message(&format!("open {number}")));
                wire.post(request).await?.all_served()?;
                open.push(wire);
            }
            anyhow::Ok(open)
        })?;
        rows.push(self.memory("resident memory, many connections open", &server)?);
        drop(open);
        Ok(())
    }

    /// Users who write now and then, alone and beside one who floods.
    fn flood(&self, rows: &mut Vec<Row>) -> Result<()> {
        let (runtime, server, message) = (&self.runtime, self.server("flood")?, self.message());
        let flood = Flood { runtime, server, message, connections: self.args.flooding, time: self.time };
        rows.extend(flood.measure()?);
        Ok(())
    }

    fn load<F>(&self, server: &Server, connections: usize, request: F) -> Result<Load>
    where
        F: Fn(usize, usize) -> Option<String> + Clone + Send + Sync + 'static,
    {
        self.runtime.block_on(wire::load(server.address(), connections, request))
    }
}
