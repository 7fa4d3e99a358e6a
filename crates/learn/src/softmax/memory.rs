//! What L-BFGS remembers: the last steps and how the gradient changed along
//! them. The two-loop recursion runs on the inner products of these vectors, not
//! on the vectors themselves ("vector-free L-BFGS", Chen, Wang and Zhou 2014):
//! all products are made in one pass over memory, the direction in a second.

use crate::parallel::{combine, dots, scale};
use std::collections::VecDeque;

/// Pairs kept. Each costs two vectors.
const MEMORY: usize = 6;

#[derive(Default)]
struct Pair {
    step: Vec<f32>,
    change: Vec<f32>,
}

/// Inner products; pairs are numbered from the oldest.
#[derive(Default)]
struct Products {
    /// Step of the first number times change of the second.
    step_change: [[f64; MEMORY]; MEMORY],
    change_change: [[f64; MEMORY]; MEMORY],
    /// With the gradient at the last point.
    step_gradient: [f64; MEMORY],
    change_gradient: [f64; MEMORY],
    gradient: f64,
}

/// The last pairs.
pub(super) struct Memory {
    pairs: VecDeque<Pair>,
    products: Products,
    threads: usize,
}

impl Memory {
    /// Remembers nothing but the gradient at the start.
    pub fn new(gradient: &[f32], threads: usize) -> Self {
        let products = Products { gradient: dots(&[(gradient, gradient)], threads)[0], ..Products::default() };
        Self { pairs: VecDeque::with_capacity(MEMORY), products, threads }
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Writes the direction to search in, `-H * gradient`, and returns its slope,
    /// which is negative: when rounding makes it otherwise, all pairs are
    /// forgotten and the direction is the gradient's opposite.
    pub fn descent(&mut self, gradient: &[f32], direction: &mut [f32]) -> f64 {
        let mut factors = self.products.two_loops(self.pairs.len());
        if self.products.slope(&factors) >= 0.0 {
            self.pairs.clear();
            factors = self.products.two_loops(0);
        }
        let mut terms = vec![(factors.gradient as f32, gradient)];
        for (number, pair) in self.pairs.iter().enumerate() {
            terms.push((factors.changes[number] as f32, &pair.change));
            terms.push((factors.steps[number] as f32, &pair.step));
        }
        combine(&terms, direction, self.threads);
        self.products.slope(&factors)
    }

    /// Remembers the step `length * direction` between two gradients, unless it
    /// shows no curvature. Takes the direction's vector and leaves another of the
    /// same length.
    pub fn remember(&mut self, direction: &mut Vec<f32>, length: f32, before: &[f32], after: &[f32]) {
        let mut pair = if self.pairs.len() == MEMORY { self.pairs.pop_front() } else { None }.map_or_else(
            || Pair { step: vec![0.0; before.len()], change: vec![0.0; before.len()] },
            |oldest| {
                self.products.forget_oldest();
                oldest
            },
        );
        std::mem::swap(&mut pair.step, direction);
        if length != 1.0 {
            scale(length, &mut pair.step, self.threads);
        }
        combine(&[(1.0, after), (-1.0, before)], &mut pair.change, self.threads);
        self.pairs.push_back(pair);
        self.multiply(after);
        let newest = self.pairs.len() - 1;
        let (curvature, change) =
            (self.products.step_change[newest][newest], self.products.change_change[newest][newest]);
        if curvature <= f64::from(f32::EPSILON) * change {
            self.pairs.pop_back();
        }
    }

    /// Makes the products of the newest pair and of a new gradient.
    fn multiply(&mut self, gradient: &[f32]) {
        let Some(newest) = self.pairs.back() else { return };
        let mut factors: Vec<(&[f32], &[f32])> = vec![(gradient, gradient), (&newest.change, &newest.change)];
        for pair in &self.pairs {
            factors.extend([(pair.step.as_slice(), gradient), (&pair.change, gradient), (&pair.change, &newest.step)]);
        }
        let products = dots(&factors, self.threads);
        self.products.update(&products, self.pairs.len() - 1);
    }
}

/// How much of each vector a direction consists of.
struct Factors {
    steps: [f64; MEMORY],
    changes: [f64; MEMORY],
    gradient: f64,
}

impl Products {
    /// Two-loop recursion over the first pairs.
    fn two_loops(&self, pairs: usize) -> Factors {
        let mut first = [0.0; MEMORY];
        for i in (0..pairs).rev() {
            let later: f64 = (i + 1..pairs).map(|j| first[j] * self.step_change[i][j]).sum();
            first[i] = (self.step_gradient[i] - later) / self.step_change[i][i];
        }
        let shrink = pairs.checked_sub(1).map_or(1.0, |i| self.step_change[i][i] / self.change_change[i][i]);
        let mut steps = [0.0; MEMORY];
        for i in 0..pairs {
            let changes: f64 = (0..pairs).map(|j| first[j] * self.change_change[i][j]).sum();
            let earlier: f64 = (0..i).map(|j| steps[j] * self.step_change[j][i]).sum();
            let back = shrink * (self.change_gradient[i] - changes) + earlier;
            steps[i] = first[i] - back / self.step_change[i][i];
        }
        // The direction goes down.
        Factors { steps: steps.map(|f| -f), changes: first.map(|f| shrink * f), gradient: -shrink }
    }

    /// Inner product of a direction and the gradient.
    fn slope(&self, factors: &Factors) -> f64 {
        let along = |factors: &[f64; MEMORY], products: &[f64; MEMORY]| -> f64 {
            factors.iter().zip(products).map(|(f, p)| f * p).sum()
        };
        factors.gradient * self.gradient
            + along(&factors.steps, &self.step_gradient)
            + along(&factors.changes, &self.change_gradient)
    }

    /// Takes in what [`Memory::multiply`] computed. A change is the difference of
    /// two gradients, and older pairs have met both.
    fn update(&mut self, products: &[f64], newest: usize) {
        let [gradient, change, of_pairs @ ..] = products else { return };
        self.gradient = *gradient;
        for (i, products) in of_pairs.as_chunks::<3>().0.iter().enumerate() {
            let [step_gradient, change_gradient, change_step] = *products;
            self.step_change[i][newest] = step_gradient - self.step_gradient[i];
            self.change_change[i][newest] = change_gradient - self.change_gradient[i];
            self.change_change[newest][i] = self.change_change[i][newest];
            self.step_change[newest][i] = change_step;
            self.step_gradient[i] = step_gradient;
            self.change_gradient[i] = change_gradient;
        }
        self.change_change[newest][newest] = *change;
    }

    fn forget_oldest(&mut self) {
        for table in [&mut self.step_change, &mut self.change_change] {
            table.rotate_left(1);
            table.iter_mut().for_each(|row| row.rotate_left(1));
        }
        self.step_gradient.rotate_left(1);
        self.change_gradient.rotate_left(1);
    }
}
