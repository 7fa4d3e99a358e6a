//! `--coverage`: what the tests exercise, laid over the project's files.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use sapa_dialogue::DialogueModel;
use sapa_model::{Fingerprint, Target};
use sapa_project::{Project, load};
use sapa_sdk::Event;

use super::flags::{CoreFlags, Shared};
use super::results::Results;
use crate::cli::dotenv::Environment;
use crate::cli::files::{self, ProjectPaths};
use crate::cli::{models, terminal};
use crate::evaluate::coverage::{Coverage, Exercised};
use crate::evaluate::stories::StoryResult;

/// Watches tests of a model and knows the project that it was trained on.
pub(super) struct Watch {
    model: Arc<DialogueModel>,
    project: Project,
    exercised: Exercised,
}

impl Watch {
    /// Reads the project. It must be the one that the model was trained on: else
    /// the model's places are those of other lines.
    pub(super) fn start(shared: &Shared, flags: &CoreFlags, model_path: &Path) -> Result<Self> {
        let config = shared.config();
        let paths = ProjectPaths { config: &config, domain: &shared.domain, data: &flags.data, without_domain: false };
        let files = files::read_project(&paths, &Environment::read())?;
        let environment = Environment::read();
        let project = load(files.clone(), &|name| environment.get(name)).project;
        let model = models::load(model_path)?;
        let is_of = |target| Fingerprint::of(&files, &environment.asked(), target).0 == model.fingerprint;
        if ![Target::All, Target::Core].into_iter().any(is_of) {
            let path = model_path.display();
            bail!("`{path}` was not trained on these files as they are now; run `sapa train` before `--coverage`");
        }
        let Some(model) = model.dialogue() else { bail!("the model has no dialogue part to test") };
        Ok(Self { model: Arc::clone(model), project, exercised: Exercised::default() })
    }

    /// Takes in test stories.
    pub(super) fn stories(&mut self, results: &[StoryResult]) {
        results.iter().for_each(|result| self.exercised.watch_story(&self.model, result));
    }

    /// Takes in a conversation that took place.
    pub(super) fn conversation(&mut self, events: &[Arc<Event>]) {
        self.exercised.watch(&self.model, events);
    }

    /// Says what the tests exercise, and writes `coverage.json`, `coverage.html`
    /// and `coverage.lcov`.
    pub(super) fn report(self, results: &Results) -> Result<()> {
        let coverage = Coverage::of(&self.project, &self.exercised);
        coverage.to_lines().iter().for_each(|line| terminal::say(line));
        results.json("coverage.json", &coverage.to_json())?;
        results.write("coverage.html", coverage.to_html(&self.project.sources))?;
        results.write("coverage.lcov", coverage.to_lcov())
    }
}
