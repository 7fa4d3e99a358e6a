//! Intent classifiers (spec §2.4).

pub(crate) mod diet;
pub(crate) mod fallback;
pub(crate) mod keyword;
pub(crate) mod learner;
pub(crate) mod linear;
pub(crate) mod logistic;
pub(crate) mod reasons;
#[cfg(test)]
mod sequence_tests;
