//! Messages without a pause, while servers come and go: as Telegram, which delivers an
//! update until it is taken, and as a REST client, which repeats a request with its key.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::Toll;
use crate::support::{BotApi, Project, RUNTIME, Server, poll};

/// Chats of each kind that write.
const CHATS: i64 = 10;

/// All who write.
pub(super) const WRITERS: usize = 20;

/// Every chat writes so often: 200 messages a second together.
const EVERY: Duration = Duration::from_millis(100);

/// How long turns and answers may take once the storm is over.
const CALM: Duration = Duration::from_secs(300);

/// What a server logs when it gives up sending a message that may have arrived.
const DOUBTFUL: &str = "it stays unknown whether a message arrived";

/// Where the servers listen; none while one is away.
#[derive(Clone)]
struct Doors(Arc<Mutex<Vec<Option<String>>>>);

impl Doors {
    /// A balancer's choice: the next server that is there.
    fn choose(&self, number: usize) -> Option<String> {
        let doors = self.0.lock().expect("the doors");
        let open: Vec<&String> = doors.iter().flatten().collect();
        (!open.is_empty()).then(|| open[number % open.len()].clone())
    }

    fn set(&self, server: usize, base: Option<String>) {
        self.0.lock().expect("the doors")[server] = base;
    }
}

/// Servers on one store, and who writes to them.
pub(super) struct Storm<'a> {
    api: &'a BotApi,
    project: &'a Project,
    servers: Vec<Server>,
    doors: Doors,
    over: Arc<AtomicBool>,
    /// Deliveries that were acknowledged, and those that were not.
    taken: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    writers: Vec<JoinHandle<(String, usize)>>,
    kills: usize,
    doubtful: usize,
}

impl<'a> Storm<'a> {
    /// So many servers, and writers who have begun.
    pub(super) fn begin(api: &'a BotApi, project: &'a Project, servers: usize) -> Self {
        let servers: Vec<Server> = (0..servers).map(|_| Server::with_api(project)).collect();
        let bases = servers.iter().map(|server| Some(server.base().to_owned())).collect();
        Self::begin_at(api, project, servers, bases)
    }

    /// Servers at these ports, and writers who write to the balancer before them.
    pub(super) fn begin_behind(api: &'a BotApi, project: &'a Project, balancer: &str, ports: &[u16]) -> Self {
        let servers: Vec<Server> = ports.iter().map(|port| Server::at(project, *port)).collect();
        let names = servers.iter().filter(|server| poll_name(server)).count();
        assert_eq!(names, servers.len(), "a server does not know its bot's name");
        Self::begin_at(api, project, servers, vec![Some(balancer.to_owned())])
    }

    fn begin_at(api: &'a BotApi, project: &'a Project, servers: Vec<Server>, bases: Vec<Option<String>>) -> Self {
        api.wait_for_bot();
        let doors = Doors(Arc::new(Mutex::new(bases)));
        let secret = api.webhook().expect("a webhook").1;
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().expect("a client");
        let mut storm = Self {
            api,
            project,
            servers,
            doors,
            over: Arc::default(),
            taken: Arc::default(),
            refused: Arc::default(),
            writers: Vec::new(),
            kills: 0,
            doubtful: 0,
        };
        for chat in 1..=CHATS {
            storm.writers.push(storm.write(client.clone(), Channel::Telegram { chat, secret: secret.clone() }));
            storm.writers.push(storm.write(client.clone(), Channel::Rest { sender: format!("rest-{chat}") }));
        }
        storm
    }

    fn write(&self, client: reqwest::Client, channel: Channel) -> JoinHandle<(String, usize)> {
        let (doors, over) = (self.doors.clone(), Arc::clone(&self.over));
        let (taken, refused) = (Arc::clone(&self.taken), Arc::clone(&self.refused));
        RUNTIME.spawn(async move {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                let next = tokio::time::Instant::now() + EVERY;
                let mut attempt = number;
                while !channel.deliver(&client, &doors, number, attempt).await {
                    refused.fetch_add(1, Ordering::Relaxed);
                    attempt += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                taken.fetch_add(1, Ordering::Relaxed);
                number += 1;
                tokio::time::sleep_until(next).await;
            }
            (channel.sender_id(), number)
        })
    }

    /// The first server.
    pub(super) fn server(&self) -> &Server {
        &self.servers[0]
    }

    /// Kills a server in the middle of everything, and starts it again.
    pub(super) fn kill(&mut self, server: usize) {
        self.doors.set(server, None);
        let log = self.servers[server].stop();
        self.doubtful += log.matches(DOUBTFUL).count();
        self.kills += 1;
        self.servers[server] = Server::with_api(self.project);
        self.doors.set(server, Some(self.servers[server].base().to_owned()));
    }

