//! Registering with Telegram, and asking for updates where there is no webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::Value;
use teloxide::payloads::{self, setters::*};
use teloxide::types::AllowedUpdate;
use tokio::sync::watch;

use super::Telegram;
use super::api::ApiFailure;
use super::outbox::{self, Delivery};
use super::update::{self, Inbound};

/// Kinds of updates that are asked for.
const KINDS: [AllowedUpdate; 3] = [AllowedUpdate::Message, AllowedUpdate::EditedMessage, AllowedUpdate::CallbackQuery];

/// Seconds that Telegram waits for an update before it answers with none.
const LONG_POLL: u32 = 25;

/// Conversations of a batch that are served at the same time.
const AT_ONCE: usize = 32;

/// How long a batch waits for its replies before the next one is asked for: one
/// chat must not keep the others waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// Updates from the oldest one on whose reply is late that stay unconfirmed, so that
/// it comes again after a crash. Telegram gives at most a hundred unconfirmed ones:
/// more of these would hide the new ones.
const MOST_UNCONFIRMED: usize = 50;

/// A round that takes less brought nothing.
const SHORTEST_ROUND: Duration = Duration::from_secs(1);

/// First and longest pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs until told to stop.
pub(super) async fn run(telegram: Telegram, mut stop: watch::Receiver<bool>) {
    let work = async {
        if !introduce(&telegram).await {
            return;
        }
        match telegram.inner.settings.webhook_url.clone() {
            Some(url) => set_webhook(&telegram, &url).await,
            None => poll(&telegram).await,
        }
    };
    tokio::select! {
        () = work => {}
        // What is cut short here has not been confirmed, and comes again.
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Asks Telegram who the bot is. `false` when it is not the right one.
async fn introduce(telegram: &Telegram) -> bool {
    let request = payloads::GetMe::new();
    let Some(me) = again("getMe", || telegram.inner.api.call(&request)).await else {
        return false;
    };
    let name = me.user.username.clone().unwrap_or_default();
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
/// when its turn is on disk and its reply is out.
async fn poll(telegram: &Telegram) {
    let delete = payloads::DeleteWebhook::new();
    if again("deleteWebhook", || telegram.inner.api.call(&delete)).await.is_none() {
        return;
    }
    let request = payloads::GetUpdates::new().timeout(LONG_POLL).limit(100).allowed_updates(KINDS);
    let mut request = serde_json::to_value(&request).unwrap_or_default();
    let mut position = Position::default();
    loop {
        // teloxide's offset has 32 bits; ids of updates may have more.
        let offset = position.offset();
        request["offset"] = offset.into();
        let asked = Instant::now();
        let patience = Duration::from_secs(u64::from(LONG_POLL) + 15);
        let updates = again("getUpdates", || telegram.inner.api.call_named_for("getUpdates", &request, patience)).await;
        let Some(updates) = updates else { return };
        let updates = updates.as_array().map(Vec::as_slice).unwrap_or_default();
        let fresh: Vec<&Value> = updates.iter().filter(|update| position.is_new(update)).collect();
        let deliveries = serve(telegram, &fresh).await;
        // Those of earlier batches keep nobody waiting.
        wait_for(&deliveries).await;
        position.add(&fresh, deliveries);
        // A server that answers at once and brings nothing new is not to be asked
        // again and again.
        if position.offset() == offset && asked.elapsed() < SHORTEST_ROUND {
            tokio::time::sleep(SHORTEST_ROUND).await;
        }
    }
}

/// What was received, and which replies to it are on their way.
#[derive(Default)]
struct Position {
    /// Behind the last update.
    next: i64,
    /// Served updates that are not confirmed.
    served: BTreeSet<i64>,
    /// Those of them whose replies are late.
    late: BTreeMap<i64, Vec<Delivery>>,
}

impl Position {
    /// What is before it is confirmed.
    fn offset(&self) -> i64 {
        self.late.keys().next().copied().unwrap_or(self.next)
    }

    fn is_new(&self, update: &Value) -> bool {
        update::number(update).is_none_or(|number| !self.served.contains(&number))
    }

    /// Takes in a batch that was served, and forgets what may be confirmed.
    fn add(&mut self, updates: &[&Value], deliveries: Vec<(i64, Vec<Delivery>)>) {
        let numbers: Vec<i64> = updates.iter().filter_map(|update| update::number(update)).collect();
        // After a week without any Telegram may begin to count elsewhere.
        self.next = numbers.iter().max().map_or(self.next, |last| last.saturating_add(1));
        self.served.extend(numbers);
        for (number, delivery) in deliveries {
            self.late.entry(number).or_default().extend(delivery);
        }
        self.late.retain(|_, deliveries| deliveries.iter().any(|delivery| delivery.borrow().is_none()));
        self.forget();
        while self.served.len() > MOST_UNCONFIRMED && self.late.pop_first().is_some() {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let offset = self.offset();
        self.served.retain(|number| *number >= offset);
    }
}

/// Waits a while for the replies of a batch.
async fn wait_for(deliveries: &[(i64, Vec<Delivery>)]) {
    let all_out = join_all(deliveries.iter().flat_map(|(_, replies)| replies).cloned().map(outbox::delivered));
    if tokio::time::timeout(PATIENCE, all_out).await.is_err() {
        tracing::warn!(channel = "telegram", "some replies are late; other chats go on");
    }
}

/// Serves a batch: conversations side by side, each in its own order. The replies
/// of each update.
async fn serve(telegram: &Telegram, updates: &[&Value]) -> Vec<(i64, Vec<Delivery>)> {
    let mut conversations: BTreeMap<String, Vec<Inbound>> = BTreeMap::new();
    for update in updates {
        if let Some(inbound) = update::read(update, &telegram.inner.settings, telegram.username()) {
            conversations.entry(inbound.conversation.sender_id()).or_default().push(inbound);
        }
    }
    let turns = conversations.into_values().map(|messages| async move {
        let mut deliveries = Vec::new();
        for message in messages {
            deliveries.push((message.update_id, until_served(telegram, message).await));
        }
        deliveries
    });
    stream::iter(turns).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.concat()
}

/// Tries until the turn is on disk.
async fn until_served(telegram: &Telegram, message: Inbound) -> Vec<Delivery> {
    let mut pause = FIRST_PAUSE;
    loop {
        match telegram.serve(&message).await {
            Ok(deliveries) => return deliveries,
            Err(error) => {
                let update_id = message.update_id;
                tracing::warn!(channel = "telegram", update_id, %error, "an update was not served; trying again");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
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
                    "Telegram does not accept the bot token; the channel is off. Check TELEGRAM_BOT_TOKEN."
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
