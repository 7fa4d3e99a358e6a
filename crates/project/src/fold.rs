//! Many findings of one cause as a few, for reading. Files for programs hold all
//! of them.

use crate::{Diagnostic, Severity, codes};
use std::collections::BTreeMap;

/// Errors and warnings of one cause that are shown.
const MOST_OF_ONE_CAUSE: usize = 5;
/// Notes of one code that are shown.
const MOST_NOTES: usize = 3;

/// Findings that are shown, and a line about those that are not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// The first ones of each cause, in their order.
    pub shown: Vec<Diagnostic>,
    /// One line for each code that has more of them, errors first.
    pub rest: Vec<String>,
}

/// Keeps the first findings of each cause. `flag` is how the reader asks for
/// all of them.
pub fn fold(findings: &[Diagnostic], flag: &str) -> Folded {
    let mut seen: BTreeMap<Cause, usize> = BTreeMap::new();
    let mut left_out: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for finding in findings {
        let count = seen.entry(Cause::of(finding)).or_insert(0);
        *count += 1;
        if *count <= most(finding.severity) || is_of_configuration(finding.code) {
            shown.push(finding.clone());
        } else {
            *left_out.entry((finding.severity, finding.code)).or_insert(0) += 1;
        }
    }
    let line = |((_, code), more): (&(Severity, &str), &usize)| {
        let title = codes::title(code).unwrap_or("the same");
        format!("and {more} more {code}: {title}; `{flag}` shows them")
    };
    Folded { shown, rest: left_out.iter().map(line).collect() }
}

/// Components are few, and each is a cause of its own.
fn is_of_configuration(code: &str) -> bool {
    code.get(1..3) == Some("06")
}

fn most(severity: Severity) -> usize {
    if severity == Severity::Note { MOST_NOTES } else { MOST_OF_ONE_CAUSE }
}

/// What is wrong, whatever the names. Notes are told apart by their code alone.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Cause {
    code: &'static str,
    message: String,
    help: Option<String>,
}

impl Cause {
    fn of(finding: &Diagnostic) -> Self {
        let is_note = finding.severity == Severity::Note;
        let message = if is_note { String::new() } else { without_names(&finding.message) };
        Self { code: finding.code, message, help: finding.help.clone().filter(|_| !is_note) }
    }
}

/// A message without what stands between backticks.
fn without_names(message: &str) -> String {
    message.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: usize) -> Diagnostic {
        Diagnostic::error(codes::BAD_SLOT, format!("the slot `s{number}` has no `mappings`")).help("migrate")
    }

    #[test]
    fn errors_of_one_cause_are_told_five_times() {
        let mut findings: Vec<Diagnostic> = (0..27).map(slot).collect();
        findings.push(Diagnostic::error(codes::BAD_SLOT, "the slot `x` has no `mappings`").help("another cure"));
        findings.push(Diagnostic::error(codes::BAD_SLOT, "another mistake").help("migrate"));
        let folded = fold(&findings, "--all");
        assert_eq!(folded.shown, [&findings[..5], &findings[27..]].concat());
        assert_eq!(folded.rest, ["and 22 more E0503: a slot is not valid; `--all` shows them"]);
    }

    #[test]
    fn every_component_is_told() {
        let refused = |number| Diagnostic::error(codes::REFUSED_COMPONENT, format!("`c{number}` cannot be served"));
        let findings: Vec<Diagnostic> = (0..9).map(refused).collect();
        assert_eq!(fold(&findings, "--all").shown, findings);
    }

    #[test]
    fn notes_of_one_code_are_told_three_times() {
        let note = |name: &str| Diagnostic::note(codes::UNUSED_INTENT, format!("{name} `a`")).help(name);
        let findings = ["a", "b", "c", "d"].map(note);
        let folded = fold(&findings, "-v");
        assert_eq!((folded.shown.len(), folded.rest.len()), (3, 1));
        assert_eq!(fold(&findings[..3], "-v").rest, Vec::<String>::new());
    }
}
