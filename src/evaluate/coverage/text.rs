//! Coverage as lines for the terminal.

use super::{Coverage, Kind, Part, share};

impl Coverage {
    /// A line for each kind, then what no test exercises, with file and line.
    pub fn to_lines(&self) -> Vec<String> {
        let mut lines = vec!["coverage of the tests:".to_owned()];
        for (kind, name) in Kind::ALL {
            let (covered, total) = self.count(kind);
            let unit = if matches!(kind, Kind::Rule | Kind::Story) { " steps" } else { "" };
            lines.push(format!("  {name}: {covered} of {total}{unit}, {:.1} %", 100.0 * share(covered, total)));
        }
        let missing: Vec<String> = self.parts.iter().flat_map(missing).collect();
        if !missing.is_empty() {
            lines.push("not exercised:".to_owned());
            lines.extend(missing);
        }
        lines
    }
}

/// The part as a whole, or the steps of it that no test exercises.
fn missing(part: &Part) -> Vec<String> {
    let is_story = matches!(part.kind, Kind::Rule | Kind::Story);
    if part.lines.iter().all(|line| line.hits == 0) {
        return match (part.lines.is_empty(), is_story) {
            (true, _) => Vec::new(),
            (false, true) => vec![format!("  {}:{} {} `{}`", part.path, part.line, part.kind.word(), part.name)],
            (false, false) => vec![format!("  {}:{} {} {}", part.path, part.line, part.kind.word(), part.name)],
        };
    }
    let steps = part.lines.iter().filter(|line| line.hits == 0);
    steps
        .map(|line| format!("  {}:{} {} `{}`: {}", part.path, line.line, part.kind.word(), part.name, line.what))
        .collect()
}
