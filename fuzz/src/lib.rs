//! Fuzzing of what reads files and messages: the functions under test
//! ([`targets`]), and a small engine that mutates inputs on stable Rust
//! ([`mutate`]). It knows no coverage; `fuzz_targets/` is for cargo-fuzz, which
//! does, on nightly.

pub mod corpus;
pub mod mutate;
pub mod targets;
