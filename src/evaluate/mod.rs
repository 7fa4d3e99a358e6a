//! Test stories and dialogue tests: what is expected, and how it compares. Pure:
//! no store, no tokio.

pub mod held_out;
pub mod literate;
pub mod report;
pub mod stories;
pub mod understanding;
