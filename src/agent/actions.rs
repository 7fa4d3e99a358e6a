//! The client of the action server (spec §4).

use std::time::Duration;

use sapa_dialogue::{ActionCall, ActionFailure};
use sapa_project::Domain;
use sapa_project::endpoints::HttpEndpoint;
use sapa_sdk::ActionResponse;
use serde_json::Value;

/// Rasa's time-out for requests to action servers, seconds (spec §4.1).
const DEFAULT_TIMEOUT: f64 = 300.0;
/// Longest answer that is read.
const MOST_BYTES: usize = 8 << 20;

/// The action endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ActionClientError {
    /// Its URL is no URL.
    #[error("endpoints.yml: `action_endpoint.url` is not a URL: {0}")]
    Url(String),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// Calls custom actions over HTTP.
pub struct ActionClient {
    http: reqwest::Client,
    url: reqwest::Url,
    endpoint: HttpEndpoint,
}

impl ActionClient {
    /// A client for this endpoint. `default_timeout` (seconds) holds where the
    /// endpoint names none.
    ///
    /// # Errors
    /// The URL is no URL.
    pub fn new(endpoint: HttpEndpoint, default_timeout: Option<f64>) -> Result<Self, ActionClientError> {
        let address = endpoint.url.as_deref().unwrap_or_default();
        let mut url = reqwest::Url::parse(address).map_err(|e| ActionClientError::Url(e.to_string()))?;
        if let Some(token) = &endpoint.token {
            url.query_pairs_mut().append_pair(&endpoint.token_name, token.expose());
        }
        let timeout = endpoint.request_timeout.or(default_timeout).unwrap_or(DEFAULT_TIMEOUT);
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs_f64(timeout.clamp(0.001, 86_400.0)))
            .redirect(reqwest::redirect::Policy::none())
            // Reading them takes a while, and plain HTTP needs none.
            .tls_built_in_root_certs(url.scheme() == "https")
            .build()
            .map_err(|e| ActionClientError::Client(e.to_string()))?;
        Ok(Self { http, url, endpoint })
    }

    /// Runs an action. `key` is the same for every attempt at the same step.
    ///
    /// # Errors
    /// The action declined, or there is no usable answer (spec §4.3).
    pub async fn run(
        &self,
        call: &ActionCall,
        domain: Option<&Domain>,
        key: &str,
    ) -> Result<ActionResponse, ActionFailure> {
        let body = self.body(call, domain)?;
        let mut request = self
            .http
            .post(self.url.clone())
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .body(body);
        for (name, value) in &self.endpoint.headers {
            request = request.header(name, value.expose());
        }
        if let Some(auth) = &self.endpoint.basic_auth {
            request = request.basic_auth(&auth.username, Some(auth.password.expose()));
        }
        let response = request.send().await.map_err(|e| ActionFailure::Failed(reason(&e)))?;
        let status = response.status();
        let bytes = read(response).await?;
        if status.is_success() {
            return parse(&bytes);
        }
        // 400 that names the action is its way to decline (spec §4.3).
        let names_action = || {
            let body: Value = serde_json::from_slice(&bytes).ok()?;
            body.get("action_name").map(|_| ())
        };
        if status.as_u16() == 400 && names_action().is_some() {
            return Err(ActionFailure::Rejected);
        }
        Err(ActionFailure::Failed(format!("the action server answered {status}")))
    }

    fn body(&self, call: &ActionCall, domain: Option<&Domain>) -> Result<Vec<u8>, ActionFailure> {
        let failed = |e: serde_json::Error| ActionFailure::Failed(format!("the request cannot be written: {e}"));
        let mut body = serde_json::to_vec(&call.request).map_err(failed)?;
        if let Some(domain) = domain.filter(|_| !self.endpoint.enable_selective_domain || call.needs_domain) {
            body.pop();
            body.extend_from_slice(b",\"domain\":");
            serde_json::to_writer(&mut body, &domain.raw).map_err(failed)?;
            body.push(b'}');
        }
        Ok(body)
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, ActionFailure> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MOST_BYTES => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(ActionFailure::Failed(format!("the answer is longer than {MOST_BYTES} bytes"))),
            Ok(None) => return Ok(bytes),
            Err(e) => return Err(ActionFailure::Failed(reason(&e))),
        }
    }
}

/// An answer with one unusable event is unusable (spec §4.2).
fn parse(bytes: &[u8]) -> Result<ActionResponse, ActionFailure> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| {
        ActionFailure::Failed(format!("the answer is not JSON (line {}, column {})", e.line(), e.column()))
    })?;
    if !sapa_sdk::bounds::is_shallow(&value) {
        return Err(ActionFailure::Failed("the answer nests too deeply".to_owned()));
    }
    if !value.is_object() {
        return Err(ActionFailure::Failed("the answer is no JSON object".to_owned()));
    }
    // The parser's own words could carry what the user wrote.
    serde_json::from_value(value).map_err(|_| {
        ActionFailure::Failed("the answer has an event or response that does not fit Rasa's schema".to_owned())
    })
}

/// What went wrong, without the URL (its query may carry a token).
fn reason(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "the action server cannot be reached"
    } else {
        "the connection broke"
    };
    what.to_owned()
}
