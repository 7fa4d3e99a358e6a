//! Updates that Telegram delivers.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::{Telegram, update};

/// Largest update that is read, bytes.
const MOST_BODY: usize = 1 << 20;

/// Header with the secret that was given to `setWebhook`.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// Routes below `/webhooks/telegram` (spec §5.7).
pub(super) fn router(telegram: Telegram) -> Router {
    Router::new()
        .route("/", get(async || axum::Json(serde_json::json!({ "status": "ok" }))))
        .route("/webhook", post(deliver))
        .with_state(telegram)
}

/// 200 means: never deliver this again.
async fn deliver(State(telegram): State<Telegram>, headers: HeaderMap, request: Request) -> (StatusCode, &'static str) {
    // Before anything of the body is read.
    if telegram.inner.settings.webhook_url.is_none() || !knows_secret(&telegram, &headers) {
        return (StatusCode::FORBIDDEN, "forbidden");
    }
    let Ok(body) = axum::body::to_bytes(request.into_body(), MOST_BODY).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "too large");
    };
    match telegram.inner.identity.get() {
        Some(Ok(_)) => {}
        // Rasa's answer to another bot's updates.
        Some(Err(_)) => return (StatusCode::OK, "failed"),
        // Who is spoken to in a group is not known yet.
        None => return (StatusCode::SERVICE_UNAVAILABLE, "try again"),
    }
    let update: Option<Value> = crate::channels::json::read(&body).ok();
    let Some(update) = update.filter(|update| update::number(update).is_some()) else {
        tracing::warn!(channel = "telegram", bytes = body.len(), "a delivery is no update; it is refused");
        return (StatusCode::BAD_REQUEST, "not an update");
    };
    let Some(inbound) = update::read(&update, &telegram.inner.settings, telegram.username()) else {
        return (StatusCode::OK, "success");
    };
    let update_id = inbound.update_id;
    match telegram.accept(&inbound).await {
        Ok(()) => (StatusCode::OK, "success"),
        Err(error) => {
            tracing::error!(channel = "telegram", update_id, %error, "an update was not taken in; Telegram delivers it again");
            (StatusCode::SERVICE_UNAVAILABLE, "try again")
        }
    }
}

fn knows_secret(telegram: &Telegram, headers: &HeaderMap) -> bool {
    let expected = telegram.inner.settings.secret_token.as_bytes();
    let mut given = headers.get_all(SECRET_HEADER).iter();
    match (given.next(), given.next()) {
        (Some(secret), None) => bool::from(secret.as_bytes().ct_eq(expected)),
        _ => false,
    }
}
