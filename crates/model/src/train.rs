//! Training: check, learn, write.

use std::collections::BTreeMap;

use sapa_dialogue::DialogueModel;
use sapa_learn::container::{Container, id_of_file};
use sapa_nlu::NluModel;
use sapa_project::{Diagnostic, Project, ProjectFile, Severity};
use serde_json::json;
use sha2::{Digest, Sha256};

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// NLU and dialogue, as far as there is data for them.
    All,
    /// NLU only.
    Nlu,
    /// Dialogue only.
    Core,
}

impl Target {
    /// Prefix of the model file's name (spec §6.4).
    pub fn file_prefix(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Nlu => "nlu-",
            Self::Core => "core-",
        }
    }
}

/// What to train on.
pub struct TrainRequest<'a> {
    /// The project, loaded and checked.
    pub project: &'a Project,
    /// Identifies the input.
    pub fingerprint: &'a Fingerprint,
    /// What to train.
    pub target: Target,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
}

/// A trained model.
pub struct Trained {
    /// The model file; empty when an error was found.
    pub bytes: Vec<u8>,
    /// Hash of its content, hex.
    pub model_id: String,
    /// What was found while learning; with an error among them there is no file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Identifies a training's input: every file's path and bytes, every variable
/// that was looked up, and the program's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// The fingerprint of these files, in whatever order they are given.
    pub fn of(files: &[ProjectFile], variables: &BTreeMap<String, Option<String>>, target: Target) -> Self {
        let mut sorted: Vec<&ProjectFile> = files.iter().collect();
        sorted.sort_by(|a, b| (&a.path, a.role).cmp(&(&b.path, b.role)));
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(env!("CARGO_PKG_VERSION").as_bytes());
        add(format!("{target:?}").as_bytes());
        for file in sorted {
            add(format!("{:?}", file.role).as_bytes());
            add(file.path.as_bytes());
            add(&file.bytes);
        }
        for (name, value) in variables {
            add(name.as_bytes());
            add(format!("{value:?}").as_bytes());
        }
        Self(sapa_learn::container::hex(&hash.finalize()))
    }
}

/// Trains. Contradictions of rules and stories are found before anything is
/// learnt from examples. `progress` hears what is being done.
pub fn train(request: &TrainRequest<'_>, progress: &mut dyn FnMut(&str)) -> Trained {
    let project = request.project;
    let mut diagnostics = Vec::new();
    let has_stories = !project.stories.is_empty() && !project.domain.action_names.is_empty();
    let wants_core = request.target != Target::Nlu && has_stories;
    let wants_nlu = request.target != Target::Core && !project.nlu.examples.is_empty();

    let mut dialogue = None;
    if wants_core {
        progress("rules and stories");
        let (model, found) = DialogueModel::train(project, request.threads);
        diagnostics.extend(found);
        dialogue = Some(model);
    }
    if has_error(&diagnostics) {
        return Trained { bytes: Vec::new(), model_id: String::new(), diagnostics };
    }
    let mut nlu = None;
    if wants_nlu {
        match NluModel::train(&project.config, &project.nlu, &project.domain, request.threads, progress) {
            Ok((model, found)) => {
                diagnostics.extend(found);
                nlu = Some(model);
            }
            Err(error) => diagnostics.push(*error.0),
        }
    }
    if has_error(&diagnostics) || (nlu.is_none() && dialogue.is_none()) {
        return Trained { bytes: Vec::new(), model_id: String::new(), diagnostics };
    }
    let bytes = container(request, nlu.as_ref(), dialogue.as_ref()).to_bytes();
    Trained { model_id: id_of_file(&bytes), bytes, diagnostics }
}

fn has_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

fn container(
    request: &TrainRequest<'_>,
    nlu: Option<&NluModel>,
    dialogue: Option<&DialogueModel>,
) -> Container<'static> {
    let project = request.project;
    let mut container = Container::new(json!({
        "sapa_version": env!("CARGO_PKG_VERSION"),
        "fingerprint": request.fingerprint.0,
        "assistant_id": project.config.assistant_id,
        "language": project.config.language,
        "has_nlu": nlu.is_some(),
        "has_core": dialogue.is_some(),
    }));
    if let Some(nlu) = nlu {
        nlu.to_sections().into_iter().for_each(|(name, bytes)| container.add(name, bytes));
    }
    if let Some(dialogue) = dialogue {
        dialogue.to_sections().into_iter().for_each(|(name, bytes)| container.add(format!("dialogue/{name}"), bytes));
        container.add("dialogue/domain", serde_json::to_vec(&project.domain).unwrap_or_default());
    }
    container
}
