//! Fires reminders when they are due (spec §3.8), and hands what the bot says to
//! the channel in which they were set.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::Push;
use crate::agent::{Agent, Timer};

/// How often due timers are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// Timers fired at once, at most.
const AT_ONCE: u32 = 64;

/// Fires timers until told to stop; one that fails is tried again.
pub async fn run(agent: Arc<Agent>, pushes: HashMap<&'static str, Push>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            // Nobody left to tell it to stop is a stop, too.
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        match agent.due_timers(AT_ONCE).await {
            Ok(due) => {
                for timer in due {
                    fire(&agent, &pushes, &timer).await;
                }
            }
            Err(error) => tracing::warn!(%error, "reminders could not be looked up"),
        }
    }
}

async fn fire(agent: &Agent, pushes: &HashMap<&'static str, Push>, timer: &Timer) {
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
    match pushes.get(channel) {
        Some(push) => push(&timer.sender_id, &format!("timer {}@{}", timer.id, timer.due_at), &report.messages),
        None => {
            tracing::info!(channel, "a reminder's messages stand in the tracker only: the channel cannot send them")
        }
    }
}
