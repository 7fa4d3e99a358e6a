//! The Telegram channel (spec §5.7), on teloxide's types and methods with our own
//! transport and receiver: teloxide's acknowledge an update before it is handled.
//!
//! An update has one turn, recognised by its id. Its reply is stored with the
//! turn, so that an update that comes again after a crash gets the same messages.

mod api;
mod buttons;
mod conversation;
mod custom;
mod polling;
mod reply;
mod settings;
mod split;
mod update;
mod webhook;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sapa_dialogue::UserMessage;
use sapa_sdk::{BotMessage, JsonMap};
use serde_json::{Value, json};
use teloxide::payloads::{self, setters::*};
use teloxide::types::CallbackQueryId;

use super::ChannelError;
use crate::agent::{Agent, AgentError, Incoming, Locks};

pub use settings::{Settings, SettingsError};

use api::{ApiFailure, BotApi};
use conversation::Conversation;
use reply::Outgoing;
use update::{Callback, Inbound};

/// A turn that takes longer shows the user that the bot is at work.
const TYPING_AFTER: Duration = Duration::from_millis(700);

/// Updates remembered as answered.
const MOST_ANSWERED: usize = 10_000;

/// The channel; clones share it.
#[derive(Clone)]
pub struct Telegram {
    inner: Arc<Inner>,
}

struct Inner {
    agent: Arc<Agent>,
    settings: Settings,
    api: BotApi,
    /// The bot's name, once Telegram has told it; the error of one that is not
    /// the one in the credentials.
    identity: OnceLock<Result<String, String>>,
    /// Replies of one conversation go out in the order of its turns.
    locks: Locks,
    /// Of replies that could not be sent as a whole: how many messages are out.
    /// Lost with the process; then a message may come twice.
    partly_sent: Mutex<HashMap<String, usize>>,
    /// Replies that are out: an update that is delivered again needs none.
    answered: Mutex<HashSet<String>>,
}

/// Why an update could not be served yet; it must come again.
#[derive(Debug, thiserror::Error)]
enum NotServed {
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error("the reply could not be sent: {0}")]
    Unsent(ApiFailure),
}

/// The channel as [`super::open`] wants it.
pub(super) fn open(agent: &Arc<Agent>, options: &JsonMap) -> Result<super::Channel, ChannelError> {
    let settings = Settings::read(options).map_err(|error| match error {
        SettingsError::NoToken => ChannelError::Off(error.to_string()),
        SettingsError::Invalid(_) => ChannelError::Invalid(error.to_string()),
    })?;
    let telegram = Telegram::new(Arc::clone(agent), settings)
        .map_err(|error| ChannelError::Invalid(format!("telegram: no HTTP client can be made: {error}")))?;
    let router = telegram.router();
    let worker: super::Worker = Box::new(move |stop| Box::pin(telegram.run(stop)));
    Ok(super::Channel { name: "telegram", router, worker: Some(worker) })
}

