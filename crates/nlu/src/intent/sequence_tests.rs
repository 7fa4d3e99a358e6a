//! What only the order of a message's words tells: the sequence network's part in
//! DIETClassifier.

use crate::NluModel;
use crate::tests::{config, domain, example};
use sapa_learn::Rng;
use sapa_project::nlu::{Example, NluData};
use serde_json::{Value, json};
use std::sync::OnceLock;

const FILLERS: [&str; 7] = ["saya", "mau", "tolong", "dong", "kak", "nanti", "lagi"];

/// Two words in one order or the other, two others before, between and behind
/// them, drawn by the number: neither words nor pairs of words tell the orders
/// apart.
fn sentence(number: usize, words: [&str; 2]) -> String {
    let mut rng = Rng::new(number as u64);
    let mut two = || format!("{} {}", FILLERS[rng.below(FILLERS.len())], FILLERS[rng.below(FILLERS.len())]);
    let [first, second] = words;
    format!("{} {first} {} {second} {}", two(), two(), two())
}

fn texts(numbers: impl Iterator<Item = usize>) -> Vec<(&'static str, String)> {
    let both = |number| {
        let of = |words| sentence(number, words);
        [("maju", of(["buka", "tutup"])), ("mundur", of(["tutup", "buka"]))]
    };
    numbers.flat_map(both).collect()
}

fn data(annotated: bool) -> NluData {
    let one = |(intent, text): (&str, String)| -> Example {
        let text = if annotated { text.replace("buka", "[buka](gerak)") } else { text };
        example(intent, &text)
    };
    NluData { examples: texts(0..400).into_iter().map(one).collect(), ..NluData::default() }
}

fn train(data: &NluData, options: Value, threads: usize) -> NluModel {
    let mut component = options;
    component["name"] = json!("DIETClassifier");
    let config = config(json!([{"name": "WhitespaceTokenizer"}, component]));
    NluModel::train(&config, data, &domain(), threads, &mut |_| {}).unwrap().0
}

fn without_entities() -> &'static NluModel {
    static MODEL: OnceLock<NluModel> = OnceLock::new();
    MODEL.get_or_init(|| train(&data(false), json!({}), 2))
}

/// How many messages that were not learnt are understood, in percent.
fn understood(model: &NluModel) -> usize {
    let judged = texts(1000..1050);
    let right = judged.iter().filter(|(intent, text)| model.parse(text).intent.name.as_deref() == Some(*intent));
    100 * right.count() / judged.len()
}

#[test]
fn the_order_of_words_tells_intents_apart() {
    let share = understood(without_entities());
    assert!(share >= 90, "{share} %");
    let annotated = train(&data(true), json!({}), 2);
    let share = understood(&annotated);
    assert!(share >= 90, "{share} % with entities");
    assert_eq!(annotated.parse("kak dong buka saya lagi tutup dong nanti").entities.len(), 1);
}

#[test]
fn a_classifier_that_is_to_find_no_entities_finds_none() {
    let model = train(&data(true), json!({"entity_recognition": false}), 2);
    assert_eq!(model.parse("kak dong buka saya lagi tutup dong nanti").entities, []);
    let share = understood(&model);
    assert!(share >= 90, "{share} %");
}

#[test]
fn what_the_network_says_is_stored_and_the_same_on_every_number_of_threads() {
    let sections = without_entities().to_sections();
    assert_eq!(train(&data(false), json!({}), 1).to_sections(), sections);
    let find = |name: &str| sections.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice());
    let loaded = NluModel::from_sections(&find).unwrap();
    for text in ["kak dong buka saya lagi tutup dong nanti", "tutup buka", "Zürich 😀", ""] {
        assert_eq!(loaded.parse(text), without_entities().parse(text), "{text}");
    }
}

#[test]
fn the_reasons_never_contradict_the_answer() {
    for number in 2000..2300 {
        let text = sentence(number, [FILLERS[number % 7], "buka"]);
        for reasons in without_entities().explain(&text).intents {
            assert!(reasons.score >= -1e-4, "{text}: {} {:?}", reasons.score, reasons.intents);
        }
    }
}

#[test]
fn examples_that_can_not_be_held_out_ask_no_network_and_calibrate_on_others() {
    // One example an intent, one word of each annotated at random: nothing to learn.
    let mut rng = Rng::new(7);
    let mut one = |number: usize| {
        let words: Vec<&str> = (0..4).map(|_| FILLERS[rng.below(FILLERS.len())]).collect();
        let marked = format!("{} [{}](hal) {} {number}", words[0], words[1], words[2]);
        example(&format!("maksud{number}"), &marked)
    };
    let examples: Vec<Example> = (0..520).map(&mut one).collect();
    let model = train(&NluData { examples, ..NluData::default() }, json!({}), 2);
    let reasons = model.explain("saya mau dong 3").intents.remove(0);
    assert!(reasons.features.iter().all(|(name, _)| !name.starts_with("in its place")), "{:?}", reasons.features);
}

#[test]
fn the_reasons_name_the_words_in_their_places_and_add_up() {
    let reasons = without_entities().explain("kak dong buka saya lagi tutup dong nanti").intents.remove(0);
    assert_eq!(reasons.intents[0].name.as_deref(), Some("maju"));
    let sum: f32 = reasons.features.iter().map(|(_, share)| share).sum::<f32>() + reasons.constant;
    assert!((sum - reasons.score).abs() < 1e-3 && reasons.score > 0.0, "{sum} {}", reasons.score);
    let in_place = |(name, _): &&(String, f32)| name.starts_with("in its place: ");
    assert_eq!(reasons.features.iter().filter(in_place).count(), 7, "{:?}", reasons.features);
}
