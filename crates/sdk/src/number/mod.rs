//! Identity numbers of Indonesian civil servants and citizens: reading what a
//! person typed, checking it, and saying what it means.
//!
//! None of these numbers has a check digit, so a typo often passes every check:
//! show [`Identity::describe`] and ask before acting on it.

pub(crate) mod checks;
mod date;
mod digits;
mod refusal;

use std::fmt;

pub use date::{Date, NotADate, month_name};
pub(crate) use digits::bullets;
pub use digits::{ascii_digit, normalise};
pub use refusal::{Refusal, Warning};

use crate::{NiPppk, Nik, Nip};

/// Which number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// Civil servant, 18 digits.
    Nip,
    /// Government employee on contract, 18 digits.
    NiPppk,
    /// Citizen, 16 digits.
    Nik,
}

/// Sex as a number encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Digit 1; in a NIK the day as it is.
    Male,
    /// Digit 2; in a NIK the day plus 40.
    Female,
}

impl Sex {
    /// `laki-laki` or `perempuan`.
    pub fn indonesian(self) -> &'static str {
        match self {
            Self::Male => "laki-laki",
            Self::Female => "perempuan",
        }
    }
}

/// An accepted number and the remarks on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<T> {
    /// The number.
    pub number: T,
    /// Remarks, in the order of the checks.
    pub warnings: Vec<Warning>,
}

/// A number whose kind its own digits decided. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub enum Identity {
    /// Civil servant.
    Nip(Nip),
    /// Employee on contract.
    NiPppk(NiPppk),
    /// Citizen.
    Nik(Nik),
}

impl Identity {
    /// Reads a NIP, NI PPPK or NIK out of a typed text.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn read(text: &str, today: Date) -> Result<Checked<Self>, Refusal> {
        let number = normalise(text);
        checks::length(&number, None)?;
        if number.chars().count() == 16 {
            return Nik::parse(&number, today).map(|read| read.map(Self::Nik));
        }
        checks::digits(&number)?;
        if NiPppk::is_contract_code(checks::part(&number, 12, 14)) {
            NiPppk::parse(&number, today).map(|read| read.map(Self::NiPppk))
        } else {
            Nip::parse(&number, today).map(|read| read.map(Self::Nip))
        }
    }

    /// Which number it is.
    pub fn kind(&self) -> IdentityKind {
        match self {
            Self::Nip(_) => IdentityKind::Nip,
            Self::NiPppk(_) => IdentityKind::NiPppk,
            Self::Nik(_) => IdentityKind::Nik,
        }
    }

    /// The digits in clear. For storage and comparison, never for a log.
    pub fn expose(&self) -> &str {
        match self {
            Self::Nip(number) => number.expose(),
            Self::NiPppk(number) => number.expose(),
            Self::Nik(number) => number.expose(),
        }
    }

    /// What the number says, so that its owner can spot a typo:
    /// `lahir 26 September 1986, laki-laki, TMT Mei 2015, PNS`.
    pub fn describe(&self) -> String {
        match self {
            Self::Nip(number) => number.describe(),
            Self::NiPppk(number) => number.describe(),
            Self::Nik(number) => number.describe(),
        }
    }
}

impl<T> Checked<T> {
    /// The same remarks on another form of the number.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Checked<U> {
        Checked { number: into(self.number), warnings: self.warnings }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nip(number) => number.fmt(out),
            Self::NiPppk(number) => number.fmt(out),
            Self::Nik(number) => number.fmt(out),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        Date::new(2026, 11, 23).unwrap()
    }

    #[test]
    fn digits_thirteen_and_fourteen_tell_pns_from_pppk() {
        let pns = Identity::read("NIP 19860926 201505 1 001", today()).unwrap();
        assert_eq!(pns.number.kind(), IdentityKind::Nip);
        assert_eq!(pns.number.describe(), "lahir 26 September 1986, laki-laki, TMT Mei 2015, PNS");
        let pppk = Identity::read("199501012022212001", today()).unwrap();
        assert_eq!(pppk.number.kind(), IdentityKind::NiPppk);
        let neither = Identity::read("198609262015151001", today());
        assert_eq!(neither.unwrap_err(), Refusal::NoSuchAppointmentMonth);
    }

    #[test]
    fn printing_never_shows_the_number() {
        let read = Identity::read("198609262015051001", today()).unwrap();
        for printed in [format!("{}", read.number), format!("{:?}", read.number), format!("{read:?}")] {
            assert!(!printed.contains("1986"), "{printed}");
            assert!(printed.contains("•••001"), "{printed}");
        }
        assert_eq!(read.number.expose(), "198609262015051001");
    }

    #[test]
    fn every_reason_has_a_text_without_the_number() {
        let reason = Identity::read("19860926201505100", today()).unwrap_err();
        assert_eq!(
            reason.explain(),
            "Nomor yang Anda kirim 17 digit, sedangkan NIP terdiri dari 18 digit dan NIK 16 digit. \
             Untuk NIP, kurang satu digit. Silakan periksa lagi."
        );
        assert_eq!(Identity::read("halo", today()).unwrap_err(), Refusal::Empty);
        assert_eq!(Identity::read("19860926201505100l", today()).unwrap_err(), Refusal::NotDigits);
        assert_eq!(Identity::read("0812-0000-0000", today()).unwrap_err(), Refusal::LooksLikePhone);
        assert_eq!(Identity::read("131110468", today()).unwrap_err(), Refusal::OldNip);
    }
}
