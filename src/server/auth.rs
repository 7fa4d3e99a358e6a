//! Who may use the API (spec §5.1): `?token=`.

use axum::extract::{Query, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::{ApiError, App};

#[derive(serde::Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    token: Option<String>,
}

/// Lets a request pass that carries the token, or any when none is asked for.
pub(super) async fn require_token(
    State(app): State<App>,
    Query(given): Query<Token>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = match &app.options.auth_token {
        None => true,
        // Hashes have one length and differ everywhere: comparing them tells
        // nothing about the token.
        Some(token) => given.token.is_some_and(|given| Sha256::digest(given) == Sha256::digest(token)),
    };
    if allowed { next.run(request).await } else { ApiError::not_authenticated().into_response() }
}
