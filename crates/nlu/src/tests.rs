//! Whole pipelines: output, storage, determinism, bad input.

use crate::{LoadError, NluModel, TrainError};
use sapa_project::domain::{Intent, ResponseVariation};
use sapa_project::nlu::{EntityAnnotation, Example, Lookup, NluData, RegexPattern, Synonym};
use sapa_project::{ComponentConfig, Config, Diagnostic, Domain, Span};
use serde_json::{Value, json};

/// Intents with their examples; `[text](entity)` and `[text](entity#role)`
/// annotate.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("greet", &["halo", "hai", "selamat pagi", "halo min", "assalamualaikum", "hai kak"]),
    (
        "reset_password",
        &["lupa password email", "reset kata sandi", "password saya lupa min", "tolong reset password akun simpeg"],
    ),
    (
        "travel",
        &[
            "dari [Raha](city#from) ke [Bau Bau](city#to)",
            "saya mau ke [Kendari](city#to)",
            "berangkat dari [Kendari](city#from)",
            "pindah dari [Bau Bau](city#from) ke [Raha](city#to)",
            "ke [Raha](city#to) besok",
            "antar saya ke [Bau Bau](city#to)",
        ],
    ),
    ("faq/hours", &["jam berapa buka", "kantor buka jam berapa", "jam layanan"]),
    ("faq/address", &["di mana alamat kantor", "alamat dinas kominfo", "lokasi kantor di mana"]),
];

pub(crate) fn example(intent: &str, marked: &str) -> Example {
    let (mut text, mut entities, mut rest) = (String::new(), Vec::new(), marked);
    while let Some((before, after)) = rest.split_once('[') {
        let (covered, tail) = after.split_once("](").unwrap();
        let (name, tail) = tail.split_once(')').unwrap();
        let (entity, role) =
            name.split_once('#').map_or((name, None), |(entity, role)| (entity, Some(role.to_owned())));
        text.push_str(before);
        let start = text.chars().count();
        text.push_str(covered);
        let end = text.chars().count();
        entities.push(EntityAnnotation { start, end, entity: entity.into(), role, group: None, value: json!(covered) });
        rest = tail;
    }
    text.push_str(rest);
    Example { intent: intent.into(), text, entities, metadata: Default::default(), span: Span::default() }
}

pub(crate) fn data() -> NluData {
    NluData {
        examples: EXAMPLES.iter().flat_map(|(intent, texts)| texts.iter().map(|text| example(intent, text))).collect(),
        synonyms: vec![Synonym { text: "baubau".into(), value: "Bau Bau".into(), span: Span::default() }],
        regexes: vec![RegexPattern { name: "nip".into(), pattern: r"\b\d{18}\b".into(), span: Span::default() }],
        lookups: vec![Lookup {
            name: "city".into(),
            elements: vec!["Kendari".into(), "baubau".into()],
            span: Span::default(),
        }],
    }
}

pub(crate) fn domain() -> Domain {
    let mut domain = Domain::default();
    for intent in ["greet", "reset_password", "travel", "faq"] {
        domain.intents.insert(intent.into(), Intent::default());
    }
    let content = json!({"text": "Jam 8 sampai 16."}).as_object().cloned().unwrap();
    let variation = ResponseVariation { content, channel: None, condition: Vec::new(), condition_json: Value::Null };
    domain.responses.insert("utter_faq/hours".into(), vec![variation]);
    domain
}

pub(crate) fn config(pipeline: Value) -> Config {
    let component = |entry: &Value| {
        let mut options = entry.as_object().cloned().unwrap();
        let name = options.shift_remove("name").unwrap();
        ComponentConfig::implied(name.as_str().unwrap(), options)
    };
    let pipeline = pipeline.as_array().unwrap().iter().map(component).collect();
    Config { language: Some("id".into()), pipeline, ..Config::default() }
}

/// Rasa's default pipeline.
fn default_pipeline() -> Value {
    json!([
        {"name": "WhitespaceTokenizer"}, {"name": "RegexFeaturizer"}, {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": true}, {"name": "EntitySynonymMapper"},
        {"name": "ResponseSelector", "epochs": 100, "constrain_similarities": true},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1}
    ])
}

fn try_train(pipeline: Value, threads: usize) -> Result<(NluModel, Vec<Diagnostic>), TrainError> {
    NluModel::train(&config(pipeline), &data(), &domain(), threads, &mut |_| {})
}

fn train(pipeline: Value) -> NluModel {
    try_train(pipeline, 1).unwrap().0
}

fn load(sections: &[(String, Vec<u8>)]) -> Result<NluModel, LoadError> {
    NluModel::from_sections(&|name| sections.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice()))
}

