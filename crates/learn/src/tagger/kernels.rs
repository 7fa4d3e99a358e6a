//! Arithmetic of the tagger's network: vector loops that the compiler turns into
//! several additions at a time without changing a bit of the result. Every
//! element has its own sum, in the order of the terms; there is no fused
//! multiply-add and no transcendental function of the standard library.

/// `y += a * x`.
#[inline]
pub(super) fn add_scaled(a: f32, x: &[f32], y: &mut [f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

/// `out += vector * matrix`; the matrix has a row for each element of the vector.
/// Columns are taken in blocks whose sums stay in registers; each column's sum
/// has the order of the rows.
pub(super) fn multiply(vector: &[f32], matrix: &[f32], out: &mut [f32]) {
    let width = out.len();
    let mut start = 0;
    while start < width {
        start += match width - start {
            32.. => multiply_block::<32>(vector, matrix, out, start),
            16.. => multiply_block::<16>(vector, matrix, out, start),
            8.. => multiply_block::<8>(vector, matrix, out, start),
            _ => multiply_block::<1>(vector, matrix, out, start),
        };
    }
}

/// The columns from `start` on; returns how many.
#[inline]
fn multiply_block<const N: usize>(vector: &[f32], matrix: &[f32], out: &mut [f32], start: usize) -> usize {
    let width = out.len();
    if let Some(out) = out[start..].first_chunk_mut::<N>() {
        let mut sums = *out;
        for (&x, row) in vector.iter().zip(matrix.chunks_exact(width)) {
            if let Some(row) = row[start..].first_chunk::<N>() {
                sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += x * weight);
            }
        }
        *out = sums;
    }
    N
}

/// [`multiply`] for each row of `vectors`, four at a time: a weight is read once
/// for four of them.
pub(super) fn multiply_rows(vectors: &[f32], matrix: &[f32], out: &mut [f32], width: usize) {
    let length = matrix.len() / width.max(1);
    let fours = vectors.chunks(4 * length).zip(out.chunks_mut(4 * width));
    for (vectors, out) in fours {
        if vectors.len() == 4 * length && out.len() == 4 * width && width.is_multiple_of(8) {
            multiply_four(vectors, matrix, out, width);
        } else {
            let rows = vectors.chunks_exact(length).zip(out.chunks_exact_mut(width));
            rows.for_each(|(vector, out)| multiply(vector, matrix, out));
        }
    }
}

/// Four rows at once, eight columns at a time.
fn multiply_four(vectors: &[f32], matrix: &[f32], out: &mut [f32], width: usize) {
    let length = vectors.len() / 4;
    let (first, rest) = vectors.split_at(length);
    let (second, rest) = rest.split_at(length);
    let (third, fourth) = rest.split_at(length);
    for start in (0..width).step_by(8) {
        let mut sums = [[0.0_f32; 8]; 4];
        for (row, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(&out[row * width + start..row * width + start + 8]);
        }
        let [mut a, mut b, mut c, mut d] = sums;
        let factors = first.iter().zip(second).zip(third.iter().zip(fourth));
        for (((w, x), (y, z)), weights) in factors.zip(matrix.chunks_exact(width)) {
            let Some(weights) = weights[start..].first_chunk::<8>() else { continue };
            for at in 0..8 {
                a[at] += w * weights[at];
                b[at] += x * weights[at];
                c[at] += y * weights[at];
                d[at] += z * weights[at];
            }
        }
        for (row, sums) in [a, b, c, d].iter().enumerate() {
            out[row * width + start..row * width + start + 8].copy_from_slice(sums);
        }
    }
}

/// `matrix += vectorᵀ * row`.
pub(super) fn outer(vector: &[f32], row: &[f32], matrix: &mut [f32]) {
    for (&x, out) in vector.iter().zip(matrix.chunks_exact_mut(row.len())) {
        // Dropped inputs are many in training.
        if x != 0.0 {
            add_scaled(x, row, out);
        }
    }
}

/// e to the power of `x`, to about seven digits: Cephes' polynomial of degree
/// six after taking out the power of two. Arguments beyond ±87 are cut.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    /// Adding and taking away 1.5 * 2^23 rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    // Comparisons that the compiler turns into one instruction each.
    let x = if x < 87.0 { x } else { 87.0 };
    let x = if x > -87.0 { x } else { -87.0 };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let series = 1.987_569_1e-4 * rest + 1.398_2e-3;
    let series = series * rest + 8.333_452e-3;
    let series = series * rest + 4.166_579_6e-2;
    let series = series * rest + 1.666_666_5e-1;
    let series = series * rest + 0.5;
    // The whole number stands in the last bits of the rounded one.
    let power = f32::from_bits(rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    (series * rest * rest + rest + 1.0) * power
}

/// The logistic function.
#[inline]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent.
#[inline]
pub(super) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// Turns scores into probabilities in place.
pub(super) fn softmax(values: &mut [f32]) {
    let top = crate::math::max(values);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = exp(*value - top);
        sum += *value;
    }
    values.iter_mut().for_each(|value| *value /= sum);
}

