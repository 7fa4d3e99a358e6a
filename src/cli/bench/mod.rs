//! `sapa bench`: training, start, memory, parsing, turns, and understanding,
//! measured on the project in this folder, beside what this machine can do at
//! best. Linux only: it reads `/proc`.

mod flood;
mod held_out;
mod limits;
mod nlu;
mod process;
mod project;
mod scale;
mod servers;
mod table;
mod telegram;
mod turns;
mod wire;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use self::process::median;
use self::table::{Row, print};
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
    /// Only insert bare rows into the database of `--postgres`.
    #[arg(long, hide = true)]
    insert_bare_postgres: bool,
    /// Only read the YAML of the project in this folder.
    #[arg(long, hide = true)]
    read_bare: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Train and judge a pipeline on data sets, beside other learners.
    Nlu(nlu::NluArgs),
    /// Durable turns a second at several numbers of connections, on a trained project.
    Turns(turns::TurnsArgs),
    /// What many conversations, a long one, open connections and a flood cost, on a
    /// trained project.
    Scale(scale::ScaleArgs),
}

/// Runs the command.
pub(super) fn run(args: &BenchArgs) -> Result<ExitCode> {
    match &args.what {
        Some(What::Nlu(args)) => return nlu::run(args),
        Some(What::Turns(args)) => return turns::run(args),
        Some(What::Scale(args)) => return scale::run(args),
        None => {}
    }
    if let Some(port) = args.serve_bare {
        return limits::serve_bare(port);
    }
    if let Some(file) = &args.insert_bare {
        return limits::insert_bare(file, args.requests);
    }
    if let Some(folder) = &args.read_bare {
        return limits::read_bare(folder);
    }
    if args.insert_bare_postgres {
        let url = args.postgres.as_deref().context("`--insert-bare-postgres` needs `--postgres`")?;
        return limits::insert_bare_postgres(url, args.requests);
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
    if !args.only_nlu && args.postgres.is_none() {
        terminal::note("turns on PostgreSQL were not measured: name an empty database with `--postgres`");
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &BenchArgs, rows: &mut Vec<Row>) -> Result<()> {
    if let Some(url) = &args.postgres {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(limits::must_be_empty(url))?;
    }
    let folder = std::env::temp_dir().join(format!("sapa-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = train(args, &folder, rows).and_then(|()| servers::measure(args, &folder, rows));
    let _ = std::fs::remove_dir_all(&folder);
    result
}

/// Trains from nothing, each time in a process of its own, beside one that only
/// reads the same files.
fn train(args: &BenchArgs, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let line = ["train", "--force", "--quiet", "--fixed-model-name", "bench", "--out"];
    let (seconds, most) = run_often(args.repeat, &line, folder)?;
    let (wall, peak) = run_often(args.repeat, &["bench", "--read-bare"], Path::new("."))?;
    rows.push(Row::plain("limit: reading the YAML, wall", wall, "s"));
    rows.push(Row::plain("limit: reading the YAML, peak memory", peak, "MiB"));
    let limit = |value| Some(("reading the YAML", value));
    rows.push(Row { limit: limit(wall), ..Row::plain("training, wall", seconds, "s") });
    rows.push(Row { limit: limit(peak), ..Row::plain("training, peak memory", most, "MiB") });
    Ok(())
}

/// Medians of seconds and of the most memory, MiB.
fn run_often(times: usize, line: &[&str], last: &Path) -> Result<(f64, f64)> {
    let (mut seconds, mut peak) = (Vec::new(), Vec::new());
    for _ in 0..times.max(1) {
        let (took, most) = process::run_to_end(line, last)?;
        seconds.push(took);
        peak.push(most);
    }
    Ok((median(&mut seconds), median(&mut peak)))
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
