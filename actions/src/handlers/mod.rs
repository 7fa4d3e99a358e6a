//! The actions, one file a subject. Each is a function of the desk, the call
//! and the dispatcher; this file is their registry.

mod akun_email;
mod aplikasi;
mod cek_status;
mod daftar_tte;
mod lanjut;
mod nilai;
mod number_forms;
mod panduan_reset;
mod reset_form;
mod susulan;
mod tidak_paham;
mod tiket;
mod tries;

use std::sync::Arc;

use sapa_sdk::{
    Dispatcher, EventBody, JsonMap,
    server::{Action, ActionContext, ActionFuture, ActionServer},
};

use crate::{Helpdesk, conversation::reveals_secret};

/// What an action does.
type Run = for<'a> fn(&'a Helpdesk, &'a ActionContext, &'a mut Dispatcher) -> ActionFuture<'a>;

/// Names as the bot's domain calls them.
const ACTIONS: [(&str, Run); 15] = [
    ("validate_reset_password_form", reset_form::validate),
    ("validate_tte_form", number_forms::validate_tte),
    ("validate_cek_tte_form", number_forms::validate_cek_tte),
    ("action_panduan_reset", panduan_reset::run),
    ("action_akun_email", akun_email::run),
    ("action_daftar_tte", daftar_tte::run),
    ("action_cek_status_tte", cek_status::run),
    ("action_tidak_paham", tidak_paham::run),
    ("action_buat_tiket", tiket::create),
    ("action_lapor_gangguan", tiket::report_outage),
    ("action_status_tiket", tiket::status),
    ("action_lanjut", lanjut::run),
    ("action_simpan_nilai", nilai::run),
    ("action_tambah_keterangan", susulan::add),
    ("action_batalkan_tiket", susulan::call_off),
];

/// One entry of the registry with the desk it works at.
struct DeskAction {
    name: &'static str,
    run: Run,
    desk: Arc<Helpdesk>,
}

impl Action for DeskAction {
    fn name(&self) -> &str {
        self.name
    }

    fn run<'a>(&'a self, context: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
        if !is_warning_due(context) {
            return (self.run)(&self.desk, context, dispatcher);
        }
        Box::pin(async move {
            let events = (self.run)(&self.desk, context, dispatcher).await?;
            dispatcher.utter_response(WARNING, JsonMap::new());
            Ok(events)
        })
    }
}

/// What whoever sends a password is told, whatever else the message is about.
const WARNING: &str = "utter_jangan_kirim_rahasia";

/// Whether the message gives a secret away and nobody has said so yet.
fn is_warning_due(context: &ActionContext) -> bool {
    let events = context.request.tracker.events().iter().rev();
    let mut answers = events.take_while(|event| !matches!(event.body, EventBody::User { .. }));
    reveals_secret(&context.request)
        && !answers.any(|event| event.metadata.get("utter_action").is_some_and(|name| name == WARNING))
}

/// A server with every action of the helpdesk.
pub fn action_server(desk: Arc<Helpdesk>) -> ActionServer {
    ACTIONS.into_iter().fold(ActionServer::new(), |server, (name, run)| {
        server.register(DeskAction { name, run, desk: Arc::clone(&desk) })
    })
}
