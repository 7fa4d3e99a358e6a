//! `validate_tte_form` and `validate_cek_tte_form`: a NIP or NIK, and whether
//! it was read right. Neither looks a number up: what they say depends on the
//! number's own digits only.

use sapa_sdk::{
    Date, Dispatcher, EventBody, Identity, JsonMap,
    form::{FormContext, FormValidator, REQUESTED_SLOT, validate_form},
    number::{Checked, IdentityKind, Refusal, Warning, normalise},
    server::{ActionContext, ActionFuture},
};
use serde_json::{Value, json};

use super::tries;
use crate::{
    Helpdesk,
    conversation::{DENIALS, DENYING, TRIES, before_last_message, value_text, words},
};

const NUMBER: &str = "nomor_identitas";
const CONFIRMED: &str = "konfirmasi_data";

/// The bot's question about a number that came without a request.
const PURPOSE: &str = "utter_untuk_apa_nomor";

pub(super) fn validate_tte<'a>(
    desk: &'a Helpdesk,
    call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move { Ok(validate_form(&TteForm { today: desk.today() }, &call.request, dispatcher)) })
}

pub(super) fn validate_cek_tte<'a>(
    desk: &'a Helpdesk,
    call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move { Ok(validate_form(&CheckForm { today: desk.today() }, &call.request, dispatcher)) })
}

/// Registration: the number, then its confirmation.
struct TteForm {
    today: Date,
}

impl FormValidator for TteForm {
    fn form(&self) -> &str {
        "tte_form"
    }

    fn default_slots(&self) -> &[&str] {
        &[NUMBER, CONFIRMED]
    }

    fn before(&self, context: &mut FormContext<'_>) -> Option<JsonMap> {
        let is_confirming = context.slot(REQUESTED_SLOT) == CONFIRMED;
        tries::cancelled(context, is_confirming)
            .or_else(|| begin(context, self.today, true))
            .or_else(|| if is_confirming { said_answer(context) } else { None })
    }

    fn validate(&self, slot: &str, value: &Value, context: &mut FormContext<'_>) -> Option<JsonMap> {
        match slot {
            NUMBER => number(value, context, self.today, true),
            CONFIRMED => confirmation(value, context),
            _ => None,
        }
    }
}

/// Status check: the number only.
struct CheckForm {
    today: Date,
}

impl FormValidator for CheckForm {
    fn form(&self) -> &str {
        "cek_tte_form"
    }

    fn default_slots(&self) -> &[&str] {
        &[NUMBER]
    }

    fn before(&self, context: &mut FormContext<'_>) -> Option<JsonMap> {
        tries::cancelled(context, false).or_else(|| begin(context, self.today, false))
    }

    fn validate(&self, slot: &str, value: &Value, context: &mut FormContext<'_>) -> Option<JsonMap> {
        if slot == NUMBER { number(value, context, self.today, false) } else { None }
    }
}

/// The slots of a form that begins. A number that came just before its purpose is
/// read now; one that an abandoned form left behind is not taken for granted.
/// `None`: the message itself brings a number.
fn begin(context: &mut FormContext<'_>, today: Date, aloud: bool) -> Option<JsonMap> {
    if !context.is_activation() || context.candidates.get(NUMBER).is_some_and(|value| is_said(value, context)) {
        return None;
    }
    if let Some(given) = number_without_purpose(context) {
        return number(&Value::from(given), context, today, aloud);
    }
    let is_left = |slot: &&str| context.candidates.contains_key(*slot) || !context.slot(slot).is_null();
    let left = [NUMBER, CONFIRMED].into_iter().filter(is_left);
    Some(left.map(|slot| (slot.to_owned(), Value::Null)).collect())
}

/// Whether a value is in the message, typed or in a button's payload.
fn is_said(value: &Value, context: &FormContext<'_>) -> bool {
    let given = normalise(&value_text(value));
    let entities = &context.request.tracker.latest_message.entities;
    !given.is_empty()
        && (normalise(context.text()).contains(&given)
            || entities.iter().any(|entity| normalise(&value_text(&entity.value)) == given))
}

/// The message before this one, when the bot asked what its number was for.
fn number_without_purpose(context: &FormContext<'_>) -> Option<String> {
    let before = before_last_message(context.request.tracker.events());
    let at = before.iter().rposition(|event| matches!(event.body, EventBody::User { .. }))?;
    let was_asked =
        before[at..].iter().any(|event| event.metadata.get("utter_action").is_some_and(|name| name == PURPOSE));
    match &before[at].body {
        EventBody::User { text: Some(text), .. } if was_asked => Some(text.clone()),
        _ => None,
    }
}

