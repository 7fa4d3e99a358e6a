//! Options that Rasa's components know and that mean nothing here. One that is
//! neither among these nor among a component's own is a slip.

/// Of the networks: DIETClassifier and ResponseSelector.
const NETWORK: &[&str] = &[
    "batch_size",
    "batch_strategy",
    "BILOU_flag",
    "checkpoint_model",
    "concat_dimension",
    "connection_density",
    "constrain_similarities",
    "dense_dimension",
    "dense_input_dropout",
    "drop_rate",
    "drop_rate_attention",
    "embedding_dimension",
    "entity_recognition",
    "epochs",
    "evaluate_every_number_of_epochs",
    "evaluate_on_number_of_examples",
    "featurizers",
    "hidden_layers_sizes",
    "intent_classification",
    "learning_rate",
    "loss_type",
    "max_relative_position",
    "maximum_negative_similarity",
    "maximum_positive_similarity",
    "model_confidence",
    "negative_margin_scale",
    "number_of_attention_heads",
    "number_of_negative_examples",
    "number_of_transformer_layers",
    "random_seed",
    "ranking_length",
    "regularization_constant",
    "renormalize_confidences",
    "run_eagerly",
    "scale_loss",
    "share_hidden_layers",
    "similarity_type",
    "sparse_input_dropout",
    "split_entities_by_comma",
    "tensorboard_log_directory",
    "tensorboard_log_level",
    "transformer_size",
    "unidirectional_encoder",
    "use_gpu",
    "use_key_relative_attention",
    "use_masked_language_model",
    "use_maximum_negative_similarity",
    "use_text_as_label",
    "use_value_relative_attention",
    "weight_sparsity",
];

/// Besides those with a meaning here: the options of a component that Rasa 3.6
/// knows, or knew in version 2 and still meets in projects.
pub(crate) fn of(component: &str) -> &'static [&'static str] {
    match component {
        "WhitespaceTokenizer" => &["case_sensitive"],
        "RegexFeaturizer" => &["number_additional_patterns"],
        "CountVectorsFeaturizer" => &["use_shared_vocab", "use_lemma", "additional_vocabulary_size", "token_pattern"],
        "LogisticRegressionClassifier" => &["random_state"],
        "SklearnIntentClassifier" => {
            &["gamma", "kernels", "max_cross_validation_folds", "scoring_function", "num_threads"]
        }
        "DIETClassifier" | "ResponseSelector" => NETWORK,
        "CRFEntityExtractor" => &["max_iterations", "L1_c", "L2_c"],
        _ => &[],
    }
}
