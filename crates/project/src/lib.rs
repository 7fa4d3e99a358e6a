//! YAML text -> facts per file (with spans) -> linked [`Project`]; the runtime
//! [`Domain`]; [`Diagnostic`]s as pure data.
//!
//! Nothing here touches a file, a clock or the environment: the bytes of every
//! file and a look-up for variables are arguments.

pub mod config;
pub mod diagnostic;
pub mod domain;
pub mod nlu;
pub mod source;
pub mod story;

pub use config::{ComponentConfig, Config};
pub use diagnostic::{Annotation, Diagnostic, Severity};
pub use domain::Domain;
pub use nlu::NluData;
pub use source::{FileId, Sources, Span};
pub use story::{Step, StepKind, Story, StoryKind};

/// A whole project, read and linked.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Text of every file, for diagnostics and for naming a rule's place.
    pub sources: Sources,
    /// `config.yml`.
    pub config: Config,
    /// The merged domain.
    pub domain: Domain,
    /// NLU training data of all files.
    pub nlu: NluData,
    /// Stories and rules of all files, in path order and then file order.
    pub stories: Vec<Story>,
}
