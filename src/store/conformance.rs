//! What every store must do. Each store's own tests call [`conformance`].

mod inbox;
mod outbox;
mod snapshot;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sapa_sdk::{Event, EventBody};
use serde_json::{Value, json};

use super::*;

/// A clock that tests set.
#[derive(Clone)]
pub(super) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(super) fn at(time: f64) -> Self {
        Self(Arc::new(AtomicU64::new(time.to_bits())))
    }

    pub(super) fn now(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::SeqCst))
    }

    pub(super) fn set(&self, time: f64) {
        self.0.store(time.to_bits(), Ordering::SeqCst);
    }

    pub(super) fn clock(&self) -> Clock {
        let hand = self.0.clone();
        Arc::new(move || f64::from_bits(hand.load(Ordering::SeqCst)))
    }
}

pub(super) fn event(time: f64, body: Value) -> Event {
    Event::from_json(&body, time).unwrap()
}

pub(super) fn slot(value: impl Into<Value>) -> Event {
    event(5.5, json!({"event": "slot", "name": "langkah", "value": value.into()}))
}

pub(super) fn action(name: &str) -> Event {
    event(6.5, json!({"event": "action", "name": name}))
}

fn started() -> Event {
    Event::new(7.5, EventBody::SessionStarted {})
}

/// A commit of events alone.
pub(super) fn turn(sender_id: &str, expected_version: i64, new_events: Vec<Event>) -> Commit {
    Commit {
        sender_id: sender_id.into(),
        expected_version,
        new_events: new_events.into_iter().map(std::sync::Arc::new).collect(),
        ..Commit::default()
    }
}

fn fresh(channel: &str, key: Option<&str>, reply: Value) -> Option<InboxDone> {
    let message = InboxMessage::Fresh {
        channel: channel.into(),
        dedupe_key: key.map(Into::into),
        payload: json!({"message": "halo"}),
    };
    Some(InboxDone { message, reply: Some(reply) })
}

fn answered(inbox_id: i64, reply: Value) -> Option<InboxDone> {
    Some(InboxDone { message: InboxMessage::Accepted(inbox_id), reply: Some(reply) })
}

fn intake(channel: &str, key: Option<&str>, sender_id: &str) -> Intake {
    Intake {
        channel: channel.into(),
        dedupe_key: key.map(Into::into),
        sender_id: sender_id.into(),
        payload: json!({"text": "halo", "angka": [1, null]}),
    }
}

fn message(text: &str, not_before: Option<f64>) -> OutboxMessage {
    OutboxMessage { channel: "telegram".into(), payload: json!({ "text": text }), not_before }
}

/// For half a minute, of all channels that are used here.
fn claim(owner: &'static str, limit: u32) -> Claim<'static> {
    Claim { owner, channels: &["telegram", "callback"], seconds: 30.0, limit, unasked: false }
}

fn texts(items: &[OutboxItem]) -> Vec<&str> {
    items.iter().map(|item| item.payload["text"].as_str().unwrap()).collect()
}

/// The whole suite, on an empty store whose clock shows 100.
pub(super) async fn conformance(store: Arc<dyn Store>, hand: &Hand) {
    let store_ref = store.as_ref();
    events_come_back_in_order_with_the_version(store_ref).await;
    numbers_come_back_to_the_last_digit(store_ref).await;
    one_of_two_commits_on_a_version_wins(store_ref).await;
    a_refused_commit_writes_nothing(store_ref).await;
    the_session_is_loaded_and_all_sessions_on_demand(store_ref).await;
    snapshot::conformance(store_ref).await;
    any_text_survives(store_ref).await;
    impossible_names_are_refused(store_ref).await;
    senders_are_listed_in_pages(store_ref).await;
    inbox::conformance(&store).await;
    outbox::conformance(&store, hand).await;
    timers_are_set_replaced_called_off_and_taken(store_ref, hand).await;
    published_events_are_confirmed_one_by_one(store_ref).await;
    cursors_keep_the_last_value(store_ref).await;
    one_process_leads_until_its_time_is_over(store_ref).await;
    parallel_conversations_lose_nothing(store.clone()).await;
    one_conversation_stormed_from_all_sides_stays_whole(store.clone()).await;
    a_key_used_in_two_conversations_has_one_turn(store.clone()).await;
    outbox::a_message_is_taken_out_by_one_only(store.clone(), hand).await;
    old_finished_rows_are_pruned(store_ref, hand).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.load("urut").await, Err(StoreError::Closed));
    assert_eq!(store.commit(turn("urut", 2, vec![])).await, Err(StoreError::Closed.into()));
}

