//! How fast messages go out that answer nobody, so that they leave room for replies.

use std::time::Instant;

/// So many messages a second, and as many at once after a pause (a token bucket).
pub(super) struct Pace {
    a_second: f64,
    left: f64,
    looked: Instant,
}

impl Pace {
    pub(super) fn of(a_second: f64, now: Instant) -> Self {
        Self { a_second, left: a_second, looked: now }
    }

    /// How many may go out now.
    pub(super) fn allowed(&mut self, now: Instant) -> u32 {
        let gained = now.saturating_duration_since(self.looked).as_secs_f64() * self.a_second;
        self.left = (self.left + gained).min(self.a_second);
        self.looked = now;
        self.left as u32
    }

    /// So many have gone out.
    pub(super) fn spend(&mut self, count: usize) {
        self.left -= count as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn so_many_a_second_go_out_and_a_pause_is_not_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::of(20.0, start);
        assert_eq!(pace.allowed(start), 20);
        pace.spend(20);
        assert_eq!(pace.allowed(start), 0);
        assert_eq!(pace.allowed(start + Duration::from_millis(260)), 5);
        pace.spend(5);
        assert_eq!(pace.allowed(start + Duration::from_secs(60)), 20);
    }
}
