//! Lock stores (spec §6.2): where processes agree on who works on a conversation. One
//! file a kind.

mod redis;

use std::pin::Pin;
use std::sync::Arc;

use sapa_project::{StoreEndpoint, suggest};

use crate::agent::{SharedLocks, StoreLocks};
use crate::store::Store;

/// Why a lock store cannot be used. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("lock_store: {0}")]
pub struct OpenError(String);

/// A lock store as it is opened; `None`: locks of this process alone.
type Opened = Pin<Box<dyn Future<Output = Result<Option<Arc<dyn SharedLocks>>, OpenError>> + Send>>;

/// Opens a lock store with the options of the section.
type Open = fn(StoreEndpoint, Arc<dyn Store>) -> Opened;

/// All lock stores, by name.
const KINDS: &[(&str, Open)] = &[("in_memory", in_memory), ("redis", redis::open), ("sql", sql)];

/// Opens the lock store that a section of `endpoints.yml` names; without one locks are
/// in memory.
///
/// # Errors
/// There is no such lock store, or it cannot be used as the section says.
pub async fn open(
    section: Option<&StoreEndpoint>,
    store: &Arc<dyn Store>,
) -> Result<Option<Arc<dyn SharedLocks>>, OpenError> {
    let Some(section) = section else { return Ok(None) };
    let kind = section.kind.as_deref().unwrap_or("in_memory").to_lowercase();
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, open)) => open(section.clone(), Arc::clone(store)).await,
        None => Err(unknown(&kind)),
    }
}

fn in_memory(_: StoreEndpoint, _: Arc<dyn Store>) -> Opened {
    Box::pin(async { Ok(None) })
}

/// In the database of the tracker store.
fn sql(_: StoreEndpoint, store: Arc<dyn Store>) -> Opened {
    Box::pin(async move {
        let locks: Arc<dyn SharedLocks> = Arc::new(StoreLocks(store));
        Ok(Some(locks))
    })
}

fn unknown(kind: &str) -> OpenError {
    let names = KINDS.iter().map(|(name, _)| *name);
    let served = names.clone().map(|name| format!("`type: {name}`")).collect::<Vec<_>>().join(", ");
    let cure = match suggest::nearest(kind, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{served} are"),
    };
    OpenError(format!("type `{kind}` is not served; {cure}"))
}
