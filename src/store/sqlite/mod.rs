//! Conversations in an SQLite file: the default store.
//!
//! One task writes, with a bounded queue before it; a few connections read.
//! A file that Rasa wrote is taken over in place.

pub(crate) use self::open::secure_file;

mod arguments;
mod event_rows;
mod fault;
mod open;
mod place;
mod sql;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use tokio::sync::{mpsc, oneshot};

use self::arguments::Parameters;
use self::writer::{Order, Outcome, Writer};
use super::record::{
    Accepted, Claim, Commit, Committed, Conversation, Intake, OutboxItem, Pending, Publication, Session, Settled,
    Snapshot, Step, Timer, TurnKey,
};
use super::rows::{self, Columns as _, all, columns};
use super::{Answer, Clock, CommitError, Store, StoreError, rules};

columns!(SqliteRow);

/// A store in an SQLite file. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Sqlite {
    path: PathBuf,
    clock: Clock,
    orders: mpsc::Sender<Order>,
    readers: SqlitePool,
    /// Says to others that somebody has the file open.
    _presence: Option<Arc<File>>,
}

impl Sqlite {
    /// Opens the file, made with mode 0600 if there is none, and brings its
    /// tables up to date. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The file cannot be opened, written to, is damaged, is locked by another
    /// program, or was written by a newer version.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        Self::open_waiting(path, clock, open::BUSY_TIMEOUT).await
    }

    /// As [`Self::open`]; says how long to wait for another program's lock.
    async fn open_waiting(path: &Path, clock: Clock, busy_timeout: Duration) -> Result<Self, StoreError> {
        secure_file(path)?;
        let options = open::writer_options(path, busy_timeout);
        let mut connection = open::connect(path, &options).await?;
        let presence = open::Presence::of(path);
        if presence.is_alone() {
            open::abandon(&mut connection, path).await?;
        }
        let presence = presence.stay().await.map(Arc::new);
        let readers = open::readers(path).await?;
        let (orders, inbound) = mpsc::channel(writer::QUEUE);
        tokio::spawn(Writer::new(path.to_owned(), options, connection, inbound).run());
        Ok(Self { path: path.to_owned(), clock, orders, readers, _presence: presence })
    }

    /// Reads with one text.
    async fn read(&self, text: &'static str, parameters: Parameters) -> Result<Vec<SqliteRow>, StoreError> {
        sqlx::query_with(text, parameters.done()?)
            .fetch_all(&self.readers)
            .await
            .map_err(|error| fault::store_error(&error, &self.path))
    }

    /// Gives the writer a job and waits until it is durable.
    async fn order(
        &self,
        text: &'static str,
        arguments: SqliteArguments,
        why: Option<(&'static str, SqliteArguments)>,
    ) -> Result<Outcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = writer::Job { text, arguments, why, answer };
        self.orders.try_send(Order::Write(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// A job that cannot be refused.
    async fn write(&self, text: &'static str, parameters: Parameters) -> Result<Vec<SqliteRow>, StoreError> {
        match self.order(text, parameters.done()?, None).await? {
            Outcome::Rows(rows) | Outcome::Refused(rows) => Ok(rows),
        }
    }

    /// The parameters of a claim.
    fn claim(&self, claim: &Claim<'_>) -> Parameters {
        let parameters = given().with((self.clock)()).with(claim.limit).with(claim.owner).with(claim.seconds);
        parameters.with(serde_json::json!(claim.channels).to_string())
    }

    async fn commit_turn(&self, commit: Commit) -> Result<Committed, CommitError> {
        rules::check(&commit)?;
        let (text, arguments) = arguments::turn(&commit, (self.clock)())?;
        let why = Some((sql::WHY, arguments::why(&commit)?));
        match self.order(text, arguments, why).await? {
            Outcome::Rows(_) => Ok(Committed { version: commit.expected_version + 1 }),
            Outcome::Refused(rows) => {
                let (current, seen) = rows.first().map_or(Ok((0, None)), rows::why)?;
                Err(rules::refusal(&commit, current, seen))
            }
        }
    }
}

/// An empty list of parameters.
fn given() -> Parameters {
    Parameters::default()
}

impl Store for Sqlite {
    fn load<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Conversation> {
        Box::pin(async move {
            let rows = self.read(sql::RESUME, given().with(sender_id).with(None::<&str>)).await?;
            rows::conversation(&rows)
        })
    }

    fn resume<'a>(&'a self, sender_id: &'a str, fingerprint: &'a str) -> Answer<'a, Session> {
        Box::pin(
            async move { rows::session(&self.read(sql::RESUME, given().with(sender_id).with(fingerprint)).await?) },
        )
    }

    fn keep_snapshot<'a>(&'a self, sender_id: &'a str, version: i64, snapshot: Snapshot) -> Answer<'a, ()> {
        Box::pin(async move {
            let newer = i64::try_from(snapshot.newer).unwrap_or(i64::MAX);
            let rows = self.read(sql::SNAPSHOT_PLACE, given().with(sender_id).with(version).with(newer)).await?;
            let Some(row) = rows.first() else { return Ok(()) };
            let place = rows::Row("events", row).get(SqliteRow::optional_integer, "id")?;
            let parameters = given().with(sender_id).with(version).with(snapshot.state.to_string());
            let parameters = parameters.with(snapshot.fingerprint).with(place);
            self.write(sql::KEEP_SNAPSHOT, parameters).await.map(drop)
        })
    }

    fn load_all<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Conversation> {
        Box::pin(async move { rows::conversation(&self.read(sql::LOAD_ALL, given().with(sender_id)).await?) })
    }

    fn exists<'a>(&'a self, sender_id: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { Ok(!self.read(sql::EXISTS, given().with(sender_id)).await?.is_empty()) })
    }

    fn senders<'a>(&'a self, after: Option<&'a str>, limit: u32) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let rows = self.read(sql::SENDERS, given().with(after).with(limit)).await?;
            all(&rows, |row| rows::text(row, "events"))
        })
    }

    fn accept<'a>(&'a self, intake: Intake, owner: &'a str, seconds: f64) -> Answer<'a, Accepted> {
        Box::pin(async move {
            rules::check_intake(&intake)?;
            let seen = given().with(intake.channel.as_str()).with(intake.dedupe_key.as_deref()).done()?;
            let parameters = given()
                .with(intake.sender_id)
                .with(intake.channel)
                .with(intake.dedupe_key)
                .with(intake.payload.to_string())
                .with((self.clock)())
                .with(owner)
                .with(seconds);
            let (Outcome::Rows(rows) | Outcome::Refused(rows)) =
                self.order(sql::ACCEPT, parameters.done()?, Some((sql::SEEN, seen))).await?;
            let row = rows.first().ok_or_else(|| StoreError::Io("an accepted message has no row".into()))?;
            rows::accepted(row)
        })
    }

    fn seen<'a>(&'a self, channel: &'a str, dedupe_key: &'a str) -> Answer<'a, Option<Accepted>> {
        Box::pin(async move {
            let rows = self.read(sql::SEEN, given().with(channel).with(dedupe_key)).await?;
            rows.first().map(rows::accepted).transpose()
        })
    }

    fn claim_inbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<Pending>> {
        Box::pin(async move {
            let parameters = self.claim(&claim).with(rules::CLAIMED_OF_ONE);
            let rows = self.write(sql::CLAIM_INBOX, parameters).await?;
            let mut pending = all(&rows, rows::pending)?;
            pending.sort_by_key(|row| row.inbox_id);
            Ok(pending)
        })
    }

    fn hold_inbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>> {
        Box::pin(async move {
            let parameters = arguments::ids(&ids)?.with(owner).with((self.clock)()).with(seconds);
            all(&self.write(sql::HOLD_INBOX, parameters).await?, |row| rows::id(row, "sapa_inbox"))
        })
    }

    fn unserved(&self) -> Answer<'_, u64> {
        Box::pin(async move { rows::count(&self.read(sql::UNSERVED, given()).await?, "sapa_inbox") })
    }

    fn bury(&self, inbox_id: i64) -> Answer<'_, bool> {
        Box::pin(async move { Ok(!self.write(sql::BURY, given().with(inbox_id)).await?.is_empty()) })
    }

    fn journal<'a>(&'a self, turn: &'a TurnKey, step: Step) -> Answer<'a, ()> {
        Box::pin(async move {
            let parameters = arguments::key(turn)
                .with(step.step)
                .with(step.action)
                .with(step.request_hash)
                .with(step.response.to_string())
                .with((self.clock)());
            self.write(sql::JOURNAL, parameters).await.map(drop)
        })
    }

    fn journalled<'a>(&'a self, turn: &'a TurnKey) -> Answer<'a, Vec<Step>> {
        Box::pin(async move { all(&self.read(sql::JOURNALLED, arguments::key(turn)).await?, rows::step) })
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed, CommitError> {
        Box::pin(self.commit_turn(commit))
    }

    fn claim_outbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<OutboxItem>> {
        Box::pin(async move {
            let text = if claim.unasked { sql::CLAIM_UNASKED } else { sql::CLAIM_OUTBOX };
            let mut items = all(&self.write(text, self.claim(&claim)).await?, rows::outbox_item)?;
            items.sort_by_key(|item| item.id);
            Ok(items)
        })
    }

    fn hold_outbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>> {
        Box::pin(async move {
            let parameters = arguments::ids(&ids)?.with(owner).with((self.clock)()).with(seconds);
            all(&self.write(sql::HOLD_OUTBOX, parameters).await?, |row| rows::id(row, "sapa_outbox"))
        })
    }

    fn settle_outbox<'a>(&'a self, owner: &'a str, results: Vec<(i64, Settled)>) -> Answer<'a, ()> {
        Box::pin(async move {
            rules::check_settled(&results)?;
            self.write(sql::SETTLE_OUTBOX, arguments::settlements(owner, &results)?).await.map(drop)
        })
    }

    fn reclaim_outbox<'a>(&'a self, resting: &'a [&'a str], under_way: Vec<i64>) -> Answer<'a, u64> {
        Box::pin(async move {
            let parameters = arguments::ids(&under_way)?;
            let parameters = parameters.with((self.clock)()).with(serde_json::json!(resting).to_string());
            let rows = self.write(sql::RECLAIM_OUTBOX, parameters).await?;
            Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
        })
    }

    fn unsent(&self) -> Answer<'_, u64> {
        Box::pin(async move { rows::count(&self.read(sql::UNSENT, given()).await?, "sapa_outbox") })
    }

    fn due_timers(&self, limit: u32) -> Answer<'_, Vec<Timer>> {
        Box::pin(async move {
            all(&self.read(sql::DUE_TIMERS, given().with((self.clock)()).with(limit)).await?, rows::timer)
        })
    }

    fn timers<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Vec<Timer>> {
        Box::pin(async move { all(&self.read(sql::TIMERS, given().with(sender_id)).await?, rows::timer) })
    }

    fn take_timer(&self, id: i64) -> Answer<'_, bool> {
        Box::pin(async move { Ok(!self.write(sql::TAKE_TIMER, given().with(id)).await?.is_empty()) })
    }

    fn unpublished(&self, limit: u32) -> Answer<'_, Vec<Publication>> {
        Box::pin(async move { all(&self.read(sql::UNPUBLISHED, given().with(limit)).await?, rows::publication) })
    }

    fn published(&self, event_ids: Vec<i64>) -> Answer<'_, ()> {
        Box::pin(async move { self.write(sql::PUBLISHED, arguments::ids(&event_ids)?).await.map(drop) })
    }

    fn cursor<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let rows = self.read(sql::CURSOR, given().with(name)).await?;
            rows.first().map(|row| rows::text(row, "sapa_cursor")).transpose()
        })
    }

    fn set_cursor<'a>(&'a self, name: &'a str, value: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.write(sql::SET_CURSOR, given().with(name).with(value)).await.map(drop) })
    }

    fn lead<'a>(&'a self, task: &'a str, owner: &'a str, seconds: f64) -> Answer<'a, bool> {
        Box::pin(async move {
            let parameters = given().with(task).with(owner).with((self.clock)()).with(seconds);
            Ok(!self.write(sql::LEAD, parameters).await?.is_empty())
        })
    }

    fn mend_times(&self, longest: f64) -> Answer<'_, ()> {
        Box::pin(async move {
            let latest = (self.clock)() + longest;
            for text in sql::RELEASE.into_iter().chain([sql::PUT_OFF_NO_MORE]) {
                self.write(text, given().with(latest)).await?;
            }
            Ok(())
        })
    }

    fn prune(&self, before: f64) -> Answer<'_, u64> {
        Box::pin(async move {
            let rows = self.write(sql::PRUNE, given().with(before)).await?;
            Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let (done, closed) = oneshot::channel();
            // A writer that is gone already has nothing left to finish.
            if self.orders.send(Order::Close(done)).await.is_ok() {
                closed.await.map_err(|_| StoreError::Closed)?;
            }
            self.readers.close().await;
            Ok(())
        })
    }
}
