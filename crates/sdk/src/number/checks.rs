//! The checks that NIP, NI PPPK and NIK share, in the order in which they run.

use super::{Date, IdentityKind, Refusal, Sex};

/// Check 1: length, telling apart the numbers people mix up.
pub(crate) fn length(number: &str, expected: Option<IdentityKind>) -> Result<(), Refusal> {
    let found = number.chars().count();
    let phone_start = number.starts_with("08") || number.starts_with("62");
    match (found, expected) {
        (0, _) => Err(Refusal::Empty),
        // What is no number has no length to speak of.
        _ if !number.bytes().all(|byte| byte.is_ascii_digit()) => Err(Refusal::NotDigits),
        (16, None | Some(IdentityKind::Nik)) => Ok(()),
        (18, None | Some(IdentityKind::Nip | IdentityKind::NiPppk)) => Ok(()),
        (16, _) => Err(Refusal::LooksLikeNik),
        (18, _) => Err(Refusal::LooksLikeNip),
        (9, _) => Err(Refusal::OldNip),
        (10..=13, _) if phone_start => Err(Refusal::LooksLikePhone),
        _ => Err(Refusal::WrongLength { found, expected }),
    }
}

/// Check 2: digits only.
pub(crate) fn digits(number: &str) -> Result<(), Refusal> {
    if number.bytes().all(|byte| byte.is_ascii_digit()) { Ok(()) } else { Err(Refusal::NotDigits) }
}

/// Digits `from..to` as a number; zero when they are not there, which no caller
/// meets after checks 1 and 2.
pub(crate) fn part(number: &str, from: usize, to: usize) -> u32 {
    number.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Check 3 for the `YYYYMMDD` that a NIP begins with.
pub(crate) fn birth_date(number: &str) -> Result<Date, Refusal> {
    let year = part(number, 0, 4) as i32;
    Date::new(year, part(number, 4, 6) as u8, part(number, 6, 8) as u8)
        .filter(|date| date.year >= 1900)
        .ok_or(Refusal::NoSuchBirthDate)
}

/// Check 4: not born after today.
pub(crate) fn born_by(born: Date, today: Date) -> Result<(), Refusal> {
    if born > today { Err(Refusal::BornInFuture) } else { Ok(()) }
}

/// Check 6: `appointed` (in months since year 0) at most three months ahead.
pub(crate) fn appointed_by(appointed: i32, today: Date) -> Result<(), Refusal> {
    if appointed > today.month_index() + 3 { Err(Refusal::AppointedInFuture) } else { Ok(()) }
}

/// Check 7: the sex digit of a NIP.
pub(crate) fn sex(number: &str) -> Result<Sex, Refusal> {
    match part(number, 14, 15) {
        1 => Ok(Sex::Male),
        2 => Ok(Sex::Female),
        _ => Err(Refusal::NoSuchSex),
    }
}

/// Check 8: the serial number, from that digit to the end, is not zero.
pub(crate) fn serial(number: &str, from: usize) -> Result<(), Refusal> {
    if part(number, from, number.len()) == 0 { Err(Refusal::ZeroSerial) } else { Ok(()) }
}

/// Check 11: most likely retired.
pub(crate) fn past_retirement(born: Date, today: Date) -> bool {
    today.years_since(born) > 65
}

/// Check 12: one digit throughout, or counting up or down (9 and 0 are
/// neighbours).
pub(crate) fn pattern(number: &str) -> Result<(), Refusal> {
    let bytes = number.as_bytes();
    let always = |step: u8| bytes.windows(2).all(|pair| matches!(pair, [a, b] if (a - b'0' + step) % 10 == b - b'0'));
    if always(0) || always(1) || always(9) { Err(Refusal::ImpossiblePattern) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_tells_which_number_it_is() {
        let expected = Some(IdentityKind::Nip);
        assert_eq!(length("", expected), Err(Refusal::Empty));
        assert_eq!(length(&"1".repeat(16), expected), Err(Refusal::LooksLikeNik));
        assert_eq!(length(&"1".repeat(18), Some(IdentityKind::Nik)), Err(Refusal::LooksLikeNip));
        assert_eq!(length("131110468", expected), Err(Refusal::OldNip));
        assert_eq!(length("081200000000", expected), Err(Refusal::LooksLikePhone));
        assert_eq!(length("6281200000000", expected), Err(Refusal::LooksLikePhone));
        assert_eq!(length("171200000000", expected), Err(Refusal::WrongLength { found: 12, expected }));
        assert_eq!(length(&"1".repeat(17), None), Err(Refusal::WrongLength { found: 17, expected: None }));
        assert_eq!(length(&"1".repeat(16), None), Ok(()));
    }

    #[test]
    fn made_up_patterns_are_recognised() {
        for made_up in ["1111111111111111", "1234567890123456", "9876543210987654"] {
            assert_eq!(pattern(made_up), Err(Refusal::ImpossiblePattern), "{made_up}");
        }
        assert_eq!(pattern("3603124107900001"), Ok(()));
    }
}