async fn events_come_back_in_order_with_the_version(store: &dyn Store) {
    let empty = Conversation { version: 0, next_seq: 1, events: vec![] };
    assert_eq!(store.load("urut").await, Ok(empty));
    assert_eq!(store.exists("urut").await, Ok(false));
    let mut first: Vec<_> = (0..40).map(slot).collect();
    assert_eq!(store.commit(turn("urut", 0, first.clone())).await, Ok(Committed { version: 1 }));
    let second = vec![action("action_listen"), slot("terakhir")];
    assert_eq!(store.commit(turn("urut", 1, second.clone())).await, Ok(Committed { version: 2 }));
    first.extend(second);
    assert_eq!(store.load("urut").await, Ok(Conversation { version: 2, next_seq: 1, events: first }));
    assert_eq!(store.exists("urut").await, Ok(true));
}

/// Who joins what a broker got with the events does so by their times. A reader that
/// rounds gives another last digit for one number in ten.
async fn numbers_come_back_to_the_last_digit(store: &dyn Store) {
    let numbers: Vec<f64> = (0..200).map(|n| 1_795_987_234.766_698_1 + f64::from(n) * 0.012_345_67).collect();
    let events =
        numbers.iter().map(|n| event(*n, json!({ "event": "slot", "name": "n", "value": n / 1e10 }))).collect();
    store.commit(turn("digits", 0, events)).await.unwrap();
    let loaded = store.load_all("digits").await.unwrap().events;
    let read = loaded.iter().map(|event| (event.timestamp, event.to_json()["value"].as_f64().unwrap()));
    assert_eq!(read.collect::<Vec<_>>(), numbers.iter().map(|n| (*n, n / 1e10)).collect::<Vec<_>>());
}

async fn one_of_two_commits_on_a_version_wins(store: &dyn Store) {
    let (a, b) =
        tokio::join!(store.commit(turn("pagar", 0, vec![slot("a")])), store.commit(turn("pagar", 0, vec![slot("b")])));
    let lost = Err(CommitError::Conflict { current: 1 });
    assert!((a.is_ok() && b == lost) || (b.is_ok() && a == lost), "{a:?} {b:?}");
    assert_eq!(store.load("pagar").await.unwrap().events.len(), 1);
    assert_eq!(store.commit(turn("pagar", 0, vec![])).await, lost);
    assert_eq!(store.commit(turn("pagar", 2, vec![])).await, lost);
    assert_eq!(store.commit(turn("tak dikenal", 3, vec![])).await, Err(CommitError::Conflict { current: 0 }));
}

async fn a_refused_commit_writes_nothing(store: &dyn Store) {
    store.commit(turn("utuh", 0, vec![slot(1)])).await.unwrap();
    let refused = Commit {
        inbox: fresh("rest", Some("utuh"), json!([])),
        outbox: vec![message("tidak", None)],
        timers: vec![TimerChange::Set { name: "t".into(), due_at: 1.0, payload: Value::Null }],
        publish: true,
        ..turn("utuh", 0, vec![slot(2)])
    };
    assert_eq!(store.commit(refused).await, Err(CommitError::Conflict { current: 1 }));
    let expected = Conversation { version: 1, next_seq: 1, events: vec![slot(1)] };
    assert_eq!(store.load("utuh").await, Ok(expected));
    assert_eq!(store.seen("rest", "utuh").await, Ok(None));
    assert_eq!(store.claim_outbox(claim("a", 9)).await, Ok(vec![]));
    assert_eq!(store.timers("utuh").await, Ok(vec![]));
    assert_eq!(store.unpublished(9).await, Ok(vec![]));
    let no_time = TimerChange::Set { name: "t".into(), due_at: f64::NAN, payload: Value::Null };
    let refused = store.commit(Commit { timers: vec![no_time], ..turn("utuh", 1, vec![]) }).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Invalid(_)))), "{refused:?}");
}

