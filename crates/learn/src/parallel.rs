//! Work shared by threads so that the result never depends on their number:
//! every output element is written by exactly one call, sums have a fixed shape.

use std::sync::Mutex;

/// Elements a partial sum covers: fixed, so that a sum's shape depends on the
/// length only. The chunks of a few vectors fit into a core's nearest cache.
const SUM_CHUNK: usize = 4096;

/// Below this many operations threads cost more than they bring.
const SERIAL_BELOW: usize = 1 << 18;

/// Pieces a thread takes one after the other: a thread that is held up leaves
/// the rest to the others.
const PIECES: usize = 8;

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
    let share = chunks.div_ceil(threads * PIECES);
    let pieces = Mutex::new(out.chunks_mut(share * chunk).enumerate());
    let next = || pieces.lock().ok().and_then(|mut pieces| pieces.next());
    let run = || {
        while let Some((number, piece)) = next() {
            for (index, part) in piece.chunks_mut(chunk).enumerate() {
                work(number * share + index, part);
            }
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| {
            scope.spawn(run);
        });
        run();
    });
}

/// Inner product in double precision; the order of additions depends on the
/// length only.
pub fn dot(a: &[f32], b: &[f32], threads: usize) -> f64 {
    dots(&[(a, b)], threads)[0]
}

/// Inner products of several pairs of vectors in one pass: a vector that occurs
/// in many pairs is read from memory once. Each is what [`dot`] gives.
pub fn dots(pairs: &[(&[f32], &[f32])], threads: usize) -> Vec<f64> {
    let length = pairs.iter().map(|(a, b)| a.len().min(b.len())).max().unwrap_or(0);
    let mut partial = vec![0.0_f64; length.div_ceil(SUM_CHUNK) * pairs.len()];
    for_each_chunk(&mut partial, pairs.len(), serial_if_small(length * pairs.len(), threads), |index, sums| {
        for (sum, (a, b)) in sums.iter_mut().zip(pairs) {
            *sum = dot_chunk(chunk_of(a, index), chunk_of(b, index));
        }
    });
    (0..pairs.len()).map(|pair| partial.iter().skip(pair).step_by(pairs.len()).sum()).collect()
}

/// The chunk of that number, as far as the vector goes.
fn chunk_of(vector: &[f32], index: usize) -> &[f32] {
    let start = (index * SUM_CHUNK).min(vector.len());
    &vector[start..(start + SUM_CHUNK).min(vector.len())]
}

/// Many lanes, kept in memory: few would stay in registers one by one, and the
/// compiler would not add them several at a time.
fn dot_chunk(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 64];
    let (whole_a, rest_a) = a.as_chunks::<64>();
    let (whole_b, rest_b) = b.as_chunks::<64>();
    for (x, y) in whole_a.iter().zip(whole_b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += f64::from(*x) * f64::from(*y);
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    lanes.iter().sum::<f64>() + rest
}

/// `out = Σ factor * vector`, in one pass; the terms are added in their order.
pub fn combine(terms: &[(f32, &[f32])], out: &mut [f32], threads: usize) {
    let threads = serial_if_small(out.len() * terms.len(), threads);
    for_each_chunk(out, SUM_CHUNK, threads, |index, part| {
        let Some(((factor, vector), others)) = terms.split_first() else { return part.fill(0.0) };
        part.iter_mut().zip(chunk_of(vector, index)).for_each(|(out, x)| *out = factor * x);
        for (factor, vector) in others {
            part.iter_mut().zip(chunk_of(vector, index)).for_each(|(out, x)| *out += factor * x);
        }
    });
}

/// `x *= factor`.
pub fn scale(factor: f32, x: &mut [f32], threads: usize) {
    let threads = serial_if_small(x.len(), threads);
    for_each_chunk(x, SUM_CHUNK, threads, |_, part| part.iter_mut().for_each(|x| *x *= factor));
}

fn serial_if_small(work: usize, threads: usize) -> usize {
    if work < SERIAL_BELOW { 1 } else { threads }
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
    fn several_inner_products_are_each_what_one_is() {
        let [a, b, c] =
            [3, 5, 7].map(|step| (0..300_001).map(|i| (i * step % 101) as f32 - 50.0).collect::<Vec<f32>>());
        let together = dots(&[(&a, &b), (&c, &b), (&c, &c), (&a, &[])], 2);
        assert_eq!(together, [dot(&a, &b, 1), dot(&c, &b, 1), dot(&c, &c, 1), 0.0]);
        assert!(dots(&[], 2).is_empty());
    }

    #[test]
    fn combining_and_scaling_reach_every_element() {
        let x: Vec<f32> = (0..300_000).map(|i| i as f32).collect();
        let ones = vec![1.0_f32; 300_000];
        let mut y = vec![7.0_f32; 300_000];
        combine(&[(1.0, &ones), (2.0, &x)], &mut y, 2);
        scale(0.5, &mut y, 2);
        assert!(y.iter().enumerate().all(|(i, &y)| y == i as f32 + 0.5));
    }
}
