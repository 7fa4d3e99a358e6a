//! Registering with Telegram, and asking for updates where there is no webhook.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use teloxide::payloads::{self, setters::*};
use teloxide::types::AllowedUpdate;
use tokio::sync::watch;

use super::Telegram;
use super::api::ApiFailure;
use super::leader::Lead;
use super::menu;
use super::update::{self, Inbound};

/// Kinds of updates that are asked for.
const KINDS: [AllowedUpdate; 3] = [AllowedUpdate::Message, AllowedUpdate::EditedMessage, AllowedUpdate::CallbackQuery];

/// Seconds that Telegram waits for an update before it answers with none.
const LONG_POLL: u32 = 25;

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
/// once it is on disk.
async fn poll(telegram: &Telegram) {
    let delete = payloads::DeleteWebhook::new();
    if again("deleteWebhook", || telegram.inner.api.call(&delete)).await.is_none() {
        return;
    }
    let request = payloads::GetUpdates::new().timeout(LONG_POLL).limit(100).allowed_updates(KINDS);
    let mut request = serde_json::to_value(&request).unwrap_or_default();
    let mut offset = 0;
    loop {
        // teloxide's offset has 32 bits; ids of updates may have more.
        request["offset"] = offset.into();
        let asked = Instant::now();
        let wait = Duration::from_secs(LONG_POLL.into());
        let updates = again("getUpdates", || telegram.inner.api.call_waiting("getUpdates", &request, wait)).await;
        let Some(updates) = updates else { return };
        let updates = updates.as_array().map(Vec::as_slice).unwrap_or_default();
        take_in(telegram, updates).await;
        // After a week without any Telegram may begin to count elsewhere.
        let next = updates.iter().filter_map(update::number).max().map_or(offset, |last| last.saturating_add(1));
        // A server that answers at once and brings nothing new is not to be asked
        // again and again.
        if next == offset && asked.elapsed() < SHORTEST_ROUND {
            tokio::time::sleep(SHORTEST_ROUND).await;
        }
        offset = next;
    }
}

/// Takes a batch in, each conversation's updates in their order.
async fn take_in(telegram: &Telegram, updates: &[Value]) {
    let settings = &telegram.inner.settings;
    let mut conversations: BTreeMap<String, Vec<Inbound>> = BTreeMap::new();
    for update in updates {
        if let Some(inbound) = update::read(update, settings, telegram.username()) {
            conversations.entry(inbound.conversation.sender_id()).or_default().push(inbound);
        }
    }
    let all = conversations.into_values().map(|updates| async move {
        for inbound in &updates {
            until_taken_in(telegram, inbound).await;
        }
    });
    join_all(all).await;
}

/// Tries until the update is on disk.
async fn until_taken_in(telegram: &Telegram, inbound: &Inbound) {
    let mut pause = FIRST_PAUSE;
    while let Err(error) = telegram.accept(inbound).await {
        let update_id = inbound.update_id;
        tracing::warn!(channel = "telegram", update_id, %error, "an update was not taken in; trying again");
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
