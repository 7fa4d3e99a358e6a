//! Whether conversations can be stored at the moment.

use std::time::{Duration, Instant};

use super::Agent;

/// How long an answer counts: whoever asks often costs no more than a write in
/// that time.
const FRESH: Duration = Duration::from_secs(1);

/// A store that does not answer for so long is of no use to a turn either.
const PATIENCE: Duration = Duration::from_secs(3);

/// The cursor that is written, and its length in bytes: more than most turns write,
/// so that what has room for it has room for a turn.
const CURSOR: &str = "health";
const LENGTH: usize = 16 << 10;

/// What was found out last.
pub(super) type LastLook = tokio::sync::Mutex<Option<(Instant, bool)>>;

impl Agent {
    /// Whether the store takes what is written to it: something is, for a full disk
    /// and a database that only reads look well until then.
    pub async fn stores(&self) -> bool {
        let mut last = self.last_look.lock().await;
        if let Some((at, works)) = *last
            && at.elapsed() < FRESH
        {
            return works;
        }
        let now = format!("{:<LENGTH$}", self.now());
        let written = tokio::time::timeout(PATIENCE, self.store.set_cursor(CURSOR, &now)).await;
        let works = matches!(written, Ok(Ok(())));
        *last = Some((Instant::now(), works));
        works
    }
}
