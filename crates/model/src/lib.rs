//! A project becomes one model file, and a model file becomes what the server
//! runs. Training is a function of the project's bytes: no time, no path outside
//! the project, no thread count gets into the file.

mod load;
mod train;

pub use load::{Model, ModelError};
pub use sapa_learn::container::announced_length;
pub use sapa_nlu::DucklingQuery;
pub use train::{Fingerprint, Target, TrainRequest, Trained, train};
