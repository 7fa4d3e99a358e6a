//! Files and lines of an evaluation of understanding.

use anyhow::Result;
use serde_json::Value;

use super::super::results::Results;
use crate::cli::terminal;
use crate::evaluate::chart::{histogram, matrix};
use crate::evaluate::nlu::Evaluation;

/// Writes each evaluation's files and says what it comes to.
pub(super) fn write(results: &Results, evaluations: &[Evaluation]) -> Result<()> {
    for evaluation in evaluations {
        write_one(results, evaluation)?;
        terminal::say(&line(results, evaluation));
    }
    Ok(())
}

/// The files alone: error files only when there are errors (spec §8.3).
pub(super) fn write_one(results: &Results, evaluation: &Evaluation) -> Result<()> {
    let Evaluation { name, title, .. } = evaluation;
    results.json(&format!("{name}_report.json"), &Value::Object(evaluation.confusion.report(true)))?;
    for (part, entries, is_wanted) in [
        ("errors", &evaluation.errors, results.has_errors),
        ("successes", &evaluation.successes, results.has_successes),
    ] {
        if is_wanted && !entries.is_empty() {
            results.json(&format!("{name}_{part}.json"), &Value::Array(entries.clone()))?;
        }
    }
    results.plot(&format!("{name}_confusion_matrix"), || {
        matrix(&format!("{title} confusion matrix"), &evaluation.confusion)
    })?;
    match &evaluation.confidences {
        Some(confidences) => results.plot(&format!("{name}_histogram"), || {
            histogram(&format!("{title} prediction confidence distribution"), confidences)
        }),
        None => Ok(()),
    }
}

fn line(results: &Results, evaluation: &Evaluation) -> String {
    let summary = evaluation.confusion.summary();
    let errors = match evaluation.errors.len() {
        0 => "no errors".to_owned(),
        count if results.has_errors => {
            let file = results.folder().join(format!("{}_errors.json", evaluation.name));
            format!("{count} errors in {}", file.display())
        }
        count => format!("{count} errors"),
    };
    format!(
        "{}: accuracy {:.3}, F1 {:.3}, precision {:.3} (means weighted by support); {errors}",
        evaluation.name, summary.accuracy, summary.weighted.f1, summary.weighted.precision
    )
}
