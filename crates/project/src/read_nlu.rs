//! Reading the `nlu` section of a data file (spec §1.4).

use crate::annotation::{ANNOTATION_KEYS, parse_annotations};
use crate::nlu::{EntityAnnotation, Example, Lookup, NluData, RegexPattern, Synonym};
use crate::python::python_str;
use crate::yaml::{Key, Line, Map, Node, Yaml};
use crate::{Diagnostic, Sources, Span, codes, shape, suggest};
use sapa_sdk::JsonMap;
use serde_json::Value;
use std::collections::BTreeMap;

/// What Rasa strips from examples: blanks and line ends, not tabs.
const STRIPPED: [char; 3] = [' ', '\n', '\r'];
/// Items in the order in which the first present key decides.
const KINDS: [&str; 4] = ["intent", "synonym", "regex", "lookup"];

/// Reads `nlu` sections one after the other and gathers them.
pub(crate) struct NluReader<'s> {
    sources: &'s Sources,
    data: NluData,
    lookups: BTreeMap<String, usize>,
}

impl<'s> NluReader<'s> {
    pub fn new(sources: &'s Sources) -> Self {
        Self { sources, data: NluData::default(), lookups: BTreeMap::new() }
    }

    pub fn finish(self) -> NluData {
        self.data
    }

    /// Reads the value of the key `nlu`.
    pub fn read(&mut self, node: &Node, out: &mut Vec<Diagnostic>) {
        if node.is_null() {
            return;
        }
        for item in shape::seq(node, "`nlu`", out).unwrap_or_default() {
            let Some(map) = shape::map(item, "an item of `nlu`", out) else { continue };
            self.item(map, item.span, out);
        }
    }

    fn item(&mut self, map: &Map, span: Span, out: &mut Vec<Diagnostic>) {
        let Some((kind, name)) = KINDS.iter().find_map(|kind| map.get(kind).map(|name| (*kind, name))) else {
            out.push(unknown_item(map, span));
            return;
        };
        if name.is_null() || name.as_str().is_some_and(|name| name.trim().is_empty()) {
            out.push(
                Diagnostic::warning(codes::EMPTY_NAME, format!("this {kind} has no name and is skipped"))
                    .at(name.span, ""),
            );
            return;
        }
        let what = format!("the name of this {kind}");
        let Some(text) = shape::text(name, &what, out) else { return };
        let known: &[&str] = if kind == "intent" { &["intent", "examples", "metadata"] } else { &[kind, "examples"] };
        let other = map.iter().map(|(key, _)| key).find(|key| !known.contains(&key.name.as_str()));
        if let (Some(other), None) = (other, map.get("examples")) {
            out.push(other_than_examples(kind, other, known));
            return;
        }
        shape::unknown_keys(map, known, &format!("this {kind}"), out);
        let Some(examples) = map.get("examples").filter(|examples| !examples.is_null()) else {
            out.push(no_examples(kind, text, name.span));
            return;
        };
        match kind {
            "intent" => self.intent(text, name.span, map, examples, out),
            _ => self.named(kind, text, name.span, examples, out),
        }
    }

    fn intent(&mut self, name: &str, span: Span, map: &Map, examples: &Node, out: &mut Vec<Diagnostic>) {
        if let Some(problem) = bad_intent_name(name) {
            out.push(Diagnostic::error(codes::BAD_INTENT_NAME, problem).at(span, ""));
            return;
        }
        let metadata = map.get("metadata").map(Node::to_json);
        let before = self.data.examples.len();
        match &examples.value {
            Yaml::Seq(items) if items.iter().any(|item| item.as_str().is_some()) => {
                out.push(
                    shape::wrong_type(examples, "`examples`", "a text block, or a list of `- text: …`")
                        .help("write `examples: |`, and the examples as they are"),
                );
                // They are known all the same: nobody misses them.
                for item in items.iter() {
                    let text = item.as_str().unwrap_or_default();
                    self.example(
                        name,
                        example_metadata(metadata.as_ref(), None),
                        Line { text, span: item.span },
                        &mut Vec::new(),
                    );
                }
            }
            Yaml::Seq(items) => {
                for item in items {
                    self.object_example(name, metadata.as_ref(), item, out);
                }
            }
            _ => {
                for line in self.block_lines(examples, out) {
                    self.example(name, example_metadata(metadata.as_ref(), None), line, out);
                }
            }
        }
        if self.data.examples.len() == before {
            out.push(no_examples("intent", name, span));
        }
    }

