//! The action server: Rasa's action protocol over axum (spec §4.1 to §4.4).

use std::{collections::BTreeMap, future::Future, io, pin::Pin, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_http::cors::CorsLayer;

use crate::{ActionRequest, Dispatcher, Event, action::ResponseItem, pii};

/// rasa-sdk's port.
pub const DEFAULT_PORT: u16 = 5055;

/// Largest request body: a long conversation with its domain fits.
const DEFAULT_BODY_LIMIT: usize = 16 * 1024 * 1024;

/// What an action is called with.
#[derive(Clone, Debug)]
pub struct ActionContext {
    /// The request, as posted.
    pub request: ActionRequest,
    /// Value of the header `Idempotency-Key`. A repeated call with the same key
    /// is the same step: it must not have its side effects twice.
    pub idempotency_key: Option<String>,
}

/// Why an action gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The action declines to run; another one may be predicted. Answers 400.
    #[error("{0}")]
    Rejected(String),
    /// Something broke. Answers 500; the cause is logged, masked.
    #[error("{0}")]
    Failed(String),
}

impl ActionError {
    /// A failure with its cause.
    pub fn failed(cause: impl std::fmt::Display) -> Self {
        Self::Failed(cause.to_string())
    }
}

/// What [`Action::run`] returns: events to apply, or why not.
pub type ActionFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<Event>, ActionError>> + Send + 'a>>;

/// A custom action. Write `run` as `Box::pin(async move { … })`.
pub trait Action: Send + Sync {
    /// The name by which the domain calls it.
    fn name(&self) -> &str;

    /// Runs it. Messages go to the dispatcher, events are returned.
    ///
    /// # Errors
    /// See [`ActionError`].
    fn run<'a>(&'a self, context: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a>;
}

/// A set of actions and how to serve them.
pub struct ActionServer {
    actions: BTreeMap<String, Arc<dyn Action>>,
    body_limit: usize,
    origins: Vec<HeaderValue>,
}

impl Default for ActionServer {
    fn default() -> Self {
        Self { actions: BTreeMap::new(), body_limit: DEFAULT_BODY_LIMIT, origins: Vec::new() }
    }
}

impl ActionServer {
    /// A server without actions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an action; a later one of the same name replaces it.
    #[must_use]
    pub fn register(mut self, action: impl Action + 'static) -> Self {
        self.actions.insert(action.name().to_owned(), Arc::new(action));
        self
    }

    /// Largest request body in bytes; a larger one gets 413.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Lets web pages of these origins call the server. Default: none.
    #[must_use]
    pub fn allow_origins(mut self, origins: Vec<HeaderValue>) -> Self {
        self.origins = origins;
        self
    }

    /// Names of the actions, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.actions.keys().map(String::as_str)
    }

    /// The routes: `POST /webhook`, `GET /health`, `GET /actions`.
    pub fn router(self) -> Router {
        let (limit, origins) = (self.body_limit, self.origins);
        let router = Router::new()
            .route("/webhook", post(webhook))
            .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
            .route("/actions", get(actions))
            .layer(DefaultBodyLimit::max(limit))
            .with_state(Arc::new(self.actions));
        if origins.is_empty() {
            return router;
        }
        let cors = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::CONTENT_TYPE]);
        router.layer(cors)
    }

    /// Serves until `shutdown` completes, then finishes what is under way.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        axum::serve(listener, self.router()).with_graceful_shutdown(shutdown).await
    }
}

type Actions = Arc<BTreeMap<String, Arc<dyn Action>>>;

async fn actions(State(actions): State<Actions>) -> Json<Vec<Value>> {
    Json(actions.keys().map(|name| json!({ "name": name })).collect())
}

