//! Registering with Telegram, and asking for updates where there is no webhook.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;
use teloxide::payloads::{self, setters::*};
use teloxide::types::AllowedUpdate;
use tokio::sync::watch;

use super::api::ApiFailure;
use super::update::{self, Inbound};
use super::{NotServed, Telegram};

/// Kinds of updates that are asked for.
const KINDS: [AllowedUpdate; 3] = [AllowedUpdate::Message, AllowedUpdate::EditedMessage, AllowedUpdate::CallbackQuery];

/// Seconds that Telegram waits for an update before it answers with none.
const LONG_POLL: u32 = 25;

/// Conversations of a batch that are served at the same time.
const AT_ONCE: usize = 32;

/// How long a reply holds up the batch it belongs to; then it is tried further
/// in the background.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it is tried there.
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(900);

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
        let _ = telegram.inner.identity.set(Err("the token was refused".to_owned()));
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

/// Asks for updates for ever. An update is confirmed by asking for the next one,
/// which happens only when its turn is committed and its reply sent.
async fn poll(telegram: &Telegram) {
    let delete = payloads::DeleteWebhook::new();
    if again("deleteWebhook", || telegram.inner.api.call(&delete)).await.is_none() {
        return;
    }
    let request = payloads::GetUpdates::new().timeout(LONG_POLL).limit(100).allowed_updates(KINDS);
    let mut request = serde_json::to_value(&request).unwrap_or_default();
    let mut offset = 0_i64;
    loop {
        // teloxide's offset has 32 bits; ids of updates may have more.
        request["offset"] = offset.into();
        let asked = Instant::now();
        let patience = Duration::from_secs(u64::from(LONG_POLL) + 15);
        let updates = again("getUpdates", || telegram.inner.api.call_named_for("getUpdates", &request, patience)).await;
        let Some(updates) = updates else { return };
        let updates = updates.as_array().map(Vec::as_slice).unwrap_or_default();
        serve(telegram, updates).await;
        let next = updates.iter().filter_map(update::number).max().map_or(offset, |last| last.saturating_add(1));
        // A server that answers at once and brings nothing new is not to be asked
        // again and again.
        if next == offset && asked.elapsed() < SHORTEST_ROUND {
            tokio::time::sleep(SHORTEST_ROUND).await;
        }
        offset = next;
    }
}

/// Serves a batch: conversations side by side, each in its own order.
async fn serve(telegram: &Telegram, updates: &[Value]) {
    let mut conversations: BTreeMap<String, Vec<Inbound>> = BTreeMap::new();
    for update in updates {
        if let Some(inbound) = update::read(update, &telegram.inner.settings, telegram.username()) {
            conversations.entry(inbound.conversation.sender_id()).or_default().push(inbound);
        }
    }
    let work = conversations.into_values().map(|messages| async move {
        for message in messages {
            until_served(telegram, message).await;
        }
    });
    stream::iter(work).buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn until_served(telegram: &Telegram, message: Inbound) {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match telegram.serve(message.clone(), PATIENCE).await {
            Ok(()) => return,
            Err(error) => error,
        };
        let update_id = message.update_id;
        match &error {
            // The turn is on disk. One chat must not keep the others waiting.
            NotServed::Unsent(_) => {
                tracing::error!(channel = "telegram", update_id, %error, "a reply is late; other chats go on");
                let (telegram, message) = (telegram.clone(), message.clone());
                tokio::spawn(async move {
                    if let Err(error) = telegram.serve(message, BACKGROUND_PATIENCE).await {
                        tracing::error!(channel = "telegram", update_id, %error, "a reply was not delivered");
                    }
                });
                return;
            }
            NotServed::Agent(_) => {
                tracing::warn!(channel = "telegram", update_id, %error, "an update was not served; trying again")
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
