//! Tickets and ratings, and the server around them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Desk, call};

#[tokio::test]
async fn every_action_of_the_contract_is_served() {
    let desk = Desk::start().await;
    let names: Vec<Value> = desk.get("/actions").await.as_array().unwrap().iter().map(|a| a["name"].clone()).collect();
    let expected = [
        "action_akun_email",
        "action_batalkan_tiket",
        "action_buat_tiket",
        "action_cek_status_tte",
        "action_daftar_tte",
        "action_lanjut",
        "action_lapor_gangguan",
        "action_panduan_reset",
        "action_simpan_nilai",
        "action_status_tiket",
        "action_tambah_keterangan",
        "action_tidak_paham",
        "validate_cek_tte_form",
        "validate_reset_password_form",
        "validate_tte_form",
    ];
    assert_eq!(names, expected);
    let (status, answer) = desk.post(&call("action_tidak_ada")).await;
    assert_eq!((status, &answer["action_name"]), (404, &json!("action_tidak_ada")));
}

#[tokio::test]
async fn a_ticket_takes_its_topic_from_the_intent_and_hides_personal_data() {
    let desk = Desk::start().await;
    let text = "tolong petugas, nip 19860926 201505 1 001 wa 0812-0000-0999 sandi: melati";
    let answer = desk.run(call("action_buat_tiket").says(text, "hubungi_petugas")).await;
    assert!(answer.text().contains("HD-2026-000001"));
    desk.run(call("action_buat_tiket").says("/permintaan_subdomain", "permintaan_subdomain")).await;
    let tickets = desk.tickets().await;
    assert_eq!(tickets[0].topic, "hubungi_petugas");
    assert_eq!(tickets[0].summary, "Minta dihubungi petugas: tolong petugas, nip [nip] wa [telepon] sandi: [sandi]");
    assert_eq!(tickets[0].created, "2026-11-23T00:00:00+07:00");
    assert_eq!(
        (tickets[1].topic.as_str(), tickets[1].summary.as_str()),
        ("permintaan_subdomain", "Permintaan subdomain")
    );
}

#[tokio::test]
async fn a_very_long_message_makes_a_short_summary() {
    let desk = Desk::start().await;
    desk.run(call("action_buat_tiket").says(&"é ".repeat(5_000), "hubungi_petugas")).await;
    assert_eq!(desk.tickets().await[0].summary.chars().count(), 300);
}

