//! Understanding: message text to intent and entities (spec §2).
//!
//! A pipeline is a list of components, each in a file of its own and one line
//! of `registry`. [`NluModel::train`] builds it from a project,
//! [`NluModel::parse`] runs it, [`NluModel::to_sections`] and
//! [`NluModel::from_sections`] store and load it.

mod check;
mod entity;
mod error;
mod features;
mod indonesian;
mod intent;
mod intent_message;
mod literals;
mod message;
mod model;
mod options;
mod pattern;
mod rasa_options;
mod registry;
mod response_selector;
mod sections;
#[cfg(test)]
mod tests;
mod tokenizer;
mod train;

pub use check::check_data;
pub use entity::duckling::DucklingQuery;
pub use entity::tagging::{EntityReasons, TokenReasons};
pub use error::{LoadError, TrainError};
pub use intent::reasons::IntentReasons;
pub use intent_message::parse_intent_message;
pub use model::{Explanation, NluModel};
pub use registry::own_components;
pub use train::check_options;
