//! Programs under measurement, each in a process of its own. Linux only: `/proc`.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::runtime::Runtime;

/// Tries of a server's start.
const STARTS: usize = 3;

/// What a request costs, seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// The server's processor time, user and system.
    pub(super) cpu: f64,
    /// From sending to the whole answer.
    pub(super) wall: f64,
}

impl Cost {
    /// Both, one after the other.
    pub(super) fn and(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, wall: self.wall + other.wall }
    }
}

/// A server in a process of its own; ends with this value.
pub(super) struct Server {
    child: Child,
    address: String,
    client: reqwest::Client,
    /// From exec to the first answer with 200, seconds.
    pub(super) started_in: f64,
}

/// A request: path, headers, and the body of each number.
pub(super) struct Request<'a> {
    pub(super) path: &'a str,
    pub(super) header: Option<(&'static str, &'a str)>,
    pub(super) body: &'a dyn Fn(u32) -> String,
}

impl Server {
    /// Starts `sapa` with these arguments and a free port behind them. The port is
    /// free when it is asked for; another program may take it first, so there is
    /// more than one try.
    pub(super) fn start(arguments: &[&str], runtime: &Runtime) -> Result<Self> {
        let mut last = Self::start_once(arguments, runtime);
        for _ in 1..STARTS {
            if last.is_ok() {
                break;
            }
            last = Self::start_once(arguments, runtime);
        }
        last
    }

    fn start_once(arguments: &[&str], runtime: &Runtime) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = quiet(arguments);
        command.arg(port.to_string());
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(1).build()?;
        let started = Instant::now();
        let child = command.spawn()?;
        let mut server = Self { child, address: format!("http://127.0.0.1:{port}"), client, started_in: 0.0 };
        while runtime.block_on(async { server.client.get(&server.address).send().await }).is_err() {
            if started.elapsed() > Duration::from_secs(20) || server.child.try_wait()?.is_some() {
                bail!("the server did not start: {}", arguments.join(" "));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.started_in = started.elapsed().as_secs_f64();
        Ok(server)
    }

    /// Where it listens: `host:port`.
    pub(super) fn address(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// What it answers to a GET.
    pub(super) fn get(&self, runtime: &Runtime, path: &str) -> Result<String> {
        let url = format!("{}{path}", self.address);
        runtime.block_on(async { Ok(self.client.get(url).send().await?.text().await?) })
    }

    /// Resident memory, MiB.
    pub(super) fn resident(&self) -> f64 {
        memory(self.child.id(), "VmRSS:").unwrap_or(0.0)
    }

    /// What a request costs: `requests` of them, `rounds` times; the median round
    /// counts, for CPU and wall time each.
    pub(super) fn measure(
        &self,
        runtime: &Runtime,
        rounds: usize,
        requests: u32,
        request: &Request<'_>,
    ) -> Result<Cost> {
        let (mut cpu, mut wall) = (Vec::new(), Vec::new());
        for round in 0..u32::try_from(rounds.max(1))? {
            // No number twice: a channel would know the message again.
            let body = |number: u32| (request.body)(round * requests + number);
            let cost = self.load(runtime, requests, &Request { body: &body, ..*request })?;
            cpu.push(cost.cpu);
            wall.push(cost.wall);
        }
        Ok(Cost { cpu: median(&mut cpu), wall: median(&mut wall) })
    }

    /// Sends requests one after the other on one connection.
    pub(super) fn load(&self, runtime: &Runtime, requests: u32, request: &Request<'_>) -> Result<Cost> {
        let url = format!("{}{}", self.address, request.path);
        let cpu = cpu_seconds(self.child.id())?;
        let started = Instant::now();
        runtime.block_on(async {
            for number in 0..requests {
                let mut post = self.client.post(&url).header("content-type", "application/json");
                if let Some((name, value)) = request.header {
                    post = post.header(name, value);
                }
                let answer = post.body((request.body)(number)).send().await?;
                let (status, body) = (answer.status(), answer.text().await?);
                if !status.is_success() {
                    bail!("request {number} of {requests} to {} got {status}: {body}", request.path);
                }
            }
            anyhow::Ok(())
        })?;
        let (wall, requests) = (started.elapsed().as_secs_f64(), f64::from(requests.max(1)));
        Ok(Cost { cpu: (cpu_seconds(self.child.id())? - cpu) / requests, wall: wall / requests })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program, without output; what goes wrong in it is still shown.
pub(super) fn quiet(arguments: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("sapa"));
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Runs this program to its end: seconds, and its most memory in MiB. What it
/// says of errors is shown when it fails.
pub(super) fn run_to_end(arguments: &[&str], last: &Path) -> Result<(f64, f64)> {
    let started = Instant::now();
    let mut child = quiet(arguments).arg(last).stderr(Stdio::piped()).spawn()?;
    let mut errors = child.stderr.take();
    let said = std::thread::spawn(move || {
        let mut text = String::new();
        errors.as_mut().map(|errors| errors.read_to_string(&mut text));
        text
    });
    let mut most = 0.0_f64;
    let status = loop {
        most = most.max(memory(child.id(), "VmHWM:").unwrap_or(0.0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = started.elapsed().as_secs_f64();
    if !status.success() {
        let said = said.join().unwrap_or_default();
        bail!("`sapa {}` failed:\n{}", arguments.join(" "), said.trim_end());
    }
    Ok((took, most))
}

/// Most memory that this process has had, MiB.
pub(super) fn peak_memory() -> Option<f64> {
    memory(std::process::id(), "VmHWM:")
}

/// Lets [`peak_memory`] start again from what is in use now: `5` to `clear_refs`
/// (proc(5)). Where that is refused, the peak stays the highest ever.
pub(super) fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
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
pub(super) fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("this measurement needs Linux")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

/// The middle one.
pub(super) fn median(values: &mut [f64]) -> f64 {
    percentile(values, 0.5)
}

/// The one with so large a share of the others below it.
pub(super) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * share) as usize).copied().unwrap_or(0.0)
}
