//! What an action says: the collector of an action's messages (spec §4.4).

use serde_json::Value;

use crate::{Button, Event, EventBody, JsonMap, action::ResponseItem};

/// Collects the messages of one action run, in the order in which they are to
/// be sent.
#[derive(Debug, Default)]
pub struct Dispatcher {
    responses: Vec<ResponseItem>,
}

impl Dispatcher {
    /// No messages yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says a text.
    pub fn utter(&mut self, text: impl Into<String>) {
        self.push(ResponseItem { text: Some(text.into()), ..ResponseItem::default() });
    }

    /// Says a response of the domain; `fields` fill its placeholders before
    /// slots do.
    pub fn utter_response(&mut self, name: impl Into<String>, fields: JsonMap) {
        self.push(ResponseItem { response: Some(name.into()), rest: fields, ..ResponseItem::default() });
    }

    /// Says a text with buttons.
    pub fn buttons(&mut self, text: impl Into<String>, buttons: &[Button]) {
        let buttons = buttons.iter().filter_map(|button| serde_json::to_value(button).ok()).collect();
        self.push(ResponseItem { text: Some(text.into()), buttons, ..ResponseItem::default() });
    }

    /// Adds any message.
    pub fn push(&mut self, item: ResponseItem) {
        self.responses.push(item);
    }

    /// The messages so far.
    pub fn responses(&self) -> &[ResponseItem] {
        &self.responses
    }

    /// The messages, taken out.
    pub fn into_responses(self) -> Vec<ResponseItem> {
        self.responses
    }
}

/// A button that shows `title` and sends `payload`.
pub fn button(title: impl Into<String>, payload: impl Into<String>) -> Button {
    Button { title: title.into(), payload: payload.into(), rest: JsonMap::new() }
}

/// The event that sets a slot. It carries no time of its own: the server stamps
/// what an action returns (spec §4.2).
pub fn set_slot(name: impl Into<String>, value: impl Into<Value>) -> Event {
    Event::new(0.0, EventBody::Slot { name: name.into(), value: value.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_keep_their_order_and_have_the_wire_shape() {
        let mut dispatcher = Dispatcher::new();
        dispatcher.utter("satu");
        let fields = json!({"nomor": "HD-2026-000001"}).as_object().cloned().unwrap_or_default();
        dispatcher.utter_response("utter_tiket", fields);
        dispatcher.buttons("pilih", &[button("Ya", "/ya")]);
        let wire = serde_json::to_value(dispatcher.responses()).unwrap();
        assert_eq!(wire[0]["text"], "satu");
        assert_eq!(wire[1]["response"], "utter_tiket");
        assert_eq!(wire[1]["nomor"], "HD-2026-000001");
        assert_eq!(wire[2]["buttons"], json!([{"title": "Ya", "payload": "/ya"}]));
        assert_eq!(dispatcher.into_responses().len(), 3);
    }
}
