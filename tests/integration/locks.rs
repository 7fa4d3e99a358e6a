//! Locks that several processes share, by `endpoints.yml` alone.

use serde_json::json;

use crate::support::{Cluster, FakeActions, Project, Redis, Server};

/// Messages of one conversation that two processes get at once.
const MESSAGES: usize = 8;

/// The small bot, whose actions are there.
fn bot(actions: &FakeActions) -> Project {
    let project = Project::tiny();
    actions.serve(&project, 10.0);
    project.trained()
}

fn lock_store(project: &Project, section: &str) {
    let before = std::fs::read_to_string(project.path("endpoints.yml")).expect("endpoints.yml");
    project.write("endpoints.yml", format!("{before}lock_store: {section}\n"));
}

/// Two processes work on one conversation at once. How often the action was called:
/// whoever is stopped by the fence has called it for nothing.
fn calls_of_two(project: &Project, actions: &FakeActions, sender: &str) -> usize {
    let servers = [Server::with_api(project), Server::with_api(project)];
    let before = actions.calls().len();
    let request = |number: usize| {
        let body = json!({ "sender": sender, "message": format!("/work{{\"city\":\"{number}\"}}") });
        servers[number % 2].request(reqwest::Method::POST, "/webhooks/rest/webhook").body(body.to_string())
    };
    for reply in servers[0].all_at_once((0..MESSAGES).map(request).collect()) {
        assert_eq!((reply.status, reply.json()[0]["text"].as_str()), (200, Some("Done.")), "{reply:?}");
    }
    let users = servers[0].events(sender).iter().filter(|event| event["event"] == "user").count();
    assert_eq!(users, MESSAGES, "each message had one turn");
    actions.calls().len() - before
}

#[test]
fn a_lock_in_redis_spares_work_and_its_loss_costs_no_message() {
    let Some(redis) = Redis::start() else { return };
    let actions = FakeActions::start();
    let project = bot(&actions);
    let section =
        |password: &str| format!("{{type: redis, port: {}, password: {password}, key_prefix: bot}}", redis.port);
    lock_store(&project, &section("salah"));
    let refused = project.sapa_that_ends(&["run", "-p", "0", "--enable-api"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.err.contains("lock_store: Redis at localhost") && !refused.err.contains("salah"),
        "{}",
        refused.err
    );
    project.edit("endpoints.yml", &section("salah"), &section(Redis::PASSWORD));
    assert_eq!(calls_of_two(&project, &actions, "a"), MESSAGES, "nobody worked for nothing");
    let mut server = Server::with_api(&project);
    // Rasa's locks have no end: one that a killed Rasa left keeps nobody out.
    redis.set("bot:lock:c", r#"{"conversation_id": "c", "tickets": []}"#);
    assert_eq!(server.texts("c", "please work now"), ["Done."]);
    assert!(!server.log().contains("without"), "the lock was taken over: {}", server.log());
    redis.hang();
    for _ in 0..3 {
        assert_eq!(server.texts("b", "please work now"), ["Done."]);
    }
    // It is not asked by each turn while it hangs.
    assert_eq!(server.log().matches("no answer in time").count(), 1, "{}", server.log());
    redis.wake();
    redis.kill();
    let mut server = {
        server.stop();
        redis.again();
        Server::with_api(&project)
    };
    redis.kill();
    assert_eq!(server.texts("b", "please work now"), ["Done."]);
    assert!(server.log().contains("go on without locks"), "{}", server.log());
    redis.again();
    assert_eq!(server.texts("b", "please work now"), ["Done."]);
    assert!(!server.stop().contains(Redis::PASSWORD));
}

#[test]
fn a_lock_in_the_database_spares_work() {
    let Some(cluster) = Cluster::shared() else { return };
    let actions = FakeActions::start();
    let project = bot(&actions);
    crate::postgres::serve_from(&project, cluster, &cluster.database());
    lock_store(&project, "{type: SQL}");
    assert_eq!(calls_of_two(&project, &actions, "a"), MESSAGES, "nobody worked for nothing");
}

#[test]
fn a_lock_store_that_cannot_be_used_is_told_with_a_cure() {
    let project = bot(&FakeActions::start());
    let before = std::fs::read_to_string(project.path("endpoints.yml")).expect("endpoints.yml");
    for (section, words) in [
        ("{type: redsi}", "did you mean `redis`?"),
        ("{type: redis, port: 99999}", "`port` is no number that fits"),
        ("{type: redis, db: satu}", "`db` is no number that fits"),
        ("{type: redis, use_ssl: true}", "`use_ssl` is not served for Redis"),
        ("{type: redis, key_prefix: 'a:b'}", "letters and digits only"),
        ("{type: redis, port: 1, socket_timeout: 0.5}", "Redis at localhost:1"),
    ] {
        project.write("endpoints.yml", format!("{before}lock_store: {section}\n"));
        let output = project.sapa_that_ends(&["run", "-p", "0", "--enable-api"]);
        assert!(output.code == Some(1) && output.err.contains(words), "{section}: {}", output.err);
    }
}
