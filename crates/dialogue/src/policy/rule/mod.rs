//! RulePolicy (spec §3.4).

mod check;
mod lookup;
mod matching;
mod train;

use sapa_project::ComponentConfig;
use sapa_sdk::EventBody;
use serde::{Deserialize, Serialize};

use super::{Cause, Kind, LoadError, Policy, Prediction, RuleOnly, Saved, TrainContext};
use crate::Tracker;
use crate::state::State;

use lookup::{Index, Rule, Unhappy, UnhappyKey};
use matching::Seen;

/// Intents that run a default action, whatever the stories say.
const DEFAULT_ACTION_OF_INTENT: [(&str, &str); 3] =
    [("restart", "action_restart"), ("back", "action_back"), ("session_start", "action_session_start")];

/// Options of the component (spec §3.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Priority in the ensemble.
    pub priority: i64,
    /// Confidence of the fallback prediction.
    pub core_fallback_threshold: f64,
    /// Action of the fallback prediction.
    pub core_fallback_action_name: String,
    /// Whether there is a fallback prediction.
    pub enable_fallback_prediction: bool,
    /// At most one user turn a rule.
    pub restrict_rules: bool,
    /// Whether contradictions are looked for.
    pub check_for_contradictions: bool,
    /// Whether the confidence is NLU's.
    pub use_nlu_confidence_as_score: bool,
}

/// Follows rules word for word.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RulePolicy {
    options: Options,
    rules: Vec<Rule>,
    unhappy: Vec<UnhappyKey>,
    rule_only: RuleOnly,
    /// Built-in behaviours that are known from rules, default intents and the domain's
    /// forms.
    builtin: std::collections::BTreeSet<String>,
    /// Built-in behaviours that a story needs: their turns are not hidden.
    builtin_in_stories: std::collections::BTreeSet<String>,
    #[serde(skip)]
    index: std::sync::OnceLock<Index>,
}

/// What decided a rule prediction.
#[derive(Clone, Debug, PartialEq)]
enum Source {
    /// A rule, by its index.
    Rule(usize),
    /// A default intent or the loop's happy path, by name.
    Builtin(String),
    /// Nothing: the fallback.
    Fallback,
}

/// The policy's answer before it is dressed up as a [`Prediction`].
struct Found {
    action: String,
    source: Source,
    is_no_user: bool,
    is_end_to_end: bool,
}

/// The registry's line.
pub const RULE: Kind = Kind { name: "RulePolicy", train: train_in, load };

/// Trains, and tells the policies after it what only rules use.
fn train_in(component: &ComponentConfig, context: &mut TrainContext<'_>) -> Box<dyn Policy> {
    let (policy, findings) = RulePolicy::train(component, context.dialogues, context.domain, context.sources);
    context.findings.extend(findings);
    context.rule_only = policy.rule_only.clone();
    Box::new(policy)
}

fn load(saved: Saved) -> Result<Box<dyn Policy>, LoadError> {
    Ok(Box::new(serde_json::from_slice::<RulePolicy>(&saved.json)?))
}

impl Policy for RulePolicy {
    /// The first that applies, in the spec's order.
    fn predict(&self, tracker: &Tracker, _: &RuleOnly) -> Prediction {
        let (found, returns) = self.find_with_return(tracker);
        let mut prediction = self.dress(tracker, found);
        if returns {
            prediction.mandatory_events.push(EventBody::LoopInterrupted { is_interrupted: true });
        }
        prediction
    }

    fn save(&self) -> Saved {
        Saved { json: serde_json::to_vec(self).unwrap_or_default(), floats: Vec::new() }
    }
}

impl RulePolicy {
    /// What is found, and whether the conversation comes back to a loop from an
    /// interruption: that counts whichever policy takes it there.
    fn find_with_return(&self, tracker: &Tracker) -> (Option<Found>, bool) {
        let current = tracker.current();
        let listened = current.latest_action_name() == Some("action_listen");
        let window: Vec<_> = tracker.recent_states(Some(self.index().longest + 1));
        let from_text = if listened && self.index().has_text_rules {
            self.find_by_rules(tracker, &seen(&window, Seen::by_text), true)
        } else {
            (None, false)
        };
        if from_text.0.is_none()
            && listened
            && let Some(action) = current.latest_intent().and_then(default_action)
        {
            let what = intent_source(current.latest_intent().unwrap_or_default());
            return (Some(Found::builtin(action, what, false)), false);
        }
        if let Some(found) = happy_path(tracker) {
            return (Some(found), false);
        }
        if from_text.0.is_some() {
            return from_text;
        }
        let newest = if listened { Seen::by_intent } else { Seen::decided };
        self.find_by_rules(tracker, &seen(&window, newest), false)
    }

    fn find(&self, tracker: &Tracker) -> Option<Found> {
        self.find_with_return(tracker).0
    }

