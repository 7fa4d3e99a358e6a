//! The one task that writes: it gathers what is waiting into one transaction,
//! each job a statement in it, so that many turns share one sync of the disk.

use std::path::PathBuf;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use tokio::sync::{mpsc, oneshot};

use super::place::Place;
use super::{fault, open, sql};
use crate::store::StoreError;

/// Jobs that may wait; one more is refused as [`StoreError::Busy`].
pub(super) const QUEUE: usize = 1024;

/// Jobs that share a transaction at most.
const BATCH: usize = 128;

/// What became of a job that ran.
pub(super) enum Outcome {
    /// It is durable; the rows it returned.
    Rows(Vec<SqliteRow>),
    /// A constraint undid it; the rows that its `why` gave in the same
    /// transaction.
    Refused(Vec<SqliteRow>),
}

/// A question and what it is about.
type Why = (&'static str, SqliteArguments);

/// Something to write: one statement.
pub(super) struct Job {
    pub(super) text: &'static str,
    pub(super) arguments: SqliteArguments,
    /// A question to be asked when a constraint undoes the job.
    pub(super) why: Option<Why>,
    pub(super) answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// What the task is told.
pub(super) enum Order {
    Write(Job),
    Close(oneshot::Sender<()>),
}

/// The task's state.
pub(super) struct Writer {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// `None` after a failure that may have left it in an unknown state.
    connection: Option<SqliteConnection>,
    orders: mpsc::Receiver<Order>,
    place: Place,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        orders: mpsc::Receiver<Order>,
    ) -> Self {
        let place = Place::of(&path);
        Self { path, options, connection: Some(connection), orders, place }
    }

    /// Serves until it is told to close or all senders are gone.
    pub(super) async fn run(mut self) {
        let mut closing = None;
        while closing.is_none() {
            let Some(order) = self.orders.recv().await else { break };
            let mut jobs = Vec::new();
            let mut next = Some(order);
            while let Some(order) = next.take() {
                match order {
                    // Nobody waits for it any more, and nobody was told it is written.
                    Order::Write(job) if job.answer.is_closed() => {}
                    Order::Write(job) => jobs.push(job),
                    Order::Close(done) => {
                        closing = Some(done);
                        break;
                    }
                }
                if jobs.len() < BATCH {
                    next = self.orders.try_recv().ok();
                }
            }
            self.serve(jobs).await;
        }
        self.orders.close();
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the database failed");
        }
        if let Some(done) = closing {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }

    /// Writes the jobs and answers them.
    async fn serve(&mut self, jobs: Vec<Job>) {
        if jobs.len() > 1 {
            match self.together(&jobs).await {
                Ok(outcomes) => {
                    for (job, outcome) in jobs.into_iter().zip(outcomes) {
                        let _ = job.answer.send(outcome);
                    }
                    return;
                }
                // Waiting for a lock once is enough for all of them.
                Err(StoreError::Locked) => {
                    for job in jobs {
                        let _ = job.answer.send(Err(StoreError::Locked));
                    }
                    return;
                }
                // It may be the fault of one, say too large for the disk: each
                // gets its own chance.
                Err(_) => {}
            }
        }
        for Job { text, arguments, why, answer } in jobs {
            let outcome = self.alone(text, arguments, why).await;
            let _ = answer.send(outcome);
        }
    }

    /// One job, which is a transaction by itself: one trip to the connection.
    async fn alone(
        &mut self,
        text: &'static str,
        arguments: SqliteArguments,
        why: Option<Why>,
    ) -> Result<Outcome, StoreError> {
        let connection = self.connection().await?;
        let error = match perform(connection, text, arguments, why.as_ref()).await {
            Ok(outcome) => {
                self.place.check(&self.path)?;
                return outcome.map_err(|error| self.failed(&error));
            }
            Err(error) => error,
        };
        self.roll_back().await;
        Err(self.failed(&error))
    }

    /// One transaction for all jobs. An error means that nothing was written.
    async fn together(&mut self, jobs: &[Job]) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
        let connection = self.connection().await?;
        let result = statements(connection, jobs).await;
        match result {
            Ok(outcomes) => {
                self.place.check(&self.path)?;
                let outcomes = outcomes.into_iter();
                Ok(outcomes.map(|outcome| outcome.map_err(|error| self.failed(&error))).collect())
            }
            Err(error) => {
                self.roll_back().await;
                Err(self.failed(&error))
            }
        }
    }

    /// The connection, made anew if need be.
    async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open::reconnect(&self.path, &self.options).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Ends the open transaction, if there is one; drops the connection when
    /// that does not work.
    async fn roll_back(&mut self) {
        if let Some(connection) = &mut self.connection
            && let Err(error) = ask(connection, sql::ROLLBACK, SqliteArguments::default()).await
            && !fault::nothing_to_roll_back(&error)
        {
            self.connection = None;
        }
    }

    fn failed(&self, error: &sqlx::Error) -> StoreError {
        fault::store_error(error, &self.path)
    }
}

/// Runs jobs in one transaction and commits it. A constraint undoes the job it
/// stops, and nothing else.
async fn statements(
    connection: &mut SqliteConnection,
    jobs: &[Job],
) -> Result<Vec<Result<Outcome, sqlx::Error>>, sqlx::Error> {
    ask(connection, sql::BEGIN, SqliteArguments::default()).await?;
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        outcomes.push(perform(connection, job.text, job.arguments.clone(), job.why.as_ref()).await?);
    }
    ask(connection, sql::COMMIT, SqliteArguments::default()).await?;
    Ok(outcomes)
}

/// Runs one job. The outer error is one that may have ended an open transaction.
async fn perform(
    connection: &mut SqliteConnection,
    text: &'static str,
    arguments: SqliteArguments,
    why: Option<&Why>,
) -> Result<Result<Outcome, sqlx::Error>, sqlx::Error> {
    match ask(connection, text, arguments).await {
        Ok(rows) => Ok(Ok(Outcome::Rows(rows))),
        Err(error) if fault::spares_transaction(&error) => match why {
            Some((why, arguments)) if fault::is_refusal(&error) => {
                Ok(Ok(Outcome::Refused(ask(connection, why, arguments.clone()).await?)))
            }
            _ => Ok(Err(error)),
        },
        Err(error) => Err(error),
    }
}

/// Runs a statement, kept prepared, and gives its rows.
async fn ask(
    connection: &mut SqliteConnection,
    text: &'static str,
    arguments: SqliteArguments,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query_with(text, arguments).fetch_all(connection).await
}
