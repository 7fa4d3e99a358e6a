//! The client of an NLG server (spec §3.9, "Callback NLG").

use sapa_dialogue::NlgCall;
use sapa_project::endpoints::HttpEndpoint;
use sapa_sdk::JsonMap;
use serde_json::Value;

use super::http::{self, EndpointClient, EndpointError};

/// Has responses written by an HTTP server.
pub struct NlgClient {
    client: EndpointClient,
}

impl NlgClient {
    /// A client for the section `nlg`; `None` where it asks for the domain's own
    /// responses (`type: response`) or names no URL.
    ///
    /// # Errors
    /// The URL is no URL.
    pub fn new(endpoint: Option<HttpEndpoint>, default_timeout: Option<f64>) -> Result<Option<Self>, EndpointError> {
        let is_callback = |e: &HttpEndpoint| e.kind.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("callback"));
        let Some(endpoint) = endpoint.filter(|e| is_callback(e) && e.url.is_some()) else { return Ok(None) };
        Ok(Some(Self { client: EndpointClient::new("nlg", endpoint, "", default_timeout)? }))
    }

    /// Asks for a response; `None` when the server wants nothing said.
    ///
    /// # Errors
    /// There is no answer, or it has not the shape of a response; in words that
    /// are safe to log.
    pub async fn write(&self, call: &NlgCall) -> Result<Option<JsonMap>, String> {
        match http::json(self.client.post().json(call)).await? {
            Value::Null => Ok(None),
            Value::Object(fields) if fields.is_empty() => Ok(None),
            Value::Object(fields) => match fields.iter().find(|(key, value)| !has_its_type(key, value)) {
                None => Ok(Some(fields)),
                Some((key, _)) => Err(format!("`{key}` of its answer has the wrong type")),
            },
            _ => Err("its answer is no object".to_owned()),
        }
    }
}

/// The types that Rasa checks.
fn has_its_type(key: &str, value: &Value) -> bool {
    match key {
        "text" | "image" => value.is_null() || value.is_string(),
        "buttons" | "elements" | "quick_replies" => value.is_null() || value.is_array(),
        "attachment" | "custom" => value.is_null() || value.is_object(),
        _ => true,
    }
}