#[tokio::test]
async fn twenty_tickets_at_once_get_twenty_numbers() {
    let desk = std::sync::Arc::new(Desk::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..20 {
        let desk = std::sync::Arc::clone(&desk);
        tasks.spawn(async move {
            let call = call("action_buat_tiket").sender(&format!("warga-{sender}")).key(&format!("k{sender}"));
            desk.run(call.says("tolong", "hubungi_petugas")).await.ticket().unwrap()
        });
    }
    let numbers: BTreeSet<String> = tasks.join_all().await.into_iter().collect();
    assert_eq!(numbers.len(), 20);
    assert_eq!(desk.tickets().await.len(), 20);
}

#[tokio::test]
async fn a_repeated_call_with_the_same_key_is_the_same_ticket() {
    let desk = Desk::start().await;
    let once = call("action_lapor_gangguan").says("internet mati", "keluhan_jaringan").key("step-1");
    let first = desk.run(once.clone()).await;
    let again = desk.run(once.clone()).await;
    assert_eq!((first.ticket(), first.texts), (again.ticket(), again.texts));
    assert_eq!(desk.tickets().await.len(), 1);
    let other_step = desk.run(once.key("step-2").says("internet mati lagi", "keluhan_jaringan")).await;
    assert_ne!(other_step.ticket(), again_ticket(&desk).await);
    // The same key at another action is another step.
    desk.run(call("action_buat_tiket").says("x", "hubungi_petugas").key("step-1")).await;
    assert_eq!(desk.tickets().await.len(), 3);
}

/// Number of the first ticket.
async fn again_ticket(desk: &Desk) -> Option<String> {
    desk.tickets().await.first().map(|ticket| ticket.number.clone())
}

#[tokio::test]
async fn an_outage_names_the_office() {
    let desk = Desk::start().await;
    let call = call("action_lapor_gangguan").says("wifi mati di dinas contoh", "keluhan_jaringan");
    let answer = desk.run(call.entity("opd", "Dinas Contoh")).await;
    assert!(answer.text().contains("di Dinas Contoh") && answer.ticket().is_some());
    assert_eq!(desk.tickets().await[0].summary, "Gangguan jaringan di Dinas Contoh: wifi mati di dinas contoh");
}

#[tokio::test]
async fn a_foreign_ticket_reads_like_one_that_does_not_exist() {
    let desk = Desk::start().await;
    desk.run(call("action_buat_tiket").sender("warga-2").says("x", "hubungi_petugas")).await;
    let ask = |sender: &str, number: &str| {
        call("action_status_tiket").sender(sender).says("cek tiket", "cek_tiket").entity("nomor_tiket", number)
    };
    let own = desk.run(ask("warga-2", "hd-2026-000001")).await;
    assert_eq!(own.texts, ["Tiket HD-2026-000001 menunggu petugas."]);
    let foreign = desk.run(ask("warga-1", "HD-2026-000001")).await;
    let missing = desk.run(ask("warga-1", "HD-2026-000009")).await;
    assert_eq!(foreign.text().replace("000001", "000009"), missing.text());
    let listed = desk.run(call("action_status_tiket").sender("warga-2").says("tiket saya", "cek_tiket")).await;
    assert!(listed.text().contains("• HD-2026-000001: menunggu petugas"));
    let none = desk.run(call("action_status_tiket").says("tiket saya", "cek_tiket")).await;
    assert!(none.text().contains("belum memiliki tiket"));
}

#[tokio::test]
async fn a_yes_takes_up_the_only_offer_or_gets_the_menu() {
    let desk = Desk::start().await;
    let after = |buttons: Value| {
        let said = json!({"event": "bot", "timestamp": 1.0, "text": "x", "data": {"buttons": buttons}});
        let user = json!({"event": "user", "timestamp": 2.0, "text": "ya", "parse_data": {"intent": {"name": "ya"}}});
        call("action_lanjut").says("ya", "ya").event(said).event(user)
    };
    let offer = |payload: &str| json!({"title": "t", "payload": payload});
    let helped = desk.run(after(json!([offer("/hubungi_petugas")]))).await;
    assert!(helped.ticket().is_some());
    let (status, body) = desk.post(&after(json!([offer("/daftar_tte")]))).await;
    assert_eq!((status, &body["events"][0]["event"]), (200, &json!("followup")));
    assert_eq!(body["events"][0]["name"], "tte_form");
    assert_eq!(body["responses"][0]["response"], "utter_mulai_tte");
    for many in [json!([]), json!([offer("/daftar_tte"), offer("/cek_status_tte")]), json!([offer("/lain")])] {
        let (_, body) = desk.post(&after(many.clone())).await;
        assert_eq!((&body["responses"][0]["response"], &body["events"]), (&json!("utter_menu"), &json!([])), "{many}");
    }
}

#[tokio::test]
async fn two_people_are_two_registrations_and_their_numbers_are_kept() {
    let desk = Desk::start().await;
    // Masked alike.
    for number in ["198503152010011001", "199007012015032001"] {
        let call = call("action_daftar_tte").says("ya", "ya");
        desk.run(call.slot("nomor_identitas", number).slot("konfirmasi_data", true)).await;
        desk.run(call_status(number)).await;
    }
    let tickets = desk.tickets().await;
    let kept: Vec<_> = tickets.iter().filter_map(|ticket| ticket.identity.as_deref()).collect();
    assert_eq!(kept, ["198503152010011001", "198503152010011001", "199007012015032001", "199007012015032001"]);
    assert!(tickets.iter().all(|ticket| !ticket.summary.contains("1985") && !ticket.summary.contains("1990")));
}

#[tokio::test]
async fn how_an_earlier_form_ended_does_not_end_this_one() {
    let desk = Desk::start().await;
    let ended = json!({"event": "slot", "timestamp": 1.0, "name": "hasil_form", "value": "batal"});
    let began = json!({"event": "active_loop", "timestamp": 2.0, "name": "tte_form"});
    let call = call("action_daftar_tte").says("ya", "ya").slot("nomor_identitas", "198503152010011001");
    let call = call.slot("konfirmasi_data", true).slot("hasil_form", "batal");
    let left = desk.run(call.clone().event(began.clone()).event(ended.clone())).await;
    assert!(left.text().contains("dibatalkan"), "{}", left.text());
    assert!(desk.run(call.event(ended).event(began)).await.ticket().is_some());
}

fn call_status(number: &str) -> crate::support::Call {
    call("action_cek_status_tte").says(number, "beri_nip").slot("nomor_identitas", number)
}

#[tokio::test]
async fn what_follows_a_ticket_is_added_and_a_ticket_can_be_called_off() {
    let desk = Desk::start().await;
    desk.run(call("action_buat_tiket").says("minta petugas", "hubungi_petugas")).await;
    let told = json!({"event": "bot", "timestamp": 1.0, "text": "Nomor tiket Anda: HD-2026-000001.", "data": {}});
    let user = json!({"event": "user", "timestamp": 2.0, "text": "x", "parse_data": {}});
    let after = |action: &str, text: &str, intent: &str| {
        call(action).says(text, intent).event(told.clone()).event(user.clone())
    };
    desk.run(after("action_tambah_keterangan", "wa 081200000999", "beri_kontak")).await;
    desk.run(after("action_buat_tiket", "tolong admin", "hubungi_petugas")).await;
    // Somebody else's number is of no use.
    desk.run(after("action_batalkan_tiket", "batal", "batal").sender("lain")).await;
    let tickets = desk.tickets().await;
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0].summary, "Minta dihubungi petugas: minta petugas; wa [telepon]; tolong admin");
    assert_eq!(tickets[0].status.words(), "menunggu petugas");
    assert_eq!(tickets[0].contacts, "081200000999", "whoever is to call back sees the number");
    // What an officer works on is not called off from here.
    let store = &desk.helpdesk.store;
    store.set_status("HD-2026-000001", helpdesk_actions::TicketStatus::InProgress).await.unwrap();
    for said in ["batalkan tiketnya", "batalkan tiket HD-2026-000001"] {
        let answer = desk.run(after("action_batalkan_tiket", said, "batal")).await;
        assert!(answer.text().contains("HD-2026-000001 sedang ditangani petugas"), "{}", answer.text());
    }
    store.set_status("HD-2026-000001", helpdesk_actions::TicketStatus::New).await.unwrap();
    let answer = desk.run(after("action_batalkan_tiket", "batalkan tiketnya", "batal")).await;
    assert!(answer.text().contains("HD-2026-000001 kami batalkan"));
    assert_eq!(desk.tickets().await[0].status.words(), "sudah selesai");
    let (_, body) = desk.post(&after("action_batalkan_tiket", "batal", "batal")).await;
    assert_eq!(body["responses"][0]["response"], "utter_tidak_ada_proses");
}

