//! Guidance, status and not understanding.

use serde_json::{Value, json};

use crate::support::{Answer, Call, Desk, call};

fn reset(application: &str) -> Call {
    call("action_panduan_reset").slot("aplikasi", application)
}

#[tokio::test]
async fn simasn_guidance_ends_with_the_configured_contact() {
    let desk = Desk::start().await;
    let answer = desk.run(reset("simasn").slot("percobaan", 1.0)).await;
    assert_eq!(answer.texts.len(), 1);
    assert!(answer.text().contains("https://simasn.contoh.go.id"));
    assert!(answer.text().ends_with("Jika masih terkendala silakan hubungi BPKSDM di WA 0812-0000-0000"));
    assert_eq!(Value::Object(answer.slots), json!({"aplikasi": null, "percobaan": null, "hasil_form": null}));
    assert!(desk.run(reset("siasn")).await.text().contains("asndigital.bkn.go.id"));
    assert!(desk.tickets().await.is_empty());
}

#[tokio::test]
async fn an_email_reset_goes_to_the_registered_number_of_a_linked_person_only() {
    let desk = Desk::start().await;
    let linked = desk.run(reset("email").sender("demo-tertaut")).await;
    assert!(linked.texts[0].starts_with("Tautan reset sekali pakai dikirim ke WA terdaftar +62•••••999"));
    let unlinked = desk.run(reset("email")).await;
    assert!(unlinked.texts[0].contains("verifikasi") && unlinked.ticket().is_some());
    assert!(!unlinked.text().contains("+62"));
    for answer in [linked, unlinked] {
        assert_eq!(answer.texts.len(), 2);
        assert_eq!(answer.texts[1], "Bila ada pertanyaan lebih lanjut silakan ketik saja.");
        assert!(!answer.text().contains("0812"));
    }
}

#[tokio::test]
async fn other_applications_and_giving_up_make_a_ticket_and_cancelling_none() {
    let desk = Desk::start().await;
    let cancelled = desk.run(reset("simasn").slot("hasil_form", "batal")).await;
    assert!(cancelled.text().contains("tidak kami lanjutkan") && cancelled.ticket().is_none());
    let none = desk.run(call("action_panduan_reset")).await;
    assert_eq!(none.texts, ["Password apa yang Anda maksud?"]);
    assert!(desk.tickets().await.is_empty());
    assert_eq!(desk.run(reset("srikandi")).await.ticket().as_deref(), Some("HD-2026-000001"));
    assert!(desk.run(reset("lainnya")).await.text().contains("aplikasi tersebut"));
    let gave_up = desk.run(call("action_panduan_reset").slot("hasil_form", "menyerah")).await;
    assert_eq!(gave_up.ticket().as_deref(), Some("HD-2026-000003"));
    assert_eq!(gave_up.slots["hasil_form"], Value::Null);
}

