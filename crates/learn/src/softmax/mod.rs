//! Multinomial logistic regression (softmax regression) with L2 penalty: the
//! objective, the model, and the solvers behind one trait.
//!
//! The objective is scikit-learn's: `C * Σ w_i * loss_i + ½‖W‖²`, the intercept
//! not penalised.

mod dense;
mod lbfgs;
mod memory;
mod merge;
mod sparse;

pub use dense::DenseTrainer;
pub use sparse::SparseTrainer;

use crate::math;
use crate::sparse::CsrMatrix;

/// Largest `examples * features * classes` linfa's dense solver is used for:
/// about half a second.
pub const DENSE_LIMIT: usize = 20_000_000;

/// What is to be learned.
#[derive(Clone, Copy, Debug)]
pub struct SoftmaxProblem<'a> {
    /// N x D.
    pub features: &'a CsrMatrix,
    /// N labels below `classes`.
    pub labels: &'a [u32],
    /// K; each class needs an example.
    pub classes: usize,
}

/// How it is learned.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftmaxOptions {
    /// Inverse strength of the L2 penalty.
    pub c: f64,
    /// Most iterations of the solver.
    pub max_iter: usize,
    /// Stop when no element of the mean loss's gradient is larger.
    pub tol: f64,
    /// Weigh classes by `N / (K * n_k)`.
    pub balanced: bool,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
}

impl Default for SoftmaxOptions {
    fn default() -> Self {
        Self { c: 1.0, max_iter: 100, tol: 1e-4, balanced: false, threads: 1 }
    }
}

/// Why a problem cannot be learned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SoftmaxError {
    /// Numbers of rows and labels differ.
    #[error("{rows} rows but {labels} labels")]
    LabelCount {
        /// Rows of the matrix.
        rows: usize,
        /// Labels given.
        labels: usize,
    },
    /// A label without class.
    #[error("label {0} is not below the number of classes")]
    LabelOutOfRange(u32),
    /// A class nothing is known of.
    #[error("class {0} has no example")]
    EmptyClass(usize),
    /// The dense solver does not know class weights.
    #[error("the dense solver cannot balance classes")]
    Unbalanceable,
    /// The dense solver's own error.
    #[error("dense solver: {0}")]
    Dense(String),
    /// C is not a positive number.
    #[error("C must be a positive number")]
    BadC,
}

/// A solver.
pub trait SoftmaxTrainer {
    /// Fits a model.
    ///
    /// # Errors
    /// If the problem is malformed or not one for this solver.
    fn train(&self, problem: &SoftmaxProblem, options: &SoftmaxOptions) -> Result<SoftmaxModel, SoftmaxError>;
}

/// Which solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// Our sparse L-BFGS: same bytes on every machine.
    Sparse,
    /// linfa-logistic: same bytes on every machine of one CPU kind.
    Dense,
}

impl Solver {
    /// The trainer of that solver.
    pub fn trainer(self) -> &'static dyn SoftmaxTrainer {
        match self {
            Self::Sparse => &SparseTrainer,
            Self::Dense => &DenseTrainer,
        }
    }
}

/// linfa's dense solver for small unweighted problems, ours for all others:
/// linfa ignores class weights, and its time grows with all features instead of
/// those that occur.
pub fn choose_solver(examples: usize, features: usize, classes: usize, balanced: bool) -> Solver {
    let size = examples.saturating_mul(features).saturating_mul(classes);
    if !balanced && size <= DENSE_LIMIT { Solver::Dense } else { Solver::Sparse }
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftmaxModel {
    /// D x K, feature by feature: the K weights of a feature lie side by side,
    /// so that a sparse row touches few cache lines.
    pub weights: Vec<f32>,
    /// K.
    pub intercept: Vec<f32>,
}

impl SoftmaxModel {
    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.intercept.len()
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.weights.len() / self.classes().max(1)
    }

    /// Scores of the K classes before the softmax; features that do not exist
    /// count nothing.
    pub fn scores(&self, row: impl IntoIterator<Item = (u32, f32)>) -> Vec<f32> {
        let classes = self.classes();
        let mut scores = self.intercept.clone();
        for (feature, value) in row {
            let start = feature as usize * classes;
            let Some(weights) = self.weights.get(start..start + classes) else { continue };
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += value * weight;
            }
        }
        scores
    }

    /// By how much each feature speaks for one class against another; last, the
    /// intercept's share. They add up to the difference of the scores.
    pub fn shares(&self, row: &[(u32, f32)], [one, other]: [usize; 2]) -> (Vec<f32>, f32) {
        let classes = self.intercept.len();
        let weight =
            |feature: u32, class: usize| self.weights.get(feature as usize * classes + class).copied().unwrap_or(0.0);
        let share = |&(feature, value): &(u32, f32)| value * (weight(feature, one) - weight(feature, other));
        let intercept = |class: usize| self.intercept.get(class).copied().unwrap_or(0.0);
        (row.iter().map(share).collect(), intercept(one) - intercept(other))
    }

    /// Probabilities of the K classes.
    pub fn probabilities(&self, row: impl IntoIterator<Item = (u32, f32)>) -> Vec<f32> {
        let mut scores = self.scores(row);
        math::softmax(&mut scores);
        scores
    }
}

/// The value both solvers minimise: `C * Σ w_i * loss_i + ½‖W‖²`.
pub fn objective(model: &SoftmaxModel, problem: &SoftmaxProblem, options: &SoftmaxOptions) -> f64 {
    let weights = class_weights(problem, options.balanced);
    let mut loss = 0.0;
    for (row, &label) in problem.labels.iter().enumerate() {
        let (columns, values) = problem.features.row(row);
        let scores = model.scores(columns.iter().copied().zip(values.iter().copied()));
        let own = scores.get(label as usize).copied().unwrap_or(f32::NEG_INFINITY);
        let weight = weights.get(label as usize).copied().unwrap_or(1.0);
        loss += f64::from(weight) * f64::from(math::log_sum_exp(&scores) - own);
    }
    let penalty: f64 = model.weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    options.c * loss + 0.5 * penalty
}

/// Checks the problem's shape.
fn check(problem: &SoftmaxProblem, options: &SoftmaxOptions) -> Result<(), SoftmaxError> {
    if !(options.c > 0.0 && options.c.is_finite()) {
        return Err(SoftmaxError::BadC);
    }
    let (rows, labels) = (problem.features.rows(), problem.labels.len());
    if rows != labels {
        return Err(SoftmaxError::LabelCount { rows, labels });
    }
    if let Some(&label) = problem.labels.iter().find(|&&label| label as usize >= problem.classes) {
        return Err(SoftmaxError::LabelOutOfRange(label));
    }
    match class_counts(problem).iter().position(|&count| count == 0) {
        Some(class) => Err(SoftmaxError::EmptyClass(class)),
        None => Ok(()),
    }
}

fn class_counts(problem: &SoftmaxProblem) -> Vec<usize> {
    let mut counts = vec![0; problem.classes];
    for &label in problem.labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    counts
}

/// Weight of each class's examples: 1, or `N / (K * n_k)` when balanced.
fn class_weights(problem: &SoftmaxProblem, balanced: bool) -> Vec<f32> {
    let total = problem.labels.len() as f64 / problem.classes.max(1) as f64;
    let weigh = |count: usize| if balanced { (total / count.max(1) as f64) as f32 } else { 1.0 };
    class_counts(problem).into_iter().map(weigh).collect()
}

#[cfg(test)]
mod tests;
