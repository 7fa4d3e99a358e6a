//! Why a number is refused, or accepted with a remark. One variant a reason, in
//! the order of the checks.

use super::IdentityKind;

/// The one reason why a number is not accepted: the first check that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The text holds no number at all.
    Empty,
    /// A NIP was asked for and this has the 16 digits of a NIK.
    LooksLikeNik,
    /// A NIK or NI PPPK was asked for and this is a NIP.
    LooksLikeNip,
    /// A NIP was asked for and this is a NI PPPK.
    LooksLikePppk,
    /// The 9-digit NIP in use until 2007.
    OldNip,
    /// A mobile phone number.
    LooksLikePhone,
    /// Any other length; `expected` is `None` when NIP and NIK are both fine.
    WrongLength {
        /// Characters found.
        found: usize,
        /// What was asked for.
        expected: Option<IdentityKind>,
    },
    /// A letter or another sign is inside the number.
    NotDigits,
    /// The birth date is not in the calendar, or before 1900.
    NoSuchBirthDate,
    /// Digits 13 and 14 are neither a month (PNS) nor a contract code (PPPK).
    NoSuchAppointmentMonth,
    /// The birth date is later than today.
    BornInFuture,
    /// Too young when appointed: under 18 (PNS) or 20 (PPPK).
    TooYoungAtAppointment,
    /// Too old when appointed: over 59 (PPPK).
    TooOldAtAppointment,
    /// A PPPK appointment before 2019, when the scheme began.
    PppkBefore2019,
    /// Appointed more than three months from now.
    AppointedInFuture,
    /// The sex digit is neither 1 nor 2.
    NoSuchSex,
    /// The serial number is all zeros.
    ZeroSerial,
    /// Younger than 17: no identity card yet, hence no electronic signature.
    TooYoungForCard,
    /// One digit throughout, or counting up or down.
    ImpossiblePattern,
}

/// A remark on an accepted number: to be shown, never a reason to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Appointed after 46, as long-serving honorary staff may have been.
    LateAppointment,
    /// The region code is not in the table; codes retire with each split.
    UnknownRegion,
    /// Older than 65: most likely retired.
    PastRetirement,
}

impl Refusal {
    /// The reason in plain Indonesian, with what to do next. Never contains the
    /// number.
    pub fn explain(&self) -> String {
        match self {
            Self::WrongLength { found, expected } => wrong_length(*found, *expected),
            fixed => fixed.fixed_text().to_owned(),
        }
    }

    fn fixed_text(&self) -> &'static str {
        match self {
            Self::Empty | Self::WrongLength { .. } => {
                "Kami belum menemukan nomor pada pesan Anda. Silakan kirim NIP (18 digit) atau NIK (16 digit)."
            }
            Self::LooksLikeNik => {
                "Nomor yang Anda kirim 16 digit, itu panjang NIK. NIP terdiri dari 18 digit. Silakan periksa lagi."
            }
            Self::LooksLikeNip => {
                "Nomor yang Anda kirim 18 digit dan berbentuk NIP. Silakan periksa lagi nomor yang diminta."
            }
            Self::LooksLikePppk => "Nomor itu berbentuk NI PPPK, bukan NIP PNS. Silakan periksa lagi.",
            Self::OldNip => "Itu NIP lama (9 digit). Silakan kirim NIP baru yang terdiri dari 18 digit.",
            Self::LooksLikePhone => {
                "Sepertinya itu nomor HP. Yang kami perlukan adalah NIP (18 digit) atau NIK (16 digit)."
            }
            Self::NotDigits => {
                "Ada huruf atau tanda lain di dalam nomornya. NIP dan NIK hanya berisi angka, silakan periksa lagi."
            }
            Self::NoSuchBirthDate => {
                "Tanggal lahir di dalam nomor itu tidak ada di kalender. Kemungkinan ada angka yang salah ketik."
            }
            Self::NoSuchAppointmentMonth => {
                "Bulan pengangkatan pada digit ke-13 dan 14 tidak sah. Kemungkinan ada angka yang salah ketik."
            }
            Self::BornInFuture => {
                "Tanggal lahir di dalam nomor itu belum terjadi. Kemungkinan ada angka yang salah ketik."
            }
            Self::TooYoungAtAppointment => {
                "Menurut nomor itu, usia saat diangkat terlalu muda. Kemungkinan ada angka yang salah ketik."
            }
            Self::TooOldAtAppointment => {
                "Menurut nomor itu, usia saat diangkat terlalu tua. Kemungkinan ada angka yang salah ketik."
            }
            Self::PppkBefore2019 => {
                "Nomor itu berbentuk NI PPPK dengan tahun pengangkatan sebelum 2019, padahal PPPK baru ada sejak 2019. \
                 Silakan periksa lagi."
            }
            Self::AppointedInFuture => {
                "Waktu pengangkatan di dalam nomor itu masih jauh di depan. Kemungkinan ada angka yang salah ketik."
            }
            Self::NoSuchSex => {
                "Digit ke-15 pada NIP seharusnya 1 (laki-laki) atau 2 (perempuan). Silakan periksa lagi."
            }
            Self::ZeroSerial => "Nomor urut di akhir tidak mungkin nol semua. Silakan periksa angka-angka terakhirnya.",
            Self::TooYoungForCard => {
                "Menurut nomor itu, usia pemiliknya belum 17 tahun, sedangkan layanan ini memerlukan KTP. \
                 Silakan periksa lagi nomornya."
            }
            Self::ImpossiblePattern => {
                "Angka berulang atau berurutan seperti itu bukan nomor sungguhan. Silakan kirim nomor Anda yang sebenarnya."
            }
        }
    }
}

/// Says how many digits there are and what is missing or too many.
fn wrong_length(found: usize, expected: Option<IdentityKind>) -> String {
    let wanted = match expected {
        Some(IdentityKind::Nik) => "NIK terdiri dari 16 digit",
        Some(IdentityKind::Nip) => "NIP terdiri dari 18 digit",
        Some(IdentityKind::NiPppk) => "NI PPPK terdiri dari 18 digit",
        None => "NIP terdiri dari 18 digit dan NIK 16 digit",
    };
    let hint = match (found, expected) {
        (17, None | Some(IdentityKind::Nip | IdentityKind::NiPppk)) => " Untuk NIP, kurang satu digit.",
        (15, None | Some(IdentityKind::Nik)) => " Untuk NIK, kurang satu digit.",
        (19, _) => " Untuk NIP, kelebihan satu digit.",
        _ => "",
    };
    format!("Nomor yang Anda kirim {found} digit, sedangkan {wanted}.{hint} Silakan periksa lagi.")
}

impl Warning {
    /// The remark in plain Indonesian.
    pub fn explain(&self) -> &'static str {
        match self {
            Self::LateAppointment => "usia saat diangkat di atas 46 tahun",
            Self::UnknownRegion => "kode wilayahnya belum ada di daftar kami, petugas akan memeriksanya",
            Self::PastRetirement => "usia menurut nomor ini di atas 65 tahun",
        }
    }
}
