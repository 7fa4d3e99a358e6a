//! `action_lanjut`: a "yes" that no form asked for. It takes up the one thing
//! that was just offered; otherwise it is answered with the menu.

use sapa_sdk::{
    Dispatcher, Event, EventBody, JsonMap,
    server::{ActionContext, ActionFuture},
};

use super::tiket;
use crate::{Helpdesk, conversation::last_words};

/// What a button begins: payload, opening words, form.
const FORMS: [(&str, Option<&str>, &str); 3] = [
    ("/daftar_tte", Some("utter_mulai_tte"), "tte_form"),
    ("/cek_status_tte", Some("utter_mulai_cek_tte"), "cek_tte_form"),
    ("/lupa_password", None, "reset_password_form"),
];

pub(super) fn run<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    let offer = only_offer(call.request.tracker.events());
    if offer == Some("/hubungi_petugas") {
        return tiket::create(desk, call, dispatcher);
    }
    Box::pin(async move {
        let Some((_, opening, form)) = FORMS.iter().find(|(payload, ..)| offer == Some(*payload)) else {
            dispatcher.utter_response("utter_menu", JsonMap::new());
            return Ok(Vec::new());
        };
        if let Some(opening) = opening {
            dispatcher.utter_response(*opening, JsonMap::new());
        }
        Ok(vec![Event::new(0.0, EventBody::Followup { name: (*form).to_owned() })])
    })
}

/// The payload of the only button under the bot's last words before the message.
fn only_offer(events: &[Event]) -> Option<&str> {
    let buttons = last_words(events).filter_map(|event| match &event.body {
        EventBody::Bot { data, .. } => Some(data.buttons.as_array().map(Vec::as_slice).unwrap_or_default()),
        _ => None,
    });
    match buttons.flatten().collect::<Vec<_>>()[..] {
        [button] => button["payload"].as_str(),
        _ => None,
    }
}
