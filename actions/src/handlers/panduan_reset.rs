//! `action_panduan_reset`: how to get a new password, by application. A password
//! never passes through the chat, and nobody learns whether an account exists.

use sapa_sdk::{
    Dispatcher,
    server::{ActionContext, ActionError, ActionFuture},
};

use super::aplikasi::{Application, choices};
use crate::{
    Filed, Helpdesk,
    conversation::{TRIES, clear, form_outcome, outcome, spoken_text, ticket_sentence},
};

const MORE: &str = "Bila ada pertanyaan lebih lanjut silakan ketik saja.";

pub(super) fn run<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        let tracker = &call.request.tracker;
        let application = tracker.slot_text("aplikasi").and_then(Application::named_in);
        match (form_outcome(tracker), application) {
            (Some(outcome::CANCELLED), _) => {
                dispatcher.utter(
                    "Baik, permintaan reset password tidak kami lanjutkan. Silakan ketik saja bila perlu bantuan lagi.",
                );
            }
            (Some(outcome::GAVE_UP), _) => hand_over(desk, call, dispatcher).await?,
            (_, None) => dispatcher.buttons("Password apa yang Anda maksud?", &choices()),
            (_, Some(Application::Simasn)) => dispatcher.utter(simasn(desk)),
            (_, Some(Application::Siasn)) => dispatcher.utter(siasn()),
            (_, Some(Application::Email)) => email(desk, call, dispatcher).await?,
            (_, Some(other)) => by_officer(desk, call, dispatcher, other).await?,
        }
        Ok(clear(&["aplikasi", TRIES, outcome::SLOT]))
    })
}

async fn hand_over(desk: &Helpdesk, call: &ActionContext, dispatcher: &mut Dispatcher) -> Result<(), ActionError> {
    let summary = format!("Lupa password, aplikasi belum jelas: {}", spoken_text(&call.request));
    let filed = desk.ticket(call, "lupa_password", &summary).await?;
    dispatcher.utter(format!(
        "Mohon maaf, kami belum berhasil memahami aplikasi yang Anda maksud. Petugas kami akan membantu Anda. {}",
        ticket_sentence(&filed)
    ));
    Ok(())
}

fn simasn(desk: &Helpdesk) -> String {
    format!(
        "Begini cara mengatur ulang password SIMASN:\n\
         1. Buka {}.\n\
         2. Pilih \"Lupa Password\" pada halaman masuk.\n\
         3. Masukkan NIP Anda, lalu ikuti petunjuk yang dikirim ke kontak Anda yang terdaftar.\n\
         4. Buat password baru yang hanya Anda ketahui.\n\
         Jika masih terkendala silakan hubungi BPKSDM di WA {}",
        desk.settings.url_simasn, desk.settings.whatsapp_bpksdm
    )
}

fn siasn() -> String {
    "Begini cara mengatur ulang password SIASN/MyASN:\n\
     1. Buka asndigital.bkn.go.id, pilih LOGIN, lalu RESET.\n\
     2. Pilih \"Reset Password\", isi NIP dan kode gambar.\n\
     3. Ambil kode yang dikirim ke email Anda. Jangan berikan kode itu kepada siapa pun.\n\
     4. Buat password baru, paling sedikit 12 karakter.\n\
     Jika email Anda sudah tidak aktif, silakan hubungi BPKSDM."
        .to_owned()
}

/// A linked person gets a link on the registered number; anybody else a ticket
/// and the way to prove who they are (identity levels 1 and 3).
async fn email(desk: &Helpdesk, call: &ActionContext, dispatcher: &mut Dispatcher) -> Result<(), ActionError> {
    match desk.people.linked_to(&call.request.sender_id, call.request.tracker.latest_input_channel.as_deref()) {
        Some(person) => {
            let Filed { number, .. } =
                desk.ticket(call, "tautan_reset_email", "Kirim tautan reset email ke WA terdaftar").await?;
            dispatcher.utter(format!(
                "Tautan reset sekali pakai dikirim ke WA terdaftar {}. Permintaan ini tercatat dengan nomor tiket {number}.",
                person.whatsapp
            ));
        }
        None => {
            let Filed { number, .. } =
                desk.ticket(call, "lupa_password_email", "Reset password email dinas, belum terverifikasi").await?;
            dispatcher.utter(format!(
                "Demi keamanan, tautan reset hanya dikirim kepada pemilik akun yang sudah terverifikasi. Permintaan Anda \
                 kami catat dengan nomor tiket {number}. Untuk verifikasi, silakan datang ke meja layanan kami dengan \
                 membawa kartu pegawai atau KTP, atau tunggu petugas menghubungi nomor Anda yang terdaftar. Mohon tidak \
                 mengirim password atau kode OTP di sini."
            ));
        }
    }
    dispatcher.utter(MORE);
    Ok(())
}

/// Applications whose accounts an officer resets.
async fn by_officer(
    desk: &Helpdesk,
    call: &ActionContext,
    dispatcher: &mut Dispatcher,
    application: Application,
) -> Result<(), ActionError> {
    let name = match application {
        Application::Other => "aplikasi tersebut",
        named => named.title(),
    };
    let matter = match application {
        Application::Other => "Lupa password aplikasi lain".to_owned(),
        named => format!("Akun {} perlu dibuka kembali", named.title()),
    };
    let summary = format!("{matter}: {}", spoken_text(&call.request));
    let filed = desk.ticket(call, "lupa_password", &summary).await?;
    dispatcher.utter(format!(
        "Untuk password {name}, petugas kami yang akan membantu setelah memastikan bahwa akun itu milik Anda. {}",
        ticket_sentence(&filed)
    ));
    Ok(())
}
