//! Python `re` patterns in Rust.

use regex::Regex;

/// How many steps a backtracking match may take.
const BACKTRACK_LIMIT: usize = 100_000;

/// A compiled pattern: the fast engine where it can, else the one with
/// look-around and back-references, its backtracking bounded.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// Linear time.
    Fast(Regex),
    /// Backtracking.
    Backtracking(Box<fancy_regex::Regex>),
}

/// Compiles a Python pattern.
///
/// # Errors
/// Why the pattern is not accepted, in one line.
pub fn compile(python: &str) -> Result<Pattern, String> {
    let translated = translate(python);
    if let Ok(regex) = Regex::new(&translated) {
        return Ok(Pattern::Fast(regex));
    }
    let fancy = fancy_regex::RegexBuilder::new(&translated).backtrack_limit(BACKTRACK_LIMIT).build();
    match fancy {
        Ok(regex) => Ok(Pattern::Backtracking(Box::new(regex))),
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            Err(last.trim().trim_start_matches("error: ").to_owned())
        }
    }
}

/// A Python pattern in Rust's syntax: `(?P=name)` -> `\k<name>`, `\Z` -> `\z`,
/// `{,n}` -> `{0,n}`; `\<`, and `[`, `&`, `~` inside a class, mean themselves.
pub fn translate(python: &str) -> String {
    let mut out = String::with_capacity(python.len());
    let mut rest = python;
    let mut is_in_class = false;
    while let Some(ch) = rest.chars().next() {
        let (written, used) = step(rest, ch, &mut is_in_class);
        match written {
            Some(text) => out.push_str(&text),
            None => out.push_str(rest.get(..used).unwrap_or("")),
        }
        rest = rest.get(used..).unwrap_or("");
    }
    out
}

/// What the start of `rest` becomes (`None`: itself) and how long it is.
fn step(rest: &str, ch: char, is_in_class: &mut bool) -> (Option<String>, usize) {
    if ch == '\\' {
        let Some(next) = rest.chars().nth(1) else { return (None, 1) };
        let used = 1 + next.len_utf8();
        return match next {
            'Z' => (Some("\\z".to_owned()), used),
            '<' | '>' => (Some(next.to_string()), used),
            _ => (None, used),
        };
    }
    if *is_in_class {
        return match ch {
            ']' => {
                *is_in_class = false;
                (None, 1)
            }
            '[' | '&' | '~' => (Some(format!("\\{ch}")), 1),
            _ => (None, ch.len_utf8()),
        };
    }
    if ch == '[' {
        *is_in_class = true;
        let opening = ["[^]", "[]", "[^"].into_iter().find(|opening| rest.starts_with(opening));
        return match opening {
            Some("[^]") => (Some("[^\\]".to_owned()), 3),
            Some("[]") => (Some("[\\]".to_owned()), 2),
            Some(opening) => (None, opening.len()),
            None => (None, 1),
        };
    }
    if let Some(name) = rest.strip_prefix("(?P=").and_then(|after| after.split_once(')')) {
        return (Some(format!("\\k<{}>", name.0)), name.0.len() + 5);
    }
    if rest.starts_with("{,") {
        return (Some("{0,".to_owned()), 2);
    }
    (None, ch.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(python: &str, text: &str) -> bool {
        match compile(python).expect("compiles") {
            Pattern::Fast(regex) => regex.is_match(text),
            Pattern::Backtracking(regex) => regex.is_match(text).expect("within the limit"),
        }
    }

    #[test]
    fn python_syntax_is_translated() {
        assert!(is_match(r"^a\Z", "a"));
        assert!(is_match(r"(?P<q>['x]).*(?P=q)", "xax"));
        assert!(is_match(r"^a{,2}$", "aa"));
        assert!(is_match(r"^[[&~]+$", "[&~"));
        assert!(is_match(r"^[]a]+$", "]a"));
        assert!(is_match(r"^[^]]$", "a"));
        assert!(is_match(r"\<b\>", "<b>"));
        assert!(is_match(r"^é\d{2}$", "é12"));
    }

    #[test]
    fn look_around_falls_back_to_backtracking() {
        assert!(matches!(compile(r"\d{10,12}"), Ok(Pattern::Fast(_))));
        assert!(matches!(compile(r"(?<!\d)\d{16}(?!\d)"), Ok(Pattern::Backtracking(_))));
    }

    #[test]
    fn a_broken_pattern_says_why_in_one_line() {
        for python in ["(a", "[a", "*a", "\\"] {
            let problem = compile(python).map(|_| ()).expect_err(python);
            assert!(!problem.is_empty() && !problem.contains('\n'), "{problem}");
        }
    }
}
