//! Serving the models of a model server: the first before anybody is served, the
//! next ones without a pause.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use tokio::task::JoinHandle;

use super::models;
use crate::agent::{Agent, LoadedModel, ModelServer, Pulled};

/// Pulls once, then again and again in a task of its own, if the server is to be
/// asked more than once.
pub(super) async fn start(mut server: ModelServer, agent: Arc<Agent>) -> Option<JoinHandle<()>> {
    pull(&mut server, &agent).await;
    let wait = server.wait?;
    Some(tokio::spawn(async move {
        loop {
            tokio::time::sleep(wait).await;
            pull(&mut server, &agent).await;
        }
    }))
}

/// A model that cannot be had or read leaves the one being served in place.
async fn pull(server: &mut ModelServer, agent: &Agent) {
    match server.pull().await {
        Ok(None) => {}
        Ok(Some(pulled)) => {
            let fingerprint = pulled.fingerprint.clone();
            match read(pulled).await {
                Ok(loaded) => {
                    // Only now: what came damaged is asked for again.
                    server.remember(fingerprint);
                    tracing::info!(model_id = loaded.model.id, "serving the model server's model");
                    agent.models.set(Some(loaded));
                }
                Err(error) => tracing::error!(error = format!("{error:#}"), "the model server's model cannot be used"),
            }
        }
        Err(reason) => tracing::warn!(reason, "the model server gives no model; asking again later"),
    }
}

async fn read(pulled: Pulled) -> Result<LoadedModel> {
    let path = PathBuf::from(pulled.name.unwrap_or_else(|| "model.sapa".to_owned()));
    let model = tokio::task::spawn_blocking(move || models::from_bytes(&pulled.bytes)).await??;
    Ok(LoadedModel { model: Arc::new(model), path })
}