/// The answer with every confidence rounded to one decimal.
fn answer(model: &NluModel, text: &str) -> String {
    fn round(value: &mut Value) {
        match value {
            Value::Number(number) if number.is_f64() => {
                *value = json!((number.as_f64().unwrap() * 10.0).round() / 10.0)
            }
            Value::Array(items) => items.iter_mut().for_each(round),
            Value::Object(map) => map.values_mut().for_each(round),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(model.parse(text)).unwrap();
    round(&mut value);
    value.to_string()
}

#[test]
fn the_answer_has_rasas_keys_in_rasas_order() {
    let mut data = data();
    data.examples.retain(|example| example.intent == "greet" || example.intent == "reset_password");
    let (model, _) = NluModel::train(&config(default_pipeline()), &data, &domain(), 1, &mut |_| {}).unwrap();
    assert_eq!(
        answer(&model, "/lupa password"),
        concat!(
            r#"{"text":"/lupa password","intent":{"name":"reset_password","confidence":1.0},"entities":[],"#,
            r#""text_tokens":[[1,5],[6,14]],"intent_ranking":[{"name":"reset_password","confidence":1.0},"#,
            r#"{"name":"greet","confidence":0.0}],"response_selector":{"all_retrieval_intents":[],"default":{"response":"#,
            r#"{"responses":null,"confidence":0.0,"intent_response_key":null,"utter_action":"utter_None"},"ranking":[]}}}"#
        )
    );
    let empty = model.parse("");
    assert_eq!(empty.text_tokens, Some(vec![(0, 0)]));
    assert!(empty.intent.name.is_some());
}

#[test]
fn entities_have_roles_confidences_and_synonyms() {
    let model = train(default_pipeline());
    let entities = serde_json::to_value(model.parse("dari Kendari ke baubau").entities).unwrap();
    let cities: Vec<_> =
        entities.as_array().unwrap().iter().map(|e| (&e["value"], &e["role"], &e["start"], &e["end"])).collect();
    assert_eq!(
        cities,
        [
            (&json!("Kendari"), &json!("from"), &json!(5), &json!(12)),
            (&json!("Bau Bau"), &json!("to"), &json!(16), &json!(22))
        ]
    );
    let keys: Vec<_> = entities[1].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        ["entity", "start", "end", "confidence_entity", "role", "value", "extractor", "processors", "confidence_role"]
    );
    assert_eq!(entities[1]["extractor"], "DIETClassifier");
    assert_eq!(entities[1]["processors"], json!(["EntitySynonymMapper"]));
    assert!(entities[1]["confidence_entity"].as_f64().unwrap() > 0.5);
}

#[test]
fn extractors_append_in_pipeline_order_without_removing_doubles() {
    let pipeline = json!([
        {"name": "WhitespaceTokenizer"}, {"name": "RegexFeaturizer"}, {"name": "CRFEntityExtractor"},
        {"name": "RegexEntityExtractor"}, {"name": "EntitySynonymMapper"}
    ]);
    let model = train(pipeline);
    let data = model.parse("saya mau ke kendari 199001012020121001");
    let found: Vec<_> =
        data.entities.iter().map(|e| (e.extractor.as_deref().unwrap(), e.value.as_str().unwrap())).collect();
    // `nip` is a pattern, but no annotated entity: only `city` is extracted.
    assert_eq!(found, [("CRFEntityExtractor", "Kendari"), ("RegexEntityExtractor", "Kendari")]);
    assert_eq!(data.entities[1].confidence_entity, None);
    assert_eq!(data.intent.name, None);
    assert!(data.intent_ranking.is_none());
}

#[test]
fn the_response_selector_reports_the_key_and_its_responses() {
    let model = train(default_pipeline());
    let data = model.parse("jam berapa kantor buka?");
    assert_eq!(data.intent.name.as_deref(), Some("faq"));
    // Only the selector `default` exists: quirk of spec §2.1.
    assert_eq!(data.intent.rest["full_retrieval_intent_name"], Value::Null);
    let report = &data.rest["response_selector"];
    assert_eq!(report["all_retrieval_intents"], json!(["faq"]));
    let response = &report["default"]["response"];
    assert_eq!(response["responses"], json!([{"text": "Jam 8 sampai 16."}]));
    assert_eq!(response["intent_response_key"], "faq/hours");
    assert_eq!(response["utter_action"], "utter_faq/hours");
    let ranking = report["default"]["ranking"].as_array().unwrap();
    assert_eq!(ranking.len(), 2);
    assert_eq!(ranking[1]["intent_response_key"], "faq/address");

    let mut pipeline = default_pipeline();
    pipeline[7]["retrieval_intent"] = json!("faq");
    let data = train(pipeline).parse("alamat kantor");
    assert_eq!(data.intent.rest["full_retrieval_intent_name"], "faq/address");
    assert_eq!(data.rest["response_selector"]["faq"]["response"]["responses"], json!([]));
}

#[test]
fn the_model_is_the_same_bytes_on_one_thread_or_two_and_after_a_round_trip() {
    let one = try_train(default_pipeline(), 1).unwrap().0.to_sections();
    assert_eq!(one, try_train(default_pipeline(), 1).unwrap().0.to_sections());
    assert_eq!(one, try_train(default_pipeline(), 2).unwrap().0.to_sections());
    let loaded = load(&one).unwrap();
    assert_eq!(loaded.to_sections(), one);
    let model = train(default_pipeline());
    for text in ["halo", "ke Raha 5 kali", "jam buka", "xyzzy", ""] {
        assert_eq!(model.parse(text), loaded.parse(text));
    }
    assert_eq!(loaded.intents(), ["faq", "greet", "reset_password", "travel"]);
}

#[test]
fn every_component_survives_storing_and_any_missing_or_cut_section_is_an_error() {
    let mut pipeline = default_pipeline();
    let others = json!([
        {"name": "LogisticRegressionClassifier"}, {"name": "KeywordIntentClassifier"},
        {"name": "RegexEntityExtractor"}, {"name": "CRFEntityExtractor"}
    ]);
    pipeline.as_array_mut().unwrap().extend(others.as_array().unwrap().iter().cloned());
    let sections = train(pipeline).to_sections();
    load(&sections).unwrap();
    for at in 0..sections.len() {
        let mut missing = sections.clone();
        missing.remove(at);
        assert!(matches!(load(&missing), Err(LoadError::Missing(_))), "{}", sections[at].0);
        let mut cut = sections.clone();
        if cut[at].1.pop().is_some() && !cut[at].1.is_empty() {
            assert!(matches!(load(&cut), Err(LoadError::Malformed(_))), "{}", sections[at].0);
        }
    }
}

#[test]
fn colloquial_and_misspelt_messages_are_understood() {
    for classifier in ["DIETClassifier", "LogisticRegressionClassifier"] {
        let model = train(json!([
            {"name": "WhitespaceTokenizer"}, {"name": "CountVectorsFeaturizer"},
            {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
            {"name": classifier}
        ]));
        for (text, intent) in
            [("pasword ku lupaa", "reset_password"), ("haloo minn", "greet"), ("almt kantornya dmn", "faq")]
        {
            assert_eq!(model.parse(text).intent.name.as_deref(), Some(intent), "{classifier}: {text}");
        }
    }
}

#[test]
fn without_any_featurizer_only_diet_decides() {
    let model = train(json!([{"name": "WhitespaceTokenizer"}, {"name": "DIETClassifier"}]));
    assert_eq!(model.parse("lupa password").intent.name.as_deref(), Some("reset_password"));
}

#[test]
fn monstrous_messages_do_no_harm() {
    let mut pipeline = default_pipeline();
    pipeline.as_array_mut().unwrap().insert(5, json!({"name": "KeywordIntentClassifier"}));
    let model = train(pipeline);
    let texts = [
        "a".repeat(1 << 20),
        "halo ".repeat(1 << 16),
        "😀".repeat(1 << 16),
        "\u{0}\u{1}\u{7f}\r\n\t".repeat(999),
        "\u{202e}\u{feff}e\u{301}".repeat(999),
        "(".repeat(1 << 16),
        " ".into(),
        "/{".into(),
        "9".repeat(1 << 16),
    ];
    for text in &texts {
        let data = model.understand(text, Some(&domain()), &[]);
        assert_eq!(data.text.as_ref(), Some(text));
    }
}

#[test]
fn a_message_that_names_its_intent_skips_the_pipeline() {
    let model = train(default_pipeline());
    assert_eq!(model.understand("/greet", Some(&domain()), &[]).intent.confidence, 1.0);
    assert_eq!(model.understand("/greet", Some(&domain()), &[]).intent_ranking().len(), 1);
    assert!(model.understand("/nosuch", Some(&domain()), &[]).text_tokens.is_some());
    assert_eq!(model.understand("/nosuch", None, &[]).intent.name.as_deref(), Some("nosuch"));
}

#[test]
fn one_intent_alone_leaves_classifiers_untrained_with_a_warning() {
    let mut data = data();
    data.examples.retain(|example| example.intent == "greet");
    let train = |pipeline| NluModel::train(&config(pipeline), &data, &domain(), 1, &mut |_| {}).unwrap();
    let (model, diagnostics) = train(json!([{"name": "WhitespaceTokenizer"}, {"name": "DIETClassifier"}]));
    assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["W0902"]);
    let parsed = serde_json::to_string(&model.parse("halo")).unwrap();
    assert_eq!(
        parsed,
        r#"{"text":"halo","intent":{"name":null,"confidence":0.0},"entities":[],"text_tokens":[[0,4]],"intent_ranking":[]}"#
    );
    load(&model.to_sections()).unwrap();
}

#[test]
fn the_ranking_is_cut_to_its_length() {
    let mut pipeline = default_pipeline();
    pipeline[5]["ranking_length"] = json!(2);
    assert_eq!(train(pipeline).parse("halo").intent_ranking().len(), 2);
}

#[test]
fn mistakes_in_the_pipeline_are_errors_with_a_code() {
    let code = |pipeline: Value| try_train(pipeline, 1).unwrap_err().0.code;
    assert_eq!(code(json!([{"name": "WhitespaceTokeniser"}])), "E0903");
    assert_eq!(code(json!([{"name": "WhitespaceTokenizer"}, {"name": "WhitespaceTokenizer"}])), "E0904");
    assert_eq!(code(json!([{"name": "CountVectorsFeaturizer"}])), "E0905");
    assert_eq!(code(json!([{"name": "WhitespaceTokenizer"}, {"name": "FallbackClassifier"}])), "E0906");
    assert_eq!(
        code(json!([{"name": "WhitespaceTokenizer"}, {"name": "DIETClassifier", "ranking_length": "x"}])),
        "E0901"
    );
    assert_eq!(
        code(json!([{"name": "WhitespaceTokenizer"}, {"name": "DIETClassifier", "featurizers": ["x"]}])),
        "E0901"
    );
    assert_eq!(code(json!([{"name": "WhitespaceTokenizer", "token_pattern": "("}])), "E0901");
    let mut chinese = config(json!([{"name": "WhitespaceTokenizer"}]));
    chinese.language = Some("zh".into());
    assert_eq!(NluModel::train(&chinese, &data(), &domain(), 1, &mut |_| {}).unwrap_err().0.code, "E0902");
}

#[test]
fn options_without_meaning_here_are_noted_and_slips_are_warnings() {
    let slip = crate::check_options(&config(json!([{"name": "FallbackClassifier", "treshold": 0.5}])));
    assert_eq!((slip[0].code, slip[0].severity), ("W0204", sapa_project::Severity::Warning));
    assert!(slip[0].help.as_deref().is_some_and(|help| help.contains("`threshold`")), "{slip:?}");
    let notes = crate::check_options(&config(default_pipeline()));
    let messages: Vec<&str> = notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "options `epochs`, `constrain_similarities` of DIETClassifier have no effect here",
            "options `epochs`, `constrain_similarities` of ResponseSelector have no effect here"
        ]
    );
}

