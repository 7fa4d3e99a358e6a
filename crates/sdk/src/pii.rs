//! Masking of personal data and secrets in free text. Every log line and every
//! stored summary goes through [`mask`].

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

use crate::number::ascii_digit;

/// What may stand between the digits of one number.
const SEPARATORS: &str = r"[\s.\-_/()\u{2010}-\u{2015}\u{2212}\u{200b}-\u{200f}\u{2060}\u{feff}]";

/// Words for a password, as people write them.
const PASSWORD_WORD: &str = r"(?:pas{1,2}w[or]{0,4}ds?|paswor|passphrase|pass|pwd?|kata\s*sandi|katasandi|sandi)";

/// A password with what announces it; the rest of the line is taken for the
/// password, as it may contain spaces.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b({PASSWORD_WORD}(?:nya)?(?:[ \t]+[\w-]+){{0,3}}?[ \t]*(?:[:=]|\b(?:adalah|yaitu)\b)[ \t]*)\S[^\r\n]*"
    ))
});

/// What looks like a password some words behind a word for one: letters and digits
/// mixed, or a sign within.
static BARE_PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b({PASSWORD_WORD}(?:nya|ku|mu|ne|na|e)?(?:[ \t]+[a-z-]+){{0,6}}?[ \t]+)([a-z]\S*\d\S*|\d\S*[a-z]\S*|\w+[!@#$%^&*]\S*)"
    ))
});

/// A one-time code of 4 to 8 digits after a word for it.
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b((?:otp|kode|code|pin|token)(?:nya)?(?:[ \t]+(?:otp|verifikasi|akses|rahasia|masuk|login|saya|aku|ini|itu|adalah|is|yang|masuk|yaitu|dari|sms|wa|nya))*[ \t]*[:=#]?[ \t]*)\d(?:[ \t.\-]?\d){3,7}\b",
    )
});

/// Six digits some other words behind a word for a code.
static FAR_CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b((?:otp|kode|code|pin|token)(?:nya)?(?:[ \t]+[a-z]+){1,5}?[ \t]*[:=#]?[ \t]*)\d{6}\b")
});

/// Six digits before a word for a code.
static CODE_BEFORE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b\d{6}([ \t]+(?:(?:itu|ini|adalah|is)[ \t]+)?(?:kode|otp|pin)(?:nya)?)\b"));

/// Words that make a number behind `kode` no secret.
const OPEN_CODES: [&str; 5] = ["error", "eror", "galat", "pos", "unit"];

/// Secrets of programs: a bot's token, a query's, a header's.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"\d{8,10}:[A-Za-z0-9_-]{30,}|(?i)([?&](?:[a-z]+[_-])?(?:token|key|secret)=|\bbearer[ \t]+)[^\s&"'<>]+"#)
});

static EMAIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*"));

/// A ticket number or a program's own id in hex, which are kept, or a run of
/// nine digits or more.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(r"\bHD-\d{{4}}-\d{{6}}\b|\b[0-9a-f]{{32,64}}\b|\+?\d(?:{SEPARATORS}{{0,3}}\d){{8,}}"))
});

/// One of the patterns above; each is compiled by the tests.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file is valid")
}

