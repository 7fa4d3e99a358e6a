//! Takes events from the store to the broker, in one process at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::agent::{Agent, AgentError, Broker};

/// How often it looks for events, and how long it rests after a failure.
const EVERY: Duration = Duration::from_millis(200);
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Events that are handed over at once, at most.
const AT_ONCE: u32 = 256;

/// What the processes on one store take the lead in.
const TASK: &str = "event_broker";

/// Seconds that a process leads without saying so again: the events of one that
/// was killed wait so long.
const LEADS: f64 = 15.0;

/// A broker that does not answer for so long has failed; shorter than the lead.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last events may take once the server is told to stop; what is
/// left is published after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Publishes until told to stop, then what is left.
pub async fn run(agent: Arc<Agent>, broker: Arc<dyn Broker>, mut stop: watch::Receiver<bool>) {
    let owner = owner();
    let mut rest = FIRST_REST;
    loop {
        let pause = match publish_all(&agent, &*broker, &owner).await {
            Ok(()) => {
                rest = FIRST_REST;
                EVERY
            }
            Err(reason) => {
                tracing::warn!(
                    broker = broker.name(),
                    reason,
                    "events were not published; they are kept and tried again"
                );
                let pause = rest;
                rest = (rest * 2).min(LONGEST_REST);
                pause
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    if !matches!(tokio::time::timeout(STOP_WITHIN, publish_all(&agent, &*broker, &owner)).await, Ok(Ok(()))) {
        tracing::warn!(broker = broker.name(), "events are left; they are published after the next start");
    }
    // Another process need not wait; when this fails, it does.
    let _ = agent.lead(TASK, &owner, 0.0).await;
}

/// Publishes until nothing is left, or another process leads.
async fn publish_all(agent: &Agent, broker: &dyn Broker, owner: &str) -> Result<(), String> {
    let told = |error: AgentError| error.to_string();
    loop {
        let waiting = agent.unpublished(AT_ONCE).await.map_err(told)?;
        if waiting.is_empty() || !agent.lead(TASK, owner, LEADS).await.map_err(told)? {
            return Ok(());
        }
        // The leader before may have published some of these meanwhile.
        let waiting = agent.unpublished(AT_ONCE).await.map_err(told)?;
        match tokio::time::timeout(PATIENCE, broker.publish(&waiting)).await {
            Ok(done) => done.map_err(|error| error.to_string())?,
            Err(_) => return Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
        agent.published(&waiting).await.map_err(told)?;
    }
}

/// A name that no other process has.
fn owner() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = std::hash::RandomState::new().build_hasher().finish();
    format!("{}-{random:016x}", std::process::id())
}
