//! Results of test stories as Rasa's files show them (spec §8.3).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stories::StoryResult;

/// `story_report.json`: precision, recall, F1 and support of every label, their
/// averages, and the share of stories that pass.
pub fn story_report(results: &[StoryResult]) -> Value {
    let steps: Vec<_> = results.iter().flat_map(|r| &r.steps).collect();
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for step in &steps {
        let [_, _, support] = counts.entry(&step.expected).or_default();
        *support += 1;
        let [_, predicted, _] = counts.entry(&step.predicted).or_default();
        *predicted += 1;
        if step.is_right() {
            let [right, _, _] = counts.entry(&step.expected).or_default();
            *right += 1;
        }
    }
    let mut report = serde_json::Map::new();
    let (mut macro_sum, mut weighted_sum) = ([0.0; 3], [0.0; 3]);
    for (label, [right, predicted, support]) in &counts {
        let scores = scores(*right, *predicted, *support);
        for (i, score) in scores.iter().enumerate() {
            macro_sum[i] += score;
            weighted_sum[i] += score * *support as f64;
        }
        report.insert((*label).to_owned(), entry(scores, *support));
    }
    let total = steps.len();
    let right = steps.iter().filter(|s| s.is_right()).count();
    report.insert("accuracy".into(), json!(ratio(right, total)));
    report.insert("macro avg".into(), entry(macro_sum.map(|s| s / counts.len().max(1) as f64), total));
    report.insert("weighted avg".into(), entry(weighted_sum.map(|s| s / total.max(1) as f64), total));
    let passed = results.iter().filter(|r| r.passed()).count();
    report.insert(
        "conversation_accuracy".into(),
        json!({ "accuracy": ratio(passed, results.len()), "correct": passed, "with_warnings": 0, "total": results.len() }),
    );
    Value::Object(report)
}

/// `failed_test_stories.yml`: every failed story with a comment at each failed
/// step.
pub fn failed_stories(results: &[StoryResult]) -> String {
    let failed: Vec<_> = results.iter().filter(|r| !r.passed()).collect();
    if failed.is_empty() {
        return "# None of the test stories failed - all good!\n".to_owned();
    }
    let mut yaml = String::from("version: \"3.1\"\nstories:\n");
    for story in failed {
        yaml += &format!("- story: {}\n  steps:\n", json!(story.name));
        for step in &story.steps {
            let key = step.kind.word();
            yaml += &format!("  - {key}: {}", json!(step.expected));
            if !step.is_right() {
                yaml += &format!("  # predicted: {}", step.predicted);
            }
            yaml.push('\n');
        }
    }
    yaml
}

fn scores(right: usize, predicted: usize, support: usize) -> [f64; 3] {
    let (precision, recall) = (ratio(right, predicted), ratio(right, support));
    let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    [precision, recall, f1]
}

fn entry([precision, recall, f1]: [f64; 3], support: usize) -> Value {
    json!({ "precision": precision, "recall": recall, "f1-score": f1, "support": support })
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
