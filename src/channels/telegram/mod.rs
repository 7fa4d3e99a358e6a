//! The Telegram channel (spec §5.7), on teloxide's types and methods with our own
//! transport and receiver: teloxide's acknowledge an update before it is handled.
//!
//! An update has one turn, recognised by its id. Its reply is stored with the
//! turn, so that an update that comes again after a crash gets the same messages.

mod api;
mod buttons;
mod conversation;
mod custom;
mod intake;
mod lines;
mod outbox;
mod polling;
mod reply;
mod settings;
mod split;
mod update;
mod webhook;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sapa_dialogue::UserMessage;
use sapa_sdk::{BotMessage, JsonMap};
use serde_json::{Value, json};
use teloxide::payloads::{self, setters::*};
use teloxide::types::CallbackQueryId;

use super::ChannelError;
use crate::agent::{Agent, AgentError, Incoming, Locks, SendError, Sender};

pub use settings::{Settings, SettingsError};

use api::{ApiFailure, BotApi};
use conversation::Conversation;
use outbox::{Delivery, Outbox, Reply};
use reply::Outgoing;
use update::{Callback, Inbound};

/// A turn that takes longer shows the user that the bot is at work.
const TYPING_AFTER: Duration = Duration::from_millis(700);

/// How long a reply is tried to be sent.
const PATIENCE: Duration = Duration::from_secs(900);

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
    /// Messages sent that answer no update.
    sent: AtomicU64,
    /// Replies of one conversation are queued in the order of its turns.
    locks: Locks,
    outbox: Outbox,
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
    let sender: Arc<dyn Sender> = Arc::new(telegram.clone());
    let worker: super::Worker = Box::new(move |stop| Box::pin(telegram.run(stop)));
    Ok(super::Channel { name: "telegram", router, worker: Some(worker), sender: Some(sender) })
}

impl Telegram {
    /// A channel over an agent.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(agent: Arc<Agent>, settings: Settings) -> Result<Self, reqwest::Error> {
        let api = BotApi::new(&settings.api_url, &settings.token, settings.request_timeout)?;
        let inner = Inner {
            agent,
            settings,
            api,
            identity: OnceLock::new(),
            sent: AtomicU64::new(0),
            locks: Locks::default(),
            outbox: Outbox::default(),
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

    /// One update: its turn, on disk when this returns, and its replies, which go
    /// out by themselves. Nothing here waits for Telegram.
    async fn serve(&self, inbound: &Inbound) -> Result<Vec<Delivery>, AgentError> {
        let Some(_held) = self.inner.locks.lock(&inbound.conversation.sender_id()).await else {
            return Err(AgentError::TooManyWaiting);
        };
        let text = match &inbound.callback {
            None => inbound.text.clone(),
            Some(callback) => match self.pressed(inbound, callback).await? {
                Some(payload) => payload,
                None => return Ok(Vec::new()),
            },
        };
        let mut deliveries = Vec::new();
        deliveries.extend(self.turn(inbound, text, "").await?);
        // Rasa greets anew after `/restart` (spec §5.7).
        if inbound.text == "/restart" {
            deliveries.extend(self.turn(inbound, "/start".to_owned(), "/start").await?);
        }
        Ok(deliveries)
    }

    async fn turn(&self, inbound: &Inbound, text: String, suffix: &str) -> Result<Option<Delivery>, AgentError> {
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
            Some(stored) if !is_reply_to(stored.as_ref(), update_id) => return Ok(None),
            Some(stored) => stored.unwrap_or_default(),
            None => render(&report.messages),
        };
        let reply = Reply {
            key: format!("{update_id}{suffix}"),
            conversation: conversation.clone(),
            used_keyboard: inbound.callback.as_ref().map(|callback| callback.message_id),
            pieces: answer.get("pieces").and_then(Value::as_array).cloned().unwrap_or_default(),
        };
        Ok(Some(self.enqueue(reply)))
    }

    /// Puts a reply behind those of its conversation that wait.
    fn enqueue(&self, reply: Reply) -> Delivery {
        let sender_id = reply.conversation.sender_id();
        let (delivery, is_idle) = self.inner.outbox.push(&sender_id, reply);
        if is_idle {
            let telegram = self.clone();
            tokio::spawn(async move {
                while let Some(queued) = telegram.inner.outbox.next(&sender_id) {
                    let outcome = telegram.deliver(&queued.reply).await;
                    queued.done.send_replace(Some(outcome));
                }
            });
        }
        delivery
    }

