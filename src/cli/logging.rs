//! Logs: to standard error, every line masked (promise: no NIK, NIP, phone,
//! e-mail, code or password in a log).

use std::io::Write;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::Verbosity;

/// Starts logging. A server says what it does, other commands only what is
/// wrong, unless asked for more.
pub(super) fn start(verbosity: &Verbosity, is_server: bool) {
    let level = match (verbosity.quiet, verbosity.debug || verbosity.verbose > 1, verbosity.verbose > 0 || is_server) {
        (true, _, _) => "warn",
        (_, true, _) if is_server => "debug",
        (_, _, true) => "info",
        _ => "error",
    };
    let asked = super::dotenv::variable("LOG_LEVEL").and_then(|level| EnvFilter::try_new(level).ok());
    let filter = asked.unwrap_or_else(|| EnvFilter::new(format!("{level},sqlx=warn,hyper=warn")));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Masked)
        .with_ansi(super::terminal::has_colour())
        .with_target(false)
        .try_init();
}

/// Writes whole log lines with everything personal masked.
struct Masked;

struct MaskedLine {
    line: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Masked {
    type Writer = MaskedLine;

    fn make_writer(&'a self) -> Self::Writer {
        MaskedLine { line: Vec::new() }
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
        let _ = writeln!(std::io::stderr().lock(), "{time} {}", sapa_sdk::pii::mask(rest.trim_end()));
    }
}