#[tokio::test]
async fn a_password_within_another_message_is_masked_and_warned_of() {
    let desk = Desk::start().await;
    let said = call("action_buat_tiket").says("mau petugas, password saya Budi1985!", "hubungi_petugas");
    let (_, body) = desk.post(&said).await;
    assert_eq!(body["responses"][1]["response"], "utter_jangan_kirim_rahasia");
    assert_eq!(desk.tickets().await[0].summary, "Minta dihubungi petugas: mau petugas, password saya [sandi]");
    let (_, body) = desk.post(&call("action_buat_tiket").says("lupa password simasn", "hubungi_petugas")).await;
    assert_eq!(body["responses"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn guidance_that_did_not_help_is_a_ticket_about_what_was_asked() {
    let desk = Desk::start().await;
    let asked = |intent: &str| {
        let parse = json!({"intent": {"name": intent}});
        json!({"event": "user", "timestamp": 1.0, "text": "x", "parse_data": parse})
    };
    let failed = || call("action_buat_tiket").says("masih gagal", "belum_berhasil");
    desk.run(failed().event(asked("lupa_password_simasn")).event(asked("salam")).event(asked("belum_berhasil"))).await;
    desk.run(failed().sender("lain")).await;
    let tickets: Vec<_> = desk.tickets().await.into_iter().map(|ticket| (ticket.topic, ticket.summary)).collect();
    assert_eq!(tickets[0].0, "lupa_password");
    assert_eq!(tickets[0].1, "Lupa password, panduan belum berhasil: masih gagal");
    assert_eq!(tickets[1].0, "umum");
}

#[tokio::test]
async fn a_bare_number_after_the_rating_is_no_second_rating() {
    let desk = Desk::start().await;
    let bot = json!({"event": "bot", "timestamp": 1.0, "text": "?",
        "data": {"buttons": [{"title": "1", "payload": "/beri_nilai{}"}]}});
    let user = |time: f64, text: &str| json!({"event": "user", "timestamp": time, "text": text, "parse_data": {"intent": {"name": "beri_nilai"}}});
    let thanks = json!({"event": "bot", "timestamp": 2.6, "text": "Terima kasih atas penilaian Anda. Senang bisa membantu!", "data": {}});
    let rate = |text: &str| call("action_simpan_nilai").says(text, "beri_nilai").entity("nilai", text);
    desk.run(rate("5").event(bot.clone()).event(user(2.0, "5"))).await;
    let later = |text: &str| {
        let call = rate(text).event(bot.clone()).event(user(2.0, "5")).event(thanks.clone());
        call.event(user(3.0, text))
    };
    assert!(desk.run(later("3")).await.text().contains("belum paham"));
    assert_eq!(desk.helpdesk.store.ratings().await.unwrap(), [5]);
    desk.run(later("nilai 3")).await;
    assert_eq!(desk.helpdesk.store.ratings().await.unwrap(), [5, 3]);
}

#[tokio::test]
async fn a_rating_is_kept_once_and_nonsense_is_asked_again() {
    let desk = Desk::start().await;
    let rate = |value: Value| call("action_simpan_nilai").says("nilai", "beri_nilai").entity("nilai", value);
    assert!(desk.run(rate(json!("5")).key("a")).await.text().contains("Terima kasih"));
    desk.run(rate(json!("5")).key("a")).await;
    desk.run(rate(json!(2))).await;
    assert_eq!(desk.helpdesk.store.ratings().await.unwrap(), [5, 2]);
    let again = desk.run(rate(json!("11"))).await;
    assert_eq!(again.buttons.len(), 5);
    assert_eq!(again.buttons[4].1, r#"/beri_nilai{"nilai":"5"}"#);
    assert_eq!(desk.helpdesk.store.ratings().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_number_in_another_message_is_not_rated() {
    let desk = Desk::start().await;
    let said = |text: &str| call("action_simpan_nilai").says(text, "beri_nilai").entity("nilai", "2");
    assert!(desk.run(said("ada 2 laptop rusak")).await.text().contains("belum paham"));
    let number = desk.run(said("19860926201505100")).await;
    assert!(!number.text().contains("nilai") && !number.text().contains("belum paham"), "{}", number.text());
    assert!(desk.helpdesk.store.ratings().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_a_database_there_is_no_number_and_a_500() {
    let desk = Desk::start().await;
    desk.helpdesk.store.close().await;
    let (status, answer) = desk.post(&call("action_buat_tiket").says("x", "hubungi_petugas")).await;
    assert_eq!(status, 500);
    assert!(!answer.to_string().contains("HD-"));
}
