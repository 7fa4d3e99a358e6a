//! `sapa run`: the server.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::bot::{self, BotArgs};
use super::dotenv::Environment;
use super::logging::LogFlags;
use super::server_flags::{DoorFlags, ListeningFlags, StorageFlags};
use super::{idle, models, pull, terminal};
use crate::agent::{Agent, LoadedModel, ModelServer, Speakers};
use crate::server::{self, Guard, JwtKey, LoadModel, Patience, ServerOptions};
use crate::store::Store;
use crate::{brokers, channels, locks};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RunArgs {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    bot: BotArgs,
    /// Address to listen on.
    #[arg(short, long, default_value = "0.0.0.0")]
    interface: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(short, long, default_value_t = 5005)]
    port: u16,
    /// Serve the HTTP API besides the channels.
    #[arg(long)]
    enable_api: bool,
    /// Token that the API asks for.
    #[arg(short = 't', long, env = "AUTH_TOKEN", hide_env_values = true)]
    auth_token: Option<String>,
    /// Origins that browsers may call from; `*` for all.
    #[arg(long, num_args = 0..)]
    cors: Vec<String>,
    /// Serve only this channel.
    #[arg(long)]
    connector: Option<String>,
    /// Model file or folder, as Rasa takes it at the end of the line.
    model_as_positional: Option<PathBuf>,
    #[command(flatten)]
    door: DoorFlags,
    #[command(flatten)]
    pub(super) log: LogFlags,
    #[command(flatten)]
    storage: StorageFlags,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Not served: an action server is a program of its own.
    Actions(ActionsArgs),
}

/// The flags of `rasa run actions`, so that its line gets the right answer.
#[derive(Debug, Args)]
struct ActionsArgs {
    #[arg(long, hide = true, default_value = "actions")]
    actions: String,
    #[arg(long, hide = true)]
    auto_reload: bool,
    #[arg(long, hide = true)]
    log_file: Option<PathBuf>,
    #[command(flatten)]
    listening: ListeningFlags,
}

/// Runs the server until it is told to stop.
pub(super) fn run(args: RunArgs) -> Result<ExitCode> {
    if let Some(Part::Actions(actions)) = &args.part {
        bail!(
            "`run actions` is not served: actions written with rasa-sdk are Python, start them with `python -m rasa_sdk --actions {} --port {}`; the helpdesk's are started with `helpdesk-actions`. Then name the server in `endpoints.yml` under `action_endpoint`",
            actions.actions,
            actions.listening.port().unwrap_or(5055)
        );
    }
    args.storage.refuse()?;
    idle::say(&args.door.idle());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(worker_threads()).enable_all().build()?;
    runtime.block_on(serve(args))
}

/// Half the cores: the store's threads want the others, and a turn that hops
/// between few threads costs much less than one that hops between many.
/// `TOKIO_WORKER_THREADS` wins.
pub(super) fn worker_threads() -> usize {
    let wanted = super::dotenv::variable("TOKIO_WORKER_THREADS").and_then(|v| v.parse().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    wanted.unwrap_or(cores / 2).max(1)
}

async fn serve(args: RunArgs) -> Result<ExitCode> {
    let environment = Environment::read();
    // Before anything is opened: nobody waits for a model to learn of a typo.
    let tls = args.door.tls()?.map(|files| server::acceptor(&files)).transpose()?;
    let guard = guard(&args)?;
    let endpoints = bot::read_endpoints(&args.bot.endpoints, &environment)?;
    let credentials = bot::read_credentials(&args.bot.credentials, &environment)?;
    let wanted = args.model_as_positional.as_ref().unwrap_or(&args.bot.model);
    let model = models::find(wanted);
    if model.is_none() && !wanted.exists() && wanted.as_path() != std::path::Path::new(bot::MODELS) {
        bail!("`{}` does not exist; name a model file, or a folder of models", wanted.display());
    }
    let model_server = ModelServer::new(endpoints.models.clone())?;
    if model.is_none() && model_server.is_none() && !args.enable_api {
        terminal::say(&format!("No model found in `{}`. Train one with `sapa train` first.", wanted.display()));
        return Ok(ExitCode::SUCCESS);
    }
    // The model is read while the store opens: each keeps a thread of its own busy.
    let loading = model.map(|path| tokio::task::spawn_blocking(move || load(path)));
    let store = bot::open_store(&endpoints).await?;
    let broker = match &endpoints.event_broker {
        Some(section) => Some(brokers::open(section).await?),
        None => None,
    };
    let agent = bot::agent(&endpoints, Arc::clone(&store), args.bot.request_timeout)?;
    let shared_locks = locks::open(endpoints.lock_store.as_ref(), &store).await?;
    let agent = agent.with_shared_locks(shared_locks);
    let agent = Arc::new(if broker.is_some() { agent.with_broker() } else { agent });
    match loading {
        Some(loading) => agent.models.set(Some(loading.await??)),
        None if model_server.is_none() => tracing::warn!("no model found: the server starts empty"),
        None => {}
    }
    let pulling = match model_server {
        Some(server) => pull::start(server, Arc::clone(&agent)).await,
        None => None,
    };
    let load = Some(LoadModel(Arc::new(|path| another(path).map_err(|error| format!("{error:#}")))));
    let options =
        ServerOptions { enable_api: args.enable_api, guard, cors: args.cors.clone(), load, ..ServerOptions::default() };
    let has_to_stop = Arc::clone(&options.stopping);
    let channels = channels::open(&agent, &credentials, args.connector.as_deref())?;
    let pruning = tokio::spawn(prune(Arc::clone(&store)));
    let model_id = agent.models.get().map(|loaded| loaded.model.id.clone()).unwrap_or_default();
    warm_up(&agent);
    let (stop, stopping) = watch::channel(false);
    // The last turns of the workers leave messages, too: these go out behind them.
    let (all_done, sent) = watch::channel(false);
    let mut routes = Vec::new();
    let mut workers = JoinSet::new();
    let mut senders = HashMap::new();
    for channel in channels {
        routes.push((channel.name, channel.router));
        senders.extend(channel.sender.map(|sender| (channel.name, sender)));
        if let Some(work) = channel.worker {
            workers.spawn(work(stopping.clone()));
        }
    }
    // Nobody else sets them.
    let _ = agent.speakers.set(Speakers { senders, known: channels::speakers() });
    let pump = tokio::spawn(channels::outbox::run(Arc::clone(&agent), sent.clone()));
    workers.spawn(channels::reminders::run(Arc::clone(&agent), stopping.clone()));
    if let Some(broker) = broker {
        workers.spawn(brokers::run(Arc::clone(&agent), broker, stopping));
    }
    let router = server::router(agent, routes, options);
    let address = SocketAddr::new(args.interface, args.port);
    let listener = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), model_id, "Sapa is listening");
    let patience = Patience { answer: args.door.response_timeout(), ..Patience::default() };
    serve_until_stopped(listener, router, patience, tls, &has_to_stop).await;
    pruning.abort();
    if let Some(pulling) = pulling {
        pulling.abort();
    }
    // Nobody listens when no channel has a worker.
    let _ = stop.send(true);
    workers.join_all().await;
    let _ = all_done.send(true);
    // A panic of its own was told already.
    let _ = pump.await;
    store.close().await?;
    tracing::info!("Sapa has stopped");
    Ok(ExitCode::SUCCESS)
}

