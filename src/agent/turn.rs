//! One message, one turn: load, drive, commit (design: the road of a turn).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sapa_dialogue::{
    ActionCall, ActionFailure, Decision, Done, Input, Need, NlgCall, Step, Tracker, Turn, UserMessage,
};
use sapa_model::Model;
use sapa_sdk::{ActionResponse, BotMessage, Event, EventBody, JsonMap};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::sessions::VersionedSnapshot;
use super::{Agent, AgentError, reminders};
use crate::store::{
    Commit, CommitError, InboxDone, InboxMessage, OutboxMessage, Step as JournalStep, Timer, TimerChange, TurnKey,
};

/// How often a turn is run again when somebody else wrote to the conversation.
const MOST_RERUNS: u64 = 20;

/// A message for the agent.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Conversation id.
    pub sender_id: String,
    /// The message.
    pub message: UserMessage,
    /// Name of the channel, as the inbox keeps it.
    pub channel: String,
    /// Id by which a repetition is recognised.
    pub dedupe_key: Option<String>,
    /// Its inbox row, when the channel had it accepted before.
    pub inbox_id: Option<i64>,
    /// Where the reply goes, when it is sent on its own instead of answering a
    /// request: its messages are written with the turn, and go out through the
    /// channel that `message.output_channel` names.
    pub address: Option<Value>,
}

/// What became of a message.
#[derive(Clone, Debug, Default)]
pub struct TurnReport {
    /// What the bot said.
    pub messages: Vec<BotMessage>,
    /// Why each action ran.
    pub decisions: Vec<Decision>,
    /// The turn's events.
    pub events: Vec<Arc<Event>>,
    /// What went wrong without ending the turn.
    pub warnings: Vec<String>,
    /// The stored reply, when the message had its turn before.
    pub repeated: Option<Option<Value>>,
}

/// How a channel's reply is stored, so that a repetition gets the same.
pub type RenderReply<'a> = &'a (dyn Fn(&[BotMessage]) -> Value + Sync);

impl Agent {
    /// Handles a message: exactly one committed turn, in the order of arrival
    /// within its conversation.
    ///
    /// # Errors
    /// No dialogue model, too many waiting, or the store failed; nothing of the
    /// turn is written then.
    pub async fn handle(&self, incoming: Incoming, render: RenderReply<'_>) -> Result<TurnReport, AgentError> {
        self.handle_from(incoming, None, render).await
    }

    /// Fires a timer that is due: one committed turn, which removes it. A timer
    /// that means nothing any more is removed without a turn.
    ///
    /// # Errors
    /// As [`Self::handle`]; the timer stays then.
    pub async fn fire(&self, timer: &Timer) -> Result<TurnReport, AgentError> {
        self.handle_from(reminders::message(timer), Some(timer), &|_| Value::Null).await
    }

