//! YAML text -> facts per file (with spans) -> linked [`Project`]; the runtime
//! [`Domain`]; [`Diagnostic`]s as pure data.
//!
//! Nothing here touches a file, a clock or the environment: the bytes of every
//! file and a look-up for variables are arguments.

pub mod annotation;
pub mod check;
pub mod codes;
pub mod components;
mod conceal;
pub mod config;
pub mod diagnostic;
pub mod domain;
pub mod endpoints;
pub mod fold;
pub mod gitlab;
pub mod imports;
pub mod load;
pub mod migrate;
pub mod nlu;
pub mod pattern;
pub mod placeholders;
pub mod python;
pub mod render;
pub mod source;
pub mod split;
pub mod story;
pub mod suggest;
pub mod write_nlu;
pub mod yaml;

mod foreign;
mod read_config;
mod read_domain;
mod read_nlu;
mod read_story;
mod removed;
mod shape;
mod substitute;
mod version;

pub use check::check;
pub use config::{ComponentConfig, Config};
pub use diagnostic::{Annotation, Diagnostic, Severity};
pub use domain::Domain;
pub use endpoints::{Credentials, Endpoints, Secret, StoreEndpoint};
pub use load::{FileRole, LoadOptions, Loaded, LoadedNlu, ProjectFile, load, load_nlu, load_test_stories, load_with};
pub use nlu::NluData;
pub use read_config::odd_threshold;
pub use read_domain::{DomainSpans, LostSection, MappingPlace, NamePlace};
pub use render::{render_json, render_text};
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
    /// Where the domain's parts stand, for findings across files.
    pub domain_spans: DomainSpans,
    /// Whether a domain file could not be read, or there is none: names that
    /// are unknown then say nothing.
    pub is_domain_incomplete: bool,
    /// Whether some file could not be read: what seems unused or unreached may
    /// stand in it.
    pub is_incomplete: bool,
}
