//! A conversation for tests: messages are `intent` or `intent{json}`, custom
//! actions are answered by a closure.

use std::sync::Arc;

use sapa_dialogue::{
    ActionCall, ActionFailure, DialogueModel, Done, Input, Need, NlgCall, Step, Tracker, Turn, UserMessage,
};
use sapa_project::{Diagnostic, FileRole, Loaded, ProjectFile, load};
use sapa_sdk::{ActionResponse, Entity, Event, EventBody, IntentPrediction, JsonMap, ParseData};
use serde_json::{Value, json};

pub const CONFIG: &str = "recipe: default.v1\nassistant_id: test\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\n\
    policies:\n- name: MemoizationPolicy\n- name: RulePolicy\n";

/// Loads a project; `data` holds stories, rules and NLU data.
pub fn project(domain: &str, data: &str) -> Loaded {
    project_with(CONFIG, domain, data)
}

/// The same with other policies than [`CONFIG`]'s.
pub fn project_with_policies(policies: &str, domain: &str, data: &str) -> Loaded {
    let config = CONFIG.split("policies:").next().unwrap();
    project_with(&format!("{config}policies: {policies}\n"), domain, data)
}

fn project_with(config: &str, domain: &str, data: &str) -> Loaded {
    let file = |path: &str, text: &str, role| ProjectFile { path: path.into(), bytes: text.as_bytes().to_vec(), role };
    load(
        vec![
            file("config.yml", config, FileRole::Config),
            file("domain.yml", domain, FileRole::Domain),
            file("data/all.yml", data, FileRole::Data),
        ],
        &|_| None,
    )
}

/// What learning finds in a project.
pub fn findings(domain: &str, data: &str) -> Vec<Diagnostic> {
    DialogueModel::train(&project(domain, data).project, 1).1
}

type Nlg = Box<dyn FnMut(&NlgCall) -> Result<Option<JsonMap>, String>>;
type Server = Box<dyn FnMut(&ActionCall) -> Result<ActionResponse, ActionFailure>>;

pub struct Chat {
    pub model: Arc<DialogueModel>,
    pub tracker: Tracker,
    pub calls: Vec<ActionCall>,
    server: Server,
    nlg: Nlg,
    has_nlg: bool,
    now: f64,
}

impl Chat {
    /// A conversation with a bot whose data must be free of errors.
    pub fn new(domain: &str, data: &str) -> Self {
        Self::with_policies("[{name: MemoizationPolicy}, {name: RulePolicy}]", domain, data)
    }

