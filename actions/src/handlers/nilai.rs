//! `action_simpan_nilai`: keeps a rating from 1 to 5. A number in a message about
//! something else is no rating.

use sapa_sdk::{
    Dispatcher, Event, EventBody, JsonMap,
    dispatcher::button,
    number::ascii_digit,
    server::{ActionContext, ActionError, ActionFuture},
};

use super::{susulan, tidak_paham};
use crate::{
    Helpdesk,
    conversation::{before_last_message, entity, last_words, text, words},
    helpdesk::step_key,
};

pub(super) fn run<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        let (events, said) = (call.request.tracker.events(), text(&call.request));
        if !was_asked(events) && (!speaks_of_rating(said) || is_bare_number(said) && is_answered(events)) {
            return not_a_rating(desk, call, dispatcher).await;
        }
        let given = entity(&call.request, "nilai").unwrap_or_else(|| said.to_owned());
        let Some(value) = rating(&given).or_else(|| opinion(said)) else {
            let buttons: Vec<_> =
                (1..=5).map(|n| button(n.to_string(), format!("/beri_nilai{{\"nilai\":\"{n}\"}}"))).collect();
            dispatcher.buttons("Silakan pilih nilai 1 (kurang puas) sampai 5 (sangat puas), ya.", &buttons);
            return Ok(Vec::new());
        };
        let now = desk.clock.now();
        let key = step_key(call);
        desk.store
            .rate(&call.request.sender_id, value, &now.text, key.as_deref())
            .await
            .map_err(ActionError::failed)?;
        let more = if value >= 4 { "Senang bisa membantu!" } else { "Masukan ini membantu kami memperbaiki layanan." };
        dispatcher.utter(format!("{THANKS} {more}"));
        Ok(Vec::new())
    })
}

/// What follows a rating.
const THANKS: &str = "Terima kasih atas penilaian Anda.";

/// Digits in a row that are somebody's number rather than a rating.
const LONG_NUMBER: usize = 9;

async fn not_a_rating(
    desk: &Helpdesk,
    call: &ActionContext,
    dispatcher: &mut Dispatcher,
) -> Result<Vec<Event>, ActionError> {
    if has_long_number(text(&call.request)) {
        // A telephone number behind a ticket says whom to call.
        if is_phone(text(&call.request)) && desk.told_ticket(call).await?.is_some() {
            return susulan::add(desk, call, dispatcher).await;
        }
        dispatcher.utter_response("utter_untuk_apa_nomor", JsonMap::new());
        return Ok(Vec::new());
    }
    tidak_paham::run(desk, call, dispatcher).await
}

/// Whether a text holds a telephone number, by its first digits.
fn is_phone(text: &str) -> bool {
    sapa_sdk::pii::mask(text).contains("[telepon]")
}

/// Whether somebody's number stands in a text.
pub(super) fn has_long_number(text: &str) -> bool {
    let mut runs = text.split(|c: char| !ascii_digit(c).is_ascii_digit());
    runs.any(|run| run.chars().count() >= LONG_NUMBER)
}

/// Whether the bot's last words before the message asked for a rating.
fn was_asked(events: &[Event]) -> bool {
    last_words(events).any(asks_for_rating)
}

fn asks_for_rating(event: &Event) -> bool {
    let EventBody::Bot { data, .. } = &event.body else { return false };
    let buttons = data.buttons.as_array().map(Vec::as_slice).unwrap_or_default();
    buttons.iter().any(|button| button["payload"].as_str().is_some_and(|payload| payload.starts_with("/beri_nilai")))
}

/// Whether the last question for a rating has had its answer.
fn is_answered(events: &[Event]) -> bool {
    let mut since_asked = before_last_message(events).iter().rev().take_while(|event| !asks_for_rating(event));
    since_asked.any(|event| matches!(&event.body, EventBody::Bot { text: Some(text), .. } if text.starts_with(THANKS)))
}

/// A number and nothing else: "3".
fn is_bare_number(text: &str) -> bool {
    !text.trim_start().starts_with('/') && text.split_whitespace().count() == 1 && rating(text).is_some()
}

/// Whether a message is a rating without being asked for one: a button's payload,
/// or hardly more than the number: "5", "3/5", "bintang 4", "saya beri nilai 5".
pub(super) fn speaks_of_rating(text: &str) -> bool {
    const ABOUT_RATING: [&str; 10] =
        ["nilai", "bintang", "rating", "skor", "poin", "kasih", "beri", "saya", "dari", "ya"];
    let lower = text.trim().to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let names_rating = ["nilai", "bintang", "rating", "skor"].iter().any(|word| lower.contains(word));
    lower.starts_with('/')
        || names_rating && rating(text).is_some()
        || words.all(|word| ABOUT_RATING.contains(&word) || rating(word).is_some())
}

/// Words for how pleased somebody is, the longer ones first.
const OPINIONS: [(&str, u8); 14] = [
    (" tidak puas ", 1),
    (" gak puas ", 1),
    (" kurang puas ", 2),
    (" cukup puas ", 4),
    (" sangat puas ", 5),
    (" puas banget ", 5),
    (" puas sekali ", 5),
    (" sangat baik ", 5),
    (" puas ", 4),
    (" bagus ", 4),
    (" cukup ", 3),
    (" jelek ", 1),
    (" buruk ", 1),
    (" mengecewakan ", 1),
];

/// A rating in words.
fn opinion(text: &str) -> Option<u8> {
    let words = words(text);
    OPINIONS.iter().find(|(opinion, _)| words.contains(opinion)).map(|(_, value)| *value)
}

/// The one number in the text if it is 1 to 5: `5`, `bintang 4`, `3/5`.
fn rating(text: &str) -> Option<u8> {
    const WORDS: [&str; 5] = ["satu", "dua", "tiga", "empat", "lima"];
    let text: String = text.chars().map(ascii_digit).collect::<String>().to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .find_map(|word| match word.parse::<u32>() {
            Ok(number) => Some(u8::try_from(number).unwrap_or(u8::MAX)),
            Err(_) => WORDS.iter().zip(1..).find_map(|(name, value)| (*name == word).then_some(value)),
        })
        .filter(|value| (1..=5).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_another_message_is_no_rating() {
        for text in
            ["5", "3/5", "bintang 4", "Saya kasih nilai 5", "/beri_nilai{\"nilai\":\"1\"}", "lima", "kasih nilai 4 deh"]
        {
            assert!(speaks_of_rating(text), "{text}");
        }
        for text in ["ada 2 laptop rusak", "surat nomor 123", "19860926201505100", "zzzz 123 kkk"] {
            assert!(!speaks_of_rating(text), "{text}");
        }
    }

    #[test]
    fn a_rating_is_one_to_five() {
        for (text, value) in [("5", 5), ("bintang 4", 4), ("３", 3), ("3/5", 3), ("lima", 5), ("1.", 1)] {
            assert_eq!(rating(text), Some(value), "{text}");
        }
        for (text, value) in [("sangat puas", 5), ("jelek sekali", 1), ("kurang puas kak", 2), ("puas", 4)] {
            assert_eq!(opinion(text), Some(value), "{text}");
        }
        for text in ["0", "6", "10", "-1x", "bagus", "", "99999999999"] {
            assert_eq!(rating(text), None, "{text}");
        }
    }
}
