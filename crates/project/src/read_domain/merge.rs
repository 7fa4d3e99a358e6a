//! Merging the files of a split domain by name (spec §1.6).

use super::DOMAIN_KEYS;
use super::spans::LostSection;
use crate::domain::SessionConfig;
use crate::yaml::{Key, Map, Node, Yaml};
use crate::{Diagnostic, Span, codes, shape};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// Where an item came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Domain,
    Data,
}

/// A named part of the domain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'n> {
    /// Where the name stands.
    pub key: Span,
    /// Its settings, if it has any.
    pub value: Option<&'n Node>,
    /// Where it came from.
    pub origin: Origin,
}

pub(super) type Items<'n> = IndexMap<String, Item<'n>>;

/// All domain files by section, names unique.
#[derive(Default)]
pub(super) struct Merged<'n> {
    pub intents: Items<'n>,
    pub entities: Items<'n>,
    pub slots: Items<'n>,
    pub responses: Items<'n>,
    pub actions: Items<'n>,
    pub forms: Items<'n>,
    pub e2e_actions: BTreeMap<String, Span>,
    pub session_config: Option<&'n Node>,
    pub config: Option<&'n Node>,
    /// Top-level keys in order of first appearance, for `Domain::raw`.
    pub keys: IndexMap<String, &'n Node>,
    /// Sections that could not be read.
    pub lost: Vec<LostSection>,
    /// How many files were merged.
    pub files: usize,
    /// Whether a data file brought responses.
    pub has_data_responses: bool,
}

impl<'n> Merged<'n> {
    /// Adds all sections of a file.
    pub fn add_file(&mut self, map: &'n Map, out: &mut Vec<Diagnostic>) {
        self.files += 1;
        for (key, node) in map.iter() {
            self.section(key, node, out);
        }
    }

    fn section(&mut self, key: &'n Key, node: &'n Node, out: &mut Vec<Diagnostic>) {
        if matches!(key.name.as_str(), "version" | "nlu" | "stories" | "rules") {
            return;
        }
        self.keys.entry(key.name.clone()).or_insert(node);
        if node.is_null() {
            return;
        }
        let what = format!("`{}`", key.name);
        self.lost.extend(lost(&key.name, node));
        match key.name.as_str() {
            "intents" => merge_list(&mut self.intents, node, "intent", out),
            "entities" => merge_list(&mut self.entities, node, "entity", out),
            "actions" => merge_list(&mut self.actions, node, "action", out),
            "slots" => merge_map(&mut self.slots, node, "slot", &what, out),
            "responses" => merge_map(&mut self.responses, node, "response", &what, out),
            "forms" => merge_map(&mut self.forms, node, "form", &what, out),
            "e2e_actions" => self.e2e_actions.extend(shape::texts(node, &what, out)),
            "session_config" => self.session_config(node, out),
            "config" => self.config = self.config.or(Some(node)),
            _ => {}
        }
    }

    /// The first one that says other than the defaults counts (spec §1.6). Where two
    /// say different things, one is ignored, as in Rasa, but not in silence.
    fn session_config(&mut self, node: &'n Node, out: &mut Vec<Diagnostic>) {
        let Some(before) = self.session_config.replace(node) else { return };
        let (counts, ignored) = if says_defaults(before) { (node, before) } else { (before, node) };
        self.session_config = Some(counts);
        let says_something = ignored.as_map().is_some_and(|map| !map.entries.is_empty());
        if says_something && counts.to_json() != ignored.to_json() {
            out.push(
                Diagnostic::warning(
                    codes::DUPLICATE_IN_FILES,
                    "`session_config` stands in two domain files; the first one that says other than the defaults counts",
                )
                .at(ignored.span, "this one is ignored")
                .at(counts.span, "this one counts"),
            );
        }
    }

    /// A response of a data file wins over one of the domain (spec §1.4); of
    /// two data files the later one wins.
    pub fn override_response(&mut self, key: &'n Key, node: &'n Node, out: &mut Vec<Diagnostic>) {
        self.has_data_responses = true;
        let item = Item { key: key.span, value: Some(node), origin: Origin::Data };
        if let Some(before) = self.responses.get(&key.name) {
            let places = match before.origin {
                Origin::Data => "two data files; the later one counts",
                Origin::Domain => "the domain and in a data file; the latter counts",
            };
            out.push(
                Diagnostic::warning(
                    codes::DUPLICATE_IN_FILES,
                    format!("the response `{}` stands in {places}", key.name),
                )
                .at(key.span, "this one counts")
                .at(before.key, "also defined here"),
            );
        }
        self.responses.insert(key.name.clone(), item);
    }
}

