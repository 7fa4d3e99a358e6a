//! `action_daftar_tte`: what follows the registration form of the electronic
//! signature (TTE).

use sapa_sdk::{
    Dispatcher, Identity,
    dispatcher::button,
    number::IdentityKind,
    server::{ActionContext, ActionError, ActionFuture},
};
use serde_json::Value;

use crate::{
    Helpdesk,
    conversation::{DENIALS, TRIES, clear, form_outcome, outcome, ticket_sentence},
};

const TOPIC: &str = "daftar_tte";

const FOR_EMPLOYEES: &str = "Data Anda sudah kami catat. TTE untuk ASN diterbitkan oleh BSrE. Langkahnya:\n\
    1. Pastikan email dinas Anda aktif, ini syarat utamanya.\n\
    2. Masuk ke MyASN, lalu verifikasi email dinas, NIK, dan nomor KK Anda.\n\
    3. Buka menu \"Sertifikat Elektronik BSrE\", lalu pilih Registrasi.\n\
    4. Buka email aktivasi dari BSrE, lengkapi data dan foto yang diminta, lalu buat passphrase Anda sendiri.\n\
    5. Tunggu pemeriksaan BSrE. Anda menerima email setelah sertifikat terbit.\n\
    Passphrase, kata sandi, dan kode OTP hanya untuk Anda; kami tidak pernah memintanya.";

const FOR_CITIZENS: &str = "Data Anda sudah kami catat. TTE dari BSrE melayani ASN (PNS dan PPPK) serta petugas yang \
    ditugaskan pemerintah daerah. Untuk keperluan umum, masyarakat dapat memperoleh tanda tangan elektronik dari \
    penyelenggara (PSrE) lain yang diakui pemerintah. Bila Anda memang bertugas untuk pemerintah daerah, petugas kami \
    akan membantu langkah selanjutnya.";

pub(super) fn run<'a>(desk: &'a Helpdesk, call: &'a ActionContext, dispatcher: &'a mut Dispatcher) -> ActionFuture<'a> {
    Box::pin(async move {
        let tracker = &call.request.tracker;
        match form_outcome(tracker) {
            Some(outcome::CANCELLED) => dispatcher.utter(
                "Baik, pendaftaran TTE dibatalkan dan nomor Anda tidak kami proses. Kalau nanti ingin melanjutkan, \
                 ketik saja \"daftar TTE\".",
            ),
            Some(outcome::GAVE_UP) => hand_over(desk, call, dispatcher).await?,
            _ => match confirmed_number(desk, call) {
                Some(number) => register(desk, call, dispatcher, &number).await?,
                None => dispatcher.buttons(
                    "Kami belum menerima data yang sudah Anda pastikan benar. Silakan mulai lagi, ya.",
                    &[button("Daftar TTE", "/daftar_tte")],
                ),
            },
        }
        Ok(clear(&["nomor_identitas", "konfirmasi_data", TRIES, DENIALS, outcome::SLOT]))
    })
}

fn confirmed_number(desk: &Helpdesk, call: &ActionContext) -> Option<Identity> {
    let tracker = &call.request.tracker;
    if tracker.slot("konfirmasi_data") != &Value::Bool(true) {
        return None;
    }
    Identity::read(tracker.slot_text("nomor_identitas")?, desk.today()).ok().map(|read| read.number)
}

async fn register(
    desk: &Helpdesk,
    call: &ActionContext,
    dispatcher: &mut Dispatcher,
    identity: &Identity,
) -> Result<(), ActionError> {
    let (kind, text) = match identity.kind() {
        IdentityKind::Nip => ("NIP", FOR_EMPLOYEES),
        IdentityKind::NiPppk => ("NI PPPK", FOR_EMPLOYEES),
        IdentityKind::Nik => ("NIK", FOR_CITIZENS),
    };
    // The summary shows the number masked, as `Identity` prints.
    let filed =
        desk.ticket_about(call, TOPIC, &format!("Pendaftaran TTE dengan {kind} {identity}"), Some(identity)).await?;
    dispatcher.utter(text);
    dispatcher.utter(ticket_sentence(&filed));
    Ok(())
}

async fn hand_over(desk: &Helpdesk, call: &ActionContext, dispatcher: &mut Dispatcher) -> Result<(), ActionError> {
    let filed = desk.ticket(call, TOPIC, "Pendaftaran TTE: nomor belum berhasil dibaca setelah tiga kali").await?;
    dispatcher
        .utter(format!("Tidak apa-apa, petugas kami akan membantu pendaftaran TTE Anda. {}", ticket_sentence(&filed)));
    Ok(())
}
