//! Who may use the API (spec §5.1): `?token=`, or a JSON Web Token (RFC 7519) in
//! `Authorization: Bearer`. Either suffices where both are asked for.

mod jwt;
mod verify;

use axum::extract::{Query, RawPathParams, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::{ApiError, App, conversations};

pub use jwt::JwtKey;

/// What the API asks for; by default nothing.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// The value of `?token=`.
    pub token: Option<String>,
    /// The key that bearers' tokens are checked with.
    pub jwt: Option<JwtKey>,
}

#[derive(serde::Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    token: Option<String>,
}

/// Lets a request pass whose sender may make it.
pub(super) async fn require(
    State(app): State<App>,
    Query(given): Query<Token>,
    path: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let path = path.iter().find(|(name, _)| *name == "path").map(|(_, path)| path);
    match check(&app.options.guard, given.token.as_deref(), request.headers(), path) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(guard: &Guard, token: Option<&str>, headers: &HeaderMap, path: Option<&str>) -> Result<(), ApiError> {
    // Hashes have one length and differ everywhere: comparing them tells nothing
    // about the token.
    let is_the_token = |(given, token): (&str, &String)| Sha256::digest(given) == Sha256::digest(token);
    if token.zip(guard.token.as_ref()).is_some_and(is_the_token) {
        return Ok(());
    }
    let Some(key) = &guard.jwt else {
        return if guard.token.is_none() { Ok(()) } else { Err(ApiError::not_authenticated()) };
    };
    let user = bearer(headers).and_then(|token| key.user(token)).ok_or_else(ApiError::not_authenticated)?;
    let conversation = path.and_then(conversations::id_of);
    if user.may_use(conversation) { Ok(()) } else { Err(ApiError::not_authorized()) }
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1; the scheme in any case,
/// RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
