//! Event brokers (spec §6.3): every event reaches them, in the order of its
//! conversation, also when the server is killed.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{DEADLINE, Kafka, Project, RUNTIME, Rabbit, Server, poll};

const STORE: &str = "tracker_store: {type: SQL, dialect: sqlite, db: bot.db}\n";

/// The small bot with a broker.
fn project(broker: &str) -> Project {
    let project = Project::tiny().trained();
    project.write("endpoints.yml", format!("{STORE}event_broker: {broker}\n"));
    project
}

/// The lines of the broker `file`.
fn lines(project: &Project) -> Vec<Value> {
    let text = std::fs::read_to_string(project.path("events.log")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The events of a conversation as the API tells them, as a broker has them.
fn told(server: &Server, sender: &str) -> Vec<Value> {
    let with_sender = |event: Value| {
        let mut body = serde_json::Map::new();
        body.insert("sender_id".into(), sender.into());
        body.extend(event.as_object().expect("an event").clone());
        Value::Object(body)
    };
    server.events(sender).into_iter().map(with_sender).collect()
}

fn of(lines: &[Value], sender: &str) -> Vec<Value> {
    lines.iter().filter(|line| line["sender_id"] == sender).cloned().collect()
}

#[test]
fn a_file_gets_every_event_behind_its_sender() {
    let project = project("{type: file, path: events.log}");
    // One that others may read is closed to them.
    project.write("events.log", "");
    let server = Server::with_api(&project);
    server.say("a", "hi");
    server.say("b", "hi");
    server.say("a", "hi");
    let expected = told(&server, "a");
    let lines = poll("all events", || Some(lines(&project)).filter(|l| of(l, "a").len() >= expected.len()));
    assert_eq!(of(&lines, "a"), expected);
    let text = std::fs::read_to_string(project.path("events.log")).expect("the file");
    assert!(text.starts_with("{\"sender_id\":\"a\",\"event\":\"action\""), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(project.path("events.log")).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_killed_server_loses_no_event_and_repeats_at_most_some() {
    let project = project("{type: file, path: events.log}");
    for number in 0..4 {
        let mut server = Server::with_api(&project);
        server.say(&format!("s{number}"), "hi");
        server.stop();
    }
    let server = Server::with_api(&project);
    // What the killed one led in is free after its time.
    let lines =
        poll("all events", || Some(lines(&project)).filter(|l| (0..4).all(|n| !of(l, &format!("s{n}")).is_empty())));
    for number in 0..4 {
        let sender = format!("s{number}");
        let once: BTreeSet<String> = of(&lines, &sender).iter().map(Value::to_string).collect();
        let expected: BTreeSet<String> = told(&server, &sender).iter().map(Value::to_string).collect();
        assert_eq!(once, expected, "{sender}");
    }
}

#[test]
fn two_servers_on_one_store_publish_each_event_once() {
    let project = project("{type: file, path: events.log}");
    let servers = [Server::with_api(&project), Server::with_api(&project)];
    for number in 0..10 {
        servers[number % 2].say("both", "hi");
    }
    let expected = told(&servers[0], "both");
    let lines = poll("all events", || Some(lines(&project)).filter(|l| l.len() >= expected.len()));
    assert_eq!(lines, expected);
}

#[test]
fn a_database_gets_a_row_an_event() {
    let project = project("{type: SQL, db: published.db}");
    let server = Server::with_api(&project);
    server.say("a", "hi");
    let expected: Vec<(String, String)> =
        told(&server, "a").iter().map(|body| ("a".to_owned(), body.to_string())).collect();
    let rows = || -> Vec<(String, String)> {
        crate::support::RUNTIME.block_on(async {
            let url = format!("sqlite://{}?mode=ro", project.path("published.db").display());
            let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
            let rows = sqlx::query_as("SELECT sender_id, data FROM events ORDER BY id").fetch_all(&pool).await;
            pool.close().await;
            rows.expect("the rows")
        })
    };
    assert_eq!(poll("all rows", || Some(rows()).filter(|rows| rows.len() >= expected.len())), expected);
}

#[test]
fn a_broker_that_cannot_be_used_stops_the_start_and_says_why() {
    for (broker, reason) in [
        ("{type: fil}", "did you mean `file`?"),
        ("{type: my.own.Broker}", "type `my.own.broker` is not served"),
        ("{type: file, path: models}", "`models` cannot be written to"),
        ("{type: file, path: [a]}", "`path` must be a text"),
        ("{type: SQL, dialect: oracle}", "dialect `oracle` is not served"),
        ("{type: kafka, url: a}", "`sasl_username` and `sasl_password` are missing"),
    ] {
        let output = project(broker).sapa(&["run", "-p", "0"]);
        assert_eq!(output.code, Some(1), "{broker}: {output:?}");
        assert!(output.err.contains(reason), "{broker}: {output:?}");
    }
}

/// What comes out of a queue until all of these have, with the properties of the first
/// message.
fn taken_from(rabbit: &Rabbit, queue: &str, wanted: &[Value]) -> (Vec<Value>, lapin::BasicProperties) {
    use lapin::options::BasicGetOptions;
    let uri = format!("amqp://127.0.0.1:{}", rabbit.port);
    RUNTIME.block_on(async {
        let connection =
            lapin::Connection::connect(&uri, lapin::ConnectionProperties::default()).await.expect("RabbitMQ");
        let channel = connection.create_channel().await.expect("a channel");
        let (mut bodies, mut properties) = (Vec::new(), None);
        let started = std::time::Instant::now();
        while !wanted.iter().all(|event| bodies.contains(event)) {
            assert!(started.elapsed() < DEADLINE, "{} messages came, not all: {bodies:?}", bodies.len());
            match channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.expect("the queue") {
                Some(message) => {
                    bodies.push(serde_json::from_slice(&message.delivery.data).expect("JSON"));
                    properties.get_or_insert(message.delivery.properties);
                }
                None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
        (bodies, properties.unwrap_or_default())
    })
}

fn project_of_stranger(rabbit: &Rabbit) -> Project {
    project(&format!("{{type: pika, url: 127.0.0.1, port: {}, username: guest, password: hunter2}}", rabbit.port))
}

#[test]
fn rabbitmq_gets_every_event_also_those_of_while_it_was_away() {
    let Some(rabbit) = Rabbit::start() else { return };
    let project = project(&format!(
        "{{type: pika, url: 127.0.0.1, port: {}, username: guest, password: guest, queues: [one, two]}}",
        rabbit.port
    ));
    let server = Server::start_with(&project, &["--enable-api"], &[("RASA_ENVIRONMENT", "test")]);
    server.say("a", "hi");
    let expected = told(&server, "a");
    for queue in ["one", "two"] {
        let (bodies, properties) = taken_from(&rabbit, queue, &expected);
        assert_eq!(bodies, expected, "{queue}");
        assert_eq!(properties.delivery_mode(), &Some(2), "it outlasts RabbitMQ");
        assert_eq!(properties.app_id().as_ref().map(|id| id.as_str()), Some("test"));
    }
    let stranger = project_of_stranger(&rabbit);
    let output = stranger.sapa_that_ends(&["run", "-p", "0"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("refuses the user") && !output.err.contains("hunter2"), "{output:?}");
    rabbit.kill();
    assert_eq!(server.texts("a", "hi"), ["Hello!"], "the bot goes on");
    rabbit.again();
    let all = told(&server, "a");
    let late = all.get(expected.len()..).expect("more events");
    // What was taken out before may come again: RabbitMQ was killed, too.
    let (mut bodies, _) = taken_from(&rabbit, "one", late);
    bodies.retain(|event| late.contains(event));
    assert_eq!(bodies, late);
}

#[test]
fn a_rabbitmq_that_is_not_there_stops_the_start_with_its_address_and_without_the_password() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let options = "connection_attempts: 2, retry_delay_in_seconds: 0.1, queues: q, username: u, password: hunter2";
    let project = project(&format!("{{type: pika, url: 'amqp://{free}', {options}}}"));
    let output = project.sapa_that_ends(&["run", "-p", "0"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains(&free.to_string()) && !output.err.contains("hunter2"), "{output:?}");
}

/// What Kafka has of a conversation.
fn kept_by(kafka: &Kafka, sender: &str) -> Vec<Value> {
    let events = kafka.records().into_iter().map(|record| record.event);
    events.filter(|event| event["sender_id"] == sender).collect()
}

#[test]
fn kafka_gets_every_event_of_a_conversation_in_one_partition() {
    let Some(kafka) = Kafka::start("rasa_core_events") else { return };
    // The first address is nobody's.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let project = project(&format!(
        "{{type: kafka, url: ['{nobody}', '{}'], security_protocol: PLAINTEXT, partition_by_sender: true}}",
        kafka.address
    ));
    let server = Server::start_with(&project, &["--enable-api"], &[("RASA_ENVIRONMENT", "test")]);
    let senders = ["a", "b", "c", "d", "e", "f"];
    for _ in 0..3 {
        senders.iter().for_each(|sender| drop(server.say(sender, "hi")));
    }
    for sender in senders {
        let expected = told(&server, sender);
        let events = poll("all events", || Some(kept_by(&kafka, sender)).filter(|kept| kept.len() >= expected.len()));
        assert_eq!(events, expected, "{sender}");
    }
    let records = kafka.records();
    assert!(records.iter().all(|record| record.headers == "RASA_ENVIRONMENT=test"), "{records:?}");
    let places: BTreeSet<(&str, u32)> = records.iter().map(|record| (record.key.as_str(), record.partition)).collect();
    assert_eq!(places.len(), senders.len(), "each has one: {places:?}");
    let partitions: BTreeSet<u32> = places.iter().map(|(_, partition)| *partition).collect();
    assert!(partitions.len() > 1, "all are in one: {places:?}");
}

#[test]
fn what_kafka_did_not_take_it_gets_once_it_is_there() {
    let topic = "peristiwa";
    let door = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = door.local_addr().expect("an address");
    let project = project(&format!("{{type: kafka, url: '{address}', security_protocol: plaintext, topic: {topic}}}"));
    let server = Server::with_api(&project);
    assert_eq!(server.texts("a", "hi"), ["Hello!"], "the bot goes on");
    poll("a try", || server.log().contains("events were not published").then_some(()));
    let Some(kafka) = Kafka::start(topic) else { return };
    let to = kafka.address.clone();
    std::thread::spawn(move || {
        for from in door.incoming().flatten() {
            let to = std::net::TcpStream::connect(&to).expect("Kafka");
            for (mut from, mut to) in [(from.try_clone(), to.try_clone()), (to.try_clone(), from.try_clone())]
                .map(|(from, to)| (from.expect("a stream"), to.expect("a stream")))
            {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    let expected = told(&server, "a");
    let events = poll("all events", || Some(kept_by(&kafka, "a")).filter(|kept| kept.len() >= expected.len()));
    assert_eq!(events, expected);
    let record = kafka.records().swap_remove(0);
    assert_eq!((record.key.as_str(), record.headers.as_str()), ("", "RASA_ENVIRONMENT=RASA_ENVIRONMENT_NOT_SET"));
}
