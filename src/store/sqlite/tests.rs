//! What only a store in a file has to stand: crashes, full disks, other
//! people's files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tempfile::TempDir;

use super::*;
use crate::store::OutboxMessage;
use crate::store::conformance::{Hand, action, conformance, slot, turn};

fn clock() -> Clock {
    Hand::at(100.0).clock()
}

async fn open(path: &Path) -> Result<Sqlite, StoreError> {
    Sqlite::open(path, clock()).await
}

/// A connection past the store, as another program has.
async fn beside(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn run(connection: &mut SqliteConnection, text: &'static str) {
    sqlx::raw_sql(text).execute(connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_conforms() {
    let (directory, hand) = (TempDir::new().unwrap(), Hand::at(100.0));
    let store = Sqlite::open(&directory.path().join("sapa.db"), hand.clock()).await.unwrap();
    conformance(Arc::new(store), &hand).await;
}

#[tokio::test]
async fn a_reopened_file_goes_on_where_it_was() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("nama dengan spasi ?x=%41.db");
    let store = open(&path).await.unwrap();
    store.commit(turn("u", 0, vec![slot(1)])).await.unwrap();
    store.close().await.unwrap();
    let store = open(&path).await.unwrap();
    assert_eq!(store.commit(turn("u", 0, vec![])).await, Err(CommitError::Conflict { current: 1 }));
    store.commit(turn("u", 1, vec![slot(2)])).await.unwrap();
    assert_eq!(store.load("u").await.unwrap().events, vec![slot(1), slot(2)]);
}

/// What a power cut leaves: the files as they are, the log cut anywhere.
#[tokio::test]
async fn after_a_crash_all_commits_up_to_the_cut_are_there() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    let store = open(&path).await.unwrap();
    // The tables are in the database itself: the log holds turns only.
    store.close().await.unwrap();
    let store = open(&path).await.unwrap();
    // At every byte takes minutes: `./faults.sh` does that, with fewer turns.
    let long = std::env::var("SAPA_FAULTS").is_ok_and(|form| form == "long");
    let (turns, step) = if long { (2, 1) } else { (20, 1999) };
    for version in 0..turns {
        store.commit(turn("u", version, vec![slot(version), action("action_listen")])).await.unwrap();
    }
    let (main, log) = (fs::read(&path).unwrap(), fs::read(directory.path().join("sapa.db-wal")).unwrap());
    drop(store);
    let mut best = 0;
    for cut in (0..log.len() - 1).step_by(step).chain([log.len() - 1, log.len()]) {
        let copy = directory.path().join(format!("salinan-{cut}.db"));
        fs::write(&copy, &main).unwrap();
        fs::write(directory.path().join(format!("salinan-{cut}.db-wal")), &log[..cut]).unwrap();
        let store = open(&copy).await.unwrap();
        let conversation = store.load("u").await.unwrap();
        let expected: Vec<_> = (0..conversation.version).flat_map(|v| [slot(v), action("action_listen")]).collect();
        assert_eq!(conversation.events, expected, "cut at {cut}");
        assert!(conversation.version >= best, "cut at {cut}");
        best = conversation.version;
        store.commit(turn("u", best, vec![])).await.unwrap();
        drop(store);
        fs::remove_file(&copy).unwrap();
        fs::remove_file(directory.path().join(format!("salinan-{cut}.db-presence"))).unwrap();
    }
    assert_eq!(best, turns);
}

#[test]
fn a_process_that_ends_without_closing_loses_nothing_acknowledged() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    for round in 0..3_i64 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = open(&path).await.unwrap();
            assert_eq!(store.load("u").await.unwrap().version, round);
            store.commit(turn("u", round, vec![slot(round)])).await.unwrap();
        });
        runtime.shutdown_background();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    for old in [false, true] {
        let path = directory.path().join(format!("{old}.db"));
        if old {
            run(&mut beside(&path).await, "CREATE TABLE catatan (x)").await;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        let store = open(&path).await.unwrap();
        store.commit(turn("u", 0, vec![slot(1)])).await.unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let file = directory.path().join(format!("{old}.db{suffix}"));
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn a_place_that_takes_no_file_is_named() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("berkas"), "").unwrap();
    for place in ["tak ada/sapa.db", "berkas/sapa.db", "."] {
        let path = directory.path().join(place);
        match open(&path).await.err() {
            Some(StoreError::CannotOpen { path: named, reason }) => {
                assert_eq!(named, path);
                assert!(!reason.is_empty());
            }
            other => panic!("{place}: {other:?}"),
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_unwritable_directory_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write anywhere: nothing to see then.
    let allowed = fs::write(directory.path().join("coba"), "").is_ok();
    let opened = open(&directory.path().join("sapa.db")).await;
    assert!(allowed || matches!(opened, Err(StoreError::CannotOpen { .. })));
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    let content = "bukan basis data\n".repeat(500);
    fs::write(&path, &content).unwrap();
    assert!(matches!(open(&path).await, Err(StoreError::Corrupt(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), content);
}

#[tokio::test]
async fn a_damaged_file_gives_errors_and_no_panic() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    let store = open(&path).await.unwrap();
    for version in 0..50 {
        store.commit(turn("u", version, (0..20).map(slot).collect())).await.unwrap();
    }
    store.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[4096..].fill(0xA5);
    for content in [&bytes[..], &bytes[..half]] {
        fs::write(&path, content).unwrap();
        let outcome = match open(&path).await {
            Ok(store) => store.load_all("u").await.map(drop),
            Err(error) => Err(error),
        };
        assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_file_that_rasa_wrote_is_continued() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("rasa.db");
    let mut rasa = beside(&path).await;
    run(
        &mut rasa,
        r#"CREATE TABLE events (
	id INTEGER NOT NULL,
	sender_id VARCHAR(255) NOT NULL,
	type_name VARCHAR(255) NOT NULL,
	timestamp FLOAT,
	intent_name VARCHAR(255),
	action_name VARCHAR(255),
	data TEXT,
	PRIMARY KEY (id)
);
CREATE INDEX ix_events_sender_id ON events (sender_id);
INSERT INTO events VALUES
 (3,'u','slot',1.0,NULL,'langkah','{"event": "slot", "timestamp": 1.0, "name": "langkah", "value": "lama"}'),
 (5,'u','action',2.0,NULL,'action_session_start','{"event": "action", "timestamp": 2.0, "name": "action_session_start", "policy": null, "confidence": 1.0, "action_text": null, "hide_rule_turn": false}'),
 (6,'lain','topic',2.0,NULL,NULL,'{"event": "topic", "timestamp": 2.0, "topic": "x"}'),
 (7,'u','session_started',2.5,NULL,NULL,'{"event": "session_started", "timestamp": 2.5}'),
 (9,'u','user',3.0,'salam',NULL,'{"event": "user", "timestamp": 3.0, "text": "h\u00e9", "parse_data": {"intent": {"name": "salam", "confidence": 0.9}, "entities": [], "text": "h\u00e9"}, "input_channel": "rest", "message_id": "m"}');"#,
    )
    .await;
    rasa.close().await.unwrap();

    let store = open(&path).await.unwrap();
    let loaded = store.load("u").await.unwrap();
    let kinds: Vec<_> = loaded.events.iter().map(|event| event.type_name()).collect();
    assert_eq!((loaded.version, kinds), (0, vec!["action", "session_started", "user"]));
    assert_eq!(store.load_all("u").await.unwrap().events.len(), 4);
    assert_eq!(store.load("lain").await.unwrap().events, vec![]);
    store.commit(turn("u", 0, vec![action("action_listen"), slot("baru")])).await.unwrap();
    assert_eq!(store.load("u").await.unwrap().events.len(), 5);
    store.close().await.unwrap();

    let mut rasa = beside(&path).await;
    let columns =
        "SELECT id, type_name, timestamp, intent_name, action_name, data FROM events WHERE id > 9 ORDER BY id";
    let rows = sqlx::query(columns).fetch_all(&mut rasa).await.unwrap();
    let brief = |row: &SqliteRow| {
        let (id, kind, time): (i64, &str, f64) = (row.get(0), row.get(1), row.get(2));
        let (intent, name): (Option<&str>, Option<&str>) = (row.get(3), row.get(4));
        format!("{id} {kind} {time} {intent:?} {name:?}")
    };
    assert_eq!(brief(&rows[0]), r#"10 action 6.5 None Some("action_listen")"#);
    assert_eq!(brief(&rows[1]), r#"11 slot 5.5 None Some("langkah")"#);
    let data: serde_json::Value = serde_json::from_str(rows[1].get(5)).unwrap();
    assert_eq!(data, slot("baru").to_json());
    let columns = sqlx::query("PRAGMA table_info(events)").fetch_all(&mut rasa).await.unwrap();
    assert_eq!(columns.len(), 7, "no column of ours");
    let code = "SELECT 1 FROM sqlite_schema WHERE type IN ('view', 'trigger')";
    assert_eq!(sqlx::query(code).fetch_all(&mut rasa).await.unwrap().len(), 0, "nothing an older SQLite cannot read");
}

#[tokio::test]
async fn somebody_elses_events_table_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("lain.db");
    run(&mut beside(&path).await, "CREATE TABLE events (id INTEGER PRIMARY KEY, title TEXT)").await;
    let refused = open(&path).await.err();
    assert!(matches!(&refused, Some(StoreError::Incompatible(text)) if text.contains("events")), "{refused:?}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    open(&path).await.unwrap().close().await.unwrap();
    run(
        &mut beside(&path).await,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .await;
    assert!(matches!(open(&path).await, Err(StoreError::Incompatible(text)) if text.contains("9999")));
}

#[tokio::test]
async fn an_event_row_that_cannot_be_read_is_named_without_its_content() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    let store = open(&path).await.unwrap();
    run(
        &mut beside(&path).await,
        r#"INSERT INTO events (id, sender_id, type_name, data) VALUES (4, 'u', 'slot', '{"event": "slot", "rahasia": 1}')"#,
    )
    .await;
    match store.load("u").await {
        Err(StoreError::BadRow { table: "events", id: 4, reason }) => assert!(!reason.contains("rahasia")),
        other => panic!("{other:?}"),
    }
}

/// Sets how many pages the database may have: the disk's limit in small.
#[tokio::test]
async fn an_accepted_message_that_cannot_be_read_keeps_no_other_waiting() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    let store = open(&path).await.unwrap();
    for sender in ["a", "b"] {
        let intake = Intake { channel: "x".into(), dedupe_key: None, sender_id: sender.into(), payload: json!({}) };
        store.accept(intake, "o", 0.0).await.unwrap();
    }
    run(&mut beside(&path).await, "UPDATE sapa_inbox SET payload = 'rusak' WHERE sender_id = 'a'").await;
    let claim = Claim { owner: "o", channels: &["x"], seconds: 30.0, limit: 9, unasked: false };
    let taken = store.claim_inbox(claim).await.unwrap();
    let payloads: Vec<_> = taken.into_iter().map(|row| row.intake.payload).collect();
    assert_eq!(payloads, [serde_json::Value::Null, json!({})]);
}

#[tokio::test]
async fn whoever_is_alone_takes_up_at_once_what_a_process_that_is_gone_had() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    let gone = open(&path).await.unwrap();
    let intake = Intake { channel: "x".into(), dedupe_key: None, sender_id: "a".into(), payload: json!({}) };
    assert!(gone.accept(intake, "gone", 300.0).await.unwrap().is_held);
    assert_eq!(gone.lead("broker", "gone", 300.0).await, Ok(true));
    let outbox = vec![OutboxMessage { channel: "x".into(), payload: json!({}), not_before: None }];
    gone.commit(Commit { sender_id: "b".into(), outbox, ..Commit::default() }).await.unwrap();
    let claim = Claim { owner: "next", channels: &["x"], seconds: 30.0, limit: 9, unasked: false };
    assert_eq!(gone.claim_outbox(Claim { owner: "gone", ..claim }).await.unwrap().len(), 1);

    let beside = open(&path).await.unwrap();
    assert_eq!(beside.claim_inbox(claim).await, Ok(vec![]), "the other is not gone");
    assert_eq!(beside.lead("broker", "next", 300.0).await, Ok(false));
    assert_eq!(beside.reclaim_outbox(&[], vec![]).await, Ok(0));
    drop(gone);
    assert_eq!(open(&path).await.unwrap().claim_inbox(claim).await, Ok(vec![]), "the one beside it is still there");
    std::os::unix::fs::symlink(&path, directory.path().join("link.db")).unwrap();
    let link = open(&directory.path().join("link.db")).await.unwrap();
    assert_eq!(link.claim_inbox(claim).await, Ok(vec![]), "nor is it alone by another name");
    drop((beside, link));

    let alone = open(&path).await.unwrap();
    assert_eq!(alone.claim_inbox(claim).await.unwrap().len(), 1);
    assert_eq!(alone.lead("broker", "next", 300.0).await, Ok(true));
    assert_eq!(alone.reclaim_outbox(&[], vec![]).await, Ok(1));
    assert!(alone.claim_outbox(claim).await.unwrap()[0].possible_double);
}

async fn allow_pages(store: &Sqlite, text: &'static str) {
    store.order(text, SqliteArguments::default(), None).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_passes() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory.path().join("sapa.db")).await.unwrap();
    store.commit(turn("u", 0, vec![slot(0)])).await.unwrap();
    allow_pages(&store, "PRAGMA max_page_count = 60").await;
    let big = |version| turn("u", version, vec![slot("x".repeat(20_000)), slot(version)]);
    let mut version = 1;
    let error = loop {
        match store.commit(big(version)).await {
            Ok(committed) => version = committed.version,
            Err(error) => break error,
        }
        assert!(version < 100, "the limit is never met");
    };
    assert_eq!(error, CommitError::Store(StoreError::DiskFull));
    let loaded = store.load("u").await.unwrap();
    assert_eq!((loaded.version, loaded.events.len()), (version, usize::try_from(version * 2 - 1).unwrap()));
    assert_eq!(store.commit(turn("kecil", 0, vec![slot(1)])).await, Ok(Committed { version: 1 }), "small ones fit");

    // A large one among small ones takes nothing from them.
    let tasks: Vec<_> = [("a", 0), ("u", version), ("b", 0)]
        .map(|(sender, version)| {
            let commit = if sender == "u" { big(version) } else { turn(sender, version, vec![]) };
            let store = store.clone();
            tokio::spawn(async move { store.commit(commit).await })
        })
        .into();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    let full = Err(CommitError::Store(StoreError::DiskFull));
    assert_eq!(outcomes, [Ok(Committed { version: 1 }), full, Ok(Committed { version: 1 })]);

    allow_pages(&store, "PRAGMA max_page_count = 1000000").await;
    assert_eq!(store.commit(big(version)).await, Ok(Committed { version: version + 1 }));
}

/// On one thread all jobs are waiting before the writer first runs.
#[tokio::test]
async fn a_refused_commit_does_not_hurt_others_of_its_transaction() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory.path().join("sapa.db")).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..300_i64 {
        let store = store.clone();
        // Every third is refused.
        let commit = turn(&format!("u{number}"), number % 3 / 2, vec![slot(number)]);
        tasks.push(tokio::spawn(async move { store.commit(commit).await }));
    }
    for (number, task) in tasks.into_iter().enumerate() {
        let expected =
            if number % 3 == 2 { Err(CommitError::Conflict { current: 0 }) } else { Ok(Committed { version: 1 }) };
        assert_eq!(task.await.unwrap(), expected);
        let events = store.load(&format!("u{number}")).await.unwrap().events.len();
        assert_eq!(events, usize::from(number % 3 != 2));
    }
}

