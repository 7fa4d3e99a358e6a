//! Updates on their way in, where they are asked for: a line for each conversation,
//! so that a turn that is slow, or cannot be done, holds up no other conversation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::Telegram;
use super::lines::Lines;
use super::update::Inbound;

/// Conversations that are served at the same time.
const AT_ONCE: usize = 32;

/// First and longest pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How far an update has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its turn is not on disk.
    Waiting,
    /// Nor will it be before somebody mends what is stored.
    Stuck,
    /// Its turn is on disk, with its reply.
    Done,
}

/// Follows an update.
pub(super) type Watched = watch::Receiver<Progress>;

struct Queued {
    inbound: Inbound,
    progress: watch::Sender<Progress>,
}

/// All lines.
pub(super) struct Intake {
    lines: Mutex<Lines<Queued>>,
    places: Semaphore,
}

impl Intake {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { lines: Mutex::default(), places: Semaphore::new(AT_ONCE) })
    }

    /// Puts an update at the end of its conversation's line.
    pub(super) fn push(self: &Arc<Self>, telegram: &Telegram, inbound: Inbound) -> Watched {
        let (progress, watched) = watch::channel(Progress::Waiting);
        let sender_id = inbound.conversation.sender_id();
        if self.lines().push(&sender_id, Queued { inbound, progress }) {
            tokio::spawn(Arc::clone(self).work(telegram.clone(), sender_id));
        }
        watched
    }

    /// Serves a line until it is empty.
    async fn work(self: Arc<Self>, telegram: Telegram, sender_id: String) {
        while let Some(Queued { inbound, progress }) = self.next(&sender_id) {
            self.until_served(&telegram, &inbound, &progress).await;
            progress.send_replace(Progress::Done);
        }
    }

    /// Tries until the turn is on disk.
    async fn until_served(&self, telegram: &Telegram, inbound: &Inbound, progress: &watch::Sender<Progress>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let served = {
                // The semaphore is never closed.
                let _place = self.places.acquire().await;
                telegram.serve(inbound).await
            };
            let error = match served {
                Ok(()) => return,
                Err(error) => error,
            };
            let update_id = inbound.update_id;
            tracing::warn!(channel = "telegram", update_id, %error, "an update was not served; trying again");
            if error.is_lasting() {
                progress.send_replace(Progress::Stuck);
                pause = LONGEST_PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn next(&self, sender_id: &str) -> Option<Queued> {
        self.lines().next(sender_id)
    }

    fn lines(&self) -> MutexGuard<'_, Lines<Queued>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
