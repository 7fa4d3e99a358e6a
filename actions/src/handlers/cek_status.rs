//! `action_cek_status_tte`: the state of one's own certificate.
//!
//! A NIP can be guessed, so only a linked person asking for an own number is
//! told anything. All others get the same bytes whether or not the number is
//! known: the number is not even looked up.

use sapa_sdk::{
    Dispatcher, Identity,
    dispatcher::button,
    server::{ActionContext, ActionError, ActionFuture},
};

use crate::{
    Helpdesk, Person, TteStatus,
    conversation::{DENIALS, TRIES, clear, form_outcome, outcome, ticket_sentence},
};

const TOPIC: &str = "cek_status_tte";

const NOT_VERIFIED: &str = "Demi keamanan, status TTE hanya kami tampilkan kepada pemilik nomor yang akunnya sudah \
    tertaut. Anda dapat melihatnya sendiri di MyASN pada menu \"Sertifikat Elektronik BSrE\", atau menunggu petugas \
    kami menghubungi kontak yang terdaftar untuk verifikasi.";

pub(super) fn run<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        let tracker = &call.request.tracker;
        let number = tracker.slot_text("nomor_identitas");
        match (form_outcome(tracker), number) {
            (Some(outcome::CANCELLED), _) => {
                dispatcher.utter("Baik, pengecekan status TTE dibatalkan. Silakan ketik saja bila perlu bantuan lagi.");
            }
            (Some(outcome::GAVE_UP), _) => hand_over(desk, call, dispatcher).await?,
            (_, None) => dispatcher.buttons(
                "Kami belum menerima nomor Anda. Silakan mulai lagi, ya.",
                &[button("Cek Status TTE", "/cek_status_tte")],
            ),
            (_, Some(number)) => match owner(desk, call, number) {
                Some(person) => tell(person.tte, dispatcher),
                None => refuse(desk, call, dispatcher, number).await?,
            },
        }
        Ok(clear(&["nomor_identitas", "konfirmasi_data", TRIES, DENIALS, outcome::SLOT]))
    })
}

/// The linked person, if the number is one of their own.
fn owner<'a>(desk: &'a Helpdesk, call: &ActionContext, number: &str) -> Option<&'a Person> {
    let person =
        desk.people.linked_to(&call.request.sender_id, call.request.tracker.latest_input_channel.as_deref())?;
    let identity = Identity::read(number, desk.today()).ok()?.number;
    person.owns(&identity).then_some(person)
}

fn tell(status: TteStatus, dispatcher: &mut Dispatcher) {
    let text = format!("Status TTE Anda: {}", words(status));
    match status {
        TteStatus::NoCertificate | TteStatus::NotRegistered => {
            dispatcher.buttons(text, &[button("Daftar TTE", "/daftar_tte")]);
        }
        _ => dispatcher.utter(text),
    }
}

/// A certificate's state in words.
fn words(status: TteStatus) -> &'static str {
    match status {
        TteStatus::Issue => "Aktif. Sertifikat Anda dapat dipakai.",
        TteStatus::Expired => "Kedaluwarsa. Silakan ajukan perpanjangan lewat MyASN.",
        TteStatus::NoCertificate => "Belum punya sertifikat. Mau daftar sekarang?",
        TteStatus::NotRegistered => "Belum terdaftar. Mau daftar sekarang?",
        TteStatus::New => "Permohonan baru, sedang diproses BSrE.",
        TteStatus::Renew => "Perpanjangan sedang diproses BSrE.",
        TteStatus::WaitingForActivation => "Menunggu aktivasi. Silakan cek email dinas Anda.",
        TteStatus::Suspend => "Dihentikan sementara. Silakan hubungi petugas untuk mengaktifkannya kembali.",
        TteStatus::Revoke => "Sudah dicabut. Silakan hubungi petugas bila ingin mengajukan lagi.",
        TteStatus::Unknown => "Sedang kami periksa. Silakan hubungi petugas untuk keterangan lebih lanjut.",
    }
}

/// The ticket number is a message of its own, as it differs by nature.
async fn refuse(
    desk: &Helpdesk,
    call: &ActionContext,
    dispatcher: &mut Dispatcher,
    number: &str,
) -> Result<(), ActionError> {
    let identity = Identity::read(number, desk.today()).ok().map(|read| read.number);
    let filed = desk.ticket_about(call, TOPIC, "Cek status TTE, belum terverifikasi", identity.as_ref()).await?;
    dispatcher.utter(NOT_VERIFIED);
    dispatcher.utter(ticket_sentence(&filed));
    Ok(())
}

async fn hand_over(desk: &Helpdesk, call: &ActionContext, dispatcher: &mut Dispatcher) -> Result<(), ActionError> {
    let filed = desk.ticket(call, TOPIC, "Cek status TTE: nomor belum berhasil dibaca setelah tiga kali").await?;
    dispatcher.utter(format!(
        "Tidak apa-apa, petugas kami akan membantu mengecek status TTE Anda. {}",
        ticket_sentence(&filed)
    ));
    Ok(())
}
