//! Parser events -> [`Node`]s, with bounds on depth and size.

use super::escape::Decoded;
use super::lenient::{self, Repairs};
use super::repeated::{Repeated, Size, measure};
use super::{Env, Key, Map, Node, Style, Yaml, interpolate, resolve_scalar};
use crate::{Diagnostic, FileId, Span, codes};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// How deeply collections may be nested.
pub const MAX_DEPTH: usize = 200;
/// How many values a file may hold.
pub const MAX_NODES: usize = 1_000_000;
/// Reads one file. An empty document is an empty mapping. Findings go to
/// `out`; `None` when the text is so broken that nothing of it can be used.
/// Duplicate keys (the first one stands), unset variables and bad escapes are
/// errors that do not stop the reading.
pub fn parse(file: FileId, text: &str, env: Env<'_>, out: &mut Vec<Diagnostic>) -> Option<Node> {
    parse_with(file, text, Some(env), out)
}

/// Reads one file like [`parse`], but without replacing variables: for what is
/// written out again.
pub fn parse_verbatim(file: FileId, text: &str, out: &mut Vec<Diagnostic>) -> Option<Node> {
    parse_with(file, text, None, out)
}

/// Reads one file; without `env`, variables stay as they are written.
pub(crate) fn parse_with(file: FileId, text: &str, env: Option<Env<'_>>, out: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut decoded = Decoded::new(text);
    for (start, end) in &decoded.bad {
        let span = Span { file, start: *start, end: *end };
        out.push(
            Diagnostic::error(codes::BAD_ESCAPE, "this escape is not a character")
                .at(span, "half of a surrogate pair, or too large")
                .help("write both halves, or the character itself"),
        );
    }
    let (mut repairs, mut is_mended) = (Repairs::default(), false);
    loop {
        let mut builder = Builder { is_mended, ..Builder::new(file, text, &decoded, env) };
        match builder.run() {
            Ok(()) => {
                out.append(&mut builder.out);
                return Some(builder.root.take().unwrap_or_else(|| Node {
                    value: Yaml::Map(Map::default()),
                    span: Span { file, start: 0, end: 0 },
                    style: Style::Collection,
                }));
            }
            Err(Stop::Syntax(error)) => {
                let finding = builder.syntax_error(&error);
                let mut found = std::mem::take(&mut builder.out);
                let bracket = builder.outermost_bracket();
                if repairs.mend(decoded.text.to_mut(), &error, bracket) {
                    is_mended = true;
                    continue;
                }
                out.append(&mut found);
                out.push(finding);
                return None;
            }
            Err(Stop::Found(diagnostic)) => {
                out.append(&mut builder.out);
                out.push(*diagnostic);
                return None;
            }
        }
    }
}

/// What ends the reading of a file.
enum Stop {
    /// A finding of ours.
    Found(Box<Diagnostic>),
    /// The parser's.
    Syntax(ScanError),
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Found(Box::new(diagnostic))
    }
}

/// A collection that is still open.
enum Frame {
    Seq { anchor: usize, start: usize, items: Vec<Node> },
    Map { anchor: usize, start: usize, map: OpenMap },
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<(Key, Node)>,
    index: HashMap<String, usize>,
    merged: Vec<Map>,
    key: Option<(Key, bool)>,
}

struct Builder<'a> {
    file: FileId,
    source: &'a str,
    decoded: &'a Decoded<'a>,
    env: Option<Env<'a>>,
    out: Vec<Diagnostic>,
    stack: Vec<Frame>,
    root: Option<Node>,
    /// Finished anchored nodes with their size.
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
    repeated: Repeated,
    documents: usize,
    /// Whether characters stand in for others: see [`lenient`].
    is_mended: bool,
    /// Where the open collections begin: numbers of characters.
    opened: Vec<usize>,
}

impl<'a> Builder<'a> {
    fn new(file: FileId, source: &'a str, decoded: &'a Decoded<'a>, env: Option<Env<'a>>) -> Self {
        Self {
            file,
            source,
            decoded,
            env,
            out: Vec::new(),
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            repeated: Repeated::default(),
            documents: 0,
            is_mended: false,
            opened: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut parser = Parser::new_from_str(&self.decoded.text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(Stop::Syntax)?;
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => self.opened.push(span.start.index()),
                Event::SequenceEnd | Event::MappingEnd => drop(self.opened.pop()),
                _ => {}
            }
            let span = self.span(span.start, span.end);
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) => self.document(span)?,
                Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag, span)?,
                Event::SequenceStart(anchor, tag) => {
                    self.open(Frame::Seq { anchor, start: span.start, items: Vec::new() }, tag, span)?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.open(Frame::Map { anchor, start: span.start, map: OpenMap::default() }, tag, span)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span.end)?,
                Event::Alias(anchor) => self.alias(anchor, span)?,
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    /// The first of the open collections that is written in brackets.
    fn outermost_bracket(&self) -> Option<usize> {
        let is_bracket = |at: &usize| matches!(self.decoded.text.chars().nth(*at), Some('[' | '{'));
        self.opened.iter().copied().find(is_bracket)
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        let start = self.decoded.byte(start.index());
        Span { file: self.file, start, end: self.decoded.byte(end.index()).max(start) }
    }

