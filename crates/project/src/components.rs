//! All NLU components and policies of Rasa 3.6, and how each is served. Those that
//! Sapa has besides are named by the registries of `nlu` and `dialogue`.

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Splits messages.
    Tokenizer,
    /// Makes features.
    Featurizer,
    /// Names the intent.
    Classifier,
    /// Finds entities.
    Extractor,
    /// Anything else in a pipeline.
    Other,
    /// A policy.
    Policy,
}

/// How a component is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As in Rasa.
    Native,
    /// By something else, named here.
    StandIn(&'static str),
    /// Not at all; what to do instead.
    Refused(&'static str),
}

/// One component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// Rasa's class name, or our own.
    pub name: &'static str,
    /// What it is.
    pub role: Role,
    /// How it is served.
    pub status: Status,
}

impl Component {
    /// One that Rasa does not have.
    pub const fn own(name: &'static str, role: Role) -> Self {
        native(name, role)
    }
}

const fn native(name: &'static str, role: Role) -> Component {
    Component { name, role, status: Status::Native }
}

const fn stand_in(name: &'static str, role: Role, by: &'static str) -> Component {
    Component { name, role, status: Status::StandIn(by) }
}

const fn refused(name: &'static str, role: Role, cure: &'static str) -> Component {
    Component { name, role, status: Status::Refused(cure) }
}

const NO_SPACY: &str = "spaCy models cannot be loaded; use WhitespaceTokenizer with CountVectorsFeaturizer, and CRFEntityExtractor for entities";
const NO_MITIE: &str = "MITIE models cannot be loaded; use WhitespaceTokenizer with CountVectorsFeaturizer, LogisticRegressionClassifier and CRFEntityExtractor";
const NO_DENSE: &str = "pretrained language models cannot be loaded; use CountVectorsFeaturizer with analyzer char_wb";

/// The table: one line a component of Rasa.
pub const COMPONENTS: &[Component] = &[
    native("WhitespaceTokenizer", Role::Tokenizer),
    refused(
        "JiebaTokenizer",
        Role::Tokenizer,
        "Chinese words are not told apart; use WhitespaceTokenizer with a `token_pattern` that splits characters",
    ),
    refused("MitieTokenizer", Role::Tokenizer, "use WhitespaceTokenizer"),
    refused("SpacyTokenizer", Role::Tokenizer, "use WhitespaceTokenizer"),
    native("RegexFeaturizer", Role::Featurizer),
    native("LexicalSyntacticFeaturizer", Role::Featurizer),
    native("CountVectorsFeaturizer", Role::Featurizer),
    refused("SpacyFeaturizer", Role::Featurizer, NO_SPACY),
    refused("MitieFeaturizer", Role::Featurizer, NO_MITIE),
    refused("ConveRTFeaturizer", Role::Featurizer, NO_DENSE),
    refused("LanguageModelFeaturizer", Role::Featurizer, NO_DENSE),
    refused("SpacyNLP", Role::Other, NO_SPACY),
    refused("MitieNLP", Role::Other, NO_MITIE),
    native("KeywordIntentClassifier", Role::Classifier),
    native("LogisticRegressionClassifier", Role::Classifier),
    native("FallbackClassifier", Role::Classifier),
    stand_in("SklearnIntentClassifier", Role::Classifier, "LogisticRegressionClassifier"),
    stand_in("DIETClassifier", Role::Classifier, "an intent learner and an entity tagger of our own"),
    refused("MitieIntentClassifier", Role::Classifier, NO_MITIE),
    native("RegexEntityExtractor", Role::Extractor),
    native("CRFEntityExtractor", Role::Extractor),
    native("EntitySynonymMapper", Role::Other),
    native("DucklingEntityExtractor", Role::Extractor),
    refused("SpacyEntityExtractor", Role::Extractor, NO_SPACY),
    refused("MitieEntityExtractor", Role::Extractor, NO_MITIE),
    stand_in("ResponseSelector", Role::Other, "our own intent learner over the keys of the retrieval intents"),
    native("MemoizationPolicy", Role::Policy),
    native("AugmentedMemoizationPolicy", Role::Policy),
    native("RulePolicy", Role::Policy),
    stand_in("TEDPolicy", Role::Policy, "logistic regression over the states' features, with the same priority"),
    stand_in("UnexpecTEDIntentPolicy", Role::Policy, "logistic regression over the states' features"),
];

/// The component of that name. A module path of Rasa's own before the class
/// name is accepted: `rasa.core.policies.rule_policy.RulePolicy`.
pub fn find(name: &str) -> Option<&'static Component> {
    let class = match name.rsplit_once('.') {
        Some((module, class)) if module.starts_with("rasa.") => class,
        Some(_) => return None,
        None => name,
    };
    COMPONENTS.iter().find(|component| component.name == class)
}

/// A policy's priority where none is configured (spec §3.4).
pub fn default_priority(policy: &str) -> i64 {
    match policy {
        "RulePolicy" => 4,
        "MemoizationPolicy" | "AugmentedMemoizationPolicy" => 3,
        "UnexpecTEDIntentPolicy" => 2,
        _ => 1,
    }
}
