//! [`Turn`]: what happens from a user message to the next time the bot listens
//! (spec §3.5, "Turn loop").

mod need;
mod scene;

use std::sync::Arc;

use sapa_sdk::{BotMessage, Event, EventBody};
use serde_json::json;

pub use need::{ActionCall, ActionFailure, Decision, Done, Input, Need, NlgCall, Step, UserMessage};
pub use scene::PROTOCOL_VERSION;

pub(crate) use need::{Pending, Replies};
pub(crate) use scene::Scene;

use crate::DialogueModel;
use crate::action::{self, Outcome};
use crate::extraction::{EXTRACT_SLOTS, slot_name};
use crate::policy::Cause;
use crate::policy::ensemble::{Choice, choose};
use crate::tracker::{Tracker, is_loop};

/// Where the turn stands.
enum Phase {
    /// Start a session if there is none, or it has expired.
    Session,
    /// Understand the message and write it down.
    Message,
    /// Fill slots from it.
    Extract,
    /// Choose the next action.
    Decide,
    /// Run the chosen action.
    Act(Box<Choice>),
    /// Nothing is left to do.
    Over,
}

/// One turn of a conversation as a state machine without I/O.
///
/// Begin with [`Input::Start`], answer every [`Need`] with the matching input,
/// and store the events it is [`Step::Done`] with.
pub struct Turn {
    model: Arc<DialogueModel>,
    tracker: Tracker,
    message: Option<UserMessage>,
    output_channel: String,
    metadata: sapa_sdk::JsonMap,
    /// What every event's metadata says: model and assistant.
    stamp: Arc<sapa_sdk::JsonMap>,
    phase: Phase,
    replies: Replies,
    clock: f64,
    seed: u64,
    rejections: usize,
    /// Actions that ran in this turn.
    ran: usize,
    done: Done,
}

impl Turn {
    /// A turn that answers a message. `now` is Unix time in seconds; `seed`
    /// chooses among variations of a response.
    pub fn message(model: Arc<DialogueModel>, tracker: Tracker, message: UserMessage, now: f64, seed: u64) -> Self {
        let (output_channel, metadata) = (message.output_channel.clone(), message.metadata.clone());
        let mut turn = Self::session(model, tracker, &output_channel, now, seed);
        turn.metadata = metadata;
        turn.message = Some(message);
        turn
    }

    /// A turn that answers what no user said: a reminder, an intent from outside.
    /// No session is started for it (spec §3.8); its parse data must be given.
    pub fn external(model: Arc<DialogueModel>, tracker: Tracker, message: UserMessage, now: f64, seed: u64) -> Self {
        let mut turn = Self::message(model, tracker, message, now, seed);
        turn.keep_input_channel();
        turn.phase = Phase::Message;
        turn
    }

    /// A turn that only starts a session where one is due.
    pub fn session(model: Arc<DialogueModel>, tracker: Tracker, output_channel: &str, now: f64, seed: u64) -> Self {
        // A clock that jumped back must not reorder the conversation.
        let clock = tracker.latest_event_time().map_or(now, |last| now.max(last + TICK));
        let mut stamp = sapa_sdk::JsonMap::new();
        stamp.insert("model_id".into(), model.model_id.clone().into());
        stamp.extend(model.assistant_id.iter().map(|id| ("assistant_id".into(), id.clone().into())));
        Self {
            stamp: Arc::new(stamp),
            model,
            tracker,
            message: None,
            output_channel: output_channel.to_owned(),
            metadata: sapa_sdk::JsonMap::new(),
            phase: Phase::Session,
            replies: Replies::default(),
            clock,
            seed,
            rejections: 0,
            ran: 0,
            done: Done::default(),
        }
    }

    /// Has responses written by an NLG server: [`Need::Nlg`] (spec §3.9).
    #[must_use]
    pub fn with_nlg_server(mut self, is_there: bool) -> Self {
        self.replies.asks_nlg = is_there;
        self
    }

    /// The conversation as it is now.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Gives the tracker back, with the turn's events in it.
    pub fn into_tracker(self) -> Tracker {
        self.tracker
    }

