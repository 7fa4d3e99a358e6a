//! Training and test data out of one (spec §7, `data split`). Chance is an
//! argument: a function that draws a number below a bound.

use crate::nlu::{Example, NluData};
use crate::yaml::{self, Key, Map, Node, Yaml};
use crate::{Diagnostic, Sources, Span, load};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Draws a number below the bound.
pub type Draw<'d> = &'d mut dyn FnMut(usize) -> usize;

/// Training and test part.
#[derive(Debug)]
pub struct Parts<T> {
    /// To learn from.
    pub train: T,
    /// To test with.
    pub test: T,
}

/// Splits examples so that each intent, and each key of a retrieval intent,
/// gives `fraction` of its own to training, rounded down, but one at least.
/// Synonyms, regular expressions and lookup tables are for training. An example that
/// is there twice counts once, as in Rasa: the test part holds nothing that was learnt.
pub fn split_nlu(mut data: NluData, fraction: f64, draw: Draw<'_>) -> Parts<NluData> {
    let mut seen = BTreeSet::new();
    data.examples.retain(|example| {
        seen.insert((example.intent.clone(), example.text.clone(), format!("{:?}", example.entities)))
    });
    let mut groups: IndexMap<&str, Vec<usize>> = IndexMap::new();
    for (number, example) in data.examples.iter().enumerate() {
        groups.entry(&example.intent).or_default().push(number);
    }
    let mut learnt = BTreeSet::new();
    for mut group in groups.into_values() {
        let count = ((group.len() as f64 * fraction) as usize).max(1);
        shuffle(&mut group, draw);
        learnt.extend(group.into_iter().take(count));
    }
    let mut parts = (Vec::new(), Vec::new());
    for (number, example) in data.examples.into_iter().enumerate() {
        let part = if learnt.contains(&number) { &mut parts.0 } else { &mut parts.1 };
        part.push(example);
    }
    Parts { train: NluData { examples: parts.0, ..data }, test: NluData { examples: parts.1, ..NluData::default() } }
}

/// The responses that retrieval intents of these examples are answered with.
pub fn responses_of(examples: &[Example], responses: &Map) -> Option<Node> {
    let keys = examples.iter().filter(|example| example.intent.contains('/'));
    let needed: BTreeSet<String> = keys.map(|example| format!("utter_{}", example.intent)).collect();
    let entries: Vec<(Key, Node)> =
        responses.entries.iter().filter(|(key, _)| needed.contains(&key.name)).cloned().collect();
    (!entries.is_empty())
        .then(|| Node::map([("version", Node::text("3.1")), ("responses", Node::new(Yaml::Map(Map { entries })))]))
}

/// A file of stories: its training part with all that is not a story, and the
/// other stories.
pub fn split_stories(
    path: &str,
    bytes: &[u8],
    fraction: f64,
    draw: Draw<'_>,
    sources: &mut Sources,
    out: &mut Vec<Diagnostic>,
) -> Option<Parts<String>> {
    let (id, text) = load::add_source(bytes, path, sources, out)?;
    let mut root = yaml::parse_verbatim(id, &text, out)?;
    let stories = match &mut root.value {
        Yaml::Map(map) => map.entries.iter_mut().find(|(key, _)| key.name == "stories").map(|(_, node)| node)?,
        _ => return None,
    };
    let all = stories.as_seq().filter(|all| !all.is_empty())?.to_vec();
    let mut order: Vec<usize> = (0..all.len()).collect();
    shuffle(&mut order, draw);
    // Rounded as scikit-learn does: the test part up.
    let tested = ((1.0 - fraction) * all.len() as f64 - 1e-9).ceil().max(0.0) as usize;
    let tested: BTreeSet<usize> = order.into_iter().take(tested.min(all.len() - 1)).collect();
    let (test, train): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(number, _)| tested.contains(number));
    let list = |part: Vec<(usize, Node)>| Node::new(Yaml::Seq(part.into_iter().map(|(_, node)| node).collect()));
    *stories = Node { span: Span::default(), ..list(train) };
    let test = Node::map([("version", Node::text("3.1")), ("stories", list(test))]);
    Some(Parts { train: root.to_yaml(), test: test.to_yaml() })
}

/// Puts the items into a random order.
fn shuffle<T>(items: &mut [T], draw: Draw<'_>) {
    for last in (1..items.len()).rev() {
        items.swap(last, draw(last + 1).min(last));
    }
}
