//! Intents for a training set by models that did not learn the message at hand:
//! what a component that uses intents as features must train on, or it would
//! trust them more than it can later.

use super::features::{Features, Row};
use super::plan::Plan;
use super::train::parts;
use crate::message::Message;
use sapa_learn::CsrMatrix;
use sapa_learn::bag::{BagExamples, BagModel};
use sapa_learn::parallel::for_each_chunk;

/// Passes over the examples: half of what a classifier takes is enough for a
/// feature.
const SHARE_OF_PASSES: usize = 2;

/// Predicts the label of each message by a network that learnt the other parts,
/// `folds` of them (at least 2; 4 are usual). `labels` are numbers below
/// `classes`. The result does not depend on `threads`.
pub(crate) fn cross_predict(
    messages: &[&Message],
    labels: &[u32],
    classes: usize,
    folds: usize,
    threads: usize,
) -> Vec<u32> {
    let folds = folds.max(2);
    if classes < 2 || messages.len() != labels.len() {
        return labels.to_vec();
    }
    let (features, rows) = Features::learn(messages, Vec::new(), threads);
    // The first example of a class is dealt out like the others here.
    let parts: Vec<usize> = parts(labels, classes, folds).iter().map(|part| part.unwrap_or_default()).collect();
    let mut found: Vec<Vec<(usize, u32)>> = vec![Vec::new(); folds];
    for_each_chunk(&mut found, 1, threads, |fold, out| {
        out.iter_mut().for_each(|out| *out = predict_part(&features, &rows, labels, classes, &parts, fold));
    });
    let mut predicted = labels.to_vec();
    found.into_iter().flatten().for_each(|(row, label)| predicted[row] = label);
    predicted
}

fn predict_part(
    features: &Features,
    rows: &[Row],
    labels: &[u32],
    classes: usize,
    parts: &[usize],
    fold: usize,
) -> Vec<(usize, u32)> {
    let mut known = vec![false; features.columns()];
    let (mut matrix, mut learnt) = (CsrMatrix::new(features.columns()), Vec::new());
    for row in (0..rows.len()).filter(|row| parts[*row] != fold) {
        rows[row].entries.iter().for_each(|(column, _)| known[*column as usize] = true);
        matrix.push_row(rows[row].entries.iter().copied());
        learnt.push(labels[row]);
    }
    let mut options = Plan::new(learnt.len().max(1), matrix.entries(), classes).options;
    options.epochs = (options.epochs / SHARE_OF_PASSES).max(1);
    let examples = BagExamples { features: &matrix, labels: &learnt, classes, weights: None };
    let network = BagModel::train(&examples, &options, fold as u64);
    let mut scores = vec![0.0; classes];
    let mut predict = |row: usize| {
        let seen = features.without_unknown(&rows[row].entries, |column| known[column as usize]);
        network.scores_into(&network.hidden_of(seen.entries.iter().copied()), &mut scores);
        let best = (0..classes).fold(0, |best, class| if scores[class] > scores[best] { class } else { best });
        (row, best as u32)
    };
    (0..rows.len()).filter(|row| parts[*row] == fold).map(&mut predict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_predicted_by_models_that_did_not_learn_them() {
        let texts: Vec<String> = (0..24)
            .map(|i| if i % 2 == 0 { format!("jam buka kantor {i}") } else { format!("lupa sandi email {i}") })
            .chain(["lupa sandi email saya".to_owned()])
            .collect();
        let messages: Vec<Message> = texts.iter().map(|text| Message::new(text)).collect();
        let messages: Vec<&Message> = messages.iter().collect();
        // The last one is labelled against all others: its own label is unseen.
        let labels: Vec<u32> = (0..24).map(|i| i % 2).chain([0]).collect();
        let predicted = cross_predict(&messages, &labels, 2, 4, 1);
        assert_eq!(predicted[..24], labels[..24]);
        assert_eq!(predicted[24], 1);
        assert_eq!(predicted, cross_predict(&messages, &labels, 2, 4, 3));
        assert_eq!(cross_predict(&messages[..3], &[0, 0, 0], 1, 4, 1), [0, 0, 0]);
    }
}
