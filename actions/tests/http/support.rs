//! A running action server and short ways to call it.

use std::sync::Arc;

use helpdesk_actions::{FixedClock, Helpdesk, People, Settings, Store, action_server};
use sapa_sdk::Date;
use serde_json::{Map, Value, json};

/// The day of all tests.
pub const TODAY: Date = Date { year: 2026, month: 11, day: 23 };

/// A server with a database of its own, until the test ends.
pub struct Desk {
    base: String,
    client: reqwest::Client,
    pub helpdesk: Arc<Helpdesk>,
    _directory: tempfile::TempDir,
}

/// What an action answered.
pub struct Answer {
    pub texts: Vec<String>,
    pub buttons: Vec<(String, String)>,
    pub slots: Map<String, Value>,
}

impl Desk {
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let people = include_str!("../../data_pengguna.json");
        let helpdesk = Arc::new(Helpdesk {
            settings: Settings {
                whatsapp_bpksdm: "0812-0000-0000".into(),
                url_simasn: "https://simasn.contoh.go.id".into(),
            },
            people: People::from_json(people, TODAY).unwrap(),
            store: Store::open(&directory.path().join("helpdesk.db")).await.unwrap(),
            clock: Arc::new(FixedClock(TODAY)),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(action_server(Arc::clone(&helpdesk)).serve(listener, std::future::pending()));
        Self { base, client: reqwest::Client::new(), helpdesk, _directory: directory }
    }

    /// Runs an action; the answer must be a 200.
    pub async fn run(&self, call: Call) -> Answer {
        let (status, body) = self.post(&call).await;
        assert_eq!(status, 200, "{body}");
        Answer::read(&body)
    }

    /// Runs an action, whatever the answer.
    pub async fn post(&self, call: &Call) -> (u16, Value) {
        let mut request = self.client.post(format!("{}/webhook", self.base)).json(&call.body());
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> Value {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    pub async fn tickets(&self) -> Vec<helpdesk_actions::Ticket> {
        self.helpdesk.store.tickets().await.unwrap()
    }
}

impl Answer {
    fn read(body: &Value) -> Self {
        let responses = body["responses"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            texts: responses.iter().map(|response| text(&response["text"])).collect(),
            buttons: responses
                .iter()
                .flat_map(|response| response["buttons"].as_array().unwrap())
                .map(|button| (text(&button["title"]), text(&button["payload"])))
                .collect(),
            slots: body["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| (event["name"].as_str().unwrap().to_owned(), event["value"].clone()))
                .collect(),
        }
    }

    pub fn text(&self) -> String {
        self.texts.join("\n")
    }

    /// The ticket number in the messages.
    pub fn ticket(&self) -> Option<String> {
        let text = self.text();
        let start = text.find("HD-")?;
        text.get(start..start + 14).map(str::to_owned)
    }
}

/// One call of an action, built up.
#[derive(Clone)]
pub struct Call {
    action: String,
    sender: String,
    text: String,
    intent: String,
    ranking: Vec<String>,
    entities: Vec<Value>,
    slots: Map<String, Value>,
    events: Vec<Value>,
    key: Option<String>,
}

pub fn call(action: &str) -> Call {
    Call {
        action: action.to_owned(),
        sender: "warga-1".to_owned(),
        text: String::new(),
        intent: String::new(),
        ranking: Vec::new(),
        entities: Vec::new(),
        slots: Map::new(),
        events: Vec::new(),
        key: None,
    }
}

impl Call {
    pub fn sender(mut self, sender: &str) -> Self {
        self.sender = sender.to_owned();
        self
    }

    pub fn says(mut self, text: &str, intent: &str) -> Self {
        (self.text, self.intent) = (text.to_owned(), intent.to_owned());
        self
    }

    pub fn ranked(mut self, intents: &[&str]) -> Self {
        self.ranking = intents.iter().map(|intent| (*intent).to_owned()).collect();
        self
    }

    pub fn entity(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.entities.push(json!({"entity": name, "value": value.into()}));
        self
    }

    pub fn slot(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.slots.insert(name.to_owned(), value.into());
        self
    }

    /// A value extracted from the message, at the end of the events.
    pub fn candidate(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.events.push(json!({"event": "slot", "timestamp": 2.0, "name": name, "value": value}));
        self.slot(name, value)
    }

    pub fn event(mut self, event: Value) -> Self {
        self.events.push(event);
        self
    }

    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    fn body(&self) -> Value {
        let ranking: Vec<Value> = self.ranking.iter().map(|name| json!({"name": name, "confidence": 0.1})).collect();
        json!({
            "next_action": self.action, "sender_id": self.sender, "version": "3.6.21",
            "tracker": {
                "sender_id": self.sender, "slots": self.slots, "events": self.events,
                "latest_message": {"text": self.text, "intent": {"name": self.intent, "confidence": 0.9},
                    "entities": self.entities, "intent_ranking": ranking},
            },
            "domain": {"forms": {
                "reset_password_form": {"required_slots": ["aplikasi"]},
                "tte_form": {"required_slots": ["nomor_identitas", "konfirmasi_data"]},
                "cek_tte_form": {"required_slots": ["nomor_identitas"]},
            }},
        })
    }
}
