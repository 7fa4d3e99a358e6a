//! `sapa bench`: training, start, memory, parsing, turns, and understanding,
//! measured on the project in this folder, beside what this machine can do at
//! best. Linux only: it reads `/proc`.

mod held_out;
mod limits;
mod nlu;
mod process;
mod project;
mod telegram;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::process::{Cost, Request, Server, median};
use super::{models, terminal};
use crate::evaluate::understanding;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Requests in a round of a measurement.
    #[arg(long, default_value_t = 10_000)]
    requests: u32,
    /// Repetitions of trainings and starts, and rounds of requests; the median counts.
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    /// Message that is parsed and answered.
    #[arg(long, default_value = "jam layanan helpdesk sampai kapan ya")]
    message: String,
    /// NLU file to understand with the trained model; may be given several times.
    #[arg(long)]
    nlu: Vec<PathBuf>,
    /// Intent that stands for off-topic messages in those files.
    #[arg(long, default_value = "di_luar_topik")]
    off_topic: String,
    /// Only understand the files given with `--nlu`.
    #[arg(long)]
    only_nlu: bool,
    /// Measure turns on this PostgreSQL too: `postgresql://user:password@host/db`.
    #[arg(long, env = "SAPA_BENCH_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
    /// Only measure policies on stories they have not learnt: folders of projects.
    #[arg(long, num_args = 1..)]
    held_out: Vec<PathBuf>,
    /// Only load and validate the project in this folder.
    #[arg(long)]
    project: Option<PathBuf>,
    /// Print JSON instead of Markdown.
    #[arg(long)]
    json: bool,
    /// Only serve the bare handler on this port.
    #[arg(long, hide = true)]
    serve_bare: Option<u16>,
    /// Only insert bare rows into this file.
    #[arg(long, hide = true)]
    insert_bare: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Train and judge a pipeline on data sets, beside other learners.
    Nlu(nlu::NluArgs),
}

/// One line of the table.
struct Row {
    what: &'static str,
    value: f64,
    unit: &'static str,
    /// What cannot be beaten: its name, and its value in the same unit.
    limit: Option<(&'static str, f64)>,
}

impl Row {
    fn plain(what: &'static str, value: f64, unit: &'static str) -> Self {
        Self { what, value, unit, limit: None }
    }

    fn ratio(&self) -> Option<f64> {
        self.limit.filter(|(_, limit)| *limit > 0.0).map(|(_, limit)| self.value / limit)
    }
}

/// Runs the command.
pub(super) fn run(args: &BenchArgs) -> Result<ExitCode> {
    if let Some(What::Nlu(args)) = &args.what {
        return nlu::run(args);
    }
    if let Some(port) = args.serve_bare {
        return limits::serve_bare(port);
    }
    if let Some(file) = &args.insert_bare {
        return limits::insert_bare(file, args.requests);
    }
    if !args.held_out.is_empty() {
        return held_out::run(&args.held_out);
    }
    let mut rows = Vec::new();
    if let Some(folder) = &args.project {
        project::measure(folder, &mut rows)?;
        print(args.json, &rows, &[]);
        return Ok(ExitCode::SUCCESS);
    }
    if !args.only_nlu {
        measure(args, &mut rows)?;
    }
    let mut understood = Vec::new();
    for file in &args.nlu {
        understood.push((file.display().to_string(), understand(file, &args.off_topic)?));
    }
    print(args.json, &rows, &understood);
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &BenchArgs, rows: &mut Vec<Row>) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("sapa-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = train(args, &folder, rows).and_then(|()| serve(args, &folder, rows));
    let _ = std::fs::remove_dir_all(&folder);
    result
}

/// Trains from nothing, each time in a process of its own.
fn train(args: &BenchArgs, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let (mut seconds, mut peak) = (Vec::new(), Vec::new());
    for _ in 0..args.repeat.max(1) {
        let line = ["train", "--force", "--fixed-model-name", "bench", "--out"];
        let (took, most) = process::run_to_end(&line, folder)?;
        seconds.push(took);
        peak.push(most);
    }
    rows.push(Row::plain("training, wall", median(&mut seconds), "s"));
    rows.push(Row::plain("training, peak memory", median(&mut peak), "MiB"));
    Ok(())
}

/// What the measurements of servers share.
struct Bench<'a> {
    args: &'a BenchArgs,
    folder: &'a Path,
    runtime: Runtime,
    handler: Cost,
    insert: Cost,
}