    async fn handle_from(
        &self,
        incoming: Incoming,
        timer: Option<&Timer>,
        render: RenderReply<'_>,
    ) -> Result<TurnReport, AgentError> {
        let held = self.locks.lock(&incoming.sender_id).await.ok_or(AgentError::TooManyWaiting)?;
        let shared = self.share(&incoming.sender_id).await;
        // An accepted message had none when it was taken out; its commit looks again.
        if incoming.inbox_id.is_none()
            && let Some(report) = self.answered_before(&incoming).await?
        {
            return Ok(report);
        }
        let mut journal = Journal::of(&incoming);
        for rerun in 0..MOST_RERUNS {
            if let Some(Had { report, snapshot }) = self.try_turn(&incoming, timer, render, &mut journal).await? {
                if let Some(snapshot) = snapshot {
                    // The reply does not wait for it; the conversation's next turn does.
                    let (store, kept_by) = (Arc::clone(&self.store), (held, shared));
                    tokio::spawn(async move {
                        snapshot.keep(&*store).await;
                        drop(kept_by);
                    });
                }
                return Ok(report);
            }
            // Another process is at work on this conversation: let it finish.
            // Unequal waits keep the two from meeting again and again.
            let milliseconds = 1 + seed(&incoming).wrapping_add(rerun) % (4 * (rerun + 1));
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        Err(AgentError::Contended)
    }

    async fn answered_before(&self, incoming: &Incoming) -> Result<Option<TurnReport>, AgentError> {
        let Some(key) = &incoming.dedupe_key else { return Ok(None) };
        let reply = self.reply_to(&incoming.channel, key).await?;
        Ok(reply.map(|reply| TurnReport { repeated: Some(reply), ..TurnReport::default() }))
    }

    /// Runs the turn once; `None` when the conversation moved on meanwhile.
    async fn try_turn(
        &self,
        incoming: &Incoming,
        timer: Option<&Timer>,
        render: RenderReply<'_>,
        journal: &mut Journal,
    ) -> Result<Option<Had>, AgentError> {
        let model = self.model()?;
        let dialogue = Arc::clone(model.dialogue().ok_or(AgentError::NoModel("the model has no dialogue part"))?);
        if timer.is_some() || self.shared_locks.is_some() {
            // The cache may have forgotten when the reminder was set; and where processes
            // take turns under a lock, another one has mostly written since.
            let _ = self.cache.take(&incoming.sender_id, &model.id);
        }
        let (tracker, version) = self.load(&incoming.sender_id, &model, &dialogue).await?;
        let begin = if timer.is_some() { Turn::external } else { Turn::message };
        if let Some(timer) = timer
            && !(self.is_set(timer).await? && reminders::is_alive(timer, &tracker))
        {
            self.store.take_timer(timer.id).await?;
            return Ok(Some(TurnReport::default().into()));
        }
        let mut turn = begin(dialogue, tracker, incoming.message.clone(), (self.clock)(), seed(incoming))
            .with_nlg_server(self.servers.nlg.is_some());
        let done = match self.drive(&mut turn, &model, incoming, journal).await? {
            Driven::Done(done) => done,
            Driven::HadItsTurn(report) => return Ok(Some(report.into())),
        };
        // Only a message with an id can come again and ask for its reply.
        let has_id = incoming.dedupe_key.is_some() || incoming.inbox_id.is_some();
        let reply = has_id.then(|| render(&done.messages));
        let commit = Commit {
            sender_id: incoming.sender_id.clone(),
            expected_version: version,
            new_events: done.events.clone(),
            timers: self.timers(incoming, timer, &done.events).await?,
            outbox: self.outgoing(incoming, timer, &done.messages),
            // Without an id nobody can ask for it again: it needs no row.
            inbox: reply.map(|reply| InboxDone { message: inbox_message(incoming), reply: Some(reply) }),
            publish: self.publishes,
        };
        let sends = !commit.outbox.is_empty();
        match self.store.commit(commit).await {
            Ok(committed) => {
                if sends {
                    self.outbox_news.notify_one();
                }
                let snapshot = self.keep(turn.into_tracker(), committed.version, &model, &done.events);
                Ok(Some(Had { report: report(done), snapshot }))
            }
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Duplicate { reply }) => {
                Ok(Some(TurnReport { repeated: Some(reply), ..TurnReport::default() }.into()))
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// What goes out by itself. Nobody waits for the answer to a timer.
    fn outgoing(&self, incoming: &Incoming, timer: Option<&Timer>, messages: &[BotMessage]) -> Vec<OutboxMessage> {
        match (timer, &incoming.address) {
            (None, None) => Vec::new(),
            (_, address) => self.rows(&incoming.message.output_channel, messages, address.as_ref(), timer.is_some()),
        }
    }

    /// Whether the timer has not been replaced, called off, or fired by another
    /// process.
    async fn is_set(&self, timer: &Timer) -> Result<bool, AgentError> {
        Ok(self.store.timers(&timer.sender_id).await?.iter().any(|set| set.id == timer.id))
    }

    /// What the turn changes about the conversation's timers; the one that fired
    /// goes first, so that it can set itself again.
    async fn timers(
        &self,
        incoming: &Incoming,
        fired: Option<&Timer>,
        events: &[Arc<Event>],
    ) -> Result<Vec<TimerChange>, AgentError> {
        let cancels = events.iter().any(|e| matches!(e.body, EventBody::CancelReminder { .. }));
        let existing = if cancels { self.store.timers(&incoming.sender_id).await? } else { Vec::new() };
        let mut changes: Vec<TimerChange> =
            fired.map(|timer| TimerChange::Cancel { name: timer.name.clone() }).into_iter().collect();
        let channel = &incoming.message.output_channel;
        changes.extend(reminders::timer_changes(events, &existing, channel, seed(incoming)));
        Ok(changes)
    }

    /// Gives the turn what it needs until it is done.
    async fn drive(
        &self,
        turn: &mut Turn,
        model: &Model,
        incoming: &Incoming,
        journal: &mut Journal,
    ) -> Result<Driven, AgentError> {
        let mut input = Input::Start;
        loop {
            input = match turn.step(input) {
                Step::Done(done) => {
                    tell(&done);
                    for warning in &done.warnings {
                        tracing::warn!(reason = %sapa_sdk::pii::mask(warning), "a turn did not go as planned");
                    }
                    return Ok(Driven::Done(*done));
                }
                Step::Need(Need::Parse { text }) => {
                    let message_id = Some(incoming.message.message_id.as_str());
                    Input::Parsed(Box::new(self.servers.understanding.parse(model, &text, message_id).await))
                }
                Step::Need(Need::Nlg(call)) => Input::Nlg(self.write(&call).await),
                Step::Need(Need::CallAction(call)) => {
                    if let Some(report) = self.read_journal(incoming, journal).await? {
                        return Ok(Driven::HadItsTurn(report));
                    }
                    Input::Action(Box::new(self.call(model, &call, incoming, journal).await?))
                }
            };
        }
    }

    /// Before the first call: what actions answered in an attempt before, or the report
    /// where that attempt went through, though whoever made it was not told.
    async fn read_journal(&self, incoming: &Incoming, journal: &mut Journal) -> Result<Option<TurnReport>, AgentError> {
        let Some(key) = journal.key.as_ref().filter(|_| !journal.is_read) else { return Ok(None) };
        if incoming.inbox_id.is_some()
            && let Some(report) = self.answered_before(incoming).await?
        {
            return Ok(Some(report));
        }
        journal.kept = self.store.journalled(key).await?.into_iter().map(|step| (step.step, step)).collect();
        journal.is_read = true;
        Ok(None)
    }

    /// Asks the action server, or takes the answer it gave before a crash. Every
    /// answer is journalled before the turn goes on.
    async fn call(
        &self,
        model: &Model,
        call: &ActionCall,
        incoming: &Incoming,
        journal: &mut Journal,
    ) -> Result<Result<ActionResponse, ActionFailure>, AgentError> {
        let hash = request_hash(call);
        if let Some(answer) = journal.answer(call.step, &hash) {
            return Ok(Ok(answer));
        }
        let Some(client) = &self.servers.actions else {
            return Ok(Err(ActionFailure::Failed("endpoints.yml has no `action_endpoint`".to_owned())));
        };
        let key = idempotency_key(incoming, call.step);
        let answer = client.run(call, model.domain(), &key).await;
        if let Ok(response) = &answer {
            let step = JournalStep {
                step: call.step as i64,
                action: call.name.clone(),
                request_hash: hash,
                response: serde_json::to_value(response).unwrap_or_default(),
            };
            if let Some(key) = &journal.key {
                self.store.journal(key, step.clone()).await?;
            }
            journal.kept.insert(step.step, step);
        }
        Ok(answer)
    }

    async fn write(&self, call: &NlgCall) -> Result<Option<JsonMap>, String> {
        match &self.servers.nlg {
            Some(client) => client.write(call).await,
            None => Err("there is none".to_owned()),
        }
    }

    /// Drives a turn that only starts a session; nothing is saved.
    pub(super) async fn drive_session(&self, mut turn: Turn) -> Tracker {
        let mut input = Input::Start;
        while let Step::Need(need) = turn.step(input) {
            input = match need {
                Need::Parse { .. } => Input::Parsed(Box::default()),
                Need::CallAction(call) => {
                    let answer = match &self.servers.actions {
                        Some(client) => client.run(&call, Some(turn.tracker().domain()), "session").await,
                        None => Err(ActionFailure::Failed("no action endpoint".to_owned())),
                    };
                    Input::Action(Box::new(answer))
                }
                Need::Nlg(call) => Input::Nlg(self.write(&call).await),
            };
        }
        turn.into_tracker()
    }

    /// Appends events from outside (spec §5.3).
    pub(super) async fn append(&self, sender_id: &str, events: Vec<Event>) -> Result<(), AgentError> {
        let _held = self.locks.lock(sender_id).await.ok_or(AgentError::TooManyWaiting)?;
        let _shared = self.share(sender_id).await;
        let model = self.model()?;
        let dialogue = Arc::clone(model.dialogue().ok_or(AgentError::NoModel("the model has no dialogue part"))?);
        for _ in 0..MOST_RERUNS {
            let conversation = self.store.load(sender_id).await?;
            let mut new_events = Vec::new();
            if conversation.events.is_empty() && !brings_session_start(&events) {
                let tracker = Tracker::new(sender_id, Arc::clone(&dialogue.domain));
                let turn = Turn::session(Arc::clone(&dialogue), tracker, "", (self.clock)(), 0);
                new_events.extend(self.drive_session(turn).await.events().iter().cloned());
            }
            new_events.extend(events.iter().cloned().map(Arc::new));
            let commit = Commit {
                sender_id: sender_id.to_owned(),
                expected_version: conversation.version,
                new_events,
                publish: self.publishes,
                ..Commit::default()
            };
            let _ = self.cache.take(sender_id, &model.id);
            match self.store.commit(commit).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Duplicate { .. }) => return Ok(()),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(AgentError::Contended)
    }
}

/// A message that had its turn, now or before.
struct Had {
    report: TurnReport,
    /// What is to be kept before the conversation's next turn.
    snapshot: Option<VersionedSnapshot>,
}

impl From<TurnReport> for Had {
    fn from(report: TurnReport) -> Self {
        Self { report, snapshot: None }
    }
}

/// How driving a turn ended.
enum Driven {
    Done(Done),
    /// The message had its turn before.
    HadItsTurn(TurnReport),
}

/// Answers of this turn's actions, by step.
struct Journal {
    key: Option<TurnKey>,
    kept: BTreeMap<i64, JournalStep>,
    /// Whether those kept in the store are here: most turns call no action.
    is_read: bool,
}

impl Journal {
    fn of(incoming: &Incoming) -> Self {
        let fresh = |key: &String| TurnKey::Fresh { channel: incoming.channel.clone(), dedupe_key: key.clone() };
        let key = incoming.inbox_id.map(TurnKey::Inbox).or_else(|| incoming.dedupe_key.as_ref().map(fresh));
        Self { key, kept: BTreeMap::new(), is_read: false }
    }

    /// The kept answer to that very request.
    fn answer(&self, step: usize, hash: &str) -> Option<ActionResponse> {
        let kept = self.kept.get(&(step as i64)).filter(|kept| kept.request_hash == hash)?;
        serde_json::from_value(kept.response.clone()).ok()
    }
}

/// What was understood and why each action ran, for `--debug`. No text of the
/// user: a log is read by others.
fn tell(done: &Done) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for event in &done.events {
        match &event.body {
            EventBody::User { parse_data, .. } => {
                let intent = sapa_sdk::pii::mask(parse_data.intent.name.as_deref().unwrap_or("-"));
                let entities: Vec<_> = parse_data.entities.iter().map(|entity| entity.entity.as_str()).collect();
                tracing::debug!(%intent, confidence = parse_data.intent.confidence, ?entities, "understood");
            }
            EventBody::Slot { name, .. } => tracing::debug!(slot = %sapa_sdk::pii::mask(name), "a slot was set"),
            _ => {}
        }
    }
    for Decision { action, policy, confidence, cause } in &done.decisions {
        let place = cause.place.as_deref().unwrap_or_default();
        tracing::debug!(action, policy, confidence, why = cause.what, place, "an action ran");
    }
}

fn report(done: Done) -> TurnReport {
    TurnReport {
        messages: done.messages,
        decisions: done.decisions,
        events: done.events,
        warnings: done.warnings,
        repeated: None,
    }
}

fn brings_session_start(events: &[Event]) -> bool {
    let is_start =
        |e: &Event| matches!(&e.body, EventBody::Action { name: Some(name), .. } if name == "action_session_start");
    matches!(events, [first, second, ..] if is_start(first) && matches!(second.body, EventBody::SessionStarted {}))
}

/// What a request asks, without the times in it: the same question again after
/// a crash has the same hash.
fn request_hash(call: &ActionCall) -> String {
    let tracker = &call.request.tracker;
    let mut hash = Sha256::new();
    hash.update(call.name.as_bytes());
    hash.update(serde_json::to_vec(&tracker.slots).unwrap_or_default());
    hash.update(tracker.latest_message.text.as_deref().unwrap_or_default().as_bytes());
    hash.update((tracker.events().len() as u64).to_le_bytes());
    hex(&hash.finalize())
}

/// The same for every attempt at the same step of the same message.
fn idempotency_key(incoming: &Incoming, step: usize) -> String {
    let mut hash = Sha256::new();
    for part in [incoming.channel.as_str(), &incoming.sender_id, identity(incoming)] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.update((step as u64).to_le_bytes());
    hex(&hash.finalize()[..16])
}

/// Chooses among variations: the same message gets the same ones again.
fn seed(incoming: &Incoming) -> u64 {
    let digest = Sha256::digest(format!("{}\0{}", incoming.sender_id, identity(incoming)));
    digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

/// What tells a message from the others of its conversation: its id, or, where no
/// user wrote it, its key.
fn identity(incoming: &Incoming) -> &str {
    match (incoming.message.message_id.as_str(), &incoming.dedupe_key) {
        ("", Some(key)) => key,
        (id, _) => id,
    }
}

fn inbox_message(incoming: &Incoming) -> InboxMessage {
    if let Some(id) = incoming.inbox_id {
        return InboxMessage::Accepted(id);
    }
    InboxMessage::Fresh {
        channel: incoming.channel.clone(),
        dedupe_key: incoming.dedupe_key.clone(),
        // The text stands in the turn's user event; it is not kept twice.
        payload: serde_json::json!({ "message_id": incoming.message.message_id }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
