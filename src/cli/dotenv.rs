//! The environment, with `.env` behind it: a variable of the process always
//! wins.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

/// `.env` of the current folder; empty when there is none.
static FILE: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    parse(&String::from_utf8_lossy(&super::files::read_regular(Path::new(".env")).unwrap_or_default()))
});

/// A variable of the process, else of `.env`.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().or_else(|| FILE.get(name).cloned())
}

/// A variable of `.env`, for what asks the process itself. An empty one counts
/// as none: templates of `.env` name what need not be filled in.
pub(super) fn in_file(name: &str) -> Option<&'static str> {
    FILE.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// Variables, and a record of which were asked for.
pub(super) struct Environment {
    asked: RefCell<BTreeMap<String, Option<String>>>,
}

impl Environment {
    /// Nothing was asked for yet.
    pub(super) fn read() -> Self {
        Self { asked: RefCell::default() }
    }

    /// A variable's value.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = variable(name);
        self.asked.borrow_mut().insert(name.to_owned(), value.clone());
        value
    }

    /// What was asked for so far, with the answers.
    pub(super) fn asked(&self) -> BTreeMap<String, Option<String>> {
        self.asked.borrow().clone()
    }
}

/// `NAME=value` lines; `export`, quotes and `#` lines as usual.
fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
            let value = value.trim();
            let plain = || value.split(" #").next().unwrap_or(value).trim_end();
            Some((name.trim().to_owned(), quoted(value).unwrap_or_else(plain).to_owned()))
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// What stands between quotes; a comment may follow.
fn quoted(value: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        let rest = value.strip_prefix(quote)?;
        let (inner, behind) = rest.split_once(quote)?;
        let behind = behind.trim_start();
        if behind.is_empty() || behind.starts_with('#') { Some(inner) } else { rest.strip_suffix(quote) }
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn quotes_comments_and_export_are_understood() {
        let read = parse("# c\nA=1\nexport B = \"x # y\"\nC=plain # note\nD='y' # \"z\"\n=no\n");
        let expected = [("A", "1"), ("B", "x # y"), ("C", "plain"), ("D", "y")];
        assert_eq!(read, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect());
    }
}
