//! `action_batal`: leaves whatever was going on.

use sapa_sdk::{
    Dispatcher,
    server::{ActionContext, ActionFuture},
};

use crate::{
    Helpdesk,
    conversation::{DENIALS, TRIES, clear, outcome},
};

pub(super) fn run<'a>(
    _desk: &'a Helpdesk,
    _call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move {
        dispatcher
            .utter("Baik, tidak apa-apa, sudah kami batalkan. Kalau nanti perlu bantuan lagi, silakan ketik saja, ya.");
        Ok(clear(&["aplikasi", "nomor_identitas", "konfirmasi_data", TRIES, DENIALS, outcome::SLOT]))
    })
}
