//! Conversations in a PostgreSQL database, for many processes at once.
//!
//! Each method is one statement on a connection of a small pool; nothing is held
//! open between statements. A database that Rasa wrote is taken over in place.

mod answers;
mod arguments;
mod commit;
mod fault;
mod open;
mod pool;
mod settings;
mod sql;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sqlx::postgres::PgRow;

use self::arguments::Parameters;
use self::pool::{Pool, Trouble};
pub use self::settings::PostgresSettings;
use super::record::{
    Accepted, Claim, Commit, Committed, Conversation, Intake, OutboxItem, Pending, Publication, Session, Settled,
    Snapshot, Step, Timer, TurnKey,
};
use super::rows::{self, all};
use super::{Answer, Clock, CommitError, Store, StoreError, rules};

/// How often a statement that may run twice is sent while connections break.
const MOST_TRIES: usize = 4;

/// Rows of a kind that one statement prunes: it holds their locks meanwhile.
const PRUNED_AT_ONCE: u32 = 10_000;

/// A store in a PostgreSQL database. Clones share its connections.
#[derive(Clone)]
pub struct Postgres {
    clock: Clock,
    pool: Arc<Pool>,
}

impl Postgres {
    /// Connects to the database and brings its tables up to date. A server that
    /// does not answer yet is waited for.
    ///
    /// # Errors
    /// The settings make no sense, the server does not answer in time or refuses,
    /// the database is not encoded in UTF-8, has somebody else's `events` table,
    /// or was written by a newer version.
    pub async fn open(settings: &PostgresSettings, clock: Clock) -> Result<Self, StoreError> {
        Ok(Self { clock, pool: Arc::new(open::open(settings).await?) })
    }

    /// Runs a statement that does no harm when it runs twice, as reading does
    /// not.
    async fn again(&self, text: &'static str, parameters: Parameters) -> Result<Vec<PgRow>, Trouble> {
        let arguments = parameters.done().map_err(Trouble::NotSent)?;
        for _ in 1..MOST_TRIES {
            match self.pool.ask(text, arguments.clone()).await {
                Err(Trouble::Lost) => {}
                other => return other,
            }
        }
        self.pool.ask(text, arguments).await
    }

    /// Reads. What no row can hold is found nowhere.
    async fn read(&self, text: &'static str, parameters: Parameters) -> Result<Vec<PgRow>, StoreError> {
        match self.again(text, parameters).await {
            Err(Trouble::Refused(error)) if fault::is_nowhere(&error) => Ok(Vec::new()),
            // Nothing is in doubt: nothing was to be written.
            Err(Trouble::Lost) => Err(StoreError::Io("the connection broke, again and again".into())),
            other => other.map_err(told),
        }
    }

    /// Writes something that may be written twice.
    async fn put(&self, text: &'static str, parameters: Parameters) -> Result<Vec<PgRow>, StoreError> {
        self.again(text, parameters).await.map_err(told)
    }

    /// Writes something whose answer differs the second time.
    async fn take(&self, text: &'static str, parameters: Parameters) -> Result<Vec<PgRow>, StoreError> {
        self.pool.ask(text, parameters.done()?).await.map_err(told)
    }

    async fn accept_message(&self, intake: &Intake, owner: &str, seconds: f64) -> Result<Accepted, StoreError> {
        rules::check_intake(intake)?;
        let parameters = arguments::intake(intake, (self.clock)(), owner, seconds).done()?;
        let rows = match self.pool.ask(sql::ACCEPT, parameters).await {
            // It came twice at the very same time; the other one has its row now.
            Err(Trouble::Refused(error)) if fault::is_there_already(&error) => {
                let key = given().with(intake.channel.as_str()).with(intake.dedupe_key.as_deref());
                self.read(sql::SEEN, key).await?
            }
            other => other.map_err(told)?,
        };
        let row = rows.first().ok_or_else(|| StoreError::Io("an accepted message has no row".into()))?;
        rows::accepted(row)
    }

