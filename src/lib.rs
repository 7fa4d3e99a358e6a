//! Sapa: a Rasa-compatible assistant server.
//!
//! The pure rooms are crates of their own; here are those that touch the world.
//! ARCHITECTURE.md has the map.

pub mod agent;
pub mod brokers;
pub mod channels;
pub mod cli;
pub mod evaluate;
pub mod locks;
pub mod server;
pub mod store;
