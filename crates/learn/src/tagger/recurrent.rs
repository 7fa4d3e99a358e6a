//! A recurrent layer: a long short-term memory with coupled input and forget
//! gates (Greff et al. 2015, "LSTM: a search space odyssey", variant CIFG), which
//! does as well as the full one at three quarters of the cost.
//!
//! ```text
//! f = σ(..)  o = σ(..)  g = tanh(..)      each of W x + U h' + b
//! c = f c' + (1 - f) g                    h = o tanh(c)
//! ```

use super::kernels::{add_scaled, multiply, multiply_rows, outer, sigmoid, tanh};
use crate::math::dot;
use crate::rng::Rng;

/// Weights of one direction. Columns of all matrices: f, o, g, each `units` wide.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recurrent {
    /// H.
    pub units: usize,
    /// D x 3H, from the layer's input.
    pub input: Vec<f32>,
    /// H x 3H, from the step before.
    pub state: Vec<f32>,
    /// 3H.
    pub bias: Vec<f32>,
}

/// What a forward pass computed, T x H each.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    /// T x 3H: f, o, g.
    gates: Vec<f32>,
    cell: Vec<f32>,
    /// Hyperbolic tangent of the cell.
    squashed: Vec<f32>,
    /// What the layer puts out.
    pub hidden: Vec<f32>,
}

/// The order in which a layer reads the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

impl Direction {
    /// The token read at a step, and the one before it.
    fn at(self, step: usize, tokens: usize) -> (usize, Option<usize>) {
        match self {
            Self::Forward => (step, step.checked_sub(1)),
            Self::Backward => (tokens - 1 - step, (step > 0).then(|| tokens - step)),
        }
    }
}

impl Recurrent {
    /// Random weights; the memory begins by keeping what it has.
    pub fn random(width: usize, units: usize, rng: &mut Rng) -> Self {
        let mut bias = vec![0.0; 3 * units];
        bias[..units].fill(1.0);
        let input = super::network::random(width * 3 * units, width, rng);
        let state = super::network::random(units * 3 * units, units, rng);
        Self { units, input, state, bias }
    }

    /// Weights of the same shape, all zero.
    pub fn zero(&self) -> Self {
        let zero = |weights: &Vec<f32>| vec![0.0; weights.len()];
        Self { units: self.units, input: zero(&self.input), state: zero(&self.state), bias: zero(&self.bias) }
    }

    /// Runs over `tokens` rows of `inputs`.
    pub fn forward(&self, inputs: &[f32], tokens: usize, direction: Direction) -> Steps {
        let units = self.units;
        let mut gates = self.bias.repeat(tokens);
        multiply_rows(inputs, &self.input, &mut gates, 3 * units);
        let blank = || vec![0.0_f32; tokens * units];
        let mut steps = Steps { cell: blank(), squashed: blank(), hidden: blank(), ..Steps::default() };
        for step in 0..tokens {
            let (token, before) = direction.at(step, tokens);
            let here = token * units..(token + 1) * units;
            let gates = &mut gates[3 * here.start..3 * here.end];
            let mut kept: &[f32] = &[];
            if let Some(before) = before {
                let before = before * units..(before + 1) * units;
                multiply(&steps.hidden[before.clone()], &self.state, gates);
                kept = &steps.cell[before];
            }
            let (openings, candidates) = gates.split_at_mut(2 * units);
            openings.iter_mut().for_each(|gate| *gate = sigmoid(*gate));
            candidates.iter_mut().for_each(|gate| *gate = tanh(*gate));
            let (forget, output) = openings.split_at(units);
            let mut cell: Vec<f32> = vec![0.0; units];
            cell[..kept.len()].copy_from_slice(kept);
            for ((cell, forget), candidate) in cell.iter_mut().zip(forget).zip(candidates.iter()) {
                *cell = forget * *cell + (1.0 - forget) * candidate;
            }
            steps.cell[here.clone()].copy_from_slice(&cell);
            let squashed = &mut steps.squashed[here.clone()];
            squashed.iter_mut().zip(&cell).for_each(|(squashed, cell)| *squashed = tanh(*cell));
            let hidden = steps.hidden[here].iter_mut();
            hidden.zip(output).zip(squashed).for_each(|((hidden, output), squashed)| *hidden = output * *squashed);
        }
        steps.gates = gates;
        steps
    }

