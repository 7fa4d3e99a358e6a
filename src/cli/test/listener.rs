//! Understanding in tests: as in a conversation, with the servers that the
//! model's pipeline asks.

use anyhow::Result;
use sapa_model::Model;
use sapa_project::Endpoints;
use sapa_sdk::ParseData;
use tokio::runtime::Runtime;

use crate::agent::Understanding;
use crate::cli::{bot, terminal};

/// Understands texts, one after the other.
pub(super) struct Listener {
    understanding: Understanding,
    runtime: Runtime,
}

impl Listener {
    /// Asks Duckling where the pipeline does; no other NLU server stands in for
    /// the model that is tested.
    pub(super) fn new() -> Result<Self> {
        let understanding = bot::understanding(&Endpoints::default())?;
        Ok(Self { understanding, runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()? })
    }

    /// Understands a text; says once when a server gives no answer.
    pub(super) fn parse(&self, model: &Model, text: &str) -> ParseData {
        let was_heard = self.understanding.is_heard();
        let parsed = self.runtime.block_on(self.understanding.parse(model, text, None));
        if was_heard && !self.understanding.is_heard() {
            terminal::note("warning: Duckling gives no answer; texts are understood without its entities");
        }
        parsed
    }
}