    /// The object form: `{text, metadata}`.
    fn object_example(&mut self, intent: &str, metadata: Option<&Value>, item: &Node, out: &mut Vec<Diagnostic>) {
        if let Some(text) = item.as_str() {
            let help = format!("write `- text: {text}`, or use a text block: `examples: |`");
            out.push(shape::wrong_type(item, "an example in a list", "a mapping with the key `text`").help(help));
            return;
        }
        let Some(map) = shape::map(item, "an example in a list", out) else { return };
        shape::unknown_keys(map, &["text", "metadata"], "an example", out);
        let Some(node) = shape::required(map, "text", "an example", item.span, out) else { return };
        let Some(text) = shape::text(node, "`text` of an example", out) else { return };
        let own = map.get("metadata").map(Node::to_json);
        let lines = node.lines(self.sources);
        let mut filled = lines.iter().filter(|line| !line.text.trim_matches(STRIPPED).is_empty());
        let line = match (filled.next(), filled.next()) {
            (Some(only), None) => stripped(*only),
            _ => Line { text: text.trim_matches(STRIPPED), span: node.span },
        };
        self.example(intent, example_metadata(metadata, own), line, out);
    }

    fn example(&mut self, intent: &str, metadata: JsonMap, line: Line<'_>, out: &mut Vec<Diagnostic>) {
        if line.text.is_empty() {
            out.push(empty_example(line.span));
            return;
        }
        let read = parse_annotations(line.text);
        for (range, problem) in &read.problems {
            out.push(annotation_error(problem, line, range));
        }
        for (range, key) in &read.unknown_keys {
            let message = format!("`{key}` is not a key of an annotation, and is passed over");
            let cure = suggest::cure(key, ANNOTATION_KEYS, "remove it; it has no effect");
            out.push(Diagnostic::warning(codes::UNKNOWN_KEY, message).at(within(line, range), "").help(cure));
        }
        self.synonyms_of(&read.text, &read.entities, line.span);
        let (text, entities) = (read.text, read.entities);
        self.data.examples.push(Example { intent: intent.to_owned(), text, entities, metadata, span: line.span });
    }

    /// Synonyms, regular expressions and lookup tables: text blocks only.
    fn named(&mut self, kind: &str, name: &str, span: Span, examples: &Node, out: &mut Vec<Diagnostic>) {
        let lines = self.block_lines(examples, out);
        if lines.is_empty() && examples.as_str().is_some() {
            out.push(no_examples(kind, name, span));
        }
        match kind {
            "synonym" => {
                lines.into_iter().for_each(|line| self.add_synonym(line.text, name, line.span));
            }
            "regex" => {
                lines.into_iter().for_each(|line| self.add_regex(name, line.text, line.span));
            }
            _ => self.add_lookup(name, span, lines.into_iter().map(|line| line.text.to_owned())),
        }
    }

    /// Adds elements to the lookup table of that name.
    pub fn add_lookup(&mut self, name: &str, span: Span, elements: impl Iterator<Item = String>) {
        let at = *self.lookups.entry(name.to_owned()).or_insert(self.data.lookups.len());
        match self.data.lookups.get_mut(at) {
            Some(lookup) => lookup.elements.extend(elements),
            None => self.data.lookups.push(Lookup { name: name.to_owned(), elements: elements.collect(), span }),
        }
    }

    /// The examples of a text block: lines that start with `-` in column 0.
    fn block_lines<'n>(&self, node: &'n Node, out: &mut Vec<Diagnostic>) -> Vec<Line<'n>> {
        if node.as_str().is_none() {
            out.push(
                shape::wrong_type(node, "`examples`", "a text block")
                    .help("write `examples: |` and below it one example a line, each starting with `- `"),
            );
            return Vec::new();
        }
        let mut examples = Vec::new();
        for line in node.lines(self.sources) {
            match line.text.strip_prefix('-') {
                Some(rest) => {
                    let span = Span { start: (line.span.start + 1).min(line.span.end), ..line.span };
                    let is_exact = line.span.end - line.span.start == line.text.len();
                    examples.push(stripped(Line { text: rest, span: if is_exact { span } else { line.span } }));
                }
                None if line.text.trim().is_empty() => {}
                None => out.push(without_dash(line)),
            }
        }
        examples
    }

    /// Adds an example whose entities are known by their offsets.
    pub fn add_example(
        &mut self,
        intent: &str,
        text: &str,
        entities: Vec<EntityAnnotation>,
        metadata: JsonMap,
        span: Span,
        out: &mut Vec<Diagnostic>,
    ) {
        if let Some(problem) = bad_intent_name(intent) {
            out.push(Diagnostic::error(codes::BAD_INTENT_NAME, problem).at(span, ""));
            return;
        }
        if text.trim().is_empty() {
            out.push(empty_example(span));
            return;
        }
        self.synonyms_of(text, &entities, span);
        let (intent, text) = (intent.trim().to_owned(), text.to_owned());
        self.data.examples.push(Example { intent, text, entities, metadata, span });
    }

    /// A value that is not the covered text makes that text a synonym of it.
    fn synonyms_of(&mut self, text: &str, entities: &[EntityAnnotation], span: Span) {
        // Annotations stand in the order of the text: it is walked once.
        let (mut rest, mut at) = (text.chars(), 0);
        for entity in entities {
            if entity.start < at {
                (rest, at) = (text.chars(), 0);
            }
            let covered: String =
                rest.by_ref().skip(entity.start - at).take(entity.end.saturating_sub(entity.start)).collect();
            at = entity.start.max(entity.end);
            let value = python_str(&entity.value);
            if value != covered {
                self.data.synonyms.push(Synonym { text: covered, value, span });
            }
        }
    }

    /// Adds a regular expression.
    pub fn add_regex(&mut self, name: &str, pattern: &str, span: Span) {
        self.data.regexes.push(RegexPattern { name: name.to_owned(), pattern: pattern.to_owned(), span });
    }

    /// Adds a synonym.
    pub fn add_synonym(&mut self, text: &str, value: &str, span: Span) {
        self.data.synonyms.push(Synonym { text: text.to_owned(), value: value.to_owned(), span });
    }
}

