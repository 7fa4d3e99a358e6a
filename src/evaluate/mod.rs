//! Test stories, dialogue tests and understanding: what is expected, and how it
//! compares. Pure: no store, no tokio.

pub mod benchmark;
pub mod chart;
pub mod coverage;
pub mod held_out;
pub mod literate;
pub mod metrics;
pub mod nlu;
pub mod report;
mod step_entities;
pub mod stories;
pub mod story_file;
mod story_result;
pub mod understanding;
