//! What comes after a ticket: `action_tambah_keterangan` adds to it,
//! `action_batalkan_tiket` calls it off.

use sapa_sdk::{
    Dispatcher, JsonMap,
    dispatcher::button,
    server::{ActionContext, ActionError, ActionFuture},
};

use super::tiket::ticket_number;
use crate::{
    Helpdesk, Ticket, TicketStatus,
    conversation::{spoken_text, text},
};

/// What a ticket's summary says when it was called off.
const CALLED_OFF: &str = "dibatalkan pemohon";

/// Whom to call, where, since when: it belongs to the ticket that was named last.
pub(super) fn add<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        match desk.told_ticket(call).await? {
            Some(ticket) => {
                desk.add_to_ticket(&ticket.number, spoken_text(&call.request)).await?;
                dispatcher.utter(format!("Terima kasih, keterangan ini kami tambahkan pada tiket {}.", ticket.number));
            }
            None => dispatcher.buttons(
                "Terima kasih. Kontak Anda belum kami perlukan; silakan sampaikan dulu keperluan Anda, ya.",
                &[button("Daftar Layanan", "/bantuan"), button("Hubungi Petugas", "/hubungi_petugas")],
            ),
        }
        Ok(Vec::new())
    })
}

/// "Batal" without a form: a ticket that nobody works on yet is called off when the
/// message names it, or the bot named it last.
pub(super) fn call_off<'a>(
    desk: &'a Helpdesk,
    call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move {
        match meant(desk, call).await? {
            Some(ticket) => {
                desk.add_to_ticket(&ticket.number, CALLED_OFF).await?;
                desk.store.set_status(&ticket.number, TicketStatus::Done).await.map_err(ActionError::failed)?;
                dispatcher.utter(format!(
                    "Baik, tiket {} kami batalkan; petugas tidak akan menindaklanjutinya. Bila nanti diperlukan lagi, \
                     silakan sampaikan saja, ya.",
                    ticket.number
                ));
            }
            None => dispatcher.utter_response("utter_tidak_ada_proses", JsonMap::new()),
        }
        Ok(Vec::new())
    })
}

async fn meant(desk: &Helpdesk, call: &ActionContext) -> Result<Option<Ticket>, ActionError> {
    let Some(number) = ticket_number(text(&call.request)) else { return desk.told_ticket(call).await };
    let ticket = desk.store.ticket(&call.request.sender_id, &number).await.map_err(ActionError::failed)?;
    Ok(ticket.filter(|ticket| ticket.status == TicketStatus::New))
}
