//! Inline entity annotations in example texts (spec §1.4).

use crate::nlu::EntityAnnotation;
use sapa_sdk::JsonMap;
use serde_json::Value;
use std::ops::Range;

/// A text without its annotations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotated {
    /// The plain text.
    pub text: String,
    /// Entities in text order, offsets in characters of `text`.
    pub entities: Vec<EntityAnnotation>,
    /// What is wrong, each with the byte range of the *given* text.
    pub problems: Vec<(Range<usize>, String)>,
    /// Keys that mean nothing, which are passed over as in Rasa, each with the
    /// byte range of its annotation.
    pub unknown_keys: Vec<(Range<usize>, String)>,
}

/// Reads the four forms of annotation, scanned left to right:
/// `[text](entity)`, `[text](entity:value)`, `[text]{json}` and
/// `[text][{json},{json}]`. Anything else in brackets is text. Broken JSON is a
/// problem; its covered text stays, without an entity.
pub fn parse_annotations(given: &str) -> Annotated {
    let mut result = Annotated::default();
    if !given.contains('[') {
        given.clone_into(&mut result.text);
        return result;
    }
    let mut characters = 0;
    let mut from = 0;
    let mut ends = Ends::default();
    while let Some(found) = next_annotation(given, from, &mut ends) {
        append(&mut result.text, &mut characters, given.get(from..found.open).unwrap_or(""));
        let start = characters;
        append(&mut result.text, &mut characters, found.covered);
        match entities(&found, start, characters) {
            Ok((entities, unknown)) => {
                result.entities.extend(entities);
                result.unknown_keys.extend(unknown.into_iter().map(|key| (found.open..found.end, key)));
            }
            Err(problem) => result.problems.push((found.open..found.end, problem)),
        }
        from = found.end;
    }
    append(&mut result.text, &mut characters, given.get(from..).unwrap_or(""));
    result
}

fn append(text: &mut String, characters: &mut usize, part: &str) {
    text.push_str(part);
    *characters += part.chars().count();
}

enum Body<'a> {
    Short { entity: &'a str, value: Option<&'a str> },
    Json(&'a str),
    List(&'a str),
}

struct Found<'a> {
    open: usize,
    end: usize,
    covered: &'a str,
    body: Body<'a>,
}

/// Where the next closing bracket of each kind stands, once it was looked for:
/// each stretch of a text is searched once, however many brackets open in it.
#[derive(Default)]
struct Ends {
    covered: End,
    round: End,
    curly: End,
    list: End,
}

/// What a search found; `None` before the first one.
#[derive(Default)]
struct End(Option<Option<usize>>);

impl End {
    /// Byte of the first `bracket` at or behind `from`, which is never less than
    /// it was before.
    fn next(&mut self, given: &str, bracket: char, from: usize) -> Option<usize> {
        match self.0 {
            Some(None) => None,
            Some(Some(at)) if at >= from => Some(at),
            _ => {
                let at = given.get(from..)?.find(bracket).map(|at| from + at);
                self.0 = Some(at);
                at
            }
        }
    }
}

fn next_annotation<'g>(given: &'g str, mut from: usize, ends: &mut Ends) -> Option<Found<'g>> {
    loop {
        let open = from + given.get(from..)?.find('[')?;
        let close = ends.covered.next(given, ']', open)?;
        let covered = given.get(open + 1..close)?;
        let behind = Some(close + 1).filter(|_| !covered.is_empty());
        if let Some((body, length)) = behind.and_then(|at| body(given, at, ends)) {
            return Some(Found { open, end: close + 1 + length, covered, body });
        }
        from = open + 1;
    }
}

