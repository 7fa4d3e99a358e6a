//! What a turn asks of the world, and what it is told.

use std::sync::Arc;

use sapa_sdk::{ActionRequest, ActionResponse, BotMessage, Event, JsonMap, ParseData, TrackerState};
use serde::{Deserialize, Serialize};

use crate::policy::Cause;

/// A user message that starts a turn.
#[derive(Clone, Debug, Default)]
pub struct UserMessage {
    /// Its text, trimmed by the channel.
    pub text: String,
    /// Name of the channel it came through.
    pub input_channel: String,
    /// Name of the channel that answers (`collector` for a plain REST post).
    pub output_channel: String,
    /// Id given by the channel or made up by the caller.
    pub message_id: String,
    /// Whatever the channel knows besides.
    pub metadata: JsonMap,
    /// What was understood already; `None` asks for a parse.
    pub parse_data: Option<Box<ParseData>>,
}

/// A custom action to be run by the action server.
#[derive(Clone, Debug)]
pub struct ActionCall {
    /// Its name.
    pub name: String,
    /// Number of this call within the turn: with the message's id, the key that
    /// makes a repeated call recognisable.
    pub step: usize,
    /// The request, without the domain.
    pub request: ActionRequest,
    /// Whether the domain goes along even when domains are sent selectively.
    pub needs_domain: bool,
}

/// A response to be written by the NLG server (spec §3.9, "Callback NLG").
#[derive(Clone, Debug, Serialize)]
pub struct NlgCall {
    /// Name of the response.
    pub response: String,
    /// `id` of its first variation that fits.
    pub id: Option<String>,
    /// What the action fills in.
    pub arguments: JsonMap,
    /// The tracker with all events of the session.
    pub tracker: TrackerState,
    /// The channel that answers.
    pub channel: NlgChannel,
}

/// The channel of an [`NlgCall`].
#[derive(Clone, Debug, Serialize)]
pub struct NlgChannel {
    /// Its name.
    pub name: String,
}

/// Why an action gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionFailure {
    /// It declined to run: HTTP 400 naming the action (spec §4.3).
    Rejected,
    /// Anything else: unreachable, too slow, an error, an unusable answer.
    Failed(String),
}

impl std::fmt::Display for ActionFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected => f.write_str("it declined to run"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// What a turn needs before it can go on.
#[derive(Clone, Debug)]
pub enum Need {
    /// The message understood.
    Parse {
        /// Text of the message.
        text: String,
    },
    /// A custom action run.
    CallAction(Box<ActionCall>),
    /// A response written.
    Nlg(Box<NlgCall>),
}

/// What a turn is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// Begin.
    Start,
    /// The parse asked for.
    Parsed(Box<ParseData>),
    /// The action's answer.
    Action(Box<Result<ActionResponse, ActionFailure>>),
    /// The response as the NLG server wrote it, `None` for no message; or what
    /// went wrong, safe to log.
    Nlg(Result<Option<JsonMap>, String>),
}

/// One decision of a turn, for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// Action that ran.
    pub action: String,
    /// Policy that chose it.
    pub policy: String,
    /// Its confidence.
    pub confidence: f64,
    /// Why.
    pub cause: Cause,
}

/// A turn's result.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// New events in order.
    pub events: Vec<Arc<Event>>,
    /// Messages to send, in order.
    pub messages: Vec<BotMessage>,
    /// Why each action was chosen.
    pub decisions: Vec<Decision>,
    /// What went wrong without ending the turn; safe to log.
    pub warnings: Vec<String>,
}

/// What [`crate::Turn::step`] answers.
#[derive(Clone, Debug)]
pub enum Step {
    /// Something is needed first.
    Need(Need),
    /// The turn is over.
    Done(Box<Done>),
}

/// The phase must wait for this.
#[derive(Debug)]
pub(crate) struct Pending(pub(crate) Need);

/// Answers given in the phase so far. A phase is a function of the tracker and
/// these: when one is missing it stops with [`Pending`] and is run again from its
/// start once the answer is there. That keeps every phase readable from top to
/// bottom and makes a journal of answers enough to continue after a crash.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    given: Vec<Input>,
    used: usize,
    /// Whether responses are written by an NLG server.
    pub(crate) asks_nlg: bool,
    /// Calls of earlier phases of the turn.
    calls_before: usize,
    /// What went wrong in this run of the phase without ending it.
    warnings: Vec<String>,
}

impl Replies {
    /// Starts the phase from its beginning.
    pub(crate) fn rewind(&mut self) {
        self.used = 0;
        self.warnings.clear();
    }

    /// Notes what went wrong; safe to log.
    pub(crate) fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }

    /// What went wrong in the phase that has just ended.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Forgets the answers: the next phase begins.
    pub(crate) fn next_phase(&mut self) {
        self.calls_before += self.given.iter().filter(|i| matches!(i, Input::Action(_))).count();
        self.given.clear();
        self.used = 0;
    }

    pub(crate) fn give(&mut self, input: Input) {
        self.given.push(input);
    }

    /// The next answer, or what to ask for.
    pub(crate) fn action(
        &mut self,
        call: impl FnOnce(usize) -> ActionCall,
    ) -> Result<Result<ActionResponse, ActionFailure>, Pending> {
        let calls = self.given.iter().take(self.used).filter(|i| matches!(i, Input::Action(_))).count();
        let step = self.calls_before + calls;
        match self.given.get(self.used) {
            Some(Input::Action(answer)) => {
                self.used += 1;
                Ok((**answer).clone())
            }
            Some(_) => Ok(Err(ActionFailure::Failed("the answer is not an action's".to_owned()))),
            None => Err(Pending(Need::CallAction(Box::new(call(step))))),
        }
    }

    /// The response as the NLG server wrote it.
    pub(crate) fn nlg(&mut self, call: impl FnOnce() -> NlgCall) -> Result<Result<Option<JsonMap>, String>, Pending> {
        match self.given.get(self.used) {
            Some(Input::Nlg(answer)) => {
                self.used += 1;
                Ok(answer.clone())
            }
            Some(_) => Ok(Err("the answer is not a response".to_owned())),
            None => Err(Pending(Need::Nlg(Box::new(call())))),
        }
    }

    pub(crate) fn parse(&mut self, text: &str) -> Result<ParseData, Pending> {
        match self.given.get_mut(self.used) {
            // Asked for once in a phase and at its very end: it can be handed over.
            Some(Input::Parsed(parse_data)) => {
                self.used += 1;
                Ok(std::mem::take(parse_data))
            }
            _ => Err(Pending(Need::Parse { text: text.to_owned() })),
        }
    }
}
