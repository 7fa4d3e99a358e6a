//! Where something stands: files by number, spans by byte offset.

use std::sync::{Arc, OnceLock};

/// Index into [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A stretch of one file: byte offsets, `start <= end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// Whether two stretches have a byte in common.
    pub fn meets(self, other: Self) -> bool {
        self.file == other.file && self.start < other.end && other.start < self.end
    }
}

/// One file of the project.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path relative to the project, with `/`.
    pub path: String,
    /// Its whole text.
    pub text: Arc<str>,
    /// Where its lines start: findings ask for lines far too often to count them
    /// from the beginning each time.
    line_starts: OnceLock<Arc<[usize]>>,
}

impl Source {
    /// Number of the line that holds a byte, from 1, and where that line starts.
    pub fn line_at(&self, at: usize) -> (usize, usize) {
        let starts = self.line_starts.get_or_init(|| {
            let breaks = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        });
        let line = starts.partition_point(|start| *start <= at).max(1);
        (line, starts.get(line - 1).copied().unwrap_or(0))
    }
}

/// All files that were read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a file and returns its number.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path: path.into(), text: text.into(), line_starts: OnceLock::new() });
        id
    }

    /// The same files under other paths, as from another folder.
    #[must_use]
    pub fn renamed(&self, path: impl Fn(&str) -> String) -> Self {
        let files = self.files.iter().map(|source| Source { path: path(&source.path), ..source.clone() });
        Self { files: files.collect() }
    }

    /// The file of that number.
    pub fn get(&self, id: FileId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// All files in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(i, s)| (FileId(i as u32), s))
    }

    /// Line and column (both from 1, columns in characters) of a span's start.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let Some(source) = self.get(span.file) else { return (1, 1) };
        let at = span.start.min(source.text.len());
        let (line, start) = source.line_at(at);
        match source.text.get(start..at) {
            Some(before) => (line, before.chars().count() + 1),
            None => (1, 1),
        }
    }

    /// `path:line` of a span's start, as turns and rules are named to people.
    pub fn place(&self, span: Span) -> String {
        match self.get(span.file) {
            Some(source) => format!("{}:{}", source.path, self.line_column(span).0),
            None => "?".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let mut sources = Sources::default();
        let file = sources.add("a.yml", "é: 1\n\nb: ü\n");
        let at = |start| sources.line_column(Span { file, start, end: start });
        assert_eq!([at(0), at(2), at(6), at(7), at(10)], [(1, 1), (1, 2), (2, 1), (3, 1), (3, 4)]);
        assert_eq!([at(13), at(99), at(usize::MAX)], [(4, 1), (4, 1), (4, 1)]);
        assert_eq!(at(1), (1, 1), "within a character");
        assert_eq!(sources.line_column(Span { file: FileId(7), start: 3, end: 3 }), (1, 1));
        assert_eq!(sources.place(Span { file, start: 7, end: 8 }), "a.yml:3");
    }
}
