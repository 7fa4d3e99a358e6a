//! Extractors on texts and annotations as they come, good and bad.

use crate::NluModel;
use crate::tests::{config, data, domain, example};
use proptest::prelude::*;
use sapa_project::nlu::{EntityAnnotation, Example, NluData};
use sapa_sdk::Entity;
use serde_json::{Value, json};
use std::sync::OnceLock;
use std::time::Instant;

const EXTRACTORS: [&str; 2] = ["DIETClassifier", "CRFEntityExtractor"];

fn pipeline(extractor: &str) -> Value {
    let mut component = json!({"name": extractor});
    if extractor == "DIETClassifier" {
        component["intent_classification"] = json!(false);
    }
    json!([{"name": "WhitespaceTokenizer"}, {"name": "RegexFeaturizer"}, component])
}

fn train_on(pipeline: Value, data: &NluData, threads: usize) -> NluModel {
    NluModel::train(&config(pipeline), data, &domain(), threads, &mut |_| {}).unwrap().0
}

/// Two extractors that learnt a few city names.
fn models() -> &'static [NluModel] {
    static MODELS: OnceLock<Vec<NluModel>> = OnceLock::new();
    MODELS.get_or_init(|| EXTRACTORS.iter().map(|name| train_on(pipeline(name), &data(), 1)).collect())
}

/// So many examples that a network is trained, too.
fn many() -> NluData {
    let cities = ["Raha", "Bau Bau", "Kendari", "Wakatobi", "Lasalimu Selatan", "Kolaka"];
    let days = ["besok", "hari ini", "lusa", "senin"];
    let sentence = |number: usize| {
        let (from, to, day) = (cities[number % 6], cities[number / 6 % 6], days[number / 36 % 4]);
        match number % 3 {
            0 => format!("dari [{from}](city) ke [{to}](city) [{day}](day)"),
            1 => format!("[{day}](day) saya pergi ke [{to}](city) naik kapal {number}"),
            _ => format!("apakah {} ada kapal {number}", "kantor ".repeat(number % 4)),
        }
    };
    let intent = |number: usize| if number % 3 == 2 { "ask" } else { "travel" };
    NluData {
        examples: (0..504).map(|number| example(intent(number), &sentence(number))).collect(),
        ..NluData::default()
    }
}

fn values(entities: &[Entity]) -> Vec<&str> {
    entities.iter().filter_map(|entity| entity.value.as_str()).collect()
}

/// The characters of a text from one place to another.
fn slice(text: &str, start: usize, end: usize) -> String {
    text.chars().skip(start).take(end - start).collect()
}

fn check_spans(model: &NluModel, text: &str) {
    for entity in model.parse(text).entities {
        let (start, end) = (entity.start.unwrap(), entity.end.unwrap());
        assert!(start < end && end <= text.chars().count(), "{entity:?}");
        assert_eq!(entity.value, json!(slice(text, start, end)), "{text:?}");
        let confidence = entity.confidence_entity.unwrap();
        assert!((0.0..=1.0).contains(&confidence), "{confidence}");
    }
}

#[test]
fn odd_texts_do_no_harm() {
    let texts = [
        "",
        " ",
        "😀😀 😀",
        "ke 😀 Raha 👨‍👩‍👧 besok",
        "saya ke مدينة كنداري غدا",
        "ke Кендари и Raha",
        "ke Ra\u{200b}ha dan K\u{0301}endari",
        "ke \u{feff}Raha\u{202e}",
        "ke İSTANBUL dan ẞ",
        "a",
        "\u{0}",
    ];
    for model in models() {
        texts.iter().for_each(|text| check_spans(model, text));
    }
}

#[test]
fn a_megabyte_takes_no_longer_than_a_breath() {
    for model in models() {
        for text in ["ke Raha ".repeat(1 << 17), "a".repeat(1 << 20), "ke ".repeat(350_000), "é,".repeat(350_000)] {
            let begin = Instant::now();
            check_spans(model, &text);
            // Far more than it takes, so that a busy machine does not fail.
            assert!(begin.elapsed().as_secs() < 15, "{:?}", begin.elapsed());
        }
    }
}

#[test]
fn one_annotated_example_is_enough() {
    let data = NluData { examples: vec![example("travel", "ke [Raha](city) besok")], ..NluData::default() };
    for name in EXTRACTORS {
        let model = train_on(pipeline(name), &data, 1);
        assert_eq!(values(&model.parse("ke Raha besok").entities), ["Raha"], "{name}");
        check_spans(&model, "");
    }
}

#[test]
fn an_entity_may_be_one_character() {
    let sizes = ["ukuran [S](size)", "ukuran [M](size) ya", "mau [L](size) saja", "ukuran [大](size)"];
    let data = NluData { examples: sizes.map(|text| example("size", text)).to_vec(), ..NluData::default() };
    for name in EXTRACTORS {
        let found = train_on(pipeline(name), &data, 1).parse("ukuran L").entities;
        assert_eq!((values(&found), found[0].start, found[0].end), (vec!["L"], Some(7), Some(8)));
    }
}

