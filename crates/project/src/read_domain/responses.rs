//! Responses (spec §1.6, §3.9).

use super::merge::Items;
use super::spans::{DomainSpans, NamePlace};
use crate::domain::{ResponseCondition, ResponseVariation};
use crate::endpoints::CHANNELS;
use crate::yaml::{Map, Node};
use crate::{Diagnostic, Span, codes, shape, suggest};
use indexmap::IndexMap;
use serde_json::Value;

const VARIATION_KEYS: [&str; 12] = [
    "text",
    "image",
    "buttons",
    "quick_replies",
    "attachment",
    "elements",
    "custom",
    "channel",
    "condition",
    "button_type",
    "id",
    "metadata",
];

/// The output channel of a plain REST message (spec §3.9).
const COLLECTOR: &str = "collector";

pub(super) fn responses(
    items: &Items<'_>,
    spans: &mut DomainSpans,
    out: &mut Vec<Diagnostic>,
) -> IndexMap<String, Vec<ResponseVariation>> {
    let mut responses = IndexMap::new();
    for (name, item) in items {
        if !name.starts_with("utter_") {
            out.push(
                Diagnostic::warning(
                    codes::RESPONSE_NAME,
                    format!("the name of the response `{name}` does not start with `utter_`"),
                )
                .at(item.key, "")
                .help(format!("rename it to `utter_{name}`")),
            );
        }
        let what = format!("the response `{name}`");
        let variations = item.value.and_then(|node| list(&what, node, out)).unwrap_or_default();
        if variations.is_empty() && item.value.and_then(Node::as_seq).is_some() {
            out.push(
                Diagnostic::warning(codes::NO_VARIATION, format!("{what} has no variation: nothing is said"))
                    .at(item.key, "")
                    .help("add `- text: \"…\"` below it"),
            );
        }
        let mut places = Vec::with_capacity(variations.len());
        let mut read = Vec::with_capacity(variations.len());
        for node in variations {
            if let Some(variation) = variation(&what, node, out) {
                places.push(node.span);
                read.push(variation);
                spans.payloads.extend(payloads(name, node));
                spans.condition_slots.extend(condition_slots(name, node));
            }
        }
        spans.variations.insert(name.clone(), places);
        responses.insert(name.clone(), read);
    }
    responses
}

fn list<'n>(what: &str, node: &'n Node, out: &mut Vec<Diagnostic>) -> Option<&'n [Node]> {
    let items = node.as_seq();
    if items.is_none() {
        out.push(
            shape::wrong_type(node, what, "a list of variations")
                .help("write `- text: \"…\"` on the line below the name"),
        );
    }
    items
}

fn variation(what: &str, node: &Node, out: &mut Vec<Diagnostic>) -> Option<ResponseVariation> {
    let Some(map) = node.as_map() else {
        let help = match node.as_str() {
            None => "write `- text: \"…\"`".to_owned(),
            Some(text) => {
                shape::with_colon(text, &VARIATION_KEYS).unwrap_or_else(|| format!("write `- text: \"{text}\"`"))
            }
        };
        out.push(shape::wrong_type(node, &format!("a variation of {what}"), "a mapping").help(help));
        return None;
    };
    shape::slips(map, &VARIATION_KEYS, "a response", out);
    let text = map.get("text").filter(|text| !text.is_null());
    if let Some(text) = text {
        shape::text(text, &format!("`text` of {what}"), out);
    }
    let custom =
        map.get("custom").filter(|custom| !custom.is_null()).and_then(|custom| shape::map(custom, "`custom`", out));
    if text.is_none() && custom.is_none_or(|custom| custom.entries.is_empty()) {
        out.push(
            Diagnostic::error(codes::BAD_RESPONSE, format!("a variation of {what} has neither `text` nor `custom`"))
                .at(node.span, "")
                .help("add `text: \"…\"`"),
        );
    }
    for key in ["image", "id"] {
        if let Some(node) = map.get(key).filter(|node| !node.is_null()) {
            shape::text(node, &format!("`{key}` of {what}"), out);
        }
    }
    if let Some(attachment) = map.get("attachment").filter(|attachment| !attachment.is_null()) {
        shape::map(attachment, "`attachment`", out);
    }
    buttons(map, out);
    let channel = map
        .get("channel")
        .filter(|channel| !channel.is_null())
        .and_then(|channel| shape::text(channel, "`channel`", out));
    if let (Some(node), Some(name)) = (map.get("channel"), channel) {
        out.extend(channel_slip(name, node.span));
    }
    let condition = map.get("condition").filter(|condition| !condition.is_null());
    let mut content = shape::json_map(map);
    content.shift_remove("channel");
    content.shift_remove("condition");
    Some(ResponseVariation {
        content,
        channel: channel.map(str::to_owned),
        condition: condition.map(|node| conditions(node, out)).unwrap_or_default(),
        condition_json: condition.map_or(Value::Null, Node::to_json),
    })
}

