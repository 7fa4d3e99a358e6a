//! Registering with Telegram, and asking for updates where there is no webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use teloxide::payloads::{self, setters::*};
use teloxide::types::AllowedUpdate;
use tokio::sync::watch;

use super::Telegram;
use super::api::ApiFailure;
use super::intake::{Intake, Progress, Watched};
use super::leader::Lead;
use super::menu;
use super::update;

/// Kinds of updates that are asked for.
const KINDS: [AllowedUpdate; 3] = [AllowedUpdate::Message, AllowedUpdate::EditedMessage, AllowedUpdate::CallbackQuery];

/// Seconds that Telegram waits for an update before it answers with none.
const LONG_POLL: u32 = 25;

/// How long a batch waits for its turns before the next one is asked for: one chat
/// must not keep the others waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// Updates from the oldest one on that is not done that stay unconfirmed, so that it
/// comes again after a crash. Telegram gives at most a hundred unconfirmed ones: more
/// of these would hide the new ones.
const MOST_UNCONFIRMED: usize = 50;

/// A round that takes less brought nothing.
const SHORTEST_ROUND: Duration = Duration::from_secs(1);

/// First and longest pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs until told to stop.
pub(super) async fn run(telegram: Telegram, mut stop: watch::Receiver<bool>) {
    let shares = telegram.inner.agent.shares_its_store();
    let lead = shares.then(|| Lead::of(&telegram));
    let work = async {
        if !introduce(&telegram).await {
            return;
        }
        menu::show(&telegram).await;
        match (telegram.inner.settings.webhook_url.clone(), &lead) {
            (Some(url), _) => set_webhook(&telegram, &url).await,
            (None, Some(lead)) => poll_in_turn(&telegram, lead).await,
            (None, None) => poll(&telegram).await,
        }
    };
    tokio::select! {
        () = work => {}
        // What is cut short here has not been confirmed, and comes again.
        _ = stop.wait_for(|stop| *stop) => {}
    }
    if let Some(lead) = lead {
        lead.leave().await;
    }
}

/// Asks for updates as long as no other process on this store does. What two of
/// them were given has one turn all the same: it is known by its id.
async fn poll_in_turn(telegram: &Telegram, lead: &Lead<'_>) {
    loop {
        lead.take().await;
        tokio::select! {
            () = poll(telegram) => return,
            () = lead.lost() => {}
        }
    }
}

/// Asks Telegram who the bot is. `false` when it is not the right one.
async fn introduce(telegram: &Telegram) -> bool {
    // teloxide's type wants fields that an older server of one's own does not give.
    let request = serde_json::json!({});
    let Some(me) = again("getMe", || telegram.inner.api.call_named("getMe", &request)).await else {
        return false;
    };
    let name = me.get("username").and_then(Value::as_str).unwrap_or_default().to_owned();
    let wanted = telegram.inner.settings.verify.as_deref();
    if wanted.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&name)) {
        tracing::error!(
            channel = "telegram",
            name,
            "this token belongs to another bot than `verify` in credentials.yml names; the channel is off"
        );
        let _ = telegram.inner.identity.set(Err(name));
        return false;
    }
    tracing::info!(channel = "telegram", name, "the bot is known to Telegram");
    let _ = telegram.inner.identity.set(Ok(name));
    true
}

async fn set_webhook(telegram: &Telegram, url: &str) {
    let Ok(address) = url.parse() else {
        tracing::error!(channel = "telegram", url, "`webhook_url` in credentials.yml is no URL; the channel is off");
        return;
    };
    let request = payloads::SetWebhook::new(address)
        .secret_token(telegram.inner.settings.secret_token.clone())
        .allowed_updates(KINDS);
    let body = serde_json::to_value(&request).unwrap_or_default();
    let done = again("setWebhook", || telegram.inner.api.call_named("setWebhook", &body)).await;
    if done.is_some() {
        tracing::info!(channel = "telegram", url, "Telegram delivers updates to the webhook");
    }
}

