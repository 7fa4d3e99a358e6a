//! Responses: which variation, and its placeholders filled (spec §3.9).

use std::cell::RefCell;

use indexmap::IndexMap;
use sapa_project::Domain;
use sapa_project::domain::ResponseVariation;
use sapa_project::placeholders::{Piece, Template};
use sapa_project::python::python_str;
use sapa_sdk::{BotData, EventBody, JsonMap};
use serde_json::Value;

/// A response that cannot be filled: an unbalanced brace. The action that wanted
/// it yields no events (spec §3.9).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unbalanced brace in response text `{0}`")]
pub struct UnbalancedBrace(pub String);

/// A response that cannot be had: the action that wanted it yields no events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NlgFailure {
    /// Its text cannot be filled.
    #[error(transparent)]
    Text(#[from] UnbalancedBrace),
    /// The NLG server gave no usable answer.
    #[error("the NLG server: {0}")]
    Server(String),
}

/// `id` of the first variation that fits; `None` when several of the response
/// have it (spec §3.9).
pub fn response_id(domain: &Domain, name: &str, channel: &str, slots: &IndexMap<String, Value>) -> Option<String> {
    let variations = domain.responses.get(name)?;
    let id = |variation: &ResponseVariation| variation.content.get("id").and_then(Value::as_str).map(str::to_owned);
    let first = id(pick(variations, channel, slots, 0)?)?;
    (variations.iter().filter(|variation| id(variation).as_ref() == Some(&first)).count() == 1).then_some(first)
}

/// A message on its way to becoming a bot event: its keys as in the response.
pub type Draft = JsonMap;

/// A response as it was filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// The message.
    pub draft: Draft,
    /// A placeholder that neither a slot nor the action fills: its text stays as
    /// it is.
    pub unfilled: Option<String>,
}

/// Generates a response by name; `None` when no variation fits.
///
/// # Errors
/// A text has an unbalanced brace.
pub fn respond(
    domain: &Domain,
    name: &str,
    channel: &str,
    slots: &IndexMap<String, Value>,
    fields: &JsonMap,
    random: u64,
) -> Result<Option<Filled>, UnbalancedBrace> {
    let unfilled = RefCell::new(None);
    let value_of = |name: &str| {
        let value = fields.get(name).or_else(|| slots.get(name));
        if value.is_none() {
            unfilled.borrow_mut().get_or_insert_with(|| name.to_owned());
        }
        value
    };
    let Some(variation) = pick(domain.responses.get(name).map_or(&[][..], |v| v), channel, slots, random) else {
        return Ok(None);
    };
    let mut draft = Draft::new();
    for (key, value) in &variation.content {
        let fillable = matches!(key.as_str(), "text" | "image" | "custom" | "buttons" | "attachment" | "quick_replies");
        let filled = if fillable && !(slots.is_empty() && fields.is_empty()) {
            fill_value(value, &value_of, plain)?
        } else {
            value.clone()
        };
        draft.insert(key.clone(), filled);
    }
    if let Some(channel) = &variation.channel {
        draft.insert("channel".into(), channel.clone().into());
    }
    if !variation.condition.is_empty() {
        draft.insert("condition".into(), variation.condition_json.clone());
    }
    draft.insert("utter_action".into(), name.into());
    Ok(Some(Filled { draft, unfilled: unfilled.into_inner() }))
}

/// The bot event of a draft: keys that are no content become metadata.
pub fn bot_event(mut draft: Draft) -> (EventBody, JsonMap) {
    let mut take = |key: &str| draft.shift_remove(key).unwrap_or(Value::Null);
    let text = match take("text") {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(python_str(&other)),
    };
    let image = take("image");
    let attachment = take("attachment");
    let data = BotData {
        elements: take("elements"),
        quick_replies: take("quick_replies"),
        buttons: take("buttons"),
        attachment: if is_truthy(&attachment) { attachment } else { image.clone() },
        image,
        custom: take("custom"),
    };
    (EventBody::Bot { text, data: Box::new(data) }, draft)
}

/// Python's truth value.
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(true) => true,
    }
}

/// The first non-empty group of variations (spec §3.9), one of it at random.
fn pick<'a>(
    variations: &'a [ResponseVariation],
    channel: &str,
    slots: &IndexMap<String, Value>,
    random: u64,
) -> Option<&'a ResponseVariation> {
    let holds = |v: &ResponseVariation| {
        v.condition.iter().all(|c| condition_holds(slots.get(&c.name).unwrap_or(&Value::Null), &c.value))
    };
    let group = |conditional: bool, wanted: Option<&str>| -> Vec<&'a ResponseVariation> {
        variations
            .iter()
            .filter(|v| v.channel.as_deref() == wanted && v.condition.is_empty() != conditional && holds(v))
            .collect()
    };
    let groups = [(true, Some(channel)), (false, Some(channel)), (true, None), (false, None)];
    let group = groups.into_iter().map(|(conditional, wanted)| group(conditional, wanted)).find(|g| !g.is_empty())?;
    let index = usize::try_from(random % group.len() as u64).unwrap_or(0);
    group.get(index).copied()
}

/// Strings compare without case, everything else strictly (spec §3.9).
fn condition_holds(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::String(a), Value::String(b)) => a.to_lowercase() == b.to_lowercase(),
        _ => value == wanted,
    }
}

/// How a slot's value is written into a text.
type Written = fn(&Value) -> String;

fn plain(value: &Value) -> String {
    python_str(value)
}

