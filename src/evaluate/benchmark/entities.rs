//! Entities of a data set, by two yardsticks. *Exact*: first and last character
//! and name must agree, as CoNLL's `conlleval` counts chunks. *Overlap*: an
//! annotated entity is found when one of the same name shares a character with
//! it, as Vanzo et al. 2019 (HERMIT) and Bunk et al. 2020 (DIET) count on the
//! NLU evaluation data of Liu et al. 2019.

use sapa_project::nlu::EntityAnnotation;
use sapa_sdk::Entity;

/// Counts over all messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    exact: Counts,
    overlap: Counts,
    /// Annotated entities.
    pub annotated: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    found: usize,
    missed: usize,
    spurious: usize,
}

impl Counts {
    fn f1(self) -> f64 {
        let all = 2 * self.found + self.missed + self.spurious;
        if all == 0 { 0.0 } else { 2.0 * self.found as f64 / all as f64 }
    }
}

/// An entity on either side: name, first character, one past the last.
type Marked<'a> = (&'a str, usize, usize);

impl Score {
    /// Counts one message.
    pub fn add(&mut self, annotated: &[EntityAnnotation], found: &[Entity]) {
        let annotated: Vec<Marked> = annotated.iter().map(|e| (e.entity.as_str(), e.start, e.end)).collect();
        let found: Vec<Marked> =
            found.iter().map(|e| (e.entity.as_str(), e.start.unwrap_or_default(), e.end.unwrap_or_default())).collect();
        self.annotated += annotated.len();
        self.exact.count(&annotated, &found, |a, b| a == b);
        self.overlap.count(&annotated, &found, |a, b| a.0 == b.0 && a.1 < b.2 && b.1 < a.2);
    }

    /// F1 of whole entities.
    pub fn exact_f1(&self) -> f64 {
        self.exact.f1()
    }

    /// F1 of entities that share a character.
    pub fn overlap_f1(&self) -> f64 {
        self.overlap.f1()
    }
}

impl Counts {
    fn count(&mut self, annotated: &[Marked], found: &[Marked], agree: impl Fn(&Marked, &Marked) -> bool) {
        let hits = annotated.iter().filter(|a| found.iter().any(|f| agree(a, f))).count();
        self.found += hits;
        self.missed += annotated.len() - hits;
        self.spurious += found.iter().filter(|f| !annotated.iter().any(|a| agree(a, f))).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(entity: &str, start: usize, end: usize) -> Entity {
        serde_json::from_value(json!({"entity": entity, "start": start, "end": end, "value": ""})).unwrap()
    }

    fn annotated(entity: &str, start: usize, end: usize) -> EntityAnnotation {
        EntityAnnotation { start, end, entity: entity.to_owned(), role: None, group: None, value: json!("") }
    }

    #[test]
    fn an_overlap_is_half_a_success() {
        let mut score = Score::default();
        score.add(&[annotated("city", 0, 8), annotated("date", 9, 12)], &[found("city", 4, 8), found("date", 9, 12)]);
        assert_eq!((score.exact_f1(), score.overlap_f1()), (0.5, 1.0));
    }

    #[test]
    fn another_name_or_place_is_missed_and_spurious() {
        let mut score = Score::default();
        score.add(&[annotated("city", 0, 8)], &[found("date", 0, 8)]);
        score.add(&[annotated("city", 0, 4)], &[found("city", 4, 8)]);
        assert_eq!((score.exact_f1(), score.overlap_f1(), score.annotated), (0.0, 0.0, 2));
        assert_eq!(score.exact, Counts { found: 0, missed: 2, spurious: 2 });
    }
}
