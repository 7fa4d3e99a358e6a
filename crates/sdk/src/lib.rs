//! What a Sapa action server and the Sapa server share: events, parse data, the
//! action protocol's wire types, number types (NIP, NIK, phone) and PII masking.
//!
//! A custom action written in Rust depends on this crate only. With the feature
//! `server` it also gets the little axum server that speaks Rasa's action
//! protocol.

pub mod action;
pub mod bounds;
pub mod dispatcher;
pub mod event;
pub mod form;
pub mod message;
mod nik;
mod nip;
pub mod number;
pub mod parse;
mod phone;
pub mod pii;
#[cfg(feature = "server")]
pub mod server;
pub mod tracker;
pub mod wilayah;

pub use action::{ActionRequest, ActionResponse};
pub use dispatcher::Dispatcher;
pub use event::{Event, EventBody};
pub use message::{BotData, BotMessage, Button};
pub use nik::Nik;
pub use nip::{NiPppk, Nip};
pub use number::{Date, Identity};
pub use parse::{Entity, IntentPrediction, ParseData};
pub use phone::{NotAPhone, Phone};
pub use tracker::TrackerState;

/// A JSON object with the order of its keys kept.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