/// Adam (Kingma and Ba 2015) with the usual decay of the mean and a faster one
/// of the variance: rows of rare features are moved a few times only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adam {
    /// Step length.
    pub rate: f32,
    /// Make up for the averages having begun at zero.
    mean_factor: f32,
    variance_factor: f32,
}

const MEAN_DECAY: f32 = 0.9;
const VARIANCE_DECAY: f32 = 0.99;

impl Adam {
    /// The update number `step`, counted from one.
    pub fn at(step: usize, rate: f32) -> Self {
        let correction = |decay: f32| {
            let left = crate::math::pow(f64::from(decay), step as f64);
            (1.0 / (1.0 - left)) as f32
        };
        Self { rate, mean_factor: correction(MEAN_DECAY), variance_factor: correction(VARIANCE_DECAY) }
    }

    /// Moves weights against their gradient, which becomes zero.
    pub fn update(&self, weights: &mut [f32], gradient: &mut [f32], mean: &mut [f32], variance: &mut [f32]) {
        let moments = mean.iter_mut().zip(variance);
        for ((weight, gradient), (mean, variance)) in weights.iter_mut().zip(gradient).zip(moments) {
            *mean = MEAN_DECAY * *mean + (1.0 - MEAN_DECAY) * *gradient;
            *variance = VARIANCE_DECAY * *variance + (1.0 - VARIANCE_DECAY) * *gradient * *gradient;
            let spread = (*variance * self.variance_factor).sqrt() + 1e-6;
            *weight -= self.rate * (*mean * self.mean_factor) / spread;
            *gradient = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::dot;

    #[test]
    fn the_exponential_is_right_to_seven_digits_and_never_infinite() {
        for step in -870..=870 {
            let x = step as f32 * 0.1;
            let (ours, exact) = (f64::from(exp(x)), crate::math::exp(f64::from(x)));
            assert!((ours / exact - 1.0).abs() < 4e-7, "{x}: {ours} {exact}");
        }
        assert!(exp(1e9).is_finite() && exp(-1e9) >= 0.0);
        assert!((tanh(0.5) - 0.462_117_16).abs() < 1e-6 && (tanh(-40.0) + 1.0).abs() < 1e-6);
        assert_eq!(sigmoid(0.0), 0.5);
    }

    #[test]
    fn the_exponential_has_the_known_bits() {
        // The same on every CPU: a change of these bits changes every model.
        assert_eq!([exp(0.3).to_bits(), exp(-7.7).to_bits()], [0x3fac_c82c, 0x39ed_6972]);
    }

    #[test]
    fn inner_products_of_any_length_are_right() {
        for length in [0, 1, 15, 16, 17, 100] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let b = vec![2.0; length];
            assert_eq!(dot(&a, &b), (length * length.saturating_sub(1)) as f32);
        }
    }

    #[test]
    fn matrix_products_of_any_width_are_right() {
        for width in [1, 7, 8, 9, 41, 57, 144] {
            let matrix: Vec<f32> = (0..3 * width).map(|i| i as f32).collect();
            let mut out = vec![1.0; width];
            multiply(&[1.0, 0.0, 2.0], &matrix, &mut out);
            let expected: Vec<f32> = (0..width).map(|i| (1 + i + 2 * (2 * width + i)) as f32).collect();
            assert_eq!(out, expected);
            let vectors: Vec<f32> = (0..7 * 3).map(|i| i as f32 - 9.0).collect();
            let mut rows = vec![1.0; 7 * width];
            multiply_rows(&vectors, &matrix, &mut rows, width);
            for (vector, row) in vectors.chunks(3).zip(rows.chunks(width)) {
                let mut alone = vec![1.0; width];
                multiply(vector, &matrix, &mut alone);
                assert_eq!(row, alone);
            }
            let mut sum = vec![0.0; 3 * width];
            outer(&[1.0, 0.0, 2.0], &expected, &mut sum);
            assert_eq!(sum[2 * width], 2.0 * expected[0]);
        }
    }

    #[test]
    fn adam_walks_downhill() {
        let (mut weight, mut mean, mut variance) = ([3.0_f32], [0.0], [0.0]);
        for step in 1..400 {
            let mut gradient = [2.0 * weight[0]];
            Adam::at(step, 0.05).update(&mut weight, &mut gradient, &mut mean, &mut variance);
        }
        assert!(weight[0].abs() < 0.05, "{weight:?}");
    }
}
