//! What the tests share: projects on disk, the running program, servers that
//! stop when they go out of scope.

mod actions;
mod authority;
mod bot_api;
mod kafka;
mod keeper;
mod nginx;
mod peer;
mod postgres;
mod postgres_faults;
mod project;
mod rabbit;
mod redis;
mod server;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;

pub use actions::{Answer, FakeActions, HelpdeskActions, use_actions};
pub use authority::Authority;
pub use bot_api::{BotApi, Fault, TOKEN, texts};
pub use kafka::Kafka;
pub use nginx::Nginx;
pub use peer::Peer;
pub use postgres::{Cluster, PASSWORD, USER};
pub use project::{Killed, Output, Project, ended, helpdesk_model, program, repository, short_of_disk};
pub use rabbit::Rabbit;
pub use redis::Redis;
pub use server::Server;

/// Whether a program is there that a test needs. Without it the test shows nothing, and
/// says so; with `SAPA_REQUIRE_ALL=1` it fails.
pub fn is_installed(program: &str, package: &str) -> bool {
    if std::path::Path::new(program).is_file() {
        return true;
    }
    let required = std::env::var("SAPA_REQUIRE_ALL").is_ok_and(|value| value == "1");
    assert!(!required, "{program} is not installed (Debian: apt-get install {package})");
    eprintln!("notice: {program} is not installed; this test shows nothing");
    false
}

/// The longest that anything may take before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The runtime of the HTTP client and of action servers in this process; tests
/// themselves are plain functions.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Asks until the answer is there.
pub fn poll<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    poll_for(DEADLINE, what, ask)
}

/// [`poll`] for what takes longer.
pub fn poll_for<T>(most: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < most, "waited too long for {what}");
        // Only spares the processor: what ends the wait is the answer.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A conversation's events in short: the type, and what tells it from others of
/// its type. Ids, times and confidences are left out.
pub fn brief(events: &[Value]) -> Vec<String> {
    events.iter().map(brief_event).collect()
}

fn brief_event(event: &Value) -> String {
    let kind = event["event"].as_str().unwrap_or("?");
    let name = event["name"].as_str().unwrap_or("null");
    match kind {
        "action" | "active_loop" | "action_execution_rejected" => format!("{kind} {name}"),
        "slot" => format!("slot {name}={}", event["value"]),
        "user" | "bot" => format!("{kind} {}", event["text"].as_str().unwrap_or("null")),
        "user_featurization" => format!("{kind} {}", event["use_text_for_featurization"]),
        _ => kind.to_owned(),
    }
}
