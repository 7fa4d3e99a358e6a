//! Channels: they hand messages to the agent and send what the bot says. They
//! never touch the store's writing side.

pub mod inbox;
mod json;
mod leases;
pub mod outbox;
pub mod output;
mod pace;
pub mod reminders;
pub mod rest;
#[cfg(feature = "telegram")]
pub mod telegram;

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use sapa_project::Credentials;
use sapa_project::endpoints::CHANNELS;
use sapa_sdk::JsonMap;
use tokio::sync::watch;

use crate::agent::{Agent, Sender};

/// A channel that is served.
pub struct Channel {
    /// Its name, as in `credentials.yml`.
    pub name: &'static str,
    /// Routes below `/webhooks/<name>`.
    pub router: Router,
    /// What it does besides answering requests, until told to stop.
    pub worker: Option<Worker>,
    /// Sends messages that answer no request, if it can.
    pub sender: Option<Arc<dyn Sender>>,
}

/// Work that goes on until the receiver shows `true`.
pub type Worker = Box<dyn FnOnce(watch::Receiver<bool>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Why a channel cannot be served. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// It is off: what it needs is not there.
    #[error("{0}")]
    Off(String),
    /// Its section in the credentials cannot be used.
    #[error("{0}")]
    Invalid(String),
}

/// Opens a channel with the options of its section.
type Open = fn(&Arc<Agent>, &JsonMap) -> Result<Channel, ChannelError>;

/// All channels: one file and one line each. The flag says whether it sends messages
/// on its own.
const KINDS: &[(&str, Open, bool)] = &[
    ("rest", rest::open, false),
    #[cfg(feature = "telegram")]
    ("telegram", telegram::open, true),
];

/// Names of the channels that send messages on their own where they are served.
pub fn speakers() -> Vec<&'static str> {
    KINDS.iter().filter(|(_, _, speaks)| *speaks).map(|(name, ..)| *name).collect()
}

/// Whether a channel of that name can be served.
fn is_served(name: &str) -> bool {
    KINDS.iter().any(|(kind, ..)| *kind == name)
}

/// Opens the channels of the credentials, or only the one `connector` names. With
/// no credentials at all REST is served: `sapa shell` and a first try need
/// nothing else. A channel whose own variable is not set is off.
///
/// # Errors
/// A section cannot be used, or `connector` names no channel.
pub fn open(
    agent: &Arc<Agent>,
    credentials: &Credentials,
    connector: Option<&str>,
) -> Result<Vec<Channel>, ChannelError> {
    let mut channels = Vec::new();
    for name in wanted(credentials, connector) {
        let is_served = is_served(&name);
        if let Some(variable) = credentials.off.get(&name).filter(|_| is_served) {
            tracing::info!(channel = name, variable, "this channel is off: its variable is not set");
            continue;
        }
        let Some((_, open, _)) = KINDS.iter().find(|(kind, ..)| *kind == name) else {
            if connector.is_some() {
                let reason = format!("`--connector {name}`: this channel is not served; {} are", served());
                return Err(ChannelError::Invalid(reason));
            }
            not_served(&name)?;
            continue;
        };
        let options = credentials.channels.get(&name).cloned().unwrap_or_default();
        match open(agent, &options) {
            Ok(channel) => channels.push(channel),
            Err(ChannelError::Off(reason)) => tracing::info!(channel = name, reason, "this channel is off"),
            Err(error) => return Err(error),
        }
    }
    Ok(channels)
}

/// A channel of Rasa's or a Python class is passed over with a word; a name that
/// nobody knows is an error (spec §1.9).
fn not_served(name: &str) -> Result<(), ChannelError> {
    // The shell is this channel, with or without a line in the credentials.
    if name == "cmdline" {
        return Ok(());
    }
    if CHANNELS.contains(&name) || name.contains('.') {
        tracing::warn!(channel = name, "credentials.yml: this channel is not served");
        return Ok(());
    }
    Err(ChannelError::Invalid(format!("credentials.yml: `{name}` is no channel; {} are served", served())))
}

/// The names of all channels, for people.
fn served() -> String {
    let names: Vec<_> = KINDS.iter().map(|(kind, ..)| format!("`{kind}`")).collect();
    names.join(" and ")
}

fn wanted(credentials: &Credentials, connector: Option<&str>) -> Vec<String> {
    match connector {
        Some(connector) => vec![connector.to_owned()],
        None if credentials.channels.is_empty() && credentials.off.is_empty() => vec!["rest".to_owned()],
        None => credentials.channels.keys().chain(credentials.off.keys()).cloned().collect(),
    }
}
