//! `action_akun_email`: how to find a forgotten e-mail account. A link only: the
//! bot hands out no account.

use sapa_sdk::{
    Dispatcher,
    server::{ActionContext, ActionFuture},
};

use crate::Helpdesk;

pub(super) fn run<'a>(
    desk: &'a Helpdesk,
    _call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move {
        dispatcher.utter(format!(
            "Silakan buka situs SIMASN di {} lalu masuk dengan akun SIMASN Anda sendiri.",
            desk.settings.url_simasn
        ));
        dispatcher.utter("Jika berhasil login, cek akun Anda pada menu email resmi.");
        dispatcher.utter(
            "Setelah itu ganti kata sandi baru; jaga kerahasiaan akun Anda, jangan sampai diketahui orang tidak sah.",
        );
        dispatcher.utter("Bila ada pertanyaan lebih lanjut silakan ketik saja.");
        Ok(Vec::new())
    })
}