async fn the_session_is_loaded_and_all_sessions_on_demand(store: &dyn Store) {
    let old = vec![action("action_session_start"), started(), action("action_listen"), slot("lama")];
    let new = vec![action("action_session_start"), started(), slot("baru")];
    store.commit(turn("sesi", 0, old.clone())).await.unwrap();
    assert_eq!(store.load("sesi").await.unwrap().events, old);
    store.commit(turn("sesi", 1, new.clone())).await.unwrap();
    assert_eq!(store.load("sesi").await.unwrap().events, new);
    let all: Vec<_> = old.into_iter().chain(new).collect();
    assert_eq!(store.load_all("sesi").await, Ok(Conversation { version: 2, next_seq: 1, events: all }));
    store.commit(turn("sesi", 2, vec![slot(1), started(), slot(2)])).await.unwrap();
    assert_eq!(store.load("sesi").await.unwrap().events, vec![started(), slot(2)]);
}

async fn any_text_survives(store: &dyn Store) {
    let name = "kutip ' \" \\ \u{1} \n \u{2028} 🙏🏽 سلام [{]}, ->> $1 ?1 %s {NULL}";
    let odd = format!("{name} \u{0} {}", "panjang".repeat(50));
    let odd = odd.as_str();
    let long = "a".repeat(300_000);
    let events = vec![
        slot(odd),
        slot(long),
        slot(json!({odd: [1e300, -0.1, 12_345_678_901_234_567_u64, null, true]})),
        event(0.1 + 0.2, json!({"event": "user", "text": odd, "parse_data": {"intent": {"name": odd}}})),
    ];
    let commit = Commit {
        inbox: fresh(name, Some(name), json!(odd)),
        outbox: vec![message(odd, None)],
        timers: vec![TimerChange::Set { name: name.into(), due_at: 1e9, payload: json!(odd) }],
        publish: true,
        ..turn(name, 0, events.clone())
    };
    store.commit(commit).await.unwrap();
    let seen = store.seen(name, name).await.unwrap().unwrap();
    assert_eq!(seen.duplicate, Some(Seen::Done { reply: Some(json!(odd)) }));
    let timers = store.timers(name).await.unwrap();
    assert_eq!((timers[0].name.as_str(), &timers[0].payload), (name, &json!(odd)));
    let sent = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(texts(&sent), [odd]);
    store.settle_outbox("a", vec![(sent[0].id, Settled::Sent)]).await.unwrap();
    let unpublished = store.unpublished(9).await.unwrap();
    assert!(unpublished.iter().map(|row| &row.event).eq(&events));
    store.published(unpublished.iter().map(|row| row.event_id).collect()).await.unwrap();
    assert_eq!(store.load(name).await, Ok(Conversation { version: 1, next_seq: 2, events }));
    assert!(store.senders(None, 100).await.unwrap().iter().any(|id| id == name));
}

/// What no conversation can be called is refused when written, and found nowhere
/// when read.
async fn impossible_names_are_refused(store: &dyn Store) {
    let invalid = |refused: Result<_, _>| matches!(refused, Err(CommitError::Store(StoreError::Invalid(_))));
    let (nul, long) = ("a\0b", "é".repeat(256));
    for name in [nul, &long] {
        assert!(invalid(store.commit(turn(name, 0, vec![slot(1)])).await));
        assert!(matches!(store.accept(intake("rest", None, name), "x", 30.0).await, Err(StoreError::Invalid(_))));
        let empty = Conversation { version: 0, next_seq: 1, events: vec![] };
        assert_eq!(store.load(name).await, Ok(empty.clone()));
        assert_eq!(store.load_all(name).await, Ok(empty));
        assert_eq!(store.exists(name).await, Ok(false));
        assert_eq!(store.timers(name).await, Ok(vec![]));
    }
    let timer = TimerChange::Set { name: nul.into(), due_at: 1.0, payload: Value::Null };
    for commit in [
        Commit { inbox: fresh(nul, None, json!([])), ..turn("u", 0, vec![]) },
        Commit { inbox: fresh("rest", Some(nul), json!([])), ..turn("u", 0, vec![]) },
        Commit { timers: vec![timer], ..turn("u", 0, vec![]) },
    ] {
        assert!(invalid(store.commit(commit).await));
    }
    assert_eq!(store.load("u").await.unwrap().version, 0);
    assert_eq!(store.seen("rest", nul).await, Ok(None));
    assert_eq!(store.cursor(nul).await, Ok(None));
    let longest = "é".repeat(255);
    store.commit(turn(&longest, 0, vec![slot(1)])).await.unwrap();
    assert_eq!(store.load(&longest).await.unwrap().events, vec![slot(1)]);
}