#[test]
fn every_wrong_value_is_told_at_once_at_its_place() {
    let mut config = config(json!([
        {"name": "WhitespaceTokenizer", "token_pattern": "("},
        {"name": "CountVectorsFeaturizer", "analyzer": "chars", "min_ngram": 4, "max_ngram": 1, "alias": "words"},
        {"name": "DIETClassifier", "featurizers": ["words"], "ranking_length": "x", "epochs": 1},
        {"name": "FallbackClassifier", "threshold": "0.7", "ambiguity_threshold": 1.4}
    ]));
    let mut place = 0;
    for entry in &mut config.pipeline {
        for key in entry.options.keys() {
            place += 1;
            let span = sapa_project::Span { start: place, end: place + 1, ..entry.span };
            entry.option_spans.insert(key.clone(), span);
        }
    }
    let found = crate::check_options(&config);
    let found: Vec<(&str, usize)> = found.iter().map(|d| (d.code, d.annotations[0].span.start)).collect();
    assert_eq!(
        found,
        [("E0901", 1), ("E0901", 2), ("E0901", 4), ("E0901", 7), ("N0901", 0), ("E0901", 9), ("W0907", 10)]
    );
}

#[test]
fn linfa_serves_a_small_unbalanced_problem_on_request() {
    let pipeline = |solver: &str| {
        json!([
            {"name": "WhitespaceTokenizer"}, {"name": "CountVectorsFeaturizer"},
            {"name": "LogisticRegressionClassifier", "solver": solver, "class_weight": null}
        ])
    };
    let (ours, linfas) = (train(pipeline("lbfgs")), train(pipeline("linfa")));
    assert_ne!(ours.to_sections(), linfas.to_sections());
    let (a, b) = (ours.parse("lupa password").intent, linfas.parse("lupa password").intent);
    assert_eq!(a.name, b.name);
    assert!((a.confidence - b.confidence).abs() < 0.02, "{a:?} {b:?}");
}