    /// Removes old rows, some at a time.
    async fn prune_rows(&self, before: f64) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            let rows = self.put(sql::PRUNE, given().with(before).with(i64::from(PRUNED_AT_ONCE))).await?;
            let pruned = rows.first().map(answers::pruned).transpose()?.unwrap_or_default();
            all += pruned.iter().sum::<u64>();
            if pruned.iter().all(|rows| *rows < u64::from(PRUNED_AT_ONCE)) {
                return Ok(all);
            }
        }
    }
}

/// The store's error for what went wrong.
fn told(trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::NotSent(error) => error,
        Trouble::Refused(error) => fault::store_error(&error),
        Trouble::Lost => StoreError::InDoubt,
    }
}

/// Names as parameters have them.
fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// An empty list of parameters.
fn given() -> Parameters {
    Parameters::default()
}

impl Store for Postgres {
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
            let parameters = given().with(sender_id).with(version).with(snapshot.state.to_string());
            let parameters =
                parameters.with(snapshot.fingerprint).with(i64::try_from(snapshot.newer).unwrap_or(i64::MAX));
            self.put(sql::KEEP_SNAPSHOT, parameters).await.map(drop)
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
            let rows = self.read(sql::SENDERS, given().with(after).with(i64::from(limit))).await?;
            all(&rows, |row| rows::text(row, "events"))
        })
    }

    fn accept<'a>(&'a self, intake: Intake, owner: &'a str, seconds: f64) -> Answer<'a, Accepted> {
        Box::pin(async move { self.accept_message(&intake, owner, seconds).await })
    }

    fn seen<'a>(&'a self, channel: &'a str, dedupe_key: &'a str) -> Answer<'a, Option<Accepted>> {
        Box::pin(async move {
            let rows = self.read(sql::SEEN, given().with(channel).with(dedupe_key)).await?;
            rows.first().map(rows::accepted).transpose()
        })
    }

    fn claim_inbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<Pending>> {
        Box::pin(async move {
            let parameters = given().with(i64::from(claim.limit)).with(claim.owner).with(claim.seconds);
            let parameters = parameters.with(owned(claim.channels)).with(i64::from(rules::CLAIMED_OF_ONE));
            let rows = self.take(sql::CLAIM_INBOX, parameters).await?;
            let mut pending = all(&rows, rows::pending)?;
            pending.sort_by_key(|row| row.inbox_id);
            Ok(pending)
        })
    }

    fn hold_inbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>> {
        Box::pin(async move {
            let rows = self.put(sql::HOLD_INBOX, given().with(ids).with(owner).with(seconds)).await?;
            all(&rows, |row| rows::id(row, "sapa_inbox"))
        })
    }

    fn unserved(&self) -> Answer<'_, u64> {
        Box::pin(async move { rows::count(&self.read(sql::UNSERVED, given()).await?, "sapa_inbox") })
    }

    fn bury(&self, inbox_id: i64) -> Answer<'_, bool> {
        Box::pin(async move { Ok(!self.take(sql::BURY, given().with(inbox_id)).await?.is_empty()) })
    }

    fn journal<'a>(&'a self, turn: &'a TurnKey, step: Step) -> Answer<'a, ()> {
        Box::pin(async move { self.put(sql::JOURNAL, arguments::step(turn, step, (self.clock)())).await.map(drop) })
    }

    fn journalled<'a>(&'a self, turn: &'a TurnKey) -> Answer<'a, Vec<Step>> {
        Box::pin(async move { all(&self.read(sql::JOURNALLED, arguments::key(turn)).await?, rows::step) })
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed, CommitError> {
        Box::pin(self.commit_turn(commit))
    }

    fn claim_outbox<'a>(&'a self, claim: Claim<'a>) -> Answer<'a, Vec<OutboxItem>> {
        Box::pin(async move {
            let parameters = given().with((self.clock)()).with(i64::from(claim.limit)).with(claim.owner);
            let parameters = parameters.with(claim.seconds).with(owned(claim.channels)).with(claim.unasked);
            let mut items = all(&self.take(sql::CLAIM_OUTBOX, parameters).await?, rows::outbox_item)?;
            items.sort_by_key(|item| item.id);
            Ok(items)
        })
    }

    fn hold_outbox<'a>(&'a self, owner: &'a str, ids: Vec<i64>, seconds: f64) -> Answer<'a, Vec<i64>> {
        Box::pin(async move {
            let rows = self.put(sql::HOLD_OUTBOX, given().with(ids).with(owner).with(seconds)).await?;
            all(&rows, |row| rows::id(row, "sapa_outbox"))
        })
    }

    fn settle_outbox<'a>(&'a self, owner: &'a str, results: Vec<(i64, Settled)>) -> Answer<'a, ()> {
        Box::pin(async move {
            rules::check_settled(&results)?;
            self.put(sql::SETTLE_OUTBOX, arguments::settlements(owner, &results)).await.map(drop)
        })
    }

    fn reclaim_outbox<'a>(&'a self, resting: &'a [&'a str], under_way: Vec<i64>) -> Answer<'a, u64> {
        Box::pin(async move {
            let rows = self.put(sql::RECLAIM_OUTBOX, given().with(owned(resting)).with(under_way)).await?;
            Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
        })
    }

    fn unsent(&self) -> Answer<'_, u64> {
        Box::pin(async move { rows::count(&self.read(sql::UNSENT, given()).await?, "sapa_outbox") })
    }

    fn due_timers(&self, limit: u32) -> Answer<'_, Vec<Timer>> {
        Box::pin(async move {
            let parameters = given().with((self.clock)()).with(i64::from(limit));
            all(&self.read(sql::DUE_TIMERS, parameters).await?, rows::timer)
        })
    }

    fn timers<'a>(&'a self, sender_id: &'a str) -> Answer<'a, Vec<Timer>> {
        Box::pin(async move { all(&self.read(sql::TIMERS, given().with(sender_id)).await?, rows::timer) })
    }

    fn take_timer(&self, id: i64) -> Answer<'_, bool> {
        Box::pin(async move { Ok(!self.take(sql::TAKE_TIMER, given().with(id)).await?.is_empty()) })
    }

    fn unpublished(&self, limit: u32) -> Answer<'_, Vec<Publication>> {
        Box::pin(
            async move { all(&self.read(sql::UNPUBLISHED, given().with(i64::from(limit))).await?, rows::publication) },
        )
    }

    fn published(&self, event_ids: Vec<i64>) -> Answer<'_, ()> {
        Box::pin(async move { self.put(sql::PUBLISHED, given().with(event_ids)).await.map(drop) })
    }

    fn cursor<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let rows = self.read(sql::CURSOR, given().with(name)).await?;
            rows.first().map(|row| rows::text(row, "sapa_cursor")).transpose()
        })
    }

    fn set_cursor<'a>(&'a self, name: &'a str, value: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.put(sql::SET_CURSOR, given().with(name).with(value)).await.map(drop) })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn lead<'a>(&'a self, task: &'a str, owner: &'a str, seconds: f64) -> Answer<'a, bool> {
        Box::pin(
            async move { Ok(!self.put(sql::LEAD, given().with(task).with(owner).with(seconds)).await?.is_empty()) },
        )
    }

    fn mend_times(&self, longest: f64) -> Answer<'_, ()> {
        Box::pin(async move {
            for text in sql::RELEASE {
                self.put(text, given().with(longest)).await?;
            }
            self.put(sql::PUT_OFF_NO_MORE, given().with((self.clock)() + longest)).await.map(drop)
        })
    }

    fn prune(&self, before: f64) -> Answer<'_, u64> {
        Box::pin(self.prune_rows(before))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.pool.close().await;
            Ok(())
        })
    }
}
