//! Time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use sapa_sdk::Date;

/// Western Indonesian time (WIB) is seven hours ahead of UTC, all year.
const WIB_SECONDS: i64 = 7 * 3600;

/// A moment in the office's time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day.
    pub date: Date,
    /// ISO 8601 with offset, to the second.
    pub text: String,
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Moment;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        // A clock before 1970 is no reason to fail: it reads as 1970.
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        moment(i64::try_from(elapsed.as_secs()).unwrap_or_default())
    }
}

/// Always the same day, at midnight: for tests and demonstrations.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Date);

impl Clock for FixedClock {
    fn now(&self) -> Moment {
        Moment { date: self.0, text: format!("{}T00:00:00+07:00", self.0) }
    }
}

fn moment(unix_seconds: i64) -> Moment {
    let date = Date::from_unix(unix_seconds, WIB_SECONDS);
    let second = (unix_seconds + WIB_SECONDS).rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Moment { date, text: format!("{date}T{hour:02}:{minute:02}:{second:02}+07:00") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_changes_at_midnight_in_jakarta() {
        assert_eq!(moment(1_735_664_399).text, "2024-12-31T23:59:59+07:00");
        assert_eq!(moment(1_735_664_400).text, "2025-01-01T00:00:00+07:00");
    }
}
