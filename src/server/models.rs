//! Another model, or none, without stopping.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::{ApiError, App};
use crate::agent::LoadedModel;

/// A model from a path, or why there is none.
type Load = dyn Fn(&Path) -> Result<LoadedModel, String> + Send + Sync;

/// Loads the model that a path means: a file, or the newest of a folder.
#[derive(Clone)]
pub struct LoadModel(pub Arc<Load>);

impl std::fmt::Debug for LoadModel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LoadModel")
    }
}

/// `PUT /model` (spec §5.3): serves that model from now on. Turns that run keep the old
/// one; when the new one cannot be loaded, the old one stays.
pub(super) async fn put(State(app): State<App>, body: Bytes) -> Result<StatusCode, ApiError> {
    let body: Value = serde_json::from_slice(&body).map_err(|_| ApiError::not_json())?;
    for other in ["model_server", "remote_storage"] {
        if !body.get(other).is_none_or(Value::is_null) {
            return Err(ApiError::bad_request(format!(
                "`{other}` is not served here: name a `model_file`, or a server under `models` in endpoints.yml."
            )));
        }
    }
    let file = body.get("model_file").and_then(Value::as_str).map(PathBuf::from);
    let file = file.ok_or_else(|| ApiError::bad_request("Name a `model_file`."))?;
    let Some(LoadModel(load)) = app.options.load.clone() else {
        return Err(ApiError::bad_request("This server loads no other model."));
    };
    let loaded = tokio::task::spawn_blocking(move || load(&file)).await;
    let loaded = loaded.unwrap_or_else(|_| Err("loading it failed".to_owned())).map_err(ApiError::bad_request)?;
    tracing::info!(model_id = loaded.model.id, "another model is served");
    app.agent.models.set(Some(loaded));
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /model` (spec §5.3): no model is served from now on.
pub(super) async fn delete(State(app): State<App>) -> StatusCode {
    app.agent.models.set(None);
    tracing::info!("no model is served any more");
    StatusCode::NO_CONTENT
}
