//! An HTTP server that stands for another one (Duckling, an NLG server, a model
//! server): it keeps what it was asked and answers what the test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::RUNTIME;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Status, headers, body.
pub type Said = (u16, Vec<(&'static str, String)>, Vec<u8>);

type Answers = Box<dyn FnMut(&Asked) -> Said + Send>;

struct Script {
    answers: Answers,
    asked: Vec<Asked>,
}

/// The server.
pub struct Peer {
    url: String,
    task: JoinHandle<()>,
    script: Arc<Mutex<Script>>,
}

impl Peer {
    /// Starts it on a free port.
    pub fn start(answers: impl FnMut(&Asked) -> Said + Send + 'static) -> Self {
        let script = Arc::new(Mutex::new(Script { answers: Box::new(answers), asked: Vec::new() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let (url, task) = RUNTIME.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let task = tokio::spawn(async move {
                let _ = axum::serve(listener, router).await;
            });
            (url, task)
        });
        Self { url, task, script }
    }

    /// One that answers every request with this JSON.
    pub fn json(body: serde_json::Value) -> Self {
        Self::start(move |_| (200, Vec::new(), body.to_string().into_bytes()))
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.script.lock().expect("the script").asked.clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = String::from_utf8_lossy(&body).into_owned();
    let asked = Asked { method: method.to_string(), path: uri.to_string(), headers, body };
    let (status, headers, body) = {
        let mut script = script.lock().expect("the script");
        let said = (script.answers)(&asked);
        script.asked.push(asked);
        said
    };
    let mut response = (StatusCode::from_u16(status).expect("a status"), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    response
}
