//! A model file as what the server runs.

use std::sync::Arc;

use sapa_dialogue::DialogueModel;
use sapa_learn::container::{Container, ContainerError, id_of_file};
use sapa_nlu::{DucklingQuery, NluModel};
use sapa_project::Domain;
use sapa_sdk::ParseData;
use serde_json::Value;

/// Why a file is no usable model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file is truncated, damaged or something else.
    #[error("not a usable model file; train a new one with `sapa train`")]
    Container(#[from] ContainerError),
    /// The NLU part is unusable.
    #[error("the NLU part of the model is unusable; train a new one with `sapa train`")]
    Nlu(#[from] sapa_nlu::LoadError),
    /// The dialogue part is unusable.
    #[error("the dialogue part of the model is unusable; train a new one with `sapa train`")]
    Dialogue(#[from] sapa_dialogue::policy::LoadError),
    /// The domain is unusable.
    #[error("the domain of the model is unusable; train a new one with `sapa train`")]
    Domain(#[from] serde_json::Error),
    /// A part that the manifest promises is absent.
    #[error("the model has no section {0}; train a new one with `sapa train`")]
    Missing(&'static str),
}

/// A loaded model.
#[derive(Debug)]
pub struct Model {
    /// Hash of its content, hex.
    pub id: String,
    /// Fingerprint of what it was trained on.
    pub fingerprint: String,
    /// The `language` of its configuration, if it names one.
    pub language: Option<String>,
    nlu: Option<NluModel>,
    dialogue: Option<Arc<DialogueModel>>,
}

impl Model {
    /// Reads a model file. `max_predictions` is the circuit breaker's limit.
    ///
    /// # Errors
    /// The bytes are truncated, damaged, foreign, or of another version.
    pub fn from_bytes(bytes: &[u8], max_predictions: usize) -> Result<Self, ModelError> {
        let container = Container::from_bytes(bytes)?;
        let manifest = container.manifest();
        let flag = |name: &str| manifest.get(name).and_then(Value::as_bool).unwrap_or(false);
        let text = |name: &str| manifest.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = id_of_file(bytes);
        let nlu = if flag("has_nlu") { Some(NluModel::from_sections(&|name| container.section(name))?) } else { None };
        let dialogue = if flag("has_core") {
            let section = |name: &'static str| container.section(name).ok_or(ModelError::Missing(name));
            let domain: Domain = serde_json::from_slice(section("dialogue/domain")?)?;
            let mut model =
                DialogueModel::from_sections(&|name| container.section(&format!("dialogue/{name}")), domain)?;
            model.model_id.clone_from(&id);
            model.assistant_id = text("assistant_id");
            model.max_predictions = max_predictions;
            Some(Arc::new(model))
        } else {
            None
        };
        Ok(Self { id, fingerprint: text("fingerprint").unwrap_or_default(), language: text("language"), nlu, dialogue })
    }

    /// The dialogue part; `None` for an NLU-only model.
    pub fn dialogue(&self) -> Option<&Arc<DialogueModel>> {
        self.dialogue.as_ref()
    }

    /// The pipeline, if the model has one.
    pub fn nlu(&self) -> Option<&NluModel> {
        self.nlu.as_ref()
    }

    /// Whether there is an NLU part.
    pub fn has_nlu(&self) -> bool {
        self.nlu.is_some()
    }

    /// The domain; `None` for an NLU-only model.
    pub fn domain(&self) -> Option<&Domain> {
        self.dialogue.as_ref().map(|dialogue| &*dialogue.domain)
    }

    /// Understands a message as Rasa's `/model/parse` (spec §2). A model without
    /// NLU still reads messages that name their intent.
    pub fn parse(&self, text: &str) -> ParseData {
        self.parse_with(text, &[])
    }

    /// What other servers are to be asked about a message before it is parsed;
    /// nothing about one that names its intent.
    pub fn queries(&self, text: &str) -> Vec<&DucklingQuery> {
        let queries = self.nlu.as_ref().map(NluModel::queries).unwrap_or_default();
        if queries.is_empty() || sapa_nlu::parse_intent_message(text, self.domain()).is_some() {
            return Vec::new();
        }
        queries
    }

    /// [`Self::parse`] with the answers to [`Self::queries`], null where there is
    /// none.
    pub fn parse_with(&self, text: &str, answers: &[Value]) -> ParseData {
        match &self.nlu {
            Some(nlu) => nlu.understand(text, self.domain(), answers),
            None => sapa_nlu::parse_intent_message(text, self.domain())
                .unwrap_or_else(|| ParseData { text: Some(text.to_owned()), ..ParseData::default() }),
        }
    }
}
