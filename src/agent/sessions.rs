//! A conversation's tracker between its turns: in the cache, in the store, and, where its
//! session is long, as a snapshot with the events since.

use std::sync::Arc;

use sapa_dialogue::{DialogueModel, Tracker, Trimmed};
use sapa_model::Model;
use sapa_sdk::{Event, EventBody};

use super::{Agent, AgentError};
use crate::store::{Session, Snapshot, Store};

impl Agent {
    /// The conversation's tracker, from the cache or the store, and its version.
    pub(super) async fn load(
        &self,
        sender_id: &str,
        model: &Model,
        dialogue: &Arc<DialogueModel>,
    ) -> Result<(Tracker, i64), AgentError> {
        if let Some(cached) = self.cache.take(sender_id, &model.id) {
            return Ok(cached);
        }
        let Session { snapshot, mut conversation } = self.store.resume(sender_id, &fingerprint(model)).await?;
        let mut resumed = None;
        if let Some(state) = snapshot {
            let (domain, events) = (Arc::clone(&dialogue.domain), std::mem::take(&mut conversation.events));
            resumed = Tracker::from_snapshot(sender_id, domain, state, events).ok();
            if resumed.is_none() {
                // It only spares work.
                tracing::warn!("a conversation's snapshot cannot be read; the session is read as a whole");
                conversation = self.store.load(sender_id).await?;
            }
        }
        let whole = || Tracker::from_events(sender_id, Arc::clone(&dialogue.domain), conversation.events);
        let (mut tracker, version) = (resumed.unwrap_or_else(whole), conversation.version);
        if let Some(snapshot) = trim(&mut tracker, version, model) {
            snapshot.keep(&*self.store).await;
        }
        Ok((tracker, version))
    }

    /// A turn that began a session leaves older ones behind: the next turn loads
    /// only the new one (spec §6.1, "Loaded scope"). Gives what is to be kept of a long
    /// session.
    pub(super) fn keep(
        &self,
        mut tracker: Tracker,
        version: i64,
        model: &Model,
        events: &[Arc<Event>],
    ) -> Option<VersionedSnapshot> {
        if events.iter().any(|e| matches!(e.body, EventBody::SessionStarted {} | EventBody::Restart {})) {
            return None;
        }
        let snapshot = trim(&mut tracker, version, model);
        self.cache.put(tracker, version, &model.id);
        snapshot
    }
}

/// Of a conversation at that version.
pub(super) struct VersionedSnapshot {
    sender_id: String,
    version: i64,
    snapshot: Snapshot,
}

impl VersionedSnapshot {
    /// It only spares work: not to have kept it is no error.
    pub(super) async fn keep(self, store: &dyn Store) {
        if let Err(error) = store.keep_snapshot(&self.sender_id, self.version, self.snapshot).await {
            tracing::warn!(%error, "a conversation's snapshot was not kept; the session is read as a whole next time");
        }
    }
}

/// Has a long session's older events forgotten; the snapshot has others spared them, too.
fn trim(tracker: &mut Tracker, version: i64, model: &Model) -> Option<VersionedSnapshot> {
    let Trimmed { snapshot, kept } = tracker.trim()?;
    let snapshot = Snapshot { state: snapshot, fingerprint: fingerprint(model), newer: kept };
    Some(VersionedSnapshot { sender_id: tracker.sender_id.clone(), version, snapshot })
}

/// What a snapshot is true of: this form of it, and a model.
fn fingerprint(model: &Model) -> String {
    const FORM: u32 = 1;
    format!("{FORM} {}", model.id)
}
