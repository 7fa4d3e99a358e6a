//! Accepted messages, repetitions of them, and answers of actions in their turns.

use super::*;

/// All of it.
pub(super) async fn conformance(store: &Arc<dyn Store>) {
    let store_ref = store.as_ref();
    an_accepted_message_has_one_turn(store_ref).await;
    a_repeated_fresh_message_gets_the_stored_reply(store_ref).await;
    messages_are_numbered_within_their_conversation(store_ref).await;
    messages_that_nobody_has_are_taken_out_in_order(store_ref).await;
    what_is_behind_another_channels_message_waits(store_ref).await;
    an_accepted_message_is_for_whom_it_came_to(store_ref).await;
    what_is_behind_anothers_message_is_not_held(store_ref).await;
    a_conversation_is_taken_out_by_one_only(store.clone()).await;
    kept_answers_last_until_their_turn_commits(store_ref).await;
    messages_accepted_at_once_have_one_row_each(store.clone()).await;
}

async fn an_accepted_message_has_one_turn(store: &dyn Store) {
    let accepted = store.accept(intake("telegram", Some("7"), "satu"), "x", 30.0).await.unwrap();
    assert_eq!((accepted.seq, &accepted.duplicate), (1, &None));
    let again = store.accept(intake("telegram", Some("7"), "satu"), "x", 30.0).await.unwrap();
    assert_eq!(again, Accepted { duplicate: Some(Seen::Open), is_held: false, ..accepted.clone() });
    let other_channel = store.accept(intake("socketio", Some("7"), "satu"), "x", 30.0).await.unwrap();
    assert_eq!((other_channel.seq, &other_channel.duplicate), (2, &None));
    assert_eq!(store.exists("satu").await, Ok(false), "a message alone makes no events");

    let commit = Commit {
        inbox: answered(accepted.inbox_id, json!(["ya"])),
        outbox: vec![message("ya", None)],
        ..turn("satu", 0, vec![slot(1)])
    };
    assert_eq!(store.commit(commit.clone()).await, Ok(Committed { version: 1 }));
    let duplicate = Err(CommitError::Duplicate { reply: Some(json!(["ya"])) });
    assert_eq!(store.commit(commit.clone()).await, duplicate);
    assert_eq!(store.commit(Commit { expected_version: 1, ..commit }).await, duplicate);
    assert_eq!(store.load("satu").await.unwrap().events, vec![slot(1)]);
    let sent = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(sent.iter().map(|item| item.inbox_id).collect::<Vec<_>>(), [Some(accepted.inbox_id)]);
    store.settle_outbox("a", vec![(sent[0].id, Settled::Sent)]).await.unwrap();
    let again = store.accept(intake("telegram", Some("7"), "satu"), "x", 30.0).await.unwrap();
    assert_eq!(again.duplicate, Some(Seen::Done { reply: Some(json!(["ya"])) }));

    for (sender, id) in [("satu", 999_999), ("lain", other_channel.inbox_id)] {
        let version = store.load(sender).await.unwrap().version;
        let unknown = Commit { inbox: answered(id, json!([])), ..turn(sender, version, vec![slot(2)]) };
        let refused = store.commit(unknown).await;
        assert!(matches!(refused, Err(CommitError::Store(StoreError::Invalid(_)))), "{refused:?}");
    }
}

async fn a_repeated_fresh_message_gets_the_stored_reply(store: &dyn Store) {
    let commit = |reply: &str| Commit {
        inbox: fresh("rest", Some("kunci"), json!([{ "text": reply }])),
        ..turn("segar", 0, vec![slot(reply)])
    };
    let (a, b) = tokio::join!(store.commit(commit("satu")), store.commit(commit("dua")));
    let winner = if a.is_ok() { "satu" } else { "dua" };
    let lost = Err(CommitError::Duplicate { reply: Some(json!([{ "text": winner }])) });
    assert!(a == lost || b == lost, "{a:?} {b:?}");
    let later = Commit { expected_version: 1, ..commit("tiga") };
    assert_eq!(store.commit(later).await, lost);
    assert_eq!(store.load("segar").await.unwrap().events, vec![slot(winner)]);
    for version in 1..4 {
        let commit = Commit { inbox: fresh("rest", None, json!([])), ..turn("segar", version, vec![]) };
        assert_eq!(store.commit(commit).await, Ok(Committed { version: version + 1 }));
    }
}