#[tokio::test]
async fn a_forgotten_email_account_takes_four_messages_in_order() {
    let desk = Desk::start().await;
    let answer = desk.run(call("action_akun_email")).await;
    let expected = [
        "https://simasn.contoh.go.id",
        "Jika berhasil login, cek akun Anda pada menu email resmi",
        "jaga kerahasiaan akun Anda, jangan sampai diketahui orang tidak sah",
        "Bila ada pertanyaan lebih lanjut silakan ketik saja.",
    ];
    assert_eq!(answer.texts.len(), expected.len());
    for (text, part) in answer.texts.iter().zip(expected) {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_confirmed_registration_gives_guidance_and_a_ticket_without_the_number() {
    let desk = Desk::start().await;
    let confirmed =
        |number: &str| call("action_daftar_tte").slot("nomor_identitas", number).slot("konfirmasi_data", true);
    let employee = desk.run(confirmed("198609262015051001")).await;
    assert!(employee.texts[0].contains("Sertifikat Elektronik BSrE"));
    assert!(employee.texts[1].contains("HD-2026-000001"));
    let citizen = desk.run(confirmed("3603124107900001")).await;
    assert!(citizen.texts[0].contains("PSrE") && citizen.ticket().is_some());
    for ticket in desk.tickets().await {
        assert!(!ticket.summary.contains("1986") && !ticket.summary.contains("3603"), "{}", ticket.summary);
    }
    let nulls = json!({"nomor_identitas": null, "konfirmasi_data": null, "percobaan": null, "penolakan": null, "hasil_form": null});
    assert_eq!(Value::Object(employee.slots), nulls);
}

#[tokio::test]
async fn an_unfinished_registration_registers_nothing() {
    let desk = Desk::start().await;
    let number = "198609262015051001";
    let unconfirmed = desk.run(call("action_daftar_tte").slot("nomor_identitas", number)).await;
    assert_eq!(unconfirmed.buttons, [("Daftar TTE".to_owned(), "/daftar_tte".to_owned())]);
    let cancelled = call("action_daftar_tte")
        .slot("hasil_form", "batal")
        .slot("nomor_identitas", number)
        .slot("konfirmasi_data", true);
    assert!(desk.run(cancelled).await.text().contains("dibatalkan"));
    assert!(desk.tickets().await.is_empty());
    let gave_up = desk.run(call("action_daftar_tte").slot("hasil_form", "menyerah")).await;
    assert!(gave_up.text().contains("petugas kami akan membantu") && gave_up.ticket().is_some());
}

fn check(sender: &str, number: &str) -> Call {
    call("action_cek_status_tte").sender(sender).slot("nomor_identitas", number)
}

#[tokio::test]
async fn the_own_status_is_told_in_words() {
    let desk = Desk::start().await;
    let active = desk.run(check("demo-tertaut", "198503152010011999")).await;
    assert_eq!(active.texts, ["Status TTE Anda: Aktif. Sertifikat Anda dapat dipakai."]);
    let by_nik = desk.run(check("demo-tertaut", "3671011503859999")).await;
    assert_eq!(by_nik.texts, active.texts);
    let none = desk.run(check("demo-belum-tte", "199007012015032999")).await;
    assert!(none.text().contains("Belum terdaftar"));
    assert_eq!(none.buttons, [("Daftar TTE".to_owned(), "/daftar_tte".to_owned())]);
    assert!(desk.tickets().await.is_empty());
    assert_eq!(none.slots["nomor_identitas"], Value::Null);
}

#[tokio::test]
async fn nobody_learns_whether_a_number_is_known() {
    let desk = Desk::start().await;
    let known = "199007012015032999";
    let unknown = "199007012015032998";
    let mut answers: Vec<Answer> = Vec::new();
    for (sender, number) in [
        ("warga-1", known),
        ("warga-1", unknown),
        ("demo-tertaut", known),
        ("demo-tertaut", unknown),
        ("warga-1", "3603124107909999"),
    ] {
        answers.push(desk.run(check(sender, number)).await);
    }
    // The ticket number differs by nature; all other bytes are the same.
    let shapes: Vec<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.texts.len(), 2);
            assert!(!answer.texts[0].contains("HD-"), "the number has a message of its own");
            let number = answer.ticket().unwrap();
            format!("{:?} {:?} {:?}", answer.texts, answer.buttons, answer.slots).replace(&number, "N")
        })
        .collect();
    assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{shapes:#?}");
    let tickets = desk.tickets().await;
    assert!(tickets.windows(2).all(|pair| pair[0].summary == pair[1].summary && pair[0].topic == pair[1].topic));
}

#[tokio::test]
async fn an_unfinished_status_check_says_so() {
    let desk = Desk::start().await;
    assert!(desk.run(call("action_cek_status_tte").slot("hasil_form", "batal")).await.text().contains("dibatalkan"));
    assert!(desk.run(call("action_cek_status_tte").slot("hasil_form", "menyerah")).await.ticket().is_some());
    assert_eq!(desk.run(call("action_cek_status_tte")).await.buttons.len(), 1);
}

/// A call with that many messages not understood at the end.
fn confused(times: usize) -> Call {
    let user = |intent: &str, at: usize| json!({"event": "user", "timestamp": at, "text": "x", "parse_data": {"intent": {"name": intent, "confidence": 1.0}}});
    let base = call("action_tidak_paham")
        .says("zxcv nip 198609262015051001", "nlu_fallback")
        .ranked(&["nlu_fallback", "terima_kasih", "cek_tiket", "di_luar_topik", "jam_layanan", "daftar_tte", "privasi"])
        .event(user("nlu_fallback", 1))
        .event(user("salam", 2));
    (0..times).fold(base, |call, index| {
        call.event(user("nlu_fallback", 10 + index))
            .event(json!({"event": "action", "timestamp": 10 + index, "name": "action_tidak_paham"}))
    })
}

#[tokio::test]
async fn not_understanding_goes_from_asking_again_to_guesses_to_a_ticket() {
    let desk = Desk::start().await;
    let first = desk.run(confused(1)).await;
    assert_eq!(first.texts, ["Maaf, saya belum paham. Coba ulangi pertanyaannya dengan kata lain, ya."]);
    let second = desk.run(confused(2)).await;
    let payloads: Vec<&str> = second.buttons.iter().map(|(_, payload)| payload.as_str()).collect();
    assert_eq!(payloads, ["/cek_tiket", "/jam_layanan", "/daftar_tte"]);
    assert_eq!(second.buttons[0].0, "Cek Tiket");
    assert!(desk.tickets().await.is_empty());
    let third = desk.run(confused(3)).await;
    assert!(third.ticket().is_some());
    // A longer streak stays with its ticket.
    assert_eq!(desk.run(confused(4)).await.ticket(), third.ticket());
    assert_eq!(desk.tickets().await[0].summary, "Belum dipahami bot: zxcv nip [nip]");
}

#[tokio::test]
async fn without_a_ranking_the_usual_services_are_offered() {
    let desk = Desk::start().await;
    let answer = desk.run(confused(2).ranked(&["nlu_fallback", "salam"])).await;
    let titles: Vec<&str> = answer.buttons.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Lupa Password", "Daftar TTE", "Hubungi Petugas"]);
}
