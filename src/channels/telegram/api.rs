//! The Bot API over HTTP: teloxide's payloads, our own transport. teloxide's own
//! waits ten seconds after each server error, gives up on a long poll after
//! seventeen, and puts whole answers into its errors.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use teloxide::requests::Payload;

use crate::agent::SendError;

/// Bounds of the pause that Telegram asks for.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// Longest answer that is read, bytes; a hundred updates have a few hundred thousand.
const MOST_ANSWER: usize = 16 << 20;

/// Why a call failed. Holds nothing of what was sent, and never the token.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum ApiFailure {
    /// 429: nothing may be sent for so long.
    #[error("too many requests: wait {} s", .0.as_secs())]
    RetryAfter(Duration),
    /// 401, or 404 for a token that never was one.
    #[error("Telegram does not accept the bot token")]
    Unauthorized,
    /// 409: somebody else asks for updates, or a webhook is set.
    #[error("another receiver takes this bot's updates")]
    Conflict,
    /// 403: the user blocked the bot, or left.
    #[error("the user does not want messages from the bot, or the bot may not do this")]
    Forbidden,
    /// The group has a new id.
    #[error("the group has moved")]
    Migrated(i64),
    /// 400 and the like: asking again would not help.
    #[error("refused with {code}: {description}")]
    Refused {
        /// HTTP status.
        code: u16,
        /// Telegram's words.
        description: String,
    },
    /// 5xx.
    #[error("Telegram failed with {0}")]
    Server(u16),
    /// The request certainly did not arrive.
    #[error("Telegram cannot be reached")]
    Unreachable,
    /// It took too long; it may have arrived.
    #[error("Telegram did not answer")]
    Silent,
    /// The connection ended without an answer; it may have arrived.
    #[error("the connection to Telegram was cut")]
    Cut,
    /// An answer that is not the Bot API's.
    #[error("Telegram's answer is malformed")]
    Malformed,
}

/// Tries of a message whose answers do not come in time, and of one whose
/// connections are cut: it may have arrived each time, in the second case rarely.
/// Those outlast the restart of a proxy.
const MOST_SILENT: u32 = 2;
const MOST_CUT: u32 = 7;

/// Pause until a token that Telegram did not accept is tried again.
const TOKEN_PAUSE: Duration = Duration::from_secs(10);

impl ApiFailure {
    /// What it means for a message.
    pub(super) fn into_send_error(self) -> SendError {
        let reason = self.to_string();
        match self {
            Self::RetryAfter(after) => SendError::Retry { reason, after: Some(after) },
            // It is somebody's mistake that is mended, at the latest before the next start.
            Self::Unauthorized => SendError::Retry { reason, after: Some(TOKEN_PAUSE) },
            Self::Conflict | Self::Server(_) | Self::Unreachable => SendError::Retry { reason, after: None },
            Self::Silent => SendError::Doubtful { reason, most: MOST_SILENT },
            Self::Cut | Self::Malformed => SendError::Doubtful { reason, most: MOST_CUT },
            Self::Forbidden | Self::Migrated(_) | Self::Refused { .. } => SendError::Refused(reason),
        }
    }

    /// Logs what nothing is done about any more, or needs somebody.
    pub(super) fn tell(&self, chat: &str) {
        match self {
            Self::Forbidden => {
                tracing::info!(channel = "telegram", chat, "the user does not want messages from the bot");
            }
            Self::Refused { .. } | Self::Migrated(_) => {
                tracing::error!(channel = "telegram", chat, failure = %self, "a message cannot be sent");
            }
            Self::Unauthorized => {
                tracing::error!(
                    channel = "telegram",
                    chat,
                    "Telegram does not accept the bot token; the message waits. Correct TELEGRAM_BOT_TOKEN and start again."
                );
            }
            _ => {}
        }
    }
}

/// A client of the Bot API for one bot.
pub(super) struct BotApi {
    client: reqwest::Client,
    /// `https://host/bot<token>/`; secret.
    base: String,
    /// Time for an ordinary call.
    timeout: Duration,
    /// Until then nothing is sent: the limit is the bot's, not a chat's.
    resting: Mutex<Option<Instant>>,
}

impl fmt::Debug for BotApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BotApi")
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    ok: bool,
    #[serde(default = "Option::default")]
    result: Option<T>,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<u64>,
    #[serde(default)]
    migrate_to_chat_id: Option<i64>,
}

