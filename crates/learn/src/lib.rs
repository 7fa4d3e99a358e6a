//! Learning machinery: sparse matrices, softmax regression, a linear-chain
//! tagger, portable maths and the model container. Knows no word of Rasa's.
//!
//! Everything here is a function of its arguments. Floats come out the same on
//! every machine and for every number of threads (the one exception, linfa's
//! dense solver, says so): transcendental functions are `libm`'s, sums have a
//! fixed shape, ties are broken by index.

pub mod bag;
pub mod bytes;
pub mod container;
pub mod hinge;
pub mod keys;
pub mod math;
pub mod parallel;
pub mod rng;
pub mod softmax;
pub mod sparse;
pub mod tagger;
pub mod vocabulary;

pub use container::{Container, ContainerError};
pub use keys::KeyTable;
pub use rng::Rng;
pub use softmax::{
    DenseTrainer, SoftmaxError, SoftmaxModel, SoftmaxOptions, SoftmaxProblem, SoftmaxTrainer, Solver, SparseTrainer,
    choose_solver,
};
pub use sparse::CsrMatrix;
pub use tagger::{TaggerModel, TaggerOptions, Transitions};
pub use vocabulary::Vocabulary;
