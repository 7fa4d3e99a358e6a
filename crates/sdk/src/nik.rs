//! The citizen's number (NIK): place and date of birth registration, serial.

use std::fmt;

use crate::{
    number::{Checked, Date, IdentityKind, Refusal, Sex, Warning, bullets, checks, normalise},
    wilayah,
};

/// Number of a citizen: six digits of the place of *first* registration, birth
/// date `DDMMYY` (day plus 40 for women), serial of four digits. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Nik {
    digits: String,
    born: Date,
    sex: Sex,
}

impl Nik {
    /// Reads and checks a NIK. An unknown region is only a warning: codes
    /// retire, a NIK never changes.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn parse(text: &str, today: Date) -> Result<Checked<Self>, Refusal> {
        let digits = normalise(text);
        checks::length(&digits, Some(IdentityKind::Nik))?;
        checks::digits(&digits)?;
        let (born, sex) = birth(&digits, today)?;
        checks::born_by(born, today)?;
        checks::serial(&digits, 12)?;
        let mut warnings = Vec::new();
        if !wilayah::is_known(checks::part(&digits, 0, 2), checks::part(&digits, 2, 4)) {
            warnings.push(Warning::UnknownRegion);
        }
        if today.years_since(born) < 17 {
            return Err(Refusal::TooYoungForCard);
        }
        if checks::past_retirement(born, today) {
            warnings.push(Warning::PastRetirement);
        }
        checks::pattern(&digits)?;
        Ok(Checked { number: Self { digits, born, sex }, warnings })
    }

    /// The digits in clear. Never for a log.
    pub fn expose(&self) -> &str {
        &self.digits
    }

    /// Birth date.
    pub fn born(&self) -> Date {
        self.born
    }

    /// Province of first registration, if its code is known.
    pub fn province(&self) -> Option<&'static str> {
        wilayah::province_name(checks::part(&self.digits, 0, 2))
    }

    /// `lahir 1 Juli 1990, perempuan, terdaftar pertama kali di Banten`.
    pub fn describe(&self) -> String {
        let place = match self.province() {
            Some(province) => format!("terdaftar pertama kali di {province}"),
            None => "kode wilayah tidak dikenal".to_owned(),
        };
        format!("lahir {}, {}, {place}", self.born.indonesian(), self.sex.indonesian())
    }
}

/// Birth date and sex. Two digits of the year fit two centuries: the one that
/// makes the owner 17 to 110 years old wins, else the later one that is past.
fn birth(digits: &str, today: Date) -> Result<(Date, Sex), Refusal> {
    let (day, sex) = match checks::part(digits, 6, 8) {
        day @ 41..=71 => (day - 40, Sex::Female),
        day => (day, Sex::Male),
    };
    let (month, year) = (checks::part(digits, 8, 10) as u8, checks::part(digits, 10, 12) as i32);
    let fits: Vec<Date> =
        [2000, 1900].iter().filter_map(|century| Date::new(century + year, month, day as u8)).collect();
    let adult = fits.iter().find(|born| (17..=110).contains(&today.years_since(**born)));
    let past = fits.iter().find(|born| **born <= today);
    adult.or(past).or(fits.first()).map(|born| (*born, sex)).ok_or(Refusal::NoSuchBirthDate)
}

impl fmt::Display for Nik {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&bullets(&self.digits, 4))
    }
}

impl fmt::Debug for Nik {
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

    fn nik(text: &str) -> Result<Vec<Warning>, Refusal> {
        Nik::parse(text, today()).map(|read| read.warnings)
    }

    #[test]
    fn each_fault_of_a_nik_has_its_own_reason() {
        for (number, reason) in [
            ("360312410790001", Refusal::WrongLength { found: 15, expected: Some(IdentityKind::Nik) }),
            ("198609262015051001", Refusal::LooksLikeNip),
            ("36031241079000o1", Refusal::NotDigits),
            ("3603123202900001", Refusal::NoSuchBirthDate),
            ("3603127202900001", Refusal::NoSuchBirthDate),
            ("3603122902890001", Refusal::NoSuchBirthDate),
            ("3603124113900001", Refusal::NoSuchBirthDate),
            ("3603124107900000", Refusal::ZeroSerial),
            ("3603120101150001", Refusal::TooYoungForCard),
        ] {
            assert_eq!(nik(number), Err(reason), "{number}");
        }
    }

    #[test]
    fn the_century_is_the_one_that_makes_an_adult() {
        let born = |number: &str| Nik::parse(number, today()).unwrap().number.born().to_string();
        assert_eq!(born("3603124107900001"), "1990-07-01");
        assert_eq!(born("3603122902000001"), "2000-02-29");
        assert_eq!(born("3603120101300001"), "1930-01-01");
        assert_eq!(born("3603122411260001"), "1926-11-24");
    }

    #[test]
    fn old_papua_codes_are_known_and_unknown_codes_are_a_remark() {
        assert_eq!(nik("9101010107900001"), Ok(vec![]));
        assert_eq!(nik("9271010107900001"), Ok(vec![]));
        assert_eq!(nik("9901010107900001"), Ok(vec![Warning::UnknownRegion]));
        assert_eq!(nik("3670010107900001"), Ok(vec![Warning::UnknownRegion]));
        assert_eq!(nik("3603010107500001"), Ok(vec![Warning::PastRetirement]));
    }

    #[test]
    fn a_made_up_pattern_is_refused_last() {
        let later = Date::new(2030, 1, 1).unwrap();
        assert_eq!(Nik::parse("1111111111111111", later).unwrap_err(), Refusal::ImpossiblePattern);
        assert_eq!(nik("1111111111111111"), Err(Refusal::TooYoungForCard));
        assert_eq!(nik("1234567890123456"), Err(Refusal::NoSuchBirthDate));
    }

    #[test]
    fn a_nik_reads_as_date_sex_and_province() {
        let read = Nik::parse("3603124107900001", today()).unwrap().number;
        assert_eq!(read.describe(), "lahir 1 Juli 1990, perempuan, terdaftar pertama kali di Banten");
        assert_eq!(format!("{read:?}"), "••••••••••••0001");
    }
}