async fn webhook(
    State(actions): State<Actions>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let body = body.map_err(|rejection| Refused::new(rejection.status(), rejection.body_text()))?;
    let idempotency_key = idempotency_key(&headers)?;
    refuse_encoding(&headers)?;
    let body = read_body(&body)?;
    // Spec §4.4 [quirk]: without an action to run the answer is `null`.
    let Some(name) = body.get("next_action").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        return Ok(Json(Value::Null).into_response());
    };
    let name = name.to_owned();
    let Some(action) = actions.get(&name).cloned() else { return Err(unknown_action(&name)) };
    let request =
        serde_json::from_value(body).map_err(|error| Refused::bad_request(format!("Invalid body request: {error}")))?;
    let context = ActionContext { request, idempotency_key };
    // A task of its own: a caller that hangs up does not stop an action half
    // way, and a panic becomes a 500 instead of a dropped connection.
    let run = tokio::spawn(async move {
        let mut dispatcher = Dispatcher::new();
        let events = action.run(&context, &mut dispatcher).await;
        (events, dispatcher, context.request.sender_id)
    });
    match run.await {
        Ok((Ok(events), dispatcher, _)) => Ok(Json(answer(&events, dispatcher.responses())).into_response()),
        Ok((Err(error), _, sender)) => Err(failure(&name, &sender, error)),
        Err(_) => Err(failure(&name, "", ActionError::Failed("the action panicked".to_owned()))),
    }
}

/// The answer's body. Events go out without a time, as rasa-sdk's do: the
/// caller stamps them (spec §4.2).
fn answer(events: &[Event], responses: &[ResponseItem]) -> Value {
    let untimed = |event: &Event| {
        let mut event = event.to_json();
        if let Some(timestamp) = event.get_mut("timestamp") {
            *timestamp = Value::Null;
        }
        event
    };
    json!({"events": events.iter().map(untimed).collect::<Vec<_>>(), "responses": responses})
}

/// Parses the body; `null`, non-JSON and non-objects are rasa-sdk's 400.
fn read_body(body: &[u8]) -> Result<Value, Refused> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Refused::bad_request("Invalid body request")),
        Err(error) => Err(Refused::bad_request(format!("Invalid body request: {error}"))),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Refused::bad_request("Idempotency-Key must be 1 to 255 visible ASCII characters")),
    }
}

/// A compressed body is refused in clear words rather than as broken JSON.
fn refuse_encoding(headers: &HeaderMap) -> Result<(), Refused> {
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "compressed requests are not accepted: unset COMPRESS_ACTION_SERVER_REQUEST",
        )),
    }
}

/// An error answer in rasa-sdk's JSON shape. Its text is masked.
struct Refused {
    status: StatusCode,
    body: Value,
}

impl Refused {
    fn new(status: StatusCode, error: impl AsRef<str>) -> Self {
        let error = pii::mask(error.as_ref());
        tracing::warn!(status = status.as_u16(), error, "an action request was refused");
        Self { status, body: json!({ "error": error }) }
    }

    fn bad_request(error: impl AsRef<str>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

fn unknown_action(name: &str) -> Refused {
    let mut refused = Refused::new(StatusCode::NOT_FOUND, format!("No registered action found for name '{name}'."));
    refused.body["action_name"] = Value::String(pii::mask(name));
    refused
}

/// 400 for a rejection, 500 for a failure (spec §4.3). rasa-sdk's 500 repeats
/// the whole request, which is full of personal data: ours names the action and
/// nothing else of it, and the cause stays in the log.
fn failure(name: &str, sender: &str, error: ActionError) -> Refused {
    match error {
        ActionError::Rejected(reason) => {
            let body = json!({"error": pii::mask(&reason), "action_name": name});
            Refused { status: StatusCode::BAD_REQUEST, body }
        }
        ActionError::Failed(cause) => {
            let (sender, cause) = (pii::mask(sender), pii::mask(&cause));
            tracing::error!(action = name, sender, cause, "an action failed");
            let body = json!({"error": "the action failed", "request_body": {"next_action": name}});
            Refused { status: StatusCode::INTERNAL_SERVER_ERROR, body }
        }
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
