//! Which labels may follow which.

/// Score of a transition that cannot be.
pub(super) const FORBIDDEN: f32 = -1.0e6;

/// Which labels may follow which: `(L + 2) x L`. Row `i < L`: from label `i`;
/// row `L`: at the start; row `L + 1`: at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Transitions {
    pub(super) labels: usize,
    pub(super) allowed: Vec<bool>,
}

impl Transitions {
    /// Everything may follow everything.
    pub fn all(labels: usize) -> Self {
        Self { labels, allowed: vec![true; (labels + 2) * labels] }
    }

    /// Forbids what `permits` denies; it is asked with `None` for the start (as
    /// first argument) and the end (as second). Label 0 must be free to follow
    /// itself, and to stand at the start and at the end.
    pub fn only(labels: usize, permits: impl Fn(Option<usize>, Option<usize>) -> bool) -> Self {
        let mut transitions = Self::all(labels);
        for to in 0..labels {
            for from in 0..labels {
                transitions.allowed[from * labels + to] = permits(Some(from), Some(to));
            }
            transitions.allowed[labels * labels + to] = permits(None, Some(to));
            transitions.allowed[(labels + 1) * labels + to] = permits(Some(to), None);
        }
        transitions
    }

    /// Scores to begin with: zero, or [`FORBIDDEN`].
    pub(super) fn scores(&self) -> Vec<f32> {
        self.allowed.iter().map(|&allowed| if allowed { 0.0 } else { FORBIDDEN }).collect()
    }
}
