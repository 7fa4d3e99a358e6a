//! Conversations in memory: for tests, `shell`, and Rasa's default tracker store.

mod methods;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use sapa_sdk::{Event, EventBody};

use super::record::{
    Accepted, Claim, Commit, Committed, Conversation, InboxMessage, Intake, OutboxItem, Pending, Publication, Seen,
    Session, Settled, Snapshot, Step, Timer, TimerPlan, TurnKey,
};
use super::{Answer, Clock, CommitError, Store, StoreError, rules, scope};

/// A store that forgets all when it goes.
pub struct Memory {
    clock: Clock,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    closed: bool,
    conversations: BTreeMap<String, Stored>,
    last_event: i64,
    inbox: BTreeMap<i64, InboxRow>,
    keys: BTreeMap<(String, String), i64>,
    last_inbox: i64,
    steps: BTreeMap<(String, i64), (Step, f64)>,
    outbox: BTreeMap<i64, OutboxRow>,
    last_outbox: i64,
    timers: BTreeMap<i64, Timer>,
    last_timer: i64,
    unpublished: BTreeMap<i64, (String, Event)>,
    cursors: BTreeMap<String, String>,
    /// By task: who leads, and until when.
    leaders: BTreeMap<String, (String, f64)>,
}

#[derive(Default)]
struct Stored {
    version: i64,
    /// Messages accepted so far.
    messages: i64,
    events: Vec<Event>,
    /// With the number of events before it.
    snapshot: Option<(Snapshot, usize)>,
}

struct InboxRow {
    intake: Intake,
    seq: i64,
    attempts: i64,
    state: Seen,
    accepted_at: f64,
    /// Who has it for its turn, and until when.
    holder: Option<(String, f64)>,
}

impl InboxRow {
    fn is_held_by(&self, owner: &str, now: f64) -> bool {
        self.holder.as_ref().is_some_and(|(holder, until)| holder == owner && *until > now)
    }

    fn is_held(&self, now: f64) -> bool {
        self.holder.as_ref().is_some_and(|(_, until)| *until > now)
    }
}

struct OutboxRow {
    item: OutboxItem,
    state: OutboxState,
    not_before: f64,
}

#[derive(Clone, PartialEq)]
enum OutboxState {
    Ready,
    /// By whom, and until when it is theirs.
    Sending(String, f64),
    Settled,
    Doubtful,
}

impl Tables {
    fn conversation(&self, sender_id: &str, session_only: bool) -> Conversation {
        let Some(stored) = self.conversations.get(sender_id) else {
            return Conversation { version: 0, next_seq: 1, events: Vec::new() };
        };
        let start = if session_only { scope::session_start(&stored.events) } else { 0 };
        Conversation {
            version: stored.version,
            next_seq: stored.messages + 1,
            events: stored.events.iter().skip(start).cloned().collect(),
        }
    }

    fn seen(&self, channel: &str, dedupe_key: &str) -> Option<Accepted> {
        let id = *self.keys.get(&(channel.to_owned(), dedupe_key.to_owned()))?;
        let row = self.inbox.get(&id)?;
        Some(Accepted { inbox_id: id, seq: row.seq, duplicate: Some(row.state.clone()), is_held: false })
    }

    fn session(&self, sender_id: &str, fingerprint: &str) -> Session {
        let kept = self.conversations.get(sender_id).and_then(|stored| {
            let (snapshot, before) = stored.snapshot.as_ref()?;
            let newer = stored.events.get(*before..)?;
            let begins_anew = newer.iter().any(|event| event.body == EventBody::SessionStarted {});
            (snapshot.fingerprint == fingerprint && !begins_anew).then(|| (snapshot.state.clone(), newer.to_vec()))
        });
        match kept {
            Some((snapshot, events)) => {
                let conversation = Conversation { events, ..self.conversation(sender_id, true) };
                Session { snapshot: Some(snapshot), conversation }
            }
            None => Session { snapshot: None, conversation: self.conversation(sender_id, true) },
        }
    }

