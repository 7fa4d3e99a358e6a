//! Telegram's side: a Bot API server that speaks the real protocol over a
//! socket, with chats, keyboards, long polling, webhooks and its refusals.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{DEADLINE, Project, RUNTIME, Server, poll};

/// The bot's token; shorter than a real one.
pub const TOKEN: &str = "4711:rahasia-sekali";

/// What the server answers instead of doing it.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status and body.
    Answer(u16, Value),
    /// The connection ends in the middle of the answer.
    Cut,
    /// The call is taken, and there is no answer.
    Silence,
    /// The call is done, and the connection ends before the answer.
    Lost,
    /// Nothing: this call is done.
    None,
}

/// A call of the bot.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub arguments: Value,
}

#[derive(Default)]
struct World {
    /// Updates nobody has confirmed.
    updates: VecDeque<Value>,
    last_update: i64,
    last_message: i64,
    calls: Vec<Call>,
    /// Messages of the bot, by chat: id and arguments.
    sent: BTreeMap<i64, Vec<(i64, Value)>>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    /// What every message to a chat gets.
    broken_chats: BTreeMap<i64, Fault>,
    /// URL and secret.
    webhook: Option<(String, String)>,
    /// Presses that were not answered.
    open_queries: BTreeSet<String>,
    /// How often updates were asked for: the last who asks is the receiver.
    asked: u64,
    /// The last `allowed_updates`; empty: all kinds.
    allowed: Vec<String>,
}

struct Shared {
    world: Mutex<World>,
    news: Notify,
}

/// The server; it stops when this value goes.
pub struct BotApi {
    pub url: String,
    task: JoinHandle<()>,
    shared: Arc<Shared>,
}

impl BotApi {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// A server that listens there.
    pub fn start_at(address: &str) -> Self {
        let shared = Arc::new(Shared { world: Mutex::default(), news: Notify::new() });
        let router = Router::new().route("/{bot}/{method}", post(serve)).with_state(Arc::clone(&shared));
        let (url, task) = RUNTIME.block_on(async {
            let listener = TcpListener::bind(address).await.expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let task = tokio::spawn(async move {
                let _ = axum::serve(listener, router).await;
            });
            (url, task)
        });
        Self { url, task, shared }
    }

    /// Credentials for a bot of this server; `more` are further options.
    pub fn serve(&self, project: &Project, more: &str) {
        let options = format!("  access_token: '{TOKEN}'\n  verify: HelpdeskBot\n  api_url: '{}'\n{more}", self.url);
        project.write("credentials.yml", format!("rest:\ntelegram:\n{options}"));
    }

    fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let value = work(&mut self.shared.world.lock().expect("the world"));
        self.shared.news.notify_waiters();
        value
    }

    /// The next calls of a method fail so, one after the other.
    pub fn fail(&self, method: &str, faults: impl IntoIterator<Item = Fault>) {
        self.with(|world| world.faults.entry(method.to_owned()).or_default().extend(faults));
    }

    /// From now on every message to that chat fails so.
    pub fn fail_in(&self, chat: i64, fault: Fault) {
        self.with(|world| world.broken_chats.insert(chat, fault));
    }

    /// Messages to that chat arrive again.
    pub fn heal(&self, chat: i64) {
        self.with(|world| world.broken_chats.remove(&chat));
    }

    /// What the bot called so far.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        self.with(|world| {
            world.calls.iter().filter(|call| call.method == method).map(|call| call.arguments.clone()).collect()
        })
    }

    /// The secret that was registered with the webhook.
    pub fn webhook(&self) -> Option<(String, String)> {
        self.with(|world| world.webhook.clone())
    }

    /// Messages of the bot in a chat so far.
    pub fn messages(&self, chat: i64) -> Vec<Value> {
        self.with(|world| world.sent.get(&chat).into_iter().flatten().map(|(_, message)| message.clone()).collect())
    }

    /// Presses that the bot has not answered.
    pub fn open_queries(&self) -> usize {
        self.with(|world| world.open_queries.len())
    }

    /// An update with a number of its own; its kind and content are given.
    pub fn update(&self, kind: &str, content: Value) -> Value {
        self.with(|world| {
            world.last_update += 1;
            let mut update = json!({ "update_id": 1000 + world.last_update });
            update[kind] = content;
            update
        })
    }

    /// A message in a private chat; `content` holds its text or whatever it is.
    pub fn message(&self, chat: i64, content: Value) -> Value {
        let mut message = json!({
            "message_id": self.with(World::next_message),
            "date": 1_760_000_000,
            "chat": { "id": chat, "type": "private", "first_name": "Warga" },
            "from": { "id": chat, "is_bot": false, "first_name": "Warga" },
        });
        message.as_object_mut().expect("an object").extend(content.as_object().expect("an object").clone());
        message
    }

    /// An update with a text in a private chat.
    pub fn text(&self, chat: i64, text: &str) -> Value {
        let message = self.message(chat, json!({ "text": text }));
        self.update("message", message)
    }

    /// An update with a press of the newest button of that title.
    pub fn press(&self, chat: i64, title: &str) -> Value {
        let (message_id, data) = self.button(chat, title).unwrap_or_else(|| panic!("no button `{title}`"));
        self.press_data(chat, message_id, &data)
    }

    /// Message and data of the newest button of that title.
    pub fn button(&self, chat: i64, title: &str) -> Option<(i64, String)> {
        self.with(|world| {
            world.sent.get(&chat)?.iter().rev().find_map(|(id, message)| {
                let rows = message["reply_markup"]["inline_keyboard"].as_array()?;
                let mut buttons = rows.iter().filter_map(Value::as_array).flatten();
                let button = buttons.find(|button| button["text"] == title)?;
                Some((*id, button["callback_data"].as_str()?.to_owned()))
            })
        })
    }

    /// An update with a press on a message's keyboard.
    pub fn press_data(&self, chat: i64, message_id: i64, data: &str) -> Value {
        let query = format!("q{}", self.with(World::next_message));
        self.with(|world| world.open_queries.insert(query.clone()));
        let mut message = self.message(chat, json!({ "text": "?" }));
        message["message_id"] = json!(message_id);
        message["from"] = me();
        let content = json!({
            "id": query, "from": { "id": chat, "is_bot": false, "first_name": "Warga" },
            "message": message, "chat_instance": "1", "data": data,
        });
        self.update("callback_query", content)
    }

    /// Puts updates where the bot asks for them.
    pub fn queue(&self, updates: impl IntoIterator<Item = Value>) {
        self.with(|world| world.updates.extend(updates));
    }

    /// Whether the bot has confirmed all updates.
    pub fn all_confirmed(&self) -> bool {
        self.with(|world| world.updates.is_empty())
    }

    /// Hands an update over as Telegram would: queued for the bot that asks, or
    /// delivered until it is taken. Returns what the bot sent to the chat until nothing
    /// was left to send.
    pub fn deliver(&self, server: &Server, chat: i64, update: Value) -> Vec<Value> {
        let before = self.messages(chat).len();
        match self.webhook() {
            None => {
                self.queue([update]);
                poll("the update's confirmation", || self.all_confirmed().then_some(()));
            }
            Some(_) if !self.with(|world| world.is_allowed(&update)) => {}
            Some((url, secret)) => {
                let path = url.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
                let path = path.expect("a path");
                poll("the delivery", || {
                    let request = server.request(reqwest::Method::POST, &path);
                    let request = request.header("X-Telegram-Bot-Api-Secret-Token", &secret).body(update.to_string());
                    (server.send(request).status == 200).then_some(())
                });
            }
        }
        server.wait_until_sent();
        self.messages(chat).split_off(before)
    }

    /// Says something in a private chat; what the bot answers.
    pub fn say(&self, server: &Server, chat: i64, text: &str) -> Vec<Value> {
        self.deliver(server, chat, self.text(chat, text))
    }

    /// [`Self::say`]; only the texts.
    pub fn texts(&self, server: &Server, chat: i64, text: &str) -> Vec<String> {
        texts(&self.say(server, chat, text))
    }

    /// Waits until the bot has registered: it asks for updates, or has a webhook.
    pub fn wait_for_bot(&self) {
        poll("the bot", || {
            let asked = !self.calls("getUpdates").is_empty() || self.webhook().is_some();
            asked.then_some(())
        });
    }
}

