//! The section `telegram` of `credentials.yml`: Rasa's keys and a few of ours.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sapa_sdk::JsonMap;
use serde_json::Value;
use sha2::Sha256;

use super::menu::MenuEntry;

/// The section's keys.
const KEYS: [&str; 12] = [
    "access_token",
    "verify",
    "webhook_url",
    "secret_token",
    "api_url",
    "request_timeout",
    "commands",
    "attachment_intent",
    "contact_intent",
    "edited_intent",
    "expired_text",
    "on_doubt",
];

/// Where the Bot API is, unless `api_url` says otherwise.
const API_URL: &str = "https://api.telegram.org";

/// Time for an ordinary call, unless `request_timeout` says otherwise; and what it
/// may say, in seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const SHORTEST_TIMEOUT: f64 = 0.1;
const LONGEST_TIMEOUT: f64 = 600.0;

/// What a webhook's path ends in (spec §5.7).
const WEBHOOK_PATH: &str = "/webhooks/telegram/webhook";

/// What somebody reads who presses a button that was used before.
const EXPIRED: &str = "Tombol ini sudah tidak berlaku. Silakan pakai tombol terbaru atau ketik pertanyaan Anda, ya.";

/// How the channel is set up.
#[derive(Clone)]
pub struct Settings {
    /// `access_token`: the bot's token, a secret.
    pub token: String,
    /// `verify`: the bot's username, without `@`.
    pub verify: Option<String>,
    /// `webhook_url`: where Telegram delivers; without it the bot asks.
    pub webhook_url: Option<String>,
    /// `secret_token`, or one made from the token: what Telegram sends along.
    pub secret_token: String,
    /// `api_url`: the Bot API server.
    pub api_url: String,
    /// `request_timeout`, in seconds: how long the Bot API may take to answer.
    pub request_timeout: Duration,
    /// `commands`: command, without `/`, to intent.
    pub commands: BTreeMap<String, String>,
    /// Of these, what Telegram's menu shows, in the order of the file.
    pub menu: Vec<MenuEntry>,
    /// `attachment_intent`: intent of a photo, a sticker, ...
    pub attachment_intent: Option<String>,
    /// `contact_intent`: intent of the user's own contact.
    pub contact_intent: Option<String>,
    /// `edited_intent`: intent of a message that was edited.
    pub edited_intent: Option<String>,
    /// `expired_text`: shown when a button was used before.
    pub expired_text: String,
    /// `on_doubt: hold`: what may have arrived is not sent again.
    pub holds_in_doubt: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("webhook_url", &self.webhook_url).field("verify", &self.verify).finish()
    }
}

/// Why the section cannot be used. Never holds a secret.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// There is no token: the channel is off.
    #[error("`access_token` is empty")]
    NoToken,
    /// A key has a value that means nothing.
    #[error("credentials.yml, `telegram`: {0}")]
    Invalid(String),
}

impl Settings {
    /// Reads the section's options.
    ///
    /// # Errors
    /// The token is empty, or an option cannot be used.
    pub fn read(options: &JsonMap) -> Result<Self, SettingsError> {
        no_slips(options)?;
        if !options.contains_key("access_token") && !options.is_empty() {
            let rule = "`access_token` is missing; write `access_token: ${TELEGRAM_BOT_TOKEN}`";
            return Err(SettingsError::Invalid(rule.to_owned()));
        }
        let token = text(options, "access_token")?.ok_or(SettingsError::NoToken)?;
        if token.contains(|c: char| c.is_whitespace() || "/?#%\\".contains(c)) {
            let rule = "`access_token` is no token of BotFather's, which has digits, a colon and letters";
            return Err(SettingsError::Invalid(rule.to_owned()));
        }
        let webhook_url = address(options, "webhook_url")?;
        if webhook_url.as_ref().is_some_and(|url| !url.trim_end_matches('/').ends_with(WEBHOOK_PATH)) {
            return Err(SettingsError::Invalid(format!("`webhook_url` must end in `{WEBHOOK_PATH}`")));
        }
        let api_url = address(options, "api_url")?.unwrap_or_else(|| API_URL.to_owned());
        // A Bot API server of one's own delivers over plain HTTP, too.
        if api_url.trim_end_matches('/') == API_URL
            && webhook_url.as_ref().is_some_and(|url| url.to_ascii_lowercase().starts_with("http:"))
        {
            let rule = "`webhook_url` must begin with `https://`: Telegram delivers nowhere else";
            return Err(SettingsError::Invalid(rule.to_owned()));
        }
        let secret_token = match text(options, "secret_token")? {
            Some(secret) if is_secret_token(&secret) => secret,
            Some(_) => {
                let rule = "`secret_token` must have 1 to 256 of the characters A-Z, a-z, 0-9, _ and -";
                return Err(SettingsError::Invalid(rule.to_owned()));
            }
            None => derived_secret(&token),
        };
        let (commands, menu) = commands(options)?;
        Ok(Self {
            token,
            verify: text(options, "verify")?.map(|name| name.trim_start_matches('@').to_owned()),
            webhook_url,
            secret_token,
            api_url,
            request_timeout: seconds(options, "request_timeout")?.unwrap_or(REQUEST_TIMEOUT),
            commands,
            menu,
            attachment_intent: text(options, "attachment_intent")?,
            contact_intent: text(options, "contact_intent")?,
            edited_intent: text(options, "edited_intent")?,
            expired_text: text(options, "expired_text")?.unwrap_or_else(|| EXPIRED.to_owned()),
            holds_in_doubt: match text(options, "on_doubt")?.as_deref() {
                None | Some("resend") => false,
                Some("hold") => true,
                Some(_) => return Err(SettingsError::Invalid("`on_doubt` is `resend` or `hold`".to_owned())),
            },
        })
    }
}

