//! Fires reminders when they are due (spec §3.8). What the bot says then goes out
//! through the channel in which they were set.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

use crate::agent::{Agent, Timer};

/// How often due timers are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// Timers that are looked up at once, at most.
const MOST_AT_ONCE: u32 = 64;
/// Timers whose turns run side by side.
const SIDE_BY_SIDE: usize = 8;

/// Turns of reminders that go on once the server is told to stop may take so long;
/// a reminder that is cut off is fired after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Fires timers until told to stop; one that fails is tried again.
pub async fn run(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            // Nobody left to tell it to stop is a stop, too.
            _ = stop.wait_for(|stop| *stop) => break,
            () = tokio::time::sleep(EVERY) => {}
        }
        let mut told = stop.clone();
        let too_late = async {
            let _ = told.wait_for(|stop| *stop).await;
            tokio::time::sleep(STOP_WITHIN).await;
        };
        tokio::select! {
            () = fire_due(&agent) => {}
            () = too_late => break,
        }
    }
}

/// Fires what is due; a slow action holds up no other conversation.
async fn fire_due(agent: &Agent) {
    match agent.due_timers(MOST_AT_ONCE).await {
        Ok(due) => stream::iter(&due).for_each_concurrent(SIDE_BY_SIDE, |timer| fire(agent, timer)).await,
        Err(error) => tracing::warn!(%error, "reminders could not be looked up"),
    }
}

async fn fire(agent: &Agent, timer: &Timer) {
    if let Err(error) = agent.fire(timer).await {
        tracing::warn!(%error, "a reminder could not be carried out; it is tried again");
    }
}
