//! Findings as a report that GitLab shows in a merge request (code quality,
//! <https://docs.gitlab.com/ci/testing/code_quality/>).

use crate::{Diagnostic, Severity, Sources};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The path of a finding about something that is nowhere: GitLab demands one.
const NOWHERE: &str = ".";

/// The report: a list of `{description, check_name, fingerprint, severity,
/// location}`. A fingerprint depends on code, path and message only, so that a
/// finding that moves by some lines stays the same one.
pub fn render_gitlab(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let mut seen: BTreeMap<u128, u32> = BTreeMap::new();
    let mut entry = |diagnostic: &Diagnostic| {
        let place = diagnostic.annotations.first();
        let source = place.and_then(|place| sources.get(place.span.file));
        let path = source.map_or(NOWHERE, |source| source.path.as_str());
        let line = place.map_or(1, |place| sources.line_column(place.span).0);
        let mut fingerprint = hash(&[diagnostic.code, path, &diagnostic.message]);
        let before = seen.entry(fingerprint).or_insert(0);
        if *before > 0 {
            fingerprint = hash(&[diagnostic.code, path, &diagnostic.message, &before.to_string()]);
        }
        *before += 1;
        json!({
            "description": description(diagnostic),
            "check_name": diagnostic.code,
            "fingerprint": format!("{fingerprint:032x}"),
            "severity": severity(diagnostic.severity),
            "location": {"path": path, "lines": {"begin": line}},
        })
    };
    diagnostics.iter().map(&mut entry).collect()
}

fn description(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}; {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
        Severity::Note => "info",
    }
}

/// FNV-1a of 128 bits: the same on every machine and in every version.
fn hash(parts: &[&str]) -> u128 {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(START, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileId, Span};
    use std::collections::BTreeSet;

    #[test]
    fn a_report_has_what_gitlab_asks_for() {
        let mut sources = Sources::default();
        sources.add("domain.yml", "a\nb\n");
        let at = |start| Span { file: FileId(0), start, end: start + 1 };
        let found = [
            Diagnostic::error("E0502", "twice").at(at(2), "").help("remove one"),
            Diagnostic::error("E0502", "twice").at(at(0), "").help("remove one"),
            Diagnostic::note("N0001", "nowhere"),
        ];
        let report = render_gitlab(&found, &sources);
        assert_eq!(report[0]["description"], "twice; remove one");
        assert_eq!(report[0]["location"], json!({"path": "domain.yml", "lines": {"begin": 2}}));
        assert_eq!((&report[0]["severity"], &report[2]["severity"]), (&json!("critical"), &json!("info")));
        assert_eq!(report[2]["location"]["path"], ".");
        let fingerprints: BTreeSet<String> = (0..3).map(|at| report[at]["fingerprint"].to_string()).collect();
        assert_eq!(fingerprints.len(), 3);
        // It is stable: runs of another day compare with this one.
        let moved = render_gitlab(&[found[0].clone()], &Sources::default());
        assert_ne!(moved[0]["fingerprint"], report[0]["fingerprint"], "the path counts");
        assert_eq!(report[0]["fingerprint"], render_gitlab(&found, &sources)[0]["fingerprint"]);
    }
}