#[test]
fn a_classifier_uses_only_the_featurizers_it_names() {
    let pipeline = |chosen: Value| {
        json!([
            {"name": "WhitespaceTokenizer"}, {"name": "LexicalSyntacticFeaturizer", "alias": "shapes"},
            {"name": "CountVectorsFeaturizer", "alias": "words"},
            {"name": "CountVectorsFeaturizer", "alias": "chars", "analyzer": "char_wb", "max_ngram": 3},
            {"name": "LogisticRegressionClassifier", "featurizers": chosen}
        ])
    };
    let (words, all) = (train(pipeline(json!(["shapes", "words"]))), train(pipeline(json!([]))));
    // Of an unknown word only its characters are known.
    let prior = words.parse("zzz").intent;
    assert_eq!(words.parse("passwort").intent, prior);
    assert_ne!(all.parse("passwort").intent, all.parse("zzz").intent);
}

#[test]
fn a_misaligned_annotation_is_reported() {
    let mut data = data();
    data.examples.push(example("travel", "ke [Rah](city)a"));
    let diagnostics = NluModel::train(&config(default_pipeline()), &data, &domain(), 1, &mut |_| {}).unwrap().1;
    assert!(diagnostics.iter().any(|d| d.code == "W0905"));
}

#[test]
fn readings_change_what_is_understood_and_no_offset() {
    let pipeline = |language: &str| {
        let pipeline = json!([{"name": "WhitespaceTokenizer"}, {"name": "CountVectorsFeaturizer"},
            {"name": "LogisticRegressionClassifier"}, {"name": "CRFEntityExtractor"}]);
        let config = Config { language: Some(language.to_owned()), ..config(pipeline) };
        NluModel::train(&config, &data(), &domain(), 1, &mut |_| {}).unwrap().0
    };
    let text = "lpaaaa pasword2 dr Kendari";
    let (read, unread) = (pipeline("id").parse(text), pipeline("en").parse(text));
    assert_eq!(read.text_tokens, Some(vec![(0, 6), (7, 15), (16, 18), (19, 26)]));
    assert_eq!((read.text.as_deref(), &read.text_tokens), (Some(text), &unread.text_tokens));
    // As written only the city is known.
    let names = [&read, &unread].map(|parsed| parsed.intent.name.as_deref());
    assert_eq!(names, [Some("reset_password"), Some("travel")]);
    assert_eq!(read.entities, unread.entities);
}

