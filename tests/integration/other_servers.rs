//! The other servers of `endpoints.yml` and `config.yml`: Duckling, a remote NLU
//! server, an NLG server, a model server.

use serde_json::{Value, json};

use crate::support::{Peer, Project, Server, poll};

const DUCKLING: &str = "- name: DucklingEntityExtractor
  url: URL
  dimensions: [time]
  locale: id_ID
  timezone: Asia/Jakarta
";

/// A bot whose pipeline asks a Duckling server there.
fn with_duckling(url: &str) -> Project {
    let project = Project::tiny();
    project.edit("config.yml", "policies:", &format!("{}policies:", DUCKLING.replace("URL", url)));
    project
}

#[test]
fn duckling_is_asked_as_rasa_asks_it_and_its_matches_become_entities() {
    let time = json!({ "type": "value", "value": "2026-11-24T00:00:00.000+07:00", "grain": "day" });
    let duckling = Peer::json(json!([
        { "body": "besok", "start": 6, "end": 11, "dim": "time", "latent": false, "value": time },
        { "body": "2", "start": 0, "end": 1, "dim": "number", "value": { "type": "value", "value": 2 } },
    ]));
    let server = Server::of(with_duckling(duckling.url()).trained());
    let parsed = server.post("/model/parse", json!({ "text": "hello besok" }).to_string()).json();
    let expected = json!([{ "entity": "time", "start": 6, "end": 11, "value": "2026-11-24T00:00:00.000+07:00",
        "extractor": "DucklingEntityExtractor", "text": "besok", "confidence": 1.0, "additional_info": time }]);
    assert_eq!(parsed["entities"], expected);
    let asked = &duckling.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/parse"));
    assert!(asked.headers["content-type"].starts_with("application/x-www-form-urlencoded"), "{asked:?}");
    for part in ["text=hello+besok", "locale=id_ID", "tz=Asia%2FJakarta", "dims=%5B%22time%22%5D", "reftime="] {
        assert!(asked.body.contains(part), "{part}: {}", asked.body);
    }
    // A turn asks, too; a message that names its intent needs no server.
    server.say("a", "hello besok");
    assert_eq!(duckling.asked().len(), 2);
    server.say("a", "/greet");
    assert_eq!(duckling.asked().len(), 2);
}

#[test]
fn without_a_duckling_server_messages_have_no_such_entities_and_the_log_says_so_once() {
    let mut server = Server::of(with_duckling("http://127.0.0.1:1").trained());
    for _ in 0..3 {
        let parsed = server.post("/model/parse", json!({ "text": "hello besok" }).to_string()).json();
        assert_eq!((&parsed["intent"]["name"], &parsed["entities"]), (&json!("greet"), &json!([])));
    }
    assert_eq!(server.stop().matches("Duckling gives no answer").count(), 1);
}

#[test]
fn the_variable_comes_before_the_url_of_the_component() {
    let duckling = Peer::json(json!([]));
    let project = with_duckling("http://127.0.0.1:1").trained();
    let server = Server::start_with(&project, &["--enable-api"], &[("RASA_DUCKLING_HTTP_URL", duckling.url())]);
    server.post("/model/parse", json!({ "text": "hello" }).to_string());
    assert_eq!(duckling.asked().len(), 1);
}

#[test]
fn a_remote_nlu_server_understands_instead_of_the_model() {
    let remote = Peer::json(json!({ "text": "x", "intent": { "name": "hours", "confidence": 0.9 }, "entities": [] }));
    let project = Project::tiny().trained();
    project.write("endpoints.yml", format!("nlu: {{url: '{}/', token: rahasia}}\n", remote.url()));
    let server = Server::with_api(&project);
    assert_eq!(server.texts("a", "hello"), server.texts("b", "/hours"));
    let asked = &remote.asked()[0];
    assert_eq!(asked.path, "/model/parse?token=rahasia");
    let body: Value = serde_json::from_str(&asked.body).expect("JSON");
    assert_eq!((&body["text"], &body["token"]), (&json!("hello"), &json!("rahasia")));
    assert!(body["message_id"].is_string(), "{body}");
}

