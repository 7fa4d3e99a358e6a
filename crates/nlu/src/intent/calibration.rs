//! Confidences that say how often they are right (Guo et al. 2017, "On
//! Calibration of Modern Neural Networks": temperature scaling). The temperature
//! is the one that makes messages left out of training likeliest.

use sapa_learn::{CsrMatrix, SoftmaxError, SoftmaxModel, SoftmaxOptions, SoftmaxProblem, SoftmaxTrainer, math};

/// Parts the examples are cut into; each is left out once.
const FOLDS: usize = 5;
/// With more examples than this, one left-out part says enough.
const MANY: usize = 400;
/// Temperatures that are tried, as powers of this.
const STEP: f64 = 0.95;
/// About 0.1 to 3.
const STEPS: std::ops::RangeInclusive<i32> = -21..=45;

/// The model with its scores divided by the temperature, and then multiplied by
/// `sharpness`: 1 for confidences that say how often they are right.
///
/// # Errors
/// What the trainer gives.
pub(super) fn calibrate(
    mut model: SoftmaxModel,
    problem: &SoftmaxProblem,
    trainer: &dyn SoftmaxTrainer,
    options: &SoftmaxOptions,
    sharpness: f32,
) -> Result<SoftmaxModel, SoftmaxError> {
    let scale = sharpness / temperature(&left_out_scores(problem, trainer, options)?);
    model.weights.iter_mut().chain(&mut model.intercept).for_each(|weight| *weight *= scale);
    Ok(model)
}

/// Scores of examples by models that did not learn them, with their labels.
fn left_out_scores(
    problem: &SoftmaxProblem,
    trainer: &dyn SoftmaxTrainer,
    options: &SoftmaxOptions,
) -> Result<Vec<(Vec<f32>, u32)>, SoftmaxError> {
    let folds = folds(problem);
    let tried = if problem.labels.len() > MANY { 1 } else { FOLDS };
    let mut scores = Vec::new();
    for fold in 0..tried {
        let mut features = CsrMatrix::new(problem.features.columns());
        let mut labels = Vec::new();
        let learnt = |row: usize| folds[row] != Some(fold);
        for row in (0..problem.labels.len()).filter(|row| learnt(*row)) {
            features.push_row(entries(problem, row));
            labels.push(problem.labels[row]);
        }
        let rest = SoftmaxProblem { features: &features, labels: &labels, classes: problem.classes };
        let model = trainer.train(&rest, options)?;
        for row in (0..problem.labels.len()).filter(|row| !learnt(*row)) {
            scores.push((model.scores(entries(problem, row)), problem.labels[row]));
        }
    }
    Ok(scores)
}

fn entries<'a>(problem: &'a SoftmaxProblem, row: usize) -> impl Iterator<Item = (u32, f32)> + 'a {
    let (columns, values) = problem.features.row(row);
    columns.iter().copied().zip(values.iter().copied())
}

/// The part of each example: every class is dealt out in turn. The first example
/// of a class is always learnt, so that no class is empty.
fn folds(problem: &SoftmaxProblem) -> Vec<Option<usize>> {
    let mut seen = vec![0_usize; problem.classes];
    let deal = |&label: &u32| {
        let seen = &mut seen[label as usize];
        *seen += 1;
        // Classes start at different parts, so that small ones do not all leave
        // the same one out.
        (*seen > 1).then_some((*seen + label as usize) % FOLDS)
    };
    problem.labels.iter().map(deal).collect()
}

/// The temperature with the smallest mean loss; 1 when nothing was left out.
fn temperature(scores: &[(Vec<f32>, u32)]) -> f32 {
    if scores.is_empty() {
        return 1.0;
    }
    let candidates = STEPS.map(|power| math::pow(STEP, f64::from(power)) as f32);
    let best = candidates.map(|t| (loss(scores, t), t)).min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(1.0, |(_, temperature)| temperature)
}

fn loss(scores: &[(Vec<f32>, u32)], temperature: f32) -> f64 {
    let one = |(scores, label): &(Vec<f32>, u32)| {
        let scaled: Vec<f32> = scores.iter().map(|score| score / temperature).collect();
        let own = scaled.get(*label as usize).copied().unwrap_or(f32::NEG_INFINITY);
        f64::from(math::log_sum_exp(&scaled) - own)
    };
    scores.iter().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temperature_undoes_scores_that_are_too_timid_or_too_bold() {
        // Right three times of four, whatever the scores' size: 0.75 each time.
        let answers = |size: f32| (0..40).map(|i| (vec![size, 0.0], u32::from(i % 4 == 0))).collect::<Vec<_>>();
        for size in [0.3, 1.0, 2.5] {
            let mut scores = vec![size / temperature(&answers(size)), 0.0];
            math::softmax(&mut scores);
            assert!((scores[0] - 0.75).abs() < 0.02, "{size}: {scores:?}");
        }
        assert_eq!(temperature(&[]), 1.0);
    }
}
