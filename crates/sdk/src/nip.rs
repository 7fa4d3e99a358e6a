//! The 18-digit numbers of civil servants (NIP) and contract employees
//! (NI PPPK).

use std::fmt;

use crate::number::{Checked, Date, IdentityKind, Refusal, Sex, Warning, bullets, checks, month_name, normalise};

/// Number of a civil servant: birth date `YYYYMMDD`, month of appointment
/// `YYYYMM`, sex, serial of three digits. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Nip {
    digits: String,
    born: Date,
    appointed: Date,
    sex: Sex,
}

/// Number of a contract employee: birth date `YYYYMMDD`, year of the first
/// appointment, contract code from 21 on, sex, serial of three digits. Prints
/// masked.
#[derive(Clone, PartialEq, Eq)]
pub struct NiPppk {
    digits: String,
    born: Date,
    year: i32,
    sex: Sex,
}

impl Nip {
    /// Reads and checks a NIP.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn parse(text: &str, today: Date) -> Result<Checked<Self>, Refusal> {
        let digits = normalise(text);
        checks::length(&digits, Some(IdentityKind::Nip))?;
        checks::digits(&digits)?;
        let born = checks::birth_date(&digits)?;
        let appointed = appointment(&digits)?;
        checks::born_by(born, today)?;
        let age = appointed.years_since(born);
        if age < 18 {
            return Err(Refusal::TooYoungAtAppointment);
        }
        checks::appointed_by(appointed.month_index(), today)?;
        let sex = checks::sex(&digits)?;
        checks::serial(&digits, 15)?;
        checks::pattern(&digits)?;
        let mut warnings = Vec::new();
        if age > 46 {
            warnings.push(Warning::LateAppointment);
        }
        if checks::past_retirement(born, today) {
            warnings.push(Warning::PastRetirement);
        }
        Ok(Checked { number: Self { digits, born, appointed, sex }, warnings })
    }

    /// The digits in clear. Never for a log.
    pub fn expose(&self) -> &str {
        &self.digits
    }

    /// Birth date.
    pub fn born(&self) -> Date {
        self.born
    }

    /// `lahir 26 September 1986, laki-laki, TMT Mei 2015, PNS`.
    pub fn describe(&self) -> String {
        let (month, year) = (month_name(self.appointed.month), self.appointed.year);
        format!("lahir {}, {}, TMT {month} {year}, PNS", self.born.indonesian(), self.sex.indonesian())
    }
}

/// The first of the month of appointment.
fn appointment(digits: &str) -> Result<Date, Refusal> {
    let month = checks::part(digits, 12, 14);
    if NiPppk::is_contract_code(month) {
        return Err(Refusal::LooksLikePppk);
    }
    Date::new(checks::part(digits, 8, 12) as i32, month as u8, 1).ok_or(Refusal::NoSuchAppointmentMonth)
}

impl NiPppk {
    /// Reads and checks a NI PPPK.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn parse(text: &str, today: Date) -> Result<Checked<Self>, Refusal> {
        let digits = normalise(text);
        checks::length(&digits, Some(IdentityKind::NiPppk))?;
        checks::digits(&digits)?;
        let born = checks::birth_date(&digits)?;
        match checks::part(&digits, 12, 14) {
            code if Self::is_contract_code(code) => {}
            1..=12 => return Err(Refusal::LooksLikeNip),
            _ => return Err(Refusal::NoSuchAppointmentMonth),
        }
        checks::born_by(born, today)?;
        let year = checks::part(&digits, 8, 12) as i32;
        appointment_age(born, year)?;
        if year < 2019 {
            return Err(Refusal::PppkBefore2019);
        }
        // Only the year is known: its January must not be too far ahead.
        checks::appointed_by(year * 12, today)?;
        let sex = checks::sex(&digits)?;
        checks::serial(&digits, 15)?;
        checks::pattern(&digits)?;
        let warnings = if checks::past_retirement(born, today) { vec![Warning::PastRetirement] } else { Vec::new() };
        Ok(Checked { number: Self { digits, born, year, sex }, warnings })
    }

    /// Whether digits 13 and 14 are a contract code rather than a month.
    pub fn is_contract_code(code: u32) -> bool {
        (21..=99).contains(&code)
    }

    /// The digits in clear. Never for a log.
    pub fn expose(&self) -> &str {
        &self.digits
    }

    /// `lahir 1 Januari 1995, perempuan, pengangkatan tahun 2022, PPPK`.
    pub fn describe(&self) -> String {
        let sex = self.sex.indonesian();
        format!("lahir {}, {sex}, pengangkatan tahun {}, PPPK", self.born.indonesian(), self.year)
    }
}

