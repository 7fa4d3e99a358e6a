//! The validation of the three forms.

use serde_json::{Value, json};

use crate::support::{Call, Desk, call};

const NIP: &str = "198609262015051001";

/// An answer to the form's question for a number.
fn number(form: &str, text: &str, tries: Option<f64>) -> Call {
    call(form)
        .says(text, "beri_nip")
        .slot("requested_slot", "nomor_identitas")
        .slot("percobaan", tries.map_or(Value::Null, Value::from))
        .event(json!({"event": "action", "timestamp": 1.0, "name": "tte_form"}))
        .candidate("nomor_identitas", text)
}

#[tokio::test]
async fn a_valid_number_is_kept_as_digits_and_read_aloud() {
    let desk = Desk::start().await;
    let answer = desk.run(number("validate_tte_form", "NIP saya 19860926 201505 1 001", None)).await;
    assert_eq!(answer.slots["nomor_identitas"], NIP);
    assert_eq!(answer.slots["konfirmasi_data"], Value::Null);
    assert_eq!(answer.texts, ["Kami membaca NIP Anda sebagai: lahir 26 September 1986, laki-laki, TMT Mei 2015, PNS."]);
    // Nobody's name, even when the number is in the file of known people.
    let known = desk.run(number("validate_tte_form", "198503152010011999", None)).await;
    assert!(!known.text().contains("Contoh"), "{}", known.text());
    let unknown_region = desk.run(number("validate_tte_form", "9901010107900001", None)).await;
    assert!(unknown_region.text().contains("Catatan: kode wilayahnya"), "{}", unknown_region.text());
}

#[tokio::test]
async fn the_status_form_accepts_a_number_without_a_word() {
    let desk = Desk::start().await;
    let answer = desk.run(number("validate_cek_tte_form", "nik 3603124107900001", None)).await;
    assert_eq!(answer.slots["nomor_identitas"], "3603124107900001");
    assert!(answer.texts.is_empty());
}