/// A section whose names cannot be read; it is told where it is read.
fn lost(section: &str, node: &Node) -> Option<LostSection> {
    let name = DOMAIN_KEYS.into_iter().find(|known| *known == section)?;
    let is_read = match name {
        "intents" | "entities" | "actions" => node.as_seq().is_some(),
        "slots" | "responses" | "forms" => node.as_map().is_some(),
        _ => true,
    };
    (!is_read).then_some(LostSection { name, written: None })
}

/// Whether a session configuration says what would hold without it: the first
/// other one counts (spec §1.6).
fn says_defaults(node: &Node) -> bool {
    let defaults = SessionConfig::default();
    let is_default = |(key, node): (&Key, &Node)| match (key.name.as_str(), &node.value) {
        ("session_expiration_time", Yaml::Int(minutes)) => *minutes as f64 == defaults.session_expiration_time,
        ("session_expiration_time", Yaml::Float(minutes)) => *minutes == defaults.session_expiration_time,
        ("carry_over_slots_to_new_session", Yaml::Bool(flag)) => *flag == defaults.carry_over_slots_to_new_session,
        _ => false,
    };
    node.as_map().is_some_and(|map| map.iter().all(is_default))
}

/// `intents`, `entities`, `actions`: a list of names or `name: {settings}`.
fn merge_list<'n>(items: &mut Items<'n>, node: &'n Node, what: &str, out: &mut Vec<Diagnostic>) {
    for entry in shape::seq(node, &format!("the list of {what} names"), out).unwrap_or_default() {
        match &entry.value {
            Yaml::Str(name) => {
                insert(items, name, Item { key: entry.span, value: None, origin: Origin::Domain }, what, out)
            }
            Yaml::Map(map) => {
                let is_shallow = map.entries.len() > 1;
                for (key, value) in map.iter() {
                    if is_shallow && SETTINGS.contains(&key.name.as_str()) {
                        let name = map.iter().next().map_or("", |(key, _)| key.name.as_str());
                        out.push(shape::misplaced(key, &format!("`{name}:`, by four blanks more than the dash")));
                        continue;
                    }
                    if value.is_null() && !is_shallow {
                        out.push(null_settings(what, key));
                    }
                    // The name is known all the same: nobody who uses it is wrong.
                    let value = Some(value).filter(|value| !value.is_null());
                    insert(items, &key.name, Item { key: key.span, value, origin: Origin::Domain }, what, out);
                }
            }
            _ => {
                out.push(
                    shape::wrong_type(entry, &format!("the name of an {what}"), "text")
                        .help("put the name in quotes to make it text"),
                );
            }
        }
    }
}

/// Settings of intents, entities and actions.
const SETTINGS: [&str; 6] =
    ["use_entities", "ignore_entities", "roles", "groups", "influence_conversation", "send_domain"];

fn null_settings(what: &str, key: &Key) -> Diagnostic {
    Diagnostic::error(codes::WRONG_TYPE, format!("the {what} `{}` is followed by `:` and nothing", key.name))
        .at(key.span, "")
        .help(format!("remove the colon: `- {}`", key.name))
}

/// `slots`, `responses`, `forms`: a mapping of names.
fn merge_map<'n>(items: &mut Items<'n>, node: &'n Node, what: &str, section: &str, out: &mut Vec<Diagnostic>) {
    let Some(map) = node.as_map() else {
        out.push(
            shape::wrong_type(node, section, "a mapping of names")
                .help(format!("write the {what}'s name and a colon, without `- ` before it")),
        );
        return;
    };
    for (key, value) in map.iter() {
        insert(items, &key.name, Item { key: key.span, value: Some(value), origin: Origin::Domain }, what, out);
    }
}

fn insert<'n>(items: &mut Items<'n>, name: &str, item: Item<'n>, what: &str, out: &mut Vec<Diagnostic>) {
    let Some(first) = items.get(name) else {
        items.insert(name.to_owned(), item);
        return;
    };
    out.push(if first.key.file == item.key.file {
        Diagnostic::error(codes::DUPLICATE_NAME, format!("the {what} `{name}` is listed twice"))
            .at(item.key, "again here")
            .at(first.key, "first here")
            .help("remove one of the two")
    } else {
        Diagnostic::warning(
            codes::DUPLICATE_IN_FILES,
            format!("the {what} `{name}` stands in two domain files; the first one counts"),
        )
        .at(item.key, "this one is ignored")
        .at(first.key, "this one counts")
    });
}
