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

/// Python's syntax where it differs: `\Z`, `(?P=name)`, escaped ordinary
/// characters, literal braces, and characters that are special only inside our
/// engine's classes.
pub fn translate(python: &str) -> String {
    let characters: Vec<char> = python.chars().collect();
    let mut out = String::with_capacity(python.len() + 8);
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        at += match rest {
            ['\\', escaped, ..] => {
                push_escape(*escaped, &mut out);
                2
            }
            ['(', '?', 'P', '=', name @ ..] => {
                let length = name.iter().take_while(|c| **c != ')').count();
                out.push_str(r"\k<");
                out.extend(&name[..length]);
                out.push('>');
                (5 + length).min(rest.len())
            }
            ['(', '?', flags @ ..] if only_flags(flags).is_some() => {
                let (kept, length) = only_flags(flags).unwrap_or_default();
                out.push_str(&if kept.is_empty() { "(?:)".to_owned() } else { format!("(?{kept})") });
                2 + length
            }
            ['(', '?', '#', comment @ ..] => (comment.iter().take_while(|c| **c != ')').count() + 4).min(rest.len()),
            ['[', inside @ ..] => push_class(inside, &mut out) + 1,
            ['{', inside @ ..] if !is_quantifier(inside) => {
                out.push_str(r"\{");
                1
            }
            [other, ..] => {
                out.push(*other);
                1
            }
            [] => 1,
        };
    }
    out
}

/// Flags for the whole expression, `a)` or `iu)`: those that exist here, and how
/// many characters they take. Python's `a`, `L` and `u` (which letters count) do not.
fn only_flags(inside: &[char]) -> Option<(String, usize)> {
    let flags: String = inside.iter().take_while(|c| "aiLmsux".contains(**c)).collect();
    let length = flags.chars().count();
    let is_whole = length > 0 && inside.get(length) == Some(&')');
    is_whole.then(|| (flags.chars().filter(|c| "imsx".contains(*c)).collect(), length + 1))
}

/// Whether `inside` continues a `{` as `n}`, `n,}`, `,m}` or `n,m}`.
fn is_quantifier(inside: &[char]) -> bool {
    let body: String = inside.iter().take_while(|c| **c != '}').collect();
    let closed = body.chars().count() < inside.len();
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    closed
        && body.len() > 1 - usize::from(!body.contains(','))
        && body.split(',').count() <= 2
        && body.split(',').all(digits)
}

fn push_escape(escaped: char, out: &mut String) {
    match escaped {
        'Z' => out.push_str(r"\z"),
        c if c.is_ascii_alphanumeric() => out.extend(['\\', c]),
        c if r"\.+*?()|[]{}^$#&-~".contains(c) => out.extend(['\\', c]),
        c => out.push(c),
    }
}

/// Writes the class that `inside` continues, opening bracket included, and
/// returns how many characters of `inside` it took.
fn push_class(inside: &[char], out: &mut String) -> usize {
    out.push('[');
    let mut at = 0;
    if inside.first() == Some(&'^') {
        out.push('^');
        at = 1;
    }
    let first = at;
    while let Some(&c) = inside.get(at) {
        match c {
            // A bracket right at the start is itself.
            ']' if at == first => out.push_str(r"\]"),
            ']' => {
                out.push(']');
                return at + 1;
            }
            '\\' => {
                at += 1;
                if let Some(&escaped) = inside.get(at) {
                    push_escape(escaped, out);
                }
            }
            '[' | '&' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
        at += 1;
    }
    at
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
        assert!(is_match(r"\b{dr_AP}d{12}\b", "x{dr_AP}dddddddddddd"));
        assert!(is_match(r"(?a)^\w+$", "abc") && is_match(r"(?ui)^ABC$", "abc"));
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