fn serve(args: &BenchArgs, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    // One thread: what asks shall not crowd what answers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bare = Server::start(&["bench", "--serve-bare"], &runtime)?;
    let body = |_: u32| json!({ "sender": "bench", "message": args.message }).to_string();
    let bare_request = Request { path: "/", header: None, body: &body };
    bare.load(&runtime, 1_000, &bare_request)?;
    let handler = bare.measure(&runtime, args.repeat, args.requests, &bare_request)?;
    drop(bare);
    let insert = limits::measured_insert(folder, args.repeat, args.requests)?;
    rows.push(Row::plain("limit: bare axum handler, CPU", handler.cpu * 1e3, "ms"));
    rows.push(Row::plain("limit: bare axum handler, wall", handler.wall * 1e3, "ms"));
    rows.push(Row::plain("limit: bare durable insert (SQLite), CPU", insert.cpu * 1e3, "ms"));
    rows.push(Row::plain("limit: bare durable insert (SQLite), wall", insert.wall * 1e3, "ms"));
    let bench = Bench { args, folder, runtime, handler, insert };
    bench.starts_and_parses(rows)?;
    bench.turns(rows)
}

impl Bench<'_> {
    /// A server on this tracker store.
    fn server(&self, tracker_store: &str, credentials: &str) -> Result<Server> {
        let (endpoints, channels) = (self.folder.join("endpoints.yml"), self.folder.join("credentials.yml"));
        std::fs::write(&endpoints, format!("tracker_store: {tracker_store}\n"))?;
        std::fs::write(&channels, credentials)?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let line = [
            "run",
            "--enable-api",
            "-i",
            "127.0.0.1",
            "--quiet",
            "--endpoints",
            &path(&endpoints),
            "--credentials",
            &path(&channels),
            "-m",
            &path(self.folder),
            "-p",
        ];
        Server::start(&line, &self.runtime)
    }

    fn measure(&self, server: &Server, request: &Request<'_>) -> Result<Cost> {
        server.measure(&self.runtime, self.args.repeat, self.args.requests, request)
    }

    fn sqlite(&self) -> String {
        format!("{{type: SQL, dialect: sqlite, db: '{}'}}", self.folder.join("bench.db").display())
    }

    fn starts_and_parses(&self, rows: &mut Vec<Row>) -> Result<()> {
        let mut starts = Vec::new();
        for _ in 1..self.args.repeat.max(1) {
            starts.push(self.server(&self.sqlite(), "rest:\n")?.started_in);
        }
        let server = self.server(&self.sqlite(), "rest:\n")?;
        starts.push(server.started_in);
        rows.push(Row::plain("start, exec to first 200", median(&mut starts) * 1e3, "ms"));
        let body = |_: u32| json!({ "text": self.args.message }).to_string();
        let parse = Request { path: "/model/parse", header: None, body: &body };
        server.load(&self.runtime, 1_000, &parse)?;
        rows.push(Row::plain("resident memory after 1,000 parses", server.resident(), "MiB"));
        let cost = self.measure(&server, &parse)?;
        self.push(rows, ["parse request, CPU", "parse request, wall"], cost, ("bare handler", self.handler));
        Ok(())
    }

    fn turns(&self, rows: &mut Vec<Row>) -> Result<()> {
        let body = |_: u32| json!({ "sender": "bench", "message": self.args.message }).to_string();
        let turn = Request { path: "/webhooks/rest/webhook", header: None, body: &body };
        let memory = self.measure(&self.server("{type: in_memory}", "rest:\n")?, &turn)?;
        self.push(
            rows,
            ["REST turn (memory), CPU", "REST turn (memory), wall"],
            memory,
            ("bare handler", self.handler),
        );
        let both = Cost { cpu: self.handler.cpu + self.insert.cpu, wall: self.handler.wall + self.insert.wall };
        let durable = ("bare handler + insert", both);
        let server = self.server(&self.sqlite(), "rest:\n")?;
        let sqlite = self.measure(&server, &turn)?;
        self.push(rows, ["durable REST turn (SQLite), CPU", "durable REST turn (SQLite), wall"], sqlite, durable);
        rows.push(Row::plain("resident memory at the end", server.resident(), "MiB"));
        drop(server);
        if let Some(url) = &self.args.postgres {
            let store = format!("{{type: SQL, dialect: postgresql, url: {}}}", json!(url));
            let postgres = self.measure(&self.server(&store, "rest:\n")?, &turn)?;
            let names = ["durable REST turn (PostgreSQL), CPU", "durable REST turn (PostgreSQL), wall"];
            self.push(rows, names, postgres, durable);
        }
        let api = self.runtime.block_on(telegram::start())?;
        let server = self.server(&self.sqlite(), &telegram::credentials(&api))?;
        let body = |number: u32| telegram::update(number, &self.args.message);
        let header = Some(("x-telegram-bot-api-secret-token", "bench"));
        let update = Request { path: "/webhooks/telegram/webhook", header, body: &body };
        self.first_update(&server, &Request { body: &|_| body(u32::MAX), ..update })?;
        let telegram = self.measure(&server, &update)?;
        self.push(rows, ["Telegram turn (SQLite), CPU", "Telegram turn (SQLite), wall"], telegram, durable);
        Ok(())
    }

    /// Delivers an update until it is taken: a server refuses them until it knows
    /// its bot's name.
    fn first_update(&self, server: &Server, update: &Request<'_>) -> Result<()> {
        for _ in 1..400 {
            if server.load(&self.runtime, 1, update).is_ok() {
                return Ok(());
            }
            self.runtime.block_on(tokio::time::sleep(Duration::from_millis(5)));
        }
        server.load(&self.runtime, 1, update).map(drop)
    }

    fn push(&self, rows: &mut Vec<Row>, [cpu, wall]: [&'static str; 2], cost: Cost, limit: (&'static str, Cost)) {
        let row = |what, value: f64, best: f64| Row {
            what,
            value: value * 1e3,
            unit: "ms",
            limit: Some((limit.0, best * 1e3)),
        };
        rows.push(row(cpu, cost.cpu, limit.1.cpu));
        rows.push(row(wall, cost.wall, limit.1.wall));
    }
}

