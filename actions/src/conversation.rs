//! Small questions to a request: what was said, meant and found.

use sapa_sdk::{ActionRequest, Event, EventBody, TrackerState, dispatcher::set_slot, pii::mask};
use serde_json::Value;

use crate::Filed;

/// How a form ended when it was not filled.
pub(crate) mod outcome {
    /// Slot that holds it.
    pub(crate) const SLOT: &str = "hasil_form";
    /// Too many failed tries: a person takes over.
    pub(crate) const GAVE_UP: &str = "menyerah";
    /// The user does not want to go on.
    pub(crate) const CANCELLED: &str = "batal";
}

/// Slot that counts answers in a row that could not be used.
pub(crate) const TRIES: &str = "percobaan";

/// Slot that counts how often the reading of a number was denied.
pub(crate) const DENIALS: &str = "penolakan";

/// Ways of calling something off besides words that begin with "batal".
const CANCEL_PHRASES: [&str; 13] = [
    "nggak jadi",
    "ngga jadi",
    "enggak jadi",
    "gak jadi",
    "ga jadi",
    "gk jadi",
    "tidak jadi",
    "tdk jadi",
    "ndak jadi",
    "gajadi",
    "ora sido",
    "urungkan",
    "cancel",
];

/// Ways of not wanting to go on, where nothing was asked that a no would answer.
const UNWILLING_PHRASES: [&str; 21] = [
    "tidak mau",
    "gak mau",
    "ga mau",
    "nggak mau",
    "tidak usah",
    "gak usah",
    "ga usah",
    "nggak usah",
    "tidak perlu",
    "gak perlu",
    "ga perlu",
    "nanti aja",
    "nanti saja",
    "lain kali",
    "besok aja",
    "besok saja",
    "sudahlah",
    "udahlah",
    "males",
    "malas",
    "ogah",
];

/// Words that deny what follows.
pub(crate) const DENYING: [&str; 12] =
    ["tidak", "tdk", "tak", "ga", "gak", "gk", "nggak", "ngga", "enggak", "ndak", "bukan", "jangan"];

/// How far in front of a word it may be denied: "tidak mau ikut batal".
const DENIAL_REACH: usize = 3;

/// Text of the last message; empty when there is none.
pub(crate) fn text(request: &ActionRequest) -> &str {
    request.tracker.latest_message.text.as_deref().unwrap_or_default()
}

/// Text of the last message for a summary: a button's payload says nothing.
pub(crate) fn spoken_text(request: &ActionRequest) -> &str {
    let text = text(request).trim();
    if text.starts_with('/') { "" } else { text }
}

/// The last message's intent; empty when none was found.
pub(crate) fn intent(request: &ActionRequest) -> &str {
    request.tracker.latest_message.intent.name.as_deref().unwrap_or_default()
}

/// The last value of an entity of the last message.
pub(crate) fn entity(request: &ActionRequest, name: &str) -> Option<String> {
    let found = request.tracker.latest_message.entities.iter().rev().find(|entity| entity.entity == name)?;
    Some(value_text(&found.value)).filter(|text| !text.is_empty())
}

/// A slot or entity value as text: a payload may carry a number.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Lower-case words of a text, one space before, between and after.
pub(crate) fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!(" {} ", words.join(" "))
}

/// Whether the user calls off what is going on.
pub(crate) fn is_cancel(text: &str) -> bool {
    // A comma parts a no from what follows: "tidak, batal saja".
    text.split([',', '.', ';', '!']).any(is_cancelling)
}

/// Whether the user does not want what is being asked for. `with_bare_no`: a mere no
/// says so as well.
pub(crate) fn is_unwilling(text: &str, with_bare_no: bool) -> bool {
    let words = words(text);
    let denied = words.split_whitespace().all(|word| DENYING.contains(&word) || ["deh", "ah", "kak"].contains(&word));
    with_bare_no && denied && !words.trim().is_empty()
        || UNWILLING_PHRASES.iter().any(|phrase| words.contains(&format!(" {phrase} "))) && !words.contains(" batal")
}

fn is_cancelling(part: &str) -> bool {
    let words = words(part);
    let list: Vec<&str> = words.split_whitespace().collect();
    let says = |word: &str| ["batal", "dibatal", "membatal"].iter().any(|start| word.starts_with(start));
    if let Some(at) = list.iter().position(|word| says(word)) {
        return !list[at.saturating_sub(DENIAL_REACH)..at].iter().any(|word| DENYING.contains(word));
    }
    let phrase = CANCEL_PHRASES.iter().any(|phrase| words.contains(&format!(" {phrase} ")));
    phrase && !list.contains(&"jangan")
}

/// The events up to the last message.
pub(crate) fn before_last_message(events: &[Event]) -> &[Event] {
    let last = events.iter().rposition(|event| matches!(event.body, EventBody::User { .. })).unwrap_or(0);
    &events[..last]
}

