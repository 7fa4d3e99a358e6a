//! Snapshots, which spare the events before them.

use super::*;

/// All of it.
pub(super) async fn conformance(store: &dyn Store) {
    let keep = |version, fingerprint: &str, newer| {
        let state = json!({ "newer": newer });
        store.keep_snapshot("foto", version, Snapshot { state, fingerprint: fingerprint.into(), newer })
    };
    let resume = |fingerprint: &'static str| async move {
        let session = store.resume("foto", fingerprint).await.unwrap();
        (session.snapshot, session.conversation.events, session.conversation.version)
    };
    keep(0, "m1", 0).await.unwrap();
    assert_eq!(resume("m1").await, (None, vec![], 0), "there is no conversation");
    let events = vec![action("action_session_start"), started(), slot(1), slot(2), slot(3)];
    store.commit(turn("foto", 0, events.clone())).await.unwrap();
    store.commit(turn("foto lain", 0, vec![slot(9)])).await.unwrap();
    assert_eq!(resume("m1").await, (None, events.clone(), 1));
    keep(0, "m1", 1).await.unwrap();
    assert_eq!(resume("m1").await.0, None, "at another version");
    keep(1, "m1", 5).await.unwrap();
    assert_eq!(resume("m1").await, (None, events.clone(), 1), "it is of nothing");
    keep(1, "m1", 1).await.unwrap();
    let state = |newer: usize| Some(json!({ "newer": newer }));
    assert_eq!(resume("m1").await, (state(1), vec![slot(3)], 1));
    assert_eq!(resume("m2").await, (None, events.clone(), 1), "of another model");
    assert_eq!(store.load("foto").await.unwrap().events, events, "whoever asks for the session has all of it");
    store.commit(turn("foto", 1, vec![slot(4)])).await.unwrap();
    assert_eq!(resume("m1").await, (state(1), vec![slot(3), slot(4)], 2), "what came since is behind it");
    keep(2, "m2", 0).await.unwrap();
    assert_eq!(resume("m2").await, (state(0), vec![], 2));
    assert_eq!(resume("m1").await.0, None, "the last one counts");
    let next = vec![action("action_session_start"), started(), slot(5)];
    store.commit(turn("foto", 2, next.clone())).await.unwrap();
    assert_eq!(resume("m2").await, (None, next, 3), "of the session before");
}