/// Asks for updates for ever. An update is confirmed by asking for those behind it:
/// when its turn is on disk, with its reply.
async fn poll(telegram: &Telegram) {
    let delete = payloads::DeleteWebhook::new();
    if again("deleteWebhook", || telegram.inner.api.call(&delete)).await.is_none() {
        return;
    }
    let request = payloads::GetUpdates::new().timeout(LONG_POLL).limit(100).allowed_updates(KINDS);
    let mut request = serde_json::to_value(&request).unwrap_or_default();
    let (mut position, intake) = (Position::default(), Intake::new());
    loop {
        // teloxide's offset has 32 bits; ids of updates may have more.
        let offset = position.offset();
        request["offset"] = offset.into();
        let asked = Instant::now();
        let wait = Duration::from_secs(LONG_POLL.into());
        let updates = again("getUpdates", || telegram.inner.api.call_waiting("getUpdates", &request, wait)).await;
        let Some(updates) = updates else { return };
        let updates = updates.as_array().map(Vec::as_slice).unwrap_or_default();
        let fresh: Vec<&Value> = updates.iter().filter(|update| position.is_new(update)).collect();
        let settings = &telegram.inner.settings;
        let inbound = fresh.iter().filter_map(|update| update::read(update, settings, telegram.username()));
        let watched: Vec<(i64, Watched)> =
            inbound.map(|inbound| (inbound.update_id, intake.push(telegram, inbound))).collect();
        // Those of earlier batches keep nobody waiting.
        wait_for(&watched).await;
        position.add(&fresh, watched);
        position.make_room().await;
        // A server that answers at once and brings nothing new is not to be asked
        // again and again.
        if position.offset() == offset && asked.elapsed() < SHORTEST_ROUND {
            tokio::time::sleep(SHORTEST_ROUND).await;
        }
    }
}

/// What was received, and what of it is on its way.
#[derive(Default)]
struct Position {
    /// Behind the last update.
    next: i64,
    /// Received updates that are not confirmed.
    received: BTreeSet<i64>,
    /// Those of them that are not done.
    open: BTreeMap<i64, Watched>,
}

impl Position {
    /// What is before it is confirmed.
    fn offset(&self) -> i64 {
        self.open.keys().next().copied().unwrap_or(self.next)
    }

    fn is_new(&self, update: &Value) -> bool {
        update::number(update).is_none_or(|number| !self.received.contains(&number))
    }

    /// Takes in a batch.
    fn add(&mut self, updates: &[&Value], watched: Vec<(i64, Watched)>) {
        let numbers: Vec<i64> = updates.iter().filter_map(|update| update::number(update)).collect();
        // After a week without any Telegram may begin to count elsewhere.
        self.next = numbers.iter().max().map_or(self.next, |last| last.saturating_add(1));
        self.received.extend(numbers);
        self.open.extend(watched);
    }

    /// Forgets what may be confirmed. When too much is left, this waits for the oldest,
    /// or lets it go if it cannot be put on disk.
    async fn make_room(&mut self) {
        loop {
            self.open.retain(|_, watched| *watched.borrow() != Progress::Done);
            let offset = self.offset();
            self.received.retain(|number| *number >= offset);
            if self.received.len() <= MOST_UNCONFIRMED {
                return;
            }
            let Some(mut oldest) = self.open.first_entry() else { return };
            let progress = *oldest.get().borrow();
            match progress {
                Progress::Waiting => {
                    // It has gone with its task when the program ends.
                    let _ = oldest.get_mut().changed().await;
                }
                Progress::Stuck => {
                    let update_id = *oldest.key();
                    tracing::error!(
                        channel = "telegram",
                        update_id,
                        "an update that cannot be served is confirmed, to make room for new ones; it is tried until \
                         this program ends"
                    );
                    oldest.remove();
                }
                Progress::Done => drop(oldest.remove()),
            }
        }
    }
}

/// Waits a while for a batch.
async fn wait_for(watched: &[(i64, Watched)]) {
    let done = |mut watched: Watched| async move {
        // An error is the end of its task, and of this program.
        let _ = watched.wait_for(|progress| *progress == Progress::Done).await;
    };
    let all = join_all(watched.iter().map(|(_, watched)| done(watched.clone())));
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        tracing::warn!(channel = "telegram", "some turns are late; other chats go on");
    }
}

/// Calls a method until it succeeds. `None` when Telegram does not know the bot.
async fn again<T, F>(method: &str, call: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, ApiFailure>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let failure = match call().await {
            Ok(answer) => return Some(answer),
            Err(failure) => failure,
        };
        match &failure {
            ApiFailure::Unauthorized => {
                tracing::error!(
                    channel = "telegram",
                    method,
                    "Telegram does not accept the bot token; the channel is off. Correct TELEGRAM_BOT_TOKEN and start again."
                );
                return None;
            }
            ApiFailure::Conflict => {
                tracing::warn!(
                    channel = "telegram",
                    method,
                    "another program receives this bot's updates; stop it, or give this one its own bot"
                );
            }
            _ => tracing::warn!(channel = "telegram", method, %failure, "Telegram did not do it; trying again"),
        }
        let wait = match failure {
            // The client rests by itself.
            ApiFailure::RetryAfter(_) => Duration::ZERO,
            _ => pause,
        };
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
