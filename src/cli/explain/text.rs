//! `sapa explain "some text"`: what speaks for the two best intents and for each
//! entity, in numbers that add up.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sapa_nlu::{EntityReasons, IntentReasons};

use crate::cli::{models, terminal};

/// How many features of each are shown; the others are summed up.
const SHOWN: usize = 12;

/// Says why the newest model understands a text as it does.
pub(super) fn explain(text: &str, model: &Path) -> Result<()> {
    let path = models::find(model)
        .with_context(|| format!("no model found in `{}`; train one with `sapa train` first", model.display()))?;
    let model = models::load(&path)?;
    let Some(nlu) = model.nlu() else { bail!("the model has no NLU part: it does not understand texts") };
    let explanation = nlu.explain(text);
    if explanation.intents.is_empty() {
        terminal::say("No component of the pipeline has learnt to tell intents apart.");
    }
    let intents = explanation.intents.iter().flat_map(intent_lines);
    intents.chain(explanation.entities.iter().flat_map(entity_lines)).for_each(|line| terminal::say(&line));
    Ok(())
}

fn intent_lines(reasons: &IntentReasons) -> Vec<String> {
    let [first, second] = &reasons.intents;
    let name = |intent: &sapa_sdk::IntentPrediction| intent.name.clone().unwrap_or_default();
    let mut lines = vec![format!(
        "{}: {} ({:.3}) rather than {} ({:.3})",
        reasons.classifier,
        name(first),
        first.confidence,
        name(second),
        second.confidence
    )];
    lines.extend(shares(&reasons.features));
    lines.push(line("by themselves", reasons.constant));
    lines.push(line(&format!("sum: above 0 means {}", name(first)), reasons.score));
    lines
}

fn entity_lines(reasons: &EntityReasons) -> Vec<String> {
    let mut lines = vec![format!("{}: {} at {}..{}", reasons.extractor, reasons.entity, reasons.start, reasons.end)];
    for token in &reasons.tokens {
        lines.push(format!("  `{}`:", token.token));
        lines.extend(shares(&token.reasons));
        lines.push(line("sum: above 0 means an entity", token.score));
    }
    lines
}

/// The strongest, and the sum of the others.
fn shares(features: &[(String, f32)]) -> Vec<String> {
    let (shown, others) = features.split_at(features.len().min(SHOWN));
    let mut lines: Vec<String> = shown.iter().map(|(name, share)| line(name, *share)).collect();
    if !others.is_empty() {
        let sum = others.iter().map(|(_, share)| share).sum();
        lines.push(line(&format!("{} others", others.len()), sum));
    }
    lines
}

fn line(name: &str, share: f32) -> String {
    format!("  {share:>+8.3}  {name}")
}
