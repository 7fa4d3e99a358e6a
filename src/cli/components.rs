//! The components and policies that `config.yml` may name besides Rasa's.

use std::sync::LazyLock;

use sapa_project::LoadOptions;
use sapa_project::components::Component;

static OWN: LazyLock<Vec<Component>> =
    LazyLock::new(|| sapa_nlu::own_components().chain(sapa_dialogue::policy::own_policies()).collect());

/// How a project is read that is served by this program.
pub(super) fn load_options() -> LoadOptions {
    LoadOptions { own: &OWN, ..LoadOptions::default() }
}
