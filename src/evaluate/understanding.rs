//! How well messages are understood: in-scope accuracy, messages refused that
//! should not be, off-topic messages refused.

use std::collections::BTreeMap;

use sapa_project::nlu::Example;
use sapa_sdk::ParseData;
use serde_json::{Value, json};

/// The fallback's intent (spec §2.4).
const FALLBACK: &str = "nlu_fallback";

/// What a model made of a file of examples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Score {
    /// Examples of intents the bot serves.
    pub in_scope: usize,
    /// Those understood right.
    pub right: usize,
    /// Those refused: fallback or off-topic.
    pub refused: usize,
    /// Off-topic examples.
    pub off_topic: usize,
    /// Those refused: fallback or off-topic.
    pub off_topic_refused: usize,
    /// In-scope examples that were understood as something else: expected,
    /// predicted, how often.
    pub confused: BTreeMap<(String, String), usize>,
    /// In-scope examples sent to the fallback.
    pub fallback: usize,
}

/// Understands every example. `off_topic` names the intent whose examples are to
/// be refused.
pub fn score(examples: &[Example], parse: &dyn Fn(&str) -> ParseData, off_topic: &str) -> Score {
    let mut score = Score::default();
    for example in examples {
        let predicted = parse(&example.text).intent.name.unwrap_or_default();
        let is_refused = predicted == FALLBACK || predicted == off_topic;
        if example.base_intent() == off_topic {
            score.off_topic += 1;
            score.off_topic_refused += usize::from(is_refused);
            continue;
        }
        score.in_scope += 1;
        score.refused += usize::from(is_refused);
        score.fallback += usize::from(predicted == FALLBACK);
        if predicted == example.base_intent() {
            score.right += 1;
        } else {
            *score.confused.entry((example.base_intent().to_owned(), predicted)).or_default() += 1;
        }
    }
    score
}

impl Score {
    /// The figures as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "in_scope": self.in_scope,
            "in_scope_right": self.right,
            "in_scope_to_fallback": self.fallback,
            "in_scope_refused": self.refused,
            "off_topic": self.off_topic,
            "off_topic_refused": self.off_topic_refused,
        })
    }

    /// The figures as a Markdown table, with the confusions.
    pub fn to_markdown(&self) -> String {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        let mut lines = vec![
            "| what | figure |".to_owned(),
            "|---|---|".to_owned(),
            format!(
                "| in scope, right | {} of {} ({:.1} %) |",
                self.right,
                self.in_scope,
                share(self.right, self.in_scope)
            ),
            format!("| in scope, to fallback | {} ({:.1} %) |", self.fallback, share(self.fallback, self.in_scope)),
            format!(
                "| off topic, refused | {} of {} ({:.1} %) |",
                self.off_topic_refused,
                self.off_topic,
                share(self.off_topic_refused, self.off_topic)
            ),
        ];
        let confused = self
            .confused
            .iter()
            .map(|((expected, predicted), count)| format!("| {expected} taken for {predicted} | {count} |"));
        lines.extend(confused);
        lines.join("\n")
    }
}
