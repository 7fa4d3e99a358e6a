//! The tagger as a whole.

use super::*;
use crate::Rng;

/// Labels: 0 outside, 1 begin, 2 inside. Feature 0: any word; 1: a name's first
/// word; 2: an ambiguous word, inside only after a begin.
fn corpus() -> Vec<TaggedSequence> {
    let make = |features: &[u32], labels: &[u32]| TaggedSequence {
        tokens: features.iter().map(|&f| token(f)).collect(),
        labels: labels.to_vec(),
        class: Some(0),
    };
    vec![
        make(&[0, 1, 2], &[0, 1, 2]),
        make(&[0, 2, 0], &[0, 0, 0]),
        make(&[1, 2, 0], &[1, 2, 0]),
        make(&[2, 0], &[0, 0]),
        make(&[0, 1, 0], &[0, 1, 0]),
    ]
}

fn token(feature: u32) -> TaggedToken {
    TaggedToken { wide: vec![feature], bag: vec![feature + 1], name: feature + 1 }
}

fn tokens(features: &[u32]) -> Vec<TaggedToken> {
    features.iter().map(|&feature| token(feature)).collect()
}

fn bio() -> Transitions {
    Transitions::only(3, |from, to| to != Some(2) || matches!(from, Some(1 | 2)))
}

fn columns() -> Vec<[u32; 2]> {
    vec![[0, 0], [1, 2], [1, 3]]
}

fn options(deep: bool) -> TaggerOptions {
    let deep = deep.then(|| DeepOptions::new(4, 1, columns()));
    TaggerOptions { passes: 60, deep, ..TaggerOptions::default() }
}

fn trained(deep: bool) -> TaggerModel {
    TaggerModel::train(&corpus(), if deep { 0 } else { 3 }, &bio(), &options(deep))
}

/// The corpus without features of the linear part: the network must do it alone.
fn trained_deep_alone() -> TaggerModel {
    let mut corpus = corpus();
    corpus.iter_mut().flat_map(|sequence| &mut sequence.tokens).for_each(|token| token.wide.clear());
    TaggerModel::train(&corpus, 0, &bio(), &options(true))
}

#[test]
fn context_decides_an_ambiguous_word() {
    for model in [trained(false), trained_deep_alone()] {
        assert_eq!(model.tag(&tokens(&[1, 2, 0])).labels, [1, 2, 0]);
        assert_eq!(model.tag(&tokens(&[2, 0])).labels, [0, 0]);
        assert_eq!(model.tag(&tokens(&[0, 2, 0])).labels, [0, 0, 0]);
    }
}

#[test]
fn forbidden_transitions_never_come_out() {
    let model = trained(false);
    let mut rng = Rng::new(5);
    for _ in 0..200 {
        let features: Vec<u32> = (0..6).map(|_| rng.below(4) as u32).collect();
        let tagged = model.tag(&tokens(&features));
        assert_ne!(tagged.labels[0], 2);
        assert!(tagged.labels.windows(2).all(|pair| pair[1] != 2 || pair[0] != 0), "{:?}", tagged.labels);
        for row in &tagged.marginals {
            assert!((row.iter().map(|(_, p)| p).sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}

#[test]
fn training_twice_gives_the_same_weights_and_calibration_softens() {
    let mut model = trained_deep_alone();
    assert_eq!(model, trained_deep_alone());
    // Held-out data that contradict the model: less certain is better.
    let contradiction = TaggedSequence { tokens: tokens(&[1, 1]), labels: vec![0, 1], class: Some(0) };
    model.calibrate(&[contradiction]);
    assert!(model.temperature > 1.0);
}

#[test]
fn nothing_to_tag_and_unusable_sequences_are_fine() {
    let broken = TaggedSequence { tokens: tokens(&[9]), labels: vec![0], class: Some(0) };
    for deep in [false, true] {
        let model = TaggerModel::train(std::slice::from_ref(&broken), 3, &bio(), &options(deep));
        assert_eq!(model.tag(&[]), Tagged::default());
        assert_eq!(model.tag(&tokens(&[1])).labels.len(), 1);
    }
    assert_eq!(TaggerModel::default().tag(&tokens(&[1])).labels, Vec::<u32>::new());
}

/// The corpus, whose sequences with a name are of class 1.
fn trained_with_classes() -> TaggerModel {
    let mut both = corpus();
    both.iter_mut().for_each(|sequence| sequence.class = Some(sequence.labels.contains(&1).into()));
    let mut options = options(true);
    options.deep = Some(DeepOptions::new(4, 2, columns()));
    TaggerModel::train(&both, 3, &bio(), &options)
}

#[test]
fn reasons_add_up_to_the_margin() {
    let model = trained_with_classes();
    let tokens = tokens(&[0, 1, 2, 0]);
    for (at, label) in [(1, 1), (2, 2), (0, 1)] {
        let reasons = model.explain(&tokens, at, label);
        let sum: f32 = reasons.iter().map(|(_, share)| share).sum();
        assert!((sum - model.margin(&tokens, at, label)).abs() < 1e-4, "{reasons:?}");
    }
    let strongest = model.explain(&tokens, 1, 1).into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!(matches!(strongest.0, Reason::Wide(1) | Reason::Bag(2) | Reason::Token(1)), "{strongest:?}");
    assert!(model.explain(&tokens, 9, 1).is_empty() && model.explain(&tokens, 0, 9).is_empty());
}

#[test]
fn the_shares_of_a_class_add_up_to_its_log_odds() {
    let model = trained_with_classes();
    let tokens = tokens(&[0, 1, 2, 0]);
    let classes = model.tag(&tokens).classes;
    assert!(classes[1] > 0.8 && (classes.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{classes:?}");
    let (shares, constant) = model.class_shares(&tokens, [1, 0]).unwrap();
    let sum = shares.iter().sum::<f32>() + constant;
    assert!((sum - (classes[1] / classes[0]).ln()).abs() < 1e-3, "{sum} {classes:?}");
    assert!(model.class_shares(&tokens, [1, 2]).is_none() && model.class_shares(&[], [1, 0]).is_none());
    assert!(trained(false).class_shares(&tokens, [0, 0]).is_none());
}

#[test]
fn a_sequence_without_a_class_teaches_its_labels() {
    let mut unclassed = corpus();
    unclassed.iter_mut().for_each(|sequence| sequence.class = None);
    let model = TaggerModel::train(&unclassed, 3, &bio(), &options(true));
    assert_eq!(model.tag(&tokens(&[1, 2, 0])).labels, [1, 2, 0]);
}

#[test]
fn a_network_survives_being_taken_apart() {
    let network = trained_deep_alone().network.unwrap();
    let weights = network.weights();
    let again = |weights: &[f32]| Network::from_parts(network.shape().clone(), weights, network.embeddings().clone());
    assert_eq!(again(&weights).unwrap(), network);
    assert!(again(&weights[1..]).is_none());
    let wrong = Shape { width: usize::MAX, ..network.shape().clone() };
    assert!(Network::from_parts(wrong, &weights, network.embeddings().clone()).is_none());
}
