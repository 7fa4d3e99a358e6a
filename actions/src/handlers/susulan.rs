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
    conversation::{is_cancel, just_told, spoken_text, text, ticket_sentence, words},
};

/// What a ticket's summary says when it was called off.
const CALLED_OFF: &str = "dibatalkan pemohon";

/// Whom to call, where, since when: it belongs to the ticket that was named last.
pub(super) fn add<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        let said = spoken_text(&call.request);
        if let Some(topic) = trouble(said) {
            let filed = desk.ticket(call, topic, said).await?;
            dispatcher.utter(format!("Baik, permintaan Anda sudah kami catat. {}", ticket_sentence(&filed)));
            return Ok(Vec::new());
        }
        match desk.told_ticket(call).await? {
            Some(ticket) => {
                desk.add_to_ticket(&ticket.number, said).await?;
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

/// The topic of a report that was taken for a contact, as it holds one too:
/// "internet mati, wa saya …".
fn trouble(said: &str) -> Option<&'static str> {
    const SIGNS: [&str; 10] = [
        " mati ",
        " rusak ",
        " error ",
        " eror ",
        " putus ",
        " lemot ",
        " lambat ",
        " macet ",
        " gangguan ",
        " hilang ",
    ];
    const NETWORK: [&str; 5] = [" internet ", " wifi ", " jaringan ", " lan ", " sinyal "];
    let words = words(said);
    let has = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    has(&SIGNS).then(|| if has(&NETWORK) { "keluhan_jaringan" } else { "keluhan_aplikasi" })
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
            None => match under_way(desk, call).await? {
                Some(ticket) => dispatcher.utter(format!(
                    "Tiket {} {}, jadi tidak dapat dibatalkan dari sini. Silakan sampaikan kepada petugas yang \
                     menanganinya, ya.",
                    ticket.number,
                    ticket.status.words()
                )),
                None => dispatcher.utter_response("utter_tidak_ada_proses", JsonMap::new()),
            },
        }
        Ok(Vec::new())
    })
}

async fn meant(desk: &Helpdesk, call: &ActionContext) -> Result<Option<Ticket>, ActionError> {
    let said = text(&call.request);
    let Some(number) = ticket_number(said) else {
        let told = if calls_off_a_ticket(said) { desk.told_ticket(call).await? } else { None };
        let events = call.request.tracker.events();
        return Ok(told.filter(|ticket| names_a_ticket(said) || just_told(events, &ticket.number)));
    };
    let ticket = desk.store.ticket(&call.request.sender_id, &number).await.map_err(ActionError::failed)?;
    Ok(ticket.filter(|ticket| ticket.status == TicketStatus::New))
}

/// The ticket that somebody wants to call off and an officer works on already.
async fn under_way(desk: &Helpdesk, call: &ActionContext) -> Result<Option<Ticket>, ActionError> {
    let (said, sender_id) = (text(&call.request), &call.request.sender_id);
    let ticket = match ticket_number(said) {
        Some(number) => desk.store.ticket(sender_id, &number).await.map_err(ActionError::failed)?,
        None if calls_off_a_ticket(said) && names_a_ticket(said) => {
            let newest = desk.store.tickets_of(sender_id, 1).await.map_err(ActionError::failed)?;
            newest.into_iter().next()
        }
        None => None,
    };
    Ok(ticket.filter(|ticket| matches!(ticket.status, TicketStatus::InProgress | TicketStatus::WaitingForUser)))
}

/// Whether nothing but calling off is said: what names another matter, or asks how,
/// is no order.
fn calls_off_a_ticket(said: &str) -> bool {
    const BESIDE: [&str; 22] = [
        "tolong", "mohon", "saja", "aja", "deh", "dong", "ya", "min", "kak", "pak", "bu", "saya", "itu", "tadi",
        "yang", "jadi", "gak", "ga", "nggak", "tidak", "semua", "dulu",
    ];
    let is_calling =
        |word: &str| ["batal", "dibatal", "membatal", "cancel", "tarik"].iter().any(|call| word.starts_with(call));
    let is_ticket = |word: &str| TICKETS.iter().any(|ticket| word.starts_with(ticket));
    let words = words(said);
    !said.contains('?')
        && is_cancel(said)
        && words.split_whitespace().all(|word| is_calling(word) || is_ticket(word) || BESIDE.contains(&word))
}

/// What a ticket is called.
const TICKETS: [&str; 4] = ["tiket", "lapor", "permintaan", "pendaftaran"];

fn names_a_ticket(said: &str) -> bool {
    words(said).split_whitespace().any(|word| TICKETS.iter().any(|ticket| word.starts_with(ticket)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_orders_call_a_ticket_off() {
        for text in ["batal", "batalkan tiketnya", "tolong batalkan saja laporan saya", "batalkan pendaftaran saya"] {
            assert!(calls_off_a_ticket(text), "{text}");
        }
        for text in ["batal daftar tte", "cara membatalkan tiket gimana", "apakah bisa batal?", "besok aja", "sudahlah"]
        {
            assert!(!calls_off_a_ticket(text), "{text}");
        }
    }

    #[test]
    fn a_report_with_a_contact_is_a_report() {
        assert_eq!(trouble("internet mati, wa saya 0812"), Some("keluhan_jaringan"));
        assert_eq!(trouble("printer di lantai 2 rusak"), Some("keluhan_aplikasi"));
        assert_eq!(trouble("di lantai 2, sejak pagi"), None);
    }
}
