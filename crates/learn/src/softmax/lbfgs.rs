//! Limited-memory BFGS (Nocedal's two-loop recursion) with a bisecting line
//! search for the weak Wolfe conditions. Vectors are single precision, sums
//! double.

use super::memory::Memory;
use crate::parallel::{combine, dot};

/// Sufficient decrease (Armijo).
const DECREASE: f64 = 1e-4;
/// Curvature (Wolfe).
const CURVATURE: f64 = 0.9;
/// Trials of one line search.
const TRIALS: usize = 20;
/// Relative noise of a value computed in single precision.
const NOISE: f64 = 1e-7;

/// When to stop.
pub(super) struct Limits {
    pub max_iter: usize,
    pub tol: f64,
    pub threads: usize,
}

/// Minimises `evaluate` from `x`, in place. `evaluate(x, gradient)` returns the
/// value and writes the gradient.
pub(super) fn minimise(x: &mut Vec<f32>, limits: &Limits, mut evaluate: impl FnMut(&[f32], &mut [f32]) -> f64) {
    let threads = limits.threads;
    let [mut gradient, mut next, mut next_gradient, mut direction] = [(); 4].map(|()| vec![0.0_f32; x.len()]);
    let mut value = evaluate(x, &mut gradient);
    let mut memory = Memory::new(&gradient, threads);
    for _ in 0..limits.max_iter {
        if largest(&gradient) <= limits.tol {
            break;
        }
        let slope = memory.descent(&gradient, &mut direction);
        let first = if memory.is_empty() { 1.0 / (-slope).sqrt() } else { 1.0 };
        let mut search = Search { low: 0.0, high: None, length: first };
        let (mut found, mut tried) = (None, first);
        for _ in 0..TRIALS {
            tried = search.length;
            combine(&[(1.0, x), (search.length as f32, &direction)], &mut next, threads);
            let trial = evaluate(&next, &mut next_gradient);
            if trial > value + DECREASE * search.length * slope + NOISE * value.abs() || !trial.is_finite() {
                search.shorten();
                continue;
            }
            found = Some((trial, search.length));
            if dot(&direction, &next_gradient, threads) >= CURVATURE * slope {
                break;
            }
            search.lengthen();
        }
        let Some((reached, length)) = found else { break };
        if tried != length {
            combine(&[(1.0, x), (length as f32, &direction)], &mut next, threads);
            evaluate(&next, &mut next_gradient);
        }
        memory.remember(&mut direction, length as f32, &gradient, &next_gradient);
        value = reached;
        std::mem::swap(x, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
    }
}

/// A line search: the step length between a too short and a too long one.
struct Search {
    low: f64,
    high: Option<f64>,
    length: f64,
}

impl Search {
    fn shorten(&mut self) {
        self.high = Some(self.length);
        self.length = 0.5 * (self.low + self.length);
    }

    fn lengthen(&mut self) {
        self.low = self.length;
        self.length = match self.high {
            Some(high) => 0.5 * (self.low + high),
            None => 2.0 * self.length,
        };
    }
}

/// The largest absolute value.
fn largest(gradient: &[f32]) -> f64 {
    let mut lanes = [0.0_f32; 8];
    let (whole, rest) = gradient.as_chunks::<8>();
    for values in whole {
        lanes.iter_mut().zip(values).for_each(|(most, value)| *most = larger(*most, value.abs()));
    }
    f64::from(lanes.iter().chain(rest).fold(0.0, |most, value| larger(most, value.abs())))
}

fn larger(most: f32, value: f32) -> f32 {
    if value > most { value } else { most }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ill_conditioned_bowl_is_minimised() {
        let curvatures = [1.0_f32, 10.0, 300.0];
        let target = [3.0_f32, -2.0, 0.5];
        let mut x = vec![0.0_f32; 3];
        let mut calls = 0;
        minimise(&mut x, &Limits { max_iter: 100, tol: 1e-5, threads: 1 }, |x, gradient| {
            calls += 1;
            let mut value = 0.0;
            for i in 0..3 {
                let off = x[i] - target[i];
                gradient[i] = curvatures[i] * off;
                value += 0.5 * f64::from(curvatures[i] * off * off);
            }
            value
        });
        assert!(x.iter().zip(&target).all(|(x, t)| (x - t).abs() < 1e-4), "{x:?}");
        assert!(calls < 40, "{calls} evaluations");
    }

    #[test]
    fn a_start_at_the_minimum_stays() {
        let mut x = vec![1.0_f32];
        minimise(&mut x, &Limits { max_iter: 100, tol: 1e-5, threads: 1 }, |x, gradient| {
            gradient[0] = x[0] - 1.0;
            f64::from(gradient[0] * gradient[0]) * 0.5
        });
        assert_eq!(x, [1.0]);
    }
}