#[tokio::test]
async fn every_refusal_says_why_and_empties_the_slot() {
    let desk = Desk::start().await;
    for (text, reason) in [
        ("19860926201505100", "17 digit"),
        ("0812-0000-0999", "nomor HP"),
        ("131110468", "NIP lama"),
        ("198602302015051001", "tidak ada di kalender"),
        ("NIP 1986092620150510", "itu panjang NIK"),
        ("nik saya 198602302015051001", "berbentuk NIP"),
        ("1986o9262015051001", "Ada huruf"),
        ("198609262015053001", "Digit ke-15"),
        ("yang mana ya", "belum menemukan nomor"),
    ] {
        for form in ["validate_tte_form", "validate_cek_tte_form"] {
            let answer = desk.run(number(form, text, None)).await;
            assert!(answer.text().contains(reason), "{text}: {}", answer.text());
            assert_eq!(answer.slots["nomor_identitas"], Value::Null, "{text}");
            assert_eq!(answer.slots["percobaan"], json!(1.0), "{text}");
            assert!(!answer.slots.contains_key("requested_slot"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_piece_of_a_number_that_an_extractor_cut_out_is_not_believed() {
    let desk = Desk::start().await;
    let cut = |piece: &str, text: &str| number("validate_tte_form", text, None).candidate("nomor_identitas", piece);
    let answer = desk.run(cut("19860926", "nip 19860926 201505 1 001")).await;
    assert_eq!(answer.slots["nomor_identitas"], NIP);
    let answer = desk.run(cut("3603124107900001", "36031241079000012")).await;
    assert_eq!(answer.slots["nomor_identitas"], Value::Null);
    assert!(answer.text().contains("17 digit"));
    // A payload may carry the number as a number.
    let payload = number("validate_cek_tte_form", "", None).candidate("nomor_identitas", 198609262015051001_u64);
    assert_eq!(desk.run(payload).await.slots["nomor_identitas"], NIP);
}

#[tokio::test]
async fn a_button_with_the_number_in_its_payload_gives_the_number() {
    let desk = Desk::start().await;
    let payload = format!("/daftar_tte{{\"nip\":\"{NIP}\"}}");
    let answer =
        desk.run(call("validate_tte_form").says(&payload, "daftar_tte").candidate("nomor_identitas", NIP)).await;
    assert_eq!(answer.slots["nomor_identitas"], NIP);
}

#[tokio::test]
async fn the_third_failed_try_in_a_row_leaves_the_form_for_a_person() {
    let desk = Desk::start().await;
    let readable = desk.run(number("validate_tte_form", NIP, Some(2.0))).await;
    assert_eq!(readable.slots["percobaan"], Value::Null, "a readable number ends the row");
    let second = desk.run(number("validate_tte_form", "123", Some(1.0))).await;
    assert_eq!(second.slots["percobaan"], json!(2.0));
    assert!(!second.slots.contains_key("hasil_form"));
    let third = desk.run(number("validate_tte_form", "123", Some(2.0))).await;
    assert_eq!(third.slots["requested_slot"], Value::Null);
    assert_eq!(third.slots["hasil_form"], "menyerah");
    assert_eq!(third.slots["nomor_identitas"], Value::Null);
}

#[tokio::test]
async fn calling_off_leaves_the_form_and_the_number_is_not_kept() {
    let desk = Desk::start().await;
    for text in ["batal", "ga jadi daftar", "nggak jadi deh"] {
        let answer = desk.run(number("validate_tte_form", text, Some(1.0))).await;
        assert_eq!(answer.slots["hasil_form"], "batal", "{text}");
        assert_eq!(answer.slots["requested_slot"], Value::Null);
        assert_eq!(answer.slots["nomor_identitas"], Value::Null);
        assert!(answer.texts.is_empty());
    }
    // Nothing was extracted, and the form still ends.
    let bare = call("validate_tte_form").says("batal", "batal").slot("requested_slot", "konfirmasi_data");
    assert_eq!(desk.run(bare).await.slots["hasil_form"], "batal");
}

#[tokio::test]
async fn a_number_that_came_before_its_purpose_is_not_asked_for_again() {
    let desk = Desk::start().await;
    let user = |time: f64, text: &str| json!({"event": "user", "timestamp": time, "text": text, "parse_data": {}});
    let asked =
        json!({"event": "bot", "timestamp": 2.0, "text": "?", "metadata": {"utter_action": "utter_untuk_apa_nomor"}});
    let start = |form: &str| {
        let call = call(form).says("daftar tte", "daftar_tte").event(user(1.0, &format!("nip saya {NIP}")));
        call.event(asked.clone()).event(user(3.0, "daftar tte"))
    };
    let answer = desk.run(start("validate_tte_form")).await;
    assert_eq!(answer.slots["nomor_identitas"], NIP);
    assert!(answer.text().starts_with("Kami membaca NIP"));
    assert_eq!(desk.run(start("validate_cek_tte_form")).await.slots["nomor_identitas"], NIP);
    // What an abandoned form left behind is not taken for granted.
    let left = call("validate_tte_form").says("daftar tte", "daftar_tte").slot("konfirmasi_data", true);
    let answer = desk.run(left.candidate("nomor_identitas", NIP).candidate("konfirmasi_data", true)).await;
    assert_eq!((&answer.slots["nomor_identitas"], &answer.slots["konfirmasi_data"]), (&Value::Null, &Value::Null));
    assert!(answer.texts.is_empty());
}

#[tokio::test]
async fn a_yes_with_thanks_confirms_and_a_wish_to_change_asks_again() {
    let desk = Desk::start().await;
    let says = |text: &str| {
        call("validate_tte_form")
            .says(text, "terima_kasih")
            .slot("requested_slot", "konfirmasi_data")
            .slot("nomor_identitas", NIP)
    };
    for text in ["Ya, sudah benar. Terima kasih", "sudah", "udah pak"] {
        assert_eq!(desk.run(says(text)).await.slots["konfirmasi_data"], true, "{text}");
    }
    for text in ["belum", "eh salah nip nya"] {
        assert!(desk.run(says(text)).await.text().contains("kita ulangi"), "{text}");
    }
    let change = desk.run(says("ubah nomor saja")).await;
    assert_eq!(change.slots["nomor_identitas"], Value::Null);
    assert!(change.text().contains("kita ulangi"));
    for text in ["terima kasih", "ya nanti saja", "ya ampun jam layanan sampai kapan ya pak mohon infonya dong"] {
        assert!(!desk.run(says(text)).await.slots.contains_key("nomor_identitas"), "{text}");
        assert_ne!(desk.run(says(text)).await.slots.get("konfirmasi_data"), Some(&json!(true)), "{text}");
    }
}

#[tokio::test]
async fn a_no_at_the_number_leaves_and_at_the_confirmation_asks_again() {
    let desk = Desk::start().await;
    for (text, leaves) in [("tidak", true), ("gak usah deh", true), ("tidak tahu", false)] {
        let call = call("validate_tte_form").says(text, "tidak").slot("requested_slot", "nomor_identitas");
        let answer = desk.run(call.candidate("nomor_identitas", text)).await;
        assert_eq!(answer.slots.get("hasil_form") == Some(&json!("batal")), leaves, "{text}");
    }
    let call = call("validate_tte_form").says("tidak", "tidak").slot("requested_slot", "konfirmasi_data");
    assert!(desk.run(call.candidate("konfirmasi_data", false)).await.text().contains("kita ulangi"));
}

#[tokio::test]
async fn activation_neither_counts_the_request_as_a_try_nor_cancels() {
    let desk = Desk::start().await;
    let start = |text: &str| call("validate_tte_form").says(text, "daftar_tte");
    let taken = desk.run(start("mau daftar TTE").candidate("nomor_identitas", "mau daftar TTE")).await;
    assert_eq!(taken.slots["nomor_identitas"], Value::Null);
    assert!(!taken.slots.contains_key("percobaan") && taken.texts.is_empty());
    let nothing = desk.run(start("kemarin batal, sekarang mau daftar TTE")).await;
    assert!(nothing.slots.is_empty() && nothing.texts.is_empty());
    let text = "daftar TTE nip 198609262015051001";
    let given = desk.run(start(text).candidate("nomor_identitas", NIP)).await;
    assert_eq!(given.slots["nomor_identitas"], NIP);
    // What an abandoned form counted does not end this one.
    let wrong = start("daftar TTE nip 123").slot("percobaan", 2.0).candidate("nomor_identitas", "123");
    assert_eq!(desk.run(wrong).await.slots["percobaan"], json!(1.0));
}

#[tokio::test]
async fn yes_confirms_and_no_asks_for_the_number_again_up_to_three_times() {
    let desk = Desk::start().await;
    let confirm = |value: Value, tries: Option<f64>| {
        call("validate_tte_form")
            .says("jawaban", "ya")
            .slot("nomor_identitas", NIP)
            .slot("requested_slot", "konfirmasi_data")
            .slot("percobaan", 2.0)
            .slot("penolakan", tries.map_or(Value::Null, Value::from))
            .candidate("konfirmasi_data", value)
    };
    let yes = desk.run(confirm(json!(true), None)).await;
    assert_eq!(Value::Object(yes.slots), json!({"konfirmasi_data": true}));
    let no = desk.run(confirm(json!(false), None)).await;
    assert_eq!(
        Value::Object(no.slots.clone()),
        json!({"konfirmasi_data": null, "nomor_identitas": null, "penolakan": 1.0})
    );
    assert!(no.text().contains("kita ulangi"));
    let third = desk.run(confirm(json!(false), Some(2.0))).await;
    assert_eq!((&third.slots["hasil_form"], &third.slots["requested_slot"]), (&json!("menyerah"), &Value::Null));
    let unclear = desk.run(confirm(json!("hmm"), None)).await;
    assert_eq!(unclear.slots["konfirmasi_data"], Value::Null);
}

#[tokio::test]
async fn a_yes_that_came_with_a_new_number_does_not_confirm_it() {
    let desk = Desk::start().await;
    let both = call("validate_tte_form")
        .says("ya 198609262015051001", "ya")
        .slot("requested_slot", "konfirmasi_data")
        .candidate("nomor_identitas", NIP)
        .candidate("konfirmasi_data", true);
    let answer = desk.run(both).await;
    assert_eq!(answer.slots["nomor_identitas"], NIP);
    assert_eq!(answer.slots["konfirmasi_data"], Value::Null);
}

#[tokio::test]
async fn the_reset_form_asks_again_then_shows_buttons_then_gives_up() {
    let desk = Desk::start().await;
    let answer = |text: &str, tries: f64| {
        call("validate_reset_password_form")
            .says(text, "beri_aplikasi")
            .slot("requested_slot", "aplikasi")
            .slot("percobaan", tries)
            .candidate("aplikasi", text)
    };
    let clear = desk.run(answer("Password email dinas", 0.0)).await;
    assert_eq!(Value::Object(clear.slots), json!({"aplikasi": "email"}));
    let first = desk.run(answer("yang itu", 0.0)).await;
    assert!(first.buttons.is_empty() && first.texts.len() == 1);
    assert_eq!(first.slots["aplikasi"], Value::Null);
    let second = desk.run(answer("yang itu", 1.0)).await;
    // The form's own question, with its buttons, follows.
    assert!(second.text().contains("tombol") && second.buttons.is_empty());
    let third = desk.run(answer("yang itu", 2.0)).await;
    assert_eq!((&third.slots["hasil_form"], &third.slots["requested_slot"]), (&json!("menyerah"), &Value::Null));
    let cancelled = desk.run(answer("ga jadi", 1.0)).await;
    assert_eq!((&cancelled.slots["hasil_form"], &cancelled.slots["aplikasi"]), (&json!("batal"), &Value::Null));
}

#[tokio::test]
async fn tries_of_an_earlier_form_do_not_count_in_the_next_one() {
    let desk = Desk::start().await;
    let next_form = call("validate_cek_tte_form")
        .says("123", "beri_nip")
        .slot("requested_slot", "nomor_identitas")
        .slot("percobaan", 2.0)
        .event(json!({"event": "slot", "timestamp": 1.0, "name": "percobaan", "value": 2.0}))
        .event(json!({"event": "active_loop", "timestamp": 1.0, "name": "cek_tte_form"}))
        .event(json!({"event": "user", "timestamp": 1.0, "text": "123"}))
        .candidate("nomor_identitas", "123");
    let answer = desk.run(next_form).await;
    assert_eq!(answer.slots["percobaan"], json!(1.0));
    assert!(!answer.slots.contains_key("hasil_form"));
}
