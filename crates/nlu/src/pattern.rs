//! Regular expressions in Python's syntax: translated for the linear-time
//! engine, or for the backtracking one (with a step limit) when they look around
//! or refer back.

use crate::literals::Literals;
use sapa_project::pattern::translate;

/// Bytes a compiled expression may take.
const SIZE_LIMIT: usize = 256 << 20;
/// Steps of the backtracking engine before a search counts as "no match".
const BACKTRACK_LIMIT: usize = 100_000;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Linear(regex::Regex),
    Backtracking(Box<Backtracking>),
    /// A lookup table.
    Literals(Literals),
}

/// An expression for the backtracking engine, and a linear one that matches
/// wherever it does: most texts are dismissed by that alone.
#[derive(Clone, Debug)]
pub(crate) struct Backtracking {
    regex: fancy_regex::Regex,
    superset: Option<regex::Regex>,
}

impl Backtracking {
    fn may_match(&self, text: &str) -> bool {
        self.superset.as_ref().is_none_or(|superset| superset.is_match(text))
    }
}

impl Pattern {
    /// Compiles Python syntax.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(python: &str, case_sensitive: bool) -> Result<Self, String> {
        let translated = translate(python);
        match Self::linear(&translated, case_sensitive) {
            Ok(pattern) => Ok(pattern),
            Err(linear_error) => fancy_regex::RegexBuilder::new(&translated)
                .case_insensitive(!case_sensitive)
                .backtrack_limit(BACKTRACK_LIMIT)
                .delegate_size_limit(SIZE_LIMIT)
                .build()
                .map(|regex| {
                    let superset = match Self::linear(&without_look_around(&translated), case_sensitive) {
                        Ok(Self::Linear(superset)) => Some(superset),
                        _ => None,
                    };
                    Self::Backtracking(Box::new(Backtracking { regex, superset }))
                })
                .map_err(|_| last_line(&linear_error)),
        }
    }

    fn linear(source: &str, case_sensitive: bool) -> Result<Self, String> {
        regex::RegexBuilder::new(source)
            .case_insensitive(!case_sensitive)
            .size_limit(SIZE_LIMIT)
            .build()
            .map(Self::Linear)
            .map_err(|error| error.to_string())
    }

    /// An alternation of literal texts in their order (a lookup table).
    pub fn literals(elements: &[String], case_sensitive: bool, word_boundaries: bool) -> Result<Option<Self>, String> {
        Ok(Literals::new(elements, case_sensitive, word_boundaries)?.map(Self::Literals))
    }

    /// Bytes of all non-overlapping, non-empty matches.
    pub fn find_all(&self, text: &str) -> Vec<(usize, usize)> {
        let spans: Vec<(usize, usize)> = match self {
            Self::Linear(regex) => regex.find_iter(text).map(|found| (found.start(), found.end())).collect(),
            Self::Literals(literals) => return literals.find_all(text),
            Self::Backtracking(pattern) if !pattern.may_match(text) => return Vec::new(),
            Self::Backtracking(pattern) => {
                pattern.regex.find_iter(text).map_while(Result::ok).map(|found| (found.start(), found.end())).collect()
            }
        };
        spans.into_iter().filter(|(from, to)| from < to).collect()
    }

    /// Whether it occurs.
    pub fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Linear(regex) => regex.is_match(text),
            Self::Literals(literals) => literals.is_match(text),
            Self::Backtracking(pattern) => pattern.may_match(text) && pattern.regex.is_match(text).unwrap_or(false),
        }
    }
}

/// The expression without its look-arounds: an assertion only ever forbids
/// matches, so what is left matches wherever the whole did.
fn without_look_around(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let is_look = !in_class && ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| rest.starts_with(look));
        if is_look {
            rest = &rest[group_length(rest)..];
            continue;
        }
        let taken =
            if c == '\\' { c.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
        in_class = match c {
            '[' => true,
            ']' => false,
            _ => in_class,
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// Bytes of the group that a text begins with, its closing bracket included.
fn group_length(text: &str) -> usize {
    let (mut depth, mut in_class, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn last_line(error: &str) -> String {
    error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Vec<String> {
        let pattern = Pattern::new(pattern, true).unwrap();
        pattern.find_all(text).into_iter().map(|(from, to)| text[from..to].to_owned()).collect()
    }

    #[test]
    fn python_syntax_that_the_engine_writes_otherwise_is_understood() {
        assert_eq!(found(r"\d{3,}\Z", "12 345"), ["345"]);
        assert_eq!(found(r"(?P<q>['x])a(?P=q)", "'a' xax 'ax"), ["'a'", "xax"]);
        assert_eq!(found(r#"\'\"\/\<\ "#, r#"'"/< "#), [r#"'"/< "#]);
        assert_eq!(found("a{b}", "a{b}"), ["a{b}"]);
        assert_eq!(found("[[&&]+", "[&x"), ["[&"]);
        assert_eq!(found("[]a]+", "]a"), ["]a"]);
        assert_eq!(found("(?#note)ab", "ab"), ["ab"]);
        assert_eq!(found(r"[\w\-.]+@", "a-b.c@"), ["a-b.c@"]);
    }

    #[test]
    fn look_around_works_and_runaway_patterns_end() {
        assert_eq!(found(r"(?<!\d)\d{2}(?!\d)", "123 45"), ["45"]);
        let runaway = Pattern::new(r"(?=a)(a+)+\1$", true).unwrap();
        assert!(!runaway.is_match(&format!("{}b", "a".repeat(200))));
    }

    #[test]
    fn the_superset_drops_look_arounds_and_nothing_else() {
        assert_eq!(without_look_around(r"(?<!\d(?:a))\d{2}(?![)\]]x)(?:b|\(?=c)"), r"\d{2}(?:b|\(?=c)");
        assert_eq!(without_look_around(r"[(?=a]+(?P<n>x)"), r"[(?=a]+(?P<n>x)");
        let pattern = Pattern::new(r"(?<!\d)\d{2}(?!\d)", true).unwrap();
        let Pattern::Backtracking(pattern) = pattern else { panic!("look-around needs the backtracking engine") };
        assert!(pattern.superset.is_some() && pattern.may_match("123") && !pattern.may_match("no digits"));
    }

    #[test]
    fn broken_patterns_are_errors_and_never_panics() {
        for broken in ["(", "[a", "*", r"\", "(?P<", "(?P=x", "(?P=x)", r"[\"] {
            assert!(Pattern::new(broken, true).is_err(), "{broken}");
        }
        assert!(Pattern::new("(?#", true).is_ok());
    }

    #[test]
    fn lookup_tables_prefer_the_earlier_element_and_respect_word_boundaries() {
        let elements = ["New".to_owned(), "New York".to_owned(), String::new(), "C++".to_owned()];
        let pattern = Pattern::literals(&elements, false, false).unwrap().unwrap();
        assert_eq!(pattern.find_all("new york c++"), [(0, 3), (9, 12)]);
        let pattern = Pattern::literals(&elements, true, true).unwrap().unwrap();
        assert_eq!(pattern.find_all("Newer New York"), [(6, 9)]);
        assert!(Pattern::literals(&[], true, true).unwrap().is_none());
    }
}
