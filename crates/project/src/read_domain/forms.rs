//! Forms of the domain (spec §1.6).

use super::MIGRATE;
use super::merge::Items;
use super::spans::DomainSpans;
use crate::domain::Form;
use crate::yaml::Node;
use crate::{Diagnostic, Span, codes, shape, suggest};
use indexmap::IndexMap;

pub(super) fn forms(items: &Items<'_>, spans: &mut DomainSpans, out: &mut Vec<Diagnostic>) -> IndexMap<String, Form> {
    let mut forms = IndexMap::new();
    let mut last = None;
    for (name, item) in items {
        // The keys of a form, one level too shallow, would be forms without slots.
        if let ("required_slots" | "ignored_intents" | "slots", Some(node)) = (name.as_str(), item.value)
            && node.as_map().is_none()
        {
            out.push(too_shallow(name, item.key, last));
            continue;
        }
        last = Some(name.as_str());
        if !name.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            out.push(
                Diagnostic::error(codes::BAD_FORM, format!("the form name `{name}` must contain a letter"))
                    .at(item.key, ""),
            );
        }
        let (required, ignored) = item.value.map(|node| parts(name, node, item.key, out)).unwrap_or_default();
        let split = |places: Vec<(String, Span)>| -> (Vec<String>, Vec<Span>) { places.into_iter().unzip() };
        let (required_slots, required_spans) = split(required);
        let (ignored_intents, ignored_spans) = split(ignored);
        spans.required_slots.insert(name.clone(), required_spans);
        spans.ignored_intents.insert(name.clone(), ignored_spans);
        forms.insert(name.clone(), Form { required_slots, ignored_intents });
    }
    forms
}

fn too_shallow(name: &str, span: Span, form: Option<&str>) -> Diagnostic {
    let below = form.map_or_else(|| "the name of a form".to_owned(), |form| format!("`{form}:`"));
    let key = if name == "slots" { "required_slots" } else { name };
    Diagnostic::error(codes::MISPLACED_KEY, format!("`{name}` is no form: it stands too far left to count"))
        .at(span, "")
        .help(format!("indent it below {below}, as `{key}:`"))
}

type Places = Vec<(String, Span)>;

/// Required slots and ignored intents. Quirk (spec §1.6): a value without the
/// key `required_slots` is itself taken as the required slots.
fn parts(name: &str, node: &Node, key: Span, out: &mut Vec<Diagnostic>) -> (Places, Places) {
    if node.is_null() {
        let message = format!("the form `{name}` is followed by `:` and nothing");
        out.push(
            Diagnostic::error(codes::BAD_FORM, message).at(key, "").help("indent `required_slots: [...]` below it"),
        );
    }
    let Some(map) = node.as_map() else { return (slot_names(node, out), Places::new()) };
    let ignored_node = map.get("ignored_intents");
    let Some(required) = map.get("required_slots") else {
        if let Some((slip, node)) = map.iter().find(|(key, _)| is_slip(&key.name)) {
            out.push(
                Diagnostic::error(codes::BAD_FORM, format!("`{}` is not a key of a form", slip.name))
                    .at(slip.span, "")
                    .help("did you mean `required_slots`?"),
            );
            return (slot_names(node, out), Places::new());
        }
        if ignored_node.is_some() {
            out.push(
                Diagnostic::error(
                    codes::BAD_FORM,
                    format!("the form `{name}` has `ignored_intents` but no `required_slots`"),
                )
                .at(key, "")
                .help("add `required_slots: []`"),
            );
            return (Places::new(), Places::new());
        }
        return (slot_names(node, out), Places::new());
    };
    shape::unknown_keys(map, &["required_slots", "ignored_intents"], "a form", out);
    let ignored = ignored_node.map(|node| shape::texts(node, "`ignored_intents`", out)).unwrap_or_default();
    (slot_names(required, out), ignored)
}

/// Whether a key was meant to be `required_slots`.
fn is_slip(key: &str) -> bool {
    key == "slots" || suggest::nearest(key, ["required_slots"]).is_some()
}

fn slot_names(node: &Node, out: &mut Vec<Diagnostic>) -> Places {
    if let Some(map) = node.as_map().filter(|map| !map.entries.is_empty()) {
        let diagnostic = Diagnostic::error(codes::BAD_FORM, "`required_slots` must be a list of slot names")
            .at(node.span, "this is a mapping");
        out.push(diagnostic.help(format!("list the slots, and move the mappings to `slots:`; {MIGRATE}")));
        return map.iter().map(|(key, _)| (key.name.clone(), key.span)).collect();
    }
    match node.as_map() {
        Some(_) => Places::new(),
        None if node.is_null() => Places::new(),
        None => {
            let items = shape::seq(node, "`required_slots`", out).unwrap_or_default();
            items
                .iter()
                .filter_map(|item| Some((shape::text(item, "the name of a required slot", out)?.to_owned(), item.span)))
                .collect()
        }
    }
}