    /// The same with other policies.
    pub fn with_policies(policies: &str, domain: &str, data: &str) -> Self {
        let loaded = project_with_policies(policies, domain, data);
        let errors: Vec<_> =
            loaded.diagnostics.iter().filter(|d| d.severity == sapa_project::Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let (model, found) = DialogueModel::train(&loaded.project, 1);
        assert!(found.is_empty(), "{found:#?}");
        let model = Arc::new(model);
        let tracker = Tracker::new("u1", Arc::clone(&model.domain));
        let server: Server = Box::new(|_| Err(ActionFailure::Failed("no action server".into())));
        let nlg: Nlg = Box::new(|_| Err("no NLG server".into()));
        Self { model, tracker, calls: Vec::new(), server, nlg, has_nlg: false, now: 1_000.0 }
    }

    /// Has responses written by this.
    pub fn write(mut self, nlg: impl FnMut(&NlgCall) -> Result<Option<JsonMap>, String> + 'static) -> Self {
        (self.nlg, self.has_nlg) = (Box::new(nlg), true);
        self
    }

    /// Answers custom actions.
    pub fn serve(mut self, server: impl FnMut(&ActionCall) -> Result<ActionResponse, ActionFailure> + 'static) -> Self {
        self.server = Box::new(server);
        self
    }

    /// Lets time pass, in minutes.
    pub fn wait(&mut self, minutes: f64) {
        self.now += minutes * 60.0;
    }

    /// One turn; returns the turn's result.
    pub fn turn(&mut self, message: &str) -> Done {
        self.turn_with(message, serde_json::Map::new())
    }

    pub fn turn_with(&mut self, message: &str, metadata: serde_json::Map<String, Value>) -> Done {
        self.now += 1.0;
        let message = UserMessage {
            text: message.to_owned(),
            input_channel: "rest".into(),
            output_channel: "collector".into(),
            message_id: "m".into(),
            metadata,
            parse_data: None,
        };
        let mut turn = Turn::message(Arc::clone(&self.model), self.tracker.clone(), message, self.now, 0)
            .with_nlg_server(self.has_nlg);
        let mut input = Input::Start;
        let done = loop {
            input = match turn.step(input) {
                Step::Done(done) => break *done,
                Step::Need(Need::Parse { text }) => Input::Parsed(Box::new(understood(&text))),
                Step::Need(Need::Nlg(call)) => Input::Nlg((self.nlg)(&call)),
                Step::Need(Need::CallAction(call)) => {
                    let answer = (self.server)(&call);
                    self.calls.push(*call);
                    Input::Action(Box::new(answer))
                }
            };
        };
        self.tracker = turn.into_tracker();
        done
    }

    /// One turn; returns the texts the bot said.
    pub fn say(&mut self, message: &str) -> Vec<String> {
        self.turn(message).messages.iter().map(|m| m.text.clone().unwrap_or_default()).collect()
    }

    /// One turn; returns its events in short: `user`, `action x`, `slot a=1`, …
    pub fn events(&mut self, message: &str) -> Vec<String> {
        self.turn(message).events.iter().map(|e| short(e)).collect()
    }

    pub fn slot(&self, name: &str) -> Value {
        self.tracker.current().slot(name).clone()
    }

    pub fn active_loop(&self) -> Option<String> {
        self.tracker.current().active_loop_name().map(str::to_owned)
    }
}

/// `intent{"entity": value}`; a text with a blank names no intent, unless it is
/// `intent|text`.
fn understood(text: &str) -> ParseData {
    if let Some((intent, _)) = text.split_once('|') {
        let intent = IntentPrediction::new(intent, 1.0);
        return ParseData { text: Some(text.to_owned()), intent, ..ParseData::default() };
    }
    if text.split('{').next().is_some_and(|intent| intent.contains(' ')) {
        return ParseData { text: Some(text.to_owned()), ..ParseData::default() };
    }
    let (intent, entities) = match text.find('{') {
        Some(at) => (&text[..at], serde_json::from_str::<Value>(&text[at..]).unwrap()),
        None => (text, json!({})),
    };
    let entities = entities.as_object().unwrap().iter().map(|(name, value)| Entity::bare(name, value.clone()));
    ParseData {
        text: Some(text.to_owned()),
        intent: IntentPrediction::new(intent, 1.0),
        entities: entities.collect(),
        ..ParseData::default()
    }
}

pub fn short(event: &Event) -> String {
    match &event.body {
        EventBody::Action { name, action_text, .. } => {
            format!("action {}", name.as_ref().or(action_text.as_ref()).map_or("-", String::as_str))
        }
        EventBody::Slot { name, value } => format!("slot {name}={value}"),
        EventBody::ActiveLoop { name } => format!("loop {}", name.as_deref().unwrap_or("-")),
        EventBody::Bot { text, .. } => format!("bot {}", text.as_deref().unwrap_or("-")),
        EventBody::ActionExecutionRejected { name, .. } => format!("rejected {name}"),
        _ => event.type_name().to_owned(),
    }
}

/// An action's answer of these events.
pub fn answer(events: Value) -> Result<ActionResponse, ActionFailure> {
    Ok(serde_json::from_value(json!({ "events": events, "responses": [] })).unwrap())
}