    fn add_message(&mut self, intake: Intake, state: Seen, now: f64) -> Accepted {
        let stored = self.conversations.entry(intake.sender_id.clone()).or_default();
        stored.messages += 1;
        let seq = stored.messages;
        self.last_inbox += 1;
        if let Some(key) = &intake.dedupe_key {
            self.keys.insert((intake.channel.clone(), key.clone()), self.last_inbox);
        }
        let row = InboxRow { intake, seq, attempts: 0, state, accepted_at: now, holder: None };
        self.inbox.insert(self.last_inbox, row);
        Accepted { inbox_id: self.last_inbox, seq, duplicate: None, is_held: false }
    }

    /// The open messages of a conversation, by id.
    fn open<'a>(&'a self, sender_id: &'a str) -> impl Iterator<Item = (&'a i64, &'a InboxRow)> {
        self.inbox.iter().filter(move |(_, row)| row.state == Seen::Open && row.intake.sender_id == sender_id)
    }

    fn accept(&mut self, intake: Intake, now: f64, owner: &str, seconds: f64) -> Accepted {
        let is_held = seconds > 0.0 && self.open(&intake.sender_id).all(|(_, row)| row.is_held_by(owner, now));
        let accepted = self.add_message(intake, Seen::Open, now);
        if let Some(row) = self.inbox.get_mut(&accepted.inbox_id).filter(|_| is_held) {
            row.holder = Some((owner.to_owned(), now + seconds));
        }
        Accepted { is_held, ..accepted }
    }

    fn claim_inbox(&mut self, now: f64, claim: &Claim<'_>) -> Vec<Pending> {
        let is_free = |row: &InboxRow| !row.is_held(now) && claim.channels.contains(&row.intake.channel.as_str());
        let is_first = |id: i64, sender_id: &str| self.open(sender_id).all(|(other, _)| *other >= id);
        let firsts = self
            .inbox
            .iter()
            .filter(|(id, row)| row.state == Seen::Open && is_free(row) && is_first(**id, &row.intake.sender_id));
        let of_one = |(_, first): (&i64, &InboxRow)| {
            let open = self.open(&first.intake.sender_id).take_while(|(_, row)| is_free(row));
            open.map(|(id, _)| *id).take(length(rules::CLAIMED_OF_ONE)).zip(0..).collect::<Vec<_>>()
        };
        let free: Vec<(i64, u32)> = firsts.take(length(claim.limit)).flat_map(of_one).collect();
        let take = |(inbox_id, place): (i64, u32)| {
            let row = self.inbox.get_mut(&inbox_id)?;
            row.holder = Some((claim.owner.to_owned(), now + claim.seconds));
            row.attempts += i64::from(place == 0);
            let (seq, attempts, accepted_at) = (row.seq, row.attempts, row.accepted_at);
            Some(Pending { inbox_id, seq, attempts, accepted_at, intake: row.intake.clone() })
        };
        free.into_iter().filter_map(take).collect()
    }

    fn hold_inbox(&mut self, owner: &str, ids: &[i64], now: f64, until: f64) -> Vec<i64> {
        let is_behind = |id: &i64| {
            let row = self.inbox.get(id)?;
            let mut earlier = self.open(&row.intake.sender_id).filter(|(other, _)| *other < id);
            Some(earlier.any(|(_, row)| row.is_held(now) && !row.is_held_by(owner, now)))
        };
        let ids: Vec<i64> = ids.iter().filter(|id| is_behind(id) == Some(false)).copied().collect();
        let mut held = Vec::new();
        for id in &ids {
            if let Some(InboxRow { state: Seen::Open, holder: Some((holder, held_until)), .. }) = self.inbox.get_mut(id)
                && holder == owner
            {
                *held_until = until;
                held.push(*id);
            }
        }
        held
    }

    /// What the rules need to know of the commit's message, and whether the
    /// message may have its turn.
    fn message(&self, commit: &Commit) -> (Option<Seen>, bool) {
        match commit.inbox.as_ref().map(|done| &done.message) {
            None => (None, true),
            Some(InboxMessage::Accepted(id)) => {
                let row = self.inbox.get(id).filter(|row| row.intake.sender_id == commit.sender_id);
                let seen = row.map(|row| row.state.clone());
                let open = seen == Some(Seen::Open);
                (seen, open)
            }
            Some(InboxMessage::Fresh { channel, dedupe_key, .. }) => {
                let seen = dedupe_key.as_ref().and_then(|key| self.seen(channel, key)?.duplicate);
                let new = seen.is_none();
                (seen, new)
            }
        }
    }

    fn commit(&mut self, commit: Commit, now: f64) -> Result<Committed, CommitError> {
        rules::check(&commit)?;
        let version = self.conversations.get(&commit.sender_id).map_or(0, |stored| stored.version);
        let (seen, may) = self.message(&commit);
        if !may || version != commit.expected_version {
            return Err(rules::refusal(&commit, version, seen));
        }
        let inbox_id = self.finish_message(&commit, now);
        self.set_timers(&commit);
        for (ordinal, message) in (0..).zip(commit.outbox) {
            self.last_outbox += 1;
            let id = self.last_outbox;
            let item = OutboxItem {
                id,
                inbox_id,
                ordinal,
                sender_id: commit.sender_id.clone(),
                channel: message.channel,
                payload: message.payload,
                attempts: 0,
                possible_double: false,
            };
            let not_before = message.not_before.unwrap_or(now);
            self.outbox.insert(id, OutboxRow { item, state: OutboxState::Ready, not_before });
        }
        for event in &commit.new_events {
            self.last_event += 1;
            if commit.publish {
                self.unpublished.insert(self.last_event, (commit.sender_id.clone(), (**event).clone()));
            }
        }
        let stored = self.conversations.entry(commit.sender_id).or_default();
        stored.events.extend(commit.new_events.iter().map(|event| (**event).clone()));
        stored.version += 1;
        Ok(Committed { version: stored.version })
    }

    /// Notes the reply and drops the journal; gives the message's inbox id.
    fn finish_message(&mut self, commit: &Commit, now: f64) -> Option<i64> {
        let done = commit.inbox.as_ref()?;
        if let Some(key) = done.message.turn_key() {
            let key = key.text();
            self.steps.retain(|(turn, _), _| *turn != key);
        }
        let state = Seen::Done { reply: done.reply.clone() };
        match &done.message {
            InboxMessage::Accepted(id) => {
                if let Some(row) = self.inbox.get_mut(id) {
                    row.state = state;
                }
                Some(*id)
            }
            InboxMessage::Fresh { channel, dedupe_key, payload } => {
                let intake = Intake {
                    channel: channel.clone(),
                    dedupe_key: dedupe_key.clone(),
                    sender_id: commit.sender_id.clone(),
                    payload: payload.clone(),
                };
                Some(self.add_message(intake, state, now).inbox_id)
            }
        }
    }

    fn set_timers(&mut self, commit: &Commit) {
        let plan = TimerPlan::of(&commit.timers);
        self.timers.retain(|_, timer| {
            timer.sender_id != commit.sender_id || !(plan.clear || plan.named.contains_key(timer.name.as_str()))
        });
        for (name, timer) in plan.named {
            let Some((due_at, payload)) = timer else { continue };
            self.last_timer += 1;
            let (id, payload) = (self.last_timer, payload.clone());
            let timer = Timer { id, sender_id: commit.sender_id.clone(), name: name.to_owned(), due_at, payload };
            self.timers.insert(id, timer);
        }
    }

    fn claim(&mut self, now: f64, claim: &Claim<'_>) -> Vec<OutboxItem> {
        let mut waiting = BTreeSet::new();
        let mut claimed = Vec::new();
        for row in self.outbox.values() {
            let is_open = matches!(row.state, OutboxState::Ready | OutboxState::Sending(..));
            let due = row.state == OutboxState::Ready && row.not_before <= now;
            let unasked = row.item.payload.get("unasked").is_some_and(|unasked| unasked == true);
            let served = claim.channels.contains(&row.item.channel.as_str()) && unasked == claim.unasked;
            if due && served && !waiting.contains(&row.item.sender_id) {
                claimed.push(row.item.id);
            } else if is_open && (!due || claim.unasked && !unasked) {
                waiting.insert(&row.item.sender_id);
            }
        }
        claimed.truncate(length(claim.limit));
        let take = |id: i64| {
            let row = self.outbox.get_mut(&id)?;
            row.state = OutboxState::Sending(claim.owner.to_owned(), now + claim.seconds);
            row.item.attempts += 1;
            Some(row.item.clone())
        };
        claimed.into_iter().filter_map(take).collect()
    }

    fn hold(&mut self, owner: &str, ids: &[i64], until: f64) -> Vec<i64> {
        let mut held = Vec::new();
        for id in ids {
            if let Some(OutboxRow { state: OutboxState::Sending(own, held_until), .. }) = self.outbox.get_mut(id)
                && own == owner
            {
                *held_until = until;
                held.push(*id);
            }
        }
        held
    }

    fn settle(&mut self, owner: &str, id: i64, settled: Settled) {
        let is_owners = |row: &&mut OutboxRow| matches!(&row.state, OutboxState::Sending(own, _) if own == owner);
        let Some(row) = self.outbox.get_mut(&id).filter(is_owners) else { return };
        row.item.possible_double |= settled.is_in_doubt();
        row.state = match settled {
            Settled::Sent | Settled::Failed => OutboxState::Settled,
            Settled::Doubtful => OutboxState::Doubtful,
            Settled::Retry { not_before, .. } => {
                row.not_before = not_before;
                OutboxState::Ready
            }
        };
    }

    fn reclaim(&mut self, now: f64, resting: &[&str], under_way: &[i64]) -> u64 {
        let mut reclaimed = 0;
        for row in self.outbox.values_mut() {
            let is_over = matches!(row.state, OutboxState::Sending(_, until) if until <= now);
            if is_over && !under_way.contains(&row.item.id) {
                row.item.possible_double = true;
                let rests = resting.contains(&row.item.channel.as_str());
                row.state = if rests { OutboxState::Doubtful } else { OutboxState::Ready };
                reclaimed += 1;
            }
        }
        reclaimed
    }

    fn mend(&mut self, latest: f64) {
        for row in self.inbox.values_mut() {
            row.holder = row.holder.take().filter(|(_, until)| *until <= latest);
        }
        for row in self.outbox.values_mut() {
            match &mut row.state {
                OutboxState::Sending(_, until) if *until > latest => *until = 0.0,
                OutboxState::Ready if row.not_before > latest => row.not_before = 0.0,
                _ => {}
            }
        }
        self.leaders.retain(|_, (_, until)| *until <= latest);
    }

    fn prune(&mut self, before: f64) -> usize {
        let count =
            |tables: &Self| tables.inbox.len() + tables.outbox.len() + tables.steps.len() + tables.leaders.len();
        let all = count(self);
        let open = |row: &InboxRow| row.state == Seen::Open;
        self.inbox.retain(|_, row| open(row) || row.accepted_at >= before);
        self.keys.retain(|_, id| self.inbox.contains_key(id));
        self.leaders.retain(|task, (_, until)| !task.starts_with("lock ") || *until >= before);
        self.outbox.retain(|_, row| row.state != OutboxState::Settled || row.not_before >= before);
        for row in self.outbox.values_mut() {
            row.item.inbox_id = row.item.inbox_id.filter(|id| self.inbox.contains_key(id));
        }
        self.steps.retain(|(turn, _), (_, received_at)| {
            let running = turn.parse().is_ok_and(|id: i64| self.inbox.get(&id).is_some_and(open));
            running || *received_at >= before
        });
        all - count(self)
    }
}

impl Memory {
    /// An empty store.
    pub fn new(clock: Clock) -> Self {
        Self { clock, tables: Mutex::default() }
    }

    /// Does something to the tables, unless the store is closed. What is done
    /// cannot fail half-way, so a poisoned lock does no harm.
    fn with<'a, T: Send + 'a, E: From<StoreError> + Send + 'a>(
        &'a self,
        work: impl FnOnce(&mut Tables, f64) -> Result<T, E> + Send + 'a,
    ) -> Answer<'a, T, E> {
        Box::pin(async move {
            let now = (self.clock)();
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            if tables.closed {
                return Err(StoreError::Closed.into());
            }
            work(&mut tables, now)
        })
    }
}

/// A limit as a length.
fn length(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