impl Drop for BotApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Texts of messages.
pub fn texts(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
}

impl World {
    fn allow(&mut self, arguments: &Value) {
        if let Some(kinds) = arguments["allowed_updates"].as_array() {
            self.allowed = kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
    }

    /// Whether the bot asked for such updates. Kinds that no bot is asked about here
    /// always pass: it must bear them.
    fn is_allowed(&self, update: &Value) -> bool {
        let kinds = ["message", "edited_message", "callback_query"];
        let kind = kinds.into_iter().find(|kind| update.get(kind).is_some());
        self.allowed.is_empty() || kind.is_none_or(|kind| self.allowed.iter().any(|allowed| allowed == kind))
    }

    fn next_message(&mut self) -> i64 {
        self.last_message += 1;
        self.last_message
    }
}

fn me() -> Value {
    json!({ "id": 4711, "is_bot": true, "first_name": "Helpdesk", "username": "HelpdeskBot" })
}

fn ok(result: Value) -> Response {
    axum::Json(json!({ "ok": true, "result": result })).into_response()
}

fn refused(code: u16, description: &str) -> Response {
    let body = json!({ "ok": false, "error_code": code, "description": description });
    (StatusCode::from_u16(code).expect("a status"), axum::Json(body)).into_response()
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    Path((bot, method)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if bot != format!("bot{TOKEN}") {
        return refused(401, "Unauthorized");
    }
    let arguments: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).unwrap_or_default() };
    let fault = {
        let mut world = shared.world.lock().expect("the world");
        world.calls.push(Call { method: method.clone(), arguments: arguments.clone() });
        let chat = arguments["chat_id"].as_i64().filter(|_| method.starts_with("send"));
        let broken = chat.and_then(|chat| world.broken_chats.get(&chat).cloned());
        broken.or_else(|| world.faults.get_mut(&method).and_then(VecDeque::pop_front))
    };
    match fault {
        Some(Fault::Answer(status, body)) => {
            return (StatusCode::from_u16(status).expect("a status"), axum::Json(body)).into_response();
        }
        Some(Fault::Cut) => return cut(),
        Some(Fault::Lost) => {
            act(&mut shared.world.lock().expect("the world"), &method, &arguments);
            return cut();
        }
        Some(Fault::Silence) => return std::future::pending().await,
        Some(Fault::None) | None => {}
    }
    if method == "getUpdates" {
        updates(&shared, &arguments).await
    } else {
        act(&mut shared.world.lock().expect("the world"), &method, &arguments)
    }
}

/// An answer whose connection ends in the middle of it.
fn cut() -> Response {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    Response::new(axum::body::Body::from_stream(broken))
}

/// Long polling: an offset confirms everything before it.
async fn updates(shared: &Shared, arguments: &Value) -> Response {
    let offset = arguments["offset"].as_i64().unwrap_or(0);
    let patience = Duration::from_secs(arguments["timeout"].as_u64().unwrap_or(0)).min(DEADLINE);
    let deadline = tokio::time::Instant::now() + patience;
    let own = {
        let mut world = shared.world.lock().expect("the world");
        world.asked += 1;
        world.asked
    };
    shared.news.notify_waiters();
    loop {
        let news = shared.news.notified();
        {
            let mut world = shared.world.lock().expect("the world");
            if world.webhook.is_some() {
                return refused(409, "Conflict: can't use getUpdates method while webhook is active");
            }
            if world.asked != own {
                return refused(409, "Conflict: terminated by other getUpdates request");
            }
            world.allow(arguments);
            let allowed = std::mem::take(&mut world.updates).into_iter().filter(|update| world.is_allowed(update));
            let left = allowed.filter(|update| update["update_id"].as_i64().unwrap_or(0) >= offset).collect();
            world.updates = left;
            if !world.updates.is_empty() {
                return ok(world.updates.iter().take(100).cloned().collect());
            }
        }
        if tokio::time::timeout_at(deadline, news).await.is_err() {
            return ok(json!([]));
        }
    }
}

