//! Fires reminders when they are due (spec §3.8), and hands what the bot says to
//! the channel in which they were set.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::watch;

use crate::agent::{Agent, Sender, Timer};

/// How often due timers are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// Timers that are looked up at once, at most.
const MOST_AT_ONCE: u32 = 64;
/// Timers whose turns run side by side.
const SIDE_BY_SIDE: usize = 8;

/// Turns of reminders that go on once the server is told to stop may take so long;
/// a reminder that is cut off is fired after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The channels that can send, by name.
pub type Senders = HashMap<&'static str, Arc<dyn Sender>>;

/// Fires timers until told to stop; one that fails is tried again.
pub async fn run(agent: Arc<Agent>, senders: Senders, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            // Nobody left to tell it to stop is a stop, too.
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let mut told = stop.clone();
        let too_late = async {
            let _ = told.wait_for(|stop| *stop).await;
            tokio::time::sleep(STOP_WITHIN).await;
        };
        tokio::select! {
            () = fire_due(&agent, &senders) => {}
            () = too_late => return,
        }
    }
}

/// Fires what is due; a slow action holds up no other conversation.
async fn fire_due(agent: &Agent, senders: &Senders) {
    match agent.due_timers(MOST_AT_ONCE).await {
        Ok(due) => stream::iter(&due).for_each_concurrent(SIDE_BY_SIDE, |timer| fire(agent, senders, timer)).await,
        Err(error) => tracing::warn!(%error, "reminders could not be looked up"),
    }
}

async fn fire(agent: &Agent, senders: &Senders, timer: &Timer) {
    let report = match agent.fire(timer).await {
        Ok(report) => report,
        Err(error) => {
            tracing::warn!(%error, "a reminder could not be carried out; it is tried again");
            return;
        }
    };
    if report.messages.is_empty() {
        return;
    }
    let channel = timer.payload.get("channel").and_then(Value::as_str).unwrap_or_default();
    let Some(sender) = senders.get(channel).map(Arc::clone) else {
        tracing::info!(channel, "a reminder's messages stand in the tracker only: the channel cannot send them");
        return;
    };
    let recipient = timer.sender_id.clone();
    // A channel that is slow holds up no other reminder.
    tokio::spawn(async move {
        for message in &report.messages {
            if let Err(error) = sender.send(&recipient, message).await {
                tracing::warn!(channel = sender.name(), %error, "a reminder's message was not delivered");
            }
        }
    });
}