/// Keeps a valid number, digits only, or tells why it is not valid. With
/// `aloud`, says what the number means. A new number makes an earlier yes
/// worthless.
fn number(value: &Value, context: &mut FormContext<'_>, today: Date, aloud: bool) -> Option<JsonMap> {
    let given = value_text(value);
    match read(&given, context.text(), today) {
        Ok(read) => {
            if aloud {
                context.dispatcher.utter(reading(&read));
            }
            let mut values = JsonMap::from_iter([(NUMBER.to_owned(), Value::from(read.number.expose()))]);
            if aloud {
                values.insert(CONFIRMED.to_owned(), Value::Null);
            }
            if !context.slot(TRIES).is_null() {
                // A readable number ends the row of unusable ones.
                values.insert(TRIES.to_owned(), Value::Null);
            }
            Some(values)
        }
        Err(reason) => {
            context.dispatcher.utter(reason.explain());
            Some(tries::failed(context, TRIES, &[NUMBER]).1)
        }
    }
}

/// Reads the extracted value, or the number in the whole message when the
/// extracted one is only a piece of it: an extractor may have cut a number that
/// was typed with spaces, or taken 16 digits out of 18.
fn read(given: &str, message: &str, today: Date) -> Result<Checked<Identity>, Refusal> {
    // A button's payload is no message: only its value counts.
    let message = if message.trim_start().starts_with('/') { "" } else { message };
    let (piece, whole) = (normalise(given), normalise(message));
    let number = if whole.contains(&piece) { whole } else { piece };
    match (Identity::read(&number, today), announced(message), number.chars().count()) {
        // "NIP saya" and 16 digits that are no NIK either: a shortened NIP.
        (Err(_), Some(IdentityKind::Nip), 16) => Err(Refusal::LooksLikeNik),
        (Err(_), Some(IdentityKind::Nik), 18) => Err(Refusal::LooksLikeNip),
        (read, ..) => read,
    }
}

/// Which number the message says it contains; `None` when it names both or
/// none.
fn announced(message: &str) -> Option<IdentityKind> {
    let words = words(message);
    match (words.contains(" nip "), words.contains(" nik ")) {
        (true, false) => Some(IdentityKind::Nip),
        (false, true) => Some(IdentityKind::Nik),
        _ => None,
    }
}

/// What the number says, so that a typo shows.
fn reading(read: &Checked<Identity>) -> String {
    let kind = match read.number.kind() {
        IdentityKind::Nip => "NIP",
        IdentityKind::NiPppk => "NI PPPK",
        IdentityKind::Nik => "NIK",
    };
    let mut text = format!("Kami membaca {kind} Anda sebagai: {}.", read.number.describe());
    if !read.warnings.is_empty() {
        let remarks: Vec<&str> = read.warnings.iter().map(Warning::explain).collect();
        text.push_str(&format!(" Catatan: {}.", remarks.join("; ")));
    }
    text
}

/// Yes keeps it; no empties the number and counts as a failed try.
fn confirmation(value: &Value, context: &mut FormContext<'_>) -> Option<JsonMap> {
    // Asked only after the number: a yes that came together with a number (or
    // was left over) cannot mean what has just been read.
    if context.candidates.contains_key(NUMBER) {
        return Some(JsonMap::from_iter([(CONFIRMED.to_owned(), Value::Null)]));
    }
    if is_unclear(context.text()) {
        context
            .dispatcher
            .utter("Supaya tidak keliru, mohon jawab dengan tombol: Ya bila datanya benar, Tidak bila ada yang salah.");
        return Some(JsonMap::from_iter([(CONFIRMED.to_owned(), Value::Null)]));
    }
    match yes_or_no(value) {
        Some(true) => json!({ CONFIRMED: true }).as_object().cloned(),
        Some(false) => {
            let (count, values) = tries::failed(context, DENIALS, &[NUMBER, CONFIRMED]);
            if count < tries::MAX_TRIES {
                context.dispatcher.utter("Baik, kita ulangi, ya. Silakan kirim lagi nomor Anda yang benar.");
            }
            Some(values)
        }
        None => Some(JsonMap::from_iter([(CONFIRMED.to_owned(), Value::Null)])),
    }
}

