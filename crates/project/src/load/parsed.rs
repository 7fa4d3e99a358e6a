//! Bytes of files -> nodes, each file with its roles.

use super::{DATA_KEYS, FileRole, ProjectFile};
use crate::foreign::{self, Format};
use crate::read_domain::DOMAIN_KEYS;
use crate::yaml::{self, Env, Map, Node};
use crate::{Diagnostic, FileId, Sources, Span, codes, imports, version};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Keys that only items of training data have.
const ITEM_KEYS: [&str; 3] = ["examples", "story", "rule"];

/// A file after parsing.
pub(super) struct Parsed {
    pub path: String,
    pub roles: BTreeSet<FileRole>,
    pub format: Format,
    pub root: Node,
}

/// Whether a file was found rather than named: one that is something else is
/// then passed over.
pub(super) fn may_be_stray(role: FileRole) -> bool {
    matches!(role, FileRole::Data | FileRole::Imported)
}

impl Parsed {
    /// Gives a file of an imported project the roles that its content has. Test
    /// stories and the project's configuration have none.
    pub fn with_roles_by_content(mut self) -> Self {
        if !self.roles.contains(&FileRole::Imported) || imports::is_config(&self.path) {
            return self;
        }
        let has = |keys: &[&str]| self.root.as_map().is_some_and(|map| keys.iter().any(|key| map.get(key).is_some()));
        let is_test = has(&["stories"]) && self.path.rsplit('/').next().is_some_and(|name| name.starts_with("test_"));
        if is_test {
            return self;
        }
        match self.format {
            Format::OtherJson => {}
            Format::Rasa => {
                let (is_data, is_domain) = (has(&["nlu", "stories", "rules"]), has(&DOMAIN_KEYS));
                self.roles.extend(is_data.then_some(FileRole::Data));
                self.roles.extend(is_domain.then_some(FileRole::Domain));
            }
            _ => _ = self.roles.insert(FileRole::Data),
        }
        self
    }

    pub fn is_imported(&self) -> bool {
        self.roles.contains(&FileRole::Imported)
    }

    /// The top-level keys, if this is a file of Rasa's own format that was given
    /// in that role.
    pub fn keys(&self, role: FileRole) -> Option<&Map> {
        self.root.as_map().filter(|_| self.format == Format::Rasa && self.roles.contains(&role))
    }
}

/// Adds a file's text to the sources. Bytes that are not UTF-8 are an error
/// with the place of the first one; the text is then kept for showing only.
pub(crate) fn add_source(
    bytes: &[u8],
    path: &str,
    sources: &mut Sources,
    out: &mut Vec<Diagnostic>,
) -> Option<(FileId, Arc<str>)> {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let text: Arc<str> = text.into();
            Some((sources.add(path, Arc::clone(&text)), text))
        }
        Err(error) => {
            let at = error.valid_up_to();
            let file = sources.add(path, String::from_utf8_lossy(bytes));
            let span = Span { file, start: at, end: at + char::REPLACEMENT_CHARACTER.len_utf8() };
            out.push(
                Diagnostic::error(codes::NOT_UTF8, format!("the file is not UTF-8 (byte {at})"))
                    .at(span, "the first byte that does not fit")
                    .help("save the file with the encoding UTF-8"),
            );
            None
        }
    }
}

pub(super) fn parse_files(
    mut files: Vec<ProjectFile>,
    env: Option<Env<'_>>,
    sources: &mut Sources,
    out: &mut Vec<Diagnostic>,
) -> Vec<Parsed> {
    files.sort_by(|left, right| (&left.path, left.role).cmp(&(&right.path, right.role)));
    let mut parsed: Vec<Parsed> = Vec::new();
    let mut last_path: Option<String> = None;
    for file in files {
        if last_path.as_deref() == Some(&file.path) {
            if let Some(same) = parsed.last_mut().filter(|same| same.path == file.path) {
                same.roles.insert(file.role);
            }
            continue;
        }
        last_path = Some(file.path.clone());
        if let Some(root) = parse_file(&file, env, sources, out) {
            let format = foreign::format(&file.path, &root);
            let format = if may_be_stray(file.role) { foreign::unless_json(format, &file.path, &root) } else { format };
            parsed.push(Parsed { path: file.path, roles: BTreeSet::from([file.role]), format, root });
        }
    }
    parsed
}

fn parse_file(
    file: &ProjectFile,
    env: Option<Env<'_>>,
    sources: &mut Sources,
    out: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let (id, text) = add_source(&file.bytes, &file.path, sources, out)?;
    let before = out.len();
    let Some(root) = yaml::parse_with(id, &readable_json(&file.path, &text), env, out) else {
        if may_be_stray(file.role) && !looks_like_training_data(&text) {
            let reason = out.drain(before..).next_back();
            out.extend(reason.map(not_read));
        }
        return None;
    };
    if root.is_null() {
        return Some(Node { value: yaml::Yaml::Map(Map::default()), ..root });
    }
    let format = foreign::format(&file.path, &root);
    if may_be_stray(file.role) && format != Format::Rasa {
        return Some(root);
    }
    let Some(map) = root.as_map() else {
        if file.role == FileRole::Imported {
            return Some(root);
        }
        if may_be_stray(file.role) && !looks_like_training_data(&text) && !lists_training_data(&root) {
            out.push(foreign::holds_nothing(&file.path, root.span));
            return None;
        }
        out.push(
            Diagnostic::error(codes::NOT_A_MAPPING, format!("the top level of {} must be a mapping", file.path))
                .at(root.span, format!("this is {}", root.kind()))
                .help("start the file with a key such as `nlu:`, `stories:` or `intents:`"),
        );
        return None;
    };
    version::is_readable(map, &file.path, !may_be_stray(file.role), out).then_some(root)
}

/// JSON may have tabs anywhere, YAML not before a number. Outside of strings a
/// blank says the same and takes the same place; inside of them JSON has none.
fn readable_json<'t>(path: &str, text: &'t str) -> Cow<'t, str> {
    let is_json = path.to_lowercase().ends_with(".json") && text.contains('\t');
    match is_json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        true => Cow::Owned(text.replace('\t', " ")),
        false => Cow::Borrowed(text),
    }
}

/// Quirk (spec §1.1): a data file counts as training data when a line of it,
/// left-stripped, starts with one of the keys. Used only for files that are no
/// YAML, so that a stray file among the data is no error.
pub(super) fn looks_like_training_data(text: &str) -> bool {
    let is_key =
        |line: &str| DATA_KEYS.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    text.lines().any(|line| is_key(line.trim_start()))
}

/// Whether a list has items of training data: a file whose author forgot the key
/// above them. Rasa passes it over without a word.
fn lists_training_data(root: &Node) -> bool {
    let is_item = |node: &Node| node.as_map().is_some_and(|map| ITEM_KEYS.iter().any(|key| map.get(key).is_some()));
    root.as_seq().is_some_and(|items| items.iter().any(is_item))
}

fn not_read(reason: Diagnostic) -> Diagnostic {
    let message = format!("this file is not read: {}", reason.message);
    let mut diagnostic = Diagnostic::warning(codes::NOT_READ, message)
        .help("it has no line with `nlu:`, `stories:`, `rules:` or `responses:`; move it out of the data");
    diagnostic.annotations = reason.annotations;
    diagnostic
}
