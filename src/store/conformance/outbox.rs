//! Messages to send, and who sends them.

use super::*;

/// All of it.
pub(super) async fn conformance(store: &Arc<dyn Store>, hand: &Hand) {
    let store_ref = store.as_ref();
    the_outbox_keeps_the_order_of_a_conversation(store_ref, hand).await;
    what_answers_nobody_stands_apart_and_waits_for_replies(store_ref).await;
    a_message_in_doubt_is_marked_when_sent_again(store_ref).await;
    what_a_lost_sender_had_is_sent_by_another(store_ref).await;
    a_clock_that_is_set_back_puts_nothing_off(store_ref, hand).await;
}

async fn the_outbox_keeps_the_order_of_a_conversation(store: &dyn Store, hand: &Hand) {
    let commit = Commit {
        outbox: vec![message("satu", None), message("dua", Some(105.0)), message("tiga", None)],
        ..turn("kotak", 0, vec![])
    };
    store.commit(commit).await.unwrap();
    let commit = Commit {
        inbox: fresh("rest", None, json!([])),
        outbox: vec![message("lain", None), message("lain lagi", None)],
        ..turn("kotak lain", 0, vec![])
    };
    store.commit(commit).await.unwrap();
    assert_eq!(store.unsent().await, Ok(5));
    let first = store.claim_outbox(claim("a", 2)).await.unwrap();
    assert_eq!(texts(&first), ["satu", "lain"]);
    assert_eq!(store.unsent().await, Ok(5), "they are not out yet");
    assert_eq!((first[0].inbox_id, first[0].ordinal, first[0].attempts), (None, 0, 1));
    assert_eq!(first[0].sender_id, "kotak");
    assert!(first[1].inbox_id.is_some() && !first[1].possible_double);
    assert_eq!(store.claim_outbox(claim("a", 9)).await, Ok(vec![]), "others wait for what is being sent");
    let results =
        vec![(first[0].id, Settled::Sent), (first[1].id, Settled::Retry { not_before: 110.0, in_doubt: false })];
    store.settle_outbox("a", results).await.unwrap();
    assert_eq!(store.claim_outbox(claim("a", 9)).await, Ok(vec![]), "others wait for what is put off");
    hand.set(105.0);
    let second = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(texts(&second), ["dua", "tiga"]);
    store.settle_outbox("a", second.iter().map(|item| (item.id, Settled::Failed)).collect()).await.unwrap();
    hand.set(110.0);
    let third = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(texts(&third), ["lain", "lain lagi"]);
    assert_eq!((third[0].attempts, third[1].ordinal, third[0].possible_double), (2, 1, false));
    store.settle_outbox("a", third.iter().map(|item| (item.id, Settled::Sent)).collect()).await.unwrap();
    let never = store
        .settle_outbox("a", vec![(third[0].id, Settled::Retry { not_before: f64::INFINITY, in_doubt: false })])
        .await;
    assert!(matches!(never, Err(StoreError::Invalid(_))));
    assert_eq!(store.unsent().await, Ok(0));
    assert_eq!(store.claim_outbox(claim("a", 9)).await, Ok(vec![]));
}

