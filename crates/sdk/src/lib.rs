//! What a Sapa action server and the Sapa server share: events, parse data, the
//! action protocol's wire types, number types (NIP, NIK, phone) and PII masking.
//!
//! A custom action written in Rust depends on this crate only. With the feature
//! `server` it also gets the little axum server that speaks Rasa's action
//! protocol.

pub mod action;
pub mod event;
pub mod message;
pub mod parse;
pub mod tracker;

pub use action::{ActionRequest, ActionResponse};
pub use event::{Event, EventBody};
pub use message::{BotData, BotMessage, Button};
pub use parse::{Entity, IntentPrediction, ParseData};
pub use tracker::TrackerState;

/// A JSON object with the order of its keys kept.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
