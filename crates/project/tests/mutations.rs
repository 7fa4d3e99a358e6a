//! Valid projects with one thing in them changed: nothing panics, a key that
//! stands twice is an error, and a name that is used but no longer defined is
//! found.
//!
//! `PROPTEST_CASES=20000 cargo test --release -p sapa-project --test mutations`
//! looks longer than CI does.

use proptest::prelude::*;
use proptest::sample::Index;
use sapa_project::yaml::{Node, Yaml, parse_verbatim};
use sapa_project::{FileId, FileRole, Loaded, ProjectFile, Severity, check, load, render_text};
use std::collections::BTreeSet;

const CONFIG: &str = "recipe: default.v1\nassistant_id: a\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\n- name: CountVectorsFeaturizer\n  analyzer: char_wb\n  min_ngram: 1\n  max_ngram: 4\n- name: LogisticRegressionClassifier\n- name: ResponseSelector\n  retrieval_intent: faq\npolicies:\n- name: MemoizationPolicy\n  max_history: 5\n- name: RulePolicy\n  core_fallback_threshold: 0.3\n";

const DOMAIN: &str = "version: \"3.1\"
intents: [greet, book, inform, faq, {bye: {use_entities: [city]}}]
entities: [city, {size: {roles: [from, to], groups: [a]}}]
slots:
  city:
    type: text
    mappings:
    - {type: from_entity, entity: city, conditions: [{active_loop: book_form, requested_slot: city}]}
  kind:
    type: categorical
    values: [small, large]
    mappings: [{type: from_intent, intent: inform, value: small}]
  seen: {type: bool, initial_value: false, mappings: [{type: custom, action: action_look}]}
forms:
  book_form: {required_slots: [city, kind], ignored_intents: [bye]}
actions: [action_look]
responses:
  utter_greet:
  - text: Hello {city}
    buttons: [{title: Book, payload: /book}]
    condition: [{type: slot, name: kind, value: small}]
  - text: Hello
  utter_bye: [{text: Bye, image: 'https://a.example/b.png'}]
  utter_ask_city: [{text: Where?}]
  utter_ask_kind: [{text: Which?}]
  utter_faq/price: [{text: Ten.}]
  utter_faq/hours: [{text: Nine.}]
session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}
";

const NLU: &str = "version: \"3.1\"
nlu:
- intent: greet
  examples: |
    - hi
    - hello there