    /// The longest matching rule, and how it reads inside a loop.
    fn find_by_rules(&self, tracker: &Tracker, states: &[Seen<'_>], is_end_to_end: bool) -> (Option<Found>, bool) {
        let best = self.longest_match(states, is_end_to_end);
        let mut action = best.map(|index| self.rules[index].action.clone());
        let mut returns = false;
        if let Some(active_loop) = tracker.current().active_loop_name() {
            let unhappy = self.unhappy_conditions(states);
            let general_listen = action.as_deref() == Some("action_listen")
                && best.is_some_and(|i| self.rules[i].states.last().is_some_and(|s| s.active_loop_name().is_none()));
            if general_listen {
                let stay_out = unhappy.contains(&Unhappy::DoNotPredictLoop);
                action = if stay_out { None } else { Some(active_loop.to_owned()) };
            }
            returns = unhappy.contains(&Unhappy::LoopWasInterrupted);
        }
        let source = best.map_or(Source::Fallback, Source::Rule);
        (action.map(|action| Found { action, source, is_no_user: false, is_end_to_end }), returns)
    }

    fn dress(&self, tracker: &Tracker, found: Option<Found>) -> Prediction {
        let mut prediction =
            Prediction { policy: "RulePolicy".to_owned(), priority: self.options.priority, ..Prediction::default() };
        if self.options.enable_fallback_prediction {
            let fallback = self.options.core_fallback_action_name.clone();
            prediction.probabilities.push((fallback, self.options.core_fallback_threshold));
            prediction.cause.what = "fallback: no rule or story applies".to_owned();
        }
        let Some(found) = found else { return prediction };
        let confidence = if self.options.use_nlu_confidence_as_score {
            tracker.current().latest_message.as_ref().map_or(1.0, |m| m.parse_data.intent.confidence)
        } else {
            1.0
        };
        prediction.probabilities.retain(|(action, _)| *action != found.action);
        prediction.probabilities.push((found.action.clone(), confidence));
        prediction.is_no_user = found.is_no_user;
        prediction.is_end_to_end = found.is_end_to_end;
        (prediction.hide_rule_turn, prediction.cause) = match found.source {
            Source::Rule(index) => {
                let rule = &self.rules[index];
                let name = rule.origins.first().map_or("?", |o| &o.name);
                let is_its_own = rule.action == found.action;
                let what =
                    if is_its_own { format!("rule `{name}`") } else { format!("the form goes on after rule `{name}`") };
                let mut places = rule.origins.iter().map(|origin| origin.place.clone());
                (!rule.in_stories, Cause { what, place: places.next(), also: places.collect(), reach: None })
            }
            // What no rule, default intent or form of the domain leads to is never hidden.
            Source::Builtin(what) => {
                (self.builtin.contains(&what) && !self.builtin_in_stories.contains(&what), Cause::builtin(what))
            }
            Source::Fallback => (false, prediction.cause),
        };
        prediction
    }
}

impl Found {
    fn builtin(action: &str, what: String, is_no_user: bool) -> Self {
        Self { action: action.to_owned(), source: Source::Builtin(what), is_no_user, is_end_to_end: false }
    }
}

/// States as rules see them: the newest is read so, the others as was decided.
fn seen<'a>(window: &'a [std::sync::Arc<State>], newest: fn(&'a State) -> Seen<'a>) -> Vec<Seen<'a>> {
    let Some((last, earlier)) = window.split_last() else { return Vec::new() };
    earlier.iter().map(|state| Seen::decided(state)).chain([newest(last)]).collect()
}

fn intent_source(intent: &str) -> String {
    format!("intent `{intent}`")
}

fn default_action(intent: &str) -> Option<&'static str> {
    DEFAULT_ACTION_OF_INTENT.iter().find(|(name, _)| *name == intent).map(|(_, action)| *action)
}

/// While a loop is active and did not reject, it runs, and then listens
/// (spec §3.4, prediction step 2).
fn happy_path(tracker: &Tracker) -> Option<Found> {
    let current = tracker.current();
    current.active_loop_name()?;
    let active = current.active_loop.as_ref().filter(|active| !active.rejected)?;
    let last = current.latest_action.as_ref()?;
    let ran = matches!(last, crate::tracker::LatestAction::Name(name) if *name == active.name);
    let action = if ran { "action_listen" } else { active.name.as_str() };
    Some(Found::builtin(action, happy_source(&active.name, ran), true))
}

/// What a loop's run, and the listening after it, are told from others by: whether a
/// story needs them is decided for each (rule_policy.py, `LOOP_RULES`).
fn happy_source(name: &str, listens: bool) -> String {
    if listens { format!("active loop `{name}`, which has run") } else { format!("active loop `{name}`") }
}
