//! Precision, recall and F1 of labels, counted as scikit-learn's
//! `classification_report` does (spec §8.2, §8.3).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// How often each label was expected and what was predicted for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Confusion {
    counts: BTreeMap<String, BTreeMap<String, usize>>,
    /// Counted, but neither shown nor averaged: "no entity".
    excluded: Option<String>,
}

/// The figures of one label, or an average of several.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores {
    /// Right among those predicted so.
    pub precision: f64,
    /// Right among those expected so.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// How often it was expected.
    pub support: usize,
}

/// What a whole evaluation comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    /// Share of predictions that are right, excluded labels included.
    pub accuracy: f64,
    /// The averages weighted by support.
    pub weighted: Scores,
}

impl Confusion {
    /// Counts pairs of expected and predicted labels.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut confusion = Self::default();
        for (expected, predicted) in pairs {
            let row = confusion.counts.entry(expected.to_owned()).or_default();
            *row.entry(predicted.to_owned()).or_default() += 1;
        }
        confusion
    }

    /// The same without that label in reports and averages.
    pub fn without(mut self, label: &str) -> Self {
        self.excluded = Some(label.to_owned());
        self
    }

    /// How often `predicted` stood for `expected`.
    pub fn count(&self, expected: &str, predicted: &str) -> usize {
        self.counts.get(expected).and_then(|row| row.get(predicted)).copied().unwrap_or(0)
    }

    /// All labels, expected or predicted, sorted; the excluded one included.
    pub fn labels(&self) -> Vec<&str> {
        let all: BTreeSet<&str> =
            self.counts.iter().flat_map(|(label, row)| row.keys().chain([label])).map(String::as_str).collect();
        all.into_iter().collect()
    }

    /// Labels that a report has a row for: those that were expected. What was
    /// only ever predicted has no row, as in Rasa.
    fn expected(&self) -> impl Iterator<Item = &str> {
        self.counts.keys().map(String::as_str).filter(|label| Some(*label) != self.excluded.as_deref())
    }

    fn support(&self, label: &str) -> usize {
        self.counts.get(label).map_or(0, |row| row.values().sum())
    }

    fn predicted(&self, label: &str) -> usize {
        self.counts.values().filter_map(|row| row.get(label)).sum()
    }

    fn scores(&self, label: &str) -> Scores {
        Scores::of(self.count(label, label), self.predicted(label), self.support(label))
    }

    /// Over all labels at once.
    fn micro(&self) -> Scores {
        let sum = |of: &dyn Fn(&str) -> usize| self.expected().map(of).sum();
        Scores::of(sum(&|l| self.count(l, l)), sum(&|l| self.predicted(l)), sum(&|l| self.support(l)))
    }

    /// The mean of the labels' figures, each as heavy as `weight` says.
    fn mean(&self, weight: &dyn Fn(&Scores) -> f64) -> Scores {
        let rows: Vec<Scores> = self.expected().map(|label| self.scores(label)).collect();
        let whole: f64 = rows.iter().map(weight).sum();
        let mean = |of: &dyn Fn(&Scores) -> f64| match whole > 0.0 {
            true => rows.iter().map(|row| of(row) * weight(row)).sum::<f64>() / whole,
            false => 0.0,
        };
        Scores {
            precision: mean(&|s| s.precision),
            recall: mean(&|s| s.recall),
            f1: mean(&|s| s.f1),
            support: rows.iter().map(|s| s.support).sum(),
        }
    }

    /// Accuracy and the weighted averages.
    pub fn summary(&self) -> Summary {
        let right: usize = self.counts.keys().map(|label| self.count(label, label)).sum();
        let all: usize = self.counts.keys().map(|label| self.support(label)).sum();
        Summary { accuracy: ratio(right, all), weighted: self.mean(&|s| s.support as f64) }
    }

    /// F1 averaged over the expected labels, each as heavy as the other.
    pub fn macro_f1(&self) -> f64 {
        self.mean(&|_| 1.0).f1
    }

    /// The report: a row for each expected label, then the averages.
    /// `with_confusions` adds to each row what was predicted instead.
    pub fn report(&self, with_confusions: bool) -> Map<String, Value> {
        let mut report = Map::new();
        for label in self.expected() {
            let mut row = self.scores(label).to_json();
            if with_confusions && let Some(row) = row.as_object_mut() {
                row.insert("confused_with".to_owned(), self.confused_with(label));
            }
            report.insert(label.to_owned(), row);
        }
        let summary = self.summary();
        report.insert("accuracy".to_owned(), json!(summary.accuracy));
        report.insert("micro avg".to_owned(), self.micro().to_json());
        report.insert("macro avg".to_owned(), self.mean(&|_| 1.0).to_json());
        report.insert("weighted avg".to_owned(), summary.weighted.to_json());
        report
    }

    /// What was predicted instead, the most frequent first.
    fn confused_with(&self, label: &str) -> Value {
        let row = self.counts.get(label).into_iter().flatten();
        let mut others: Vec<(&String, &usize)> =
            row.filter(|(other, _)| *other != label && self.excluded.as_ref() != Some(other)).collect();
        others.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        others.into_iter().map(|(other, count)| (other.clone(), json!(count))).collect::<Map<_, _>>().into()
    }
}

impl Scores {
    fn of(right: usize, predicted: usize, support: usize) -> Self {
        let (precision, recall) = (ratio(right, predicted), ratio(right, support));
        let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        Self { precision, recall, f1, support }
    }

    fn to_json(self) -> Value {
        json!({ "precision": self.precision, "recall": self.recall, "f1-score": self.f1, "support": self.support })
    }
}

/// A share; 0 of nothing.
pub fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Mean and standard deviation (of the population, as NumPy's).
pub fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.x: `classification_report(t, p, labels=["a", "b"], output_dict=True)`.
    #[test]
    fn the_figures_are_those_of_scikit_learn() {
        let confusion = Confusion::of([("a", "a"), ("a", "b"), ("a", "c"), ("b", "b")]);
        let report = confusion.report(true);
        let at = |path: &str| Value::from(report.clone()).pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let close = |path: &str, wanted: f64| assert!((at(path) - wanted).abs() < 1e-9, "{path} is {}", at(path));
        close("/a/precision", 1.0);
        close("/a/recall", 1.0 / 3.0);
        close("/b/precision", 0.5);
        close("/micro avg/precision", 2.0 / 3.0);
        close("/micro avg/recall", 0.5);
        close("/macro avg/f1-score", (0.5 + 2.0 / 3.0) / 2.0);
        close("/weighted avg/f1-score", (0.5 * 3.0 + 2.0 / 3.0) / 4.0);
        close("/accuracy", 0.5);
        assert_eq!(report["a"]["confused_with"], json!({"b": 1, "c": 1}));
        assert!(!report.contains_key("c"), "only ever predicted");
    }

    #[test]
    fn an_excluded_label_counts_for_accuracy_alone() {
        let confusion = Confusion::of([("o", "o"), ("o", "a"), ("a", "a"), ("a", "o")]).without("o");
        let report = confusion.report(true);
        assert_eq!(report["accuracy"], 0.5);
        assert_eq!((&report["a"]["precision"], &report["weighted avg"]["support"]), (&json!(0.5), &json!(2)));
        assert!(!report.contains_key("o") && report["a"]["confused_with"] == json!({}));
    }
}
