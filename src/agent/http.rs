//! Requests to the servers that `endpoints.yml` names (spec §1.8).

use std::time::Duration;

use sapa_project::endpoints::HttpEndpoint;

/// Rasa's time-out for requests to other servers, seconds (spec §10).
const DEFAULT_TIMEOUT: f64 = 300.0;
/// Longest answer that is read.
pub(super) const MOST_BYTES: usize = 8 << 20;

/// An endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Its URL is no URL.
    #[error("endpoints.yml: `{section}.url` is not a URL: {cause}")]
    Url {
        /// Section of `endpoints.yml`.
        section: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// One server.
pub(super) struct EndpointClient {
    http: reqwest::Client,
    url: reqwest::Url,
    endpoint: HttpEndpoint,
}

impl EndpointClient {
    /// A client for the endpoint in that section; `path` is appended to its URL.
    /// `default_timeout` (seconds) holds where the endpoint names none.
    ///
    /// # Errors
    /// The URL is no URL.
    pub(super) fn new(
        section: &'static str,
        endpoint: HttpEndpoint,
        path: &str,
        default_timeout: Option<f64>,
    ) -> Result<Self, EndpointError> {
        let address = endpoint.url.as_deref().unwrap_or_default();
        let address = if path.is_empty() { address.to_owned() } else { join(address, path) };
        let mut url =
            reqwest::Url::parse(&address).map_err(|error| EndpointError::Url { section, cause: error.to_string() })?;
        if let Some(token) = &endpoint.token {
            url.query_pairs_mut().append_pair(&endpoint.token_name, token.expose());
        }
        let timeout = endpoint.request_timeout.or(default_timeout).unwrap_or(DEFAULT_TIMEOUT);
        let http = client(url.scheme() == "https", timeout)?;
        Ok(Self { http, url, endpoint })
    }

    /// A POST with the endpoint's headers and authentication.
    pub(super) fn post(&self) -> reqwest::RequestBuilder {
        self.dress(self.http.post(self.url.clone()))
    }

    /// A GET with the endpoint's headers and authentication.
    pub(super) fn get(&self) -> reqwest::RequestBuilder {
        self.dress(self.http.get(self.url.clone()))
    }

    /// The endpoint.
    pub(super) fn endpoint(&self) -> &HttpEndpoint {
        &self.endpoint
    }

    fn dress(&self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        for (name, value) in &self.endpoint.headers {
            request = request.header(name, value.expose());
        }
        if let Some(auth) = &self.endpoint.basic_auth {
            request = request.basic_auth(&auth.username, Some(auth.password.expose()));
        }
        request
    }
}

/// `address/path` with one slash in between.
pub(super) fn join(address: &str, path: &str) -> String {
    format!("{}/{}", address.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// A client that follows no redirect: nobody else gets what is posted.
pub(super) fn client(needs_tls: bool, timeout: f64) -> Result<reqwest::Client, EndpointError> {
    reqwest::Client::builder()
        .timeout(Duration::from_secs_f64(timeout.clamp(0.001, 86_400.0)))
        .redirect(reqwest::redirect::Policy::none())
        // Reading them takes a while, and plain HTTP needs none.
        .tls_built_in_root_certs(needs_tls)
        .build()
        .map_err(|error| EndpointError::Client(error.to_string()))
}

/// The whole answer, up to a limit.
///
/// # Errors
/// It is too long, or the connection broke; in words without personal data.
pub(super) async fn read(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= most => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(format!("the answer is longer than {most} bytes")),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(reason(&error, "server")),
        }
    }
}

/// A JSON answer with a status of success.
///
/// # Errors
/// Anything else; in words without personal data.
pub(super) async fn json(request: reqwest::RequestBuilder) -> Result<serde_json::Value, String> {
    let response = request.send().await.map_err(|error| reason(&error, "server"))?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the server answered {status}"));
    }
    let bytes = read(response, MOST_BYTES).await?;
    if bytes.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    let value = serde_json::from_slice(&bytes).map_err(|_| "the answer is not JSON".to_owned())?;
    if sapa_sdk::bounds::is_shallow(&value) { Ok(value) } else { Err("the answer nests too deeply".to_owned()) }
}

/// What went wrong, without the URL (its query may carry a token).
pub(super) fn reason(error: &reqwest::Error, server: &str) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        format!("the {server} cannot be reached")
    } else {
        "the connection broke".to_owned()
    }
}