impl BotApi {
    /// A client of the server at `api_url`, whose ordinary calls take `timeout` at most.
    pub(super) fn new(api_url: &str, token: &str, timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).build()?;
        let base = format!("{}/bot{token}/", api_url.trim_end_matches('/'));
        Ok(Self { client, base, timeout, resting: Mutex::default() })
    }

    /// Calls a method.
    pub(super) async fn call<P: Payload + serde::Serialize>(&self, payload: &P) -> Result<P::Output, ApiFailure>
    where
        P::Output: DeserializeOwned,
    {
        let body = serde_json::to_vec(payload).map_err(|_| ApiFailure::Malformed)?;
        self.post(&method_name(P::NAME), body, self.timeout).await
    }

    /// Calls a method by its name with any arguments.
    pub(super) async fn call_named(&self, method: &str, arguments: &Value) -> Result<Value, ApiFailure> {
        self.post(method, arguments.to_string().into_bytes(), self.timeout).await
    }

    /// Calls a method that Telegram itself lets wait for up to so long.
    pub(super) async fn call_waiting(
        &self,
        method: &str,
        arguments: &Value,
        wait: Duration,
    ) -> Result<Value, ApiFailure> {
        self.post(method, arguments.to_string().into_bytes(), wait + self.timeout).await
    }

    async fn post<T: DeserializeOwned>(&self, method: &str, body: Vec<u8>, timeout: Duration) -> Result<T, ApiFailure> {
        self.rest().await;
        let request = self
            .client
            .post(format!("{}{method}", self.base))
            .timeout(timeout)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body);
        let answer = request.send().await.map_err(|error| lost(&error))?;
        let status = answer.status().as_u16();
        let bytes = whole(answer).await?;
        let envelope: Envelope<T> = match crate::channels::json::read(&bytes) {
            Ok(envelope) => envelope,
            Err(_) if status >= 500 => return Err(ApiFailure::Server(status)),
            // A proxy's: the pause is asked for all the same.
            Err(_) if status == 429 => {
                return Err(self.refusal(method, &Parameters::default(), status, String::new()));
            }
            // A proxy's, or that of a page that wants somebody to log in.
            Err(_) if status >= 300 => return Err(ApiFailure::Server(status)),
            Err(_) => return Err(ApiFailure::Malformed),
        };
        match envelope.result {
            Some(result) if envelope.ok => Ok(result),
            _ => Err(self.refusal(method, &envelope.parameters, status.max(envelope.error_code), envelope.description)),
        }
    }

    fn refusal(&self, method: &str, parameters: &Parameters, code: u16, description: String) -> ApiFailure {
        let wanted = parameters.retry_after.or((code == 429).then_some(1));
        if let Some(seconds) = wanted {
            let pause = Duration::from_secs(seconds).clamp(SHORTEST_REST, LONGEST_REST);
            let until = Instant::now() + pause;
            let mut resting = self.resting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *resting = Some(resting.map_or(until, |before| before.max(until)));
            return ApiFailure::RetryAfter(pause);
        }
        if let Some(chat) = parameters.migrate_to_chat_id {
            return ApiFailure::Migrated(chat);
        }
        match code {
            401 => ApiFailure::Unauthorized,
            // Of a chat or message it says little; of the bot itself, everything.
            404 if method.starts_with("get") || description == "Not Found" => ApiFailure::Unauthorized,
            403 => ApiFailure::Forbidden,
            409 => ApiFailure::Conflict,
            500.. => ApiFailure::Server(code),
            _ => ApiFailure::Refused { code, description: sapa_sdk::pii::mask(&description).to_string() },
        }
    }

    /// How long Telegram's pause still lasts; zero when there is none.
    pub(super) fn resting(&self) -> Duration {
        let until = *self.resting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits until Telegram's pause is over, also when it grows meanwhile.
    async fn rest(&self) {
        loop {
            let left = self.resting();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}

/// teloxide names payloads as types: `SendMessage`.
fn method_name(type_name: &str) -> String {
    let mut letters = type_name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// An answer's body, up to [`MOST_ANSWER`].
async fn whole(mut answer: reqwest::Response) -> Result<Vec<u8>, ApiFailure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
        if bytes.len() + chunk.len() > MOST_ANSWER {
            return Err(ApiFailure::Malformed);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn lost(error: &reqwest::Error) -> ApiFailure {
    match error {
        _ if error.is_connect() => ApiFailure::Unreachable,
        _ if error.is_timeout() => ApiFailure::Silent,
        _ => ApiFailure::Cut,
    }
}