    /// Tells a server to stop, as an update of its program does, and waits until it has.
    pub(super) fn terminate(&mut self, server: usize) {
        self.servers[server].terminate();
    }

    /// Starts a server that has stopped at the port that it had.
    pub(super) fn start_again(&mut self, server: usize, port: u16) {
        self.servers[server] = Server::at(self.project, port);
        assert!(poll_name(&self.servers[server]));
    }

    /// What a server says of its health.
    pub(super) fn health(&self, server: usize) -> u16 {
        self.servers[server].get("/health").status
    }

    /// Deliveries that were acknowledged so far, and those that were not.
    pub(super) fn so_far(&self) -> (usize, usize) {
        (self.taken.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// Lets it end; what came of it. Every message has to be where it was sent to, once
    /// and in its place.
    pub(super) fn end(mut self) -> Toll {
        self.over.store(true, Ordering::Relaxed);
        assert_eq!(self.writers.len(), WRITERS);
        let sent: BTreeMap<String, usize> = std::mem::take(&mut self.writers)
            .into_iter()
            .map(|writer| RUNTIME.block_on(writer).expect("a writer"))
            .collect();
        self.wait_for_calm();
        self.doubtful += self.servers.iter().map(|server| server.log().matches(DOUBTFUL).count()).sum::<usize>();
        let mut toll =
            Toll { kills: self.kills, messages: sent.values().sum(), doubtful: self.doubtful, ..Toll::default() };
        for (sender_id, count) in sent {
            let events = self.servers[0].events(&sender_id);
            let user = events.iter().filter(|event| event["event"] == "user");
            let numbers: Vec<usize> = user.map(|event| number_of(&event["text"])).collect();
            let mut once = numbers.clone();
            once.dedup();
            assert!(once.is_sorted(), "{sender_id}: out of order: {numbers:?}");
            toll.doubled_turns += numbers.len() - once.len();
            let without: Vec<usize> = (0..count).filter(|number| once.binary_search(number).is_err()).collect();
            if !without.is_empty() {
                println!("{sender_id}: without a turn, of {count}: {without:?}");
            }
            toll.lost += without.len();
            if let Ok(chat) = sender_id.parse() {
                let answers = self.api.messages(chat).len();
                if answers < count {
                    println!("{sender_id}: {answers} answers to {count} messages");
                }
                toll.lost += count.saturating_sub(answers);
                toll.doubled_answers += answers.saturating_sub(count);
            }
        }
        toll
    }

    fn wait_for_calm(&self) {
        let started = Instant::now();
        loop {
            let health = self.servers[0].get("/health").json();
            if health["unserved"] == 0 && health["unsent"] == 0 {
                return;
            }
            assert!(started.elapsed() < CALM, "{health}\n{}", self.servers[0].log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits until a server knows its bot's name; before it takes no updates.
fn poll_name(server: &Server) -> bool {
    poll("the bot's name", || server.log().contains("the bot is known to Telegram").then_some(true))
}

/// How a message comes.
enum Channel {
    Telegram { chat: i64, secret: String },
    Rest { sender: String },
}

impl Channel {
    fn sender_id(&self) -> String {
        match self {
            Self::Telegram { chat, .. } => chat.to_string(),
            Self::Rest { sender } => sender.clone(),
        }
    }

    /// Whether the message was acknowledged.
    async fn deliver(&self, client: &reqwest::Client, doors: &Doors, number: usize, attempt: usize) -> bool {
        let Some(base) = doors.choose(attempt) else { return false };
        // Every third one runs a custom action.
        let intent = if number % 3 == 2 { "work" } else { "greet" };
        let text = format!("/{intent}{{\"city\":\"{number}\"}}");
        let request = match self {
            Self::Telegram { chat, secret } => client
                .post(format!("{base}/webhooks/telegram/webhook"))
                .header("X-Telegram-Bot-Api-Secret-Token", secret)
                .body(update(*chat, number, &text).to_string()),
            Self::Rest { sender } => client
                .post(format!("{base}/webhooks/rest/webhook"))
                .header("Idempotency-Key", format!("{sender} {number}"))
                .body(json!({ "sender": sender, "message": text }).to_string()),
        };
        request.send().await.is_ok_and(|response| response.status() == 200)
    }
}

/// An update whose number is its chat's and its own.
fn update(chat: i64, number: usize, text: &str) -> Value {
    let id = chat * 1_000_000 + i64::try_from(number).expect("a number");
    json!({ "update_id": id, "message": {
        "message_id": number + 1, "date": 1_760_000_000, "text": text,
        "chat": { "id": chat, "type": "private", "first_name": "Warga" },
        "from": { "id": chat, "is_bot": false, "first_name": "Warga" },
    } })
}

fn number_of(text: &Value) -> usize {
    let digits: String = text.as_str().expect("a text").chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}