    async fn deliver(&self, reply: &Reply) -> Result<(), ApiFailure> {
        let Reply { key, conversation, used_keyboard, pieces } = reply;
        // A keyboard is used once.
        let remove_keyboard = async {
            let Some(message_id) = used_keyboard else { return };
            let edit = payloads::EditMessageReplyMarkup::new(conversation.chat_id(), *message_id);
            if let Err(failure) = self.inner.api.call(&edit).await {
                tracing::debug!(channel = "telegram", %failure, "a keyboard was not removed");
            }
        };
        let outgoing = Outgoing { api: &self.inner.api, conversation, patience: PATIENCE };
        // The reply does not wait for a keyboard that cannot be removed.
        let ((), outcome) = tokio::join!(remove_keyboard, outgoing.send_all(pieces));
        // Who and what stays between the user and the bot.
        let chat = conversation.pseudonym(&self.inner.settings.secret_token);
        match &outcome {
            Ok(0) if !pieces.is_empty() => {
                tracing::error!(channel = "telegram", update = key, chat, "Telegram took nothing of a reply");
            }
            Ok(messages) => {
                tracing::info!(channel = "telegram", update = key, chat, messages, "an update was answered");
            }
            Err(failure) => {
                tracing::error!(channel = "telegram", update = key, chat, %failure, "a reply was not delivered");
            }
        }
        outcome.map(drop)
    }

    /// Waits for a turn; a slow one shows that the bot is at work.
    async fn typing_while<T>(&self, conversation: &Conversation, turn: impl Future<Output = T>) -> T {
        tokio::pin!(turn);
        tokio::select! {
            done = &mut turn => return done,
            () = tokio::time::sleep(TYPING_AFTER) => {}
        }
        let (telegram, chat) = (self.clone(), conversation.chat_id());
        tokio::spawn(async move {
            let typing = payloads::SendChatAction::new(chat, teloxide::types::ChatAction::Typing);
            // It is a courtesy: that it failed changes nothing.
            let _ = telegram.inner.api.call(&typing).await;
        });
        turn.await
    }

    /// What a pressed button says; `None` when it means nothing any more.
    async fn pressed(&self, inbound: &Inbound, callback: &Callback) -> Result<Option<String>, AgentError> {
        let conversation = &inbound.conversation;
        if callback.is_foreign {
            self.answer_press(callback, true);
            return Ok(None);
        }
        let used = self.inner.agent.reply_to("telegram", &inbound.dedupe_key()).await?;
        if used.is_some_and(|reply| !is_reply_to(reply.as_ref(), inbound.update_id)) {
            self.answer_press(callback, true);
            return Ok(None);
        }
        let (agent, sender_id) = (&self.inner.agent, conversation.sender_id());
        // What the user is asked now stands in the session; what a token means may be older.
        let payload = if buttons::is_outdated(&callback.data, callback.message_id.0, &agent.session(&sender_id).await?)
        {
            None
        } else if buttons::is_token(&callback.data) {
            buttons::resolve(&callback.data, &agent.history(&sender_id).await?)
        } else {
            Some(callback.data.clone())
        };
        self.answer_press(callback, payload.is_none());
        Ok(payload)
    }

    /// Ends the button's spinner, at once; says so when the button has expired.
    fn answer_press(&self, callback: &Callback, expired: bool) {
        let mut answer = payloads::AnswerCallbackQuery::new(CallbackQueryId(callback.query_id.clone()));
        if expired {
            answer = answer.text(self.inner.settings.expired_text.clone());
        }
        let telegram = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = telegram.inner.api.call(&answer).await {
                tracing::debug!(channel = "telegram", %failure, "a button press was not answered");
            }
        });
    }
}

/// Messages that answer no update, reminders say.
impl Sender for Telegram {
    fn name(&self) -> &str {
        "telegram"
    }

    fn send<'a>(
        &'a self,
        recipient_id: &'a str,
        message: &'a BotMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>> {
        Box::pin(async move {
            let conversation = Conversation::of(recipient_id)
                .ok_or_else(|| SendError::Refused("the conversation is another channel's".to_owned()))?;
            let number = self.inner.sent.fetch_add(1, Ordering::Relaxed);
            let pieces = reply::pieces(std::slice::from_ref(message));
            let key = format!("message {number}");
            match outbox::delivered(self.enqueue(Reply { key, conversation, used_keyboard: None, pieces })).await {
                true => Ok(()),
                false => Err(SendError::Refused("Telegram did not take it".to_owned())),
            }
        })
    }
}

/// Whether a stored reply is that update's.
fn is_reply_to(stored: Option<&Value>, update_id: i64) -> bool {
    stored.and_then(|stored| stored.get("update")).and_then(Value::as_i64) == Some(update_id)
}
