//! A calendar date without a clock: today is always an argument.

use std::{fmt, str::FromStr};

/// Indonesian month names, January first.
const MONTHS: [&str; 12] = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
];

/// A day of the Gregorian calendar. [`Date::new`] makes sure that it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, four digits.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

/// A text is no `YYYY-MM-DD` date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the form YYYY-MM-DD")]
pub struct NotADate;

impl Date {
    /// That day, or `None` when the calendar has no such day.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        (day >= 1 && day <= days_in_month(year, month)).then_some(Self { year, month, day })
    }

    /// The day at `seconds` since the Unix epoch, seen in a time zone that is
    /// `offset_seconds` ahead of UTC.
    pub fn from_unix(seconds: i64, offset_seconds: i64) -> Self {
        let mut days = seconds.saturating_add(offset_seconds).div_euclid(86_400);
        // 400 years are always 146 097 days: only the rest needs counting.
        let mut year = 1970 + (days.div_euclid(146_097) * 400) as i32;
        days = days.rem_euclid(146_097);
        while days >= days_in_year(year) {
            days -= days_in_year(year);
            year += 1;
        }
        let mut month = 1;
        while days >= i64::from(days_in_month(year, month)) {
            days -= i64::from(days_in_month(year, month));
            month += 1;
        }
        Self { year, month, day: days as u8 + 1 }
    }

    /// Full years from `birth` to this day: an age. Negative when `birth` is
    /// later.
    pub fn years_since(self, birth: Self) -> i32 {
        let had_birthday = (self.month, self.day) >= (birth.month, birth.day);
        self.year - birth.year - i32::from(!had_birthday)
    }

    /// Months since year 0, to compare months of different years.
    pub fn month_index(self) -> i32 {
        self.year * 12 + i32::from(self.month) - 1
    }

    /// The Indonesian way of writing it: `26 September 1986`.
    pub fn indonesian(self) -> String {
        format!("{} {} {}", self.day, month_name(self.month), self.year)
    }
}

/// The Indonesian name of a month, empty for a number that is none.
pub fn month_name(month: u8) -> &'static str {
    usize::from(month).checked_sub(1).and_then(|index| MONTHS.get(index)).copied().unwrap_or_default()
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_year(year: i32) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

/// Days of that month; zero for a number that is no month.
fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let mut parts = text.trim().splitn(3, '-');
        let mut next = |length: usize| {
            parts.next().filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let (Some(year), Some(month), Some(day)) = (next(4), next(2), next(2)) else { return Err(NotADate) };
        match (year.parse(), month.parse(), day.parse()) {
            (Ok(year), Ok(month), Ok(day)) => Self::new(year, month, day).ok_or(NotADate),
            _ => Err(NotADate),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_years_follow_the_gregorian_rule() {
        assert!(Date::new(2000, 2, 29).is_some());
        assert!(Date::new(2024, 2, 29).is_some());
        assert!(Date::new(1900, 2, 29).is_none());
        assert!(Date::new(2023, 2, 29).is_none());
        assert!(Date::new(2023, 4, 31).is_none());
        assert!(Date::new(2023, 13, 1).is_none());
        assert!(Date::new(2023, 0, 1).is_none());
        assert!(Date::new(2023, 1, 0).is_none());
    }

    #[test]
    fn an_age_grows_on_the_birthday() {
        let birth = Date::new(1986, 9, 26).unwrap();
        assert_eq!(Date::new(2026, 9, 25).unwrap().years_since(birth), 39);
        assert_eq!(Date::new(2026, 9, 26).unwrap().years_since(birth), 40);
        assert!(Date::new(1980, 1, 1).unwrap().years_since(birth) < 0);
    }

    #[test]
    fn unix_time_becomes_the_local_day() {
        assert_eq!(Date::from_unix(0, 0).to_string(), "1970-01-01");
        assert_eq!(Date::from_unix(-1, 0).to_string(), "1969-12-31");
        assert_eq!(Date::from_unix(951_782_400, 0).to_string(), "2000-02-29");
        // 17:00 UTC is midnight in Jakarta.
        assert_eq!(Date::from_unix(1_735_664_400, 7 * 3600).to_string(), "2025-01-01");
    }

    #[test]
    fn only_a_full_iso_date_is_read() {
        assert_eq!("2026-11-23".parse(), Ok(Date { year: 2026, month: 11, day: 23 }));
        for wrong in ["2026-2-3", "23-11-2026", "2026-02-30", "+026-01-01", "", "2026-11-23-1"] {
            assert_eq!(wrong.parse::<Date>(), Err(NotADate), "{wrong}");
        }
    }
}
