//! NLU data as Rasa's YAML.

use super::annotate::annotate;
use super::{Written, left_out, regexes, synonyms};
use crate::nlu::{Example, NluData};
use crate::yaml::{Node, Yaml};
use crate::{Diagnostic, Span, codes};
use indexmap::IndexMap;
use serde_json::Value;

/// The data as YAML. What Rasa's text format cannot say is left out with a
/// warning.
pub fn to_yaml(data: &NluData) -> Written {
    let mut out = Vec::new();
    let mut count = 0;
    let mut items = intents(data, &mut count, &mut out);
    for (value, texts) in synonyms(data) {
        items.extend(list("synonym", value, texts.into_iter().collect(), &mut out));
    }
    for (name, regexes) in regexes(data) {
        let patterns = regexes.iter().map(|regex| (regex.pattern.as_str(), regex.span)).collect();
        items.extend(list("regex", name, patterns, &mut out));
    }
    for lookup in &data.lookups {
        let elements = lookup.elements.iter().map(|element| (element.as_str(), lookup.span)).collect();
        items.extend(list("lookup", &lookup.name, elements, &mut out));
    }
    let root = Node::map([("version", Node::text("3.1")), ("nlu", Node::new(Yaml::Seq(items)))]);
    Written { text: root.to_yaml(), examples: count, diagnostics: out }
}

/// Examples by intent and by the intent's metadata; counts those that are
/// written.
fn intents(data: &NluData, count: &mut usize, out: &mut Vec<Diagnostic>) -> Vec<Node> {
    let mut groups: IndexMap<(&str, String), Vec<&Example>> = IndexMap::new();
    for example in &data.examples {
        let metadata = example.metadata.get("intent").map(Value::to_string).unwrap_or_default();
        groups.entry((&example.intent, metadata)).or_default().push(example);
    }
    groups.into_iter().filter_map(|((intent, _), examples)| item(intent, &examples, count, out)).collect()
}

fn item(intent: &str, examples: &[&Example], count: &mut usize, out: &mut Vec<Diagnostic>) -> Option<Node> {
    if intent.is_empty() {
        let spans = examples.iter().map(|example| example.span);
        out.extend(spans.map(|span| left_out("this example", "it has no intent", span)));
        return None;
    }
    let mut texts = Vec::new();
    for example in examples {
        texts.extend(text(example, out).map(|text| (text, example.metadata.get("example"))));
    }
    if texts.is_empty() {
        return None;
    }
    *count += texts.len();
    let mut entries = vec![("intent", Node::text(intent))];
    let metadata = examples.first().and_then(|example| example.metadata.get("intent"));
    entries.extend(metadata.map(|metadata| ("metadata", Node::from_json(metadata))));
    let needs_objects = texts.iter().any(|(text, metadata)| metadata.is_some() || text.contains('\n'));
    entries.push(("examples", if needs_objects { objects(&texts) } else { block(texts.iter().map(|(text, _)| text)) }));
    Some(Node::map(entries))
}

/// The annotated text of an example.
fn text(example: &Example, out: &mut Vec<Diagnostic>) -> Option<String> {
    let Some(annotated) = annotate(&example.text, &example.entities) else {
        out.push(left_out("this example", "its brackets would be read as annotations", example.span));
        return None;
    };
    if annotated.is_reduced {
        out.push(
            Diagnostic::warning(codes::NOT_WRITTEN, "entities of this example overlap, which YAML cannot say")
                .at(example.span, "only those that overlap no earlier one are written")
                .help("annotate each part of the text once"),
        );
    }
    Some(annotated.text)
}

/// The object form: for texts of several lines, and for metadata.
fn objects(texts: &[(String, Option<&Value>)]) -> Node {
    let object = |(text, metadata): &(String, Option<&Value>)| {
        let mut entries = vec![("text", Node::text(text))];
        entries.extend(metadata.map(|metadata| ("metadata", Node::from_json(metadata))));
        Node::map(entries)
    };
    Node::new(Yaml::Seq(texts.iter().map(object).collect()))
}

/// The text block: one example a line.
fn block<'t>(texts: impl Iterator<Item = &'t String>) -> Node {
    Node::text(texts.map(|text| format!("- {text}\n")).collect::<String>())
}

/// A synonym, regular expression or lookup table; each line is one text.
fn list(kind: &str, name: &str, texts: Vec<(&str, Span)>, out: &mut Vec<Diagnostic>) -> Option<Node> {
    let is_line =
        |text: &str| !text.is_empty() && text.trim_matches([' ', '\n', '\r']) == text && !text.contains(['\n', '\r']);
    let (fitting, other): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(text, _)| is_line(text));
    let why = "it is not one line without blanks at its ends";
    out.extend(other.into_iter().map(|(_, span)| left_out(&format!("this text of the {kind} `{name}`"), why, span)));
    let lines: Vec<String> = fitting.into_iter().map(|(text, _)| text.to_owned()).collect();
    (!lines.is_empty() && !name.trim().is_empty())
        .then(|| Node::map([(kind, Node::text(name)), ("examples", block(lines.iter()))]))
}
