//! Work shared by threads so that the result never depends on their number:
//! every output element is written by exactly one call, sums have a fixed shape.

/// Elements a partial sum covers: fixed, so that a sum's shape depends on the
/// length only.
const SUM_CHUNK: usize = 8192;

/// Below this many elements threads cost more than they bring.
const SERIAL_BELOW: usize = 1 << 18;

/// Cuts `out` into chunks of `chunk` elements (the last may be shorter) and
/// calls `work(chunk_index, chunk)` once for each, on up to `threads` threads.
pub fn for_each_chunk<T: Send>(out: &mut [T], chunk: usize, threads: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let chunk = chunk.max(1);
    let chunks = out.len().div_ceil(chunk);
    let threads = threads.clamp(1, chunks.max(1));
    if threads == 1 {
        out.chunks_mut(chunk).enumerate().for_each(|(index, part)| work(index, part));
        return;
    }
    let share = chunks.div_ceil(threads);
    let run = |number: usize, part: &mut [T]| {
        for (index, piece) in part.chunks_mut(chunk).enumerate() {
            work(number * share + index, piece);
        }
    };
    let run = &run;
    let (own, others) = out.split_at_mut((share * chunk).min(out.len()));
    std::thread::scope(|scope| {
        for (number, part) in others.chunks_mut(share * chunk).enumerate() {
            scope.spawn(move || run(number + 1, part));
        }
        run(0, own);
    });
}

/// Inner product in double precision; the order of additions depends on the
/// length only.
pub fn dot(a: &[f32], b: &[f32], threads: usize) -> f64 {
    let length = a.len().min(b.len());
    let mut partial = vec![0.0_f64; length.div_ceil(SUM_CHUNK)];
    for_each_chunk(&mut partial, 1, serial_if_small(length, threads), |index, sum| {
        let range = index * SUM_CHUNK..((index + 1) * SUM_CHUNK).min(length);
        if let [sum] = sum {
            *sum = dot_chunk(&a[range.clone()], &b[range]);
        }
    });
    partial.iter().sum()
}

fn dot_chunk(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (whole_a, rest_a) = a.as_chunks::<8>();
    let (whole_b, rest_b) = b.as_chunks::<8>();
    for (x, y) in whole_a.iter().zip(whole_b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += f64::from(*x) * f64::from(*y);
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    lanes.iter().sum::<f64>() + rest
}

/// `y += factor * x`.
pub fn axpy(factor: f32, x: &[f32], y: &mut [f32], threads: usize) {
    let threads = serial_if_small(y.len(), threads);
    for_each_chunk(y, SUM_CHUNK, threads, |index, part| {
        let start = index * SUM_CHUNK;
        for (y, x) in part.iter_mut().zip(&x[start..]) {
            *y += factor * x;
        }
    });
}

/// `x *= factor`.
pub fn scale(factor: f32, x: &mut [f32], threads: usize) {
    let threads = serial_if_small(x.len(), threads);
    for_each_chunk(x, SUM_CHUNK, threads, |_, part| part.iter_mut().for_each(|x| *x *= factor));
}

fn serial_if_small(length: usize, threads: usize) -> usize {
    if length < SERIAL_BELOW { 1 } else { threads }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_the_same_bits_for_any_number_of_threads() {
        let a: Vec<f32> = (0..400_003).map(|i| (i % 97) as f32 * 0.013 - 0.5).collect();
        let b: Vec<f32> = (0..400_003).map(|i| (i % 89) as f32 * 0.017 - 0.7).collect();
        let one = dot(&a, &b, 1);
        for threads in [2, 3, 8] {
            assert_eq!(one.to_bits(), dot(&a, &b, threads).to_bits());
        }
        let naive: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        assert!((one - naive).abs() < 1e-6 * naive.abs());
    }

    #[test]
    fn every_chunk_is_visited_once_with_its_index() {
        for threads in [1, 2, 5, 100] {
            let mut out = vec![0_usize; 23];
            for_each_chunk(&mut out, 4, threads, |index, part| part.iter_mut().for_each(|x| *x += index + 1));
            let expected: Vec<usize> = (0..23).map(|i| i / 4 + 1).collect();
            assert_eq!(out, expected);
        }
        for_each_chunk(&mut Vec::<u8>::new(), 4, 3, |_, _| unreachable!());
    }

    #[test]
    fn axpy_and_scale_reach_every_element() {
        let x: Vec<f32> = (0..300_000).map(|i| i as f32).collect();
        let mut y = vec![1.0_f32; 300_000];
        axpy(2.0, &x, &mut y, 2);
        scale(0.5, &mut y, 2);
        assert!(y.iter().enumerate().all(|(i, &y)| y == i as f32 + 0.5));
    }
}