/// Check 5 for a PPPK, of whom only the year of appointment is known: between
/// 20 and 59 at some day of that year.
fn appointment_age(born: Date, year: i32) -> Result<(), Refusal> {
    let oldest = year - born.year;
    if oldest < 20 {
        Err(Refusal::TooYoungAtAppointment)
    } else if oldest - 1 > 59 {
        Err(Refusal::TooOldAtAppointment)
    } else {
        Ok(())
    }
}

/// Masked forms: all but the serial number is hidden.
macro_rules! masked {
    ($type:ty, $keep:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&bullets(&self.digits, $keep))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }
    };
}

masked!(Nip, 3);
masked!(NiPppk, 3);

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        Date::new(2026, 11, 23).unwrap()
    }

    fn nip(text: &str) -> Result<Vec<Warning>, Refusal> {
        Nip::parse(text, today()).map(|read| read.warnings)
    }

    fn pppk(text: &str) -> Result<Vec<Warning>, Refusal> {
        NiPppk::parse(text, today()).map(|read| read.warnings)
    }

    #[test]
    fn each_fault_of_a_nip_has_its_own_reason() {
        for (number, reason) in [
            ("19860926201505100", Refusal::WrongLength { found: 17, expected: Some(IdentityKind::Nip) }),
            ("3603124107900001", Refusal::LooksLikeNik),
            ("131110468", Refusal::OldNip),
            ("19860926201505l001", Refusal::NotDigits),
            ("198602302015051001", Refusal::NoSuchBirthDate),
            ("190002292015051001", Refusal::NoSuchBirthDate),
            ("111109262015051001", Refusal::NoSuchBirthDate),
            ("198609262015131001", Refusal::NoSuchAppointmentMonth),
            ("198609262015001001", Refusal::NoSuchAppointmentMonth),
            ("198609262022211001", Refusal::LooksLikePppk),
            ("202612012026121001", Refusal::BornInFuture),
            ("199809262015051001", Refusal::TooYoungAtAppointment),
            ("198609262027031001", Refusal::AppointedInFuture),
            ("198609262015053001", Refusal::NoSuchSex),
            ("198609262015051000", Refusal::ZeroSerial),
        ] {
            assert_eq!(nip(number), Err(reason), "{number}");
        }
    }

    #[test]
    fn the_first_failing_check_is_the_one_told() {
        // Wrong in date, sex and serial: the date comes first.
        assert_eq!(nip("198602302015053000"), Err(Refusal::NoSuchBirthDate));
        // Sex and serial: the sex comes first.
        assert_eq!(nip("198609262015053000"), Err(Refusal::NoSuchSex));
    }

    #[test]
    fn odd_but_possible_nips_are_accepted_with_a_remark() {
        assert_eq!(nip("198609262015051001"), Ok(vec![]));
        assert_eq!(nip("200002292020021001"), Ok(vec![]));
        assert_eq!(nip("196501012014011001"), Ok(vec![Warning::LateAppointment]));
        assert_eq!(nip("195501011980011001"), Ok(vec![Warning::PastRetirement]));
        assert_eq!(nip("198609262027021001"), Ok(vec![]), "three months ahead is fine");
    }

    #[test]
    fn each_fault_of_a_ni_pppk_has_its_own_reason() {
        for (number, reason) in [
            ("198609262015051001", Refusal::LooksLikeNip),
            ("199501012022131001", Refusal::NoSuchAppointmentMonth),
            ("200501012022211001", Refusal::TooYoungAtAppointment),
            ("195501012022211001", Refusal::TooOldAtAppointment),
            ("198001012015211001", Refusal::PppkBefore2019),
            ("199501012028211001", Refusal::AppointedInFuture),
            ("199501012022213001", Refusal::NoSuchSex),
            ("199501012022211000", Refusal::ZeroSerial),
        ] {
            assert_eq!(pppk(number), Err(reason), "{number}");
        }
        assert_eq!(pppk("199501012022212001"), Ok(vec![]));
        assert_eq!(pppk("199501012027241001"), Ok(vec![]), "January is within three months");
        assert_eq!(
            NiPppk::parse("199501012022212001", today()).unwrap().number.describe(),
            "lahir 1 Januari 1995, perempuan, pengangkatan tahun 2022, PPPK"
        );
    }
}
