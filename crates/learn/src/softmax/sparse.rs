//! Our own solver: sparse rows, L-BFGS, bit-identical for any number of threads.
//! Its time grows with the entries of the matrix whose equal columns are merged.

use super::lbfgs::{Limits, minimise};
use super::merge::Merged;
use super::{SoftmaxError, SoftmaxModel, SoftmaxOptions, SoftmaxProblem, SoftmaxTrainer, check, class_weights};
use crate::math;
use crate::parallel::for_each_chunk;
use crate::sparse::CsrMatrix;

/// Below this many multiplications an evaluation stays on one thread.
const SERIAL_BELOW: usize = 1_000_000;

/// Sparse L-BFGS; see [`super::Solver::Sparse`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseTrainer;

impl SoftmaxTrainer for SparseTrainer {
    fn train(&self, problem: &SoftmaxProblem, options: &SoftmaxOptions) -> Result<SoftmaxModel, SoftmaxError> {
        check(problem, options)?;
        let merged = Merged::new(problem.features);
        let (classes, features) = (problem.classes, merged.features.columns());
        let mut evaluation = Evaluation::new(&SoftmaxProblem { features: &merged.features, ..*problem }, options);
        let mut parameters = vec![0.0_f32; (features + 1) * classes];
        if classes > 1 {
            let limits = Limits { max_iter: options.max_iter, tol: options.tol, threads: options.threads };
            minimise(&mut parameters, &limits, |x, gradient| evaluation.evaluate(x, gradient));
        }
        let intercept = parameters.split_off(features * classes);
        Ok(SoftmaxModel { weights: merged.spread(&parameters, classes), intercept })
    }
}

/// The mean loss with penalty and its gradient. Parameters are D x K weights
/// and then K intercepts.
struct Evaluation<'a> {
    problem: SoftmaxProblem<'a>,
    by_feature: CsrMatrix,
    weights: Vec<f32>,
    total_weight: f64,
    penalty: f32,
    threads: usize,
    /// N x (K + 1): a row's `weight * (probability - truth)`, then its loss.
    residuals: Vec<f32>,
}

impl<'a> Evaluation<'a> {
    fn new(problem: &SoftmaxProblem<'a>, options: &SoftmaxOptions) -> Self {
        let weights = class_weights(problem, options.balanced);
        let total_weight = problem.labels.iter().map(|&label| f64::from(weights[label as usize])).sum();
        let work = problem.features.entries().saturating_mul(problem.classes);
        Self {
            problem: *problem,
            by_feature: problem.features.transpose(),
            weights,
            total_weight,
            penalty: (1.0 / (options.c * total_weight)) as f32,
            threads: if work < SERIAL_BELOW { 1 } else { options.threads },
            residuals: vec![0.0; problem.labels.len() * (problem.classes + 1)],
        }
    }

    fn evaluate(&mut self, parameters: &[f32], gradient: &mut [f32]) -> f64 {
        let loss = self.forward(parameters);
        self.backward(parameters, gradient);
        let weights = parameters.len() - self.problem.classes;
        let norm = crate::parallel::dot(&parameters[..weights], &parameters[..weights], self.threads);
        loss + 0.5 * f64::from(self.penalty) * norm
    }

    /// Row by row: residuals and losses; returns the mean loss.
    fn forward(&mut self, parameters: &[f32]) -> f64 {
        let classes = self.problem.classes;
        let (features, labels, weights) = (self.problem.features, self.problem.labels, &self.weights);
        let intercept = &parameters[features.columns() * classes..];
        let scale = (1.0 / self.total_weight) as f32;
        for_each_chunk(&mut self.residuals, classes + 1, self.threads, |row, out| {
            let (scores, loss) = out.split_at_mut(classes);
            scores.copy_from_slice(intercept);
            let (columns, values) = features.row(row);
            add_rows(scores, columns, values, parameters, classes);
            let label = labels[row] as usize;
            let own = scores[label];
            let log_norm = math::softmax(scores);
            scores[label] -= 1.0;
            scores.iter_mut().for_each(|score| *score *= weights[label] * scale);
            loss[0] = weights[label] * (log_norm - own);
        });
        self.residuals.chunks_exact(classes + 1).map(|row| f64::from(row[classes])).sum::<f64>() / self.total_weight
    }

    /// Feature by feature: the gradient; the last row is the intercept's.
    fn backward(&self, parameters: &[f32], gradient: &mut [f32]) {
        let classes = self.problem.classes;
        let columns = self.problem.features.columns();
        for_each_chunk(gradient, classes, self.threads, |feature, out| {
            if feature == columns {
                out.fill(0.0);
                for row in self.residuals.chunks_exact(classes + 1) {
                    out.iter_mut().zip(row).for_each(|(g, r)| *g += r);
                }
                return;
            }
            let weights = &parameters[feature * classes..(feature + 1) * classes];
            out.iter_mut().zip(weights).for_each(|(g, w)| *g = self.penalty * w);
            let (rows, values) = self.by_feature.row(feature);
            add_rows(out, rows, values, &self.residuals, classes + 1);
        });
    }
}

/// `out += Σ value * row`, in the order of the rows, which are `stride` apart in
/// `table`. Four rows at a time: `out` is loaded and stored a quarter as often.
fn add_rows(out: &mut [f32], rows: &[u32], values: &[f32], table: &[f32], stride: usize) {
    let width = out.len();
    let row = |row: u32| &table[row as usize * stride..][..width];
    let (fours, rest) = rows.as_chunks::<4>();
    let (four_values, rest_values) = values.as_chunks::<4>();
    for (&[a, b, c, d], values) in fours.iter().zip(four_values) {
        add_four(out, [row(a), row(b), row(c), row(d)], *values);
    }
    for (&number, &value) in rest.iter().zip(rest_values) {
        out.iter_mut().zip(row(number)).for_each(|(out, x)| *out += value * x);
    }
}

/// A function of its own, so that the compiler knows that `out` overlaps nothing.
#[inline(never)]
fn add_four(out: &mut [f32], [a, b, c, d]: [&[f32]; 4], [va, vb, vc, vd]: [f32; 4]) {
    for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *out = *out + va * a + vb * b + vc * c + vd * d;
    }
}
