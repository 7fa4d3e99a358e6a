//! Connections, kept open and lent out one statement at a time.
//!
//! In the place of sqlx's own pool because of what happens at the edges: giving
//! a connection back costs no trip to the server, a connection that is in doubt
//! is never used again, and who waits is counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::fault;
use crate::store::StoreError;

/// How long a statement waits for a connection, be it a free one or a server
/// that comes back.
pub(super) const LENDING: Duration = Duration::from_secs(5);

/// How long the answer to a statement may take: longer than the server lets it.
const ANSWER: Duration = Duration::from_secs(10);

/// Statements that may wait for a connection; one more is refused at once.
const MOST_WAITING: usize = 1024;

/// A connection that rested longer is asked whether it still works, and how long
/// it has to say so.
const TRUSTED: Duration = Duration::from_secs(1);
const ECHO: Duration = Duration::from_secs(2);

/// How long a connection beyond those that stay open rests before it is closed.
const RESTS: Duration = Duration::from_secs(30);

/// Pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Why a statement has no rows to show.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It was not sent.
    NotSent(StoreError),
    /// The server said no to it: it did nothing.
    Refused(sqlx::Error),
    /// The connection broke before the answer: it did all or nothing.
    Lost,
}

/// The connections.
pub(super) struct Pool {
    options: PgConnectOptions,
    name: String,
    /// One for each connection that may be open.
    permits: Semaphore,
    most: u32,
    keep: usize,
    idle: Mutex<Vec<Idle>>,
    waiting: AtomicUsize,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
}

/// A connection in use, with the right to have it open.
struct Lent<'p> {
    connection: PgConnection,
    _permit: SemaphorePermit<'p>,
}

/// Counts down when a wait ends, however it ends.
struct Waiting<'p>(&'p AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// A pool without a connection yet; `name` is the server's, for people.
    pub(super) fn new(options: PgConnectOptions, name: String, keep: u32, overflow: u32) -> Self {
        let keep = keep.max(1);
        let most = keep.saturating_add(overflow);
        Self {
            options,
            name,
            permits: Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)),
            most,
            keep: usize::try_from(keep).unwrap_or(usize::MAX),
            idle: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Runs a statement, kept prepared: one trip to the server, and one more the
    /// first time on a connection.
    pub(super) async fn ask(&self, text: &'static str, arguments: PgArguments) -> Result<Vec<PgRow>, Trouble> {
        let mut lent = self.lend().await.map_err(Trouble::NotSent)?;
        let answer = timeout(ANSWER, sqlx::query_with(text, arguments).fetch_all(&mut lent.connection)).await;
        match answer {
            Ok(Ok(rows)) => {
                self.give_back(lent);
                Ok(rows)
            }
            Ok(Err(error)) if !fault::ends_connection(&error) => {
                self.give_back(lent);
                Err(Trouble::Refused(error))
            }
            Ok(Err(error)) => {
                tracing::warn!(server = %self.name, %error, "a connection to the database broke");
                self.forget_idle();
                Err(Trouble::Lost)
            }
            Err(_) => {
                tracing::warn!(server = %self.name, "the database did not answer in time");
                self.forget_idle();
                Err(Trouble::Lost)
            }
        }
    }

    /// Adds a connection that is open already.
    pub(super) fn add(&self, connection: PgConnection) {
        self.idle().push(Idle { connection, since: Instant::now() });
    }

    /// Waits for what is under way, then closes all connections. Whoever asks
    /// later is told that the store is closed.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.permits.acquire_many(self.most).await {
            self.permits.close();
            drop(all);
        }
        let idle = std::mem::take(&mut *self.idle());
        for Idle { connection, .. } in idle {
            // It is going away in any case.
            let _ = timeout(ECHO, connection.close()).await;
        }
    }

    async fn lend(&self) -> Result<Lent<'_>, StoreError> {
        let deadline = Instant::now() + LENDING;
        let permit = self.permit(deadline).await?;
        loop {
            let Some(Idle { mut connection, since }) = self.idle().pop() else {
                let connection = self.connect(deadline).await?;
                return Ok(Lent { connection, _permit: permit });
            };
            if since.elapsed() < TRUSTED || matches!(timeout(ECHO, connection.ping()).await, Ok(Ok(()))) {
                return Ok(Lent { connection, _permit: permit });
            }
            self.forget_idle();
        }
    }

    async fn permit(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, StoreError> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(StoreError::Busy);
        }
        let _waiting = Waiting(&self.waiting);
        match timeout_at(deadline, self.permits.acquire()).await {
            Ok(permit) => permit.map_err(|_| StoreError::Closed),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// Connects; a server that is away or starting is asked again until then.
    async fn connect(&self, deadline: Instant) -> Result<PgConnection, StoreError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match timeout_at(deadline, self.options.connect()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => fault::connect_error(&error, &self.name),
                Err(_) => return Err(fault::silent(&self.name)),
            };
            if !matches!(error, StoreError::Unreachable { .. }) || Instant::now() + pause >= deadline {
                return Err(error);
            }
            sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// Those beyond the ones that stay are closed once they were not needed for a while:
    /// under load they would be opened again at once, which costs more than a turn.
    fn give_back(&self, lent: Lent<'_>) {
        let mut idle = self.idle();
        idle.push(Idle { connection: lent.connection, since: Instant::now() });
        // The last one given back is lent first: the first one rested longest.
        let is_beyond = idle.len() > self.keep;
        if is_beyond && idle.first().is_some_and(|first| first.since.elapsed() > RESTS) {
            let first = idle.remove(0);
            // Nobody waits for its farewell.
            tokio::spawn(timeout(ECHO, first.connection.close()));
        }
    }

    /// After one connection broke the others are suspect: they are old, and a
    /// new one costs little.
    fn forget_idle(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
