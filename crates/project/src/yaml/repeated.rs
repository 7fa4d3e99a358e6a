//! What anchors, aliases and merge keys repeat, within bounds: a few lines of
//! them can ask for any amount of memory.

use super::{Node, Style, Yaml};
use crate::{Diagnostic, Span, codes};

/// How many values may be repeated in a file.
const MAX_VALUES: usize = 100_000;
/// How many bytes of text may be.
const MAX_BYTES: usize = 8 << 20;

/// How much a node holds.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    values: usize,
    bytes: usize,
    pub height: usize,
}

/// Values and bytes of text in a node, and its height.
pub(super) fn measure(node: &Node) -> Size {
    let mut size = Size { values: 1, ..Size::default() };
    let mut add = |child: &Node, key_bytes: usize| {
        let child = measure(child);
        size.values += child.values;
        size.bytes += child.bytes + key_bytes;
        size.height = size.height.max(child.height + 1);
    };
    match &node.value {
        Yaml::Seq(items) => items.iter().for_each(|item| add(item, 0)),
        Yaml::Map(map) => map.iter().for_each(|(key, node)| add(node, key.name.len())),
        Yaml::Str(text) => size.bytes = text.len(),
        _ => {}
    }
    if node.style == Style::Collection {
        size.height = size.height.max(1);
    }
    size
}

/// What was repeated so far.
#[derive(Default)]
pub(super) struct Repeated {
    values: usize,
    bytes: usize,
}

impl Repeated {
    /// A copy of a node of that size, unless that would be too much. The bound is
    /// kept before anything is copied.
    pub fn copy(&mut self, node: &Node, size: Size, span: Span) -> Result<Node, Diagnostic> {
        self.values = self.values.saturating_add(size.values);
        self.bytes = self.bytes.saturating_add(size.bytes);
        if self.values <= MAX_VALUES && self.bytes <= MAX_BYTES {
            return Ok(node.clone());
        }
        let message = "the anchors and aliases (`&name`, `*name`) of this file repeat too much";
        let limit = format!("here it is more than {MAX_VALUES} values or {} MiB of text", MAX_BYTES >> 20);
        Err(Diagnostic::error(codes::TOO_LARGE, message)
            .at(span, limit)
            .help("write the values out, or use fewer aliases; aliases of aliases multiply"))
    }
}
