//! Turns over small projects, without I/O: what Rasa does, written from the
//! specification.

mod actions;
mod beside_rasa;
mod chat;
mod forms;
mod learning;
mod learnt;
mod rules;
mod semantics;
mod sessions;
mod slots;
