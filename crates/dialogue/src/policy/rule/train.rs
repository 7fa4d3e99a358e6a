//! Learning rules (spec §3.4, "Training").

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sapa_project::{ComponentConfig, Diagnostic, Domain, Sources, Span, codes};
use sapa_sdk::EventBody;
use serde_json::Value;

use super::lookup::{Origin, Rule, Unhappy, UnhappyKey};
use super::{Options, RulePolicy};
use crate::policy::RuleOnly;
use crate::state::{LoopState, State, key, python_key_length};
use crate::tracker::Tracker;
use crate::training::{SNIPPET, TrainingDialogue, TrainingEvent, blank};

impl Options {
    fn of(component: &ComponentConfig) -> Self {
        let flag = |name: &str| component.options.get(name).and_then(Value::as_bool);
        Self {
            priority: component.options.get("priority").and_then(Value::as_i64).unwrap_or(4),
            core_fallback_threshold: component
                .options
                .get("core_fallback_threshold")
                .and_then(Value::as_f64)
                .unwrap_or(0.3),
            core_fallback_action_name: component
                .options
                .get("core_fallback_action_name")
                .and_then(Value::as_str)
                .unwrap_or("action_default_fallback")
                .to_owned(),
            enable_fallback_prediction: flag("enable_fallback_prediction").unwrap_or(true),
            restrict_rules: flag("restrict_rules").unwrap_or(true),
            check_for_contradictions: flag("check_for_contradictions").unwrap_or(true),
            use_nlu_confidence_as_score: flag("use_nlu_confidence_as_score").unwrap_or(false),
        }
    }
}

/// A moment of a dialogue at which an action can be learnt.
pub(super) struct Moment<'a> {
    states: Vec<State>,
    pub(super) action: &'a str,
    pub(super) event: &'a TrainingEvent,
}

impl RulePolicy {
    /// Learns rules. Findings: rules with too many user turns, incomplete rules,
    /// rules and stories that contradict each other.
    pub fn train(
        component: &ComponentConfig,
        dialogues: &[TrainingDialogue],
        domain: &Arc<Domain>,
        sources: &Sources,
    ) -> (Self, Vec<Diagnostic>) {
        let options = Options::of(component);
        let (mut findings, blank) = (Vec::new(), &blank(domain));
        if options.restrict_rules {
            findings.extend(dialogues.iter().filter(|d| d.is_rule && d.user_turns > 1).map(too_many_turns));
        }
        findings.extend(super::check::incomplete_rules(dialogues, blank));
        let mut policy = Self {
            rules: learn_rules(dialogues, blank, sources, &mut findings),
            unhappy: learn_unhappy_paths(dialogues, blank),
            rule_only: rule_only(dialogues, blank),
            builtin: BTreeSet::new(),
            builtin_in_stories: BTreeSet::new(),
            options,
            index: std::sync::OnceLock::new(),
        };
        if findings.is_empty() {
            findings.extend(policy.check_against(dialogues, blank));
        }
        (policy, findings)
    }
}

fn too_many_turns(dialogue: &TrainingDialogue) -> Diagnostic {
    let mut finding =
        Diagnostic::error(codes::SEVERAL_USER_TURNS, format!("rule `{}` has more than one user turn", dialogue.name));
    let turns = dialogue.events.iter().filter(|e| matches!(e.event.body, EventBody::User { .. }));
    for (index, turn) in turns.enumerate().skip(1) {
        finding = finding.at(turn.span, format!("user turn {}", index + 1));
    }
    finding.help("write a story for dialogues of several turns, or set `restrict_rules: false` for RulePolicy")
}

/// Walks a dialogue and hands out every moment before an action that is `wanted`,
/// with its last `count` states.
fn moments<'a>(
    dialogue: &'a TrainingDialogue,
    blank: &Tracker,
    count: usize,
    wanted: impl Fn(&Tracker) -> bool,
) -> Vec<Moment<'a>> {
    let mut tracker = blank.clone();
    let mut moments = Vec::new();
    for event in &dialogue.events {
        if let EventBody::Action { name, action_text, .. } = &event.event.body
            && let Some(action) = name.as_deref().or(action_text.as_deref())
            && wanted(&tracker)
        {
            let states = tracker.training_states(count);
            moments.push(Moment { states, action, event });
        }
        tracker.update(event.event.clone());
    }
    moments
}

