//! The Telegram channel (spec §5.7), on teloxide's types and methods with our own
//! transport and receiver: teloxide's acknowledge an update before it is handled.
//!
//! An update is on disk before Telegram may forget it, and has one turn, recognised by
//! its id. Its reply is written with the turn and goes out by itself, so that nothing
//! of it is lost when the program ends.

mod api;
mod buttons;
mod conversation;
mod custom;
mod leader;
mod menu;
mod polling;
mod reply;
mod settings;
mod split;
mod update;
mod webhook;

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sapa_dialogue::UserMessage;
use sapa_sdk::{BotMessage, JsonMap};
use serde::Deserialize as _;
use serde_json::{Value, json};
use teloxide::payloads::{self, setters::*};
use teloxide::types::CallbackQueryId;

use super::ChannelError;
use super::inbox::{Inbox, Servant, Served};
use crate::agent::{Accepted, Agent, AgentError, Incoming, Intake, Pending, Seen, SendError, Sender};

pub use settings::{Settings, SettingsError};

use api::{ApiFailure, BotApi};
use conversation::Conversation;
use reply::Outgoing;
use update::{Callback, Inbound};

/// A turn that takes longer shows the user that the bot is at work.
const TYPING_AFTER: Duration = Duration::from_millis(700);

/// Messages a second of the bot's own accord: Telegram takes about 30 of a bot, and
/// replies must not wait for its rest.
const UNASKED_A_SECOND: f64 = 20.0;

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
    /// Updates on their way to their turns.
    inbox: Inbox,
}

/// The channel as [`super::open`] wants it.
pub(super) fn open(agent: &Arc<Agent>, options: &JsonMap) -> Result<super::Channel, ChannelError> {
    let settings = Settings::read(options).map_err(|error| match error {
        SettingsError::NoToken => ChannelError::Off(error.to_string()),
        SettingsError::Invalid(_) => ChannelError::Invalid(error.to_string()),
    })?;
    warn_of_unknown_intents(agent, &settings);
    let telegram = Telegram::new(Arc::clone(agent), settings)
        .map_err(|error| ChannelError::Invalid(format!("telegram: no HTTP client can be made: {error}")))?;
    let router = telegram.router();
    let sender: Arc<dyn Sender> = Arc::new(telegram.clone());
    let worker: super::Worker = Box::new(move |stop| Box::pin(telegram.run(stop)));
    Ok(super::Channel { name: "telegram", router, worker: Some(worker), sender: Some(sender) })
}

/// An intent that the model does not know leads to no answer.
fn warn_of_unknown_intents(agent: &Agent, settings: &Settings) {
    let Some(loaded) = agent.models.get() else { return };
    let Some(domain) = loaded.model.domain() else { return };
    for (key, intent) in settings.intents() {
        // `/intent{...}`: what stands before the brace.
        let name = intent.split('{').next().unwrap_or_default();
        if !domain.intents.contains_key(name) {
            tracing::warn!(channel = "telegram", key, intent, "credentials.yml names an intent that the model lacks");
        }
    }
}

impl Telegram {
    /// A channel over an agent.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(agent: Arc<Agent>, settings: Settings) -> Result<Self, reqwest::Error> {
        let api = BotApi::new(&settings.api_url, &settings.token, settings.request_timeout)?;
        let inbox = Inbox::new(Arc::clone(&agent), "telegram");
        let inner = Inner { agent, settings, api, identity: OnceLock::new(), inbox };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Routes below `/webhooks/telegram`.
    pub fn router(&self) -> axum::Router {
        webhook::router(self.clone())
    }

    /// Registers with Telegram and, without a webhook, asks for updates; gives those
    /// that were taken in their turns until `stop` is told. Never fails: what Telegram
    /// refuses is logged.
    pub async fn run(self, stop: tokio::sync::watch::Receiver<bool>) {
        let inbox = self.inner.inbox.clone();
        let servant: Arc<dyn Servant> = Arc::new(self.clone());
        tokio::join!(polling::run(self, stop.clone()), inbox.run(servant, stop));
    }

    /// The bot's username, without `@`.
    fn username(&self) -> Option<&str> {
        self.inner.identity.get()?.as_deref().ok()
    }

    /// Takes an update in: what it says to the bot is on disk when this returns, and has
    /// its turn by itself.
    async fn accept(&self, inbound: &Inbound) -> Result<(), AgentError> {
        if let Some(callback) = inbound.callback.as_ref().filter(|callback| callback.is_foreign) {
            // It must not use up the keyboard of whom it is for.
            self.answer_press(callback, true);
            return Ok(());
        }
        let intake = Intake {
            channel: "telegram".to_owned(),
            dedupe_key: Some(inbound.dedupe_key()),
            sender_id: inbound.conversation.sender_id(),
            payload: serde_json::to_value(inbound).unwrap_or_default(),
        };
        let accepted = self.inner.inbox.accept(intake).await?;
        if let Some(callback) = &inbound.callback
            && let Some(expired) = is_another_press(&accepted, inbound.update_id)
        {
            self.answer_press(callback, expired);
        }
        Ok(())
    }