/// What follows the covered text, and how many bytes it takes.
fn body<'g>(given: &'g str, at: usize, ends: &mut Ends) -> Option<(Body<'g>, usize)> {
    let rest = given.get(at..)?;
    let inner = rest.get(1..)?;
    let length = |end: usize| end - at - 1;
    match rest.as_bytes().first()? {
        b'(' => {
            let inside = inner.get(..ends.round.next(given, ')', at + 1).map(length)?)?;
            let (entity, value) = match inside.split_once(':') {
                Some((entity, value)) => (entity, Some(value)),
                None => (inside, None),
            };
            let is_complete = !entity.is_empty() && value != Some("");
            is_complete.then_some((Body::Short { entity, value }, inside.len() + 2))
        }
        b'{' => {
            let end = ends.curly.next(given, '}', at + 1).map(length).filter(|end| *end > 0)?;
            Some((Body::Json(rest.get(..end + 2)?), end + 2))
        }
        b'[' => {
            let end = ends.list.next(given, ']', at + 1).map(length).filter(|_| inner.trim_start().starts_with('{'))?;
            Some((Body::List(rest.get(..end + 2)?), end + 2))
        }
        _ => None,
    }
}

/// The keys of an annotation.
pub(crate) const ANNOTATION_KEYS: [&str; 4] = ["entity", "role", "group", "value"];

/// The entities of an annotation, and keys in it that mean nothing.
fn entities(found: &Found<'_>, start: usize, end: usize) -> Result<(Vec<EntityAnnotation>, Vec<String>), String> {
    let plain = |entity: &str, value: &str| EntityAnnotation {
        start,
        end,
        entity: entity.to_owned(),
        role: None,
        group: None,
        value: Value::String(value.to_owned()),
    };
    let explain =
        |error: serde_json::Error| format!("the annotation of `{}` is not valid JSON: {error}", found.covered);
    let maps: Vec<JsonMap> = match found.body {
        Body::Short { entity, value } => return Ok((vec![plain(entity, value.unwrap_or(found.covered))], Vec::new())),
        Body::Json(json) => vec![serde_json::from_str(json).map_err(explain)?],
        Body::List(json) => serde_json::from_str(json).map_err(explain)?,
    };
    let mut unknown = Vec::new();
    let read = |fields| from_fields(fields, plain("", found.covered), &mut unknown);
    let entities = maps.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok((entities, unknown))
}

fn from_fields(
    fields: JsonMap,
    mut entity: EntityAnnotation,
    unknown: &mut Vec<String>,
) -> Result<EntityAnnotation, String> {
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("entity", Value::String(text)) => entity.entity = text,
            ("role", Value::String(text)) => entity.role = Some(text),
            ("group", Value::String(text)) => entity.group = Some(text),
            ("entity" | "role" | "group", _) => {
                return Err(format!("`{name}` of an annotation must be text in quotes"));
            }
            ("value", Value::Null) => {}
            ("value", value) => entity.value = value,
            _ => unknown.push(name),
        }
    }
    match (entity.entity.is_empty(), unknown.first()) {
        (false, _) => Ok(entity),
        (true, None) => Err("the annotation has no `entity`".to_owned()),
        (true, Some(name)) => Err(format!("the annotation has no `entity`, but the unknown key `{name}`")),
    }
}

/// The entities of a `/intent{"entity": value}` text (spec §1.5, §2.6): one per
/// JSON key, one per element of a list; empty when there is no valid JSON.
pub(crate) fn payload_entities(text: &str) -> Vec<(String, Value)> {
    let Some(fields) = payload_json_part(text)
        .filter(|json| json.ends_with('}'))
        .and_then(|json| serde_json::from_str::<JsonMap>(json).ok())
    else {
        return Vec::new();
    };
    fields
        .into_iter()
        .flat_map(|(name, value)| match value {
            Value::Array(items) => items.into_iter().map(|item| (name.clone(), item)).collect(),
            value => vec![(name, value)],
        })
        .collect()
}