/// How the form that was run last ended, when it was not filled. What an earlier
/// form left in the slot, say because its last action could not be reached, does not
/// count.
pub(crate) fn form_outcome(tracker: &TrackerState) -> Option<&str> {
    tracker.slot_text(outcome::SLOT).filter(|_| is_of_this_form(tracker.events(), outcome::SLOT))
}

/// Whether a slot was set since the form began, rather than left by an earlier one.
pub(crate) fn is_of_this_form(events: &[Event], slot: &str) -> bool {
    let last = events.iter().rev().find_map(|event| match &event.body {
        EventBody::Slot { name, .. } if name == slot => Some(true),
        EventBody::ActiveLoop { name: Some(_) } => Some(false),
        _ => None,
    });
    last.unwrap_or(true)
}

/// Events that empty these slots.
pub(crate) fn clear(slots: &[&str]) -> Vec<Event> {
    slots.iter().map(|slot| set_slot(*slot, Value::Null)).collect()
}

/// The sentence that tells a ticket's number.
pub(crate) fn ticket_sentence(filed: &Filed) -> String {
    let number = &filed.number;
    if filed.is_new {
        new_ticket_sentence(number)
    } else {
        format!(
            "Nomor tiket Anda tetap {number}; keterangan ini kami tambahkan di sana. Petugas akan menindaklanjutinya pada \
             jam layanan."
        )
    }
}

/// The same for a ticket that was made just now.
pub(crate) fn new_ticket_sentence(number: &str) -> String {
    format!(
        "Nomor tiket Anda: {number}. Petugas akan menindaklanjutinya pada jam layanan. Silakan simpan nomor ini, ya."
    )
}

/// The ticket number that the bot named last.
pub(crate) fn last_told_number(events: &[Event]) -> Option<String> {
    events.iter().rev().find_map(|event| match &event.body {
        EventBody::Bot { text: Some(text), .. } => told_number(text),
        _ => None,
    })
}

/// The ticket number in a text of the bot, when it tells of one ticket.
fn told_number(text: &str) -> Option<String> {
    let mut found = text.match_indices("HD-").filter_map(|(at, _)| text.get(at..at + TICKET_NUMBER_LENGTH));
    let first = found.next()?;
    found.next().is_none().then(|| first.to_owned())
}

/// `HD-YYYY-NNNNNN`.
const TICKET_NUMBER_LENGTH: usize = 14;

/// What the bot said between the last two messages of the user.
pub(crate) fn last_words(events: &[Event]) -> impl Iterator<Item = &Event> {
    let before = before_last_message(events).iter().rev();
    before.take_while(|event| !matches!(event.body, EventBody::User { .. }))
}

/// Whether the bot named that ticket right before the last message.
pub(crate) fn just_told(events: &[Event], number: &str) -> bool {
    last_words(events).any(|event| {
        matches!(&event.body, EventBody::Bot { text: Some(text), .. } if told_number(text).as_deref() == Some(number))
    })
}

/// Whether the last message gives a password or a code away. A button's payload
/// does not.
pub(crate) fn reveals_secret(request: &ActionRequest) -> bool {
    let said = spoken_text(request);
    let masked = mask(said);
    ["[sandi]", "[kode]"].iter().any(|label| masked.contains(label) && !said.contains(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_does_not_want_is_told_from_whoever_cannot() {
        for text in ["tidak", "gak deh", "jangan", "ga mau ah", "nanti aja ya", "tidak usah, makasih"] {
            assert!(is_unwilling(text, true), "{text}");
        }
        for text in ["", "tidak tahu", "gak punya nip", "198609262015051001", "saya tidak mau batal", "bukan pegawai"] {
            assert!(!is_unwilling(text, true), "{text}");
        }
    }

    #[test]
    fn a_mere_no_is_an_answer_where_one_was_asked() {
        assert!(!is_unwilling("tidak", false));
        assert!(is_unwilling("tidak usah", false));
    }

    #[test]
    fn calling_off_is_understood_and_a_plain_no_is_not_calling_off() {
        for text in [
            "batal",
            "Batalkan saja",
            "nggak jadi",
            "ga jadi daftar",
            "/batal",
            "tidak jadi, terima kasih",
            "gak jadi deh",
            "tidak, batalkan saja",
        ] {
            assert!(is_cancel(text), "{text}");
        }
        for text in [
            "tidak",
            "bukan",
            "198609262015051001",
            "jangan dibatalkan",
            "jadi begini",
            "",
            "sabatalion",
            "saya tidak mau batal",
            "ga mau dibatalin",
            "ga jadi batal",
            "tolong jangan dibatalkan dulu",
        ] {
            assert!(!is_cancel(text), "{text}");
        }
    }
}
