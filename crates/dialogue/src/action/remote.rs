//! Custom actions: the answer of the action server as events (spec §4.2).

use sapa_sdk::action::ResponseItem;
use sapa_sdk::{ActionResponse, Event, JsonMap};
use serde_json::Value;

use crate::nlg::{NlgFailure, is_truthy};
use crate::turn::{ActionFailure, Pending, Replies, Scene};

/// Calls a custom action.
pub(crate) fn call_remote(
    scene: &Scene<'_>,
    name: &str,
    replies: &mut Replies,
) -> Result<Result<ActionResponse, ActionFailure>, Pending> {
    replies.action(|step| scene.call(name, step))
}

/// Messages first, then the returned events (spec §4.2).
pub(crate) fn remote_events(
    scene: &Scene<'_>,
    response: ActionResponse,
    replies: &mut Replies,
) -> Result<Result<Vec<Event>, NlgFailure>, Pending> {
    let mut events = Vec::new();
    for item in response.responses {
        match message(scene, item, replies)? {
            Ok(message) => events.extend(message),
            Err(failure) => return Ok(Err(failure)),
        }
    }
    events.extend(response.events.into_iter().map(|event| Event { timestamp: scene.now, ..event }));
    Ok(Ok(events))
}

/// [`remote_events`]; when a response cannot be had, a warning and no events.
pub(crate) fn remote_events_or_none(
    scene: &Scene<'_>,
    response: ActionResponse,
    replies: &mut Replies,
) -> Result<Vec<Event>, Pending> {
    Ok(remote_events(scene, response, replies)?.unwrap_or_else(|failure| {
        replies.warn(format!("an action's answer: {failure}"));
        Vec::new()
    }))
}

/// One response item: a named response filled by its other keys, then overlaid
/// with every key that is set.
fn message(
    scene: &Scene<'_>,
    item: ResponseItem,
    replies: &mut Replies,
) -> Result<Result<Option<Event>, NlgFailure>, Pending> {
    let mut fields = match serde_json::to_value(&item) {
        Ok(Value::Object(fields)) => fields,
        _ => JsonMap::new(),
    };
    for key in ["response", "template"] {
        fields.shift_remove(key);
    }
    let mut draft = JsonMap::new();
    if let Some(name) = item.response.as_deref().filter(|name| !name.is_empty()) {
        draft = match scene.draft(name, &fields, replies)? {
            Ok(Some(found)) => found,
            Ok(None) => {
                replies.warn(format!("an action's answer: no response `{name}` fits"));
                return Ok(Ok(None));
            }
            Err(failure) => return Ok(Err(failure)),
        };
    }
    if let Some(Value::Array(buttons)) = fields.shift_remove("buttons")
        && !buttons.is_empty()
    {
        let all = draft.entry("buttons").or_insert(Value::Null);
        match all {
            Value::Array(own) => own.extend(buttons),
            other => *other = Value::Array(buttons),
        }
    }
    draft.extend(fields.into_iter().filter(|(_, value)| is_truthy(value)));
    Ok(Ok(Some(scene.bot(draft))))
}
