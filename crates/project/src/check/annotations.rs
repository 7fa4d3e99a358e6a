//! Brackets in texts that the user says: what was meant to annotate, and does not.

use std::collections::HashSet;

use crate::story::{Step, StepKind};
use crate::{Diagnostic, Project, Span, codes};

/// Bytes of the longest annotation that somebody writes by hand.
const LONGEST: usize = 1_000;

/// Texts in brackets that stayed text although an entity's name stands behind them.
pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    let mut texts: Vec<(&str, Span)> = project.nlu.examples.iter().map(|e| (&*e.text, e.span)).collect();
    for story in &project.stories {
        story.steps.iter().for_each(|step| written(step, &mut texts));
    }
    texts.retain(|(text, _)| text.contains(['[', '(']));
    if texts.is_empty() {
        return;
    }
    let annotated = project.nlu.examples.iter().flat_map(|example| &example.entities).map(|entity| &*entity.entity);
    let names: HashSet<&str> = annotated.chain(project.domain.entities.keys().map(String::as_str)).collect();
    for (text, span) in texts {
        // Each bracket is looked at by itself, so it is not looked far behind it.
        let piece = |at: usize| text.get(at..text.floor_char_boundary(at + LONGEST));
        let broken = text.match_indices(['[', '(']).find_map(|(at, _)| broken(piece(at)?, &names));
        if let Some(why) = broken {
            out.push(
                Diagnostic::warning(codes::LIKELY_ANNOTATION, format!("the brackets in `{text}` annotate nothing"))
                    .at(span, why)
                    .help("write `[text](entity)` or `[text]{\"entity\": \"name\"}`, with nothing in between"),
            );
        }
    }
}

/// The written user turns of a step.
fn written<'p>(step: &'p Step, texts: &mut Vec<(&'p str, Span)>) {
    match &step.kind {
        StepKind::User(user) => texts.extend(user.text.as_deref().map(|text| (text, step.span))),
        StepKind::Or(steps) => steps.iter().for_each(|step| written(step, texts)),
        _ => {}
    }
}

/// What is wrong with an annotation whose first bracket begins this text, where
/// it was surely meant as one: an entity's name stands in the second pair of
/// brackets, or that is empty.
fn broken(text: &str, names: &HashSet<&str>) -> Option<&'static str> {
    let is_square = text.starts_with('[');
    let (covered, rest) = text.get(1..)?.split_once(if is_square { ']' } else { ')' })?;
    let behind = rest.trim_start();
    let adjoins = behind.len() == rest.len();
    match (is_square, behind.chars().next()?) {
        (true, '(') => in_round_brackets(covered, behind.get(1..)?, adjoins, names),
        (true, '{') => {
            let names_entity = behind.contains("\"entity\"") || behind.contains("'entity'");
            match () {
                () if !names_entity => None,
                () if !behind.contains('}') => Some("a `}` is missing"),
                () if !adjoins => Some("there is a blank between `]` and `{`"),
                () => None,
            }
        }
        (_, '[') if adjoins && names.contains(behind.get(1..)?.split_once(']')?.0.trim()) => {
            Some("the text belongs in square brackets, the entity in round ones")
        }
        _ => None,
    }
}

/// `inside` is what stands behind the second opening bracket.
fn in_round_brackets(covered: &str, inside: &str, adjoins: bool, names: &HashSet<&str>) -> Option<&'static str> {
    let is_closed = inside.contains(')');
    // Without its end the name may be followed by the rest of the text.
    let end = |c: char| matches!(c, ')' | ':') || (!is_closed && c.is_whitespace());
    let name = inside.split(end).next()?.trim();
    match () {
        () if inside.starts_with(')') && adjoins && !covered.is_empty() => Some("no entity is named"),
        () if !names.contains(name) => None,
        () if covered.is_empty() => Some("no text is annotated"),
        () if !is_closed => Some("a `)` is missing"),
        () if !adjoins => Some("there is a blank between `]` and `(`"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn a_bracket_that_is_missing_at_the_end_is_told_wherever_the_text_goes_on() {
        let names = ["aplikasi"].into();
        assert_eq!(broken("[simasn](aplikasi dong", &names), Some("a `)` is missing"));
        assert_eq!(broken("[simasn](aplikasi", &names), Some("a `)` is missing"));
        assert_eq!(broken("[simasn](yang itu dong", &names), None);
        assert_eq!(broken("[simasn](aplikasi) dong", &names), None);
    }
}