    /// Adds to `gradient` and to `input_gradient` (T x D) what follows from the
    /// gradient of the layer's output (T x H).
    pub fn backward(
        &self,
        inputs: &[f32],
        steps: &Steps,
        hidden_gradient: &[f32],
        direction: Direction,
        gradient: &mut Self,
        input_gradient: &mut [f32],
    ) {
        let units = self.units;
        let tokens = steps.hidden.len() / units.max(1);
        let width = inputs.len() / tokens.max(1);
        let mut from_hidden = vec![0.0_f32; units];
        let mut from_cell = vec![0.0_f32; units];
        let mut gates = vec![0.0_f32; 3 * units];
        for step in (0..tokens).rev() {
            let (token, before) = direction.at(step, tokens);
            for unit in 0..units {
                let at = token * units + unit;
                let gate = |number: usize| steps.gates[(3 * token + number) * units + unit];
                let (forget, output, candidate) = (gate(0), gate(1), gate(2));
                let squashed = steps.squashed[at];
                let kept = before.map_or(0.0, |before| steps.cell[before * units + unit]);
                let hidden = hidden_gradient[at] + from_hidden[unit];
                let cell = from_cell[unit] + hidden * output * (1.0 - squashed * squashed);
                gates[unit] = cell * (kept - candidate) * forget * (1.0 - forget);
                gates[units + unit] = hidden * squashed * output * (1.0 - output);
                gates[2 * units + unit] = cell * (1.0 - forget) * (1.0 - candidate * candidate);
                from_cell[unit] = cell * forget;
            }
            add_scaled(1.0, &gates, &mut gradient.bias);
            let input = &inputs[token * width..(token + 1) * width];
            outer(input, &gates, &mut gradient.input);
            for (out, row) in input_gradient[token * width..].iter_mut().zip(self.input.chunks_exact(3 * units)) {
                *out += dot(row, &gates);
            }
            match before {
                Some(before) => {
                    let hidden = &steps.hidden[before * units..(before + 1) * units];
                    outer(hidden, &gates, &mut gradient.state);
                    for (out, row) in from_hidden.iter_mut().zip(self.state.chunks_exact(3 * units)) {
                        *out = dot(row, &gates);
                    }
                }
                None => from_hidden.fill(0.0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half the squared output: its gradient is the output.
    fn loss(layer: &Recurrent, inputs: &[f32], direction: Direction) -> f64 {
        layer.forward(inputs, 3, direction).hidden.iter().map(|h| 0.5 * f64::from(*h) * f64::from(*h)).sum()
    }

    #[test]
    fn the_gradient_is_that_of_small_changes() {
        for direction in [Direction::Forward, Direction::Backward] {
            let mut rng = Rng::new(3);
            let layer = Recurrent::random(4, 5, &mut rng);
            let inputs: Vec<f32> = (0..12).map(|_| rng.normal()).collect();
            let steps = layer.forward(&inputs, 3, direction);
            let mut gradient = layer.zero();
            let mut input_gradient = vec![0.0; 12];
            layer.backward(&inputs, &steps, &steps.hidden, direction, &mut gradient, &mut input_gradient);
            let change = 1e-2_f32;
            let slope = |up: f64, down: f64| ((up - down) / (2.0 * f64::from(change))) as f32;
            for at in 0..12 {
                let moved = |by: f32| {
                    let mut inputs = inputs.clone();
                    inputs[at] += by;
                    loss(&layer, &inputs, direction)
                };
                assert!((slope(moved(change), moved(-change)) - input_gradient[at]).abs() < 1e-3);
            }
            for at in 0..layer.state.len() {
                let moved = |by: f32| {
                    let mut layer = layer.clone();
                    layer.state[at] += by;
                    loss(&layer, &inputs, direction)
                };
                assert!((slope(moved(change), moved(-change)) - gradient.state[at]).abs() < 1e-3);
            }
        }
    }
}
