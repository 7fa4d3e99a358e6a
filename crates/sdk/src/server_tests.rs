//! The action server, called over HTTP.

use super::*;
use crate::dispatcher::set_slot;

/// Answers by the text of the last message.
struct Echo;

impl Action for Echo {
    fn name(&self) -> &str {
        "action_echo"
    }

    fn run<'a>(&'a self, context: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
        Box::pin(async move {
            match context.request.tracker.latest_message.text.as_deref() {
                Some("tolak") => Err(ActionError::Rejected("tidak sekarang, 198609262015051001".to_owned())),
                Some("rusak") => Err(ActionError::failed("rusak untuk 198609262015051001")),
                Some("panik") => panic!("panik"),
                _ => {
                    dispatcher.utter(context.idempotency_key.clone().unwrap_or_else(|| "tanpa kunci".to_owned()));
                    Ok(vec![set_slot("a", 1)])
                }
            }
        })
    }
}

/// Address of a server that runs as long as the test.
async fn start(limit: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = ActionServer::new().register(Echo).body_limit(limit);
    tokio::spawn(server.serve(listener, std::future::pending()));
    format!("http://{address}")
}

async fn post_to(base: &str, body: impl Into<reqwest::Body>, headers: &[(&'static str, &'static str)]) -> (u16, Value) {
    let mut request = reqwest::Client::new().post(format!("{base}/webhook")).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn call(action: &str, text: &str) -> String {
    json!({"next_action": action, "sender_id": "u", "version": "3.6.21",
        "tracker": {"sender_id": "u", "latest_message": {"text": text}, "events": []}})
    .to_string()
}

#[tokio::test]
async fn an_action_answers_with_events_and_responses() {
    let base = start(10_000).await;
    let (status, body) = post_to(&base, call("action_echo", "hai"), &[("idempotency-key", "k1")]).await;
    assert_eq!(status, 200);
    assert_eq!(body["events"], json!([{"event": "slot", "timestamp": null, "name": "a", "value": 1}]));
    assert_eq!(body["responses"][0]["text"], "k1");
    let (_, body) = post_to(&base, call("action_echo", "hai"), &[]).await;
    assert_eq!(body["responses"][0]["text"], "tanpa kunci");
}

#[tokio::test]
async fn health_and_actions_have_rasas_shapes() {
    let base = start(10_000).await;
    let get = async |path: &str| reqwest::get(format!("{base}{path}")).await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(get("/health").await, json!({"status": "ok"}));
    assert_eq!(get("/actions").await, json!([{"name": "action_echo"}]));
}

#[tokio::test]
async fn bad_bodies_get_a_400_in_json() {
    let base = start(10_000).await;
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    for body in ["null".to_owned(), "[]".to_owned(), "{".to_owned(), String::new(), deep] {
        let (status, answer) = post_to(&base, body.clone(), &[]).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].as_str().unwrap().starts_with("Invalid body request"), "{answer}");
    }
    let (status, _) = post_to(&base, vec![b'{', 0xff, b'}'], &[]).await;
    assert_eq!(status, 400);
    let wrong_type = json!({"next_action": "action_echo", "tracker": {"sender_id": 198609262015051001_u64}});
    let (status, answer) = post_to(&base, wrong_type.to_string(), &[]).await;
    assert_eq!(status, 400);
    assert!(!answer.to_string().contains("1986"), "{answer}");
}

#[tokio::test]
async fn a_body_over_the_limit_gets_413_and_a_compressed_one_415() {
    let base = start(1_000).await;
    let (status, answer) = post_to(&base, " ".repeat(5_000), &[]).await;
    assert_eq!(status, 413);
    assert!(answer["error"].is_string());
    let (status, _) = post_to(&base, "x", &[("content-encoding", "deflate")]).await;
    assert_eq!(status, 415);
}

#[tokio::test]
async fn an_unknown_action_is_404_and_an_empty_one_null() {
    let base = start(10_000).await;
    let (status, answer) = post_to(&base, call("action_lain", "x"), &[]).await;
    assert_eq!(status, 404);
    assert_eq!(answer["error"], "No registered action found for name 'action_lain'.");
    assert_eq!(answer["action_name"], "action_lain");
    assert_eq!(post_to(&base, call("", "x"), &[]).await, (200, Value::Null));
}

#[tokio::test]
async fn a_rejection_is_400_a_failure_or_panic_500_and_neither_leaks() {
    let base = start(10_000).await;
    let (status, answer) = post_to(&base, call("action_echo", "tolak"), &[]).await;
    assert_eq!((status, &answer["action_name"]), (400, &json!("action_echo")));
    assert_eq!(answer["error"], "tidak sekarang, [nip]");
    for text in ["rusak", "panik"] {
        let (status, answer) = post_to(&base, call("action_echo", text), &[]).await;
        assert_eq!(status, 500);
        assert_eq!(answer, json!({"error": "the action failed", "request_body": {"next_action": "action_echo"}}));
    }
}

#[tokio::test]
async fn an_empty_or_endless_idempotency_key_is_refused() {
    let base = start(10_000).await;
    let (status, _) = post_to(&base, call("action_echo", "x"), &[("idempotency-key", "")]).await;
    assert_eq!(status, 400);
}
