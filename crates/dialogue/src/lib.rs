//! The dialogue engine: tracker, slots, forms, policies, and [`Turn`], the one
//! state machine of a conversation.
//!
//! Nothing here does I/O. Whoever drives a [`Turn`] answers what it [`Need`]s
//! (a parse, an action server's answer) and stores what it is [`Done`] with.

pub mod action;
pub mod conflicts;
pub mod extraction;
pub mod features;
pub mod model;
pub mod nlg;
pub mod policy;
pub mod state;
pub mod tracker;
pub mod training;
pub mod turn;

pub use model::DialogueModel;
pub use tracker::{EventVerbosity, Tracker, Trimmed};
pub use turn::{ActionCall, ActionFailure, Decision, Done, Input, Need, NlgCall, Step, Turn, UserMessage};