- intent: book
  examples: |
    - book [Rome](city)
    - from [big]{\"entity\": \"size\", \"role\": \"from\"}
- intent: inform
  examples: |
    - small
    - a small one
- intent: bye
  examples: |
    - bye
    - see you
- intent: faq/price
  examples: |
    - how much
    - the price
- intent: faq/hours
  examples: |
    - when open
    - the hours
- synonym: Rome
  examples: |
    - roma
- lookup: city
  examples: |
    - Rome
- regex: size
  examples: |
    - \\d+
";

const STORIES: &str = "version: \"3.1\"
stories:
- story: begins
  steps:
  - intent: greet
  - action: utter_greet
  - or:
    - intent: inform
    - intent: faq
  - action: action_look
  - checkpoint: looked
- story: goes on
  steps:
  - checkpoint: looked
    slot_was_set: [{kind: small}]
  - intent: inform
    entities: [{city: Rome}]
  - slot_was_set: [{seen: true}]
  - action: utter_greet
rules:
- rule: book
  steps:
  - intent: book
  - action: book_form
  - active_loop: book_form
- rule: booked
  condition: [{active_loop: book_form}]
  steps:
  - action: book_form
  - active_loop: null
  - action: utter_greet
- rule: bye
  conversation_start: true
  wait_for_user_input: false
  steps:
  - intent: bye
  - action: utter_bye
";

const FILES: [(&str, &str, FileRole); 4] = [
    ("config.yml", CONFIG, FileRole::Config),
    ("data/nlu.yml", NLU, FileRole::Data),
    ("data/stories.yml", STORIES, FileRole::Data),
    ("domain.yml", DOMAIN, FileRole::Domain),
];

/// Names whose definition is looked for, each with the key it is listed under.
const DEFINED: [(&str, &str); 14] = [
    ("intents", "greet"),
    ("intents", "book"),
    ("intents", "inform"),
    ("intents", "faq"),
    ("intents", "bye"),
    ("entities", "city"),
    ("slots", "city"),
    ("slots", "kind"),
    ("slots", "seen"),
    ("forms", "book_form"),
    ("actions", "action_look"),
    ("responses", "utter_greet"),
    ("responses", "utter_bye"),
    ("responses", "utter_ask_city"),
];

/// YAML whose mappings may hold a key twice.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(serde_json::Value),
    Seq(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    fn of(node: &Node) -> Self {
        match &node.value {
            Yaml::Seq(items) => Self::Seq(items.iter().map(Self::of).collect()),
            Yaml::Map(map) => Self::Map(map.iter().map(|(key, node)| (key.name.clone(), Self::of(node))).collect()),
            _ => Self::Leaf(node.to_json()),
        }
    }

    /// As JSON, which is YAML.
    fn write(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Self::Leaf(value) => value.to_string(),
            Self::Seq(items) => format!("[{}]", items.iter().map(Self::write).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) => {
                let entry = |(key, tree): &(String, Self)| format!("{}: {}", quoted(key), tree.write());
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn children(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::Seq(items) => items.iter_mut().collect(),
            Self::Map(entries) => entries.iter_mut().map(|(_, tree)| tree).collect(),
        }
    }

    /// Every collection that is not empty, this one first.
    fn collections(&self) -> usize {
        let mut copy = self.clone();
        let children: usize = copy.children().into_iter().map(|child| child.collections()).sum();
        children + usize::from(!copy.children().is_empty())
    }

    fn collection(&mut self, number: &mut usize) -> Option<&mut Self> {
        if !self.children().is_empty() {
            match number.checked_sub(1) {
                Some(rest) => *number = rest,
                None => return Some(self),
            }
        }
        self.children().into_iter().find_map(|child| child.collection(number))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Delete,
    Repeat,
    Rename,
    Retype(usize),
}

fn retyped(to: usize) -> Tree {
    let leaf = |value: serde_json::Value| Tree::Leaf(value);
    match to {
        0 => leaf(serde_json::Value::Null),
        1 => leaf(true.into()),
        2 => leaf(7.into()),
        3 => leaf("text".into()),
        4 => Tree::Seq(vec![leaf("text".into())]),
        _ => Tree::Map(vec![("key".to_owned(), leaf("text".into()))]),
    }
}

/// Changes one part of a collection; whether that made a key stand twice.
fn change(tree: &mut Tree, at: Index, how: Change) -> bool {
    match tree {
        Tree::Leaf(_) => {}
        Tree::Seq(items) => {
            let at = at.index(items.len());
            match how {
                Change::Delete => drop(items.remove(at)),
                Change::Repeat => items.insert(at, items[at].clone()),
                Change::Rename => rename(&mut items[at]),
                Change::Retype(to) => items[at] = retyped(to),
            }
        }
        Tree::Map(entries) => {
            let at = at.index(entries.len());
            match how {
                Change::Delete => drop(entries.remove(at)),
                Change::Repeat => entries.insert(at, entries[at].clone()),
                Change::Rename => entries[at].0.push_str("zz"),
                Change::Retype(to) => entries[at].1 = retyped(to),
            }
            return how == Change::Repeat;
        }
    }
    false
}

fn rename(tree: &mut Tree) {
    if let Tree::Leaf(serde_json::Value::String(text)) = tree {
        text.push_str("zz");
    }
}

fn trees() -> Vec<Tree> {
    let parse = |text: &str| parse_verbatim(FileId(0), text, &mut Vec::new()).expect("the template is YAML");
    FILES.iter().map(|(_, text, _)| Tree::of(&parse(text))).collect()
}

/// Loads and checks a project; its findings as severity and text.
fn findings(trees: &[Tree]) -> (Loaded, BTreeSet<(Severity, String)>) {
    let file = |(tree, (path, _, role)): (&Tree, &(&str, &str, FileRole))| ProjectFile {
        path: (*path).to_owned(),
        bytes: tree.write().into_bytes(),
        role: *role,
    };
    let loaded = load(trees.iter().zip(&FILES).map(file).collect(), &|_| None);
    let mut all = loaded.diagnostics.clone();
    all.extend(check(&loaded.project));
    render_text(&all, &loaded.project.sources, false);
    (loaded, all.into_iter().map(|finding| (finding.severity, finding.message)).collect())
}

/// Whether the domain still defines a name of [`DEFINED`].
fn is_defined(loaded: &Loaded, section: &str, name: &str) -> bool {
    let domain = &loaded.project.domain;
    match section {
        "intents" => domain.intents.contains_key(name),
        "entities" => domain.entities.contains_key(name),
        "slots" => domain.slots.contains_key(name),
        "forms" => domain.forms.contains_key(name),
        "responses" => domain.responses.contains_key(name),
        _ => domain.action_names.iter().any(|action| action == name),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_is_accepted_in_silence(
        file in 0..FILES.len(),
        collection in any::<Index>(),
        part in any::<Index>(),
        how in prop_oneof![
            Just(Change::Delete), Just(Change::Repeat), Just(Change::Rename), (0_usize..6).prop_map(Change::Retype),
        ],
    ) {
        let mut trees = trees();
        let before = findings(&trees).1;
        prop_assert!(before.iter().all(|(severity, _)| *severity != Severity::Error), "{before:?}");
        let mut number = collection.index(trees[file].collections());
        let Some(changed) = trees[file].collection(&mut number) else { return Ok(()) };
        let is_repeated_key = change(changed, part, how);
        let (loaded, after) = findings(&trees);
        let new: Vec<_> = after.difference(&before).collect();
        if is_repeated_key {
            prop_assert!(new.iter().any(|(severity, text)| *severity == Severity::Error && text.contains("twice")), "{new:?}");
        }
        for (section, name) in DEFINED {
            let is_gone = !is_defined(&loaded, section, name);
            prop_assert!(!is_gone || !new.is_empty(), "{section} `{name}` vanished: {}", trees[file].write());
        }
    }
}