async fn what_answers_nobody_stands_apart_and_waits_for_replies(store: &dyn Store) {
    let unasked = |text: &str| OutboxMessage { payload: json!({ "unasked": true, "text": text }), ..message("", None) };
    let said = |sender, version, outbox| store.commit(Commit { outbox, ..turn(sender, version, vec![]) });
    said("pengumuman", 0, vec![unasked("siar satu")]).await.unwrap();
    said("jawab", 0, vec![message("jawab", None)]).await.unwrap();
    said("jawab", 1, vec![unasked("siar dua")]).await.unwrap();
    // A user's text is none of its keys.
    said("kutip", 0, vec![message(r#"{"unasked":true,"#, None)]).await.unwrap();
    let of_nobody = |limit| store.claim_outbox(Claim { unasked: true, ..claim("a", limit) });
    let first = of_nobody(9).await.unwrap();
    assert_eq!(texts(&first), ["siar satu"], "a reply goes before the other");
    let replies = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(texts(&replies), ["jawab", r#"{"unasked":true,"#]);
    assert_eq!(of_nobody(9).await, Ok(vec![]), "the reply is being sent");
    let sent = |items: &[OutboxItem]| items.iter().map(|item| (item.id, Settled::Sent)).collect::<Vec<_>>();
    store.settle_outbox("a", sent(&replies)).await.unwrap();
    let second = of_nobody(9).await.unwrap();
    assert_eq!(texts(&second), ["siar dua"]);
    store.settle_outbox("a", [sent(&first), sent(&second)].concat()).await.unwrap();
    assert_eq!(store.unsent().await, Ok(0));
}

async fn a_message_in_doubt_is_marked_when_sent_again(store: &dyn Store) {
    let outbox = ["a", "b", "c"].map(|text| message(text, None)).into();
    store.commit(Commit { outbox, ..turn("ragu", 0, vec![]) }).await.unwrap();
    let claimed = store.claim_outbox(claim("a", 9)).await.unwrap();
    let again = |in_doubt| Settled::Retry { not_before: 0.0, in_doubt };
    let results = vec![(claimed[0].id, again(true)), (claimed[1].id, again(false)), (claimed[2].id, Settled::Doubtful)];
    store.settle_outbox("a", results).await.unwrap();
    let second = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(texts(&second), ["a", "b"], "what is in doubt for good rests");
    let marks: Vec<_> = second.iter().map(|item| (item.possible_double, item.attempts)).collect();
    assert_eq!(marks, [(true, 2), (false, 2)]);
    store.settle_outbox("a", second.iter().map(|item| (item.id, Settled::Sent)).collect()).await.unwrap();
}

async fn what_a_lost_sender_had_is_sent_by_another(store: &dyn Store) {
    let rest = OutboxMessage { channel: "callback".into(), ..message("istirahat", None) };
    store.commit(Commit { outbox: vec![message("hilang", None)], ..turn("pewaris", 0, vec![]) }).await.unwrap();
    store.commit(Commit { outbox: vec![rest], ..turn("pewaris lain", 0, vec![]) }).await.unwrap();
    let first = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(texts(&first), ["hilang", "istirahat"]);
    let other = Claim { channels: &["slack"], ..claim("c", 9) };
    store.commit(Commit { outbox: vec![message("lain", None)], ..turn("pewaris ketiga", 0, vec![]) }).await.unwrap();
    assert_eq!(store.claim_outbox(other).await, Ok(vec![]), "whoever cannot send it leaves it");
    let third = store.claim_outbox(claim("a", 9)).await.unwrap();
    store.settle_outbox("a", vec![(third[0].id, Settled::Sent)]).await.unwrap();
    assert_eq!(store.reclaim_outbox(&[], vec![]).await, Ok(0), "they are still being sent");
    // Holding on for no time lets go of them.
    let hold = |owner, seconds| store.hold_outbox(owner, first.iter().map(|item| item.id).collect(), seconds);
    assert_eq!(hold("b", 0.0).await, Ok(vec![]));
    assert_eq!(store.reclaim_outbox(&[], vec![]).await, Ok(0), "they are another's");
    let mut held = hold("a", 0.0).await.unwrap();
    held.sort_unstable();
    assert_eq!(held, first.iter().map(|item| item.id).collect::<Vec<_>>());
    hold("a", 30.0).await.unwrap();
    assert_eq!(store.reclaim_outbox(&[], vec![]).await, Ok(0), "they were held on to");
    hold("a", 0.0).await.unwrap();
    assert_eq!(store.reclaim_outbox(&["callback"], vec![first[0].id, first[1].id]).await, Ok(0), "they are under way");
    assert_eq!(store.reclaim_outbox(&["callback"], vec![]).await, Ok(2));
    let second = store.claim_outbox(claim("b", 9)).await.unwrap();
    assert_eq!(texts(&second), ["hilang"], "the other channel's rests");
    assert!(second[0].possible_double);
    // The first one speaks too late.
    store.settle_outbox("a", vec![(second[0].id, Settled::Failed)]).await.unwrap();
    store.settle_outbox("b", vec![(second[0].id, Settled::Retry { not_before: 0.0, in_doubt: false })]).await.unwrap();
    let third = store.claim_outbox(claim("b", 9)).await.unwrap();
    assert_eq!((texts(&third), third[0].attempts), (vec!["hilang"], 3));
    store.settle_outbox("b", vec![(third[0].id, Settled::Sent)]).await.unwrap();
}

async fn a_clock_that_is_set_back_puts_nothing_off(store: &dyn Store, hand: &Hand) {
    let before = hand.now();
    let outbox = vec![message("jam", None)];
    store.commit(Commit { outbox, ..turn("jam", 0, vec![]) }).await.unwrap();
    let first = store.claim_outbox(claim("a", 9)).await.unwrap();
    let later = Settled::Retry { not_before: hand.now() + 90_030.0, in_doubt: false };
    store.settle_outbox("a", vec![(first[0].id, later)]).await.unwrap();
    assert_eq!(store.claim_outbox(claim("a", 9)).await, Ok(vec![]));
    store.mend_times(660.0).await.unwrap();
    let second = store.claim_outbox(claim("a", 9)).await.unwrap();
    assert_eq!(texts(&second), ["jam"]);
    // What is put off as it may be stays so.
    let soon = Settled::Retry { not_before: hand.now() + 600.0, in_doubt: false };
    store.settle_outbox("a", vec![(second[0].id, soon)]).await.unwrap();
    store.mend_times(660.0).await.unwrap();
    assert_eq!(store.claim_outbox(claim("a", 9)).await, Ok(vec![]));
    hand.set(hand.now() + 600.0);
    let third = store.claim_outbox(claim("a", 9)).await.unwrap();
    store.settle_outbox("a", vec![(third[0].id, Settled::Sent)]).await.unwrap();
    assert_eq!(store.lead("jam", "a", 9_000.0).await, Ok(true));
    store.mend_times(660.0).await.unwrap();
    assert_eq!(store.lead("jam", "b", 1.0).await, Ok(true), "nobody leads for so long");
    let held = store.accept(intake("jam", None, "jam"), "a", 9_000.0).await.unwrap();
    let of_jam = Claim { channels: &["jam"], ..claim("b", 9) };
    assert_eq!(store.claim_inbox(of_jam).await, Ok(vec![]));
    store.mend_times(660.0).await.unwrap();
    assert_eq!(store.claim_inbox(of_jam).await.unwrap().len(), 1, "nobody holds on for so long");
    store.bury(held.inbox_id).await.unwrap();
    hand.set(before);
}

pub(super) async fn a_message_is_taken_out_by_one_only(store: Arc<dyn Store>, hand: &Hand) {
    hand.set(500.0);
    for number in 0..20 {
        let outbox = ["satu", "dua"].map(|text| message(&format!("{text} {number}"), None)).into();
        store.commit(Commit { outbox, ..turn(&format!("loket-{number}"), 0, vec![]) }).await.unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let store = store.clone();
        tasks.spawn(async move { store.claim_outbox(claim("a", 5)).await.unwrap() });
    }
    let mut claimed: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    // Both of a conversation may go at once to one, the second never before the
    // first has gone to somebody.
    let ids: BTreeSet<_> = claimed.iter().map(|item| item.id).collect();
    assert_eq!(ids.len(), claimed.len(), "nobody got what another has");
    assert!(claimed.iter().all(|item| item.attempts == 1));
    while !claimed.is_empty() {
        store.settle_outbox("a", claimed.iter().map(|item| (item.id, Settled::Sent)).collect()).await.unwrap();
        claimed = store.claim_outbox(claim("a", 100)).await.unwrap();
        assert!(claimed.iter().all(|item| !ids.contains(&item.id)));
    }
}
