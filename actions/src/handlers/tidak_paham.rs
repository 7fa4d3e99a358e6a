//! `action_tidak_paham`: the bot did not understand. First it asks to say it
//! again, then it offers its best guesses, then a person.

use sapa_sdk::{
    Button, Dispatcher, Event, EventBody,
    dispatcher::button,
    server::{ActionContext, ActionFuture},
};

use super::nilai::{has_long_number, speaks_of_rating};
use crate::{
    Helpdesk,
    conversation::{just_told, new_ticket_sentence, spoken_text},
};

const FALLBACK: &str = "nlu_fallback";

/// Topics of tickets whose senders go on telling: what is not understood right
/// behind the ticket belongs to it.
const OPEN_ENDED: [&str; 3] = ["hubungi_petugas", "keluhan_jaringan", "keluhan_aplikasi"];

/// Guesses offered.
const GUESSES: usize = 3;

/// Intents that make sense as a button, in the order in which they fill up a
/// short list of guesses.
const TITLES: [(&str, &str); 14] = [
    ("lupa_password", "Lupa Password"),
    ("daftar_tte", "Daftar TTE"),
    ("hubungi_petugas", "Hubungi Petugas"),
    ("cek_status_tte", "Cek Status TTE"),
    ("lupa_akun_email", "Lupa Akun Email"),
    ("lupa_password_simasn", "Lupa Password SIMASN"),
    ("lupa_password_email", "Lupa Password Email Dinas"),
    ("jam_layanan", "Jam Layanan"),
    ("keluhan_jaringan", "Gangguan Jaringan"),
    ("permintaan_subdomain", "Permintaan Subdomain"),
    ("cek_tiket", "Cek Tiket"),
    ("privasi", "Privasi Data"),
    ("tanya_bot", "Tentang Layanan Ini"),
    ("bantuan", "Daftar Layanan"),
];

pub(super) fn run<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        let events = call.request.tracker.events();
        if let Some(ticket) = desk.told_ticket(call).await?
            && OPEN_ENDED.contains(&ticket.topic.as_str())
            && just_told(events, &ticket.number)
        {
            desk.add_to_ticket(&ticket.number, spoken_text(&call.request)).await?;
            dispatcher.utter(format!(
                "Terima kasih, keterangan ini kami tambahkan pada tiket {}. Bila yang Anda maksud hal lain, silakan \
                 sampaikan dengan kata lain, ya.",
                ticket.number
            ));
            return Ok(Vec::new());
        }
        let streak = fallback_streak(events);
        match streak.len() {
            0 | 1 => dispatcher.utter("Maaf, saya belum paham. Coba ulangi pertanyaannya dengan kata lain, ya."),
            2 => dispatcher
                .buttons("Maaf, saya masih belum paham. Apakah salah satu ini yang Anda maksud?", &guesses(call)),
            _ => {
                // One ticket for a streak, however long it gets.
                let start = streak.last().map_or(0.0, |event| event.timestamp);
                let sender = &call.request.sender_id;
                let key = format!("tidak_paham:{sender}:{start}");
                let summary = format!("Belum dipahami bot: {}", spoken_text(&call.request));
                let number = desk.keyed_ticket(call, "tidak_paham", &summary, Some(&key)).await?;
                // What was said after the ticket was made belongs to it as well.
                desk.add_to_ticket(&number, spoken_text(&call.request)).await?;
                dispatcher.utter(format!(
                    "Mohon maaf, saya belum bisa menjawabnya. Pertanyaan Anda kami teruskan kepada petugas. {}",
                    new_ticket_sentence(&number)
                ));
            }
        }
        Ok(Vec::new())
    })
}

/// The user messages at the end of the conversation that were not understood,
/// newest first. What was said within a form is an answer to the form, however
/// unreadable: the row begins behind it.
fn fallback_streak(events: &[Event]) -> Vec<&Event> {
    events
        .iter()
        .rev()
        .take_while(|event| !begins_anew(&event.body))
        .filter(|event| matches!(event.body, EventBody::User { .. }))
        .take_while(|event| event.intent_column() == Some(FALLBACK) || is_stray_number(event))
        .collect()
}

/// A session, or a form that ended.
fn begins_anew(body: &EventBody) -> bool {
    matches!(body, EventBody::SessionStarted {} | EventBody::Restart {} | EventBody::ActiveLoop { .. })
}

/// A message whose number was taken for a rating.
fn is_stray_number(event: &Event) -> bool {
    let EventBody::User { text: Some(text), .. } = &event.body else { return false };
    event.intent_column() == Some("beri_nilai") && !speaks_of_rating(text) && !has_long_number(text)
}

/// The nearest intents as buttons, filled up with the most asked ones.
fn guesses(call: &ActionContext) -> Vec<Button> {
    let ranking = call.request.tracker.latest_message.intent_ranking();
    let ranked = ranking.iter().filter_map(|guess| guess.name.as_deref());
    let mut chosen: Vec<(&str, &str)> = Vec::with_capacity(GUESSES);
    for intent in ranked.chain(TITLES.iter().map(|(intent, _)| *intent)) {
        let known = TITLES.iter().find(|(name, _)| *name == intent);
        if let Some(title) = known.filter(|title| !chosen.contains(title)) {
            chosen.push(*title);
        }
        if chosen.len() == GUESSES {
            break;
        }
    }
    chosen.into_iter().map(|(intent, title)| button(title, format!("/{intent}"))).collect()
}
