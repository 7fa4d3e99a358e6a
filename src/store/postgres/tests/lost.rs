//! Turns whose connection breaks in the middle: each is made once, and what is
//! told about it is true.

use super::proxy::{Break, Proxy};
use super::*;

/// A store behind a wire that breaks, and one beside it.
struct Both {
    proxy: Proxy,
    store: Postgres,
    other: Postgres,
}

impl Both {
    async fn open(cluster: &Cluster) -> Self {
        let direct = settings(cluster, &cluster.database());
        let proxy = Proxy::to(cluster.port).await;
        let store = open(&PostgresSettings { port: Some(proxy.port), ..direct.clone() }).await.unwrap();
        Self { proxy, store, other: open(&direct).await.unwrap() }
    }

    /// Commits over a wire that breaks there; meanwhile the others commit to the
    /// conversation.
    async fn commit(&self, place: Break, commit: Commit, others: Vec<Commit>) -> Result<Committed, CommitError> {
        self.proxy.breaks_at(place);
        // A connection is open; a new one has to wait.
        let door = self.proxy.shut().await;
        let store = self.store.clone();
        let committing = tokio::spawn(async move { store.commit(commit).await });
        self.proxy.broken().await;
        for commit in others {
            self.other.commit(commit).await.unwrap();
        }
        drop(door);
        committing.await.unwrap()
    }

    async fn state(&self) -> (i64, usize) {
        let conversation = self.other.load("u").await.unwrap();
        (conversation.version, conversation.events.len())
    }
}

fn mine() -> Commit {
    turn("u", 0, vec![slot("saya")])
}

fn mine_keyed() -> Commit {
    Commit { inbox: keyed("k", "saya"), ..mine() }
}

fn unkeyed() -> Commit {
    let message = InboxMessage::Fresh { channel: "rest".into(), dedupe_key: None, payload: json!({}) };
    Commit { inbox: Some(InboxDone { message, reply: None }), ..mine() }
}

const IN_DOUBT: Result<Committed, CommitError> = Err(CommitError::Store(StoreError::InDoubt));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_did_not_arrive_is_sent_again() {
    let Some(cluster) = Cluster::shared() else { return };
    for commit in [mine(), unkeyed(), mine_keyed()] {
        let both = Both::open(cluster).await;
        assert_eq!(both.commit(Break::Request, commit, vec![]).await, Ok(Committed { version: 1 }));
        assert_eq!(both.state().await, (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_whose_answer_was_lost_is_found_again() {
    let Some(cluster) = Cluster::shared() else { return };
    for commit in [mine(), unkeyed(), mine_keyed()] {
        let both = Both::open(cluster).await;
        assert_eq!(both.commit(Break::Answer, commit, vec![]).await, Ok(Committed { version: 1 }));
        assert_eq!(both.state().await, (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_did_not_arrive_before_another_one_is_a_conflict() {
    let Some(cluster) = Cluster::shared() else { return };
    for commit in [mine(), unkeyed(), mine_keyed()] {
        let both = Both::open(cluster).await;
        let others = vec![turn("u", 0, vec![slot("lain")])];
        let lost = both.commit(Break::Request, commit, others).await;
        assert_eq!(lost, Err(CommitError::Conflict { current: 1 }));
        assert_eq!(both.state().await, (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_others_wrote_over_tells_by_its_key_or_stays_in_doubt() {
    let Some(cluster) = Cluster::shared() else { return };
    let others =
        |versions: std::ops::Range<i64>| versions.map(|v| turn("u", v, vec![slot("lain")])).collect::<Vec<_>>();
    let duplicate = Err(CommitError::Duplicate { reply: Some(json!("saya")) });
    for (place, commit, others, told) in [
        (Break::Answer, mine_keyed(), others(1..3), duplicate),
        (Break::Request, mine_keyed(), others(0..3), Err(CommitError::Conflict { current: 3 })),
        (Break::Answer, unkeyed(), others(1..3), IN_DOUBT),
        (Break::Request, unkeyed(), others(0..3), IN_DOUBT),
        (Break::Answer, mine(), others(1..3), IN_DOUBT),
    ] {
        let both = Both::open(cluster).await;
        assert_eq!(both.commit(place, commit, others).await, told);
        assert_eq!(both.state().await, (3, 3), "nothing was written twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_message_whose_answer_was_lost_had_its_turn() {
    let Some(cluster) = Cluster::shared() else { return };
    let both = Both::open(cluster).await;
    let intake =
        Intake { channel: "telegram".into(), dedupe_key: None, sender_id: "u".into(), payload: json!({"text": "a"}) };
    let inbox_id = both.store.accept(intake, "x", 30.0).await.unwrap().inbox_id;
    let message = InboxMessage::Accepted(inbox_id);
    let commit = Commit { inbox: Some(InboxDone { message, reply: Some(json!("ya")) }), ..mine() };
    let others = vec![turn("u", 1, vec![slot("lain")])];
    let told = both.commit(Break::Answer, commit, others).await;
    assert_eq!(told, Err(CommitError::Duplicate { reply: Some(json!("ya")) }));
    assert_eq!(both.state().await, (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_goes_on_over_a_new_connection() {
    let Some(cluster) = Cluster::shared() else { return };
    let both = Both::open(cluster).await;
    both.store.commit(mine_keyed()).await.unwrap();
    for place in [Break::Request, Break::Answer] {
        both.proxy.breaks_at(place);
        assert_eq!(both.store.load("u").await.unwrap().version, 1);
        both.proxy.breaks_at(place);
        assert!(both.store.seen("rest", "k").await.unwrap().is_some());
    }
}
