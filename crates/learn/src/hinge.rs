//! One-against-rest linear classifiers with squared hinge loss, by dual
//! coordinate descent (Hsieh et al. 2008, "A Dual Coordinate Descent Method for
//! Large-scale Linear SVM"): with few examples the widest margin is hard to beat.

use crate::parallel::for_each_chunk;
use crate::softmax::SoftmaxModel;
use crate::{CsrMatrix, Rng};

/// What ends the descent: the largest violation in a pass over the examples.
const TOLERANCE: f32 = 0.05;
/// Passes at most.
const MOST_PASSES: usize = 200;

/// How it is learnt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HingeOptions {
    /// What an error costs; the larger, the less the weights are held back.
    pub c: f32,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
}

/// Learns a weight vector and an intercept for each class. The scores are
/// margins: about 1 for the class, -1 for the others.
pub fn train(features: &CsrMatrix, labels: &[u32], classes: usize, options: &HingeOptions) -> SoftmaxModel {
    let columns = features.columns();
    let squares: Vec<f32> = (0..features.rows()).map(|row| squared_length(features, row)).collect();
    let mut planes = vec![0.0_f32; classes * (columns + 1)];
    for_each_chunk(&mut planes, columns + 1, options.threads, |class, plane| {
        separate(features, labels, class as u32, &squares, options.c, plane);
    });
    let mut model = SoftmaxModel { weights: vec![0.0; columns * classes], intercept: Vec::with_capacity(classes) };
    for (class, plane) in planes.chunks_exact(columns + 1).enumerate() {
        for (column, weight) in plane[..columns].iter().enumerate() {
            model.weights[column * classes + class] = *weight;
        }
        model.intercept.push(plane[columns]);
    }
    model
}

/// With the one that stands for the intercept.
fn squared_length(features: &CsrMatrix, row: usize) -> f32 {
    features.row(row).1.iter().map(|value| value * value).sum::<f32>() + 1.0
}

/// Fills `plane` (the intercept last) with what tells a class from the rest.
/// Examples that surely lie beyond the margin are set aside until the others are
/// settled ("shrinking", Hsieh et al. 2008, section 3.3): of a class's thousands of
/// counterexamples nearly all.
fn separate(features: &CsrMatrix, labels: &[u32], class: u32, squares: &[f32], c: f32, plane: &mut [f32]) {
    let Some((intercept, weights)) = plane.split_last_mut() else { return };
    let mut rng = Rng::new(u64::from(class));
    let mut order: Vec<u32> = (0..labels.len() as u32).collect();
    let mut alphas = vec![0.0_f32; labels.len()];
    let diagonal = 0.5 / c;
    let (mut active, mut far) = (order.len(), f32::INFINITY);
    for _ in 0..MOST_PASSES {
        rng.shuffle(&mut order[..active]);
        let (mut worst, mut largest) = (0.0_f32, f32::NEG_INFINITY);
        let mut at = 0;
        while at < active {
            let row = order[at] as usize;
            let sign = if labels[row] == class { 1.0 } else { -1.0 };
            let (columns, values) = features.row(row);
            let score: f32 = columns.iter().zip(values).map(|(&column, value)| weights[column as usize] * value).sum();
            let gradient = sign * (score + *intercept) - 1.0 + diagonal * alphas[row];
            if alphas[row] == 0.0 && gradient > far {
                active -= 1;
                order.swap(at, active);
                continue;
            }
            at += 1;
            if alphas[row] == 0.0 && gradient >= 0.0 {
                largest = largest.max(0.0);
                continue;
            }
            worst = worst.max(gradient.abs());
            largest = largest.max(gradient);
            let alpha = (alphas[row] - gradient / (squares[row] + diagonal)).max(0.0);
            let step = (alpha - alphas[row]) * sign;
            alphas[row] = alpha;
            for (&column, value) in columns.iter().zip(values) {
                weights[column as usize] += step * value;
            }
            *intercept += step;
        }
        if worst < TOLERANCE && active == order.len() {
            break;
        }
        if worst < TOLERANCE {
            // Those set aside are looked at once more.
            (active, far) = (order.len(), f32::INFINITY);
        } else {
            far = if largest > 0.0 { largest } else { f32::INFINITY };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_wide_and_the_threads_do_not_matter() {
        let mut features = CsrMatrix::new(4);
        let labels: Vec<u32> = (0..20).map(|i| i % 2).collect();
        labels.iter().for_each(|label| features.push_row([(*label, 1.0), (2 + *label / 2, 0.5)]));
        let options = HingeOptions { c: 1.0, threads: 1 };
        let model = train(&features, &labels, 2, &options);
        assert_eq!(model, train(&features, &labels, 2, &HingeOptions { threads: 2, ..options }));
        let scores = model.scores([(0, 1.0), (2, 0.5)]);
        assert!(scores[0] > 0.8 && scores[1] < -0.8, "{scores:?}");
    }

    #[test]
    fn the_optimum_is_the_textbook_one() {
        // One example a class, on either side of nought: no intercept.
        let mut features = CsrMatrix::new(1);
        features.push_row([(0, 1.0)]);
        features.push_row([(0, -1.0)]);
        let model = train(&features, &[0, 1], 2, &HingeOptions { c: 0.5, threads: 1 });
        // min w²/2 + c·2(1-w)²: w = 4c / (1 + 4c).
        assert!((model.weights[0] - 2.0 / 3.0).abs() < 0.02, "{:?}", model.weights);
    }

    /// At the optimum an example's multiplier is `2c` times how far it falls short of
    /// the margin, and the weights are the examples weighed by these: one that was set
    /// aside for good although it falls short would be missing.
    #[test]
    fn nobody_who_falls_short_of_the_margin_is_forgotten() {
        let (columns, classes, c) = (40, 3, 1.0_f32);
        let mut rng = Rng::new(5);
        let (mut features, mut labels) = (CsrMatrix::new(columns), Vec::new());
        for row in 0..400 {
            // Most are far from the first class; some overlap with it.
            let label = if row % 20 == 0 { 0 } else { 1 + row as u32 % 2 };
            let own = label as usize * 10;
            let noise = rng.below(columns);
            let mut entries = vec![((own + rng.below(10)) as u32, 0.8_f32), (noise as u32, 0.6)];
            entries.sort_by_key(|entry| entry.0);
            entries.dedup_by_key(|entry| entry.0);
            features.push_row(entries);
            labels.push(label);
        }
        let model = train(&features, &labels, classes, &HingeOptions { c, threads: 1 });
        for class in 0..classes {
            // What the tolerance leaves open: nothing for those beyond the margin.
            let (mut planes, mut open) = (vec![0.0_f32; columns], vec![1e-3_f32; columns]);
            for (row, label) in labels.iter().enumerate() {
                let sign = if *label as usize == class { 1.0 } else { -1.0 };
                let (at, values) = features.row(row);
                let score = model.scores(at.iter().copied().zip(values.iter().copied()))[class];
                let multiplier = 2.0 * c * (1.0 - sign * score).max(0.0);
                let near = if sign * score < 1.0 + TOLERANCE { 2.0 * c * TOLERANCE } else { 0.0 };
                for (&column, value) in at.iter().zip(values) {
                    planes[column as usize] += multiplier * sign * value;
                    open[column as usize] += near * value;
                }
            }
            for (column, (wanted, open)) in planes.iter().zip(open).enumerate() {
                let found = model.weights[column * classes + class];
                assert!((found - wanted).abs() < open, "class {class}, column {column}: {found} instead of {wanted}");
            }
        }
    }
}
