//! Features that are the same in every example are learnt as one. Nearly all
//! texts have many: the n-grams of a word that occurs once, say.
//!
//! `m` equal columns get equal weights `w`, as the penalty is convex. Together
//! they add `m * w * x` to a score and `m * w²` to the penalty; so does one
//! column of `√m * x` with the weight `√m * w`. Gradients, too, are those of the
//! columns apart, turned: a solver takes the same steps, only on fewer numbers.

use crate::sparse::CsrMatrix;

/// Stands for a column that no row has.
const NONE: u32 = u32::MAX;

/// A matrix whose columns all differ, and where they come from.
pub(super) struct Merged {
    /// As many rows as before; no column is empty.
    pub features: CsrMatrix,
    /// Old column to new one, or [`NONE`].
    groups: Vec<u32>,
    /// `√m` of each new column.
    factors: Vec<f32>,
}

impl Merged {
    /// Merges the columns that have the same bits.
    pub fn new(features: &CsrMatrix) -> Self {
        let firsts = first_equals(features);
        let mut groups = vec![NONE; firsts.len()];
        let mut sizes: Vec<u32> = Vec::new();
        for (column, &first) in firsts.iter().enumerate() {
            if first == NONE {
                continue;
            }
            if first as usize == column {
                groups[column] = sizes.len() as u32;
                sizes.push(0);
            }
            // The first of its kind comes first, so its group is known.
            groups[column] = groups[first as usize];
            sizes[groups[column] as usize] += 1;
        }
        let factors: Vec<f32> = sizes.into_iter().map(|size| f64::from(size).sqrt() as f32).collect();
        let mut merged = CsrMatrix::new(factors.len());
        for row in 0..features.rows() {
            let (columns, values) = features.row(row);
            let kept = columns.iter().zip(values).filter(|&(&column, _)| firsts[column as usize] == column);
            merged.push_row(kept.map(|(&column, value)| {
                let group = groups[column as usize];
                (group, value * factors[group as usize])
            }));
        }
        Self { features: merged, groups, factors }
    }

    /// Weights of the old columns, `classes` each, from those of the new ones.
    pub fn spread(&self, weights: &[f32], classes: usize) -> Vec<f32> {
        let mut spread = vec![0.0_f32; self.groups.len() * classes];
        for (out, &group) in spread.chunks_exact_mut(classes).zip(&self.groups) {
            if group != NONE {
                let (start, factor) = (group as usize * classes, self.factors[group as usize]);
                out.iter_mut().zip(&weights[start..start + classes]).for_each(|(out, weight)| *out = weight / factor);
            }
        }
        spread
    }
}

/// For each column the first one that equals it; [`NONE`] for an empty one.
fn first_equals(features: &CsrMatrix) -> Vec<u32> {
    let by_column = features.transpose();
    let mut order: Vec<(u64, u32)> =
        (0..by_column.rows()).map(|column| (digest(by_column.row(column)), column as u32)).collect();
    order.sort_unstable();
    let mut firsts = vec![NONE; order.len()];
    let mut last = None;
    for (digest, column) in order {
        let entries = by_column.row(column as usize);
        if entries.0.is_empty() {
            continue;
        }
        let first = match last {
            Some((same, first)) if same == digest && are_equal(by_column.row(first as usize), entries) => first,
            _ => column,
        };
        firsts[column as usize] = first;
        last = Some((digest, first));
    }
    firsts
}

fn are_equal(a: (&[u32], &[f32]), b: (&[u32], &[f32])) -> bool {
    a.0 == b.0 && a.1.iter().zip(b.1).all(|(x, y)| x.to_bits() == y.to_bits())
}

/// Equal columns have equal digests; columns of equal digests are compared.
fn digest((rows, values): (&[u32], &[f32])) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    rows.iter().zip(values).fold(rows.len() as u64, |state, (&row, value)| {
        let entry = u64::from(row) << 32 | u64::from(value.to_bits());
        (state.rotate_left(23) ^ entry).wrapping_mul(FACTOR)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_columns_become_one_and_their_weight_is_shared() {
        let mut features = CsrMatrix::new(6);
        features.push_row([(0, 1.0), (1, 0.5), (2, 1.0), (5, 1.0)]);
        features.push_row([(1, 0.5), (3, 2.0)]);
        let merged = Merged::new(&features);
        assert_eq!(merged.groups, [0, 1, 0, 2, NONE, 0]);
        let factor = 3.0_f32.sqrt();
        assert_eq!(merged.features.row(0), (&[0_u32, 1][..], &[factor, 0.5][..]));
        assert_eq!(merged.features.row(1), (&[1_u32, 2][..], &[0.5_f32, 2.0][..]));
        let spread = merged.spread(&[factor, 2.0 * factor, 3.0, 4.0, 5.0, 6.0], 2);
        assert_eq!(spread, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 5.0, 6.0, 0.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn columns_of_other_rows_or_values_stay_apart() {
        let mut features = CsrMatrix::new(3);
        features.push_row([(0, 1.0), (2, 2.0)]);
        features.push_row([(1, 1.0)]);
        assert_eq!(Merged::new(&features).features, features);
        let empty = CsrMatrix::new(2);
        assert_eq!(Merged::new(&empty).features.columns(), 0);
    }
}
