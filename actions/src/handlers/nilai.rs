//! `action_simpan_nilai`: keeps a rating from 1 to 5.

use sapa_sdk::{
    Dispatcher,
    dispatcher::button,
    number::ascii_digit,
    server::{ActionContext, ActionError, ActionFuture},
};

use crate::{
    Helpdesk,
    conversation::{entity, text},
    helpdesk::step_key,
};

pub(super) fn run<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        let given = entity(&call.request, "nilai").unwrap_or_else(|| text(&call.request).to_owned());
        let Some(value) = rating(&given) else {
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
        dispatcher.utter(if value >= 4 {
            "Terima kasih atas penilaian Anda. Senang bisa membantu!"
        } else {
            "Terima kasih atas penilaian Anda. Masukan ini membantu kami memperbaiki layanan."
        });
        Ok(Vec::new())
    })
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
    fn a_rating_is_one_to_five() {
        for (text, value) in [("5", 5), ("bintang 4", 4), ("３", 3), ("3/5", 3), ("lima", 5), ("1.", 1)] {
            assert_eq!(rating(text), Some(value), "{text}");
        }
        for text in ["0", "6", "10", "-1x", "bagus", "", "99999999999"] {
            assert_eq!(rating(text), None, "{text}");
        }
    }
}
