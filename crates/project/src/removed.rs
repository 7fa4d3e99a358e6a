//! Components of older versions of Rasa that Rasa 3.6 does not have.

const FALLBACK: &str = "use RulePolicy with `core_fallback_threshold`, `core_fallback_action_name` and a rule for the intent `nlu_fallback`, and FallbackClassifier with `threshold` at the end of the pipeline";
const TWO_STAGES: &str = "use FallbackClassifier at the end of the pipeline, RulePolicy, and a rule: the intent `nlu_fallback`, then `action_two_stage_fallback` with `active_loop: action_two_stage_fallback`";
const RULES: &str = "use RulePolicy, with a rule for each intent that `triggers` an action in the domain";
const FORMS: &str = "use RulePolicy, with a rule that activates the form and one that submits it";
const TED: &str = "use TEDPolicy";
const DIET: &str = "use DIETClassifier";
const CRF: &str = "use CRFEntityExtractor, or DIETClassifier";
const COUNTS: &str = "use CountVectorsFeaturizer";
const WORDS: &str =
    "use WhitespaceTokenizer, and CountVectorsFeaturizer with `analyzer: char_wb` for what the model gave";

/// Name, as written in old configurations, and its successor.
const REMOVED: [(&str, &str); 28] = [
    ("FallbackPolicy", FALLBACK),
    ("TwoStageFallbackPolicy", TWO_STAGES),
    ("MappingPolicy", RULES),
    ("FormPolicy", FORMS),
    ("KerasPolicy", TED),
    ("SklearnPolicy", TED),
    ("EmbeddingPolicy", TED),
    ("EmbeddingIntentClassifier", DIET),
    ("ConveRTTokenizer", WORDS),
    ("LanguageModelTokenizer", WORDS),
    ("HFTransformersNLP", WORDS),
    ("NGramFeaturizer", "use CountVectorsFeaturizer with `analyzer: char_wb`"),
    ("DucklingHTTPExtractor", "use DucklingEntityExtractor"),
    // Names of version 0.x.
    ("tokenizer_whitespace", "use WhitespaceTokenizer"),
    ("tokenizer_spacy", "use WhitespaceTokenizer"),
    ("tokenizer_mitie", "use WhitespaceTokenizer"),
    ("tokenizer_jieba", "use WhitespaceTokenizer with a `token_pattern`"),
    ("intent_featurizer_count_vectors", COUNTS),
    ("intent_featurizer_spacy", COUNTS),
    ("intent_featurizer_mitie", COUNTS),
    ("intent_entity_featurizer_regex", "use RegexFeaturizer"),
    ("intent_classifier_tensorflow_embedding", DIET),
    ("intent_classifier_sklearn", "use LogisticRegressionClassifier"),
    ("intent_classifier_keyword", "use KeywordIntentClassifier"),
    ("ner_crf", CRF),
    ("ner_synonyms", "use EntitySynonymMapper"),
    ("ner_duckling_http", "use DucklingEntityExtractor"),
    ("nlp_spacy", WORDS),
];

/// What to write in the place of a component that was removed, also where it is
/// named by the path of Rasa's own class.
pub(crate) fn successor(name: &str) -> Option<&'static str> {
    let class = name.strip_prefix("rasa.").map_or(name, |path| path.rsplit('.').next().unwrap_or(path));
    REMOVED.iter().find(|(removed, _)| *removed == class).map(|(_, cure)| *cure)
}

#[cfg(test)]
mod tests {
    use super::{REMOVED, successor};
    use crate::components::COMPONENTS;

    #[test]
    fn successors_name_components_that_exist() {
        for (removed, cure) in REMOVED {
            assert!(COMPONENTS.iter().all(|component| component.name != removed), "{removed} exists");
            let names_one = COMPONENTS.iter().any(|component| cure.contains(component.name));
            assert!(names_one, "{removed}: {cure}");
        }
        assert!(successor("rasa.core.policies.fallback.FallbackPolicy").is_some());
        assert_eq!(successor("my.FallbackPolicy"), None);
    }
}
