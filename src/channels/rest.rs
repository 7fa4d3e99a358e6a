//! The REST channel (spec §5.5).

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sapa_dialogue::UserMessage;
use sapa_sdk::bounds::{MOST_DEPTH, MOST_MESSAGE_CHARS, MOST_VALUES, is_modest, is_shallow};
use sapa_sdk::{BotMessage, JsonMap};
use serde_json::{Value, json};

use super::output::pieces;
use crate::agent::{Agent, AgentError, Incoming, TurnReport};

/// Longest sender id that fits the `events` table (spec §6.1).
const MOST_SENDER_CHARS: usize = 255;

/// The channel as [`super::open`] wants it; it has no options.
pub(super) fn open(agent: &Arc<Agent>, _options: &JsonMap) -> Result<super::Channel, super::ChannelError> {
    Ok(super::Channel { name: "rest", router: router(Arc::clone(agent)), worker: None, sender: None })
}

/// Routes below `/webhooks/rest`.
pub fn router(agent: Arc<Agent>) -> Router {
    Router::new()
        .route("/", get(async || Json(json!({ "status": "ok" }))))
        .route("/webhook", post(webhook))
        .with_state(agent)
}

#[derive(serde::Deserialize)]
struct Parameters {
    #[serde(default)]
    stream: Option<String>,
}

async fn webhook(
    State(agent): State<Arc<Agent>>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = match read(&body) {
        Ok(request) => request,
        Err(reason) => return refusal(StatusCode::BAD_REQUEST, &reason),
    };
    let streams = parameters.stream.is_some_and(|s| s.eq_ignore_ascii_case("true"));
    // Rasa logs an empty message and answers nothing.
    if request.text.is_empty() {
        return answer(&json!([]), streams);
    }
    if request.text.chars().count() > MOST_MESSAGE_CHARS {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("`message` must have at most {MOST_MESSAGE_CHARS} characters"),
        );
    }
    let key = match idempotency_key(&headers) {
        Ok(key) => key,
        Err(reason) => return refusal(StatusCode::BAD_REQUEST, &reason),
    };
    match handle(agent, request, key).await {
        Ok(reply) => answer(&reply, streams),
        Err(error) => failure(&error),
    }
}

/// The request's `Idempotency-Key`: 1 to 255 visible ASCII characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, String> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map(str::trim).unwrap_or_default();
    if key.is_empty() || key.len() > 255 || !key.is_ascii() {
        return Err("`Idempotency-Key` must have 1 to 255 visible ASCII characters".to_owned());
    }
    Ok(Some(key.to_owned()))
}

/// A message as it was posted.
struct Request {
    sender: String,
    text: String,
    input_channel: String,
    metadata: JsonMap,
}

fn read(body: &[u8]) -> Result<Request, String> {
    const NOT_JSON: &str = "Failed when parsing body as json";
    if !is_modest(body) {
        return Err(format!("the body must have at most {MOST_VALUES} values"));
    }
    let body: Value = super::json::read(body).map_err(|_| NOT_JSON.to_owned())?;
    let object = body.as_object().ok_or_else(|| NOT_JSON.to_owned())?;
    let sender = match object.get("sender") {
        None | Some(Value::Null) => "default".to_owned(),
        Some(Value::String(sender)) => sender.clone(),
        Some(Value::Number(sender)) => sender.to_string(),
        Some(_) => return Err("`sender` must be a text".to_owned()),
    };
    if sender.is_empty() || sender.chars().count() > MOST_SENDER_CHARS || sender.contains('\0') {
        return Err(format!("`sender` must have 1 to {MOST_SENDER_CHARS} characters"));
    }
    let text = match object.get("message") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) => return Err("`message` must be a text".to_owned()),
    };
    let metadata = match object.get("metadata") {
        Some(value @ Value::Object(metadata)) if is_shallow(value) => metadata.clone(),
        Some(Value::Object(_)) => return Err(format!("`metadata` must nest at most {MOST_DEPTH} levels")),
        None | Some(Value::Null) => JsonMap::new(),
        Some(_) => return Err("`metadata` must be an object".to_owned()),
    };
    let input_channel = object.get("input_channel").and_then(Value::as_str).unwrap_or("rest").to_owned();
    // Whoever posts here has no right to speak for a channel that knows its users.
    if input_channel != "rest" && (input_channel == "cmdline" || super::is_served(&input_channel)) {
        return Err("`input_channel` names another channel".to_owned());
    }
    Ok(Request { sender, text, input_channel, metadata })
}

/// Runs the turn in a task of its own: a client that hangs up does not undo it.
async fn handle(agent: Arc<Agent>, request: Request, key: Option<String>) -> Result<Value, AgentError> {
    let recipient = request.sender.clone();
    let message_id = key.clone().unwrap_or_else(new_message_id);
    let incoming = Incoming {
        sender_id: request.sender,
        channel: "rest".to_owned(),
        // Two senders may choose the same key: it counts within a conversation.
        dedupe_key: key.map(|key| json!([recipient, key]).to_string()),
        inbox_id: None,
        address: None,
        message: UserMessage {
            text: request.text,
            input_channel: request.input_channel,
            // Rasa's REST channel answers through a collecting channel (spec §3.9).
            output_channel: "collector".to_owned(),
            message_id,
            metadata: request.metadata,
            parse_data: None,
        },
    };
    let task = tokio::spawn(async move {
        let render = |messages: &[BotMessage]| render(&recipient, messages);
        let report: TurnReport = agent.handle(incoming, &render).await?;
        Ok(match report.repeated {
            Some(reply) => reply.unwrap_or_else(|| json!([])),
            None => render(&report.messages),
        })
    });
    task.await.unwrap_or(Err(AgentError::Interrupted))
}

/// A random id for a message that came without one.
pub fn new_message_id() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let word = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}

/// The answer's messages as Rasa's REST channel writes them.
fn render(recipient: &str, messages: &[BotMessage]) -> Value {
    let all = messages.iter().flat_map(pieces).map(|piece| {
        let mut object = JsonMap::new();
        object.insert("recipient_id".into(), recipient.into());
        object.extend(piece);
        Value::Object(object)
    });
    Value::Array(all.collect())
}

/// One JSON array, or with `?stream=true` one JSON object a line.
fn answer(reply: &Value, streams: bool) -> Response {
    if !streams {
        return Json(reply).into_response();
    }
    let lines: String = reply.as_array().into_iter().flatten().map(|message| format!("{message}\n")).collect();
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from(lines)).into_response()
}

/// The shape in which Rasa's web server refuses a malformed body.
fn refusal(status: StatusCode, message: &str) -> Response {
    let description = status.canonical_reason().unwrap_or("Error");
    let body = json!({ "description": description, "status": status.as_u16(), "message": message });
    (status, Json(body)).into_response()
}

/// A message that could not be handled is never answered with an empty 200.
fn failure(error: &AgentError) -> Response {
    let status = match error {
        error if error.is_lasting() => StatusCode::INTERNAL_SERVER_ERROR,
        AgentError::TooManyWaiting => StatusCode::TOO_MANY_REQUESTS,
        AgentError::NoModel(_) => StatusCode::CONFLICT,
        AgentError::Store(_) | AgentError::Contended | AgentError::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::error!(%error, "a message was not handled");
    // Where the database is concerns nobody who writes to the bot.
    let told = match error {
        error if error.is_lasting() => {
            "what is stored of this conversation cannot be read; the server's log says where".to_owned()
        }
        AgentError::Store(_) => "the conversation cannot be stored now; try again".to_owned(),
        other => other.to_string(),
    };
    refusal(status, &told)
}