#[test]
fn the_reasons_for_an_entity_add_up_to_its_score() {
    for extractor in ["DIETClassifier", "CRFEntityExtractor"] {
        let model = train(json!([{"name": "WhitespaceTokenizer"}, {"name": "RegexFeaturizer"}, {"name": extractor}]));
        let entities = model.explain("saya dari Kendari ke Bau Bau").entities;
        let found: Vec<(&str, usize, usize)> = entities.iter().map(|e| (e.entity.as_str(), e.start, e.end)).collect();
        assert_eq!(found, [("city", 10, 17), ("city", 21, 28)]);
        assert_eq!(entities[1].tokens.len(), 2);
        for token in entities.iter().flat_map(|entity| &entity.tokens) {
            let sum: f32 = token.reasons.iter().map(|(_, share)| share).sum();
            assert!((sum - token.score).abs() < 1e-4 && !token.reasons.is_empty());
            assert!(token.reasons.iter().all(|(name, _)| !name.is_empty()));
        }
        let names: Vec<&str> = entities[0].tokens[0].reasons.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"-1:word:dari") && names.contains(&"0:word:kendari"), "{names:?}");
    }
}

#[test]
fn counts_that_nobody_reads_are_not_made_and_flags_keep_their_place() {
    let pipeline = |counting: bool| {
        let mut pipeline = vec![json!({"name": "WhitespaceTokenizer"})];
        pipeline.extend(counting.then(|| json!({"name": "CountVectorsFeaturizer"})));
        pipeline.extend([json!({"name": "RegexFeaturizer"}), json!({"name": "DIETClassifier"})]);
        Value::Array(pipeline)
    };
    let (with, without) = (train(pipeline(true)), train(pipeline(false)));
    for text in ["nip 199001012020121001", "ke Kendari", "halo"] {
        assert_eq!(with.parse(text), without.parse(text), "{text}");
    }
}