impl Settings {
    /// The intents that keys name: key and intent.
    pub(super) fn intents(&self) -> impl Iterator<Item = (&str, &str)> {
        let commands = self.commands.values().map(|intent| ("commands", intent));
        let attachment = self.attachment_intent.iter().map(|intent| ("attachment_intent", intent));
        let contact = self.contact_intent.iter().map(|intent| ("contact_intent", intent));
        let edited = self.edited_intent.iter().map(|intent| ("edited_intent", intent));
        commands.chain(attachment).chain(contact).chain(edited).map(|(key, intent)| (key, intent.as_str()))
    }
}

/// A text that is not blank.
fn text(options: &JsonMap, key: &str) -> Result<Option<String>, SettingsError> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(SettingsError::Invalid(format!("`{key}` must be a text"))),
    }
}

/// An address that requests can be made to.
fn address(options: &JsonMap, key: &str) -> Result<Option<String>, SettingsError> {
    let Some(written) = text(options, key)? else { return Ok(None) };
    let is_usable = reqwest::Url::parse(&written).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none()
    });
    let rule = || format!("`{key}` must be an address like `https://host/path`, without `?` and `#`");
    is_usable.then_some(Some(written)).ok_or_else(|| SettingsError::Invalid(rule()))
}

/// A key that is nearly one of these was meant to be it: a misspelt `webhook_url`
/// would take the bot's webhook away. Others are tolerated, as in Rasa, and told.
fn no_slips(options: &JsonMap) -> Result<(), SettingsError> {
    for key in options.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        if let Some(near) = sapa_project::suggest::nearest(key, KEYS) {
            return Err(SettingsError::Invalid(format!("`{key}` is not a key; did you mean `{near}`?")));
        }
        tracing::warn!(channel = "telegram", key, "credentials.yml: this key has no effect");
    }
    Ok(())
}

/// A number of seconds, as a number or as a text: `${VAR}` gives texts.
fn seconds(options: &JsonMap, key: &str) -> Result<Option<Duration>, SettingsError> {
    let value = match options.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_f64(),
    };
    let seconds = value.filter(|seconds| (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(seconds));
    let rule = || format!("`{key}` must be a number of seconds from {SHORTEST_TIMEOUT} to {LONGEST_TIMEOUT}");
    seconds.map(|seconds| Some(Duration::from_secs_f64(seconds))).ok_or_else(|| SettingsError::Invalid(rule()))
}

/// `commands`: an intent each, or `{intent, description, groups}` for one that the
/// menu shows.
fn commands(options: &JsonMap) -> Result<(BTreeMap<String, String>, Vec<MenuEntry>), SettingsError> {
    let invalid = || SettingsError::Invalid("`commands` must map commands to intents".to_owned());
    let (mut intents, mut menu) = (BTreeMap::new(), Vec::new());
    let map = match options.get("commands") {
        None | Some(Value::Null) => return Ok((intents, menu)),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(invalid()),
    };
    for (command, value) in map {
        let command = command.trim_start_matches('/').to_owned();
        let intent = match value {
            Value::Object(entry) => {
                menu.extend(menu_entry(&command, entry)?);
                entry.get("intent").and_then(Value::as_str).unwrap_or(&command)
            }
            other => other.as_str().ok_or_else(invalid)?,
        };
        intents.insert(command.clone(), intent.trim_start_matches('/').to_owned());
    }
    Ok((intents, menu))
}

/// A command with a description: Bot API, `BotCommand`.
fn menu_entry(command: &str, entry: &JsonMap) -> Result<Option<MenuEntry>, SettingsError> {
    let wrong = |rule: String| SettingsError::Invalid(format!("`commands`, `{command}`: {rule}"));
    if let Some(key) = entry.keys().find(|key| !["intent", "description", "groups"].contains(&key.as_str())) {
        return Err(wrong(format!("`{key}` is not one of `intent`, `description` and `groups`")));
    }
    if entry.get("intent").is_some_and(|intent| !intent.is_string()) {
        return Err(wrong("`intent` must be a text".to_owned()));
    }
    let in_groups = match entry.get("groups") {
        None => false,
        Some(Value::Bool(groups)) => *groups,
        Some(_) => return Err(wrong("`groups` must be true or false".to_owned())),
    };
    let Some(description) = text(entry, "description")? else { return Ok(None) };
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !(1..=32).contains(&command.len()) || !command.chars().all(is_name) {
        return Err(wrong("a menu takes names of 1 to 32 of the characters a-z, 0-9 and _".to_owned()));
    }
    if description.chars().count() > 256 {
        return Err(wrong("a description has at most 256 characters".to_owned()));
    }
    Ok(Some(MenuEntry { command: command.to_owned(), description, in_groups }))
}

/// Bot API, `setWebhook`.
fn is_secret_token(secret: &str) -> bool {
    (1..=256).contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// HMAC-SHA256 (RFC 2104) of a fixed text under the bot's token, as hex: nobody
/// has to choose and keep another secret.
fn derived_secret(token: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(b"sapa telegram webhook");
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::derived_secret;

    #[test]
    fn the_secret_is_the_hmac_of_the_token() {
        // printf 'sapa telegram webhook' | openssl dgst -sha256 -hmac 4711:rahasia-sekali
        let expected = "769cb5a6df17dab0a63faf3dbb30b7db5d9d7f97c5a3d9cac3a0a68af86ce0a2";
        assert_eq!(derived_secret("4711:rahasia-sekali"), expected);
        assert_ne!(derived_secret("4712:rahasia-sekali"), expected);
    }
}
