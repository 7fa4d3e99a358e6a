//! Rasa's HTTP API, health, and the channels' webhooks.

mod auth;
mod conversations;
mod error;
mod listen;
mod models;
mod status;
mod tls;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::limit::RequestBodyLimitLayer;

use crate::agent::Agent;

pub use auth::{Guard, JwtKey};
pub use error::ApiError;
pub use listen::{Patience, serve};
pub use models::LoadModel;
pub use tls::{TlsFiles, acceptor};

/// Version of Rasa whose API this is.
pub const RASA_VERSION: &str = "3.6.21";
/// Largest body that is read, bytes.
const MOST_BODY: usize = 1 << 20;

/// How the server is set up.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Whether the API is served besides the channels.
    pub enable_api: bool,
    /// What the API asks for.
    pub guard: Guard,
    /// Origins that browsers may call from; `*` for all.
    pub cors: Vec<String>,
    /// Set once the server is told to stop.
    pub stopping: Arc<AtomicBool>,
    /// How another model is loaded.
    pub load: Option<LoadModel>,
}

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) agent: Arc<Agent>,
    pub(crate) options: Arc<ServerOptions>,
}

/// The whole server: `/`, `/version` and health always, the channels' routes, the
/// API when enabled (spec §5.1).
pub fn router(agent: Arc<Agent>, channels: Vec<(&'static str, Router)>, options: ServerOptions) -> Router {
    let app = App { agent: Arc::clone(&agent), options: Arc::new(options) };
    let mut router = Router::new()
        .route("/", get(status::root))
        .route("/version", get(status::version))
        .route("/health", get(status::health))
        .with_state(app.clone());
    if app.options.enable_api {
        router = router.merge(api(&app));
    }
    for (name, routes) in channels {
        router = router
            .nest(&format!("/webhooks/{name}"), routes)
            .route(&format!("/webhooks/{name}/"), get(async || axum::Json(serde_json::json!({ "status": "ok" }))));
    }
    let router = router
        .fallback(async |method: Method, uri: Uri| error::not_found(&method, &uri))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| error::method_not_allowed(&method, &uri))
        .layer(DefaultBodyLimit::disable())
        // Looks at `Content-Length` first: what is announced as too large is
        // refused before it comes.
        .layer(RequestBodyLimitLayer::new(MOST_BODY));
    match cors(&app.options.cors) {
        Some(layer) => router.layer(layer),
        None => router,
    }
}

fn api(app: &App) -> Router {
    Router::new()
        .route("/status", get(status::status))
        .route("/domain", get(status::domain))
        .route("/model", put(models::put).delete(models::delete))
        .route("/model/parse", post(status::parse))
        .route("/conversations/{*path}", get(conversations::get).post(conversations::post).put(conversations::put))
        .layer(from_fn_with_state(app.clone(), auth::require))
        .with_state(app.clone())
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::mirror_request()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD];
    Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_credentials(true)
            .allow_methods(methods)
            .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
            .expose_headers([header::HeaderName::from_static("filename")]),
    )
}