/// The states after the last `...` (spec §3.4, step 3).
fn cut_at_snippet(states: &[State]) -> &[State] {
    let start = states.iter().rposition(|s| s.prev_action_name() == Some(SNIPPET)).map_or(0, |i| i + 1);
    &states[start..]
}

/// The actions that follow rules' states. States that two rules continue
/// differently are learnt from neither, and reported.
fn learn_rules(
    dialogues: &[TrainingDialogue],
    blank: &Tracker,
    sources: &Sources,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Rule> {
    let mut learnt: BTreeMap<String, Rule> = BTreeMap::new();
    let mut places: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    let mut order = Vec::new();
    let mut ambiguous = BTreeSet::new();
    for dialogue in dialogues.iter().filter(|d| d.is_rule) {
        for moment in moments(dialogue, blank, usize::MAX, |_| true) {
            let states = cut_at_snippet(&moment.states);
            if states.is_empty() || moment.event.unpredictable || moment.action == SNIPPET {
                continue;
            }
            let key = key(states);
            let origin = Origin { name: dialogue.name.clone(), place: sources.place(moment.event.span) };
            match learnt.get_mut(&key) {
                Some(rule) if rule.action != moment.action => {
                    if let Some(first) = places.get(&key).filter(|_| !ambiguous.contains(&key)) {
                        findings.push(super::check::disagreement(*first, &rule.action, dialogue, &moment));
                    }
                    ambiguous.insert(key);
                }
                Some(rule) => rule.origins.push(origin),
                None => {
                    let rule = Rule {
                        states: states.to_vec(),
                        action: moment.action.to_owned(),
                        key_length: python_key_length(states),
                        origins: vec![origin],
                        in_stories: false,
                    };
                    learnt.insert(key.clone(), rule);
                    places.insert(key.clone(), (&dialogue.name, moment.event.span));
                    order.push(key);
                }
            }
        }
    }
    order.into_iter().filter(|key| !ambiguous.contains(key)).filter_map(|key| learnt.remove(&key)).collect()
}

/// From rules and stories: what happened inside a loop's interruptions (spec
/// §3.4, step 4).
fn learn_unhappy_paths(dialogues: &[TrainingDialogue], blank: &Tracker) -> Vec<UnhappyKey> {
    let mut learnt: BTreeMap<String, UnhappyKey> = BTreeMap::new();
    for dialogue in dialogues {
        let in_loop = |tracker: &Tracker| tracker.current().active_loop_name().is_some();
        for moment in moments(dialogue, blank, 2, in_loop) {
            let Some(last) = moment.states.last() else { continue };
            let Some(active_loop) = last.active_loop_name().map(str::to_owned) else { continue };
            let after_listen = last.prev_action_name() == Some("action_listen");
            let condition = match (after_listen, moment.action == active_loop) {
                (true, true) => Unhappy::LoopWasInterrupted,
                (false, false) => Unhappy::DoNotPredictLoop,
                _ => continue,
            };
            if moment.event.unpredictable || moment.action == SNIPPET {
                continue;
            }
            let states = unhappy_states(&moment.states);
            if !states.is_empty() {
                learnt.insert(key(&states), UnhappyKey { states, condition });
            }
        }
    }
    learnt.into_values().collect()
}

/// The last state, and of the one before it only the previous action.
fn unhappy_states(states: &[State]) -> Vec<State> {
    let Some((last, earlier)) = states.split_last() else { return Vec::new() };
    let mut kept = Vec::new();
    if let Some(prev_action) = earlier.last().and_then(|s| s.prev_action.clone()) {
        kept.push(State { prev_action: Some(prev_action), ..State::default() });
    }
    kept.push(last.clone());
    cut_at_snippet(&kept).to_vec()
}

/// Slots and loops that occur in rules and in no story (spec §3.4, step 5).
fn rule_only(dialogues: &[TrainingDialogue], blank: &Tracker) -> RuleOnly {
    let collect = |rules: bool| {
        let mut found = RuleOnly::default();
        for dialogue in dialogues.iter().filter(|d| d.is_rule == rules) {
            for state in dialogue.tracker(blank).training_states(usize::MAX) {
                found.slots.extend(state.slots.keys().cloned());
                if let Some(LoopState::Active(name)) = &state.active_loop {
                    found.loops.insert(name.clone());
                }
            }
        }
        found
    };
    let (rules, stories) = (collect(true), collect(false));
    RuleOnly {
        slots: rules.slots.difference(&stories.slots).cloned().collect(),
        loops: rules.loops.difference(&stories.loops).cloned().collect(),
    }
}
