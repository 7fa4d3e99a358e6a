//! Sparse matrices, compressed by rows, single precision.

/// Non-zero entries of one row: `(column, value)`, columns strictly ascending.
pub type SparseRow = Vec<(u32, f32)>;

/// Sorts entries by column and adds up those of one column.
pub fn tidy_row(row: &mut SparseRow) {
    row.sort_unstable_by_key(|&(column, _)| column);
    row.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
}

/// A matrix of `rows() x columns()`, rows stored one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct CsrMatrix {
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
    columns: usize,
}

impl CsrMatrix {
    /// A matrix of that many columns and no row yet.
    pub fn new(columns: usize) -> Self {
        Self { starts: vec![0], indices: Vec::new(), values: Vec::new(), columns }
    }

    /// Appends a row; entries of columns that do not exist are left out.
    pub fn push_row(&mut self, entries: impl IntoIterator<Item = (u32, f32)>) {
        for (column, value) in entries {
            if (column as usize) < self.columns {
                self.indices.push(column);
                self.values.push(value);
            }
        }
        self.starts.push(self.indices.len());
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of stored entries.
    pub fn entries(&self) -> usize {
        self.indices.len()
    }

    /// Columns and values of a row; empty for a row that does not exist.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(&start), Some(&end)) => (&self.indices[start..end], &self.values[start..end]),
            _ => (&[], &[]),
        }
    }

    /// The matrix with rows and columns swapped; within a row of the result
    /// entries ascend by column.
    pub fn transpose(&self) -> Self {
        let mut starts = vec![0_usize; self.columns + 1];
        for &column in &self.indices {
            starts[column as usize + 1] += 1;
        }
        for i in 0..self.columns {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut indices = vec![0_u32; self.indices.len()];
        let mut values = vec![0.0_f32; self.values.len()];
        for row in 0..self.rows() {
            let (columns, row_values) = self.row(row);
            for (&column, &value) in columns.iter().zip(row_values) {
                let slot = &mut next[column as usize];
                indices[*slot] = row as u32;
                values[*slot] = value;
                *slot += 1;
            }
        }
        Self { starts, indices, values, columns: self.rows() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let mut matrix = CsrMatrix::new(4);
        matrix.push_row([(0, 1.0), (3, 2.0)]);
        matrix.push_row([]);
        matrix.push_row([(1, 3.0), (3, 4.0)]);
        let transposed = matrix.transpose();
        assert_eq!(transposed.rows(), 4);
        assert_eq!(transposed.row(3), (&[0_u32, 2][..], &[2.0_f32, 4.0][..]));
        assert_eq!(transposed.transpose(), matrix);
    }

    #[test]
    fn columns_that_do_not_exist_are_left_out() {
        let mut matrix = CsrMatrix::new(2);
        matrix.push_row([(1, 1.0), (2, 5.0)]);
        assert_eq!(matrix.row(0), (&[1_u32][..], &[1.0_f32][..]));
        assert_eq!(matrix.row(9), (&[][..], &[][..]));
    }

    #[test]
    fn tidying_sorts_and_adds_up() {
        let mut row = vec![(3, 1.0), (1, 2.0), (3, 0.5)];
        tidy_row(&mut row);
        assert_eq!(row, vec![(1, 2.0), (3, 1.5)]);
    }
}
