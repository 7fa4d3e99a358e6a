//! The client of the action server (spec §4).

use sapa_dialogue::{ActionCall, ActionFailure};
use sapa_project::Domain;
use sapa_project::endpoints::HttpEndpoint;
use sapa_sdk::ActionResponse;
use serde_json::Value;

use super::http::{self, EndpointClient, EndpointError};

/// Calls custom actions over HTTP.
pub struct ActionClient {
    client: EndpointClient,
}

impl ActionClient {
    /// A client for this endpoint. `default_timeout` (seconds) holds where the
    /// endpoint names none.
    ///
    /// # Errors
    /// The URL is no URL.
    pub fn new(endpoint: HttpEndpoint, default_timeout: Option<f64>) -> Result<Self, EndpointError> {
        Ok(Self { client: EndpointClient::new("action_endpoint", endpoint, "", default_timeout)? })
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
        let request =
            self.client.post().header("Content-Type", "application/json").header("Idempotency-Key", key).body(body);
        let response = request.send().await.map_err(|e| ActionFailure::Failed(http::reason(&e, "action server")))?;
        let status = response.status();
        let bytes = http::read(response, http::MOST_BYTES).await.map_err(ActionFailure::Failed)?;
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
        if let Some(domain) = domain.filter(|_| !self.client.endpoint().enable_selective_domain || call.needs_domain) {
            body.pop();
            body.extend_from_slice(b",\"domain\":");
            serde_json::to_writer(&mut body, &domain.raw).map_err(failed)?;
            body.push(b'}');
        }
        Ok(body)
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