    /// Goes on until something is needed or the turn is over.
    pub fn step(&mut self, input: Input) -> Step {
        if !matches!(input, Input::Start) {
            self.replies.give(input);
        }
        while !matches!(self.phase, Phase::Over) {
            self.replies.rewind();
            match self.run_phase() {
                Ok(next) => {
                    self.phase = next;
                    self.done.warnings.extend(self.replies.take_warnings());
                    self.replies.next_phase();
                }
                Err(Pending(need)) => return Step::Need(need),
            }
        }
        Step::Done(Box::new(std::mem::take(&mut self.done)))
    }

    fn run_phase(&mut self) -> Result<Phase, Pending> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Session => self.start_session().inspect_err(|_| self.phase = Phase::Session),
            Phase::Message => self.understand().inspect_err(|_| self.phase = Phase::Message),
            Phase::Extract => self.fill_slots().inspect_err(|_| self.phase = Phase::Extract),
            Phase::Decide => Ok(self.decide()),
            Phase::Act(choice) => match self.act(&choice) {
                Ok(next) => Ok(next),
                Err(pending) => {
                    self.phase = Phase::Act(choice);
                    Err(pending)
                }
            },
            Phase::Over => Ok(Phase::Over),
        }
    }

    /// Spec §3.8.
    fn start_session(&mut self) -> Result<Phase, Pending> {
        let next = if self.message.is_some() { Phase::Message } else { Phase::Over };
        if !self.session_is_due() {
            return Ok(next);
        }
        const SESSION_START: &str = "action_session_start";
        let slot = EventBody::Slot {
            name: "session_started_metadata".to_owned(),
            value: serde_json::Value::Object(self.metadata.clone()),
        };
        let has_metadata = !self.metadata.is_empty();
        let mut before = self.tracker.clone();
        if has_metadata {
            before.update(Event::new(self.clock, slot.clone()));
        }
        let scene = Scene::new(&self.model, &before, &self.output_channel, self.clock, self.seed);
        let outcome = action::run(&scene, SESSION_START, &mut self.replies)?;
        if has_metadata {
            self.log(Event::new(self.clock, slot));
        }
        self.log(Event::new(
            self.clock,
            EventBody::Action {
                name: Some(SESSION_START.to_owned()),
                policy: None,
                confidence: Some(1.0),
                action_text: None,
                hide_rule_turn: false,
            },
        ));
        self.log_outcome(SESSION_START, outcome);
        Ok(next)
    }

    /// No event counts yet, or the last user message is too old (strictly).
    fn session_is_due(&self) -> bool {
        if self.tracker.applied_events().next().is_none() {
            return true;
        }
        let minutes = self.model.domain.session_config.session_expiration_time;
        let last = self.tracker.applied_events().rev().find(|e| matches!(e.body, EventBody::User { .. }));
        minutes > 0.0 && last.is_some_and(|event| (self.clock - event.timestamp) / 60.0 > minutes)
    }

    /// What no user said takes over the conversation's channel, so that actions
    /// still know where the user is (spec §3.8).
    fn keep_input_channel(&mut self) {
        let latest = self.tracker.current().latest_input_channel.clone();
        if let (Some(message), Some(latest)) = (&mut self.message, latest)
            && message.input_channel.is_empty()
        {
            message.input_channel = latest;
        }
    }

    fn understand(&mut self) -> Result<Phase, Pending> {
        let parsed = match &self.message {
            Some(UserMessage { text, parse_data: None, .. }) => Some(self.replies.parse(text)?),
            _ => None,
        };
        let Some(message) = self.message.take() else { return Ok(Phase::Over) };
        let mut parse_data = parsed.or_else(|| message.parse_data.map(|given| *given)).unwrap_or_default();
        self.listen_after_circuit_breaker();
        // What no user said has neither.
        let message_id = Some(message.message_id).filter(|id| !id.is_empty());
        let input_channel = Some(message.input_channel).filter(|channel| !channel.is_empty());
        parse_data.rest.insert("message_id".into(), json!(message_id));
        parse_data.rest.insert("metadata".into(), json!(message.metadata));
        let body =
            EventBody::User { text: Some(message.text), parse_data: Arc::new(parse_data), input_channel, message_id };
        self.log(Event { timestamp: self.clock, metadata: Arc::new(message.metadata), body });
        Ok(Phase::Extract)
    }

    /// In Rasa a conversation whose circuit breaker tripped answers nothing until
    /// its session ends (spec §3.5: no listen is appended). Here the next message
    /// is listened to.
    fn listen_after_circuit_breaker(&mut self) {
        if self.tracker.actions_since_listen() >= self.model.max_predictions {
            self.log(Event::new(self.clock, action::listen()));
        }
    }

    fn fill_slots(&mut self) -> Result<Phase, Pending> {
        let scene = Scene::new(&self.model, &self.tracker, &self.output_channel, self.clock, self.seed);
        // By name: a bot may have an action of its own under it (spec §1.6).
        let outcome = action::run(&scene, EXTRACT_SLOTS, &mut self.replies)?;
        self.log_outcome(EXTRACT_SLOTS, outcome);
        Ok(Phase::Decide)
    }

    fn decide(&mut self) -> Phase {
        let current = self.tracker.current();
        if current.paused {
            return match current.latest_intent() {
                Some("restart") => Phase::Act(Box::new(wake_up())),
                _ => Phase::Over,
            };
        }
        if self.circuit_breaks() {
            return Phase::Over;
        }
        let choice = self
            .followup()
            .unwrap_or_else(|| choose(&self.model.policies, &self.tracker, &self.model.domain, &self.model.rule_only));
        Phase::Act(Box::new(choice))
    }

    /// Whether too many actions ran. Rasa counts them since the bot last listened
    /// (spec §3.5), so an action that returns `action_listen` itself keeps a turn
    /// going for ever; here those of the turn are counted as well.
    fn circuit_breaks(&mut self) -> bool {
        let limit = self.model.max_predictions;
        let since_listen = self.tracker.actions_since_listen() >= limit;
        if !since_listen && self.ran < limit && self.rejections <= limit {
            return false;
        }
        self.done.warnings.push(format!("circuit breaker: {limit} actions ran without listening to the user"));
        // The next message sees this by the count (`listen_after_circuit_breaker`)
        // only where no listening in between began it anew.
        if !since_listen && self.tracker.current().latest_action_name() != Some("action_listen") {
            self.log(Event::new(self.clock, action::listen()));
        }
        true
    }

    /// A follow-up action that the domain knows comes before all policies.
    fn followup(&mut self) -> Option<Choice> {
        let action = self.tracker.current().followup_action.clone()?;
        if !self.model.domain.has_action(&action) {
            self.done.warnings.push(format!("follow-up action `{action}` is not in the domain"));
            return None;
        }
        Some(Choice {
            action,
            policy: "followup_action".to_owned(),
            confidence: 1.0,
            events: Vec::new(),
            is_end_to_end: false,
            hide_rule_turn: false,
            cause: Cause::builtin("follow-up of the action before"),
        })
    }

    fn act(&mut self, choice: &Choice) -> Result<Phase, Pending> {
        let mut scene = Scene::new(&self.model, &self.tracker, &self.output_channel, self.clock, self.seed);
        choice.events.iter().for_each(|body| scene.push(body.clone()));
        let outcome = action::run(&scene, &choice.action, &mut self.replies)?;
        if let Outcome::Rejected = outcome {
            self.rejections += 1;
            self.log_rejection(choice);
            return Ok(Phase::Decide);
        }
        self.done.decisions.push(Decision {
            action: choice.action.clone(),
            policy: choice.policy.clone(),
            confidence: choice.confidence,
            cause: choice.cause.clone(),
        });
        self.ran += 1;
        let failed = matches!(outcome, Outcome::Failed { .. });
        let said_by_user = self.log_action(choice, outcome);
        if matches!(choice.action.as_str(), "action_listen" | "action_session_start") {
            return Ok(Phase::Over);
        }
        if failed && self.form_did_not_begin(&choice.action) {
            return Ok(Phase::Act(Box::new(listen_after(choice))));
        }
        Ok(if said_by_user { Phase::Extract } else { Phase::Decide })
    }

    /// A form that failed before it became active looks to rules like one that has
    /// ended: in Rasa the rule that submits it follows, without any data
    /// (spec §3.5). Where the domain has an apology, the bot listens instead.
    fn form_did_not_begin(&self, action: &str) -> bool {
        let domain = &self.model.domain;
        domain.forms.contains_key(action)
            && domain.responses.contains_key("utter_action_failed")
            && self.tracker.current().active_loop_name() != Some(action)
    }

    fn log_rejection(&mut self, choice: &Choice) {
        let body = EventBody::ActionExecutionRejected {
            name: choice.action.clone(),
            policy: Some(choice.policy.clone()),
            confidence: Some(choice.confidence),
        };
        self.log(Event::new(self.clock, body));
    }

    /// Writes down the policies' events, the action and what it did. Returns
    /// whether the action spoke for the user.
    fn log_action(&mut self, choice: &Choice, outcome: Outcome) -> bool {
        let rejects =
            |events: &[Event]| events.iter().any(|e| matches!(e.body, EventBody::ActionExecutionRejected { .. }));
        let rejected_by_itself = matches!(&outcome, Outcome::Ran(events) if rejects(events));
        if !rejected_by_itself {
            choice.events.iter().for_each(|body| self.log(Event::new(self.clock, body.clone())));
            self.log(action_event(&self.model.domain, choice, self.clock));
        } else {
            self.rejections += 1;
        }
        self.log_outcome(&choice.action, outcome)
    }

    fn log_outcome(&mut self, action: &str, outcome: Outcome) -> bool {
        let events = match outcome {
            Outcome::Ran(events) => events,
            Outcome::Failed { events, reason } => {
                self.done.warnings.push(reason);
                events
            }
            Outcome::Rejected => {
                self.done.warnings.push(format!("action `{action}` was rejected where it must run"));
                Vec::new()
            }
        };
        self.warn_of_unknown_names(action, &events);
        let said_by_user = events.iter().any(|e| matches!(e.body, EventBody::User { .. }));
        events.into_iter().for_each(|event| self.log(event));
        said_by_user
    }

    /// A slot that the domain does not know stays unset, a loop does not begin; the
    /// events are kept.
    fn warn_of_unknown_names(&mut self, action: &str, events: &[Event]) {
        let slots = &self.model.domain.slots;
        let unknown = events.iter().filter_map(slot_name).filter(|name| !slots.contains_key(*name));
        let warnings =
            unknown.map(|name| format!("action `{action}` set the slot `{name}`, which is not in the domain"));
        self.done.warnings.extend(warnings);
        for event in events {
            if let EventBody::ActiveLoop { name: Some(name) } = &event.body
                && !is_loop(name, &self.model.domain)
            {
                let warning = format!("action `{action}` began the loop `{name}`, which is not in the domain");
                self.done.warnings.push(warning);
            }
        }
    }

    /// Appends an event: stamps time, model and assistant on it, and collects
    /// what is to be sent.
    fn log(&mut self, mut event: Event) {
        event.timestamp = self.clock;
        self.clock += TICK;
        if event.metadata.is_empty() {
            event.metadata = Arc::clone(&self.stamp);
        } else {
            Arc::make_mut(&mut event.metadata).extend(self.stamp.iter().map(|(key, id)| (key.clone(), id.clone())));
        }
        if let EventBody::Bot { text, data } = &event.body {
            let metadata = (*event.metadata).clone();
            self.done.messages.push(BotMessage { text: text.clone(), data: (**data).clone(), metadata });
        }
        let event = Arc::new(event);
        self.done.events.push(Arc::clone(&event));
        self.tracker.update_shared(event);
    }
}

