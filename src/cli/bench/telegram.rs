//! A Bot API that takes every message, so that the channel can be measured
//! without Telegram.

use anyhow::Result;
use axum::extract::Path;
use serde_json::{Value, json};

/// Starts it; its URL.
pub(super) async fn start() -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = axum::Router::new().route("/{bot}/{method}", axum::routing::post(answer));
    tokio::spawn(async move {
        // It ends with this process.
        let _ = axum::serve(listener, router).await;
    });
    Ok(url)
}

async fn answer(Path((_, method)): Path<(String, String)>) -> axum::Json<Value> {
    let result = match method.as_str() {
        "getMe" => json!({
            "id": 1, "is_bot": true, "first_name": "Bench", "username": "BenchBot", "can_join_groups": false,
            "can_read_all_group_messages": false, "supports_inline_queries": false,
            "can_connect_to_business": false, "has_main_web_app": false,
        }),
        method if method.starts_with("send") => {
            json!({ "message_id": 1, "date": 1, "chat": { "id": 1, "type": "private", "first_name": "B" }, "text": "x" })
        }
        _ => json!(true),
    };
    axum::Json(json!({ "ok": true, "result": result }))
}

/// Credentials of a bot whose updates are delivered.
pub(super) fn credentials(api_url: &str) -> String {
    format!(
        "rest:\ntelegram:\n  access_token: 'bench'\n  secret_token: 'bench'\n  api_url: '{api_url}'\n  \
         webhook_url: 'https://bench.contoh.go.id/webhooks/telegram/webhook'\n"
    )
}

/// An update with a text.
pub(super) fn update(number: u32, text: &str) -> String {
    update_of(7, u64::from(number), i64::from(number), text)
}

/// An update with a text in a chat, numbered within it.
pub(super) fn update_in(chat: usize, number: usize, text: &str) -> String {
    update_of(chat, number as u64 + 1, chat as i64 * 10_000_000 + number as i64, text)
}

fn update_of(chat: usize, message_id: u64, update_id: i64, text: &str) -> String {
    let user = json!({ "id": chat, "is_bot": false, "first_name": "B" });
    let chat = json!({ "id": chat, "type": "private", "first_name": "B" });
    let message = json!({ "message_id": message_id, "date": 1, "chat": chat, "from": user, "text": text });
    json!({ "update_id": update_id, "message": message }).to_string()
}
