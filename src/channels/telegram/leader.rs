//! Of the processes on one shared store, one asks Telegram for updates: Telegram
//! gives them to one receiver only (409 for the others).

use std::time::{Duration, Instant};

use super::Telegram;

/// How long the lead holds without being renewed: after a crash another process
/// asks so much later. What Telegram had not been told to forget comes again.
const LEADS: Duration = Duration::from_secs(10);
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// How often one that stands by asks for the lead.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The right to receive a bot's updates, among the processes on one store.
pub(super) struct Lead<'a> {
    telegram: &'a Telegram,
    task: String,
}

impl<'a> Lead<'a> {
    /// Not taken yet. The bot's number, before the colon of its token, is no secret.
    pub(super) fn of(telegram: &'a Telegram) -> Self {
        let token = &telegram.inner.settings.token;
        let bot = token.split_once(':').map_or("", |(bot, _)| bot);
        Self { telegram, task: format!("telegram {bot}") }
    }

    /// Waits until this process leads.
    pub(super) async fn take(&self) {
        let mut was_told = false;
        while !self.ask(LEADS).await.unwrap_or(false) {
            if !was_told {
                tracing::info!(
                    channel = "telegram",
                    "another process on this store asks for updates; this one stands by for it"
                );
                was_told = true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Keeps the lead; ready once it is lost. A store that is away for a while takes
    /// it from nobody else either, but it ends with its time.
    pub(super) async fn lost(&self) {
        let mut held_at = Instant::now();
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let asked_at = Instant::now();
            match self.ask(LEADS).await {
                Some(true) => held_at = asked_at,
                Some(false) => break,
                None if held_at.elapsed() >= LEADS => break,
                None => {}
            }
        }
        tracing::warn!(channel = "telegram", "another process asks for updates now; this one stands by");
    }

    /// Lets another process ask at once.
    pub(super) async fn leave(&self) {
        // When this fails, it waits for the time to pass.
        let _ = self.ask(Duration::ZERO).await;
    }

    /// `None` when the store does not say.
    async fn ask(&self, time: Duration) -> Option<bool> {
        let agent = &self.telegram.inner.agent;
        agent.lead(&self.task, agent.owner(), time.as_secs_f64()).await.ok()
    }
}