/// Replaces NIP, NIK, phone numbers, e-mail addresses, other runs of nine
/// digits or more, one-time codes, passwords and programs' tokens by `[nip]`, `[nik]`,
/// `[telepon]`, `[email]`, `[nomor]`, `[kode]`, `[sandi]` and `[token]`. Ticket
/// numbers (`HD-2026-000123`) stay.
pub fn mask(text: &str) -> String {
    let text = TOKEN.replace_all(text, "${1}[token]");
    let text = PASSWORD.replace_all(&text, "${1}[sandi]");
    let text = BARE_PASSWORD.replace_all(&text, |found: &Captures<'_>| bare_password(found));
    let text = EMAIL.replace_all(&text, "[email]");
    let text = NUMBER.replace_all(&text, |found: &Captures<'_>| number_label(&found[0]));
    let text = CODE.replace_all(&text, "${1}[kode]");
    let text = CODE_BEFORE.replace_all(&text, "[kode]${1}");
    FAR_CODE.replace_all(&text, |found: &Captures<'_>| far_code(found)).into_owned()
}

fn far_code(found: &Captures<'_>) -> String {
    let is_open = found[1].split_whitespace().any(|word| OPEN_CODES.contains(&word.to_lowercase().as_str()));
    if is_open { found[0].to_owned() } else { format!("{}[kode]", &found[1]) }
}

/// Telephone numbers and e-mail addresses in a text, as they were written, each once:
/// what an officer needs to call somebody back.
pub fn contacts(text: &str) -> Vec<String> {
    let numbers = NUMBER.find_iter(text).filter(|found| number_label(found.as_str()) == "[telepon]");
    let mut found: Vec<(usize, &str)> =
        numbers.chain(EMAIL.find_iter(text)).map(|found| (found.start(), found.as_str())).collect();
    found.sort_unstable();
    let mut contacts: Vec<String> = Vec::new();
    for (_, contact) in found {
        if !contacts.iter().any(|known| known == contact) {
            contacts.push(contact.to_owned());
        }
    }
    contacts
}

/// Ticket numbers and addresses are no passwords.
fn bare_password(found: &Captures<'_>) -> String {
    let is_known = found[2].starts_with("HD-") || found[2].contains("://") || found[2].contains('@');
    if is_known { found[0].to_owned() } else { format!("{}[sandi]", &found[1]) }
}

fn number_label(found: &str) -> Cow<'static, str> {
    let is_hex_id = found.len() >= 32 && found.bytes().any(|b| b.is_ascii_lowercase());
    if found.starts_with("HD-") || is_hex_id {
        return Cow::Owned(found.to_owned());
    }
    let digits: String = found.chars().map(ascii_digit).filter(|c| c.is_numeric()).collect();
    Cow::Borrowed(match digits.len() {
        18 => "[nip]",
        16 => "[nik]",
        9..=15 if found.starts_with('+') || digits.starts_with("62") || digits.starts_with('0') => "[telepon]",
        _ => "[nomor]",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_replaced_by_its_kind() {
        for (text, masked) in [
            ("NIP 198609262015051001 ya", "NIP [nip] ya"),
            ("nip saya 19860926 201505 1 001.", "nip saya [nip]."),
            ("1986.0926–201505-1-001", "[nip]"),
            ("nik: 3603124107900001", "nik: [nik]"),
            ("id 093fbba1527650123456789012345677", "id 093fbba1527650123456789012345677"),
            ("id 11112222333344445555666677778888", "id [nomor]"),
            ("nik ٣٦٠٣١٢٤١٠٧٩٠٠٠٠١", "nik [nik]"),
            ("wa 0812-0000-0999", "wa [telepon]"),
            ("hubungi +62 812 0000 0999 saja", "hubungi [telepon] saja"),
            ("kantor (021) 555-01234", "kantor ([telepon]"),
            ("nip lama 131110468", "nip lama [nomor]"),
            ("rekening 5550 1234 567 8", "rekening [nomor]"),
            ("surat ke contoh.satu@contoh.go.id, ya", "surat ke [email], ya"),
            ("kode OTP saya 123456", "kode OTP saya [kode]"),
            ("otp: 12 34 56", "otp: [kode]"),
            ("kodenya 9921", "kodenya [kode]"),
            ("password: rahasia 123 sekali", "password: [sandi]"),
            ("kata sandi saya = Abc#1", "kata sandi saya = [sandi]"),
            ("sandinya adalah melati7\nterima kasih", "sandinya adalah [sandi]\nterima kasih"),
            ("passphrase TTE: kucing hitam", "passphrase TTE: [sandi]"),
            ("mau petugas, password saya Budi1985!", "mau petugas, password saya [sandi]"),
            ("password wifi kami kucing123 mati", "password wifi kami [sandi] mati"),
            ("gagal, sandi Budi1985 tidak diterima", "gagal, sandi [sandi] tidak diterima"),
            ("user budi pass b#di login", "user budi pass [sandi] login"),
            ("pasword akun simasn saya itu Abc123! ya", "pasword akun simasn saya itu [sandi] ya"),
            ("paswod saya Abc123!", "paswod saya [sandi]"),
            ("kode masuk simasn 123456", "kode masuk simasn [kode]"),
            ("kode verifikasi tte saya 123456", "kode verifikasi tte saya [kode]"),
            ("123456 itu kodenya", "[kode] itu kodenya"),
            ("GET /conversations?token=rahasia99&x=1", "GET /conversations?token=[token]&x=1"),
            ("Authorization: Bearer eyJhbGciOi.J9.abc", "Authorization: Bearer [token]"),
        ] {
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "lupa password simasn",
            "lupa password tiket HD-2026-000123",
            "kata sandi minimal 12 karakter",
            "password email dinas saya lupa, reset 2 kali",
            "tiket HD-2026-000123 bagaimana?",
            "jam layanan 08.00-16.00",
            "kode pos belum ada",
            "kode error 500123 muncul di simasn",
            "kode pos kantor 401234",
            "SIMASN passing grade 2026",
            "listening on 127.0.0.1:5055",
            "2026-11-23T03:05:01.123456Z  INFO siap",
            "lantai 3 ruang 12",
            "",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn contacts_are_found_and_nothing_else() {
        let text = "wa 0812-0000-0999 atau warga@contoh.go.id, nip 198609262015051001, HD-2026-000001, 0812-0000-0999";
        assert_eq!(contacts(text), ["0812-0000-0999", "warga@contoh.go.id"]);
        assert_eq!(contacts("nik 3603124107900001 kode 123456"), Vec::<String>::new());
    }

    #[test]
    fn no_half_of_a_bot_token_is_left() {
        // Put together here: the text as a whole would look like a leaked one.
        let token = format!("123456789:{}", "AbC-_9".repeat(6));
        assert_eq!(mask(&format!("https://telegram/bot{token}/getMe")), "https://telegram/bot[token]/getMe");
    }

    #[test]
    fn masking_twice_changes_nothing_more() {
        let once = mask("nip 198609262015051001 sandi: abc kode 1234 a@b.id 081200000999");
        assert_eq!(mask(&once), once);
    }
}