async fn messages_are_numbered_within_their_conversation(store: &dyn Store) {
    for seq in 1..4 {
        assert_eq!(store.accept(intake("nomor", None, "nomor"), "x", 30.0).await.unwrap().seq, seq);
    }
    store.accept(intake("nomor", Some("x"), "nomor"), "x", 30.0).await.unwrap();
    store.accept(intake("nomor", Some("x"), "nomor"), "x", 30.0).await.unwrap();
    store.commit(Commit { inbox: fresh("rest", None, json!([])), ..turn("nomor", 0, vec![]) }).await.unwrap();
    assert_eq!(store.load("nomor").await.unwrap().next_seq, 6);
    assert_eq!(store.accept(intake("nomor", None, "nomor"), "x", 30.0).await.unwrap().seq, 6);
}

fn take(owner: &'static str, limit: u32) -> Claim<'static> {
    Claim { owner, channels: &["antre"], seconds: 30.0, limit, unasked: false }
}

/// Inbox ids, numbers and attempts.
fn numbers(rows: &[Pending]) -> Vec<(i64, i64, i64)> {
    rows.iter().map(|row| (row.inbox_id, row.seq, row.attempts)).collect()
}

/// Nobody has the first three; the fourth came behind them.
async fn messages_that_nobody_has_are_taken_out_in_order(store: &dyn Store) {
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        let accepted = store.accept(intake("antre", Some(key), "antre"), "x", 0.0).await.unwrap();
        assert!(!accepted.is_held, "it was not wanted");
        ids.push(accepted.inbox_id);
    }
    let fourth = store.accept(intake("antre", Some("d"), "antre"), "x", 30.0).await.unwrap();
    assert!(!fourth.is_held, "earlier ones are nobody's");
    ids.push(fourth.inbox_id);
    let of_others = Claim { channels: &["slack"], ..take("y", 9) };
    assert_eq!(store.claim_inbox(of_others).await, Ok(vec![]), "whoever does not serve the channel leaves them");
    // Only the turn of the first one begins.
    let all =
        |attempts| (1..).zip(&ids).map(|(seq, id)| (*id, seq, i64::from(seq == 1) * attempts)).collect::<Vec<_>>();
    let first = store.claim_inbox(take("y", 1)).await.unwrap();
    assert_eq!(numbers(&first), all(1));
    assert_eq!(first[0].intake, intake("antre", Some("a"), "antre"));
    for owner in ["x", "y"] {
        assert_eq!(store.claim_inbox(take(owner, 9)).await, Ok(vec![]), "they are somebody's");
    }
    let hold = |owner, ids: &[i64], seconds| store.hold_inbox(owner, ids.to_vec(), seconds);
    assert_eq!(hold("x", &ids, 0.0).await, Ok(vec![]), "they are another's");
    assert_eq!(hold("y", &ids[..2], 0.0).await.unwrap().len(), 2);
    let again = store.claim_inbox(take("x", 9)).await.unwrap();
    assert_eq!(numbers(&again), all(2)[..2], "up to what another has");
    store.commit(Commit { inbox: answered(ids[0], Value::Null), ..turn("antre", 0, vec![]) }).await.unwrap();
    assert_eq!(store.bury(ids[1]).await, Ok(true));
    assert_eq!(store.bury(ids[1]).await, Ok(false));
    assert_eq!(store.bury(ids[0]).await, Ok(false));
    assert_eq!(store.seen("antre", "b").await.unwrap().unwrap().duplicate, Some(Seen::Dead));
    assert_eq!(hold("y", &ids[3..], 0.0).await, Ok(vec![ids[3]]));
    assert_eq!(store.claim_inbox(take("x", 9)).await, Ok(vec![]), "what is before it is another's");
    assert_eq!(hold("y", &ids, 0.0).await.unwrap(), ids[2..]);
    let left = store.claim_inbox(take("x", 9)).await.unwrap();
    assert_eq!(numbers(&left), [(ids[2], 3, 1), (ids[3], 4, 0)]);
    let dead = Commit { inbox: answered(ids[1], Value::Null), ..turn("antre", 1, vec![]) };
    assert!(matches!(store.commit(dead).await, Err(CommitError::Store(StoreError::Invalid(_)))));
    for (version, id) in (1..).zip(&ids[2..]) {
        store.commit(Commit { inbox: answered(*id, Value::Null), ..turn("antre", version, vec![]) }).await.unwrap();
    }
}

