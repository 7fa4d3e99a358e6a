//! Understanding a message: the model's own pipeline, the servers it asks
//! (Duckling, spec §2.5), or a remote NLU server instead (spec §1.8).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sapa_model::{DucklingQuery, Model};
use sapa_project::endpoints::HttpEndpoint;
use sapa_sdk::ParseData;
use serde_json::{Value, json};

use super::http::{self, EndpointClient, EndpointError};
use crate::store::Clock;

/// A longer text is understood beside the server's work: with expressions of the
/// project that are slow it may take seconds.
const QUICK_BYTES: usize = 512;

/// Understands messages with the help of other servers.
pub struct Understanding {
    remote: Option<EndpointClient>,
    duckling: OnceLock<reqwest::Client>,
    /// Comes before the URL of the component.
    duckling_url: Option<String>,
    duckling_is_down: AtomicBool,
    duckling_misplaces: AtomicBool,
    clock: Clock,
}

impl Understanding {
    /// `remote` is the section `nlu` of `endpoints.yml`; `duckling_url` the
    /// variable `RASA_DUCKLING_HTTP_URL`.
    ///
    /// # Errors
    /// The remote server's URL is no URL.
    pub fn new(
        remote: Option<HttpEndpoint>,
        duckling_url: Option<String>,
        clock: Clock,
    ) -> Result<Self, EndpointError> {
        let remote = remote.filter(|endpoint| endpoint.url.is_some());
        Ok(Self {
            remote: remote.map(|endpoint| EndpointClient::new("nlu", endpoint, "model/parse", None)).transpose()?,
            duckling: OnceLock::new(),
            duckling_url,
            duckling_is_down: AtomicBool::new(false),
            duckling_misplaces: AtomicBool::new(false),
            clock,
        })
    }

    /// Understands a text.
    pub async fn parse(&self, model: &Model, text: &str, message_id: Option<&str>) -> ParseData {
        if let Some(remote) = &self.remote {
            return ask_remote(remote, text, message_id).await;
        }
        let queries = model.queries(text);
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            answers.push(self.ask_duckling(query, text).await);
        }
        match text.len() > QUICK_BYTES && may_block() {
            true => tokio::task::block_in_place(|| model.parse_with(text, &answers)),
            false => model.parse_with(text, &answers),
        }
    }

    /// Whether Duckling answered when it was last asked, if it was.
    pub fn is_heard(&self) -> bool {
        !self.duckling_is_down.load(Ordering::Relaxed)
    }

    /// Duckling's matches; null when there is no answer, which is logged once
    /// until there is one again.
    async fn ask_duckling(&self, query: &DucklingQuery, text: &str) -> Value {
        let answer = match self.duckling_url.as_deref().or(query.url.as_deref()) {
            Some(url) => match self.duckling_request(url, query, text) {
                Ok(request) => http::json(request).await,
                Err(error) => Err(error.to_string()),
            },
            None => Err("the component has no `url`, and RASA_DUCKLING_HTTP_URL is not set".to_owned()),
        };
        let was_down = self.duckling_is_down.swap(answer.is_err(), Ordering::Relaxed);
        let mut answer = answer.unwrap_or_else(|reason| {
            if !was_down {
                tracing::warn!(reason, "Duckling gives no answer; messages are understood without its entities");
            }
            Value::Null
        });
        let misplaced = drop_misplaced(&mut answer, text.chars().count());
        if misplaced > 0 && !self.duckling_misplaces.swap(true, Ordering::Relaxed) {
            tracing::warn!(misplaced, "Duckling's answer has matches that are not in the text; they are left out");
        }
        answer
    }

    fn duckling_request(
        &self,
        url: &str,
        query: &DucklingQuery,
        text: &str,
    ) -> Result<reqwest::RequestBuilder, EndpointError> {
        // Most bots have no Duckling: its client is made when it is needed.
        let http = match self.duckling.get() {
            Some(http) => http,
            None => {
                let made = http::client(url.starts_with("https"), 300.0)?;
                self.duckling.get_or_init(|| made)
            }
        };
        let milliseconds = ((self.clock)() * 1_000.0) as i64;
        let mut form = vec![("text", text.to_owned()), ("reftime", milliseconds.to_string())];
        form.extend(query.locale.clone().map(|locale| ("locale", locale)));
        form.extend(query.timezone.clone().map(|timezone| ("tz", timezone)));
        form.extend(query.dimensions.as_ref().map(|dimensions| ("dims", json!(dimensions).to_string())));
        let timeout = Duration::from_secs_f64(query.timeout.clamp(0.001, 86_400.0));
        Ok(http.post(http::join(url, "parse")).timeout(timeout).form(&form))
    }
}

/// Leaves out matches that do not lie in a text of `length` characters; how many.
fn drop_misplaced(answer: &mut Value, length: usize) -> usize {
    let Some(matches) = answer.as_array_mut() else { return 0 };
    let before = matches.len();
    let offset = |found: &Value, key: &str| found.get(key).and_then(Value::as_u64);
    matches.retain(|found| match (offset(found, "start"), offset(found, "end")) {
        (Some(start), Some(end)) => start <= end && usize::try_from(end).is_ok_and(|end| end <= length),
        _ => false,
    });
    before - matches.len()
}

/// What another NLU server understands; nothing when it gives no answer, as in
/// Rasa.
async fn ask_remote(remote: &EndpointClient, text: &str, message_id: Option<&str>) -> ParseData {
    let endpoint = remote.endpoint();
    let token = endpoint.token.as_ref().map(sapa_project::endpoints::Secret::expose);
    let body = json!({ "token": token, "text": text, "message_id": message_id });
    let nothing = || ParseData { text: Some(text.to_owned()), ..ParseData::default() };
    match http::json(remote.post().json(&body)).await {
        Ok(answer) => serde_json::from_value(answer).unwrap_or_else(|_| {
            tracing::warn!("the NLU server's answer has not the shape of /model/parse");
            nothing()
        }),
        Err(reason) => {
            tracing::warn!(reason, "the NLU server gives no answer; the message is not understood");
            nothing()
        }
    }
}

/// Whether other tasks may be moved to another thread meanwhile.
fn may_block() -> bool {
    let runtime = tokio::runtime::Handle::current();
    runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_that_are_not_in_the_text_are_left_out() {
        let found = |start: i64, end: i64| json!({ "dim": "time", "start": start, "end": end });
        let sound = [found(0, 5), found(2, 2), found(5, 6)];
        let mut answer = json!([found(3, 1), found(0, 7), found(-1, 2), sound[0], sound[1], sound[2], {"dim": "time"}]);
        assert_eq!(drop_misplaced(&mut answer, 6), 4);
        assert_eq!(answer, json!(sound));
        assert_eq!(drop_misplaced(&mut Value::Null, 6), 0);
    }
}
