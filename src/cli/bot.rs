//! What `run`, `shell` and `test` share: endpoints, store, action client, model.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::Args;
use sapa_project::{Credentials, Diagnostic, Endpoints, Severity, Sources, render_text};

use super::dotenv::Environment;
use super::{models, postgres, terminal};
use crate::agent::{ActionClient, Agent, LoadedModel, NlgClient, Servers, Understanding};
use crate::store::{Clock, Memory, Postgres, Sqlite, Store};

/// Flags of everything that loads a bot.
#[derive(Debug, Clone, Args)]
pub(super) struct BotArgs {
    /// Model file, or folder whose newest model is used.
    #[arg(short, long, default_value = MODELS)]
    pub(super) model: PathBuf,
    /// Endpoints file.
    #[arg(long, default_value = "endpoints.yml")]
    pub(super) endpoints: PathBuf,
    /// Credentials file.
    #[arg(long, default_value = "credentials.yml")]
    pub(super) credentials: PathBuf,
    /// Seconds to wait for action servers that `endpoints.yml` gives no
    /// `request_timeout` for.
    #[arg(long)]
    pub(super) request_timeout: Option<f64>,
}

/// Folder of models where no flag names one.
pub(super) const MODELS: &str = "models";

/// File the conversations go to when `endpoints.yml` names no tracker store.
const DEFAULT_DATABASE: &str = "sapa.db";

/// The wall clock.
pub(super) fn clock() -> Clock {
    Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64()))
}

/// Reads `endpoints.yml`; a missing file is an empty one.
pub(super) fn read_endpoints(path: &Path, environment: &Environment) -> Result<Endpoints> {
    let bytes = read_named(path, "--endpoints", "endpoints.yml")?;
    let (endpoints, findings) = Endpoints::parse(&bytes, &path.to_string_lossy(), &|name| environment.get(name));
    report(&findings, &endpoints.sources, &path.to_string_lossy())?;
    Ok(endpoints)
}

/// Reads `credentials.yml`; a missing file is an empty one.
pub(super) fn read_credentials(path: &Path, environment: &Environment) -> Result<Credentials> {
    let bytes = read_named(path, "--credentials", "credentials.yml")?;
    let (credentials, findings) = Credentials::parse(&bytes, &path.to_string_lossy(), &|name| environment.get(name));
    report(&findings, &credentials.sources, &path.to_string_lossy())?;
    Ok(credentials)
}

/// The bytes of a file that need not be there unless its flag names it.
fn read_named(path: &Path, flag: &str, default: &str) -> Result<Vec<u8>> {
    match super::files::read_regular(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == Path::new(default) => Ok(Vec::new()),
        Err(error) => bail!("`{flag} {}` cannot be read: {error}", path.display()),
    }
}

fn report(findings: &[Diagnostic], sources: &Sources, path: &str) -> Result<()> {
    if !findings.is_empty() {
        terminal::note(&render_text(findings, sources, terminal::has_colour()));
    }
    if findings.iter().any(|d| d.severity == Severity::Error) {
        bail!("`{path}` cannot be used; correct what is named above");
    }
    Ok(())
}

/// Opens the tracker store that the endpoints name; SQLite by default. A server
/// that does not answer yet is waited for.
pub(super) async fn open_store(endpoints: &Endpoints) -> Result<Arc<dyn Store>> {
    let Some(section) = &endpoints.tracker_store else {
        return Ok(Arc::new(Sqlite::open(Path::new(DEFAULT_DATABASE), clock()).await?));
    };
    let kind = section.kind.as_deref().unwrap_or("in_memory").to_lowercase();
    let dialect = postgres::dialect(section);
    match (kind.as_str(), dialect.as_str()) {
        // The name of Rasa's class leads there, too.
        ("in_memory" | "inmemory" | "memory" | "inmemorytrackerstore", _) => Ok(Arc::new(Memory::new(clock()))),
        ("sql", "sqlite") => {
            let file = section.db.as_deref().unwrap_or("rasa.db");
            Ok(Arc::new(Sqlite::open(Path::new(file), clock()).await?))
        }
        ("sql", "postgresql" | "postgres") => {
            let settings = postgres::settings(section, &|name| std::env::var(name).ok())?;
            Ok(Arc::new(Postgres::open(&settings, clock()).await?))
        }
        ("sql", other) => bail!(
            "tracker_store: dialect `{other}` is not served; use `dialect: postgresql`, or `dialect: sqlite` for one machine"
        ),
        ("sqltrackerstore", _) => bail!("tracker_store: write `type: SQL` in endpoints.yml, as Rasa does"),
        _ => bail!(
            "tracker_store: type `{}` is not served; use `type: SQL` with `dialect: postgresql` or `dialect: sqlite`, or `type: in_memory`",
            section.kind.as_deref().unwrap_or_default()
        ),
    }
}

/// An agent over a store, with the action client that the endpoints name.
pub(super) fn agent(endpoints: &Endpoints, store: Arc<dyn Store>, default_timeout: Option<f64>) -> Result<Agent> {
    let client = match endpoints.action_endpoint.clone().filter(|e| e.url.is_some()) {
        Some(endpoint) => Some(ActionClient::new(endpoint, default_timeout)?),
        None => None,
    };
    let servers = Servers {
        actions: client,
        nlg: NlgClient::new(endpoints.nlg.clone(), default_timeout)?,
        understanding: understanding(endpoints)?,
    };
    Ok(Agent::new(store, servers, clock()))
}

/// What understands messages: the model, with the servers it asks.
pub(super) fn understanding(endpoints: &Endpoints) -> Result<Understanding> {
    let duckling = super::dotenv::variable("RASA_DUCKLING_HTTP_URL").filter(|url| !url.is_empty());
    Ok(Understanding::new(endpoints.nlu.clone(), duckling, clock())?)
}

/// Loads a model file into the agent.
pub(super) fn load_model(agent: &Agent, path: &Path) -> Result<()> {
    let model = Arc::new(models::load(path)?);
    agent.models.set(Some(LoadedModel { model, path: path.to_path_buf() }));
    Ok(())
}
