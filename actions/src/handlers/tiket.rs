//! `action_buat_tiket`, `action_lapor_gangguan`, `action_status_tiket`.

use sapa_sdk::{
    ActionRequest, Dispatcher,
    dispatcher::button,
    server::{ActionContext, ActionError, ActionFuture},
};

use crate::{
    Helpdesk, Ticket,
    conversation::{before_last_message, entity, intent, spoken_text, text, ticket_sentence},
};

/// Tickets listed at once.
const LISTED: u32 = 5;

/// A ticket about what was last asked for.
pub(super) fn create<'a>(
    desk: &'a Helpdesk,
    call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move {
        let (topic, title) = subject(&call.request);
        let said = spoken_text(&call.request);
        let summary = if said.is_empty() { title } else { format!("{title}: {said}") };
        let filed = desk.ticket(call, topic, &summary).await?;
        dispatcher.utter(format!("Baik, permintaan Anda sudah kami catat. {}", ticket_sentence(&filed)));
        Ok(Vec::new())
    })
}

/// A ticket's topic and title by the intent that led to it. Guidance that did not
/// help is about what was asked before.
fn subject(request: &ActionRequest) -> (&'static str, String) {
    let said = intent(request);
    if said != "belum_berhasil" {
        let (topic, title) = topic(said);
        return (topic, title.to_owned());
    }
    let asked = before_last_message(request.tracker.events()).iter().rev().filter_map(|event| event.intent_column());
    match asked.map(topic).find(|(topic, _)| *topic != GENERAL) {
        Some((topic, title)) => (topic, format!("{title}, panduan belum berhasil")),
        None => (GENERAL, "Belum berhasil".to_owned()),
    }
}

/// Topic of what no other topic fits.
const GENERAL: &str = "umum";

fn topic(intent: &str) -> (&'static str, &'static str) {
    match intent {
        "keluhan_aplikasi" => ("keluhan_aplikasi", "Gangguan aplikasi"),
        "hubungi_petugas" => ("hubungi_petugas", "Minta dihubungi petugas"),
        "permintaan_subdomain" => ("permintaan_subdomain", "Permintaan subdomain"),
        "keluhan_jaringan" => ("keluhan_jaringan", "Gangguan jaringan"),
        "lupa_password" | "lupa_password_simasn" | "lupa_password_email" => ("lupa_password", "Lupa password"),
        "lupa_akun_email" => ("lupa_akun_email", "Lupa akun email"),
        "daftar_tte" => ("daftar_tte", "Pendaftaran TTE"),
        "cek_status_tte" => ("cek_status_tte", "Cek status TTE"),
        _ => (GENERAL, "Permintaan bantuan"),
    }
}

/// A ticket about a network outage.
pub(super) fn report_outage<'a>(
    desk: &'a Helpdesk,
    call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move {
        let place = entity(&call.request, "opd").map(|opd| format!(" di {opd}")).unwrap_or_default();
        let summary = format!("Gangguan jaringan{place}: {}", spoken_text(&call.request));
        let filed = desk.ticket(call, "keluhan_jaringan", &summary).await?;
        dispatcher.utter(format!(
            "Terima kasih sudah melapor. Gangguan jaringan{place} sudah kami catat. {} Sambil menunggu, silakan coba \
             nyalakan ulang perangkat dan periksa kabel jaringannya.",
            ticket_sentence(&filed)
        ));
        Ok(Vec::new())
    })
}

/// Where the sender's tickets stand.
pub(super) fn status<'a>(
    desk: &'a Helpdesk,
    call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move {
        let sender = &call.request.sender_id;
        let asked = entity(&call.request, "nomor_tiket");
        match asked.as_deref().and_then(ticket_number).or_else(|| ticket_number(text(&call.request))) {
            Some(number) => {
                let ticket = desk.store.ticket(sender, &number).await.map_err(ActionError::failed)?;
                dispatcher.utter(one(&number, ticket.as_ref()));
            }
            None => {
                let tickets = desk.store.tickets_of(sender, LISTED).await.map_err(ActionError::failed)?;
                list(&tickets, dispatcher);
            }
        }
        Ok(Vec::new())
    })
}

/// A foreign ticket reads exactly as one that does not exist.
fn one(number: &str, ticket: Option<&Ticket>) -> String {
    match ticket {
        Some(ticket) => format!("Tiket {number} {}.", ticket.status.words()),
        None => format!("Tiket {number} tidak kami temukan pada percakapan ini. Silakan periksa lagi nomornya."),
    }
}

fn list(tickets: &[Ticket], dispatcher: &mut Dispatcher) {
    if tickets.is_empty() {
        let help = [button("Hubungi Petugas", "/hubungi_petugas")];
        return dispatcher.buttons("Anda belum memiliki tiket. Ada yang bisa kami bantu?", &help);
    }
    let lines: Vec<String> =
        tickets.iter().map(|ticket| format!("• {}: {}", ticket.number, ticket.status.words())).collect();
    dispatcher.utter(format!("Berikut tiket Anda, mulai dari yang terbaru:\n{}", lines.join("\n")));
}

/// The ticket number in a text, however it is spaced: `hd 2026 000123`. Leading
/// zeros may be missing.
pub(super) fn ticket_number(text: &str) -> Option<String> {
    let upper = text.to_uppercase();
    let words: Vec<&str> = upper.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(3).find_map(|three| match three {
        ["HD", year, number] if year.len() == 4 && (1..=6).contains(&number.len()) => {
            let (year, number): (u32, u32) = (year.parse().ok()?, number.parse().ok()?);
            Some(format!("HD-{year:04}-{number:06}"))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_numbers_are_read_however_they_are_typed() {
        for text in ["HD-2026-000012", "cek hd 2026 12 dong", "tiket hd–2026–000012?"] {
            assert_eq!(ticket_number(text).as_deref(), Some("HD-2026-000012"), "{text}");
        }
        for text in ["HD-26-000012", "2026-000012", "HD-2026", "HD-2026-1234567", ""] {
            assert_eq!(ticket_number(text), None, "{text}");
        }
    }
}
