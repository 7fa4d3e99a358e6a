//! `fuzz <target> [--seconds N] [--seed N] [--corpus FOLDER]... [--findings FOLDER]`
//!
//! Mutates inputs for so long. An input that panics or takes over a second is
//! saved, and the exit code is 1.

use sapa_fuzz::corpus;
use sapa_fuzz::mutate::{Random, mutate};
use sapa_fuzz::targets::{TARGETS, Target};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// An input that takes longer hangs, for all that a user can tell.
const SLOW: Duration = Duration::from_secs(1);
/// After that it is not waited for.
const STUCK: Duration = Duration::from_secs(60);
/// Findings after which the run ends.
const MOST_FINDINGS: usize = 20;

struct Arguments {
    target: Target,
    seconds: u64,
    seed: u64,
    corpus: Vec<PathBuf>,
    findings: PathBuf,
}

fn arguments() -> Result<Arguments, String> {
    let mut given = std::env::args().skip(1);
    let name = given.next().unwrap_or_default();
    let names = TARGETS.map(|(name, _)| name).join(", ");
    let target =
        TARGETS.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("give one target of {names}"))?.1;
    let mut read =
        Arguments { target, seconds: 10, seed: 1, corpus: Vec::new(), findings: PathBuf::from("fuzz/findings") };
    while let Some(flag) = given.next() {
        let value = given.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{flag}` needs a number"));
        match flag.as_str() {
            "--seconds" => read.seconds = number()?,
            "--seed" => read.seed = number()?,
            "--corpus" => read.corpus.push(PathBuf::from(&value)),
            "--findings" => read.findings = PathBuf::from(&value),
            _ => return Err(format!("`{flag}` is not known")),
        }
    }
    Ok(read)
}

fn main() -> ExitCode {
    match arguments() {
        Ok(arguments) => run(&arguments),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> ExitCode {
    let mut inputs = corpus::small();
    inputs.extend(arguments.corpus.iter().flat_map(|folder| corpus::read(folder)));
    let mut random = Random::new(arguments.seed);
    let (started, mut tried, mut found, mut slowest) = (Instant::now(), 0_u64, 0, Duration::ZERO);
    let mut worker = Worker::start(arguments.target);
    while started.elapsed().as_secs() < arguments.seconds && found < MOST_FINDINGS {
        let input = mutate(&inputs, &mut random);
        tried += 1;
        let (outcome, took) = worker.run(&input);
        slowest = slowest.max(took);
        let what = match outcome {
            Outcome::Panicked => "panic",
            Outcome::Stuck => "stuck",
            Outcome::Done if took > SLOW => "slow",
            Outcome::Done => continue,
        };
        found += 1;
        save(&arguments.findings, what, tried, &input);
        worker = Worker::start(arguments.target);
    }
    println!("{tried} inputs, {found} findings, the slowest took {slowest:?}");
    ExitCode::from(u8::from(found > 0))
}

enum Outcome {
    Done,
    Panicked,
    Stuck,
}

/// The target in a thread of its own, so that a hang can be told from work.
struct Worker {
    inputs: Sender<Vec<u8>>,
    done: Receiver<()>,
}

impl Worker {
    fn start(target: Target) -> Self {
        let (inputs, given) = channel::<Vec<u8>>();
        let (say, done) = channel();
        std::thread::spawn(move || {
            for input in given {
                target(&input);
                if say.send(()).is_err() {
                    return;
                }
            }
        });
        Self { inputs, done }
    }

    fn run(&self, input: &[u8]) -> (Outcome, Duration) {
        let started = Instant::now();
        // A thread that panicked hears nothing; its answer never comes either.
        let _ = self.inputs.send(input.to_vec());
        let outcome = match self.done.recv_timeout(STUCK) {
            Ok(()) => Outcome::Done,
            Err(RecvTimeoutError::Disconnected) => Outcome::Panicked,
            Err(RecvTimeoutError::Timeout) => Outcome::Stuck,
        };
        (outcome, started.elapsed())
    }
}

fn save(folder: &Path, what: &str, number: u64, input: &[u8]) {
    let path = folder.join(format!("{what}-{number}"));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, input));
    match written {
        Ok(()) => eprintln!("{what}: saved as {}", path.display()),
        Err(error) => eprintln!("{what}: {} cannot be written: {error}", path.display()),
    }
}
