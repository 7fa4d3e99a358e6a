//! Limited-memory BFGS (Nocedal's two-loop recursion) with a bisecting line
//! search for the weak Wolfe conditions. Vectors are single precision, sums
//! double.

use crate::parallel::{axpy, dot, scale};
use std::collections::VecDeque;

/// Pairs of steps and gradient changes kept. Each costs two vectors.
const MEMORY: usize = 6;
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

struct Pair {
    step: Vec<f32>,
    change: Vec<f32>,
    curvature: f64,
}

/// Minimises `evaluate` from `x`, in place. `evaluate(x, gradient)` returns the
/// value and writes the gradient.
pub(super) fn minimise(x: &mut Vec<f32>, limits: &Limits, mut evaluate: impl FnMut(&[f32], &mut [f32]) -> f64) {
    let threads = limits.threads;
    let mut gradient = vec![0.0_f32; x.len()];
    let mut value = evaluate(x, &mut gradient);
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    let mut next = vec![0.0_f32; x.len()];
    let mut next_gradient = vec![0.0_f32; x.len()];
    for _ in 0..limits.max_iter {
        if largest(&gradient) <= limits.tol {
            break;
        }
        let mut direction = descent_direction(&gradient, &pairs, threads);
        let mut slope = dot(&direction, &gradient, threads);
        if slope >= 0.0 {
            pairs.clear();
            direction.clone_from(&gradient);
            scale(-1.0, &mut direction, threads);
            slope = -dot(&gradient, &gradient, threads);
        }
        let first = if pairs.is_empty() { 1.0 / dot(&gradient, &gradient, threads).sqrt() } else { 1.0 };
        let mut search = Search { low: 0.0, high: None, length: first };
        let mut found = None;
        for _ in 0..TRIALS {
            next.copy_from_slice(x);
            axpy(search.length as f32, &direction, &mut next, threads);
            let trial = evaluate(&next, &mut next_gradient);
            if trial > value + DECREASE * search.length * slope + NOISE * value.abs() || !trial.is_finite() {
                search.shorten();
            } else if dot(&direction, &next_gradient, threads) < CURVATURE * slope {
                found = Some(trial);
                search.lengthen();
            } else {
                found = Some(trial);
                break;
            }
        }
        let Some(reached) = found else { break };
        let mut pair = if pairs.len() == MEMORY { pairs.pop_front() } else { None }.unwrap_or_else(|| Pair {
            step: Vec::new(),
            change: Vec::new(),
            curvature: 0.0,
        });
        difference(&next, x, &mut pair.step, threads);
        difference(&next_gradient, &gradient, &mut pair.change, threads);
        pair.curvature = dot(&pair.step, &pair.change, threads);
        if pair.curvature > f64::from(f32::EPSILON) * dot(&pair.change, &pair.change, threads) {
            pairs.push_back(pair);
        }
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

fn largest(gradient: &[f32]) -> f64 {
    f64::from(gradient.iter().fold(0.0_f32, |most, x| most.max(x.abs())))
}

fn difference(a: &[f32], b: &[f32], out: &mut Vec<f32>, threads: usize) {
    out.clear();
    out.extend_from_slice(a);
    axpy(-1.0, b, out, threads);
}

/// Two-loop recursion: `-H * gradient`.
fn descent_direction(gradient: &[f32], pairs: &VecDeque<Pair>, threads: usize) -> Vec<f32> {
    let mut direction = gradient.to_vec();
    let mut factors = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let factor = dot(&pair.step, &direction, threads) / pair.curvature;
        axpy(-factor as f32, &pair.change, &mut direction, threads);
        factors.push(factor);
    }
    let shrink = pairs.back().map_or(1.0, |last| last.curvature / dot(&last.change, &last.change, threads));
    scale(-shrink as f32, &mut direction, threads);
    for (pair, factor) in pairs.iter().zip(factors.iter().rev()) {
        let back = dot(&pair.change, &direction, threads) / pair.curvature;
        // The direction is already negated, hence the plus.
        axpy(-(factor + back) as f32, &pair.step, &mut direction, threads);
    }
    direction
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
