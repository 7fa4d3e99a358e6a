//! All components by Rasa's names: one line each.

use crate::entity::duckling::DucklingQuery;
use crate::entity::tagging::EntityReasons;
use crate::intent::reasons::Reasons;
use crate::message::Message;
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use crate::{entity, features, indonesian, intent, response_selector, tokenizer};
use sapa_project::{ComponentConfig, components};

pub(crate) use crate::train::TrainContext;

/// A trained component.
pub(crate) trait Component: Send + Sync {
    /// Adds to the message what this component finds out.
    fn process(&self, message: &mut Message);

    /// What it wants another server to be asked about each message.
    fn query(&self) -> Option<&DucklingQuery> {
        None
    }

    /// Why it finds the entities that it finds in a message; nothing if it does
    /// not learn them.
    fn explain_entities(&self, _: &Message) -> Vec<EntityReasons> {
        Vec::new()
    }

    /// Why it decides on the intent it decides on.
    fn explain_intent(&self, _: &Message) -> Option<Reasons> {
        None
    }

    /// What people may call a column of its features.
    fn feature_name(&self, _: u32) -> Option<String> {
        None
    }

    /// Whether all it does is to leave counts of terms in a message.
    fn only_counts(&self) -> bool {
        false
    }

    /// Whether it reads the counts of terms that featurizers leave in a message.
    fn reads_counts(&self) -> bool {
        false
    }

    /// Writes what [`Kind::load`] needs.
    fn save(&self, writer: &mut SectionWriter);
}

/// What a component is for: decides when it runs and what must precede it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Makes tokens.
    Tokenizer,
    /// Says how tokens are read; runs over the training messages, too.
    Normalizer,
    /// Makes features of tokens; runs over the training messages, too.
    Featurizer,
    /// Decides on an intent.
    Classifier,
    /// Finds or changes entities.
    Extractor,
    /// Chooses among responses.
    Selector,
    /// Doubts a classifier's decision; must follow one.
    Fallback,
}

impl Role {
    fn in_config(self) -> components::Role {
        match self {
            Self::Tokenizer => components::Role::Tokenizer,
            Self::Featurizer => components::Role::Featurizer,
            Self::Classifier | Self::Fallback => components::Role::Classifier,
            Self::Extractor => components::Role::Extractor,
            Self::Normalizer | Self::Selector => components::Role::Other,
        }
    }
}

/// Trains a component.
type Train = fn(&ComponentConfig, &mut TrainContext) -> Result<Box<dyn Component>, TrainError>;
/// Loads a component.
type Load = fn(&SectionReader) -> Result<Box<dyn Component>, LoadError>;

/// One kind of component.
pub(crate) struct Kind {
    /// Rasa's class name.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// Whether it works on tokens.
    pub needs_tokens: bool,
    /// Options that have a meaning; others are noted and ignored.
    pub options: &'static [&'static str],
    /// Trains it.
    pub train: Train,
    /// Loads it.
    pub load: Load,
}

/// Every component there is.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "WhitespaceTokenizer",
        role: Role::Tokenizer,
        needs_tokens: false,
        options: &["token_pattern", "intent_tokenization_flag", "intent_split_symbol"],
        train: tokenizer::train,
        load: tokenizer::load,
    },
    Kind {
        name: indonesian::NAME,
        role: Role::Normalizer,
        needs_tokens: true,
        options: indonesian::OPTIONS,
        train: indonesian::train,
        load: indonesian::load,
    },
    Kind {
        name: "RegexFeaturizer",
        role: Role::Featurizer,
        needs_tokens: true,
        options: features::regex::OPTIONS,
        train: features::regex::train,
        load: features::regex::load,
    },
    Kind {
        name: "LexicalSyntacticFeaturizer",
        role: Role::Featurizer,
        needs_tokens: true,
        options: &["features", "alias"],
        train: features::lexical::train,
        load: features::lexical::load,
    },
    Kind {
        name: "CountVectorsFeaturizer",
        role: Role::Featurizer,
        needs_tokens: true,
        options: features::count_vectors::OPTIONS,
        train: features::count_vectors::train,
        load: features::count_vectors::load,
    },
    Kind {
        name: "LogisticRegressionClassifier",
        role: Role::Classifier,
        needs_tokens: false,
        options: intent::logistic::OPTIONS,
        train: intent::logistic::train,
        load: intent::logistic::load,
    },
    Kind {
        name: "SklearnIntentClassifier",
        role: Role::Classifier,
        needs_tokens: false,
        options: intent::logistic::OPTIONS,
        train: intent::logistic::train,
        load: intent::logistic::load,
    },
    Kind {
        name: "KeywordIntentClassifier",
        role: Role::Classifier,
        needs_tokens: false,
        options: &["case_sensitive"],
        train: intent::keyword::train,
        load: intent::keyword::load,
    },
    Kind {
        name: "DIETClassifier",
        role: Role::Classifier,
        needs_tokens: true,
        options: intent::diet::OPTIONS,
        train: intent::diet::train,
        load: intent::diet::load,
    },
    Kind {
        name: "FallbackClassifier",
        role: Role::Fallback,
        needs_tokens: false,
        options: &["threshold", "ambiguity_threshold"],
        train: intent::fallback::train,
        load: intent::fallback::load,
    },
    Kind {
        name: "RegexEntityExtractor",
        role: Role::Extractor,
        needs_tokens: false,
        options: features::regex::OPTIONS,
        train: entity::regex::train,
        load: entity::regex::load,
    },
    Kind {
        name: "CRFEntityExtractor",
        role: Role::Extractor,
        needs_tokens: true,
        options: entity::crf::OPTIONS,
        train: entity::crf::train,
        load: entity::crf::load,
    },
    Kind {
        name: "DucklingEntityExtractor",
        role: Role::Extractor,
        needs_tokens: false,
        options: entity::duckling::OPTIONS,
        train: entity::duckling::train,
        load: entity::duckling::load,
    },
    Kind {
        name: "EntitySynonymMapper",
        role: Role::Extractor,
        needs_tokens: false,
        options: &[],
        train: entity::synonyms::train,
        load: entity::synonyms::load,
    },
    Kind {
        name: "ResponseSelector",
        role: Role::Selector,
        needs_tokens: true,
        options: response_selector::OPTIONS,
        train: response_selector::train,
        load: response_selector::load,
    },
];

/// The kind of that name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The components that Rasa does not have, for the check of `config.yml`.
pub fn own_components() -> impl Iterator<Item = components::Component> {
    let own = KINDS.iter().filter(|kind| components::find(kind.name).is_none());
    own.map(|kind| components::Component::own(kind.name, kind.role.in_config()))
}
