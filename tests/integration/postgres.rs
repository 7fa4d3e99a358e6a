//! A bot whose conversations are in PostgreSQL, by `endpoints.yml` alone.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Cluster, PASSWORD, Project, Server, USER, brief, poll};

const WEBHOOK: &str = "/webhooks/rest/webhook";

/// The small bot on that database.
pub fn bot(cluster: &Cluster, database: &str) -> Project {
    let project = Project::tiny().trained();
    use_database(&project, cluster.port, database, PASSWORD);
    project
}

/// Keeps a bot's conversations in that database; what else is in its `endpoints.yml`
/// stays.
pub fn serve_from(project: &Project, cluster: &Cluster, database: &str) {
    let before = std::fs::read_to_string(project.path("endpoints.yml")).expect("endpoints.yml");
    use_database(project, cluster.port, database, PASSWORD);
    let store = std::fs::read_to_string(project.path("endpoints.yml")).expect("endpoints.yml");
    let other = before.lines().filter(|line| !line.starts_with("tracker_store"));
    project.write("endpoints.yml", other.collect::<Vec<_>>().join("\n") + "\n" + &store);
}

fn use_database(project: &Project, port: u16, database: &str, password: &str) {
    project.write(
        "endpoints.yml",
        format!(
            "tracker_store:\n  type: SQL\n  dialect: postgresql+psycopg2\n  url: 127.0.0.1\n  port: {port}\n  \
             db: {database}\n  username: {USER}\n  password: {password}\n  query: {{sslmode: prefer, connect_timeout: 15}}\n"
        ),
    );
}

/// A message that is told from all others, with or without a key.
fn numbered(server: &Server, sender: &str, number: usize, keyed: bool) -> reqwest::RequestBuilder {
    let body = json!({ "sender": sender, "message": format!("/greet{{\"city\":\"{number}\"}}") });
    let request = server.request(Method::POST, WEBHOOK).body(body.to_string());
    if keyed { request.header("Idempotency-Key", number.to_string()) } else { request }
}

/// The numbers of a conversation's messages, in order.
fn numbers(server: &Server, sender: &str) -> Vec<usize> {
    let events = server.events(sender);
    let texts = events.iter().filter(|event| event["event"] == "user").map(|event| event["text"].as_str());
    let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number");
    texts.map(|text| number(text.expect("a text"))).collect()
}

#[test]
fn a_server_killed_in_the_middle_of_a_form_goes_on_at_the_same_step() {
    let Some(cluster) = Cluster::shared() else { return };
    let project = bot(cluster, &cluster.database());
    let mut server = Server::with_api(&project);
    server.say("u1", "book a table");
    let before = server.events("u1");
    server.stop();

    let mut server = Server::with_api(&project);
    assert_eq!(server.events("u1"), before);
    assert_eq!(server.texts("u1", "italian"), ["For how many people?"]);
    server.stop();

    let server = Server::with_api(&project);
    assert_eq!(server.texts("u1", "four"), ["Booked: italian for four."]);
    assert!(project.files("").keys().all(|name| !name.ends_with(".db")), "nothing is kept in files");
}

#[test]
fn two_processes_answer_one_conversation_with_one_turn_a_message() {
    let Some(cluster) = Cluster::shared() else { return };
    let project = bot(cluster, &cluster.database());
    let servers = [Server::with_api(&project), Server::with_api(&project)];
    let count = 40;
    let requests = (0..count).map(|number| numbered(&servers[number % 2], "u", number, number % 4 < 2));
    for reply in servers[0].all_at_once(requests.collect()) {
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json(), json!([{ "recipient_id": "u", "text": "Hello!" }]));
    }
    let numbers = numbers(&servers[0], "u");
    assert_eq!(numbers.len(), count, "each message had one turn");
    assert_eq!(numbers.into_iter().collect::<BTreeSet<_>>(), (0..count).collect());
    // Turns do not mix: each begins with its message and ends with listening.
    let events = brief(&servers[1].events("u"));
    let turns: Vec<_> =
        events.split(|event| event == "action action_listen").skip(1).filter(|t| !t.is_empty()).collect();
    assert_eq!(turns.len(), count);
    for turn in turns {
        assert!(turn[0].starts_with("user /greet"), "{turn:?}");
        let acted: Vec<_> = turn.iter().filter(|event| event.starts_with("action ")).collect();
        assert_eq!(acted, ["action utter_greet"], "{turn:?}");
    }
}

