//! Literate dialogues: real turns, custom actions really executed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use sapa_dialogue::UserMessage;
use sapa_project::Endpoints;
use sapa_sdk::{Event, JsonMap};
use serde_json::Value;

use super::coverage::Watch;
use super::flags::{CoreFlags, Shared};
use crate::agent::{Agent, Incoming};
use crate::channels::rest::new_message_id;
use crate::cli::dotenv::Environment;
use crate::cli::{bot, files, terminal};
use crate::evaluate::literate::{self, Dialogue};
use crate::store::Memory;

const MARKDOWN: [&str; 1] = ["md"];

/// How long the action server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a dialogue.
enum Outcome {
    Passed,
    /// The differences of the first turn that differs.
    Differs(Vec<String>),
    /// A custom action was needed and no action server is there.
    NeedsActions,
}

/// Plays all dialogues; whether all can be read and go as written. `None`
/// without any dialogue.
pub(super) fn run(
    shared: &Shared,
    flags: &CoreFlags,
    model_path: &Path,
    environment: &Environment,
    mut watch: Option<&mut Watch>,
) -> Result<Option<bool>> {
    let (dialogues, is_readable) = read(&flags.stories)?;
    if dialogues.is_empty() {
        return Ok((!is_readable).then_some(false));
    }
    let mut endpoints = bot::read_endpoints(&shared.endpoints, environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let missing = runtime.block_on(missing_server(&endpoints));
    if missing.is_some() {
        // Every call fails at once then, instead of each after its time-out.
        endpoints.action_endpoint = None;
    }
    let agent = bot::agent(&endpoints, Arc::new(Memory::new(bot::clock())), flags.request_timeout)?;
    bot::load_model(&agent, model_path)?;
    // Without custom actions nothing asks for a server.
    let missing = missing.filter(|_| has_custom_actions(&agent));
    let (mut passed, mut not_judged) = (0, 0);
    for (path, dialogue) in &dialogues {
        let (outcome, events) = runtime.block_on(play(&agent, dialogue, missing.is_some()))?;
        if let Some(watch) = watch.as_deref_mut() {
            watch.conversation(&events);
        }
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::NeedsActions => not_judged += 1,
            Outcome::Differs(differences) => {
                terminal::say(&format!("dialogue {}:{} failed:", path.display(), dialogue.line));
                differences.iter().for_each(|difference| terminal::say(&format!("  {difference}")));
            }
        }
    }
    terminal::say(&format!("{passed} of {} dialogues passed", dialogues.len()));
    if let Some(missing) = missing.filter(|_| not_judged > 0) {
        let file = shared.endpoints.display();
        terminal::error(&format!("{not_judged} dialogues could not be judged: {}", missing.cure(&file.to_string())));
    }
    Ok(Some(is_readable && passed == dialogues.len()))
}

/// All dialogues under these paths; whether every block could be read. One that
/// could not is named, and the others are played.
fn read(paths: &[PathBuf]) -> Result<(Vec<(PathBuf, Dialogue)>, bool)> {
    let (mut dialogues, mut is_readable) = (Vec::new(), true);
    for path in files::walk_all(paths, &MARKDOWN)?.into_iter().filter(|path| files::has_ending(path, &MARKDOWN)) {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let (read, errors) = literate::parse(&String::from_utf8_lossy(&bytes));
        for error in &errors {
            is_readable = false;
            terminal::error(&format!("{}:{}: {}", path.display(), error.line, error.what));
        }
        dialogues.extend(read.into_iter().map(|dialogue| (path.clone(), dialogue)));
    }
    Ok((dialogues, is_readable))
}

fn has_custom_actions(agent: &Agent) -> bool {
    let loaded = agent.models.get();
    loaded.as_ref().and_then(|loaded| loaded.model.domain()).is_some_and(|domain| !domain.actions.is_empty())
}

/// Why no custom action can run.
enum MissingServer {
    NotNamed,
    Unreachable(String),
}

impl MissingServer {
    fn cure(&self, endpoints: &str) -> String {
        const START: &str = "(for the helpdesk: `helpdesk-actions run --db FILE`, with a database of its own)";
        match self {
            Self::NotNamed => format!(
                "they need custom actions, and {endpoints} names no action server; add `action_endpoint:` with the \
                 `url` of your action server, e.g. http://localhost:5055/webhook, and start that server {START}"
            ),
            Self::Unreachable(url) => format!(
                "they need custom actions, and the action server {url} cannot be reached; start it first {START}, or \
                 correct `action_endpoint: url` in {endpoints}"
            ),
        }
    }
}

/// Asks whether there is an action server, before anything waits for it.
async fn missing_server(endpoints: &Endpoints) -> Option<MissingServer> {
    let Some(address) = endpoints.action_endpoint.as_ref().and_then(|endpoint| endpoint.url.as_deref()) else {
        return Some(MissingServer::NotNamed);
    };
    // What is wrong with the address itself is said where the client is made.
    let url = reqwest::Url::parse(address).ok()?;
    let client = reqwest::Client::builder().connect_timeout(PATIENCE).timeout(PATIENCE).build().ok()?;
    let answer = client.get(url.clone()).send().await;
    answer.is_err_and(|error| error.is_connect()).then(|| MissingServer::Unreachable(without_secrets(url)))
}

/// User, password and query may hold secrets.
fn without_secrets(mut url: reqwest::Url) -> String {
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

/// Plays a dialogue up to the first turn that differs; what became of it, and
/// all that happened.
async fn play(agent: &Agent, dialogue: &Dialogue, is_server_missing: bool) -> Result<(Outcome, Vec<Arc<Event>>)> {
    let sender_id = dialogue.sender.clone().unwrap_or_else(new_message_id);
    let mut events = Vec::new();
    for turn in &dialogue.turns {
        let report = agent.handle(incoming(&sender_id, &turn.user), &|_| Value::Null).await?;
        events.extend(report.events.iter().cloned());
        // Without a server, what does not go as planned is a call of it.
        if is_server_missing && !report.warnings.is_empty() {
            return Ok((Outcome::NeedsActions, events));
        }
        let mut differences = literate::compare(turn, &report.messages);
        if !differences.is_empty() {
            differences.insert(0, format!("line {}: > {}", turn.line, turn.user));
            differences.extend(report.warnings.iter().map(|warning| format!("warning: {warning}")));
            return Ok((Outcome::Differs(differences), events));
        }
    }
    Ok((Outcome::Passed, events))
}

fn incoming(sender_id: &str, text: &str) -> Incoming {
    Incoming {
        sender_id: sender_id.to_owned(),
        channel: "test".to_owned(),
        dedupe_key: None,
        inbox_id: None,
        address: None,
        message: UserMessage {
            text: text.to_owned(),
            input_channel: "cmdline".to_owned(),
            output_channel: "cmdline".to_owned(),
            message_id: new_message_id(),
            metadata: JsonMap::new(),
            parse_data: None,
        },
    }
}
