//! Models from a model server (spec §1.8, `models`).

use std::time::Duration;

use sapa_model::announced_length;
use sapa_project::endpoints::HttpEndpoint;
use serde_json::Value;

use super::http::{self, EndpointClient, EndpointError};

/// Seconds between two pulls where `wait_time_between_pulls` is not written.
const DEFAULT_WAIT: f64 = 100.0;
/// Largest model that is pulled.
const MOST_BYTES: u64 = 1 << 30;

/// Asks a model server for the newest model.
pub struct ModelServer {
    client: EndpointClient,
    /// Time between two pulls; `None` to pull once.
    pub wait: Option<Duration>,
    fingerprint: Option<String>,
}

impl ModelServer {
    /// The server of the section `models`; `None` where it names no URL.
    ///
    /// # Errors
    /// The URL is no URL.
    pub fn new(endpoint: Option<HttpEndpoint>) -> Result<Option<Self>, EndpointError> {
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.url.is_some()) else { return Ok(None) };
        let wait = wait(&endpoint);
        let client = EndpointClient::new("models", endpoint, "", None)?;
        Ok(Some(Self { client, wait, fingerprint: None }))
    }

    /// The bytes of a model that is newer than the last one pulled; `None` when
    /// there is none.
    ///
    /// # Errors
    /// The server gives no usable answer; in words that are safe to log.
    pub async fn pull(&mut self) -> Result<Option<Pulled>, String> {
        let request = match &self.fingerprint {
            Some(fingerprint) => self.client.get().header("If-None-Match", fingerprint),
            None => self.client.get(),
        };
        let response = request.send().await.map_err(|error| http::reason(&error, "server"))?;
        let status = response.status();
        if matches!(status.as_u16(), 204 | 304) {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(format!("the server answered {status}"));
        }
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (fingerprint, name) = (header("etag"), header("filename"));
        if fingerprint.is_some() && fingerprint == self.fingerprint {
            return Ok(None);
        }
        let bytes = read(response).await?;
        Ok(Some(Pulled { bytes, name, fingerprint }))
    }

    /// From now on only models with another fingerprint are newer. For models that
    /// could be used: what came damaged must be fetched again.
    pub fn remember(&mut self, fingerprint: Option<String>) {
        self.fingerprint = fingerprint;
    }
}

/// What a model server gave.
pub struct Pulled {
    /// The model file.
    pub bytes: Vec<u8>,
    /// Its name, if the server tells it.
    pub name: Option<String>,
    /// What names its content.
    pub fingerprint: Option<String>,
}

/// The model file of an answer. Its beginning says what it is and how long: what
/// is no model, or too long, is not read to its end, and no byte is set aside that
/// is not needed.
async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let (mut bytes, mut length) = (Vec::new(), None);
    while let Some(chunk) = response.chunk().await.map_err(|error| http::reason(&error, "server"))? {
        bytes.extend_from_slice(&chunk);
        if length.is_none() {
            length = announced_length(&bytes).map_err(|error| format!("what it sent cannot be used: {error}"))?;
            let rest = length.unwrap_or_default().saturating_sub(bytes.len() as u64);
            if length.is_some_and(|length| length > MOST_BYTES) {
                return Err(format!("what it sent cannot be used: the model is longer than {MOST_BYTES} bytes"));
            }
            bytes.try_reserve_exact(rest as usize).map_err(|_| "there is no memory for its model".to_owned())?;
        }
        if length.is_some_and(|length| bytes.len() as u64 > length) {
            return Err("what it sent cannot be used: there is something behind the model".to_owned());
        }
    }
    Ok(bytes)
}

/// `wait_time_between_pulls`, seconds; 0 or null means once.
fn wait(endpoint: &HttpEndpoint) -> Option<Duration> {
    let seconds = match endpoint.rest.get("wait_time_between_pulls") {
        None => DEFAULT_WAIT,
        Some(Value::Number(number)) => number.as_f64().unwrap_or(DEFAULT_WAIT),
        // A variable's value is always a text.
        Some(Value::String(text)) => text.trim().parse().unwrap_or(DEFAULT_WAIT),
        Some(_) => 0.0,
    };
    (seconds > 0.0 && seconds.is_finite()).then(|| Duration::from_secs_f64(seconds.min(1e7)))
}
