//! Cross-validation: every example is tested once, by a model that did not learn
//! from it (spec §8.3).

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::super::flags::{NluFlags, Shared};
use super::super::results::Results;
use super::{read_project, reports, train};
use crate::cli::dotenv::Environment;
use crate::cli::terminal;
use crate::evaluate::metrics::{Summary, mean_and_deviation};
use crate::evaluate::nlu::folds::{folds, frequent};
use crate::evaluate::nlu::{Evaluation, evaluate, understand};

/// What came out of each fold, by the evaluation's name.
type Outcomes = BTreeMap<String, Vec<Summary>>;

pub(super) fn run(shared: &Shared, flags: &NluFlags, environment: &Environment) -> Result<()> {
    let project = read_project(&shared.config(), shared, flags, environment)?;
    let count = usize::from(flags.folds);
    let (examples, dropped) = frequent(&project.nlu.examples, count);
    if !dropped.is_empty() {
        terminal::say(&format!("left out, with fewer than {count} examples: {}", dropped.join(", ")));
    }
    if examples.is_empty() {
        bail!("no intent has {count} examples, one for each fold; use fewer `--folds`");
    }
    let (mut on_train, mut on_test, mut tested) = (Outcomes::new(), Outcomes::new(), Vec::new());
    for (number, fold) in folds(&examples, count).into_iter().enumerate() {
        terminal::say(&format!(
            "fold {} of {count}: {} to learn, {} to test",
            number + 1,
            fold.train.len(),
            fold.test.len()
        ));
        let model = train(&project.config, &project.nlu, &project.domain, &fold.train, &project.sources)?;
        let parse = |text: &str| model.understand(text, Some(&project.domain), &[]);
        record(&mut on_train, &evaluate(&understand(fold.train, &parse)));
        let understood = understand(fold.test, &parse);
        record(&mut on_test, &evaluate(&understood));
        tested.extend(understood);
    }
    terminal::say(&format!("cross-validation with {count} folds, mean (standard deviation):"));
    for (name, summaries) in &on_test {
        say_part(name, "train", on_train.get(name).map_or(&[], Vec::as_slice));
        say_part(name, "test", summaries);
    }
    reports::write(&Results::of(shared)?, &evaluate(&tested))
}

fn record(outcomes: &mut Outcomes, evaluations: &[Evaluation]) {
    for evaluation in evaluations {
        outcomes.entry(evaluation.name.clone()).or_default().push(evaluation.confusion.summary());
    }
}

fn say_part(name: &str, part: &str, summaries: &[Summary]) {
    let figure = |what: &str, of: &dyn Fn(&Summary) -> f64| {
        let (mean, deviation) = mean_and_deviation(&summaries.iter().map(of).collect::<Vec<_>>());
        format!("{what} {mean:.3} ({deviation:.3})")
    };
    let figures = [
        figure("Accuracy", &|s| s.accuracy),
        figure("F1-score", &|s| s.weighted.f1),
        figure("Precision", &|s| s.weighted.precision),
    ];
    terminal::say(&format!("  {name}, {part}: {}", figures.join(", ")));
}
