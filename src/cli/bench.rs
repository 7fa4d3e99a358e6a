//! `sapa bench`: training, start, memory, parsing, turns, and understanding,
//! measured on the project in this folder. Linux only: it reads `/proc`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{models, terminal};
use crate::evaluate::understanding;

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Requests per measurement.
    #[arg(long, default_value_t = 10_000)]
    requests: u32,
    /// Repetitions of training and start; the median counts.
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
    /// Print JSON instead of Markdown.
    #[arg(long)]
    json: bool,
}

/// One line of the table.
struct Row {
    what: &'static str,
    value: f64,
    unit: &'static str,
}

/// Runs the command.
pub(super) fn run(args: &BenchArgs) -> Result<ExitCode> {
    let mut rows = Vec::new();
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
    let mut seconds = Vec::new();
    let mut peak = Vec::new();
    for _ in 0..args.repeat.max(1) {
        let started = Instant::now();
        let mut child = quiet(&["train", "--force", "--fixed-model-name", "bench", "--out"], Some(folder)).spawn()?;
        let mut most = 0.0_f64;
        let status = loop {
            most = most.max(memory(child.id(), "VmHWM:").unwrap_or(0.0));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        if !status.success() {
            bail!("training failed: run `sapa train` to see why");
        }
        seconds.push(started.elapsed().as_secs_f64());
        peak.push(most);
    }
    rows.push(Row { what: "training, wall", value: median(&mut seconds), unit: "s" });
    rows.push(Row { what: "training, peak memory", value: median(&mut peak), unit: "MiB" });
    Ok(())
}

fn serve(args: &BenchArgs, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let endpoints = folder.join("endpoints.yml");
    let database = folder.join("bench.db");
    std::fs::write(
        &endpoints,
        format!("tracker_store:\n  type: SQL\n  dialect: sqlite\n  db: '{}'\n", database.display()),
    )?;
    let mut starts = Vec::new();
    for _ in 1..args.repeat.max(1) {
        let (server, seconds) = Server::start(folder, &endpoints, &runtime)?;
        starts.push(seconds);
        drop(server);
    }
    let (server, seconds) = Server::start(folder, &endpoints, &runtime)?;
    starts.push(seconds);
    rows.push(Row { what: "start, exec to first 200", value: median(&mut starts) * 1e3, unit: "ms" });

    let parse = ("/model/parse", json!({ "text": args.message }));
    server.load(&runtime, 1_000, &parse)?;
    rows.push(Row {
        what: "resident memory after 1,000 parses",
        value: memory(server.child.id(), "VmRSS:").unwrap_or(0.0),
        unit: "MiB",
    });
    let (cpu, wall) = server.load(&runtime, args.requests, &parse)?;
    rows.push(Row { what: "parse request, CPU", value: cpu * 1e3, unit: "ms" });
    rows.push(Row { what: "parse request, wall", value: wall * 1e3, unit: "ms" });
    let turn = ("/webhooks/rest/webhook", json!({ "sender": "bench", "message": args.message }));
    let (cpu, wall) = server.load(&runtime, args.requests, &turn)?;
    rows.push(Row { what: "durable REST turn (SQLite), CPU", value: cpu * 1e3, unit: "ms" });
    rows.push(Row { what: "durable REST turn (SQLite), wall", value: wall * 1e3, unit: "ms" });
    rows.push(Row {
        what: "resident memory at the end",
        value: memory(server.child.id(), "VmRSS:").unwrap_or(0.0),
        unit: "MiB",
    });
    Ok(())
}

/// A server in a process of its own; ends with this value.
struct Server {
    child: Child,
    address: String,
    client: reqwest::Client,
}

impl Server {
    fn start(folder: &Path, endpoints: &Path, runtime: &tokio::runtime::Runtime) -> Result<(Self, f64)> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = quiet(&["run", "--enable-api", "-i", "127.0.0.1", "--quiet", "-p"], None);
        command.arg(port.to_string()).arg("--endpoints").arg(endpoints).arg("-m").arg(folder);
        let client = reqwest::Client::builder().pool_max_idle_per_host(1).build()?;
        let started = Instant::now();
        let child = command.spawn()?;
        let server = Self { child, address: format!("http://127.0.0.1:{port}"), client };
        while runtime.block_on(server.client.get(&server.address).send()).is_err() {
            if started.elapsed() > Duration::from_secs(20) {
                bail!("the server did not start");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok((server, seconds))
    }

    /// Sends requests one after the other on one connection: seconds of the
    /// server's CPU, and of the wall clock, per request.
    fn load(
        &self,
        runtime: &tokio::runtime::Runtime,
        requests: u32,
        (path, body): &(&str, Value),
    ) -> Result<(f64, f64)> {
        let url = format!("{}{path}", self.address);
        let cpu = cpu_seconds(self.child.id())?;
        let started = Instant::now();
        runtime.block_on(async {
            for _ in 0..requests {
                let answer = self.client.post(&url).json(body).send().await?.error_for_status()?;
                answer.bytes().await?;
            }
            anyhow::Ok(())
        })?;
        let wall = started.elapsed().as_secs_f64();
        let requests = f64::from(requests.max(1));
        Ok(((cpu_seconds(self.child.id())? - cpu) / requests, wall / requests))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn quiet(arguments: &[&str], last: Option<&Path>) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("sapa"));
    let mut command = Command::new(program);
    command.args(arguments).args(last).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A line of `/proc/<pid>/status`, in MiB.
fn memory(process: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// User and system time of a process: fields 14 and 15 of `/proc/<pid>/stat`, in
/// ticks of 10 ms.
fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("this measurement needs Linux")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
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
        let rows: Vec<Value> =
            rows.iter().map(|r| json!({ "what": r.what, "value": r.value, "unit": r.unit })).collect();
        let files: Vec<Value> =
            understood.iter().map(|(file, score)| json!({ "file": file, "score": score.to_json() })).collect();
        terminal::say(&json!({ "measured": rows, "understood": files }).to_string());
        return;
    }
    if !rows.is_empty() {
        terminal::say("| what | measured |\n|---|---|");
        rows.iter().for_each(|row| terminal::say(&format!("| {} | {:.3} {} |", row.what, row.value, row.unit)));
    }
    for (file, score) in understood {
        terminal::say(&format!("\n{file}\n{}", score.to_markdown()));
    }
}