#[test]
fn two_processes_fill_one_form_with_the_later_answer_seeing_the_earlier() {
    let Some(cluster) = Cluster::shared() else { return };
    let project = bot(cluster, &cluster.database());
    let servers = [Server::with_api(&project), Server::with_api(&project)];
    let senders: Vec<_> = (0..12).map(|number| format!("u{number}")).collect();
    for sender in &senders {
        servers[0].say(sender, "book a table");
    }
    let answer = |server: &Server, sender: &str, text: &str| {
        server.request(Method::POST, WEBHOOK).body(json!({ "sender": sender, "message": text }).to_string())
    };
    let pairs =
        senders.iter().flat_map(|sender| [answer(&servers[0], sender, "italian"), answer(&servers[1], sender, "thai")]);
    let replies = servers[0].all_at_once(pairs.collect());
    for (sender, pair) in senders.iter().zip(replies.chunks(2)) {
        let said: BTreeSet<_> = pair.iter().map(|reply| reply.json()[0]["text"].to_string()).collect();
        let booked = said.iter().any(|text| ["thai for italian", "italian for thai"].iter().any(|b| text.contains(b)));
        assert!(booked && said.iter().any(|text| text.contains("For how many people?")), "{sender}: {said:?}");
    }
}

#[test]
fn a_repeated_key_at_two_processes_has_one_turn_and_one_reply() {
    let Some(cluster) = Cluster::shared() else { return };
    let project = bot(cluster, &cluster.database());
    let servers = [Server::with_api(&project), Server::with_api(&project)];
    for round in 0..5 {
        let requests = (0..10).map(|number| numbered(&servers[number % 2], "u", round, true));
        let replies: BTreeSet<_> =
            servers[0].all_at_once(requests.collect()).into_iter().map(|r| (r.status, r.body)).collect();
        assert_eq!(replies.len(), 1, "{replies:?}");
        assert_eq!(replies.first().map(|(status, _)| *status), Some(200), "{replies:?}");
    }
    assert_eq!(numbers(&servers[0], "u"), (0..5).collect::<Vec<_>>());
}

/// Posts one message after the other, each again until it is answered, and says
/// how many there were and which other statuses came.
fn keep_talking(server: &Server, sender: &str, enough: &AtomicBool) -> (usize, BTreeSet<u16>) {
    let (mut number, mut others) = (0, BTreeSet::new());
    while number < 10 || !enough.load(Ordering::SeqCst) {
        loop {
            let reply = server.send(numbered(server, sender, number, true));
            if reply.status == 200 {
                assert_eq!(reply.json()[0]["text"], "Hello!");
                break;
            }
            others.insert(reply.status);
        }
        number += 1;
    }
    (number, others)
}

/// Conversations that go on while there is trouble with the database, each time in
/// the middle of their turns. No turn is lost or doubled; the other statuses.
fn talk_through<const N: usize>(server: &Server, senders: [&str; N], troubles: &[&dyn Fn()]) -> BTreeSet<u16> {
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let talking = senders.map(|sender| (sender, scope.spawn(|| keep_talking(server, sender, &enough))));
        for trouble in troubles {
            let before = numbers(server, senders[0]).len();
            poll("turns", || (numbers(server, senders[0]).len() > before + 3).then_some(()));
            trouble();
        }
        enough.store(true, Ordering::SeqCst);
        let mut others = BTreeSet::new();
        for (sender, talk) in talking {
            let (count, statuses) = talk.join().expect("a talk");
            assert_eq!(numbers(server, sender), (0..count).collect::<Vec<_>>(), "{sender}");
            others.extend(statuses);
        }
        others
    })
}

