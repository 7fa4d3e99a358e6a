//! Event brokers (spec §6.3): what has happened in conversations, for other
//! programs. One file a kind.

mod file;
mod kafka;
mod pika;
mod pump;
mod sql;

use std::pin::Pin;
use std::sync::Arc;

use sapa_project::{StoreEndpoint, suggest};

use crate::agent::Broker;

pub use pump::run;

/// Why a broker cannot be used. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("event_broker: {0}")]
pub struct OpenError(String);

/// A broker as it is opened.
type Opened = Pin<Box<dyn Future<Output = Result<Arc<dyn Broker>, OpenError>> + Send>>;

/// Opens a broker with the options of the section.
type Open = fn(StoreEndpoint) -> Opened;

/// All brokers: one file and one line each.
const KINDS: &[(&str, Open)] =
    &[("file", file::open), ("kafka", kafka::open), ("pika", pika::open), ("sql", sql::open)];

/// What Rasa takes where a section has no `type`.
const DEFAULT_KIND: &str = "pika";

/// Opens the broker that a section of `endpoints.yml` names.
///
/// # Errors
/// There is no such broker, or it cannot be used as the section says.
pub async fn open(section: &StoreEndpoint) -> Result<Arc<dyn Broker>, OpenError> {
    let kind = section.kind.as_deref().unwrap_or(DEFAULT_KIND).to_lowercase();
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, open)) => open(section.clone()).await,
        None => Err(unknown(&kind)),
    }
}

fn unknown(kind: &str) -> OpenError {
    let names = KINDS.iter().map(|(name, _)| *name);
    let served = names.clone().map(|name| format!("`type: {name}`")).collect::<Vec<_>>().join(" and ");
    let cure = match suggest::nearest(kind, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{served} are"),
    };
    OpenError(format!("type `{kind}` is not served; {cure}"))
}
