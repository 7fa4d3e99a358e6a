//! Sequence tagging: a linear-chain conditional random field (Lafferty et al.
//! 2001) whose emission scores are the sum of two parts trained together, as in
//! wide-and-deep learning (Cheng et al. 2016): a linear one over sparse features,
//! which remembers, and a small recurrent network over embeddings, which
//! generalises. Small data do with the linear part.
//!
//! Training is plain: one thread, one order of sequences, sums of a fixed shape.
//! So the weights depend on the sequences and the options only.

mod chain;
mod explain;
mod kernels;
mod model;
mod network;
mod recurrent;
mod train;
mod transitions;
mod wide;

pub use explain::{Reason, Reasons};
pub use model::{ByteRows, Network, Tagged, TaggerModel};
pub use network::{Dropout, Shape};
pub use train::{DeepOptions, TaggerOptions};
pub use transitions::Transitions;
pub use wide::Wide;

/// The active features of one token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaggedToken {
    /// Features of the linear part; unknown ones count nothing.
    pub wide: Vec<u32>,
    /// Features whose embeddings are summed; unknown ones count nothing.
    pub bag: Vec<u32>,
    /// One more feature of the bag, the token's identity; 0 if it is unknown.
    pub name: u32,
}

/// One training sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaggedSequence {
    /// Features of each token.
    pub tokens: Vec<TaggedToken>,
    /// Label of each token.
    pub labels: Vec<u32>,
    /// Class of the whole sequence, where it is known.
    pub class: Option<u32>,
}

#[cfg(test)]
mod tests;
