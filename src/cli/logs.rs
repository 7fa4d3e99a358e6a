//! `sapa logs`: a log file, with everything personal masked once more.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sapa_project::endpoints::CHANNELS;

use super::terminal;

/// How often a file is looked at for more.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// Log file; `run.sh` and `run.ps1` write this one.
    #[arg(default_value = "logs/server.log")]
    file: PathBuf,
    /// Only lines of this channel, such as `telegram`.
    #[arg(long)]
    channel: Option<String>,
    /// Go on with what is written from now on.
    #[arg(short, long)]
    follow: bool,
}

/// Prints the log.
pub(super) fn run(args: &LogsArgs) -> Result<ExitCode> {
    let file = open(&args.file)?;
    if let Some(channel) = args.channel.as_deref().filter(|channel| !CHANNELS.contains(channel)) {
        let cure =
            sapa_project::suggest::cure(channel, CHANNELS.iter().copied(), "name one of Rasa's, such as `telegram`");
        bail!("`--channel {channel}`: there is no such channel; {cure}");
    }
    let mut reader = BufReader::new(file);
    let wanted = args.channel.as_ref().map(|channel| format!("channel=\"{channel}\""));
    let mut line = Vec::new();
    loop {
        let read = reader.read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") || (read == 0 && !args.follow && !line.is_empty()) {
            let text = String::from_utf8_lossy(&line);
            if wanted.as_ref().is_none_or(|wanted| text.contains(wanted)) {
                terminal::say(&masked(text.trim_end()));
            }
            line.clear();
        }
        match (read, args.follow) {
            (0, false) => return Ok(ExitCode::SUCCESS),
            (0, true) => {
                std::thread::sleep(PAUSE);
                if let Some(anew) = begun_anew(&args.file, &mut reader)? {
                    (reader, line) = (anew, Vec::new());
                }
            }
            _ => {}
        }
    }
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).with_context(|| {
        format!("cannot read `{}`; start the bot with run.sh or run.ps1, or name another file", path.display())
    })?;
    if file.metadata()?.is_dir() {
        bail!("`{}` is a folder; name a log file in it, such as `server.log`", path.display());
    }
    Ok(file)
}

/// The log from its beginning, when it was emptied or another file stands in its
/// place: a start of the bot begins a new one.
fn begun_anew(path: &Path, reader: &mut BufReader<File>) -> Result<Option<BufReader<File>>> {
    // Between two logs there may be none for a moment.
    let Ok(file) = File::open(path) else { return Ok(None) };
    let (now, read) = (file.metadata()?, reader.get_ref().metadata()?);
    #[cfg(unix)]
    let is_other = {
        use std::os::unix::fs::MetadataExt as _;
        (now.dev(), now.ino()) != (read.dev(), read.ino())
    };
    #[cfg(not(unix))]
    let is_other = now.created().ok() != read.created().ok();
    let is_shorter = now.len() < reader.stream_position()?;
    Ok((is_other || is_shorter).then(|| BufReader::new(file)))
}

/// The time before the first space is no number of a person.
fn masked(line: &str) -> String {
    let (time, rest) = line.split_once(' ').unwrap_or(("", line));
    format!("{time} {}", sapa_sdk::pii::mask(rest))
}
