//! Action servers in this process: the helpdesk's own, and one that answers
//! what a test tells it to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use helpdesk_actions::{FixedClock, Helpdesk, People, Settings, Store, action_server};
use sapa_sdk::Date;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Project, RUNTIME};

/// The day on which the helpdesk works in all tests.
const TODAY: Date = Date { year: 2026, month: 11, day: 23 };

/// The helpdesk's actions with a database of their own.
pub struct HelpdeskActions {
    url: String,
    task: JoinHandle<()>,
    _folder: TempDir,
}

impl HelpdeskActions {
    pub fn start() -> Self {
        Self::linking(&BTreeMap::new())
    }

    /// Whose people are linked to these chats instead of those of the file.
    pub fn linking(chats: &BTreeMap<&str, i64>) -> Self {
        let mut people = include_str!("../../../actions/data_pengguna.json").to_owned();
        for (sender, chat) in chats {
            people = people.replace(&format!("\"{sender}\""), &format!("\"{chat}\""));
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("helpdesk.db");
        let (url, task) = RUNTIME.block_on(async {
            let helpdesk = Helpdesk {
                settings: Settings {
                    whatsapp_bpksdm: "0812-0000-0000".into(),
                    url_simasn: "https://simasn.contoh.go.id".into(),
                },
                people: People::from_json(&people, TODAY).expect("people"),
                store: Store::open(&database).await.expect("a database"),
                clock: Arc::new(FixedClock(TODAY)),
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("http://{}/webhook", listener.local_addr().expect("an address"));
            let server = action_server(Arc::new(helpdesk));
            let task = tokio::spawn(async move {
                let _ = server.serve(listener, std::future::pending()).await;
            });
            (url, task)
        });
        Self { url, task, _folder: folder }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches("/webhook")
    }

    /// Makes a project use these actions.
    pub fn serve(&self, project: &Project) {
        use_actions(project, &self.url, 10.0);
    }
}

impl Drop for HelpdeskActions {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the fake server does with a call.
#[derive(Clone)]
pub enum Answer {
    /// Answers this status and body.
    Body(u16, String),
    /// Never answers.
    Silence,
}

/// Events of a call that are kept.
const MOST_KEPT: usize = 100;

#[derive(Default)]
struct Script {
    answers: BTreeMap<String, Answer>,
    calls: Vec<Value>,
    keys: Vec<String>,
}

type Shared = Arc<Mutex<Script>>;

/// An action server that answers by a script and keeps what it was asked.
pub struct FakeActions {
    url: String,
    task: JoinHandle<()>,
    script: Shared,
}

impl FakeActions {
    /// A server for which every action does nothing.
    pub fn start() -> Self {
        let script = Shared::default();
        let router = Router::new().fallback(webhook).with_state(Arc::clone(&script));
        let (url, task) = RUNTIME.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("http://{}/webhook", listener.local_addr().expect("an address"));
            let task = tokio::spawn(async move {
                let _ = axum::serve(listener, router).await;
            });
            (url, task)
        });
        Self { url, task, script }
    }

    /// Makes a project use this server and wait so many seconds for it.
    pub fn serve(&self, project: &Project, request_timeout: f64) {
        use_actions(project, &self.url, request_timeout);
    }

    /// From now on that action answers so.
    pub fn answer(&self, action: &str, status: u16, body: impl ToString) {
        self.script(action, Answer::Body(status, body.to_string()));
    }

    pub fn script(&self, action: &str, answer: Answer) {
        self.script.lock().expect("the script").answers.insert(action.to_owned(), answer);
    }

    /// What was posted so far.
    pub fn calls(&self) -> Vec<Value> {
        self.script.lock().expect("the script").calls.clone()
    }

    /// The `Idempotency-Key` of each call.
    pub fn keys(&self) -> Vec<String> {
        self.script.lock().expect("the script").keys.clone()
    }
}

impl Drop for FakeActions {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn webhook(State(script): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut call: Value = serde_json::from_slice(&body).unwrap_or_default();
    // A call brings its whole session: thousands of long ones would not fit into memory.
    if let Some(events) =
        call.pointer_mut("/tracker/events").filter(|events| events.as_array().is_some_and(|e| e.len() > MOST_KEPT))
    {
        *events = Value::Null;
    }
    let answer = {
        let mut script = script.lock().expect("the script");
        let answer = call["next_action"].as_str().and_then(|action| script.answers.get(action).cloned());
        script.calls.push(call);
        let key = headers.get("Idempotency-Key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        script.keys.push(key.to_owned());
        answer
    };
    match answer {
        None => (StatusCode::OK, "{}").into_response(),
        Some(Answer::Body(status, body)) => (StatusCode::from_u16(status).expect("a status"), body).into_response(),
        Some(Answer::Silence) => std::future::pending().await,
    }
}

/// Makes a project use the action server there.
pub fn use_actions(project: &Project, url: &str, request_timeout: f64) {
    let store = "tracker_store: {type: SQL, dialect: sqlite, db: conversations.db}";
    project.write(
        "endpoints.yml",
        format!("action_endpoint: {{url: '{url}', request_timeout: {request_timeout}}}\n{store}\n"),
    );
}