fn understand(file: &Path, off_topic: &str) -> Result<understanding::Score> {
    let path =
        models::find(Path::new("models")).context("no model found in `models`; train one with `sapa train` first")?;
    let model = models::load(&path)?;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let data =
        sapa_project::ProjectFile { path: file.display().to_string(), bytes, role: sapa_project::FileRole::Data };
    let loaded = sapa_project::load(vec![data], &|_| None);
    if loaded.project.nlu.examples.is_empty() {
        bail!("`{}` has no NLU examples", file.display());
    }
    Ok(understanding::score(&loaded.project.nlu.examples, &|text| model.parse(text), off_topic))
}

fn print(as_json: bool, rows: &[Row], understood: &[(String, understanding::Score)]) {
    if as_json {
        let row = |r: &Row| {
            json!({ "what": r.what, "value": r.value, "unit": r.unit, "limit": r.limit.map(|(name, _)| name),
                "limit_value": r.limit.map(|(_, value)| value), "ratio": r.ratio() })
        };
        let rows: Vec<Value> = rows.iter().map(row).collect();
        let files: Vec<Value> =
            understood.iter().map(|(file, score)| json!({ "file": file, "score": score.to_json() })).collect();
        terminal::say(&json!({ "measured": rows, "understood": files }).to_string());
        return;
    }
    if !rows.is_empty() {
        terminal::say("| what | measured | beside | times |\n|---|---|---|---|");
        for row in rows {
            let (name, ratio) = (row.limit.map_or("", |(name, _)| name), row.ratio());
            let times = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            terminal::say(&format!("| {} | {:.3} {} | {name} | {times} |", row.what, row.value, row.unit));
        }
    }
    for (file, score) in understood {
        terminal::say(&format!("\n{file}\n{}", score.to_markdown()));
    }
}