    /// An update's turn and its reply: on disk when this returns. The reply goes out by
    /// itself; nothing here waits for Telegram.
    async fn serve_update(&self, message: &Pending) -> Result<(), AgentError> {
        let Ok(inbound) = Inbound::deserialize(&message.intake.payload) else {
            tracing::error!(
                channel = "telegram",
                message = message.inbox_id,
                "a kept update cannot be read; it is given up"
            );
            return self.inner.agent.give_up(message.inbox_id).await;
        };
        let text = match &inbound.callback {
            None => inbound.text.clone(),
            Some(callback) => match self.pressed(&inbound, callback).await? {
                Some(payload) => payload,
                None => return self.inner.agent.give_up(message.inbox_id).await,
            },
        };
        // Rasa greets anew after `/restart` (spec §5.7); the turn that closes the
        // update is the last one.
        if inbound.text == "/restart" {
            self.turn(&inbound, text, "/restart", None).await?;
            return self.turn(&inbound, "/start".to_owned(), "", Some(message.inbox_id)).await;
        }
        self.turn(&inbound, text, "", Some(message.inbox_id)).await
    }

    async fn turn(
        &self,
        inbound: &Inbound,
        text: String,
        suffix: &str,
        inbox_id: Option<i64>,
    ) -> Result<(), AgentError> {
        let conversation = &inbound.conversation;
        let incoming = Incoming {
            sender_id: conversation.sender_id(),
            channel: "telegram".to_owned(),
            dedupe_key: Some(format!("{}{suffix}", inbound.dedupe_key())),
            inbox_id,
            address: Some(conversation.address()),
            message: UserMessage {
                text,
                input_channel: "telegram".to_owned(),
                output_channel: "telegram".to_owned(),
                message_id: format!("{}{suffix}", inbound.update_id),
                metadata: inbound.metadata.clone(),
                parse_data: None,
            },
        };
        let update_id = inbound.update_id;
        let render = move |_: &[BotMessage]| json!({ "update": update_id });
        let report = {
            let turn = self.inner.agent.handle(incoming, &render);
            self.typing_while(conversation, turn).await?
        };
        // A keyboard is used once.
        if report.repeated.is_none()
            && let Some(callback) = &inbound.callback
        {
            self.remove_keyboard(conversation, callback);
        }
        let chat = conversation.pseudonym(&self.inner.settings.secret_token);
        tracing::info!(channel = "telegram", update_id, chat, "an update had its turn");
        Ok(())
    }

    fn remove_keyboard(&self, conversation: &Conversation, callback: &Callback) {
        let edit = payloads::EditMessageReplyMarkup::new(conversation.chat_id(), callback.message_id);
        let telegram = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = telegram.inner.api.call(&edit).await {
                tracing::debug!(channel = "telegram", %failure, "a keyboard was not removed");
            }
        });
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
        let (agent, sender_id) = (&self.inner.agent, inbound.conversation.sender_id());
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

impl Sender for Telegram {
    fn name(&self) -> &str {
        "telegram"
    }

    /// Not while Telegram wants a rest. Another bot than the one that `verify` names has
    /// other chats.
    fn is_ready(&self) -> bool {
        self.inner.api.resting().is_zero()
            && match self.inner.identity.get() {
                Some(known) => known.is_ok(),
                None => self.inner.settings.verify.is_none(),
            }
    }

    fn holds_in_doubt(&self) -> bool {
        self.inner.settings.holds_in_doubt
    }

    fn pace(&self) -> Option<f64> {
        Some(UNASKED_A_SECOND)
    }

    fn parts(&self, message: &BotMessage) -> Vec<Value> {
        reply::parts(message)
    }

    fn send<'a>(
        &'a self,
        sender_id: &'a str,
        address: &'a Value,
        part: &'a Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>> {
        Box::pin(async move {
            let conversation = Conversation::of(sender_id, address)
                .ok_or_else(|| SendError::Refused("the conversation is another channel's".to_owned()))?;
            let outcome = Outgoing { api: &self.inner.api, conversation: &conversation }.send(part).await;
            // Who and what stays between the user and the bot.
            let chat = conversation.pseudonym(&self.inner.settings.secret_token);
            match &outcome {
                Ok(()) => tracing::info!(channel = "telegram", chat, "a message was sent"),
                Err(failure) => failure.tell(&chat),
            }
            outcome.map_err(ApiFailure::into_send_error)
        })
    }
}

impl Servant for Telegram {
    /// In a group it matters how the bot is called.
    fn is_ready(&self) -> bool {
        self.username().is_some()
    }

    fn serve<'a>(&'a self, message: &'a Pending) -> Served<'a> {
        Box::pin(self.serve_update(message))
    }
}

/// Whether the keyboard had been used before this press, and then whether that was by
/// another one that had its turn: the same one may have come again.
fn is_another_press(accepted: &Accepted, update_id: i64) -> Option<bool> {
    match accepted.duplicate.as_ref()? {
        Seen::Open => Some(false),
        Seen::Dead => Some(true),
        Seen::Done { reply } => {
            let by = reply.as_ref().and_then(|reply| reply.get("update")).and_then(Value::as_i64);
            Some(by != Some(update_id))
        }
    }
}