    fn document(&mut self, span: Span) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(Diagnostic::error(codes::SEVERAL_DOCUMENTS, "this file holds more than one YAML document")
                .at(span, "the second document starts here")
                .help("put the documents into files of their own, or remove the line `---`")
                .into());
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: Span,
    ) -> Result<(), Stop> {
        self.spend(1, span)?;
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let is_text_tag = self.tag(tag.as_deref(), span);
        let text = match style {
            Style::Quoted if self.is_mended => lenient::restore(&text).map_or(text, Cow::Owned),
            _ => text,
        };
        let value =
            if style != Style::Plain || is_text_tag { Yaml::Str(text.into_owned()) } else { self.plain(&text, span) };
        let end = if matches!(style, Style::Literal | Style::Folded) {
            self.trimmed_end(span.start, span.end)
        } else {
            span.end
        };
        let raw = self.source.get(span.start..end).unwrap_or("");
        let key_text = if style == Style::Plain { raw } else { "" };
        let node = Node { value, span: Span { end, ..span }, style };
        match self.waiting_map() {
            Some(map) => {
                let is_merge = node.style == Style::Plain && node.as_str() == Some("<<");
                map.key = Some((Key { name: key_name(&node, key_text), span: node.span }, is_merge));
                Ok(())
            }
            None => self.attach(node, anchor),
        }
    }

    /// The value of a plain scalar, its variables replaced.
    fn plain(&mut self, text: &str, span: Span) -> Yaml {
        match self.env.and_then(|env| interpolate(text, env)) {
            None => resolve_scalar(text),
            Some(Ok(expanded)) => Yaml::Str(expanded),
            Some(Err(unset)) => {
                self.out.push(
                    Diagnostic::error(
                        codes::UNSET_VARIABLE,
                        format!("the environment variable `{}` is not set", unset.name()),
                    )
                    .at(span, "its value belongs here")
                    .help(format!(
                        "set it before the start or write a line `{}=…` into `.env`; text that is no variable belongs in quotes",
                        unset.name()
                    )),
                );
                // Without its braces: they are no placeholder of a response.
                Yaml::Str(text.replace(['{', '}'], ""))
            }
        }
    }

    /// Whether the tag makes the scalar text; unknown tags are reported.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        let known = ["str", "int", "float", "bool", "null", "map", "seq"];
        let is_known = if tag.is_yaml_core_schema() {
            known.contains(&tag.suffix.as_str())
        } else {
            tag.handle == "!" && tag.suffix.is_empty()
        };
        if !is_known {
            self.out.push(
                Diagnostic::error(codes::UNKNOWN_TAG, format!("the tag `{tag}` is not supported"))
                    .at(span, "")
                    .help("remove the tag; put text that starts with `!` in quotes"),
            );
        }
        tag.suffix == "str" || tag.suffix.is_empty()
    }

    /// The mapping on top of the stack, if it waits for a key.
    fn waiting_map(&mut self) -> Option<&mut OpenMap> {
        match self.stack.last_mut() {
            Some(Frame::Map { map, .. }) if map.key.is_none() => Some(map),
            _ => None,
        }
    }

    fn open(&mut self, frame: Frame, tag: Option<Cow<'_, Tag>>, span: Span) -> Result<(), Stop> {
        self.spend(1, span)?;
        self.tag(tag.as_deref(), span);
        if self.waiting_map().is_some() {
            return Err(bad_key(span));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let (anchor, start, value) = match frame {
            Frame::Seq { anchor, start, items } => (anchor, start, Yaml::Seq(items)),
            Frame::Map { anchor, start, map } => (anchor, start, Yaml::Map(finish_map(map))),
        };
        let span = Span { file: self.file, start, end: self.trimmed_end(start, end) };
        self.attach(Node { value, span, style: Style::Collection }, anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        if self.waiting_map().is_some() {
            return Err(bad_key(span));
        }
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(Diagnostic::error(codes::BAD_ALIAS, "this alias refers to a value that holds it")
                .at(span, "")
                .help("an alias can only repeat a value that is complete")
                .into());
        };
        let size = *size;
        if self.stack.len() + size.height > MAX_DEPTH {
            return Err(too_deep(span));
        }
        let node = self.repeated.copy(node, size, span)?;
        self.attach(node, 0)
    }

    /// Hands a finished node to the collection it belongs to.
    fn attach(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            let size = measure(&node);
            let copy = self.repeated.copy(&node, size, node.span)?;
            self.anchors.insert(anchor, (copy, size));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Seq { items, .. }) => items.push(node),
            Some(Frame::Map { map, .. }) => {
                if let Some((key, is_merge)) = map.key.take() {
                    if is_merge { merge(map, node, &mut self.out) } else { insert(map, key, node, &mut self.out) }
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(Diagnostic::error(codes::TOO_LARGE, format!("this file holds more than {MAX_NODES} values"))
                .at(span, "the limit is reached here")
                .help("split the file")
                .into());
        }
        Ok(())
    }

    /// The end of a block without the blank space behind it.
    fn trimmed_end(&self, start: usize, end: usize) -> usize {
        self.source.get(start..end).map_or(end, |text| start + text.trim_end().len())
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let at = self.decoded.byte(error.marker().index());
        let span = self.character_at(at);
        if let Some(tab) = self.tab_indentation(at) {
            return Diagnostic::error(
                codes::TAB_INDENTATION,
                "a tab is used for indentation, which YAML does not allow",
            )
            .at(Span { file: self.file, start: tab, end: tab + 1 }, "this is a tab")
            .help("indent with spaces; most editors can be told to insert spaces for the tab key");
        }
        let code = if error.info().contains("recursion limit") { codes::TOO_DEEP } else { codes::YAML_SYNTAX };
        let help = syntax_help(error.info()).unwrap_or(
            "look at this line and the one before: a bracket, quote, colon or indentation is not as YAML wants it",
        );
        Diagnostic::error(code, format!("this is not valid YAML: {}", error.info())).at(span, "").help(help)
    }

    fn character_at(&self, at: usize) -> Span {
        let length = self.source.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        Span { file: self.file, start: at, end: at + length }
    }

    /// A tab in the indentation of the line at `at` or of the next one that
    /// holds more than a comment.
    fn tab_indentation(&self, at: usize) -> Option<usize> {
        let from = self.source.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        let mut start = from;
        let mut lines_with_content = 0;
        for line in self.source.get(from..)?.split_inclusive('\n') {
            let content = line.trim_start_matches([' ', '\t']);
            let indent = line.get(..line.len() - content.len())?;
            if !content.trim().is_empty() {
                if let Some(tab) = indent.find('\t') {
                    return Some(start + tab);
                }
                lines_with_content += usize::from(!content.starts_with('#'));
            }
            if lines_with_content == 2 {
                return None;
            }
            start += line.len();
        }
        None
    }
}