impl Telegram {
    /// A channel over an agent.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(agent: Arc<Agent>, settings: Settings) -> Result<Self, reqwest::Error> {
        let api = BotApi::new(&settings.api_url, &settings.token)?;
        let inner = Inner {
            agent,
            settings,
            api,
            identity: OnceLock::new(),
            locks: Locks::default(),
            partly_sent: Mutex::default(),
            answered: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Routes below `/webhooks/telegram`.
    pub fn router(&self) -> axum::Router {
        webhook::router(self.clone())
    }

    /// Registers with Telegram and, without a webhook, asks for updates until
    /// `stop` is told. Never fails: what Telegram refuses is logged.
    pub async fn run(self, stop: tokio::sync::watch::Receiver<bool>) {
        polling::run(self, stop).await;
    }

    /// The bot's username, without `@`.
    fn username(&self) -> Option<&str> {
        self.inner.identity.get()?.as_deref().ok()
    }

    /// One update: its turn, and the reply on its way.
    async fn serve(&self, inbound: Inbound, patience: Duration) -> Result<(), NotServed> {
        let conversation = inbound.conversation.clone();
        let Some(_held) = self.inner.locks.lock(&conversation.sender_id()).await else {
            return Err(AgentError::TooManyWaiting.into());
        };
        let text = match &inbound.callback {
            None => inbound.text.clone(),
            Some(callback) => match self.pressed(&inbound, callback).await? {
                Some(payload) => payload,
                None => return Ok(()),
            },
        };
        self.turn(&inbound, text, "", patience).await?;
        // Rasa greets anew after `/restart` (spec §5.7).
        if inbound.text == "/restart" {
            self.turn(&inbound, "/start".to_owned(), "/start", patience).await?;
        }
        Ok(())
    }

    async fn turn(&self, inbound: &Inbound, text: String, suffix: &str, patience: Duration) -> Result<(), NotServed> {
        let conversation = &inbound.conversation;
        let incoming = Incoming {
            sender_id: conversation.sender_id(),
            channel: "telegram".to_owned(),
            dedupe_key: Some(format!("{}{suffix}", inbound.dedupe_key())),
            message: UserMessage {
                text,
                input_channel: "telegram".to_owned(),
                output_channel: "telegram".to_owned(),
                message_id: inbound.update_id.to_string(),
                metadata: inbound.metadata.clone(),
                parse_data: None,
            },
        };
        let update_id = inbound.update_id;
        let render = move |messages: &[BotMessage]| json!({ "update": update_id, "pieces": reply::pieces(messages) });
        let report = {
            let turn = self.inner.agent.handle(incoming, &render);
            self.typing_while(conversation, turn).await?
        };
        let answer = match report.repeated {
            // Another press of the same keyboard, at the same time on another machine.
            Some(stored) if !is_reply_to(stored.as_ref(), update_id) => return Ok(()),
            Some(stored) => stored.unwrap_or_default(),
            None => render(&report.messages),
        };
        if suffix.is_empty() {
            self.take_keyboard_away(inbound).await;
        }
        let pieces = answer.get("pieces").and_then(Value::as_array).cloned().unwrap_or_default();
        self.send(conversation, &format!("{update_id}{suffix}"), &pieces, patience).await?;
        // Who and what stays between the user and the bot.
        let chat = conversation.pseudonym(&self.inner.settings.secret_token);
        tracing::info!(channel = "telegram", update_id, chat, messages = pieces.len(), "an update was answered");
        Ok(())
    }

    /// Sends a reply, from where an earlier try stopped.
    async fn send(
        &self,
        conversation: &Conversation,
        reply: &str,
        pieces: &[Value],
        patience: Duration,
    ) -> Result<(), NotServed> {
        let answered = || self.inner.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered().contains(reply) {
            return Ok(());
        }
        let partly_sent = || self.inner.partly_sent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sent = partly_sent().remove(reply).unwrap_or(0);
        let mut outgoing = Outgoing { api: &self.inner.api, conversation, patience, sent: &mut sent };
        outgoing.send_all(pieces).await.map_err(|failure| {
            partly_sent().insert(reply.to_owned(), sent);
            NotServed::Unsent(failure)
        })?;
        let mut answered = answered();
        if answered.len() >= MOST_ANSWERED {
            answered.clear();
        }
        answered.insert(reply.to_owned());
        Ok(())
    }

    /// Waits for a turn; a slow one shows that the bot is at work.
    async fn typing_while<T>(&self, conversation: &Conversation, turn: impl Future<Output = T>) -> T {
        tokio::pin!(turn);
        tokio::select! {
            done = &mut turn => return done,
            () = tokio::time::sleep(TYPING_AFTER) => {}
        }
        let typing = payloads::SendChatAction::new(conversation.chat_id(), teloxide::types::ChatAction::Typing);
        // It is a courtesy: that it failed changes nothing.
        let (done, _) = tokio::join!(turn, self.inner.api.call(&typing));
        done
    }

    /// What a pressed button says; `None` when it means nothing any more.
    async fn pressed(&self, inbound: &Inbound, callback: &Callback) -> Result<Option<String>, NotServed> {
        let conversation = &inbound.conversation;
        if callback.is_foreign {
            self.answer_press(callback, true).await;
            return Ok(None);
        }
        let used = self.inner.agent.reply_to("telegram", &inbound.dedupe_key()).await?;
        if used.is_some_and(|reply| !is_reply_to(reply.as_ref(), inbound.update_id)) {
            self.answer_press(callback, true).await;
            return Ok(None);
        }
        let payload = if buttons::is_token(&callback.data) {
            buttons::resolve(&callback.data, &self.inner.agent.history(&conversation.sender_id()).await?)
        } else {
            Some(callback.data.clone())
        };
        self.answer_press(callback, payload.is_none()).await;
        Ok(payload)
    }

    /// Ends the button's spinner, at once; says so when the button has expired.
    async fn answer_press(&self, callback: &Callback, expired: bool) {
        let mut answer = payloads::AnswerCallbackQuery::new(CallbackQueryId(callback.query_id.clone()));
        if expired {
            answer = answer.text(self.inner.settings.expired_text.clone());
        }
        if let Err(failure) = self.inner.api.call(&answer).await {
            tracing::debug!(channel = "telegram", %failure, "a button press was not answered");
        }
    }

    /// A keyboard is used once.
    async fn take_keyboard_away(&self, inbound: &Inbound) {
        let Some(callback) = &inbound.callback else { return };
        let chat = inbound.conversation.chat_id();
        let edit = payloads::EditMessageReplyMarkup::new(chat, callback.message_id);
        if let Err(failure) = self.inner.api.call(&edit).await {
            tracing::debug!(channel = "telegram", %failure, "a keyboard was not removed");
        }
    }
}

/// Whether a stored reply is that update's.
fn is_reply_to(stored: Option<&Value>, update_id: i64) -> bool {
    stored.and_then(|stored| stored.get("update")).and_then(Value::as_i64) == Some(update_id)
}

/// An empty map of metadata.
fn no_metadata() -> JsonMap {
    JsonMap::new()
}
