//! Other learners on the same messages, through the Python script [`SCRIPT`]:
//! it trains and predicts; judging is done here, with the same code as ours.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use sapa_project::nlu::Example;
use sapa_sdk::Entity;
use serde::Deserialize;
use serde_json::{Value, json};

use super::dataset::Dataset;
use crate::evaluate::benchmark::entities;
use crate::evaluate::benchmark::intents::{self, Answer};

const SCRIPT: &str = include_str!("peers.py");

/// A peer's figures.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) name: String,
    /// Why it did not run.
    pub(super) absent: Option<String>,
    pub(super) intents: Option<intents::Score>,
    pub(super) entities: Option<entities::Score>,
    /// Training, wall time.
    pub(super) seconds: f64,
    /// Prediction of all messages in one call, microseconds a message.
    pub(super) micros: f64,
}

/// What the script says about one peer.
#[derive(Deserialize)]
struct Answered {
    name: String,
    #[serde(default)]
    absent: Option<String>,
    /// Label and confidence of each message.
    #[serde(default)]
    intents: Option<Vec<(String, f64)>>,
    /// Name, first character, one past the last, of each message.
    #[serde(default)]
    entities: Option<Vec<Vec<(String, usize, usize)>>>,
    #[serde(default)]
    seconds: f64,
    #[serde(default)]
    micros: f64,
}

/// Which peers are wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// scikit-learn, fastText and sklearn-crfsuite.
    pub(super) libraries: bool,
    /// Rasa's DIET, trained for so many passes.
    pub(super) rasa_epochs: Option<u32>,
}

/// Trains and judges every wanted peer that this Python can import.
///
/// # Errors
/// There is no such Python, or the script broke.
pub(super) fn measure(set: &Dataset, python: &Path, wanted: Wanted) -> Result<Vec<Peer>> {
    let request = json!({
        "train": messages(&set.train.examples), "test": messages(&set.judged),
        "peers": wanted.libraries, "rasa": wanted.rasa_epochs,
    });
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`; name a Python with `--python`", python.display()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(request.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the script of the peers broke; its errors stand above");
    }
    let answers: Vec<Answered> = serde_json::from_slice(&output.stdout).context("the peers' answer is no JSON")?;
    Ok(answers.into_iter().map(|answered| judge(set, answered)).collect())
}

fn messages(examples: &[Example]) -> Vec<Value> {
    let entity = |e: &sapa_project::nlu::EntityAnnotation| json!([e.entity, e.start, e.end]);
    let message = |e: &Example| json!({ "text": e.text, "intent": e.base_intent(), "entities": e.entities.iter().map(entity).collect::<Vec<_>>() });
    examples.iter().map(message).collect()
}

fn judge(set: &Dataset, answered: Answered) -> Peer {
    let known = set.intents();
    let intents = answered.intents.map(|predictions| {
        let answers = set.judged.iter().zip(predictions).map(|(example, (predicted, confidence))| Answer {
            expected: set.label(&known, example.base_intent()).to_owned(),
            predicted: set.label(&known, &predicted).to_owned(),
            confidence,
        });
        intents::score(&answers.collect::<Vec<_>>(), set.learnt_out_of_scope().is_some())
    });
    let entities = answered.entities.map(|found| {
        let mut score = entities::Score::default();
        for (example, found) in set.judged.iter().zip(found) {
            let found: Vec<Entity> = found.into_iter().map(|(entity, start, end)| marked(entity, start, end)).collect();
            score.add(&example.entities, &found);
        }
        score
    });
    Peer {
        name: answered.name,
        absent: answered.absent,
        intents,
        entities,
        seconds: answered.seconds,
        micros: answered.micros,
    }
}

/// An entity of which only name and place are known.
fn marked(entity: String, start: usize, end: usize) -> Entity {
    Entity { start: Some(start), end: Some(end), ..Entity::bare(entity, Value::Null) }
}

impl Peer {
    /// Its figures; shares 0 to 1.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "absent": self.absent,
            "accuracy": self.intents.as_ref().map(|s| s.accuracy),
            "macro_f1": self.intents.as_ref().map(|s| s.macro_f1),
            "in_scope_accuracy": self.intents.as_ref().map(|s| s.in_scope),
            "out_of_scope_recall": self.intents.as_ref().and_then(|s| s.recall),
            "exact_f1": self.entities.map(|s| s.exact_f1()),
            "overlap_f1": self.entities.map(|s| s.overlap_f1()),
            "seconds": self.seconds,
            "predict_micros": self.micros,
        })
    }
}