async fn senders_are_listed_in_pages(store: &dyn Store) {
    let all = store.senders(None, 100).await.unwrap();
    assert!(all.iter().any(|id| id == "sesi"), "{all:?}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "each once");
    let mut paged: Vec<String> = Vec::new();
    loop {
        let page = store.senders(paged.last().map(String::as_str), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

async fn timers_are_set_replaced_called_off_and_taken(store: &dyn Store, hand: &Hand) {
    let set = |name: &str, due_at: f64| TimerChange::Set {
        name: name.into(),
        due_at,
        payload: json!({"intent": format!("EXTERNAL: {name}"), "at": due_at}),
    };
    let brief = |timers: &[Timer]| timers.iter().map(|t| format!("{}@{}", t.name, t.due_at)).collect::<Vec<_>>();
    let change = |version: i64, timers: Vec<TimerChange>| Commit { timers, ..turn("waktu", version, vec![]) };
    store.commit(Commit { timers: vec![set("a", 1e9)], ..turn("waktu lain", 0, vec![]) }).await.unwrap();
    store.commit(change(0, vec![set("b", 205.5), set("a", 201.0), set("c", 900.0)])).await.unwrap();
    let timers = store.timers("waktu").await.unwrap();
    assert_eq!(brief(&timers), ["a@201", "b@205.5", "c@900"]);
    assert_eq!(timers[0].payload, json!({"intent": "EXTERNAL: a", "at": 201.0}));
    assert_eq!(store.due_timers(9).await, Ok(vec![]));
    store.commit(change(1, vec![set("a", 207.0), TimerChange::Cancel { name: "tak ada".into() }])).await.unwrap();
    assert_eq!(store.take_timer(timers[0].id).await, Ok(false), "a replaced timer is another");
    hand.set(207.0);
    let due = store.due_timers(9).await.unwrap();
    assert_eq!(brief(&due), ["b@205.5", "a@207"]);
    assert_eq!(brief(&store.due_timers(1).await.unwrap()), ["b@205.5"]);
    assert_eq!(store.take_timer(due[1].id).await, Ok(true));
    assert_eq!(store.take_timer(due[1].id).await, Ok(false));
    store.commit(change(2, vec![TimerChange::Cancel { name: "b".into() }])).await.unwrap();
    assert_eq!(brief(&store.timers("waktu").await.unwrap()), ["c@900"]);
    store.commit(change(3, vec![set("x", 1.0), TimerChange::CancelAll, set("d", 950.0)])).await.unwrap();
    assert_eq!(brief(&store.timers("waktu").await.unwrap()), ["d@950"]);
    assert_eq!(brief(&store.timers("waktu lain").await.unwrap()), ["a@1000000000"]);
}

async fn published_events_are_confirmed_one_by_one(store: &dyn Store) {
    store.commit(Commit { publish: true, ..turn("siar", 0, vec![slot(1), slot(2), slot(3)]) }).await.unwrap();
    store.commit(turn("siar", 1, vec![slot(4)])).await.unwrap();
    store.commit(Commit { publish: true, ..turn("siar", 2, vec![]) }).await.unwrap();
    store.commit(Commit { publish: true, ..turn("siar lain", 0, vec![slot(5)]) }).await.unwrap();
    let waiting = store.unpublished(9).await.unwrap();
    let brief: Vec<_> = waiting.iter().map(|row| (row.sender_id.as_str(), row.event.clone())).collect();
    assert_eq!(brief, [("siar", slot(1)), ("siar", slot(2)), ("siar", slot(3)), ("siar lain", slot(5))]);
    store.published(vec![waiting[1].event_id, waiting[3].event_id]).await.unwrap();
    let left: Vec<_> = store.unpublished(1).await.unwrap();
    assert_eq!(left, waiting[..1]);
    assert_eq!(store.unpublished(9).await.unwrap().len(), 2);
    // More events than a turn has as a rule.
    let many: Vec<_> = (0..30).map(slot).collect();
    store.commit(Commit { publish: true, ..turn("siar banyak", 0, many.clone()) }).await.unwrap();
    let waiting = store.unpublished(99).await.unwrap();
    let waiting = waiting.into_iter().filter(|row| row.sender_id == "siar banyak").map(|row| row.event);
    assert_eq!(waiting.collect::<Vec<_>>(), many);
}

async fn one_process_leads_until_its_time_is_over(store: &dyn Store) {
    assert_eq!(store.lead("siaran", "a", 60.0).await, Ok(true));
    assert_eq!(store.lead("siaran", "b", 60.0).await, Ok(false));
    assert_eq!(store.lead("lain", "b", 60.0).await, Ok(true), "another task has a leader of its own");
    assert_eq!(store.lead("siaran", "a", 60.0).await, Ok(true), "the leader stays it");
    // Its time is over at once.
    assert_eq!(store.lead("siaran", "a", 0.0).await, Ok(true));
    assert_eq!(store.lead("siaran", "b", 60.0).await, Ok(true));
    assert_eq!(store.lead("siaran", "a", 60.0).await, Ok(false));
}

async fn cursors_keep_the_last_value(store: &dyn Store) {
    assert_eq!(store.cursor("telegram").await, Ok(None));
    store.set_cursor("telegram", "1").await.unwrap();
    store.set_cursor("telegram", "2").await.unwrap();
    assert_eq!(store.cursor("telegram").await, Ok(Some("2".into())));
}

/// 50 conversations at once, 20 commits each; every other message comes twice.
async fn parallel_conversations_lose_nothing(store: Arc<dyn Store>) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            let sender = format!("ramai-{number:02}");
            for round in 0..20_i64 {
                let key = format!("{sender}-{round}");
                let commit = Commit {
                    inbox: fresh("ramai", Some(&key), json!(round)),
                    ..turn(&sender, round, vec![slot(round), action("action_listen")])
                };
                assert_eq!(store.commit(commit.clone()).await, Ok(Committed { version: round + 1 }));
                if round % 2 == 0 {
                    let duplicate = Err(CommitError::Duplicate { reply: Some(json!(round)) });
                    assert_eq!(store.commit(commit).await, duplicate);
                }
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let senders: BTreeSet<_> = store.senders(Some("ramai-"), 50).await.unwrap().into_iter().collect();
    assert_eq!(senders.len(), 50);
    for sender in senders {
        let conversation = store.load(&sender).await.unwrap();
        let expected: Vec<_> = (0..20).flat_map(|round| [slot(round), action("action_listen")]).collect();
        assert_eq!(conversation, Conversation { version: 20, next_seq: 21, events: expected });
    }
}

/// Eight writers, each with five commits that it makes again on every conflict:
/// of all attempts on a version exactly one wins.
async fn one_conversation_stormed_from_all_sides_stays_whole(store: Arc<dyn Store>) {
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8_i64 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut versions = Vec::new();
            for round in 0..5_i64 {
                let mut version = 0;
                let (key, value) = (format!("badai-{writer}-{round}"), 10 * writer + round);
                let commit = |version| Commit {
                    inbox: fresh("badai", Some(&key), json!(value)),
                    ..turn("badai", version, vec![slot(value), action("action_listen")])
                };
                versions.push(loop {
                    match store.commit(commit(version)).await {
                        Ok(committed) => break committed.version,
                        Err(CommitError::Conflict { current }) => version = current,
                        Err(other) => panic!("{other}"),
                    }
                });
            }
            versions
        });
    }
    let mut versions: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=40).collect::<Vec<_>>(), "each version was made once");
    let stored = store.load("badai").await.unwrap();
    assert_eq!((stored.version, stored.next_seq, stored.events.len()), (40, 41, 80));
    let values: BTreeSet<_> = stored.events.iter().step_by(2).map(|event| event.to_json()["value"].as_i64()).collect();
    assert_eq!(values.len(), 40, "the events of a turn stand together, and none is lost");
    assert!(stored.events.iter().skip(1).step_by(2).all(|event| *event == action("action_listen")));
}

