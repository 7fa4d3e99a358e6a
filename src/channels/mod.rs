//! Channels: how messages come in and go out. A channel hands messages to the
//! agent and never touches the store.

pub mod output;
pub mod rest;