/// What the API asks for. An empty token is none, wherever it stands: nobody can
/// say it and mean it.
fn guard(args: &RunArgs) -> Result<Guard> {
    let token = args.auth_token.clone().filter(|token| !token.trim().is_empty());
    let jwt = args.door.jwt()?;
    let is_open = token.is_none() && jwt.is_none();
    if args.enable_api && is_open && (args.auth_token.is_some() || !args.interface.is_loopback()) {
        tracing::warn!(
            "without AUTH_TOKEN or JWT_SECRET (`--auth-token`, `--jwt-secret`) the API is open to everybody who reaches this port"
        );
    }
    if jwt.as_ref().is_some_and(JwtKey::is_weak) {
        tracing::warn!("the JWT secret is short enough to be guessed from one token; use 32 random characters or more");
    }
    Ok(Guard { token, jwt })
}

fn load(path: PathBuf) -> Result<LoadedModel> {
    Ok(LoadedModel { model: Arc::new(models::load(&path)?), path })
}

/// The model of `PUT /model`, compiled: the next message finds it ready.
fn another(path: &std::path::Path) -> Result<LoadedModel> {
    let found = models::find(path).ok_or_else(|| anyhow!("`{}` is no model", path.display()))?;
    let loaded = load(found)?;
    loaded.model.parse("halo");
    Ok(loaded)
}

/// Has the model compile what it compiles when it is first needed, so that no
/// user waits for it.
fn warm_up(agent: &Agent) {
    if let Some(loaded) = agent.models.get() {
        tokio::task::spawn_blocking(move || loaded.model.parse("halo"));
    }
}

/// One line with what to do, by what is the matter.
fn cannot_listen(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse => "stop the program that listens there, or choose another port with `--port`",
        io::ErrorKind::PermissionDenied => "choose a port above 1023 with `--port`",
        _ => "choose another address with `--interface`, or another port with `--port`",
    };
    anyhow!("cannot listen on {address}: {error}; {cure}")
}

/// How long repeated messages are recognised, and how often older rows go.
const KEEP_SECONDS: f64 = 86_400.0;
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// Forgets inbox rows, sent messages and action answers after a day.
async fn prune(store: Arc<dyn Store>) {
    let mut hours = tokio::time::interval(PRUNE_EVERY);
    loop {
        hours.tick().await;
        match store.prune((bot::clock())() - KEEP_SECONDS).await {
            Ok(rows) if rows > 0 => tracing::info!(rows, "forgot what is older than a day"),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "could not forget old rows"),
        }
    }
}

/// How long requests under way may take once the server is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Serves; told to stop, it finishes what is under way, but waits for no one who
/// has sent half a request.
async fn serve_until_stopped(
    listener: TcpListener,
    router: axum::Router,
    patience: Patience,
    tls: Option<tokio_rustls::TlsAcceptor>,
    has_to_stop: &AtomicBool,
) {
    let (told, heard) = tokio::sync::oneshot::channel();
    let stop = async {
        told_to_stop().await;
        has_to_stop.store(true, Ordering::Relaxed);
        // Nobody hears it once the server has ended.
        let _ = told.send(());
    };
    let too_late = async {
        if heard.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        () = server::serve(listener, router, patience, tls, stop) => {}
        () = too_late => tracing::warn!("some connections did not end in time; they are cut"),
    }
}

async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
