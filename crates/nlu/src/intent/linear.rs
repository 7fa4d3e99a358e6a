//! Softmax regression over the sentence features of a message:
//! LogisticRegressionClassifier's learner.
//!
//! Raw counts, as Rasa feeds them to its logistic regression, let long messages
//! and frequent n-grams drown the rest. So by default a count `c` becomes
//! `(1 + ln c) * idf`, and the features of each featurizer are scaled to length
//! one: words and character n-grams weigh the same in every message. Deliberate;
//! `weighting: counts` gives Rasa's.

use super::reasons::{FeatureName, Reasons};
use crate::features::selected_featurizers;
use crate::message::Message;
use crate::options::Options;
use crate::sections::{SectionReader, SectionWriter};
use crate::train::{FeatureKind, TrainContext};
use crate::{LoadError, TrainError};
use sapa_learn::sparse::SparseRow;
use sapa_learn::{CsrMatrix, SoftmaxModel, SoftmaxOptions, SoftmaxProblem, Solver, choose_solver, math};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Options of our own that all linear components have.
pub(crate) struct LinearOptions {
    /// Solver's options.
    pub softmax: SoftmaxOptions,
    /// `tf_idf` (default) or `counts`.
    pub weighting: Weighting,
    /// `auto` (default): linfa where its dense form is quick, our own beyond;
    /// `lbfgs` (always our own, same bytes on every machine) or `linfa`.
    solver: &'static str,
}

impl LinearOptions {
    /// Reads them; `c` and `balanced` are the component's defaults.
    pub fn read(options: &Options, c: f64, balanced: bool, threads: usize) -> Result<Self, TrainError> {
        let weighting = match options.choice("weighting", &["tf_idf", "counts"])? {
            "counts" => Weighting::Counts,
            _ => Weighting::TfIdf,
        };
        let balanced = match options.config.options.get("class_weight") {
            None => balanced,
            Some(_) => options.text("class_weight")? == Some("balanced"),
        };
        let c = options.number("C", c)?;
        if !(c > 0.0 && c.is_finite()) {
            return Err(options.bad("C", "a number above 0"));
        }
        let softmax = SoftmaxOptions {
            c,
            max_iter: options.count("max_iter", 100)?,
            tol: options.number("tol", 1e-4)?,
            balanced,
            threads,
        };
        Ok(Self { softmax, weighting, solver: options.choice("solver", &["auto", "lbfgs", "linfa"])? })
    }

    /// linfa fits raw counts wrongly, cannot balance, and takes minutes where
    /// ours takes a second: it is used only where it is right.
    fn solver(&self, problem: &SoftmaxProblem) -> Solver {
        let (n, d) = (problem.features.rows(), problem.features.columns());
        match (self.solver, self.weighting) {
            ("linfa" | "auto", Weighting::TfIdf) => choose_solver(n, d, problem.classes, self.softmax.balanced),
            _ => Solver::Sparse,
        }
    }
}

/// How counts become feature values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weighting {
    /// As they are.
    Counts,
    /// Sublinear term frequency times inverse document frequency, each block of
    /// length one.
    TfIdf,
}

/// The features of one featurizer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Block {
    /// Its number in the pipeline.
    source: usize,
    columns: usize,
    counts: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    labels: Vec<String>,
    blocks: Vec<Block>,
    weighting: Weighting,
}

/// A trained classifier of messages.
pub(crate) struct LinearClassifier {
    stored: Stored,
    /// Inverse document frequency of each feature of all blocks.
    idf: Vec<f32>,
    model: SoftmaxModel,
}

impl LinearClassifier {
    /// Trains on examples `(message, label)`. `None` if there are fewer than two
    /// labels.
    pub fn train(
        options: &Options,
        linear: &LinearOptions,
        examples: &[(usize, &str)],
        context: &TrainContext,
    ) -> Result<Option<Self>, TrainError> {
        let labels: BTreeSet<&str> = examples.iter().map(|(_, label)| *label).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        if labels.len() < 2 {
            return Ok(None);
        }
        let mut blocks = Vec::new();
        for number in selected_featurizers(options, context)? {
            let info = &context.featurizers[number];
            let counts = info.kind == FeatureKind::Counts;
            blocks.push(Block { source: number, columns: info.columns, counts });
        }
        let columns = blocks.iter().map(|block| block.columns).sum();
        let mut classifier = Self {
            stored: Stored {
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
                blocks,
                weighting: linear.weighting,
            },
            idf: vec![1.0; columns],
            model: SoftmaxModel { weights: Vec::new(), intercept: Vec::new() },
        };
        let mut rows: Vec<(SparseRow, Vec<f32>)> = Vec::new();
        rows.resize_with(examples.len(), Default::default);
        let chunk = examples.len().div_ceil(context.threads.max(1));
        sapa_learn::parallel::for_each_chunk(&mut rows, chunk, context.threads, |index, rows| {
            for (row, (message, _)) in rows.iter_mut().zip(&examples[index * chunk..]) {
                row.0 = classifier.raw_features(&context.messages[*message]);
            }
        });
        classifier.idf = inverse_document_frequencies(rows.iter().map(|(row, _)| row), columns);
        let mut features = CsrMatrix::new(columns);
        for (mut row, _) in rows {
            classifier.weigh(&mut row);
            features.push_row(row);
        }
        let number = |label: &str| labels.binary_search(&label).unwrap_or_default() as u32;
        let numbers: Vec<u32> = examples.iter().map(|(_, label)| number(label)).collect();
        let problem = SoftmaxProblem { features: &features, labels: &numbers, classes: labels.len() };
        let trainer = linear.solver(&problem).trainer();
        classifier.model = trainer.train(&problem, &linear.softmax).map_err(|error| {
            let message = format!("{} cannot be trained: {error}", options.config.name);
            TrainError::new(
                sapa_project::codes::SOLVER_FAILED,
                message,
                options.config.span,
                "remove own options such as `C` and `solver`",
            )
        })?;
        Ok(Some(classifier))
    }