/// Those of a conversation are not taken out past one of a channel that is not served.
async fn what_is_behind_another_channels_message_waits(store: &dyn Store) {
    let accept = |channel, key| store.accept(intake(channel, Some(key), "campur"), "x", 0.0);
    let first = accept("antre", "c1").await.unwrap().inbox_id;
    let other = accept("slack", "c2").await.unwrap().inbox_id;
    let third = accept("antre", "c3").await.unwrap().inbox_id;
    let ids = |rows: Vec<Pending>| rows.iter().map(|row| row.inbox_id).collect::<Vec<_>>();
    assert_eq!(ids(store.claim_inbox(take("x", 9)).await.unwrap()), [first]);
    store.bury(first).await.unwrap();
    assert_eq!(store.claim_inbox(take("x", 9)).await, Ok(vec![]));
    store.bury(other).await.unwrap();
    assert_eq!(ids(store.claim_inbox(take("x", 9)).await.unwrap()), [third]);
    store.bury(third).await.unwrap();
}

/// Whoever accepts a message has it, unless an earlier one of the conversation is
/// another's.
async fn an_accepted_message_is_for_whom_it_came_to(store: &dyn Store) {
    let before = store.unserved().await.unwrap();
    let accept = |key: &'static str, owner| store.accept(intake("antre", Some(key), "milik"), owner, 30.0);
    let (first, second) = (accept("1", "x").await.unwrap(), accept("2", "x").await.unwrap());
    assert!(first.is_held && second.is_held);
    assert!(!accept("1", "x").await.unwrap().is_held, "a repetition is not to be served again");
    let third = accept("3", "y").await.unwrap();
    assert!(!third.is_held, "earlier ones are another's");
    assert!(!accept("4", "x").await.unwrap().is_held, "an earlier one is nobody's");
    assert_eq!(store.claim_inbox(take("y", 9)).await, Ok(vec![]));
    assert_eq!(store.unserved().await, Ok(before + 4));
    for (version, id) in [(0, first.inbox_id), (1, second.inbox_id)] {
        store.commit(Commit { inbox: answered(id, Value::Null), ..turn("milik", version, vec![]) }).await.unwrap();
    }
    let next = store.claim_inbox(take("y", 9)).await.unwrap();
    let ids: Vec<i64> = next.iter().map(|row| row.inbox_id).collect();
    assert_eq!((ids[0], ids.len()), (third.inbox_id, 2));
    // A lease that is over counts for nothing, not even for its owner.
    store.hold_inbox("y", ids, 0.0).await.unwrap();
    assert!(!accept("5", "y").await.unwrap().is_held);
    for row in store.claim_inbox(take("y", 9)).await.unwrap() {
        assert_eq!(store.bury(row.inbox_id).await, Ok(true));
    }
    assert_eq!(store.unserved().await, Ok(before));
}

/// A process that slept past its lease has nothing behind a message that another has
/// taken meanwhile.
async fn what_is_behind_anothers_message_is_not_held(store: &dyn Store) {
    let accept = |key: &'static str| store.accept(intake("antre", Some(key), "tidur"), "x", 30.0);
    let ids = [accept("t1").await.unwrap().inbox_id, accept("t2").await.unwrap().inbox_id];
    store.hold_inbox("x", ids.to_vec(), 0.0).await.unwrap();
    let taken = store.claim_inbox(take("y", 9)).await.unwrap();
    assert_eq!(taken.iter().map(|row| row.inbox_id).collect::<Vec<_>>(), ids);
    store.hold_inbox("y", vec![ids[1]], 0.0).await.unwrap();
    assert_eq!(store.hold_inbox("x", ids.to_vec(), 30.0).await, Ok(vec![]));
    for id in ids {
        assert_eq!(store.bury(id).await, Ok(true));
    }
}

