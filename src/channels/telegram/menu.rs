//! The menu of commands that Telegram shows: those of `credentials.yml` that have a
//! description.

use serde_json::{Value, json};

use super::Telegram;

/// A command in the menu.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuEntry {
    /// Its name, without `/`.
    pub command: String,
    /// What it does, for the user.
    pub description: String,
    /// Whether groups show it, too.
    pub in_groups: bool,
}

/// Tells Telegram the menus of private chats and of groups. Without a description
/// in `credentials.yml` the menu stays as somebody made it at BotFather's.
pub(super) async fn show(telegram: &Telegram) {
    let menu = &telegram.inner.settings.menu;
    if menu.is_empty() {
        return;
    }
    let groups: Vec<&MenuEntry> = menu.iter().filter(|entry| entry.in_groups).collect();
    for (scope, entries) in [("all_private_chats", menu.iter().collect()), ("all_group_chats", groups)] {
        let request = json!({ "commands": listed(&entries), "scope": { "type": scope } });
        // A menu is a courtesy: messages are answered without it.
        if let Err(failure) = telegram.inner.api.call_named("setMyCommands", &request).await {
            tracing::warn!(channel = "telegram", scope, %failure, "the menu of commands was not set");
        }
    }
}

fn listed(entries: &[&MenuEntry]) -> Value {
    entries.iter().map(|entry| json!({ "command": entry.command, "description": entry.description })).collect()
}
