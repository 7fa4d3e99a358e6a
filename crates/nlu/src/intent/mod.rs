//! Intent classifiers (spec §2.4).

pub(crate) mod calibration;
pub(crate) mod diet;
pub(crate) mod fallback;
pub(crate) mod keyword;
pub(crate) mod linear;
pub(crate) mod logistic;
