//! What [`Memory`] does as a [`Store`]: each method looks at its tables under their lock.

use super::*;

impl Store for Memory {
    fn load<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Conversation> {
        self.with(move |tables, _| Ok(tables.conversation(sender_id, true)))
    }

    fn resume<'a>(&'a self, sender_id: &'a str, fingerprint: &'a str) -> Answer<'a, Session> {
        self.with(move |tables, _| Ok(tables.session(sender_id, fingerprint)))
    }

    fn keep_snapshot<'a>(&'a self, sender_id: &'a str, version: i64, snapshot: Snapshot) -> Answer<'a, ()> {
        self.with(move |tables, _| {
            if let Some(stored) = tables.conversations.get_mut(sender_id).filter(|stored| stored.version == version) {
                let before = stored.events.len().checked_sub(snapshot.newer).filter(|before| *before > 0);
                stored.snapshot = before.map(|before| (snapshot, before));
            }
            Ok(())
        })
    }

    fn load_all<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Conversation> {
        self.with(move |tables, _| Ok(tables.conversation(sender_id, false)))
    }

    fn exists<'a>(&'a self, sender_id: &'a str) -> Answer<'a, bool> {
        self.with(move |tables, _| {
            Ok(tables.conversations.get(sender_id).is_some_and(|stored| !stored.events.is_empty()))
        })
    }

    fn senders<'a>(&'a self, after: Option<&'a str>, limit: u32) -> Answer<'a, Vec<String>> {
        self.with(move |tables, _| {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let range = tables.conversations.range::<str, _>((from, Bound::Unbounded));
            let ids = range.filter(|(_, stored)| !stored.events.is_empty()).map(|(id, _)| id.clone());
            Ok(ids.take(length(limit)).collect())
        })
    }

    fn accept<'a>(&'a self, intake: Intake, owner: &'a str, seconds: f64) -> Answer<'a, Accepted> {
        self.with(move |tables, now| {
            rules::check_intake(&intake)?;
            let before = intake.dedupe_key.as_ref().and_then(|key| tables.seen(&intake.channel, key));
            Ok(before.unwrap_or_else(|| tables.accept(intake, now, owner, seconds)))
        })
    }

    fn seen<'a>(&'a self, channel: &'a str, dedupe_key: &'a str) -> Answer<'a, Option<Accepted>> {
        self.with(move |tables, _| Ok(tables.seen(channel, dedupe_key)))
    }

    fn claim_inbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<Pending>> {
        self.with(move |tables, now| Ok(tables.claim_inbox(now, &claim)))
    }

    fn hold_inbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>> {
        self.with(move |tables, now| Ok(tables.hold_inbox(owner, &ids, now, now + seconds)))
    }

    fn unserved(&self) -> Answer<'_, u64> {
        let waits = |row: &&InboxRow| row.state == Seen::Open;
        self.with(move |tables, _| Ok(tables.inbox.values().filter(waits).count() as u64))
    }

    fn bury(&self, inbox_id: i64) -> Answer<'_, bool> {
        self.with(move |tables, _| {
            let row = tables.inbox.get_mut(&inbox_id).filter(|row| row.state == Seen::Open);
            Ok(row.map(|row| row.state = Seen::Dead).is_some())
        })
    }

    fn journal<'a>(&'a self, turn: &'a TurnKey, step: Step) -> Answer<'a, ()> {
        self.with(move |tables, now| {
            tables.steps.insert((turn.text(), step.step), (step, now));
            Ok(())
        })
    }

    fn journalled<'a>(&'a self, turn: &'a TurnKey) -> Answer<'a, Vec<Step>> {
        self.with(move |tables, _| {
            let key = turn.text();
            let steps = tables.steps.range((key.clone(), i64::MIN)..=(key, i64::MAX));
            Ok(steps.map(|(_, (step, _))| step.clone()).collect())
        })
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed, CommitError> {
        self.with(move |tables, now| tables.commit(commit, now))
    }

    fn claim_outbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<OutboxItem>> {
        self.with(move |tables, now| Ok(tables.claim(now, &claim)))
    }

    fn hold_outbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>> {
        self.with(move |tables, now| Ok(tables.hold(owner, &ids, now + seconds)))
    }

    fn settle_outbox<'a>(&'a self, owner: &'a str, results: Vec<(i64, Settled)>) -> Answer<'a, ()> {
        self.with(move |tables, _| {
            rules::check_settled(&results)?;
            results.into_iter().for_each(|(id, settled)| tables.settle(owner, id, settled));
            Ok(())
        })
    }

    fn reclaim_outbox<'a>(&'a self, resting: &'a [&'a str], under_way: Vec<i64>) -> Answer<'a, u64> {
        self.with(move |tables, now| Ok(tables.reclaim(now, resting, &under_way)))
    }

    fn unsent(&self) -> Answer<'_, u64> {
        let waits = |row: &&OutboxRow| matches!(row.state, OutboxState::Ready | OutboxState::Sending(..));
        self.with(move |tables, _| Ok(tables.outbox.values().filter(waits).count() as u64))
    }

    fn due_timers(&self, limit: u32) -> Answer<'_, Vec<Timer>> {
        self.with(move |tables, now| {
            let mut due: Vec<_> = tables.timers.values().filter(|timer| timer.due_at <= now).cloned().collect();
            due.sort_by(|a, b| a.due_at.total_cmp(&b.due_at).then(a.id.cmp(&b.id)));
            due.truncate(length(limit));
            Ok(due)
        })
    }

    fn timers<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Vec<Timer>> {
        self.with(move |tables, _| {
            let own = tables.timers.values().filter(|timer| timer.sender_id == sender_id);
            let mut own: Vec<_> = own.cloned().collect();
            own.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(own)
        })
    }

    fn take_timer(&self, id: i64) -> Answer<'_, bool> {
        self.with(move |tables, _| Ok(tables.timers.remove(&id).is_some()))
    }

    fn unpublished(&self, limit: u32) -> Answer<'_, Vec<Publication>> {
        self.with(move |tables, _| {
            let rows = tables.unpublished.iter().take(length(limit));
            Ok(rows
                .map(|(id, (sender_id, event))| Publication {
                    event_id: *id,
                    sender_id: sender_id.clone(),
                    event: event.clone(),
                })
                .collect())
        })
    }

    fn published(&self, event_ids: Vec<i64>) -> Answer<'_, ()> {
        self.with(move |tables, _| {
            for id in event_ids {
                tables.unpublished.remove(&id);
            }
            Ok(())
        })
    }

    fn cursor<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>> {
        self.with(move |tables, _| Ok(tables.cursors.get(name).cloned()))
    }

    fn set_cursor<'a>(&'a self, name: &'a str, value: &'a str) -> Answer<'a, ()> {
        self.with(move |tables, _| {
            tables.cursors.insert(name.to_owned(), value.to_owned());
            Ok(())
        })
    }

    fn lead<'a>(&'a self, task: &'a str, owner: &'a str, seconds: f64) -> Answer<'a, bool> {
        self.with(move |tables, now| {
            let leads = tables.leaders.get(task);
            if leads.is_some_and(|(leader, until)| leader != owner && *until > now) {
                return Ok(false);
            }
            tables.leaders.insert(task.to_owned(), (owner.to_owned(), now + seconds));
            Ok(true)
        })
    }

    fn mend_times(&self, longest: f64) -> Answer<'_, ()> {
        self.with(move |tables, now| {
            tables.mend(now + longest);
            Ok(())
        })
    }

    fn prune(&self, before: f64) -> Answer<'_, u64> {
        self.with(move |tables, _| Ok(u64::try_from(tables.prune(before)).unwrap_or(u64::MAX)))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.tables.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
            Ok(())
        })
    }
}