/// For a text in HTML: what a user typed must not become markup (Bot API,
/// "HTML style").
fn html(value: &Value) -> String {
    python_str(value).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn fill_value<'v>(
    value: &Value,
    value_of: &dyn Fn(&str) -> Option<&'v Value>,
    written: Written,
) -> Result<Value, UnbalancedBrace> {
    Ok(match value {
        Value::String(text) => Value::String(fill_written(text, value_of, written)?),
        Value::Array(list) => {
            Value::Array(list.iter().map(|item| fill_value(item, value_of, written)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let is_html = map.get("parse_mode").and_then(Value::as_str).is_some_and(|m| m.eq_ignore_ascii_case("html"));
            let written = if is_html { html } else { written };
            let filled = map.iter().map(|(k, v)| Ok((k.clone(), fill_value(v, value_of, written)?)));
            Value::Object(filled.collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

/// Fills `{name}`s. An unknown name, or a mix of `{name}` and `{{name}}`, leaves
/// the whole text as it is (spec §3.9).
///
/// # Errors
/// A brace is not balanced.
pub fn fill<'v>(text: &str, value_of: impl Fn(&str) -> Option<&'v Value>) -> Result<String, UnbalancedBrace> {
    fill_written(text, &value_of, plain)
}

fn fill_written<'v>(
    text: &str,
    value_of: &dyn Fn(&str) -> Option<&'v Value>,
    written: Written,
) -> Result<String, UnbalancedBrace> {
    if !text.contains(['{', '}']) {
        return Ok(text.to_owned());
    }
    let template = Template::parse(text).map_err(|_| UnbalancedBrace(text.to_owned()))?;
    let Some(template) = template else { return Ok(text.to_owned()) };
    let mut filled = String::with_capacity(text.len());
    for piece in template.pieces {
        match piece {
            Piece::Text(part) => filled.push_str(part),
            Piece::Brace(brace) => filled.push(brace),
            Piece::Placeholder(_) if template.has_escaped_tag => return Ok(text.to_owned()),
            Piece::Placeholder(name) => match value_of(name) {
                Some(value) => filled.push_str(&written(value)),
                None => return Ok(text.to_owned()),
            },
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(text: &str) -> Result<String, UnbalancedBrace> {
        let slots = json!({"nip": "123", "kosong": null, "umur": 7});
        fill(text, |name| slots.get(name))
    }

    #[test]
    fn placeholders_are_filled_and_null_reads_none() {
        assert_eq!(filled("NIP {nip}, {kosong}, {umur}").unwrap(), "NIP 123, None, 7");
    }

    #[test]
    fn one_unknown_placeholder_leaves_the_whole_text() {
        assert_eq!(filled("{nip} {x}").unwrap(), "{nip} {x}");
        assert_eq!(filled("{nip.a}").unwrap(), "{nip.a}");
        assert_eq!(filled("{umur:d}").unwrap(), "{umur:d}");
    }

    #[test]
    fn doubled_braces_are_literal_but_do_not_mix() {
        assert_eq!(filled(r#"/i{{"a": "b"}}"#).unwrap(), r#"/i{"a": "b"}"#);
        assert_eq!(filled("{nip} {{nip}}").unwrap(), "{nip} {{nip}}");
    }

    #[test]
    fn a_json_payload_is_left_alone() {
        assert_eq!(filled(r#"/i{"a":"b"}"#).unwrap(), r#"/i{"a":"b"}"#);
    }

    #[test]
    fn an_unbalanced_brace_is_an_error() {
        assert!(filled("a { b").is_err());
        assert!(filled("a } b").is_err());
    }

    fn variation(text: &str, channel: Option<&str>, condition: Option<(&str, Value)>) -> ResponseVariation {
        let content = json!({ "text": text }).as_object().cloned().unwrap_or_default();
        let condition: Vec<_> = condition
            .into_iter()
            .map(|(name, value)| sapa_project::domain::ResponseCondition { name: name.into(), value })
            .collect();
        ResponseVariation { content, channel: channel.map(str::to_owned), condition, condition_json: Value::Null }
    }

    #[test]
    fn what_a_user_typed_is_no_markup_in_html() {
        let slots: IndexMap<String, Value> = [("nama".to_owned(), json!("<b>&\""))].into_iter().collect();
        let value_of = |name: &str| slots.get(name);
        let custom = json!({"text": "<i>{nama}</i>", "parse_mode": "HTML"});
        let filled = fill_value(&custom, &value_of, plain).unwrap();
        assert_eq!(filled["text"], json!("<i>&lt;b&gt;&amp;&quot;</i>"));
        let filled = fill_value(&json!({"text": "{nama}"}), &value_of, plain).unwrap();
        assert_eq!(filled["text"], json!("<b>&\""));
    }

    #[test]
    fn a_condition_on_the_channel_comes_first() {
        let variations = [
            variation("default", None, None),
            variation("condition", None, Some(("a", json!("Ya")))),
            variation("channel", Some("telegram"), None),
            variation("both", Some("telegram"), Some(("a", json!("Ya")))),
        ];
        let slots: IndexMap<String, Value> = [("a".to_owned(), json!("ya"))].into_iter().collect();
        let none = IndexMap::new();
        let text = |channel, slots| pick(&variations, channel, slots, 0).map(|v| v.content["text"].clone());
        assert_eq!(text("telegram", &slots), Some(json!("both")));
        assert_eq!(text("telegram", &none), Some(json!("channel")));
        assert_eq!(text("rest", &slots), Some(json!("condition")));
        assert_eq!(text("rest", &none), Some(json!("default")));
    }
}
