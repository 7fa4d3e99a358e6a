//! What servers cost: start, memory, parses and turns, beside the bare handler
//! and the bare insert.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::runtime::Runtime;

use super::process::{Cost, Request, Server, median};
use super::table::Row;
use super::{BenchArgs, limits, telegram};

/// Requests after which memory is looked at.
const FIRST_REQUESTS: u32 = 1_000;

/// What the measurements of servers share.
struct Bench<'a> {
    args: &'a BenchArgs,
    folder: &'a Path,
    runtime: Runtime,
    bare: Bare,
    insert: Cost,
}

/// The handler that does nothing.
struct Bare {
    cost: Cost,
    /// From exec to the first answer, seconds.
    started_in: f64,
    /// Memory after its first requests, MiB.
    resident: f64,
}

/// Starts it often, and measures the last one.
fn bare_handler(args: &BenchArgs, runtime: &Runtime) -> Result<Bare> {
    let start = || Server::start(&["bench", "--serve-bare"], runtime);
    let mut starts = Vec::new();
    for _ in 1..args.repeat.max(1) {
        starts.push(start()?.started_in);
    }
    let server = start()?;
    starts.push(server.started_in);
    let body = |_: u32| json!({ "sender": "bench", "message": args.message }).to_string();
    let request = Request { path: "/", header: None, body: &body };
    server.load(runtime, FIRST_REQUESTS, &request)?;
    let resident = server.resident();
    let cost = server.measure(runtime, args.repeat, args.requests, &request)?;
    Ok(Bare { cost, started_in: median(&mut starts), resident })
}

/// Measures them all.
pub(super) fn measure(args: &BenchArgs, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    // One thread: what asks shall not crowd what answers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bare = bare_handler(args, &runtime)?;
    let insert = limits::measured_insert(folder, args.repeat, args.requests)?;
    rows.push(Row::plain("limit: bare axum handler, start", bare.started_in * 1e3, "ms"));
    rows.push(Row::plain("limit: bare axum handler, memory", bare.resident, "MiB"));
    rows.push(Row::plain("limit: bare axum handler, CPU", bare.cost.cpu * 1e3, "ms"));
    rows.push(Row::plain("limit: bare axum handler, wall", bare.cost.wall * 1e3, "ms"));
    rows.push(Row::plain("limit: bare durable insert (SQLite), CPU", insert.cpu * 1e3, "ms"));
    rows.push(Row::plain("limit: bare durable insert (SQLite), wall", insert.wall * 1e3, "ms"));
    let bench = Bench { args, folder, runtime, bare, insert };
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
        let limit = Some(("bare handler", self.bare.started_in * 1e3));
        rows.push(Row { limit, ..Row::plain("start, exec to first 200", median(&mut starts) * 1e3, "ms") });
        let body = |_: u32| json!({ "text": self.args.message }).to_string();
        let parse = Request { path: "/model/parse", header: None, body: &body };
        server.load(&self.runtime, FIRST_REQUESTS, &parse)?;
        rows.push(self.memory("resident memory after 1,000 parses", &server));
        let cost = self.measure(&server, &parse)?;
        self.push(rows, ["parse request, CPU", "parse request, wall"], cost, ("bare handler", self.bare.cost));
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
            ("bare handler", self.bare.cost),
        );
        let durable = ("bare handler + insert", self.bare.cost.and(self.insert));
        let server = self.server(&self.sqlite(), "rest:\n")?;
        let sqlite = self.measure(&server, &turn)?;
        self.push(rows, ["durable REST turn (SQLite), CPU", "durable REST turn (SQLite), wall"], sqlite, durable);
        rows.push(self.memory("resident memory at the end", &server));
        drop(server);
        if let Some(url) = &self.args.postgres {
            self.postgres_turn(url, &turn, rows)?;
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

    /// A turn on a PostgreSQL server, beside an insert there.
    fn postgres_turn(&self, url: &str, turn: &Request<'_>, rows: &mut Vec<Row>) -> Result<()> {
        let insert = limits::measured_insert_postgres(url, self.args.repeat, self.args.requests)?;
        rows.push(Row::plain("limit: bare durable insert (PostgreSQL), CPU", insert.cpu * 1e3, "ms"));
        rows.push(Row::plain("limit: bare durable insert (PostgreSQL), wall", insert.wall * 1e3, "ms"));
        let store = format!("{{type: SQL, dialect: postgresql, url: {}}}", json!(url));
        let cost = self.measure(&self.server(&store, "rest:\n")?, turn)?;
        let names = ["durable REST turn (PostgreSQL), CPU", "durable REST turn (PostgreSQL), wall"];
        self.push(rows, names, cost, ("bare handler + its insert", self.bare.cost.and(insert)));
        Ok(())
    }

    /// The server's memory, beside that of a handler that does nothing.
    fn memory(&self, what: &'static str, server: &Server) -> Row {
        Row { limit: Some(("bare handler", self.bare.resident)), ..Row::plain(what, server.resident(), "MiB") }
    }

    /// Delivers an update until it is taken: a server refuses them until it knows
    /// its bot's name.
    fn first_update(&self, server: &Server, update: &Request<'_>) -> Result<()> {
        for _ in 1..400 {
            if server.load(&self.runtime, 1, update).is_ok() {
                return Ok(());
            }
            // A sleep is made within the runtime, or panics.
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
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
