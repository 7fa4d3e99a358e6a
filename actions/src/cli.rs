//! The command line.

use std::{
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use axum::http::HeaderValue;
use clap::{Args, Parser, Subcommand};
use sapa_sdk::{Date, pii::mask, server::DEFAULT_PORT};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    Clock, FixedClock, Helpdesk, People, Settings, Store, SystemClock, Ticket, TicketStatus, action_server, logging,
};

/// Longest answer that is read, bytes.
const MOST_ANSWER: u64 = 65_536;

/// Custom actions of the ICT helpdesk bot.
#[derive(Debug, Parser)]
#[command(name = "helpdesk-actions", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the actions (the default).
    Run(RunArgs),
    /// List the tickets, personal data masked; change one's status.
    Tiket(TicketArgs),
    /// Tell whether a service answers, for containers without a shell.
    Health(HealthArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Port to listen on.
    #[arg(long, short, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Database file.
    #[arg(long, default_value = "helpdesk.db")]
    db: PathBuf,
    /// People known to the office.
    #[arg(long, default_value = "actions/data_pengguna.json")]
    people: PathBuf,
    /// Pretend that it is this day (YYYY-MM-DD).
    #[arg(long)]
    today: Option<Date>,
    /// Origin of a web page that may call the server; repeatable.
    #[arg(long)]
    cors: Vec<HeaderValue>,
    /// WhatsApp contact of the personnel agency.
    #[arg(long, env = "HELPDESK_WA_BPKSDM", default_value = "0812-0000-0000")]
    wa_bpksdm: String,
    /// Address of the SIMASN site.
    #[arg(long, env = "HELPDESK_URL_SIMASN", default_value = "https://simasn.contoh.go.id")]
    url_simasn: String,
}

#[derive(Debug, Args)]
struct HealthArgs {
    /// Address of the service: host and port, with or without `http://` and a path.
    #[arg(default_value = "127.0.0.1:5055")]
    address: String,
}

#[derive(Debug, Args)]
struct TicketArgs {
    /// Number of a ticket, and its new status: baru, diproses, menunggu_pemohon or
    /// selesai.
    #[arg(long, num_args = 2, value_names = ["NUMBER", "STATUS"])]
    ubah: Option<Vec<String>>,
    /// Show this ticket with the conversation's id, the NIP or NIK and the contacts in
    /// full, for whoever works on it.
    #[arg(long, value_name = "NUMBER")]
    rinci: Option<String>,
    /// Database file.
    #[arg(long, default_value = "helpdesk.db")]
    db: PathBuf,
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// A file cannot be used or the address is taken.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Some(Command::Tiket(args)) => list_tickets(args).await,
            Some(Command::Health(args)) => answers(&args.address).await,
            Some(Command::Run(args)) => serve(args).await,
            None => serve(self.run).await,
        }
    }
}

async fn serve(args: RunArgs) -> anyhow::Result<()> {
    logging::start();
    let clock: Arc<dyn Clock> = match args.today {
        Some(day) => Arc::new(FixedClock(day)),
        None => Arc::new(SystemClock),
    };
    let desk = Arc::new(Helpdesk {
        settings: Settings { whatsapp_bpksdm: args.wa_bpksdm, url_simasn: args.url_simasn },
        people: People::load(&args.people, clock.now().date)?,
        store: Store::open(&args.db).await?,
        clock,
    });
    let server = action_server(Arc::clone(&desk)).allow_origins(args.cors);
    let address = SocketAddr::new(args.host, args.port);
    let listener = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    tracing::info!(address = %listener.local_addr()?, actions = server.names().count(), "the action server is ready");
    server.serve(listener, stop_signal()).await?;
    desk.store.close().await;
    tracing::info!("the action server has stopped");
    Ok(())
}

/// One line with what to do, by what is the matter.
fn cannot_listen(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "stop the program that listens there, or choose another port with `--port` and name it in endpoints.yml"
        }
        io::ErrorKind::PermissionDenied => "choose a port above 1023 with `--port`",
        _ => "choose another address with `--host`, or another port with `--port`",
    };
    anyhow!("cannot listen on {address}: {error}; {cure}")
}

/// Completes on Ctrl-C, or when the service manager says so.
async fn stop_signal() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a signal handler the process is stopped from outside.
        std::future::pending::<()>().await;
    }
}

/// Host and port of an address, which may be written as a URL.
fn host_and_port(address: &str) -> String {
    let host = address.strip_prefix("http://").unwrap_or(address);
    let host = host.split('/').next().unwrap_or_default();
    if host.contains(':') { host.to_owned() } else { format!("{host}:{DEFAULT_PORT}") }
}