#[test]
fn a_database_that_goes_away_under_load_costs_no_turn_and_doubles_none() {
    let Some(cluster) = Cluster::own() else { return };
    let project = bot(&cluster, &cluster.database());
    let server = Server::with_api(&project);
    let again = |end: fn(&Cluster)| {
        end(&cluster);
        cluster.start();
    };
    let (stop, kill) = (|| again(Cluster::stop), || again(Cluster::kill));
    let others = talk_through(&server, ["a", "b", "c", "d"], &[&stop, &kill, &stop, &kill]);
    assert!(others.iter().all(|status| *status == 503), "{others:?}");
}

#[test]
fn while_the_database_is_away_requests_get_503_and_the_next_one_works_when_it_is_back() {
    let Some(cluster) = Cluster::own() else { return };
    let project = bot(&cluster, &cluster.database());
    let server = Server::with_api(&project);
    server.say("u", "book a table");
    cluster.stop();
    let message = json!({ "sender": "u", "message": "italian" }).to_string();
    let refused = server.post(WEBHOOK, message.clone());
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(server.get("/conversations/u/tracker").status, 503);
    assert_eq!(server.get("/health").status, 503);
    cluster.start();
    poll("it is well again", || (server.get("/health").status == 200).then_some(()));
    assert_eq!(server.post(WEBHOOK, message).json()[0]["text"], "For how many people?");
    assert_eq!(numbers_of_turns(&server), 2);
    assert!(!server.log().contains(PASSWORD));
}

#[test]
fn a_database_that_freezes_costs_no_turn_and_gets_an_answer_all_the_same() {
    let Some(cluster) = Cluster::own() else { return };
    let project = bot(&cluster, &cluster.database());
    let server = Server::with_api(&project);
    let pause = |milliseconds| {
        cluster.freeze();
        std::thread::sleep(Duration::from_millis(milliseconds));
        cluster.thaw();
    };
    let others = talk_through(&server, ["a", "b"], &[&|| pause(100), &|| pause(700)]);
    assert_eq!(others, BTreeSet::new());

    // Whether it was written cannot be known: it is sent again, with its key.
    cluster.freeze();
    let refused = server.send(numbered(&server, "u", 0, true));
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(server.log().contains("did not answer in time"), "{}", server.log());
    assert_eq!(server.get("/health").status, 503);
    cluster.thaw();
    assert_eq!(server.send(numbered(&server, "u", 0, true)).status, 200);
    assert_eq!(numbers(&server, "u"), [0]);
}

fn numbers_of_turns(server: &Server) -> usize {
    server.events("u").iter().filter(|event| event["event"] == "user").count()
}

#[test]
fn a_start_waits_for_the_database_and_says_so() {
    let Some(cluster) = Cluster::own() else { return };
    let project = bot(&cluster, &cluster.database());
    cluster.stop();
    let mut server = Server::launch(&project, &["--enable-api"], "info");
    poll("a word about it", || server.log().contains("waiting for the tracker store").then_some(()));
    assert!(server.log().contains(&format!("127.0.0.1:{}", cluster.port)), "{}", server.log());
    cluster.start();
    server.wait();
    assert_eq!(server.texts("u", "hi"), ["Hello!"]);
}

