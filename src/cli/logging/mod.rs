//! Logs: to standard error, and to a file and a syslog server when asked for;
//! every line masked (promise: no NIK, NIP, phone, e-mail, code or password in a
//! log).

mod syslog;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use clap::Args;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::Verbosity;

/// Where else the log goes (spec §7, `run`).
#[derive(Clone, Debug, Args)]
pub(super) struct LogFlags {
    /// Also write the log to this file, behind what it holds.
    #[arg(long)]
    log_file: Option<PathBuf>,
    /// Also send the log to a syslog server.
    #[arg(long)]
    use_syslog: bool,
    /// Host of the syslog server.
    #[arg(long, default_value = "localhost")]
    syslog_address: String,
    /// Its port.
    #[arg(long, default_value_t = 514)]
    syslog_port: u16,
    /// How it is reached.
    #[arg(long, value_enum, ignore_case = true, default_value = "UDP")]
    syslog_protocol: syslog::Protocol,
}

/// Starts logging. A server says what it does, other commands only what is
/// wrong, unless asked for more.
pub(super) fn start(verbosity: &Verbosity, is_server: bool, flags: Option<&LogFlags>) -> Result<()> {
    let level = match (verbosity.quiet, verbosity.debug || verbosity.verbose > 1, verbosity.verbose > 0 || is_server) {
        (true, _, _) => "warn",
        (_, true, _) if is_server => "debug",
        (_, _, true) => "info",
        _ => "error",
    };
    // What these say of a lost connection, the brokers say in one line.
    let quiet = |level: String, name: &str| if level.contains(name) { level } else { format!("{level},{name}=off") };
    let with_quiet = |level: String| quiet(quiet(level, "lapin"), "rskafka");
    let asked = super::dotenv::variable("LOG_LEVEL").and_then(|level| EnvFilter::try_new(with_quiet(level)).ok());
    let filter = asked.unwrap_or_else(|| EnvFilter::new(with_quiet(format!("{level},sqlx=warn,hyper=warn"))));
    let places = flags.map(Places::open).transpose()?.unwrap_or_default();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(super::terminal::has_colour() && places.is_alone())
        .with_writer(Masked(Arc::new(places)))
        .with_target(false)
        .try_init();
    Ok(())
}

/// Where lines go besides standard error.
#[derive(Debug, Default)]
struct Places {
    file: Option<Mutex<File>>,
    syslog: Option<SyncSender<syslog::Line>>,
}

impl Places {
    fn open(flags: &LogFlags) -> Result<Self> {
        let file = flags.log_file.as_deref().map(open_file).transpose()?;
        let syslog =
            flags.use_syslog.then(|| syslog::start(&flags.syslog_address, flags.syslog_port, flags.syslog_protocol));
        Ok(Self { file: file.map(Mutex::new), syslog: syslog.transpose()? })
    }

    fn is_alone(&self) -> bool {
        self.file.is_none() && self.syslog.is_none()
    }

    /// A place that fails must not stop the work that is logged.
    fn write(&self, level: Level, time: &str, line: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{time} {line}");
        if let Some(file) = &self.file {
            // Whole lines, whoever writes: nothing is half done behind a panic.
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(format!("{time} {line}\n").as_bytes());
        }
        if let Some(syslog) = &self.syslog {
            // The server notes the time itself.
            let _ = syslog.try_send((level, line.to_owned()));
        }
    }
}

/// The file, for its owner only where it is new: masked or not, a log tells who
/// wrote when.
fn open_file(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot write the log to `{}`", path.display()))
}

/// Writes whole log lines with everything personal masked.
struct Masked(Arc<Places>);

struct MaskedLine {
    line: Vec<u8>,
    level: Level,
    places: Arc<Places>,
}

impl<'a> MakeWriter<'a> for Masked {
    type Writer = MaskedLine;

    fn make_writer(&'a self) -> Self::Writer {
        MaskedLine { line: Vec::new(), level: Level::INFO, places: Arc::clone(&self.0) }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        let mut line = self.make_writer();
        line.level = *meta.level();
        line
    }
}

impl Write for MaskedLine {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for MaskedLine {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        // The time stands before the first space and is no number of a person.
        let (time, rest) = text.split_once(' ').unwrap_or(("", &text));
        self.places.write(self.level, time, &sapa_sdk::pii::mask(rest.trim_end()));
    }
}