/// Asks the service for its health.
async fn answers(address: &str) -> anyhow::Result<()> {
    let address = &host_and_port(address);
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.take(MOST_ANSWER).read_to_end(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let cure = "start it with `helpdesk-actions run`, or name another address";
    let answer = tokio::time::timeout(Duration::from_secs(3), ask)
        .await
        .with_context(|| format!("{address} does not answer; see the service's log"))?
        .with_context(|| format!("nothing answers at {address}; {cure}"))?;
    if !answer.starts_with(b"HTTP/1.1 200") {
        bail!("the service at {address} is not well; see its log");
    }
    Ok(())
}

async fn list_tickets(args: TicketArgs) -> anyhow::Result<()> {
    let store = Store::open_existing(&args.db).await?;
    if let Some([number, status]) = args.ubah.as_deref() {
        let status = TicketStatus::named(status)
            .with_context(|| format!("there is no status `{status}`; use {}", TicketStatus::NAMES.join(", ")))?;
        if !store.set_status(number, status).await? {
            bail!("there is no ticket {number}");
        }
    }
    let tickets = store.tickets().await?;
    if let Some(number) = &args.rinci {
        let ticket = tickets.iter().find(|ticket| ticket.number == *number);
        let ticket = ticket.with_context(|| format!("there is no ticket {number}"))?;
        return std::io::stdout().write_all(details(ticket).as_bytes()).context("cannot write the ticket");
    }
    std::io::stdout().write_all(table(&tickets).as_bytes()).context("cannot write the table")
}

/// Tickets as a table with aligned columns.
fn table(tickets: &[Ticket]) -> String {
    if tickets.is_empty() {
        return "Belum ada tiket.\n".to_owned();
    }
    let head = ["NOMOR", "DIBUAT", "STATUS", "TOPIK", "PENGIRIM", "RINGKASAN"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(tickets.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("{}\n", cells.join("  ").trim_end())
        })
        .collect()
}

/// One ticket, unmasked.
fn details(ticket: &Ticket) -> String {
    let identity = ticket.identity.as_deref().unwrap_or("-");
    let lines = [
        ("Nomor", ticket.number.as_str()),
        ("Dibuat", &ticket.created),
        ("Status", ticket.status.words()),
        ("Topik", &ticket.topic),
        ("Percakapan", &ticket.sender_id),
        ("NIP/NIK", identity),
        ("Kontak", if ticket.contacts.is_empty() { "-" } else { &ticket.contacts }),
        ("Ringkasan", &ticket.summary),
    ];
    lines.map(|(name, value)| format!("{name:<11} {value}\n")).concat()
}

fn row(ticket: &Ticket) -> [String; 6] {
    let one_line = |text: &str| mask(text).split_whitespace().collect::<Vec<_>>().join(" ");
    [
        ticket.number.clone(),
        ticket.created.clone(),
        ticket.status.words().to_owned(),
        one_line(&ticket.topic),
        // A channel's sender id may be a phone number.
        one_line(&ticket.sender_id),
        one_line(&ticket.summary),
    ]
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::TicketStatus;

    #[test]
    fn the_command_line_is_consistent_and_run_is_the_default() {
        Cli::command().debug_assert();
        let cli = Cli::parse_from(["helpdesk-actions", "--port", "6000", "--today", "2026-11-23"]);
        assert!(cli.command.is_none());
        assert_eq!((cli.run.port, cli.run.today), (6000, Date::new(2026, 11, 23)));
        assert!(Cli::try_parse_from(["helpdesk-actions", "--today", "2026-02-30"]).is_err());
    }

    #[test]
    fn the_table_is_aligned_and_masked() {
        let ticket = Ticket {
            number: "HD-2026-000001".into(),
            sender_id: "6281200000999".into(),
            topic: "umum".into(),
            identity: Some("198609262015051001".to_owned()),
            contacts: "081200000999".to_owned(),
            summary: "baris satu\nnip [nip]".into(),
            status: TicketStatus::New,
            created: "2026-11-23T00:00:00+07:00".into(),
        };
        // Whoever works on it sees whom it is about.
        let detail = details(&ticket);
        assert!(detail.contains("Kontak      081200000999\n"), "{detail}");
        assert!(detail.contains("NIP/NIK     198609262015051001\n") && detail.contains("Percakapan  6281200000999\n"));
        assert_eq!(
            table(&[ticket]),
            "NOMOR           DIBUAT                     STATUS            TOPIK  PENGIRIM   RINGKASAN\n\
             HD-2026-000001  2026-11-23T00:00:00+07:00  menunggu petugas  umum   [telepon]  baris satu nip [nip]\n"
        );
        assert_eq!(table(&[]), "Belum ada tiket.\n");
    }
}
