//! linfa-logistic behind the same trait: for small problems. Its matrix kernels
//! pick instructions at run time, so its bytes are the same per CPU kind only.

use super::{SoftmaxError, SoftmaxModel, SoftmaxOptions, SoftmaxProblem, SoftmaxTrainer, check};
use linfa::Dataset;
use linfa::prelude::Fit;
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

/// linfa's dense solver; see [`super::Solver::Dense`]. Rows must be of similar
/// length (L2-normalised): linfa subtracts the largest score of the whole matrix
/// and would silently fit the others wrongly. It ignores class weights, hence an
/// error when they are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct DenseTrainer;

impl SoftmaxTrainer for DenseTrainer {
    fn train(&self, problem: &SoftmaxProblem, options: &SoftmaxOptions) -> Result<SoftmaxModel, SoftmaxError> {
        check(problem, options)?;
        if options.balanced {
            return Err(SoftmaxError::Unbalanceable);
        }
        let (rows, features, classes) = (problem.labels.len(), problem.features.columns(), problem.classes);
        if classes < 2 || features == 0 {
            return super::SparseTrainer.train(problem, options);
        }
        let mut records = Array2::<f32>::zeros((rows, features));
        for (row, mut record) in records.rows_mut().into_iter().enumerate() {
            let (columns, values) = problem.features.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                record[column as usize] = value;
            }
        }
        let labels = Array1::from_iter(problem.labels.iter().map(|&label| label as usize));
        // linfa's loss is a sum, ours a mean: its tolerance grows with N.
        let tolerance = (options.tol * rows as f64) as f32;
        let fitted = MultiLogisticRegression::default()
            .alpha((1.0 / options.c) as f32)
            .max_iterations(options.max_iter as u64)
            .gradient_tolerance(tolerance)
            .fit(&Dataset::new(records, labels))
            .map_err(|error| SoftmaxError::Dense(error.to_string()))?;
        // Classes come sorted; every class has an example, so that is our order.
        Ok(SoftmaxModel {
            weights: fitted.params().iter().copied().collect(),
            intercept: fitted.intercept().iter().copied().collect(),
        })
    }
}