fn without_dash(line: Line<'_>) -> Diagnostic {
    let cure = match line.text.trim_start().starts_with('#') {
        true => "within a text block this is no comment; move it above `examples: |`, or remove it",
        false => {
            "start it with `- ` in the column of the other examples; an example of several lines needs `- text: |`"
        }
    };
    Diagnostic::warning(codes::LINE_WITHOUT_DASH, "this line does not start with `-` and is skipped")
        .at(line.span, "")
        .help(cure)
}

fn empty_example(span: Span) -> Diagnostic {
    Diagnostic::warning(codes::EMPTY_EXAMPLE, "this example is empty and is skipped").at(span, "")
}

fn bad_intent_name(name: &str) -> Option<String> {
    (name.matches('/').count() > 1)
        .then(|| format!("the intent `{name}` has more than one `/`; a retrieval intent is `base/key`"))
}

fn example_metadata(intent: Option<&Value>, example: Option<Value>) -> JsonMap {
    let mut metadata = JsonMap::new();
    if let Some(intent) = intent {
        metadata.insert("intent".to_owned(), intent.clone());
    }
    if let Some(example) = example {
        metadata.insert("example".to_owned(), example);
    }
    metadata
}

/// A line without blanks at its ends, its span following where it is exact.
fn stripped(line: Line<'_>) -> Line<'_> {
    let text = line.text.trim_matches(STRIPPED);
    if line.span.end.saturating_sub(line.span.start) != line.text.len() {
        return Line { text, span: line.span };
    }
    let start = line.span.start + (line.text.len() - line.text.trim_start_matches(STRIPPED).len());
    Line { text, span: Span { file: line.span.file, start, end: start + text.len() } }
}

/// The part of a line, where its text stands as it is; else the line.
fn within(line: Line<'_>, range: &std::ops::Range<usize>) -> Span {
    let is_exact = line.span.end - line.span.start == line.text.len();
    match is_exact {
        true => Span { file: line.span.file, start: line.span.start + range.start, end: line.span.start + range.end },
        false => line.span,
    }
}

fn annotation_error(problem: &str, line: Line<'_>, range: &std::ops::Range<usize>) -> Diagnostic {
    Diagnostic::error(codes::BAD_ANNOTATION, problem).at(within(line, range), "").help(
        r#"write `[text](entity)`, `[text](entity:value)` or `[text]{"entity": "name", "role": "r", "value": "v"}`"#,
    )
}

fn no_examples(kind: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning(codes::NO_EXAMPLES, format!("the {kind} `{name}` has no examples")).at(span, "").help(
        match name {
            // FallbackClassifier says it; examples would make it an intent like others.
            "nlu_fallback" => "remove it: FallbackClassifier needs no examples for this intent",
            _ => "write them below `examples: |`, one a line, each starting with `- `",
        },
    )
}

/// The lines stand under another name than `examples`.
fn other_than_examples(kind: &str, key: &Key, known: &[&str]) -> Diagnostic {
    let what = format!("this {kind}");
    shape::slip(key, known, &what).unwrap_or_else(|| {
        let message = format!("`{}` is not a key of {what}, which has no `examples`", key.name);
        let cure = "write its lines below `examples: |`, each starting with `- `";
        Diagnostic::error(codes::MISSPELT_KEY, message).at(key.span, "").help(cure)
    })
}

fn unknown_item(map: &Map, span: Span) -> Diagnostic {
    let slip = map.iter().find_map(|(key, _)| shape::slip(key, &KINDS, "an item of `nlu`"));
    if let Some(slip) = slip {
        return slip;
    }
    let help = "an item is an `intent`, `synonym`, `regex` or `lookup`";
    Diagnostic::warning(codes::UNKNOWN_ITEM, "this item of `nlu` is not recognised and is skipped")
        .at(span, "")
        .help(help)
}
