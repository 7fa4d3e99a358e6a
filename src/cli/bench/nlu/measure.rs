//! A pipeline trained on a data set, judged and timed.

use std::time::Instant;

use anyhow::Result;
use sapa_learn::Container;
use sapa_nlu::NluModel;
use sapa_project::nlu::Example;
use sapa_project::{Config, Domain};
use serde_json::{Value, json};

use super::dataset::Dataset;
use crate::cli::bench::process;
use crate::evaluate::benchmark::entities;
use crate::evaluate::benchmark::intents::{self, Answer};

/// How to train.
pub(super) struct Options<'a> {
    pub(super) config: &'a Config,
    pub(super) threads: usize,
    pub(super) intents_only: bool,
}

/// What a training cost and left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trained {
    /// Wall time.
    pub(super) seconds: f64,
    /// Most memory meanwhile, MiB; what was there before included.
    pub(super) peak: Option<f64>,
    /// Size of the model file.
    pub(super) bytes: usize,
}

/// Everything measured on one set.
pub(super) struct Figures {
    pub(super) examples: usize,
    pub(super) labels: usize,
    pub(super) intents: intents::Score,
    /// Without entities.
    pub(super) trained: Trained,
    /// With entities, where there are any.
    pub(super) entities: Option<(entities::Score, Trained)>,
    /// Median and 99th percentile of one parse on one thread, microseconds; with
    /// entities, where there are any.
    pub(super) parse: (f64, f64),
}

/// Trains, judges and times.
///
/// # Errors
/// The pipeline cannot be trained.
pub(super) fn measure(set: &Dataset, options: &Options<'_>) -> Result<Figures> {
    let config = &told_out_of_scope(options.config, set);
    let (mut model, trained) = train(set, &without_entities(config), options.threads)?;
    let has_entities = set.judged.iter().any(|example| !example.entities.is_empty());
    let entities = if has_entities && !options.intents_only {
        let (whole, trained) = train(set, config, options.threads)?;
        let mut score = entities::Score::default();
        set.judged.iter().for_each(|example| score.add(&example.entities, &whole.parse(&example.text).entities));
        model = whole;
        Some((score, trained))
    } else {
        None
    };
    let answers = answers(set, &model);
    let intents = intents::score(&answers, set.learnt_out_of_scope().is_some());
    let parse = parse_times(set, &model);
    Ok(Figures { examples: set.train.examples.len(), labels: set.intents().len(), intents, trained, entities, parse })
}

fn answers(set: &Dataset, model: &NluModel) -> Vec<Answer> {
    let known = set.intents();
    let answer = |example: &Example| {
        let intent = model.parse(&example.text).intent;
        Answer {
            expected: set.label(&known, example.base_intent()).to_owned(),
            predicted: set.label(&known, &intent.name.unwrap_or_default()).to_owned(),
            confidence: intent.confidence,
        }
    };
    set.judged.iter().map(answer).collect()
}

fn train(set: &Dataset, config: &Config, threads: usize) -> Result<(NluModel, Trained)> {
    process::forget_peak_memory();
    let started = Instant::now();
    let (model, _) = NluModel::train(config, &set.train, &Domain::default(), threads, &mut |_| {})?;
    let (seconds, peak) = (started.elapsed().as_secs_f64(), process::peak_memory());
    let mut container = Container::new(json!({}));
    model.to_sections().into_iter().for_each(|(name, bytes)| container.add(name, bytes));
    // Judged is what a server would load, not what training left in memory.
    let bytes = container.to_bytes();
    let container = Container::from_bytes(&bytes)?;
    let model = NluModel::from_sections(&|name| container.section(name))?;
    Ok((model, Trained { seconds, peak, bytes: bytes.len() }))
}

/// The same pipeline, told what the data calls messages out of scope, as whoever
/// writes a `config.yml` knows it.
fn told_out_of_scope(config: &Config, set: &Dataset) -> Config {
    let mut config = config.clone();
    let learners = config.pipeline.iter_mut().filter(|component| component.name == "DIETClassifier");
    for (learner, label) in learners.zip(set.learnt_out_of_scope()) {
        learner.options.entry("out_of_scope_intent").or_insert_with(|| json!(label));
    }
    config
}

/// The same pipeline with DIETClassifier's entities switched off and without
/// extractors.
fn without_entities(config: &Config) -> Config {
    let mut config = config.clone();
    config.pipeline.retain(|component| !component.name.contains("Extractor"));
    for component in config.pipeline.iter_mut().filter(|component| component.name == "DIETClassifier") {
        component.options.insert("entity_recognition".to_owned(), json!(false));
    }
    config
}

/// Each message once, after a round to warm up.
fn parse_times(set: &Dataset, model: &NluModel) -> (f64, f64) {
    let mut micros = Vec::with_capacity(set.judged.len());
    for round in 0..2 {
        for example in &set.judged {
            let started = Instant::now();
            std::hint::black_box(model.parse(&example.text));
            if round == 1 {
                micros.push(started.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    let median = process::median(&mut micros);
    (median, micros.get(micros.len() * 99 / 100).copied().unwrap_or(0.0))
}

impl Figures {
    /// All figures; shares 0 to 1.
    pub(super) fn to_json(&self, set: &str) -> Value {
        let trained = |t: &Trained| json!({ "seconds": t.seconds, "peak_mib": t.peak, "model_bytes": t.bytes });
        json!({
            "set": set,
            "examples": self.examples,
            "labels": self.labels,
            "messages": self.intents.messages,
            "accuracy": self.intents.accuracy,
            "macro_f1": self.intents.macro_f1,
            "in_scope_accuracy": self.intents.in_scope,
            "out_of_scope_recall": self.intents.recall,
            "out_of_scope_precision": self.intents.precision,
            "best_correlation": self.intents.correlation.map(|(value, at)| json!({ "value": value, "threshold": at })),
            "intents": trained(&self.trained),
            "entities": self.entities.as_ref().map(|(score, cost)| json!({
                "annotated": score.annotated,
                "exact_f1": score.exact_f1(),
                "overlap_f1": score.overlap_f1(),
                "training": trained(cost),
            })),
            "parse_micros": { "median": self.parse.0, "p99": self.parse.1 },
        })
    }
}