/// A name that is nearly that of a channel of Rasa's; any other may be a channel
/// of one's own.
fn channel_slip(name: &str, span: Span) -> Option<Diagnostic> {
    let near = suggest::nearest(name, CHANNELS.into_iter().chain([COLLECTOR])).filter(|near| *near != name)?;
    let message = format!("a response is for the channel `{name}`, which Rasa does not have");
    let finding = Diagnostic::warning(codes::UNKNOWN_CHANNEL, message).at(span, "");
    Some(finding.help(format!("did you mean `{near}`? Leave it if it is a channel of your own")))
}

/// How a button comes to what it lacks.
fn button_cure(button: &Map, needed: &str) -> String {
    let near = button.iter().find(|(key, _)| suggest::nearest(&key.name, [needed]).is_some());
    match (near, needed) {
        (Some((key, _)), _) => format!("did you mean `{needed}` instead of `{}`?", key.name),
        (None, "title") => "add what the button shows: `title: Yes`".to_owned(),
        (None, _) => "add what pressing it sends: `payload: /intent`".to_owned(),
    }
}

fn buttons(map: &Map, out: &mut Vec<Diagnostic>) {
    for key in ["buttons", "quick_replies"] {
        let Some(node) = map.get(key).filter(|node| !node.is_null()) else { continue };
        for button in shape::seq(node, &format!("`{key}`"), out).unwrap_or_default() {
            let Some(button_map) = shape::map(button, "a button", out) else { continue };
            for needed in ["title", "payload"] {
                match button_map.get(needed) {
                    Some(node) => {
                        shape::text(node, &format!("`{needed}` of a button"), out);
                    }
                    None if key == "buttons" && button_map.get("url").is_none() => out.push(
                        Diagnostic::warning(codes::BUTTON_INCOMPLETE, format!("this button has no `{needed}`"))
                            .at(button.span, "")
                            .help(button_cure(button_map, needed)),
                    ),
                    None => {}
                }
            }
        }
    }
}

/// What the buttons of a variation send, and where it stands.
fn payloads(response: &str, variation: &Node) -> Vec<NamePlace> {
    let lists = ["buttons", "quick_replies"].iter().filter_map(|key| variation.as_map()?.get(key)?.as_seq());
    let payload = |button: &Node| {
        let node = button.as_map()?.get("payload")?;
        Some(NamePlace { owner: response.to_owned(), name: node.as_str()?.to_owned(), span: node.span })
    };
    lists.flatten().filter_map(payload).collect()
}

/// The slots that a variation's conditions name.
fn condition_slots(response: &str, variation: &Node) -> Vec<NamePlace> {
    let items = variation.as_map().and_then(|map| map.get("condition")?.as_seq()).unwrap_or_default();
    let place = |item: &Node| {
        let node = item.as_map()?.get("name")?;
        Some(NamePlace { owner: response.to_owned(), name: node.as_str()?.to_owned(), span: node.span })
    };
    items.iter().filter_map(place).collect()
}

/// `condition`: a list of `{type: slot, name, value}`.
fn conditions(node: &Node, out: &mut Vec<Diagnostic>) -> Vec<ResponseCondition> {
    let mut conditions = Vec::new();
    for item in shape::seq(node, "`condition`", out).unwrap_or_default() {
        let Some(map) = shape::map(item, "a condition", out) else { continue };
        // Without a type it is one on a slot, as in Rasa.
        if map.get("type").is_some_and(|kind| kind.as_str() != Some("slot")) {
            out.push(
                Diagnostic::error(codes::BAD_RESPONSE, "a response condition needs `type: slot`").at(item.span, ""),
            );
            continue;
        }
        let name = shape::required(map, "name", "a response condition", item.span, out)
            .and_then(|node| shape::text(node, "`name`", out));
        let value = shape::required(map, "value", "a response condition", item.span, out).map(Node::to_json);
        if let (Some(name), Some(value)) = (name, value) {
            conditions.push(ResponseCondition { name: name.to_owned(), value });
        }
    }
    conditions
}
