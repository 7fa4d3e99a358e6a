//! What the server is and what it has loaded; parsing.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{ApiError, App, RASA_VERSION};

/// `GET /`.
pub(super) async fn root() -> String {
    format!("Hello from Rasa: {RASA_VERSION}")
}

/// `GET /version`.
pub(super) async fn version() -> Json<Value> {
    Json(json!({ "version": RASA_VERSION, "minimum_compatible_version": RASA_VERSION }))
}

/// `GET /health`: 200 when messages can be answered, 503 without a model, while
/// conversations cannot be stored, and once the server is told to stop.
pub(super) async fn health(State(app): State<App>) -> Response {
    let loaded = app.agent.models.get();
    let (status, word) = match (&loaded, app.agent.stores().await) {
        _ if app.options.stopping.load(Ordering::Relaxed) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (None, _) => (StatusCode::SERVICE_UNAVAILABLE, "no model"),
        (Some(_), false) => (StatusCode::SERVICE_UNAVAILABLE, "conversations cannot be stored"),
        (Some(_), true) => (StatusCode::OK, "ok"),
    };
    let body = json!({
        "status": word,
        "sapa_version": env!("CARGO_PKG_VERSION"),
        "model_id": loaded.map(|l| l.model.id.clone()),
        "unserved": app.agent.unserved().await,
        "unsent": app.agent.unsent().await,
    });
    (status, Json(body)).into_response()
}

/// `GET /status`.
pub(super) async fn status(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let loaded = app.agent.models.get().ok_or_else(|| {
        ApiError::conflict("No agent loaded. To continue processing, a model of a trained agent needs to be loaded.")
    })?;
    Ok(Json(json!({
        "model_file": loaded.path.file_name().map(|name| name.to_string_lossy()),
        "model_id": loaded.model.id,
        "num_active_training_jobs": 0,
    })))
}

/// `GET /domain`, as JSON or YAML.
pub(super) async fn domain(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let model = app.agent.model()?;
    let domain = model.domain().ok_or_else(|| ApiError::conflict("The model has no domain."))?;
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("*/*");
    let wants = |kind: &str| accept.split(',').any(|part| part.split(';').next().is_some_and(|p| p.trim() == kind));
    if wants("application/json") || wants("*/*") || wants("application/*") {
        return Ok(Json(&domain.raw).into_response());
    }
    if wants("application/x-yaml") {
        let yaml = serde_yaml::to_string(&domain.raw).map_err(|e| ApiError::conflict(e.to_string()))?;
        return Ok(([(header::CONTENT_TYPE, "application/x-yaml")], yaml).into_response());
    }
    Err(ApiError::not_acceptable(
        "Invalid Accept header. Domain can be provided as json (\"Accept: application/json\") or yml (\"Accept: application/x-yaml\"). Make sure you've set the appropriate Accept header.",
    ))
}

/// `POST /model/parse`.
pub(super) async fn parse(State(app): State<App>, body: Bytes) -> Result<Json<sapa_sdk::ParseData>, ApiError> {
    const NO_TEXT: &str = "No text message defined in request_body. Add text message to request body in order to obtain the intent and extracted entities.";
    if body.is_empty() {
        return Err(ApiError::bad_request(NO_TEXT));
    }
    let body: Value = serde_json::from_slice(&body).map_err(|_| ApiError::not_json())?;
    let text = body.get("text").and_then(Value::as_str).ok_or_else(|| ApiError::bad_request(NO_TEXT))?;
    if text.chars().count() > sapa_sdk::bounds::MOST_MESSAGE_CHARS {
        return Err(ApiError::too_large("The text is too long."));
    }
    Ok(Json(app.agent.parse(text).await?))
}
