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
mod tidak_paham;
mod tiket;
mod tries;

use std::sync::Arc;

use sapa_sdk::{
    Dispatcher,
    server::{Action, ActionContext, ActionFuture, ActionServer},
};

use crate::Helpdesk;

/// What an action does.
type Run = for<'a> fn(&'a Helpdesk, &'a ActionContext, &'a mut Dispatcher) -> ActionFuture<'a>;

/// Names as the bot's domain calls them.
const ACTIONS: [(&str, Run); 13] = [
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
        (self.run)(&self.desk, context, dispatcher)
    }
}

/// A server with every action of the helpdesk.
pub fn action_server(desk: Arc<Helpdesk>) -> ActionServer {
    ACTIONS.into_iter().fold(ActionServer::new(), |server, (name, run)| {
        server.register(DeskAction { name, run, desk: Arc::clone(&desk) })
    })
}
