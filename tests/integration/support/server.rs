//! `sapa run` on a free port, and requests to it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::project::short_of_disk;
use super::{DEADLINE, Project, RUNTIME, poll};

/// How long an answer on a raw connection is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The server; it is killed when this value goes.
pub struct Server {
    child: Child,
    base: String,
    client: reqwest::Client,
    log: Arc<Mutex<String>>,
    address: Mutex<mpsc::Receiver<String>>,
    reader: Option<JoinHandle<()>>,
    _project: Option<Project>,
}

/// An answer over HTTP.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub kind: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl Server {
    /// Starts the server in a project's folder and waits until it listens.
    pub fn start(project: &Project, arguments: &[&str]) -> Self {
        Self::start_logging(project, arguments, "info")
    }

    /// Starts the server with another level of its log.
    pub fn start_logging(project: &Project, arguments: &[&str], level: &str) -> Self {
        Self::start_with(project, arguments, &[("LOG_LEVEL", level)])
    }

    /// Starts the server with these variables. Its log must show where it
    /// listens.
    pub fn start_with(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut server = Self::launch_with(project, arguments, variables);
        server.wait();
        server
    }

    /// Starts the server with the HTTP API at that port.
    pub fn at(project: &Project, port: u16) -> Self {
        let port = port.to_string();
        let command = project.command(&["run", "-i", "127.0.0.1", "-p", &port, "--enable-api"]);
        let mut server = Self::spawn(command, &[("LOG_LEVEL", "info")]);
        server.wait();
        server
    }

    /// Starts the server; it may not listen yet.
    pub fn launch(project: &Project, arguments: &[&str], level: &str) -> Self {
        Self::launch_with(project, arguments, &[("LOG_LEVEL", level)])
    }

    /// Starts the server with no more than so many KiB for each of its files, as on
    /// a disk that is nearly full.
    pub fn start_short_of_disk(project: &Project, arguments: &[&str], kib: u32) -> Self {
        let all = [&["run", "-i", "127.0.0.1", "-p", "0"], arguments].concat();
        let mut server = Self::spawn(short_of_disk(&project.command(&all), kib), &[("LOG_LEVEL", "info")]);
        server.wait();
        server
    }

    fn launch_with(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let all = [&["run", "-i", "127.0.0.1", "-p", "0"], arguments].concat();
        Self::spawn(project.command(&all), variables)
    }

    fn spawn(mut command: std::process::Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let (kept, stderr) = (Arc::clone(&log), child.stderr.take().expect("its log"));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, after)) = line.split_once("Sapa is listening address=") {
                    let _ = found.send(after.split(' ').next().unwrap_or_default().to_owned());
                }
                let mut log = kept.lock().expect("the log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().expect("a client");
        Self {
            child,
            base: String::new(),
            client,
            log,
            address: Mutex::new(address),
            reader: Some(reader),
            _project: None,
        }
    }

    /// Waits until the server listens.
    pub fn wait(&mut self) {
        match self.address.get_mut().expect("the address").recv_timeout(DEADLINE) {
            Ok(address) => self.base = format!("http://{address}"),
            Err(_) => panic!("the server did not start:\n{}", self.stop()),
        }
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// Starts the server with the HTTP API.
    pub fn with_api(project: &Project) -> Self {
        Self::start(project, &["--enable-api"])
    }

    /// Starts the server with the HTTP API; the project lives as long as it.
    pub fn of(project: Project) -> Self {
        let mut server = Self::with_api(&project);
        server._project = Some(project);
        server
    }

    /// The small bot with the HTTP API.
    pub fn tiny() -> Self {
        Self::of(Project::tiny().trained())
    }

    /// Tells the server to stop, as `systemctl stop` does, and returns all it logged.
    pub fn terminate(&mut self) -> String {
        let id = self.child.id().to_string();
        let told = std::process::Command::new("kill").args(["-TERM", &id]).status().expect("`kill`");
        assert!(told.success(), "{told}");
        let _ = self.child.wait();
        self.stop()
    }

    /// Kills the server at once, as a power cut would, and returns all it logged.
    pub fn stop(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log's reader");
        }
        self.log()
    }

    /// `http://address`, where it listens.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request being built.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request.
    pub fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        RUNTIME.block_on(answer(request))
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path))
    }

    /// Posts bytes as they are.
    pub fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        self.send(self.request(Method::POST, path).body(body))
    }

    /// Sends bytes on a connection of their own, however incomplete a request
    /// they are. The status of the answer; `None` when none comes.
    pub fn raw(&self, bytes: &[u8]) -> Option<u16> {
        let mut stream = TcpStream::connect(self.base.trim_start_matches("http://")).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        // A server that has refused a request need not take the rest of it.
        let sent = stream.write_all(bytes);
        let mut line = String::new();
        let answered = BufReader::new(stream).read_line(&mut line);
        assert!(sent.is_ok() || !line.is_empty(), "neither taken nor answered: {sent:?}");
        answered.ok()?;
        line.split(' ').nth(1)?.parse().ok()
    }

    /// Waits until no message waits for its turn or to be sent.
    pub fn wait_until_sent(&self) {
        poll("all turns and all that is to be sent", || {
            let health = self.get("/health").json();
            (health["unserved"] == 0 && health["unsent"] == 0).then_some(())
        });
    }

    /// Sends a message over REST and returns the bot's messages.
    pub fn say(&self, sender: &str, message: &str) -> Vec<Value> {
        let reply = self.post(WEBHOOK, json!({ "sender": sender, "message": message }).to_string());
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json().as_array().expect("a list").clone()
    }

    /// The texts that the bot answers.
    pub fn texts(&self, sender: &str, message: &str) -> Vec<String> {
        self.say(sender, message).iter().map(|m| m["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The tracker with all events.
    pub fn tracker(&self, sender: &str) -> Value {
        self.get(&format!("/conversations/{sender}/tracker?include_events=ALL")).json()
    }

    /// All events of a conversation.
    pub fn events(&self, sender: &str) -> Vec<Value> {
        self.tracker(sender)["events"].as_array().expect("events").clone()
    }

    /// Sends requests at the same time.
    pub fn all_at_once(&self, requests: Vec<reqwest::RequestBuilder>) -> Vec<Reply> {
        RUNTIME.block_on(async {
            let tasks: Vec<_> = requests.into_iter().map(|request| tokio::spawn(answer(request))).collect();
            let mut replies = Vec::new();
            for task in tasks {
                replies.push(task.await.expect("a reply"));
            }
            replies
        })
    }
}

/// Where REST messages go.
const WEBHOOK: &str = "/webhooks/rest/webhook";

async fn answer(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    Reply { status, kind, body: response.text().await.expect("a body") }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