#[test]
fn a_start_without_the_database_ends_with_an_error_in_the_end() {
    let project = Project::tiny().trained();
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    project.write(
        "endpoints.yml",
        format!("tracker_store: {{type: SQL, url: 'postgresql://u:Kunci-31415@127.0.0.1:{free}/d', query: {{connect_timeout: 1}}}}"),
    );
    let output = project.sapa(&["run", "-p", "0"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.err.contains(&format!("PostgreSQL at 127.0.0.1:{free} (database `d`) cannot be reached")),
        "{output:?}"
    );
    assert!(!format!("{output:?}").contains("31415"), "{output:?}");
}

#[test]
fn a_wrong_password_is_an_error_that_does_not_show_it() {
    let Some(cluster) = Cluster::shared() else { return };
    let project = bot(cluster, &cluster.database());
    use_database(&project, cluster.port, "postgres", "Kunci-31415");
    let output = project.sapa(&["run", "-p", "0", "--debug"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("check `username` and `password`"), "{output:?}");
    assert!(!format!("{output:?}").contains("31415"), "{output:?}");
}

#[test]
fn other_databases_are_refused_with_a_cure() {
    let project = Project::tiny().trained();
    for (section, cure) in [
        ("type: SQL, dialect: mysql+pymysql, db: d", "dialect: postgresql"),
        ("type: SQL, url: 'oracle://h/d'", "dialect: postgresql"),
        ("type: mongod, url: 'mongodb://h'", "type: SQL"),
        ("type: redis", "type: SQL"),
        ("type: dynamo", "type: SQL"),
        ("type: SQL, dialect: postgresql, url: h, query: {sslmode: perhaps}", "verify-full"),
        ("type: SQL, dialect: postgresql, url: h, query: {sslmod: require}", "did you mean `sslmode`?"),
    ] {
        project.write("endpoints.yml", format!("tracker_store: {{{section}}}"));
        let output = project.sapa(&["run", "-p", "0"]);
        assert_eq!(output.code, Some(1), "{section}: {output:?}");
        assert!(output.err.contains(cure), "{section}: {output:?}");
    }
}

/// As SQLAlchemy makes it for Rasa 3.6.
const RASAS_TABLE: &str = "
CREATE TABLE events (
	id SERIAL NOT NULL, 
	sender_id VARCHAR(255) NOT NULL, 
	type_name VARCHAR(255) NOT NULL, 
	timestamp FLOAT, 
	intent_name VARCHAR(255), 
	action_name VARCHAR(255), 
	data TEXT, 
	PRIMARY KEY (id)
);
CREATE INDEX ix_events_sender_id ON events (sender_id);
";

#[test]
fn a_conversation_of_rasas_goes_on_where_it_was() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    cluster.sql(&database, RASAS_TABLE);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs_f64();
    let insert = |kind: &str, name: &str, more: Value| {
        let mut data = json!({ "event": kind, "timestamp": now });
        data.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let name = if name.is_empty() { "NULL".to_owned() } else { format!("'{name}'") };
        cluster.sql(
            &database,
            &format!(
                "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)
                 VALUES ('u', '{kind}', {now}, NULL, {name}, '{data}')"
            ),
        );
    };
    let ran = |name: &str| json!({ "name": name, "policy": null, "confidence": 1.0, "action_text": null, "hide_rule_turn": false });
    insert("action", "action_session_start", ran("action_session_start"));
    insert("session_started", "", json!({}));
    insert("action", "action_listen", ran("action_listen"));
    let intent = json!({ "name": "book", "confidence": 0.9 });
    let parse_data = json!({ "intent": intent, "entities": [], "text": "book a table" });
    insert("user", "", json!({ "text": "book a table", "parse_data": parse_data, "input_channel": "rest" }));
    insert("action", "table_form", ran("table_form"));
    insert("active_loop", "table_form", json!({ "name": "table_form" }));
    insert("slot", "requested_slot", json!({ "name": "requested_slot", "value": "cuisine" }));
    insert("action", "action_listen", ran("action_listen"));

    let server = Server::with_api(&bot(cluster, &database));
    assert_eq!(server.tracker("u")["active_loop"]["name"], "table_form");
    assert_eq!(server.texts("u", "italian"), ["For how many people?"]);
    let rows = "SELECT type_name || ' ' || coalesce(intent_name, action_name, '') FROM events WHERE id > 8 ORDER BY id";
    let rows = cluster.sql(&database, rows);
    assert_eq!(rows.lines().next(), Some("user inform"), "{rows}");
    assert!(rows.ends_with("action action_listen"), "{rows}");
}

#[test]
fn somebody_elses_table_of_that_name_is_refused() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    cluster.sql(&database, "CREATE TABLE events (id SERIAL PRIMARY KEY, title TEXT)");
    let output = bot(cluster, &database).sapa(&["run", "-p", "0"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("`events` is not that of Rasa's tracker store"), "{output:?}");
}