/// From the first brace of a `/intent{…}` text to the last that closes one, or to
/// the end where none does; what follows is ignored (spec §2.6).
pub(crate) fn payload_json_part(text: &str) -> Option<&str> {
    let open = text.find('{')?;
    let end = text.rfind('}').map_or(text.len(), |close| close + 1);
    text.get(open..end)
}

/// The intent's name in a `/intent…` text.
pub(crate) fn payload_intent(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix('/')?;
    Some(name.split(['{', '@']).next().unwrap_or(name).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(given: &str) -> (String, Vec<String>) {
        let read = parse_annotations(given);
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        let describe = |e: &EntityAnnotation| {
            format!("{}..{} {} {} {:?} {:?}", e.start, e.end, e.entity, e.value, e.role.as_deref(), e.group.as_deref())
        };
        let entities = read.entities.iter().map(describe).collect();
        (read.text, entities)
    }

    #[test]
    fn many_brackets_are_searched_once_and_none_is_passed_over() {
        let (text, entities) = brief("[a[b][c](d)");
        assert_eq!((text.as_str(), entities.len()), ("[a[b]c", 1));
        let (text, entities) = brief(&"[x](".repeat(200_000));
        assert_eq!((text.len(), entities.len()), (800_000, 0));
    }

    #[test]
    fn the_four_forms_are_read_with_character_offsets() {
        let (text, entities) = brief("é [Rome](city) to [SF](city:San Francisco)");
        assert_eq!(text, "é Rome to SF");
        assert_eq!(entities, ["2..6 city \"Rome\" None None", "10..12 city \"San Francisco\" None None"]);
        let (text, entities) = brief(r#"[Rome]{"entity":"city","role":"from","group":"1","value":7}"#);
        assert_eq!((text.as_str(), entities[0].as_str()), ("Rome", "0..4 city 7 Some(\"from\") Some(\"1\")"));
        let (text, entities) = brief(r#"a [x y][{"entity":"p"},{"entity":"q"}] b"#);
        assert_eq!(text, "a x y b");
        assert_eq!(entities, ["2..5 p \"x y\" None None", "2..5 q \"x y\" None None"]);
    }

    #[test]
    fn brackets_that_are_no_annotation_stay_text() {
        for given in ["[y] (z)", "[] (a)", "[](a)", "[a](:x)", "[a](b:)", "[a](", "a ] b [", "[a][b]", "[a]{}"] {
            assert_eq!(brief(given), (given.to_owned(), vec![]));
        }
        assert_eq!(brief("[x] [b](c)").0, "[x] b");
    }

    #[test]
    fn broken_json_and_missing_names_are_problems_and_keep_the_text() {
        for given in [
            r#"[a]{"entity": }"#,
            r#"[a]{"role":"x"}"#,
            r#"[a]{"entity":5}"#,
            r#"[a][{"entity"}]"#,
            r#"[a]{"entitty":"x"}"#,
        ] {
            let read = parse_annotations(given);
            assert_eq!((read.text.as_str(), read.entities.len(), read.problems.len()), ("a", 0, 1), "{given}");
            assert_eq!(read.problems[0].0, 0..given.len());
        }
    }

    #[test]
    fn unknown_keys_are_passed_over_and_told() {
        let read = parse_annotations(r#"an [a]{"entity":"x","extractor":"Foo","valeu":1}"#);
        assert_eq!((read.text.as_str(), read.entities.len(), read.problems.len()), ("an a", 1, 0));
        assert_eq!(read.entities[0].value, "a");
        assert_eq!(read.unknown_keys, [(3..48, "extractor".to_owned()), (3..48, "valeu".to_owned())]);
    }

    #[test]
    fn payloads_give_intent_and_entities() {
        assert_eq!(payload_intent(" /inform{\"a\": 1}"), Some("inform"));
        assert_eq!(payload_intent("hello"), None);
        let entities = payload_entities(r#"/inform{"a": [1, 2], "b": "x"}"#);
        let names: Vec<&str> = entities.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "a", "b"]);
    }
}