fn act(world: &mut World, method: &str, arguments: &Value) -> Response {
    match method {
        "getMe" => {
            let mut bot = me();
            for ability in ["can_join_groups", "can_read_all_group_messages", "supports_inline_queries"] {
                bot[ability] = json!(false);
            }
            bot["can_connect_to_business"] = json!(false);
            bot["has_main_web_app"] = json!(false);
            ok(bot)
        }
        "setWebhook" => {
            let text = |key: &str| arguments[key].as_str().unwrap_or_default().to_owned();
            world.allow(arguments);
            world.webhook = Some((text("url"), text("secret_token")));
            ok(json!(true))
        }
        "deleteWebhook" => {
            world.webhook = None;
            ok(json!(true))
        }
        "answerCallbackQuery" => match world.open_queries.remove(arguments["callback_query_id"].as_str().unwrap_or(""))
        {
            true => ok(json!(true)),
            false => refused(400, "Bad Request: query is too old and response timeout expired or query id is invalid"),
        },
        "sendChatAction" | "setMyCommands" => ok(json!(true)),
        "editMessageReplyMarkup" => edit(world, arguments),
        _ if method.starts_with("send") => send(world, arguments),
        _ => refused(404, "Not Found: method not found"),
    }
}

fn edit(world: &mut World, arguments: &Value) -> Response {
    let (chat, id) = (arguments["chat_id"].as_i64().unwrap_or(0), arguments["message_id"].as_i64().unwrap_or(0));
    let message = world.sent.get_mut(&chat).and_then(|sent| sent.iter_mut().find(|(own, _)| *own == id));
    match message {
        Some((_, message)) if !message["reply_markup"].is_null() => {
            message["reply_markup"] = arguments["reply_markup"].clone();
            ok(shown(chat, id, message))
        }
        Some(_) => refused(400, "Bad Request: message is not modified"),
        None => refused(400, "Bad Request: message to edit not found"),
    }
}

fn send(world: &mut World, arguments: &Value) -> Response {
    if let Some(reason) = fault_of(arguments) {
        return refused(400, &format!("Bad Request: {reason}"));
    }
    let chat = arguments["chat_id"].as_i64().unwrap_or(0);
    let id = world.next_message();
    world.sent.entry(chat).or_default().push((id, arguments.clone()));
    ok(shown(chat, id, arguments))
}

fn shown(chat: i64, id: i64, arguments: &Value) -> Value {
    json!({
        "message_id": id, "date": 1_760_000_000, "from": me(),
        "chat": { "id": chat, "type": "private", "first_name": "Warga" },
        "text": arguments["text"].as_str().unwrap_or("-"),
    })
}

/// What Telegram refuses of a message.
fn fault_of(arguments: &Value) -> Option<String> {
    if arguments["chat_id"].as_i64().is_none() {
        return Some("chat_id is empty".to_owned());
    }
    if let Some(text) = arguments.get("text").and_then(Value::as_str) {
        match text.encode_utf16().count() {
            0 => return Some("message text is empty".to_owned()),
            1..=4096 => {}
            _ => return Some("message is too long".to_owned()),
        }
        if arguments["parse_mode"] == "HTML" && text.replace("<b>", "").replace("</b>", "").contains('<') {
            return Some("can't parse entities: unsupported start tag".to_owned());
        }
    }
    let rows = arguments["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten();
    let buttons = rows.filter_map(Value::as_array).flatten();
    for button in buttons {
        let data = button["callback_data"].as_str().unwrap_or_default();
        let has_url = button["url"].is_string();
        if button["text"].as_str().unwrap_or_default().is_empty() {
            return Some("text buttons are unallowed".to_owned());
        }
        if !has_url && !(1..=64).contains(&data.len()) {
            return Some("BUTTON_DATA_INVALID".to_owned());
        }
    }
    None
}
