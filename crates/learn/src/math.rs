//! Portable maths: the standard library's transcendental functions differ
//! between CPUs and C libraries by the last bit, `libm`'s do not.

/// e to the power of `x`.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e to the power of `x`, single precision.
pub fn expf(x: f32) -> f32 {
    libm::expf(x)
}

/// Natural logarithm.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Natural logarithm, single precision.
pub fn lnf(x: f32) -> f32 {
    libm::logf(x)
}

/// Hyperbolic tangent.
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// `x` to the power of `y`.
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Inner product in sixteen lanes that are added up pairwise: the shape of the
/// sum depends on the length only.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (whole_a, rest_a) = a.as_chunks::<16>();
    let (whole_b, rest_b) = b.as_chunks::<16>();
    for (x, y) in whole_a.iter().zip(whole_b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    for half in [8, 4, 2, 1] {
        for at in 0..half {
            lanes[at] += lanes[at + half];
        }
    }
    rest_a.iter().zip(rest_b).fold(lanes[0], |sum, (x, y)| sum + x * y)
}

/// The largest value; minus infinity for an empty slice. NaN is ignored.
pub fn max(values: &[f32]) -> f32 {
    values.iter().fold(f32::NEG_INFINITY, |best, &value| if value > best { value } else { best })
}

/// Logarithm of the sum of exponentials, safe against overflow; minus infinity
/// for an empty slice.
pub fn log_sum_exp(values: &[f32]) -> f32 {
    let top = max(values);
    if !top.is_finite() {
        return top;
    }
    let sum: f32 = values.iter().map(|&value| expf(value - top)).sum();
    top + lnf(sum)
}

/// Turns scores into probabilities in place and returns the logarithm of the
/// normaliser.
pub fn softmax(values: &mut [f32]) -> f32 {
    let top = max(values);
    if !top.is_finite() {
        let even = 1.0 / values.len().max(1) as f32;
        values.fill(even);
        return top;
    }
    let mut sum = 0.0_f32;
    for value in values.iter_mut() {
        *value = expf(*value - top);
        sum += *value;
    }
    for value in values.iter_mut() {
        *value /= sum;
    }
    top + lnf(sum)
}

/// Scales a vector to Euclidean length 1; a zero vector stays.
pub fn l2_normalise(values: &mut [f32]) {
    let norm = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
    if norm > 0.0 {
        let scale = (1.0 / norm) as f32;
        values.iter_mut().for_each(|value| *value *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_sums_to_one_and_survives_huge_scores() {
        let mut scores = [1000.0, 999.0, -1000.0];
        let log_norm = softmax(&mut scores);
        assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((scores[0] - 0.731_058_6).abs() < 1e-6);
        assert!((log_norm - 1000.3133).abs() < 1e-3);
        assert!((log_sum_exp(&[1000.0, 999.0]) - log_norm).abs() < 1e-3);
    }

    #[test]
    fn softmax_of_nothing_useful_is_even() {
        let mut scores = [f32::NEG_INFINITY, f32::NEG_INFINITY];
        softmax(&mut scores);
        assert_eq!(scores, [0.5, 0.5]);
        assert_eq!(log_sum_exp(&[]), f32::NEG_INFINITY);
    }

    #[test]
    fn exponential_and_logarithm_have_the_known_bits() {
        // The same on every CPU: a change of these bits changes every model.
        assert_eq!(exp(1.5).to_bits(), 0x4011_ed3f_e64f_c541);
        assert_eq!(expf(0.3), 1.349_858_8);
        assert_eq!(ln(10.0).to_bits(), 0x4002_6bb1_bbb5_5516);
    }

    #[test]
    fn normalising_keeps_a_zero_vector() {
        let mut zero = [0.0, 0.0];
        l2_normalise(&mut zero);
        assert_eq!(zero, [0.0, 0.0]);
        let mut vector = [3.0, 4.0];
        l2_normalise(&mut vector);
        assert!((vector[0] - 0.6).abs() < 1e-6 && (vector[1] - 0.8).abs() < 1e-6);
    }
}