/// The listening that follows what a policy chose in vain.
fn listen_after(choice: &Choice) -> Choice {
    Choice {
        action: "action_listen".to_owned(),
        policy: choice.policy.clone(),
        confidence: 1.0,
        events: Vec::new(),
        is_end_to_end: false,
        hide_rule_turn: choice.hide_rule_turn,
        cause: Cause::builtin(format!("`{}` could not begin", choice.action)),
    }
}

/// Only a restart wakes a paused conversation. Its last action need not be
/// `action_listen`, so no policy would predict this.
fn wake_up() -> Choice {
    Choice {
        action: "action_restart".to_owned(),
        policy: "RulePolicy".to_owned(),
        confidence: 1.0,
        events: Vec::new(),
        is_end_to_end: false,
        hide_rule_turn: true,
        cause: Cause::builtin("intent `restart` in a paused conversation"),
    }
}

/// Seconds between two events of a turn: enough to keep their order as `f64`.
const TICK: f64 = 1e-6;

fn action_event(domain: &sapa_project::Domain, choice: &Choice, now: f64) -> Event {
    let is_text = domain.e2e_actions.contains(&choice.action);
    Event::new(
        now,
        EventBody::Action {
            name: (!is_text).then(|| choice.action.clone()),
            policy: Some(choice.policy.clone()),
            confidence: Some(choice.confidence),
            action_text: is_text.then(|| choice.action.clone()),
            hide_rule_turn: choice.hide_rule_turn,
        },
    )
}