#[test]
fn an_nlg_server_writes_the_responses() {
    let nlg = Peer::start(|asked| {
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let said = match body["response"].as_str() {
            Some("utter_greet") => {
                json!({ "text": "Written elsewhere", "buttons": [{ "title": "A", "payload": "/a" }] })
            }
            Some("utter_hours") => json!({ "text": 5 }),
            _ => json!({}),
        };
        (200, Vec::new(), said.to_string().into_bytes())
    });
    let project = Project::tiny().trained();
    project.write("endpoints.yml", format!("nlg: {{url: '{}/nlg'}}\n", nlg.url()));
    let mut server = Server::with_api(&project);
    let said = server.say("a", "/greet");
    assert_eq!(said[0]["text"], "Written elsewhere");
    assert_eq!(said[0]["buttons"][0]["payload"], "/a");
    let asked: Value = serde_json::from_str(&nlg.asked()[0].body).expect("JSON");
    assert_eq!(asked["response"], "utter_greet");
    assert_eq!(asked["channel"]["name"], "collector");
    assert_eq!(asked["tracker"]["sender_id"], "a");
    assert!(asked["tracker"]["events"].as_array().is_some_and(|events| !events.is_empty()), "{asked}");
    let bot = server.events("a").into_iter().find(|event| event["event"] == "bot").expect("a bot event");
    assert_eq!(bot["metadata"]["utter_action"], "utter_greet");
    // A text that is no text is no message; the conversation goes on.
    assert_eq!(server.say("a", "/hours"), Vec::<Value>::new());
    assert_eq!(server.texts("a", "/greet"), ["Written elsewhere"]);
    assert!(server.stop().contains("`text` of its answer has the wrong type"));
}

#[test]
fn responses_come_from_the_domain_where_nlg_has_the_type_response() {
    let project = Project::tiny().trained();
    project.write("endpoints.yml", "nlg: {type: response}\n");
    assert_eq!(Server::with_api(&project).texts("a", "/greet"), ["Hello!"]);
}

#[test]
fn models_are_pulled_at_the_start_and_again_when_they_change() {
    let first = Project::tiny().trained();
    let second = Project::tiny();
    second.edit("domain.yml", "Hello!", "Welcome back!");
    let second = second.trained();
    let third = Project::tiny();
    third.edit("domain.yml", "Hello!", "Third time lucky!");
    let third = third.trained().only_model();
    let mut damaged = third.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    let models = [first.only_model(), second.only_model(), b"not a model".to_vec(), third];
    let mut is_damaged = true;
    let published = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let current = std::sync::Arc::clone(&published);
    let models_server = Peer::start(move |asked| {
        let number = current.load(std::sync::atomic::Ordering::SeqCst);
        let fingerprint = format!("f{number}");
        if asked.headers.get("if-none-match") == Some(&fingerprint) {
            return (204, Vec::new(), Vec::new());
        }
        let broke = number == 3 && std::mem::take(&mut is_damaged);
        let model = if broke { damaged.clone() } else { models[number].clone() };
        (200, vec![("etag", fingerprint), ("filename", "pulled.sapa".to_owned())], model)
    });
    let project = Project::empty();
    project.write("credentials.yml", "rest:\n");
    project
        .write("endpoints.yml", format!("models: {{url: '{}', wait_time_between_pulls: 0.05}}\n", models_server.url()));
    let mut server = Server::with_api(&project);
    assert_eq!(server.texts("a", "/greet"), ["Hello!"]);
    published.store(1, std::sync::atomic::Ordering::SeqCst);
    poll("the second model", || (server.texts("a", "/greet") == ["Welcome back!"]).then_some(()));
    // What is no model leaves the one that is served in place.
    published.store(2, std::sync::atomic::Ordering::SeqCst);
    poll("the refusal", || server.log().contains("cannot be used").then_some(()));
    assert_eq!(server.texts("a", "/greet"), ["Welcome back!"]);
    // A download that broke on its way is asked for again, though its fingerprint
    // is that of the sound model.
    published.store(3, std::sync::atomic::Ordering::SeqCst);
    poll("the sound model", || (server.texts("a", "/greet") == ["Third time lucky!"]).then_some(()));
    server.stop();
}