/// A key as text: `null` and numbers as they were written.
fn key_name(node: &Node, raw: &str) -> String {
    match node.as_str() {
        Some(text) => text.to_owned(),
        None => raw.to_owned(),
    }
}

fn bad_key(span: Span) -> Stop {
    Diagnostic::error(codes::BAD_KEY, "a key must be a plain value, not a list, mapping or alias")
        .at(span, "")
        .help("put text that starts with `[`, `{` or `*` in quotes")
        .into()
}

fn too_deep(span: Span) -> Stop {
    Diagnostic::error(codes::TOO_DEEP, format!("values are nested more than {MAX_DEPTH} levels deep"))
        .at(span, "")
        .into()
}

fn syntax_help(info: &str) -> Option<&'static str> {
    if info.contains("mapping values are not allowed") {
        return Some("put text that contains `: ` in quotes, or check the indentation");
    }
    if info.contains("unknown anchor") {
        return Some("define the anchor (`&name`) before it is used, or put text that starts with `*` in quotes");
    }
    if info.contains("quoted scalar") {
        return Some(
            "is the closing quote missing? A quote within the text is written `\\\"`, or the text stands in 'single quotes'",
        );
    }
    if info.contains("while parsing a block mapping") || info.contains("did not find expected key") {
        return Some("check that the keys of this block start in the same column");
    }
    None
}

fn insert(map: &mut OpenMap, key: Key, node: Node, out: &mut Vec<Diagnostic>) {
    if let Some((first, _)) = map.index.get(&key.name).and_then(|at| map.entries.get(*at)) {
        out.push(
            Diagnostic::error(codes::DUPLICATE_KEY, format!("the key `{}` stands here twice", key.name))
                .at(key.span, "again here")
                .at(first.span, "first here")
                .help("merge the two, or rename or remove one"),
        );
        return;
    }
    map.index.insert(key.name.clone(), map.entries.len());
    map.entries.push((key, node));
}

/// The value of a merge key `<<`: a mapping or a list of mappings.
fn merge(map: &mut OpenMap, node: Node, out: &mut Vec<Diagnostic>) {
    let span = node.span;
    let parts = match node.value {
        Yaml::Seq(items) => items.into_iter().map(|item| item.value).collect(),
        value => vec![value],
    };
    for part in parts {
        match part {
            Yaml::Map(part) => map.merged.push(part),
            _ => {
                out.push(Diagnostic::error(codes::BAD_MERGE, "`<<` needs a mapping or a list of mappings").at(span, ""))
            }
        }
    }
}

/// Merged entries first; own keys win over them, earlier merges over later.
fn finish_map(map: OpenMap) -> Map {
    if map.merged.is_empty() {
        return Map { entries: map.entries };
    }
    let mut entries: Vec<(Key, Node)> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    let merged = map.merged.into_iter().flat_map(|part| part.entries);
    for (key, node) in merged {
        if !index.contains_key(&key.name) {
            index.insert(key.name.clone(), entries.len());
            entries.push((key, node));
        }
    }
    for (key, node) in map.entries {
        match index.get(&key.name).and_then(|at| entries.get_mut(*at)) {
            Some(entry) => *entry = (key, node),
            None => entries.push((key, node)),
        }
    }
    Map { entries }
}
