//! Domains of Rasa 2 -> Rasa 3 (spec §7, `data migrate`): the slot mappings of
//! forms move to the slots, and slots say how they are filled.

mod mappings;

use crate::read_domain::{builtin_type, has_domain_keys};
use crate::yaml::{self, Key, Map, Node, Yaml};
use crate::{Diagnostic, Sources, Span, codes, load, shape};
use mappings::Filling;
use std::collections::BTreeSet;

/// The migrated files, and what was found on the way.
#[derive(Debug, Default)]
pub struct Migrated {
    /// Path and new text of every domain file, in the order given.
    pub files: Vec<(String, String)>,
    /// The old texts, for showing the findings.
    pub sources: Sources,
    /// With an error among them the files are of no use.
    pub diagnostics: Vec<Diagnostic>,
}

/// A file's top level, taken apart.
struct Part {
    path: String,
    map: Map,
    span: Span,
}

/// Migrates the files of one domain. Those without a key of a domain are left
/// out. Variables (`${…}`) stay as they are.
pub fn migrate(files: Vec<(String, Vec<u8>)>) -> Migrated {
    let mut result = Migrated::default();
    let Migrated { sources, diagnostics: out, .. } = &mut result;
    let mut parts = Vec::new();
    for (path, bytes) in files {
        let Some((id, text)) = load::add_source(&bytes, &path, sources, out) else { continue };
        let Some(root) = yaml::parse_verbatim(id, &text, out) else { continue };
        let span = root.span;
        if let Yaml::Map(map) = root.value
            && has_domain_keys(&map)
        {
            check_version(&map, out);
            parts.push(Part { path, map, span });
        }
    }
    if parts.is_empty() && out.is_empty() {
        let text = "there is no domain here: no file has a key such as `intents`, `slots` or `forms`";
        out.push(Diagnostic::error(codes::EMPTY_DOMAIN, text).help("name the domain's file or folder with --domain"));
    }
    migrate_parts(&mut parts, out);
    result.files = parts.into_iter().map(|part| (part.path, Node::new(Yaml::Map(part.map)).to_yaml())).collect();
    result
}

/// A file that says it is of Rasa 3 needs no migration.
fn check_version(map: &Map, out: &mut Vec<Diagnostic>) {
    let Some(node) = map.get("version") else { return };
    if node.as_str().is_some_and(|version| version.starts_with('3')) {
        out.push(
            Diagnostic::error(codes::ALREADY_MIGRATED, "this file has the format of Rasa 3 already")
                .at(node.span, "")
                .help("take it out of the folder; if its slots lack mappings all the same, write `version: \"2.0\"`"),
        );
    }
}

fn migrate_parts(parts: &mut [Part], out: &mut Vec<Diagnostic>) {
    let entities = entity_names(parts);
    let mut fillings = Vec::new();
    for part in parts.iter_mut() {
        migrate_forms(part, &mut fillings, out);
    }
    for filling in fillings {
        add_filling(parts, filling, out);
    }
    for part in parts.iter_mut() {
        if let Some(slots) = section(&mut part.map, "slots") {
            for (name, slot) in &mut slots.entries {
                finish_slot(name, slot, &entities, out);
            }
        }
        set_version(&mut part.map);
    }
}

/// The mapping under a key.
fn section<'m>(map: &'m mut Map, key: &str) -> Option<&'m mut Map> {
    map_of(&mut map.entries.iter_mut().find(|(name, _)| name.name == key)?.1)
}

fn map_of(node: &mut Node) -> Option<&mut Map> {
    match &mut node.value {
        Yaml::Map(map) => Some(map),
        _ => None,
    }
}

fn entity_names(parts: &[Part]) -> BTreeSet<String> {
    let lists = parts.iter().filter_map(|part| part.map.get("entities")?.as_seq());
    let names = |item: &Node| match &item.value {
        Yaml::Str(name) => vec![name.clone()],
        Yaml::Map(map) => map.iter().map(|(key, _)| key.name.clone()).collect(),
        _ => Vec::new(),
    };
    lists.flatten().flat_map(names).collect()
}

/// Each form keeps the names of its slots; how they are filled goes to
/// `fillings`.
fn migrate_forms(part: &mut Part, fillings: &mut Vec<Filling>, out: &mut Vec<Diagnostic>) {
    let Some(node) = part.map.entries.iter_mut().find(|(key, _)| key.name == "forms").map(|(_, node)| node) else {
        return;
    };
    if node.is_null() {
        return;
    }
    if node.as_map().is_none() {
        out.push(
            shape::wrong_type(node, "`forms`", "a mapping of names")
                .help("write `<form>:` for each, and below it `required_slots:` with the slots and their mappings"),
        );
    }
    for (name, form) in map_of(node).map(|map| &mut map.entries).into_iter().flatten() {
        let (slots, ignored) = parts_of_form(form);
        let required: Vec<Node> = slots.iter().map(|(slot, _)| Node::text(slot.name.clone())).collect();
        for (slot, mappings) in slots {
            if let Some(mappings) = mappings {
                fillings.push(Filling { form: name.name.clone(), slot, mappings });
            }
        }
        let mut entries = vec![("required_slots", Node::new(Yaml::Seq(required)))];
        entries.extend(ignored.map(|ignored| ("ignored_intents", ignored)));
        *form = Node::map(entries);
    }
}