/// An answer to the confirmation that was understood as something else: "ya, sudah
/// benar, terima kasih", "ubah nomornya".
fn said_answer(context: &mut FormContext<'_>) -> Option<JsonMap> {
    if !context.candidates.is_empty() || is_unclear(context.text()) {
        return None;
    }
    let words = words(context.text());
    if CHANGES.iter().any(|change| words.contains(change)) {
        return confirmation(&Value::Bool(false), context);
    }
    let bare = |answers: &[&str]| {
        let mut said = words.split_whitespace();
        said.next().is_some_and(|first| answers.contains(&first)) && said.all(|word| COURTESIES.contains(&word))
    };
    if bare(&["sudah", "udah", "sdh", "udh"]) {
        return confirmation(&Value::Bool(true), context);
    }
    if bare(&["belum", "blm", "belom"]) {
        return confirmation(&Value::Bool(false), context);
    }
    let first = words.split_whitespace().next()?;
    let is_short = words.split_whitespace().count() <= MOST_WORDS_OF_AN_ANSWER;
    if is_short && AGREEING.contains(&first) { confirmation(&Value::Bool(true), context) } else { None }
}

/// Wishes for another number.
const CHANGES: [&str; 13] = [
    " ubah nomor",
    " ganti nomor",
    " ubah nip",
    " ganti nip",
    " ubah nik",
    " ganti nik",
    " ralat ",
    " koreksi ",
    " salah nomor",
    " salah nip",
    " nip saya salah",
    " nik saya salah",
    " salah ketik",
];

/// What may follow a bare "sudah" or "belum".
const COURTESIES: [&str; 10] = ["pak", "bu", "kak", "min", "mas", "mbak", "oke", "ok", "ya", "kok"];

/// First words of a yes that goes on.
const AGREEING: [&str; 10] = ["ya", "iya", "yaa", "iyaa", "yap", "benar", "betul", "bener", "oke", "sip"];

/// A longer message says more than yes.
const MOST_WORDS_OF_AN_ANSWER: usize = 8;

/// Words that make a question, a delay or a doubt of what looks like an answer.
const DOUBTS: [&str; 12] = [
    " apakah ",
    " apa ",
    " belum ya ",
    " belum sih ",
    " sebentar ",
    " bentar ",
    " bntr ",
    " tunggu ",
    " nanti ",
    " ntar ",
    " mungkin ",
    " kayaknya ",
];

/// What is denied in "tidak ada yang salah": that means yes, and has the words of a
/// no.
const FAULTS: [&str; 4] = ["salah", "keliru", "masalah", "kesalahan"];

/// Whether a text can be read both ways: what follows a yes is a ticket, so it is
/// asked again. A button's payload is clear.
fn is_unclear(text: &str) -> bool {
    if text.trim_start().starts_with('/') {
        return false;
    }
    let words = words(text);
    let is_no_fault = |part: &str| {
        let mut said = part.split_whitespace().skip_while(|word| !DENYING.contains(word)).skip(1);
        said.find(|word| !["ada", "yang", "yg", "kok", "sih"].contains(word)).is_some_and(|word| FAULTS.contains(&word))
    };
    text.contains('?')
        || DOUBTS.iter().any(|doubt| words.contains(doubt))
        // A comma parts a no from what is wrong: "tidak, salah".
        || text.to_lowercase().split([',', '.', ';']).any(is_no_fault)
}

fn yes_or_no(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(answer) => Some(*answer),
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "ya" | "iya" | "benar" | "betul" | "sudah" | "true" => Some(true),
            "tidak" | "bukan" | "salah" | "belum" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_unclear;

    #[test]
    fn a_question_a_delay_and_a_denied_fault_are_no_answer() {
        for text in [
            "apakah sudah benar?",
            "apakah sudah benar",
            "itu benar punya saya?",
            "sudah benar belum ya",
            "oke sebentar",
            "tidak ada yang salah",
            "ga salah kok",
            "ngga ada masalah, lanjut",
        ] {
            assert!(is_unclear(text), "{text}");
        }
        for text in ["ya", "benar", "tidak, salah nipnya", "tidak", "bukan", "salah", "iya betul", "belum benar", "/ya"]
        {
            assert!(!is_unclear(text), "{text}");
        }
    }
}
