//! FallbackClassifier (spec §2.4): doubts a decision.

use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;
use sapa_sdk::IntentPrediction;
use serde::{Deserialize, Serialize};

const FALLBACK_INTENT: &str = "nlu_fallback";

#[derive(Serialize, Deserialize)]
struct FallbackClassifier {
    threshold: f64,
    ambiguity_threshold: f64,
}

pub(crate) fn train(config: &ComponentConfig, _: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    Ok(Box::new(FallbackClassifier {
        threshold: options.number("threshold", 0.3)?,
        ambiguity_threshold: options.number("ambiguity_threshold", 0.1)?,
    }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(reader.json::<FallbackClassifier>("options")?))
}

impl FallbackClassifier {
    /// Both comparisons are strict (spec §2.4).
    fn doubts(&self, message: &Message) -> bool {
        let confidence = message.intent.as_ref().map_or(0.0, |intent| intent.confidence);
        let ambiguous = match message.ranking.as_deref() {
            Some([first, second, ..]) => first.1 - second.1 < self.ambiguity_threshold,
            _ => false,
        };
        confidence < self.threshold || ambiguous
    }

    /// Quirk, spec §2.4: the confidence reported is the threshold, not the
    /// model's, and the fallback is put before the ranking, which stays.
    fn report_threshold_as_confidence(&self, message: &mut Message) {
        message.intent = Some(IntentPrediction::new(FALLBACK_INTENT, self.threshold));
        message.ranking.get_or_insert_default().insert(0, (FALLBACK_INTENT.to_owned(), self.threshold));
    }
}

impl Component for FallbackClassifier {
    fn process(&self, message: &mut Message) {
        if self.doubts(message) {
            self.report_threshold_as_confidence(message);
        }
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processed(ranking: &[(&str, f64)]) -> Message<'static> {
        let mut message = Message::new("x");
        let ranking = ranking.iter().map(|(name, confidence)| ((*name).to_owned(), *confidence)).collect();
        crate::intent::logistic::set_ranking(&mut message, ranking);
        FallbackClassifier { threshold: 0.5, ambiguity_threshold: 0.25 }.process(&mut message);
        message
    }

    #[test]
    fn the_threshold_is_reported_as_confidence_at_the_head_of_the_ranking() {
        let message = processed(&[("a", 0.4), ("b", 0.1)]);
        assert_eq!(message.intent, Some(IntentPrediction::new("nlu_fallback", 0.5)));
        let ranking = message.ranking.unwrap();
        assert_eq!(ranking[0], ("nlu_fallback".to_owned(), 0.5));
        assert_eq!(ranking[1], ("a".to_owned(), 0.4));
        assert_eq!(ranking.len(), 3);
    }

    #[test]
    fn both_comparisons_are_strict() {
        assert_eq!(processed(&[("a", 0.5), ("b", 0.25)]).intent.unwrap().name.as_deref(), Some("a"));
        assert_eq!(processed(&[("a", 0.5)]).intent.unwrap().name.as_deref(), Some("a"));
        assert_eq!(processed(&[("a", 0.5), ("b", 0.26)]).intent.unwrap().name.as_deref(), Some("nlu_fallback"));
    }

    #[test]
    fn an_undecided_message_falls_back() {
        assert_eq!(processed(&[]).intent.unwrap().name.as_deref(), Some("nlu_fallback"));
    }
}