#[test]
fn annotations_that_cannot_be_are_survived() {
    let annotation =
        |start, end| EntityAnnotation { start, end, entity: "city".into(), role: None, group: None, value: json!("x") };
    let broken = |entities: Vec<EntityAnnotation>| Example { entities, ..example("travel", "ke Raha besok") };
    let mut data = data();
    data.examples.extend([
        broken(vec![annotation(5, 2)]),
        broken(vec![annotation(3, 900)]),
        broken(vec![annotation(4, 6)]),
        broken(vec![annotation(3, 7), annotation(3, 7), annotation(0, 13)]),
        broken(vec![annotation(0, 0)]),
    ]);
    for name in EXTRACTORS {
        check_spans(&train_on(pipeline(name), &data, 1), "dari Raha ke Kendari");
    }
}

#[test]
fn given_windows_are_all_that_the_tagger_sees() {
    let mut pipeline = pipeline("CRFEntityExtractor");
    pipeline[2]["features"] = json!([["low"]]);
    let model = train_on(pipeline, &data(), 1);
    let reasons = model.explain("ke Raha").entities;
    assert_eq!(reasons.len(), 1);
    let names = reasons[0].tokens[0].reasons.iter().map(|(name, _)| name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["0:low:raha"]);
}

#[test]
fn a_network_is_trained_on_many_examples_and_stored_whole() {
    let data = many();
    let model = train_on(pipeline("DIETClassifier"), &data, 1);
    let sections = model.to_sections();
    assert_eq!(sections, train_on(pipeline("DIETClassifier"), &data, 2).to_sections());
    assert!(sections.iter().any(|(name, _)| name.ends_with("entities.network.f32")));
    let find = |name: &str| sections.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice());
    let loaded = NluModel::from_sections(&find).unwrap();
    for text in ["dari Raha ke Bau Bau lusa", "besok saya ke Tomia naik kapal", "kantor", ""] {
        assert_eq!(model.parse(text), loaded.parse(text));
        check_spans(&model, text);
    }
    assert_eq!(values(&model.parse("dari Raha ke Bau Bau lusa").entities), ["Raha", "Bau Bau", "lusa"]);
    for token in model.explain("dari Raha ke Bau Bau lusa").entities.iter().flat_map(|entity| &entity.tokens) {
        let sum: f32 = token.reasons.iter().map(|(_, share)| share).sum();
        assert!((sum - token.score).abs() < 1e-3, "{sum} {}", token.score);
    }
    for at in 0..sections.len() {
        let mut cut = sections.clone();
        if cut[at].1.pop().is_some() {
            let find = |name: &str| cut.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice());
            assert!(NluModel::from_sections(&find).is_err(), "{}", cut[at].0);
        }
    }
}

#[test]
fn values_of_lookup_tables_are_known_to_the_tagger() {
    let mut data = data();
    data.lookups[0].elements.push("Pasar Wajo".into());
    let pipeline = json!([{"name": "WhitespaceTokenizer"}, {"name": "CRFEntityExtractor"}]);
    let model = train_on(pipeline, &data, 1);
    let reasons = model.explain("saya mau ke Pasar Wajo").entities;
    let names: Vec<&str> =
        reasons.iter().flat_map(|e| &e.tokens).flat_map(|t| &t.reasons).map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"0:known city:first"), "{names:?}");
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("ke".to_owned()),
        Just("Raha".to_owned()),
        Just("Bau Bau".to_owned()),
        Just("😀".to_owned()),
        Just("dari".to_owned()),
        Just(",".to_owned()),
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_entity_is_the_slice_at_its_offsets(text in any_text()) {
        models().iter().for_each(|model| check_spans(model, &text));
    }

    #[test]
    fn extra_blanks_change_nothing_but_offsets(
        words in prop::collection::vec("(ke|dari|Raha|Bau|saya|besok|[a-z]{1,5}|[A-Z][a-z]{1,4})", 1..8),
        blanks in prop::collection::vec("[ \t\n\u{3000}]{1,3}", 9),
    ) {
        let wide: String = words.iter().zip(&blanks).flat_map(|(word, blank)| [blank.as_str(), word]).collect();
        for model in models() {
            let of = |text: &str| -> Vec<(String, Vec<String>, Option<f64>)> {
                let found = model.parse(text).entities.into_iter();
                let parts = |e: &Entity| e.value.as_str().unwrap().split_whitespace().map(str::to_owned).collect();
                found.map(|e| (e.entity.clone(), parts(&e), e.confidence_entity)).collect()
            };
            prop_assert_eq!(of(&words.join(" ")), of(&wide));
        }
    }
}
