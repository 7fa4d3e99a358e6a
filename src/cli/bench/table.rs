//! What was measured, as a table or as JSON.

use serde_json::{Value, json};

use crate::cli::terminal;
use crate::evaluate::understanding;

/// One line of the table.
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    /// What cannot be beaten: its name, and its value in the same unit.
    pub(super) limit: Option<(&'static str, f64)>,
}

impl Row {
    /// A line that stands beside nothing.
    pub(super) fn plain(what: &'static str, value: f64, unit: &'static str) -> Self {
        Self { what, value, unit, limit: None }
    }

    fn ratio(&self) -> Option<f64> {
        self.limit.filter(|(_, limit)| *limit > 0.0).map(|(_, limit)| self.value / limit)
    }
}

/// Prints it all.
pub(super) fn print(as_json: bool, rows: &[Row], understood: &[(String, understanding::Score)]) {
    if as_json {
        let row = |r: &Row| {
            json!({ "what": r.what, "value": r.value, "unit": r.unit, "limit": r.limit.map(|(name, _)| name),
                "limit_value": r.limit.map(|(_, value)| value), "ratio": r.ratio() })
        };
        let rows: Vec<Value> = rows.iter().map(row).collect();
        let files: Vec<Value> =
            understood.iter().map(|(file, score)| json!({ "file": file, "score": score.to_json() })).collect();
        terminal::say(&json!({ "measured": rows, "understood": files }).to_string());
        return;
    }
    if !rows.is_empty() {
        terminal::say(&markdown(rows));
    }
    for (file, score) in understood {
        terminal::say(&format!("\n{file}\n{}", score.to_markdown()));
    }
}

fn markdown(rows: &[Row]) -> String {
    let mut lines = vec!["| what | measured | beside | times |".to_owned(), "|---|---|---|---|".to_owned()];
    for row in rows {
        let (name, ratio) = (row.limit.map_or("", |(name, _)| name), row.ratio());
        let times = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        lines.push(format!("| {} | {:.3} {} | {name} | {times} |", row.what, row.value, row.unit));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Row, markdown};

    #[test]
    fn a_row_stands_beside_its_limit() {
        let turn = Row { what: "turn", value: 3.0, unit: "µs", limit: Some(("bare handler", 1.2)) };
        let shown = markdown(&[turn, Row::plain("limit: bare handler", 1.2, "µs")]);
        let lines: Vec<&str> = shown.lines().skip(2).collect();
        assert_eq!(lines, ["| turn | 3.000 µs | bare handler | 2.50 |", "| limit: bare handler | 1.200 µs |  |  |"]);
    }
}
