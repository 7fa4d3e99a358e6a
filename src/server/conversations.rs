//! `/conversations/{id}/tracker` and `/tracker/events`. An id may contain
//! slashes (spec §5.1), so the path is read from its end.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use sapa_dialogue::EventVerbosity;
use sapa_sdk::Event;
use serde_json::Value;

use super::{ApiError, App};

#[derive(serde::Deserialize)]
pub(super) struct Parameters {
    #[serde(default)]
    include_events: Option<String>,
    #[serde(default)]
    until: Option<String>,
}

const TRACKER: &str = "/tracker";
const EVENTS: &str = "/tracker/events";

/// The conversation that a path behind `/conversations/` is about.
pub(super) fn id_of(path: &str) -> Option<&str> {
    path.strip_suffix(EVENTS).or_else(|| path.strip_suffix(TRACKER))
}

/// `GET /conversations/{id}/tracker`.
pub(super) async fn get(
    State(app): State<App>,
    Path(path): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Value>, ApiError> {
    let id = path.strip_suffix(TRACKER).ok_or_else(|| unknown(&path))?;
    tracker(&app, id, &parameters).await
}

/// `POST /conversations/{id}/tracker/events`.
pub(super) async fn post(
    State(app): State<App>,
    Path(path): Path<String>,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let id = path.strip_suffix(EVENTS).ok_or_else(|| unknown(&path))?;
    if id.is_empty() || id.chars().count() > 255 || id.contains('\0') {
        return Err(ApiError::bad_request("A conversation id must have 1 to 255 characters."));
    }
    // Read before anything is written: a wrong parameter changes nothing.
    let verbosity = verbosity(&parameters)?;
    app.agent.append_events(id, events(&body, app.agent.now())?).await?;
    let tracker = app.agent.full_tracker(id, None).await?;
    json_of(&tracker, verbosity)
}

/// `PUT /conversations/{id}/tracker/events` is not served yet.
pub(super) async fn put(Path(path): Path<String>) -> ApiError {
    unknown(&path)
}

async fn tracker(app: &App, id: &str, parameters: &Parameters) -> Result<Json<Value>, ApiError> {
    let verbosity = verbosity(parameters)?;
    let until = match &parameters.until {
        None => None,
        Some(text) => {
            let wrong =
                || ApiError::bad_request("Invalid parameter value for 'until'. It should be a unix time in seconds.");
            Some(text.parse::<f64>().map_err(|_| wrong())?)
        }
    };
    let tracker = app.agent.full_tracker(id, until).await?;
    json_of(&tracker, verbosity)
}

fn json_of(tracker: &sapa_dialogue::Tracker, verbosity: EventVerbosity) -> Result<Json<Value>, ApiError> {
    let state = tracker.current_state(verbosity);
    Ok(Json(serde_json::to_value(state).map_err(|e| ApiError::bad_request(e.to_string()))?))
}

fn verbosity(parameters: &Parameters) -> Result<EventVerbosity, ApiError> {
    parameters.include_events.as_deref().unwrap_or("AFTER_RESTART").parse().map_err(ApiError::bad_request)
}

/// One event or a list of them.
fn events(body: &[u8], now: f64) -> Result<Vec<Event>, ApiError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| ApiError::not_json())?;
    let list = match body {
        Value::Array(list) => list,
        one => vec![one],
    };
    if list.is_empty() {
        return Err(ApiError::bad_request("Couldn't extract proper events from the request body."));
    }
    if !list.iter().all(sapa_sdk::bounds::is_shallow) {
        return Err(ApiError::bad_request(format!(
            "Events must nest at most {} levels.",
            sapa_sdk::bounds::MOST_DEPTH
        )));
    }
    list.iter()
        .enumerate()
        .map(|(number, event)| {
            // The parser's own words would repeat what was sent, number and all.
            Event::from_json(event, now).map_err(|_| {
                ApiError::bad_request(format!("Event {number} does not fit the schema of any event type."))
            })
        })
        .collect()
}

fn unknown(path: &str) -> ApiError {
    ApiError::not_found(format!("Requested URL /conversations/{} not found", sapa_sdk::pii::mask(path)))
}