async fn a_key_used_in_two_conversations_has_one_turn(store: Arc<dyn Store>) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10_i64 {
        let store = store.clone();
        tasks.spawn(async move {
            let commit = |sender: &str| Commit {
                inbox: fresh("kembar", Some(&format!("kembar-{number}")), json!(sender)),
                ..turn(&format!("{sender}-{number}"), 0, vec![slot(number)])
            };
            let (a, b) = tokio::join!(store.commit(commit("kembar-a")), store.commit(commit("kembar-b")));
            let winner = if a.is_ok() { "kembar-a" } else { "kembar-b" };
            let lost = Err(CommitError::Duplicate { reply: Some(json!(winner)) });
            assert!((a.is_ok() && b == lost) || (b.is_ok() && a == lost), "{a:?} {b:?}");
            let mut versions = Vec::new();
            for sender in ["kembar-a", "kembar-b"] {
                versions.push(store.load(&format!("{sender}-{number}")).await.unwrap().version);
            }
            assert_eq!(versions.iter().sum::<i64>(), 1, "the refused turn leaves nothing behind");
        });
    }
    tasks.join_all().await;
}

async fn old_finished_rows_are_pruned(store: &dyn Store, hand: &Hand) {
    hand.set(1000.0);
    let open = store.accept(intake("pangkas", Some("terbuka"), "pangkas"), "x", 30.0).await.unwrap().inbox_id;
    let step = Step { step: 0, action: "a".into(), request_hash: "h".into(), response: Value::Null };
    let orphan = TurnKey::Fresh { channel: "rest".into(), dedupe_key: "tak kembali".into() };
    store.journal(&TurnKey::Inbox(open), step.clone()).await.unwrap();
    store.journal(&orphan, step).await.unwrap();
    let commit = Commit { inbox: fresh("pangkas", Some("selesai"), json!([])), ..turn("pangkas", 0, vec![slot(1)]) };
    let commit = Commit { outbox: vec![message("menunggu", None)], ..commit };
    store.commit(commit).await.unwrap();
    // Long over, whatever the clock.
    store.lead("lock lama", "a", -1e12).await.unwrap();
    store.prune(1000.0).await.unwrap();
    assert_eq!(store.lead("tugas lama", "a", -1e12).await, Ok(true));
    store.lead("lock baru", "a", 1e12).await.unwrap();
    assert_eq!(store.prune(1000.0).await, Ok(0));
    assert!(store.seen("pangkas", "selesai").await.unwrap().is_some());
    assert_eq!(store.prune(1000.5).await, Ok(2), "the done message and the orphaned answer");
    assert_eq!(store.seen("pangkas", "selesai").await, Ok(None));
    assert!(store.seen("pangkas", "terbuka").await.unwrap().is_some());
    assert_eq!(store.journalled(&TurnKey::Inbox(open)).await.unwrap().len(), 1);
    assert_eq!(store.journalled(&orphan).await, Ok(vec![]));
    let waiting = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!((texts(&waiting), waiting[0].inbox_id), (vec!["menunggu"], None));
    store.settle_outbox("a", vec![(waiting[0].id, Settled::Sent)]).await.unwrap();
    assert_eq!(store.prune(1000.5).await, Ok(1), "the sent message");
    assert_eq!(store.lead("lock baru", "b", 1.0).await, Ok(false), "a lock that is held stays");
    assert_eq!(
        store.accept(intake("pangkas", None, "pangkas"), "x", 30.0).await.unwrap().seq,
        3,
        "numbers are not given twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_store_conforms() {
    let hand = Hand::at(100.0);
    conformance(Arc::new(Memory::new(hand.clock())), &hand).await;
}
