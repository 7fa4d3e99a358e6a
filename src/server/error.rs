//! The one error type of the API, in Rasa's JSON shape (spec §5.1).

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::RASA_VERSION;
use crate::agent::AgentError;

/// An error of an endpoint.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    reason: &'static str,
    message: String,
}

impl ApiError {
    /// The request is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: "BadRequest", message: message.into() }
    }

    /// The body is no JSON. Rasa answers 500 here; a client's mistake is a 400.
    pub fn not_json() -> Self {
        Self::bad_request("The request body is not valid JSON.")
    }

    /// More was sent than is taken.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, reason: "PayloadTooLarge", message: message.into() }
    }

    /// No usable model is loaded.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, reason: "Conflict", message: message.into() }
    }

    /// The `Accept` header asks for something else.
    pub fn not_acceptable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_ACCEPTABLE, reason: "NotAcceptable", message: message.into() }
    }

    /// No or wrong credentials.
    pub fn not_authenticated() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            reason: "NotAuthenticated",
            message: "User is not authenticated.".to_owned(),
        }
    }

    /// Known, but not allowed to.
    pub fn not_authorized() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            reason: "NotAuthorized",
            message: "User has insufficient permissions.".to_owned(),
        }
    }

    /// There is nothing under that address.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, reason: "NotFound", message: message.into() }
    }
}

impl From<AgentError> for ApiError {
    fn from(error: AgentError) -> Self {
        let (status, reason) = match error {
            AgentError::NoModel(_) => return Self::conflict(format!("No agent loaded: {error}.")),
            AgentError::TooManyWaiting => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            AgentError::Store(_) | AgentError::Contended | AgentError::Interrupted => {
                (StatusCode::SERVICE_UNAVAILABLE, "ConversationError")
            }
        };
        Self { status, reason, message: error.to_string() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "version": RASA_VERSION,
            "status": "failure",
            "message": self.message,
            "reason": self.reason,
            "details": {},
            "help": null,
            "code": self.status.as_u16(),
        });
        (self.status, Json(body)).into_response()
    }
}

/// Rasa's web server's words for an unknown address.
pub(super) fn not_found(_method: &Method, uri: &Uri) -> Response {
    plain(StatusCode::NOT_FOUND, format!("Requested URL {} not found", shown(uri)))
}

/// Rasa's web server's words for a known address with another method.
pub(super) fn method_not_allowed(method: &Method, uri: &Uri) -> Response {
    plain(StatusCode::METHOD_NOT_ALLOWED, format!("Method {method} not allowed for URL {}", shown(uri)))
}

/// Rasa's web server's words for an answer that was too long in coming.
pub(super) fn response_timeout() -> Response {
    plain(StatusCode::SERVICE_UNAVAILABLE, "Response Timeout".to_owned())
}

/// The path, without anything personal that somebody wrote into it.
fn shown(uri: &Uri) -> String {
    sapa_sdk::pii::mask(uri.path())
}

fn plain(status: StatusCode, message: String) -> Response {
    let description = status.canonical_reason().unwrap_or("Error");
    let body = json!({ "description": description, "status": status.as_u16(), "message": message });
    (status, Json(body)).into_response()
}