#[tokio::test]
async fn a_foreign_lock_is_told_and_a_full_queue_refuses_at_once() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sapa.db");
    let patience = Duration::from_millis(400);
    let store = Sqlite::open_waiting(&path, clock(), patience).await.unwrap();
    let mut other = beside(&path).await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let commit = |number: usize| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(turn(&format!("u{number}"), 0, vec![slot(1)])).await })
    };
    let blocked = commit(0);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let waiting: Vec<_> = (1..=writer::QUEUE + 10).map(commit).collect();
    assert_eq!(store.load("u0").await.unwrap().version, 0, "reading goes on");
    assert_eq!(blocked.await.unwrap(), Err(CommitError::Store(StoreError::Locked)));
    run(&mut other, "ROLLBACK").await;
    let (mut written, mut refused) = (0, 0);
    for task in waiting {
        match task.await.unwrap() {
            Ok(_) => written += 1,
            Err(CommitError::Store(StoreError::Busy)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((written, refused), (writer::QUEUE, 10));
    assert_eq!(store.commit(turn("u0", 0, vec![])).await, Ok(Committed { version: 1 }));
}

/// The other one makes the fourth migration, which drops an index, when this one looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_another_at_the_tables_looks_again() {
    let directory = TempDir::new().unwrap();
    let [whole, path] = ["whole.db", "sapa.db"].map(|name| directory.path().join(name));
    open(&whole).await.unwrap().close().await.unwrap();
    let mut other = beside(&path).await;
    let run = async |other: &mut SqliteConnection, text: &str| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(other).await.unwrap();
    };
    run(&mut other, &format!("PRAGMA journal_mode = WAL; ATTACH '{}' AS whole", whole.display())).await;
    let table = "SELECT sql FROM whole.sqlite_master WHERE name = '_sqlx_migrations'";
    let table: String = sqlx::query_scalar(table).fetch_one(&mut other).await.unwrap();
    let [first, second, third, fourth] = [
        include_str!("../migrations/sqlite/0001_tables.sql"),
        include_str!("../migrations/sqlite/0002_outbox_leases.sql"),
        include_str!("../migrations/sqlite/0003_inbox_leases.sql"),
        include_str!("../migrations/sqlite/0004_unasked.sql"),
    ];
    let done = "INSERT INTO main._sqlx_migrations SELECT * FROM whole._sqlx_migrations WHERE version";
    run(&mut other, &format!("{table};\n{first};\n{second};\n{third};\n{done} < 4")).await;
    run(&mut other, &format!("BEGIN IMMEDIATE;\n{fourth};\n{done} = 4")).await;
    let opening = {
        let path = path.clone();
        tokio::spawn(async move { open(&path).await })
    };
    // It knows what is done, and waits for the lock.
    tokio::time::sleep(Duration::from_millis(300)).await;
    run(&mut other, "COMMIT").await;
    opening.await.unwrap().unwrap().close().await.unwrap();
}
