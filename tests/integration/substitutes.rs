//! Components that cannot be served: refused with a cure, or replaced when
//! `--substitute` asks for it.

use crate::support::Project;

fn with_pipeline(language: &str, pipeline: &str) -> Project {
    let project = Project::tiny();
    project.write(
        "config.yml",
        format!("recipe: default.v1\nassistant_id: x\nlanguage: {language}\npipeline:\n{pipeline}policies:\n- name: RulePolicy\n"),
    );
    project
}

const SPACY: &str = "- name: SpacyNLP\n  model: en_core_web_md\n- name: SpacyTokenizer\n- name: SpacyFeaturizer\n- name: LanguageModelFeaturizer\n- name: SpacyEntityExtractor\n- name: DucklingEntityExtractor\n- name: LogisticRegressionClassifier\n";

#[test]
fn components_that_cannot_be_served_are_refused_with_the_cure_that_works() {
    let project = with_pipeline("en", SPACY);
    for command in [&["train"][..], &["train", "nlu"], &["train", "core"], &["data", "validate"]] {
        let told = project.sapa(command);
        assert_eq!(told.code, Some(1), "{command:?}: {told:?}");
        assert_eq!(told.err.matches("or train with `--substitute`").count(), 5, "{command:?}: {told:?}");
        let done = project.sapa(&[command, &["--substitute"]].concat());
        assert_eq!(done.code, Some(0), "{command:?}: {done:?}");
    }
}

#[test]
fn every_replacement_is_named_at_its_place() {
    let project = with_pipeline("en", SPACY);
    let trained = project.sapa(&["train", "--substitute"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let expected = [
        (5, "`SpacyNLP` is left out"),
        (7, "`SpacyTokenizer` is replaced by WhitespaceTokenizer"),
        (8, "`SpacyFeaturizer` is replaced by CountVectorsFeaturizer"),
        (9, "`LanguageModelFeaturizer` is left out, as CountVectorsFeaturizer is in the pipeline"),
        (10, "`SpacyEntityExtractor` is replaced by CRFEntityExtractor"),
    ];
    for (line, words) in expected {
        let finding = trained.err.split("\n\n").find(|finding| finding.contains(words));
        let at = format!("config.yml:{line}:9");
        assert!(
            finding.is_some_and(|finding| finding.contains(&at) && finding.contains("note[N0604]")),
            "{words}: {trained:?}"
        );
    }
    assert_eq!(trained.err.matches("N0604").count(), expected.len(), "{trained:?}");
    let chat = project.sapa_with_input(&["shell"], "when do you open\n");
    assert!(chat.out.contains("We are open"), "{chat:?}");
}

#[test]
fn an_extractor_that_is_there_already_is_not_doubled() {
    let project = with_pipeline(
        "en",
        "- name: MitieNLP\n- name: MitieTokenizer\n- name: MitieEntityExtractor\n- name: MitieFeaturizer\n- name: MitieIntentClassifier\n- name: DIETClassifier\n",
    );
    let trained = project.sapa(&["train", "--substitute"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(
        trained.err.contains("`MitieEntityExtractor` is left out, as CRFEntityExtractor is in the pipeline"),
        "{trained:?}"
    );
}

#[test]
fn our_own_extractor_counts_wherever_it_stands() {
    let own = "- name: CRFEntityExtractor\n";
    let refused = "- name: SpacyEntityExtractor\n";
    for pipeline in
        [format!("{own}{refused}"), format!("{refused}{own}"), format!("{refused}- name: MitieEntityExtractor\n")]
    {
        let project = with_pipeline("en", &format!("- name: WhitespaceTokenizer\n{pipeline}"));
        let told = project.sapa(&["data", "validate", "--substitute"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert_eq!(told.err.matches("is left out, as CRFEntityExtractor is in the pipeline").count(), 1, "{told:?}");
    }
}

#[test]
fn chinese_is_split_into_characters_in_the_place_of_jieba() {
    let project = with_pipeline(
        "zh",
        "- name: JiebaTokenizer\n  dictionary_path: x\n- name: CountVectorsFeaturizer\n- name: LogisticRegressionClassifier\n",
    );
    project.write("data/nlu.yml", "nlu:\n- intent: greet\n  examples: |\n    - 你好\n    - 早上好\n- intent: hours\n  examples: |\n    - 几点开门\n    - 营业时间\n");
    assert_eq!(project.sapa(&["train"]).code, Some(1));
    let trained = project.sapa(&["train", "--substitute"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let parsed = project.sapa_with_input(&["shell", "nlu"], "几点开门ok\n").out;
    assert!(parsed.contains("\"name\": \"hours\""), "{parsed}");
    let (_, tokens) = parsed.split_once("text_tokens").expect("tokens");
    assert_eq!(tokens.split("intent_ranking").next().unwrap_or_default().matches('[').count(), 6, "{tokens}");
}

#[test]
fn python_classes_are_refused_with_or_without_substitutes() {
    let project = with_pipeline("en", "- name: WhitespaceTokenizer\n- name: my.module.Sentiment\n");
    project.edit("config.yml", "- name: RulePolicy", "- name: RulePolicy\n- name: my.Policy");
    let told = project.sapa(&["train", "--substitute"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    for words in
        ["`my.module.Sentiment` is a Python class", "`my.Policy` is a Python class", "config.yml:6:", "config.yml:9:"]
    {
        assert!(told.err.contains(words), "`{words}` is not said: {told:?}");
    }
}