/// The slots of a form, each with its mappings, and its ignored intents. A list
/// of slots is Rasa 3's form already.
fn parts_of_form(form: &Node) -> (Vec<(Key, Option<Node>)>, Option<Node>) {
    let map = form.as_map();
    let ignored = map.and_then(|map| map.get("ignored_intents")).cloned();
    let slots = map.and_then(|map| map.get("required_slots")).unwrap_or(form);
    let named = |item: &Node| Some((Key { name: item.as_str()?.to_owned(), span: item.span }, None));
    let slots = match &slots.value {
        Yaml::Map(map) => map
            .iter()
            .filter(|(key, _)| key.name != "ignored_intents")
            .map(|(key, node)| (key.clone(), Some(node.clone())))
            .collect(),
        Yaml::Seq(items) => items.iter().filter_map(named).collect(),
        _ => Vec::new(),
    };
    (slots, ignored)
}

/// Puts a form's mappings into the slot, wherever that is defined. A slot that
/// is defined nowhere is added where the first slots are.
fn add_filling(parts: &mut [Part], filling: Filling, out: &mut Vec<Diagnostic>) {
    let name = filling.slot.name.clone();
    let found = parts.iter_mut().find_map(|part| {
        let slots = section(&mut part.map, "slots")?;
        slots.entries.iter_mut().find(|(key, _)| key.name == name).map(|(_, slot)| slot)
    });
    if let Some(slot) = found {
        filling.add_to(slot);
        return;
    }
    out.push(
        Diagnostic::warning(
            codes::SLOT_ADDED,
            format!(
                "the form `{}` asks for the slot `{name}`, which is not defined; it is added with the type `any`",
                filling.form
            ),
        )
        .at(filling.slot.span, "")
        .help("choose its type in the new domain"),
    );
    let mut slot = Node::map([("type", Node::text("any"))]);
    let key = filling.slot.clone();
    filling.add_to(&mut slot);
    let home = parts.iter().position(|part| part.map.get("slots").is_some_and(|slots| slots.as_map().is_some()));
    let Some(part) = parts.get_mut(home.unwrap_or(0)) else { return };
    part.map.entries.retain(|(key, node)| key.name != "slots" || !node.is_null());
    if part.map.get("slots").is_none() {
        let key = Key { name: "slots".to_owned(), span: part.span };
        part.map.entries.push((key, Node::new(Yaml::Map(Map::default()))));
    }
    if let Some(slots) = section(&mut part.map, "slots") {
        slots.entries.push((key, slot));
    }
}

/// What holds for every slot: `auto_fill` becomes a mapping, a slot without any
/// is set by actions, and the type `unfeaturized` is gone.
fn finish_slot(name: &Key, slot: &mut Node, entities: &BTreeSet<String>, out: &mut Vec<Diagnostic>) {
    let Some(map) = map_of(slot) else { return };
    let is_filled = map.get("auto_fill").is_none_or(|node| node.value != Yaml::Bool(false));
    map.entries.retain(|(key, _)| key.name != "auto_fill");
    for (key, node) in &mut map.entries {
        if key.name == "type" && node.as_str().map(builtin_type) == Some("unfeaturized") {
            *node = Node::text("any");
        }
    }
    if is_filled && entities.contains(&name.name) {
        mappings::add_plain(slot, Node::map([("type", Node::text("from_entity")), ("entity", Node::text(&name.name))]));
    }
    if mappings::is_empty(slot) {
        mappings::add_plain(slot, Node::map([("type", Node::text("custom"))]));
        out.push(
            Diagnostic::note(
                codes::CUSTOM_MAPPING,
                format!("nothing fills the slot `{}`; it gets a custom mapping", name.name),
            )
            .at(name.span, "")
            .help("that is right when an action sets it; else write another mapping into the new domain"),
        );
    }
}

/// The version, in its place or at the top.
fn set_version(map: &mut Map) {
    let current = Node::text("3.1");
    match map.entries.iter_mut().find(|(key, _)| key.name == "version") {
        Some((_, node)) => *node = current,
        None => map.entries.insert(0, (Key { name: "version".to_owned(), span: Span::default() }, current)),
    }
}
