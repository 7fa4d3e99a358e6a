//! The commit of a turn, also when the connection breaks in the middle of it.
//!
//! A commit may be sent again without harm: if the first one was made after all,
//! or is made yet, the version fence lets only one through. What is left to find
//! out then is whose work the new version is; each commit leaves a mark for that
//! in the conversation's row.

use super::pool::Trouble;
use super::{MOST_TRIES, Postgres, answers, arguments, fault, sql};
use crate::store::record::{Commit, Committed, InboxMessage};
use crate::store::{CommitError, StoreError, rules};

impl Postgres {
    /// Writes a turn: one trip to the server when all goes well, a second one to
    /// say why not.
    pub(super) async fn commit_turn(&self, commit: Commit) -> Result<Committed, CommitError> {
        rules::check(&commit)?;
        let mark = made_up();
        let arguments = arguments::turn(&commit, (self.clock)(), mark)?;
        let mut in_doubt = false;
        for _ in 0..MOST_TRIES {
            let error = match self.pool.ask(sql::COMMIT, arguments.clone()).await {
                Ok(rows) => match answers::committed(&rows)? {
                    Some(version) => return Ok(Committed { version }),
                    None => return self.refused(&commit, in_doubt.then_some(mark)).await,
                },
                Err(Trouble::Refused(error)) if fault::is_refusal(&error) => {
                    return self.refused(&commit, in_doubt.then_some(mark)).await;
                }
                Err(Trouble::Refused(error)) => fault::store_error(&error),
                Err(Trouble::NotSent(error)) => error,
                Err(Trouble::Lost) => {
                    in_doubt = true;
                    continue;
                }
            };
            return Err(if in_doubt { StoreError::InDoubt } else { error }.into());
        }
        Err(StoreError::InDoubt.into())
    }

    /// What came of a commit that the fence or its message stopped. With a mark:
    /// an earlier attempt at the same commit may have been made.
    async fn refused(&self, commit: &Commit, mark: Option<i64>) -> Result<Committed, CommitError> {
        let rows = match self.read(sql::WHY, arguments::why(commit)).await {
            Ok(rows) => rows,
            Err(_) if mark.is_some() => return Err(StoreError::InDoubt.into()),
            Err(error) => return Err(error.into()),
        };
        let Some(why) = rows.first().map(answers::why).transpose()? else {
            return Err(StoreError::Io("a refused turn has no row".into()).into());
        };
        let next = commit.expected_version + 1;
        if mark.is_some() && why.last_commit == mark {
            return Ok(Committed { version: next });
        }
        // Somebody wrote over our mark, or over that of whoever was first. A
        // message with a row of its own tells by that.
        if mark.is_some() && why.version > next && !tells_by_its_row(commit) {
            return Err(StoreError::InDoubt.into());
        }
        Err(rules::refusal(commit, why.version, why.seen))
    }
}

/// Whether it can be looked up if the commit's message had its turn.
fn tells_by_its_row(commit: &Commit) -> bool {
    match commit.inbox.as_ref().map(|done| &done.message) {
        Some(InboxMessage::Accepted(_)) => true,
        Some(InboxMessage::Fresh { dedupe_key, .. }) => dedupe_key.is_some(),
        None => false,
    }
}

/// A number that no other commit has.
fn made_up() -> i64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish().cast_signed()
}