    /// Labels and probabilities, best first; ties in label order.
    pub fn rank(&self, message: &Message) -> Vec<(&str, f64)> {
        let mut features = self.raw_features(message);
        self.weigh(&mut features);
        let probabilities = self.model.probabilities(features);
        let mut ranking: Vec<(&str, f32)> = self.stored.labels.iter().map(String::as_str).zip(probabilities).collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranking.into_iter().map(|(label, probability)| (label, f64::from(probability))).collect()
    }

    /// What speaks for the best label against the second; `None` when there is
    /// nothing to choose between.
    pub fn explain(&self, message: &Message) -> Option<Reasons> {
        let ranking = self.rank(message);
        let [(first, sure), (second, less)] = ranking.get(..2)?.try_into().ok()?;
        let class = |label: &str| self.stored.labels.iter().position(|known| known == label);
        let mut row = self.raw_features(message);
        self.weigh(&mut row);
        let (shares, constant) = self.model.shares(&row, [class(first)?, class(second)?]);
        let features = row.iter().zip(shares).map(|(&(column, _), share)| (self.place(column), share)).collect();
        Some(Reasons { intents: [(first.to_owned(), sure), (second.to_owned(), less)], features, constant })
    }

    /// The featurizer that a column comes from, and the column there.
    fn place(&self, column: u32) -> FeatureName {
        let mut first = 0;
        for block in &self.stored.blocks {
            let end = first + block.columns as u32;
            if column < end {
                return FeatureName::Of(block.source, column - first);
            }
            first = end;
        }
        FeatureName::Known(format!("feature {column}"))
    }

    /// Counts and flags of all blocks, side by side.
    fn raw_features(&self, message: &Message) -> SparseRow {
        let mut row = SparseRow::new();
        let mut offset = 0;
        for block in &self.stored.blocks {
            let shift = |(column, value): (u32, f32)| (column + offset, value);
            row.extend(message.blocks.get(block.source).into_iter().flatten().copied().map(shift));
            offset += block.columns as u32;
        }
        row
    }

    /// Turns counts into feature values.
    fn weigh(&self, row: &mut SparseRow) {
        if self.stored.weighting == Weighting::Counts {
            return;
        }
        let mut rest = row.as_mut_slice();
        let mut end = 0;
        for block in &self.stored.blocks {
            end += block.columns as u32;
            let (part, others) = rest.split_at_mut(rest.partition_point(|&(column, _)| column < end));
            rest = others;
            if !block.counts {
                continue;
            }
            let mut squares = 0.0_f32;
            for (column, value) in part.iter_mut() {
                let idf = self.idf.get(*column as usize).copied().unwrap_or(1.0);
                *value = if *value > 1.0 { 1.0 + math::lnf(*value) } else { *value } * idf;
                squares += *value * *value;
            }
            let scale = if squares > 0.0 { 1.0 / squares.sqrt() } else { 1.0 };
            part.iter_mut().for_each(|(_, value)| *value *= scale);
        }
    }

    /// Writes everything.
    pub fn save(&self, writer: &mut SectionWriter) {
        writer.json("linear", &self.stored);
        writer.floats("idf", &self.idf);
        writer.floats("weights", &self.model.weights);
        writer.floats("intercept", &self.model.intercept);
    }

    /// Reads what [`LinearClassifier::save`] wrote.
    pub fn load(reader: &SectionReader) -> Result<Self, LoadError> {
        let stored: Stored = reader.json("linear")?;
        let sum = stored.blocks.iter().try_fold(0_usize, |sum, block| sum.checked_add(block.columns));
        let columns = sum.filter(|columns| *columns < u32::MAX as usize).ok_or_else(|| reader.malformed("linear"))?;
        let classes = stored.labels.len();
        let weights = columns.checked_mul(classes).ok_or_else(|| reader.malformed("linear"))?;
        Ok(Self {
            idf: reader.floats("idf", columns)?,
            model: SoftmaxModel {
                weights: reader.floats("weights", weights)?,
                intercept: reader.floats("intercept", classes)?,
            },
            stored,
        })
    }
}

/// `ln((1 + n) / (1 + df)) + 1` of each feature.
fn inverse_document_frequencies<'a>(rows: impl Iterator<Item = &'a SparseRow>, columns: usize) -> Vec<f32> {
    let mut frequencies = vec![0_u32; columns];
    let mut messages = 0_u32;
    for row in rows {
        messages += 1;
        for &(column, _) in row {
            if let Some(frequency) = frequencies.get_mut(column as usize) {
                *frequency += 1;
            }
        }
    }
    let n = f64::from(messages) + 1.0;
    frequencies.into_iter().map(|df| (math::ln(n / (f64::from(df) + 1.0)) + 1.0) as f32).collect()
}
