//! What only a store on a server has to stand: other processes, a server that
//! goes away, other people's databases.

use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use super::settings::Target;
use super::*;
use crate::store::conformance::{Hand, action, conformance, slot, turn};
use crate::store::record::{InboxDone, InboxMessage};

#[path = "../../../tests/integration/support/keeper.rs"]
mod keeper;
mod lost;
mod proxy;
#[path = "../../../tests/integration/support/postgres.rs"]
mod support;

use support::{Cluster, PASSWORD, USER};

fn settings(cluster: &Cluster, database: &str) -> PostgresSettings {
    PostgresSettings {
        host: Some("127.0.0.1".into()),
        port: Some(cluster.port),
        database: Some(database.into()),
        username: Some(USER.into()),
        password: Some(PASSWORD.into()),
        pool_size: 4,
        max_overflow: 4,
        ..PostgresSettings::default()
    }
}

fn clock() -> Clock {
    Hand::at(100.0).clock()
}

async fn open(settings: &PostgresSettings) -> Result<Postgres, StoreError> {
    Postgres::open(settings, clock()).await
}

fn keyed(key: &str, reply: &str) -> Option<InboxDone> {
    let message =
        InboxMessage::Fresh { channel: "rest".into(), dedupe_key: Some(key.into()), payload: json!({"m": key}) };
    Some(InboxDone { message, reply: Some(json!(reply)) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_conforms() {
    let Some(cluster) = Cluster::shared() else { return };
    let hand = Hand::at(100.0);
    let store = Postgres::open(&settings(cluster, &cluster.database()), hand.clock()).await.unwrap();
    conformance(Arc::new(store), &hand).await;
}

/// Where `B` comes after `a`, and punctuation counts for little.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_conforms_in_a_database_that_sorts_as_people_do() {
    let Some(cluster) = Cluster::shared() else { return };
    // Older servers know the order of the system only.
    if cluster.sql("postgres", "SHOW server_version_num").parse::<u32>().unwrap() < 150_000 {
        return;
    }
    let name = cluster.database_with("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'id'");
    let hand = Hand::at(100.0);
    let store = Postgres::open(&settings(cluster, &name), hand.clock()).await.unwrap();
    conformance(Arc::new(store), &hand).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_once_on_an_empty_database_all_succeed() {
    let Some(cluster) = Cluster::shared() else { return };
    let settings = settings(cluster, &cluster.database());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let settings = settings.clone();
        tasks.spawn(async move {
            let store = open(&settings).await.unwrap();
            store.commit(turn(&format!("u{number}"), 0, vec![slot(number)])).await.unwrap();
        });
    }
    tasks.join_all().await;
    let store = open(&settings).await.unwrap();
    assert_eq!(store.senders(None, 99).await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_database_that_rasa_wrote_is_continued() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.database();
    cluster.sql(
        &name,
        r#"CREATE TABLE events (
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
INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES
 ('u','slot',1.0,NULL,'langkah','{"event": "slot", "timestamp": 1.0, "name": "langkah", "value": "lama"}'),
 ('u','action',2.0,NULL,'action_session_start','{"event": "action", "timestamp": 2.0, "name": "action_session_start", "policy": null, "confidence": 1.0, "action_text": null, "hide_rule_turn": false}'),
 ('lain','topic',2.0,NULL,NULL,'{"event": "topic", "timestamp": 2.0, "topic": "x"}'),
 ('u','session_started',2.5,NULL,NULL,'{"event": "session_started", "timestamp": 2.5}'),
 ('u','user',3.0,'salam',NULL,'{"event": "user", "timestamp": 3.0, "text": "h\u00e9", "parse_data": {"intent": {"name": "salam", "confidence": 0.9}, "entities": [], "text": "h\u00e9"}, "input_channel": "rest", "message_id": "m"}');"#,
    );
    let shape = "SELECT column_name, data_type, character_maximum_length, column_default, is_nullable
        FROM information_schema.columns WHERE table_name = 'events' ORDER BY ordinal_position";
    let indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'events' ORDER BY 1";
    let rasas = (cluster.sql(&name, shape), cluster.sql(&name, indexes));

    let store = open(&settings(cluster, &name)).await.unwrap();
    let loaded = store.load("u").await.unwrap();
    let kinds: Vec<_> = loaded.events.iter().map(|event| event.type_name()).collect();
    assert_eq!((loaded.version, kinds), (0, vec!["action", "session_started", "user"]));
    assert_eq!(store.load_all("u").await.unwrap().events.len(), 4);
    assert_eq!(store.load("lain").await.unwrap().events, vec![]);
    assert_eq!(store.senders(None, 9).await.unwrap(), ["lain", "u"]);
    store.commit(turn("u", 0, vec![action("action_listen"), slot("baru")])).await.unwrap();
    assert_eq!(store.load("u").await.unwrap().events.len(), 5);
    let written = "SELECT id, type_name, timestamp, intent_name, action_name FROM events WHERE id > 5 ORDER BY id";
    assert_eq!(cluster.sql(&name, written), "6|action|6.5||action_listen\n7|slot|5.5||langkah");
    let data = cluster.sql(&name, "SELECT data FROM events WHERE id = 7");
    assert_eq!(serde_json::from_str::<Value>(&data).unwrap(), slot("baru").to_json());
    assert_eq!((cluster.sql(&name, shape), cluster.sql(&name, indexes)), rasas, "left as it was");

    // What Sapa makes itself is the same to the last default.
    let own = cluster.database();
    open(&settings(cluster, &own)).await.unwrap();
    assert_eq!((cluster.sql(&own, shape), cluster.sql(&own, indexes)), rasas);
}

#[tokio::test]
async fn somebody_elses_events_table_is_refused_and_left_alone() {
    let Some(cluster) = Cluster::shared() else { return };
    for table in
        ["CREATE TABLE events (id SERIAL PRIMARY KEY, title TEXT)", "CREATE VIEW events AS SELECT 1 AS id, 'x' AS data"]
    {
        let name = cluster.database();
        cluster.sql(&name, table);
        let refused = open(&settings(cluster, &name)).await.err();
        assert!(matches!(&refused, Some(StoreError::Incompatible(text)) if text.contains("`events`")), "{refused:?}");
        assert_eq!(cluster.sql(&name, "SELECT count(*) FROM pg_class WHERE relname LIKE 'sapa%'"), "0");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.database();
    open(&settings(cluster, &name)).await.unwrap().close().await.unwrap();
    cluster.sql(
        &name,
        "INSERT INTO sapa_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, '', 0)",
    );
    let refused = open(&settings(cluster, &name)).await.err();
    assert!(matches!(&refused, Some(StoreError::Incompatible(text)) if text.contains("9999")), "{refused:?}");
}

#[tokio::test]
async fn a_database_that_cannot_keep_all_texts_is_refused() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.database_with("TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    let refused = open(&settings(cluster, &name)).await.err();
    assert!(matches!(&refused, Some(StoreError::Incompatible(text)) if text.contains("LATIN1")), "{refused:?}");
}

#[tokio::test]
async fn a_missing_database_is_made_only_when_asked_for() {
    let Some(cluster) = Cluster::shared() else { return };
    let mut settings = settings(cluster, "belum \"ada\"");
    let refused = open(&settings).await.err();
    assert!(matches!(&refused, Some(StoreError::Denied { reason, .. }) if reason.contains("login_db")), "{refused:?}");
    settings.login_database = Some("postgres".into());
    for version in 0..2 {
        open(&settings).await.unwrap().commit(turn("u", version, vec![slot(version)])).await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once_and_not_shown() {
    let Some(cluster) = Cluster::shared() else { return };
    let mut settings = settings(cluster, "postgres");
    settings.password = Some("Kunci-31415".into());
    let refused = open(&settings).await.err().unwrap();
    assert!(matches!(refused, StoreError::Denied { .. }), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains("31415"));
    assert!(refused.to_string().contains("password"), "{refused}");
}

#[tokio::test]
async fn a_schema_is_used_when_it_exists() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.database();
    // Somebody else's table elsewhere in the database is none of our business.
    cluster.sql(&name, "CREATE TABLE events (title TEXT)");
    let settings = PostgresSettings { schema: Some("Skema 'x' \"y\"".into()), ..settings(cluster, &name) };
    let refused = open(&settings).await.err();
    assert!(matches!(&refused, Some(StoreError::Denied { reason, .. }) if reason.contains("Skema")), "{refused:?}");
    cluster.sql(&name, r#"CREATE SCHEMA "Skema 'x' ""y""""#);
    open(&settings).await.unwrap().commit(turn("u", 0, vec![slot(1)])).await.unwrap();
    let schemas = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'sapa%'";
    assert_eq!(cluster.sql(&name, schemas), "Skema 'x' \"y\"");
}

#[tokio::test]
async fn an_event_row_that_cannot_be_read_is_named_without_its_content() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.database();
    let store = open(&settings(cluster, &name)).await.unwrap();
    cluster.sql(
        &name,
        r#"INSERT INTO events (sender_id, type_name, data) VALUES ('u', 'slot', '{"event": "slot", "rahasia": 1}')"#,
    );
    match store.load("u").await {
        Err(StoreError::BadRow { table: "events", id: 1, reason }) => assert!(!reason.contains("rahasia")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_foreign_lock_is_told_and_writes_nothing() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.database();
    let store = open(&settings(cluster, &name)).await.unwrap();
    store.commit(turn("u", 0, vec![slot(1)])).await.unwrap();
    let mut other = Target::of(&settings(cluster, &name)).unwrap().options.connect().await.unwrap();
    let locking = "BEGIN; SELECT 1 FROM sapa_conversation WHERE sender_id = 'u' FOR UPDATE";
    sqlx::raw_sql(locking).execute(&mut other).await.unwrap();
    let refused = store.commit(turn("u", 1, vec![slot(2)])).await;
    assert_eq!(refused, Err(CommitError::Store(StoreError::Locked)));
    assert_eq!(store.load("u").await.unwrap().version, 1, "reading goes on");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store.commit(turn("u", 1, vec![slot(2)])).await, Ok(Committed { version: 2 }));
}

#[tokio::test]
async fn a_turn_that_is_given_up_half_way_is_whole_or_not_there() {
    let Some(cluster) = Cluster::shared() else { return };
    let store = open(&settings(cluster, &cluster.database())).await.unwrap();
    for number in 0..50_u32 {
        let sender = format!("u{number}");
        let commit = store.commit(turn(&sender, 0, (0..20).map(slot).collect()));
        let patience = std::time::Duration::from_micros(u64::from(number) * 60);
        let _ = tokio::time::timeout(patience, commit).await;
    }
    for number in 0..50 {
        let conversation = store.load(&format!("u{number}")).await.unwrap();
        assert!([(0, 0), (1, 20)].contains(&(conversation.version, conversation.events.len())), "{conversation:?}");
    }
}

#[tokio::test]
async fn a_server_that_throws_every_turn_out_costs_nothing() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.database();
    let store = open(&settings(cluster, &name)).await.unwrap();
    cluster.sql(
        &name,
        "CREATE FUNCTION putus() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
         CREATE TRIGGER putus AFTER INSERT ON events EXECUTE FUNCTION putus()",
    );
    let commit = Commit { inbox: keyed("k", "ya"), ..turn("u", 0, vec![slot(1)]) };
    assert_eq!(store.commit(commit.clone()).await, Err(CommitError::Store(StoreError::InDoubt)));
    cluster.sql(&name, "DROP TRIGGER putus ON events");
    assert_eq!(store.load("u").await, Ok(Conversation { version: 0, next_seq: 1, events: vec![] }));
    assert_eq!(store.seen("rest", "k").await, Ok(None));
    assert_eq!(store.commit(commit).await, Ok(Committed { version: 1 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_or_stopped_loses_no_answered_turn_and_is_used_again() {
    let Some(cluster) = Cluster::own() else { return };
    let store = open(&settings(&cluster, &cluster.database())).await.unwrap();
    let mut version = 0;
    for end in [Cluster::kill, Cluster::stop] {
        for _ in 0..10 {
            version = store.commit(turn("u", version, vec![slot(version)])).await.unwrap().version;
        }
        end(&cluster);
        let away = store.commit(turn("u", version, vec![slot(version)])).await;
        // Never sent, or sent over a connection that was dead already.
        let told = matches!(away, Err(CommitError::Store(StoreError::Unreachable { .. } | StoreError::InDoubt)));
        assert!(told, "{away:?}");
        assert!(store.load("u").await.is_err());
        cluster.start();
        let conversation = store.load("u").await.unwrap();
        assert_eq!((conversation.version, conversation.events), (version, (0..version).map(slot).collect()));
    }
    store.close().await.unwrap();
    assert_eq!(store.load("u").await, Err(StoreError::Closed));
}