/// Processes that look at the same moment never have messages of one conversation both,
/// and a crowd in one keeps no other waiting.
async fn a_conversation_is_taken_out_by_one_only(store: Arc<dyn Store>) {
    let crowd = i64::from(2 * crate::store::CLAIMED_OF_ONE);
    for number in 0..crowd + 3 {
        let sender = if number < crowd { 0 } else { number };
        store.accept(intake("antre", None, &format!("rebut {sender}")), "x", 0.0).await.unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for owner in ["a", "b", "c", "d"] {
        let store = store.clone();
        tasks.spawn(async move { store.claim_inbox(take(owner, 3)).await.unwrap() });
    }
    let taken: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let senders: BTreeSet<_> = taken.iter().map(|row| row.intake.sender_id.clone()).collect();
    assert_eq!((taken.len() as u32, senders.len()), (crate::store::CLAIMED_OF_ONE + 3, 4), "so many of one");
    let mut next = taken;
    while !next.is_empty() {
        for row in &next {
            store.bury(row.inbox_id).await.unwrap();
        }
        next = store.claim_inbox(take("a", 99)).await.unwrap();
    }
}

async fn kept_answers_last_until_their_turn_commits(store: &dyn Store) {
    let inbox_id = store.accept(intake("jurnal", None, "jurnal"), "x", 30.0).await.unwrap().inbox_id;
    let by_id = TurnKey::Inbox(inbox_id);
    let by_key = TurnKey::Fresh { channel: "rest".into(), dedupe_key: "jurnal".into() };
    let step = |step: i64, hash: &str| Step {
        step,
        action: format!("action_{step}"),
        request_hash: hash.into(),
        response: json!({"events": [], "responses": [{"text": hash}]}),
    };
    for key in [&by_id, &by_key] {
        store.journal(key, step(1, "b")).await.unwrap();
        store.journal(key, step(0, "lama")).await.unwrap();
        store.journal(key, step(0, "a")).await.unwrap();
        assert_eq!(store.journalled(key).await, Ok(vec![step(0, "a"), step(1, "b")]));
    }
    let lost = Commit { inbox: answered(inbox_id, json!([])), ..turn("jurnal", 9, vec![]) };
    assert_eq!(store.commit(lost.clone()).await, Err(CommitError::Conflict { current: 0 }));
    assert_eq!(store.journalled(&by_id).await.unwrap().len(), 2);
    store.commit(Commit { expected_version: 0, ..lost }).await.unwrap();
    assert_eq!(store.journalled(&by_id).await, Ok(vec![]));
    assert_eq!(store.journalled(&by_key).await.unwrap().len(), 2);
    let commit = Commit { inbox: fresh("rest", Some("jurnal"), json!([])), ..turn("jurnal", 1, vec![]) };
    store.commit(commit).await.unwrap();
    assert_eq!(store.journalled(&by_key).await, Ok(vec![]));
}

async fn messages_accepted_at_once_have_one_row_each(store: Arc<dyn Store>) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20_i64 {
        let store = store.clone();
        // Each message comes twice.
        let key = (number / 2).to_string();
        tasks.spawn(async move { store.accept(intake("serentak", Some(&key), "serentak"), "x", 30.0).await.unwrap() });
    }
    let accepted = tasks.join_all().await;
    assert_eq!(accepted.iter().filter(|row| row.duplicate.is_none()).count(), 10);
    let numbers: BTreeSet<_> = accepted.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=10).collect());
    assert_eq!(accepted.iter().map(|row| row.inbox_id).collect::<BTreeSet<_>>().len(), 10);
}
