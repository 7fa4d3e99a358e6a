//! Which application's password a person means.

use sapa_sdk::{Button, dispatcher::button};

use crate::conversation::words;

/// An application with an account of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Application {
    /// The local government's personnel system.
    Simasn,
    /// The e-mail address at work.
    Email,
    /// The national portals SIASN, MyASN, ASN Digital.
    Siasn,
    /// Official letters.
    Srikandi,
    /// Performance reports.
    Ekinerja,
    /// Anything else.
    Other,
}

/// Application, value of the slot, shown name, words for it.
type Row = (Application, &'static str, &'static str, &'static [&'static str]);

const APPLICATIONS: [Row; 6] = [
    (Application::Simasn, "simasn", "SIMASN", &["simasn", "sim asn", "simas n", "egov", "e gov"]),
    (
        Application::Email,
        "email",
        "Email dinas",
        &["email", "e mail", "imel", "surel", "webmail", "mail", "surat elektronik"],
    ),
    (
        Application::Siasn,
        "siasn",
        "SIASN/MyASN",
        &["siasn", "si asn", "myasn", "my asn", "asn digital", "asndigital", "sso bkn"],
    ),
    (Application::Srikandi, "srikandi", "SRIKANDI", &["srikandi"]),
    (Application::Ekinerja, "ekinerja", "e-Kinerja", &["ekinerja", "e kinerja", "kinerja", "skp"]),
    (Application::Other, "lainnya", "Lainnya", &["lainnya", "lain", "yang lain", "aplikasi lain"]),
];

/// The usual choices, in the order of the buttons.
const SHOWN: [Application; 4] = [Application::Simasn, Application::Email, Application::Siasn, Application::Other];

/// Shortest word in which one slip of the finger is forgiven.
const FORGIVEN_LENGTH: usize = 5;

impl Application {
    /// The application a text names; `None` when it names none, or several.
    pub(super) fn named_in(text: &str) -> Option<Self> {
        let text = words(text);
        let exact = |phrase: &str| text.contains(&format!(" {phrase} "));
        let close = |phrase: &str| phrase.len() >= FORGIVEN_LENGTH && text.split(' ').any(|word| is_slip(word, phrase));
        only(&exact).or_else(|| if any(&exact) { None } else { only(&close) })
    }

    /// The application that a choice such as `2` or "nomor 2" means, counted as the
    /// buttons are.
    pub(super) fn chosen_by(text: &str) -> Option<Self> {
        let text = words(text);
        let mut said = text.split_whitespace().filter(|word| !["yang", "yg", "nomor", "no", "pilih"].contains(word));
        let number: usize = said.next()?.parse().ok()?;
        if said.next().is_some() { None } else { SHOWN.get(number.checked_sub(1)?).copied() }
    }

    fn row(self) -> &'static Row {
        let [.., other] = &APPLICATIONS;
        APPLICATIONS.iter().find(|row| row.0 == self).unwrap_or(other)
    }

    /// The slot's value.
    pub(super) fn canonical(self) -> &'static str {
        self.row().1
    }

    /// The name as people know it.
    pub(super) fn title(self) -> &'static str {
        self.row().2
    }
}

/// The one application of which a phrase fits, if it is only one.
fn only(fits: &impl Fn(&str) -> bool) -> Option<Application> {
    let mut found = APPLICATIONS.iter().filter(|row| row.3.iter().any(|phrase| fits(phrase)));
    let first = found.next()?;
    found.next().is_none().then_some(first.0)
}

fn any(fits: &impl Fn(&str) -> bool) -> bool {
    APPLICATIONS.iter().any(|row| row.3.iter().any(|phrase| fits(phrase)))
}

fn is_slip(word: &str, phrase: &str) -> bool {
    word.chars().count() >= FORGIVEN_LENGTH && strsim::osa_distance(word, phrase) == 1
}

/// Buttons for the usual choices.
pub(super) fn choices() -> Vec<Button> {
    let payload = |value: &str| format!("/beri_aplikasi{}", serde_json::json!({ "aplikasi": value }));
    let mut buttons: Vec<Button> = SHOWN.map(|app| button(app.title(), payload(app.canonical()))).into();
    buttons.push(button("Hubungi petugas", "/hubungi_petugas"));
    buttons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_found_in_free_text_with_slips() {
        for (text, found) in [
            ("simasn", Some(Application::Simasn)),
            ("Password SIMASN dong", Some(Application::Simasn)),
            ("sim-asn", Some(Application::Simasn)),
            ("simasnn", Some(Application::Simasn)),
            ("password email dinas", Some(Application::Email)),
            ("e-mail kantor", Some(Application::Email)),
            ("MyASN", Some(Application::Siasn)),
            ("asn digital", Some(Application::Siasn)),
            ("srikandhi", Some(Application::Srikandi)),
            ("e-kinerja", Some(Application::Ekinerja)),
            ("lainnya", Some(Application::Other)),
            ("simasn atau email", None),
            ("yang itu", None),
            ("", None),
        ] {
            assert_eq!(Application::named_in(text), found, "{text}");
        }
    }

    #[test]
    fn a_choice_may_be_a_number() {
        assert_eq!(Application::chosen_by("2"), Some(Application::Email));
        assert_eq!(Application::chosen_by("yang nomor 1"), Some(Application::Simasn));
        for text in ["0", "5", "2 kali", "dua", ""] {
            assert_eq!(Application::chosen_by(text), None, "{text}");
        }
    }

    #[test]
    fn a_button_sends_the_value_of_the_slot() {
        let buttons = choices();
        let titles: Vec<&str> = buttons.iter().map(|button| button.title.as_str()).collect();
        assert_eq!(titles, ["SIMASN", "Email dinas", "SIASN/MyASN", "Lainnya", "Hubungi petugas"]);
        assert_eq!(buttons[0].payload, r#"/beri_aplikasi{"aplikasi":"simasn"}"#);
    }
}
