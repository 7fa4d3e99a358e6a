//! Log lines to a syslog server (RFC 3164), as Rasa's `--use-syslog`. A thread of
//! its own sends them: a server that does not take them holds up no turn.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, Result, anyhow};
use syslog::{Facility, Formatter3164, Logger, LoggerBackend};
use tracing::Level;

use super::super::terminal;

/// Lines that may wait; what comes on top while they do is left out there. The
/// log on standard error has all.
const MOST_WAITING: usize = 1_024;

/// How lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
pub(in crate::cli) enum Protocol {
    /// One datagram a line.
    Udp,
    /// One connection; a line feed ends a line (RFC 6587 §3.4.2).
    Tcp,
}

/// A masked line and how grave it is.
pub(super) type Line = (Level, String);

/// Starts to send: what goes into the channel goes to the server.
///
/// # Errors
///
/// When the name has no address, or nobody listens there by TCP.
pub(super) fn start(host: &str, port: u16, protocol: Protocol) -> Result<SyncSender<Line>> {
    let cure =
        || format!("cannot log to the syslog server {host}:{port}; correct `--syslog-address` and `--syslog-port`");
    let address = (host, port).to_socket_addrs().with_context(cure)?.next().with_context(cure)?;
    let logger = open(address, protocol).with_context(cure)?;
    let (lines, coming) = sync_channel(MOST_WAITING);
    std::thread::Builder::new().name("syslog".to_owned()).spawn(move || send(&coming, logger, address, protocol))?;
    Ok(lines)
}

type Sender = Logger<LoggerBackend, Formatter3164>;

fn open(address: SocketAddr, protocol: Protocol) -> Result<Sender> {
    let formatter = Formatter3164 {
        facility: Facility::LOG_USER,
        hostname: None,
        process: "sapa".to_owned(),
        pid: std::process::id(),
    };
    let here: SocketAddr =
        if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let logger = match protocol {
        Protocol::Udp => syslog::udp(formatter, here, address),
        Protocol::Tcp => syslog::tcp(formatter, address),
    };
    logger.map_err(|error| anyhow!("{error}"))
}

/// Sends what comes. A connection that broke is opened anew for the next line.
fn send(coming: &Receiver<Line>, logger: Sender, address: SocketAddr, protocol: Protocol) {
    let mut logger = Some(logger);
    let mut was_told = false;
    for (level, line) in coming {
        if logger.is_none() {
            logger = open(address, protocol).ok();
        }
        let sent = logger.as_mut().is_some_and(|logger| say(logger, level, &line, protocol));
        if !sent {
            logger = None;
            if !was_told {
                terminal::note(&format!("the syslog server {address} takes no lines; trying again with each"));
            }
        }
        was_told = !sent;
    }
}

fn say(logger: &mut Sender, level: Level, line: &str, protocol: Protocol) -> bool {
    let end = if protocol == Protocol::Tcp { "\n" } else { "" };
    let text = format!("{line}{end}");
    let said = match level {
        Level::ERROR => logger.err(text),
        Level::WARN => logger.warning(text),
        Level::INFO => logger.info(text),
        _ => logger.debug(text),
    };
    said.is_ok()
}
