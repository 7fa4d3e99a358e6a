//! The actions as the bot calls them: over HTTP.

mod forms;
mod guidance;
mod start;
mod support;
mod tickets;
