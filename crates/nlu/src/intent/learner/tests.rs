//! What a learner makes of odd data and odd messages.

use super::*;
use proptest::prelude::*;
use std::sync::OnceLock;

fn options(threads: usize) -> LearnerOptions<'static> {
    LearnerOptions { flags: Vec::new(), seed: 0, out_of_scope: None, balanced: false, sharpness: 2.0, threads }
}

fn learnt(examples: &[(&str, &str)], options: &LearnerOptions) -> Option<IntentLearner> {
    let messages: Vec<Message> = examples.iter().map(|(text, _)| Message::new(text)).collect();
    let examples: Vec<(&Message, &str)> = messages.iter().zip(examples).map(|(m, (_, label))| (m, *label)).collect();
    IntentLearner::train(&examples, &[], options)
}

const EXAMPLES: &[(&str, &str)] = &[
    ("halo", "salam"),
    ("selamat pagi", "salam"),
    ("hai kak", "salam"),
    ("lupa kata sandi email", "sandi"),
    ("reset password saya", "sandi"),
    ("password salah terus", "sandi"),
    ("jam berapa kantor buka", "jam"),
    ("buka sampai jam berapa", "jam"),
    ("jam layanan hari ini", "jam"),
];

fn helpdesk() -> &'static IntentLearner {
    static LEARNER: OnceLock<IntentLearner> = OnceLock::new();
    LEARNER.get_or_init(|| learnt(EXAMPLES, &options(1)).expect("three labels"))
}

/// The ranking, after a look at its sum.
fn rank<'l>(learner: &'l IntentLearner, text: &str) -> Vec<(&'l str, f64)> {
    let ranking = learner.rank(&Message::new(text), &[]);
    let sum: f64 = ranking.iter().map(|(_, confidence)| confidence).sum();
    assert!((sum - 1.0).abs() < 1e-4 && ranking.iter().all(|(_, c)| (0.0..=1.0).contains(c)), "{text:?}: {sum}");
    ranking
}

fn stored(learner: &IntentLearner) -> Vec<(String, Vec<u8>)> {
    let mut writer = SectionWriter::default();
    learner.save(&mut writer);
    writer.sections
}

#[test]
fn messages_like_the_examples_are_understood() {
    for (text, label) in
        [("halo kak", "salam"), ("pasword email lupa", "sandi"), ("kantornya buka jam brapa ya", "jam")]
    {
        assert_eq!(rank(helpdesk(), text)[0].0, label, "{text}");
    }
}

#[test]
fn odd_messages_get_an_answer_that_is_not_sure() {
    let strange = ["", " ", "😀😀😀", "?!…", "Здравствуйте 你好 مرحبا", "\u{0}\u{feff}"];
    for text in strange {
        let ranking = rank(helpdesk(), text);
        assert_eq!(ranking.len(), 3, "{text:?}");
        assert!(ranking[0].1 < 0.9, "{text:?}: {ranking:?}");
    }
    assert_eq!(rank(helpdesk(), &"lupa password ".repeat(75_000))[0].0, "sandi");
}

#[test]
fn the_threads_change_no_byte_and_a_seed_does() {
    let one = stored(helpdesk());
    for threads in [2, 5] {
        assert_eq!(stored(&learnt(EXAMPLES, &options(threads)).expect("three labels")), one);
    }
    let other = learnt(EXAMPLES, &LearnerOptions { seed: 1, ..options(1) }).expect("three labels");
    assert_ne!(stored(&other), one);
}

#[test]
fn what_is_stored_is_read_and_damage_is_refused() {
    let sections = stored(helpdesk());
    let load = |sections: &[(String, Vec<u8>)]| {
        let find = |name: &str| sections.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice());
        IntentLearner::load(&SectionReader { find: &find, prefix: String::new() })
    };
    assert_eq!(load(&sections).as_ref(), Ok(helpdesk()));
    for number in 0..sections.len() {
        let mut damaged = sections.clone();
        damaged[number].1.pop();
        assert!(load(&damaged).is_err(), "{} one byte short", sections[number].0);
        damaged.remove(number);
        assert!(load(&damaged).is_err(), "without {}", sections[number].0);
    }
}

#[test]
fn one_label_is_nothing_to_learn() {
    assert!(learnt(&[("halo", "salam"), ("hai", "salam")], &options(1)).is_none());
    assert!(learnt(&[], &options(1)).is_none());
}

#[test]
fn one_example_a_label_is_enough_to_know_it_again() {
    let examples = [("halo", "a"), ("lupa sandi", "b"), ("jam buka", "c")];
    let learner = learnt(&examples, &options(1)).expect("three labels");
    for (text, label) in examples {
        assert_eq!(rank(&learner, text)[0].0, label);
    }
}

#[test]
fn the_same_text_under_two_labels_is_shared_between_them() {
    let mut examples = EXAMPLES.to_vec();
    examples.extend([("tolong", "salam"), ("tolong", "sandi")]);
    let learner = learnt(&examples, &options(1)).expect("three labels");
    let ranking = rank(&learner, "tolong");
    assert!(ranking[0].1 < 0.9 && ranking[2].0 == "jam", "{ranking:?}");
    // Nor do texts without a word harm.
    examples.extend([("", "jam"), ("😀", "salam")]);
    assert!(learnt(&examples, &options(1)).is_some());
}

#[test]
fn strange_messages_go_rather_to_the_intent_for_them() {
    let mut examples = EXAMPLES.to_vec();
    examples.extend([("siapa presiden", "lain"), ("resep rendang", "lain"), ("hasil bola semalam", "lain")]);
    let learner = learnt(&examples, &LearnerOptions { out_of_scope: Some("lain"), ..options(1) }).expect("labels");
    assert_eq!(learner.stored.calibration.out_of_scope.map(|(class, _)| class), Some(1));
    assert_eq!(rank(&learner, "resep bola")[0].0, "lain");
    assert_eq!(rank(&learner, "jam layanan")[0].0, "jam");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation")]
fn ten_thousand_labels_are_told_apart() {
    // Numbers would all be alike.
    let word = |i: usize| {
        format!(
            "{}{}",
            ["ka", "mi", "lu", "to", "se", "ra", "ni", "bu", "po", "de"][i / 10],
            b"bcdfgjkmnp"[i % 10] as char
        )
    };
    let texts: Vec<(String, String)> = (0..10_000)
        .map(|i| (format!("barang {} warna {}", word(i / 100), word(i % 100)), format!("i{i:05}")))
        .collect();
    let examples: Vec<(&str, &str)> = texts.iter().map(|(text, label)| (text.as_str(), label.as_str())).collect();
    let learner = learnt(&examples, &options(2)).expect("labels");
    let right = (0..100).map(|i| i * 97).filter(|i| rank(&learner, &texts[*i].0)[0].0 == texts[*i].1).count();
    assert!(right >= 90, "{right} of 100");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn confidences_sum_to_one_whatever_is_said(text in "\\PC{0,60}") {
        prop_assert_eq!(rank(helpdesk(), &text).len(), 3);
    }

    #[test]
    fn blanks_more_or_less_change_nothing(words in proptest::collection::vec("[a-z]{1,8}", 1..6), wide in " {2,4}") {
        let (plain, spaced) = (words.join(" "), format!("{wide}{}{wide}", words.join(&wide)));
        prop_assert_eq!(rank(helpdesk(), &plain), rank(helpdesk(), &spaced));
    }
}
