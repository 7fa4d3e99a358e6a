use super::*;
use crate::Rng;

/// A made-up text-like problem: rows of `words` normalised features, the first
/// few of which depend on the class.
fn problem(rows: usize, features: usize, classes: usize) -> (CsrMatrix, Vec<u32>) {
    let mut rng = Rng::new(3);
    let mut matrix = CsrMatrix::new(features);
    let mut labels = Vec::new();
    for row in 0..rows {
        let class = if row < classes { row } else { rng.below(classes).min(rng.below(classes)) };
        let mut entries: Vec<(u32, f32)> = (0..6)
            .map(|i| {
                let column = if i < 3 { class * 7 + rng.below(7) } else { rng.below(features) };
                ((column % features) as u32, 1.0)
            })
            .collect();
        crate::sparse::tidy_row(&mut entries);
        let norm = entries.iter().map(|(_, v)| v * v).sum::<f32>().sqrt();
        matrix.push_row(entries.into_iter().map(|(c, v)| (c, v / norm)));
        labels.push(class as u32);
    }
    (matrix, labels)
}

#[test]
fn both_solvers_reach_the_same_objective() {
    let (features, labels) = problem(200, 80, 5);
    let problem = SoftmaxProblem { features: &features, labels: &labels, classes: 5 };
    for c in [1.0, 10.0] {
        let options = SoftmaxOptions { c, max_iter: 300, tol: 1e-6, ..SoftmaxOptions::default() };
        let values = [Solver::Sparse, Solver::Dense]
            .map(|solver| objective(&solver.trainer().train(&problem, &options).unwrap(), &problem, &options));
        assert!((values[0] - values[1]).abs() < 5e-4 * values[0], "C {c}: {values:?}");
    }
}

#[test]
fn the_sparse_solver_gives_the_same_bits_on_any_number_of_threads() {
    // Large enough that threads are really used.
    let (features, labels) = problem(4000, 7000, 40);
    let problem = SoftmaxProblem { features: &features, labels: &labels, classes: 40 };
    let fit = |threads| {
        let options = SoftmaxOptions { threads, balanced: true, c: 5.0, max_iter: 10, ..SoftmaxOptions::default() };
        let model = SparseTrainer.train(&problem, &options).unwrap();
        model.weights.iter().chain(&model.intercept).map(|w| w.to_bits()).collect::<Vec<_>>()
    };
    let one = fit(1);
    assert_eq!(one, fit(2));
    assert_eq!(one, fit(3));
}

#[test]
fn balancing_lifts_a_rare_class() {
    let mut features = CsrMatrix::new(2);
    let mut labels = Vec::new();
    for i in 0..40 {
        features.push_row([(0, 1.0)]);
        labels.push(u32::from(i >= 36));
    }
    let problem = SoftmaxProblem { features: &features, labels: &labels, classes: 2 };
    let rare = |balanced| {
        let options = SoftmaxOptions { balanced, ..SoftmaxOptions::default() };
        SparseTrainer.train(&problem, &options).unwrap().probabilities([(0, 1.0)])[1]
    };
    assert!((rare(false) - 0.1).abs() < 0.02, "{}", rare(false));
    assert!((rare(true) - 0.5).abs() < 0.02, "{}", rare(true));
}

#[test]
fn a_single_class_is_certain() {
    let mut features = CsrMatrix::new(1);
    features.push_row([(0, 1.0)]);
    let problem = SoftmaxProblem { features: &features, labels: &[0], classes: 1 };
    for solver in [Solver::Sparse, Solver::Dense] {
        let model = solver.trainer().train(&problem, &SoftmaxOptions::default()).unwrap();
        assert_eq!(model.probabilities([(0, 1.0)]), [1.0]);
    }
}

#[test]
fn malformed_problems_are_errors() {
    let mut features = CsrMatrix::new(1);
    features.push_row([(0, 1.0)]);
    let train = |labels: &[u32], classes, c, balanced, solver: Solver| {
        let options = SoftmaxOptions { c, balanced, ..SoftmaxOptions::default() };
        solver.trainer().train(&SoftmaxProblem { features: &features, labels, classes }, &options).unwrap_err()
    };
    assert_eq!(train(&[], 1, 1.0, false, Solver::Sparse), SoftmaxError::LabelCount { rows: 1, labels: 0 });
    assert_eq!(train(&[1], 1, 1.0, false, Solver::Sparse), SoftmaxError::LabelOutOfRange(1));
    assert_eq!(train(&[0], 2, 1.0, false, Solver::Dense), SoftmaxError::EmptyClass(1));
    assert_eq!(train(&[0], 1, 0.0, false, Solver::Sparse), SoftmaxError::BadC);
    assert_eq!(train(&[0], 1, 1.0, true, Solver::Dense), SoftmaxError::Unbalanceable);
}

#[test]
fn only_small_unweighted_problems_go_to_the_dense_solver() {
    assert_eq!(choose_solver(500, 2000, 15, false), Solver::Dense);
    assert_eq!(choose_solver(500, 2000, 15, true), Solver::Sparse);
    assert_eq!(choose_solver(2000, 8000, 30, false), Solver::Sparse);
    assert_eq!(choose_solver(usize::MAX, usize::MAX, 2, false), Solver::Sparse);
}
