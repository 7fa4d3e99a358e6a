//! Tickets: what a person waits for an officer to do.

use sapa_sdk::pii::{contacts, mask};
use sqlx::{FromRow, Row as _, sqlite::SqliteRow};

use super::Store;
use crate::Moment;

/// Longest summary, in characters.
const SUMMARY_LENGTH: usize = 300;

/// The same with what was added later.
const FULL_LENGTH: u32 = 1000;

/// Longest list of contacts, in characters.
const CONTACTS_LENGTH: u32 = 300;

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketStatus {
    /// Nobody has taken it yet.
    New,
    /// An officer works on it.
    InProgress,
    /// The person has to answer.
    WaitingForUser,
    /// Done.
    Done,
}

impl TicketStatus {
    /// What the column holds, in the order of a ticket's life.
    pub const NAMES: [&str; 4] = ["baru", "diproses", "menunggu_pemohon", "selesai"];

    const ALL: [Self; 4] = [Self::New, Self::InProgress, Self::WaitingForUser, Self::Done];

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|known| *known == name).and_then(|at| Self::ALL.get(at).copied())
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().zip(Self::NAMES).find(|(status, _)| **status == self).map_or("baru", |(_, name)| name)
    }

    /// In words for the person who waits.
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "menunggu petugas",
            Self::InProgress => "sedang ditangani petugas",
            Self::WaitingForUser => "menunggu jawaban dari Anda",
            Self::Done => "sudah selesai",
        }
    }
}

/// A ticket to be written.
#[derive(Clone, Debug)]
pub struct NewTicket<'a> {
    /// Conversation it belongs to.
    pub sender_id: &'a str,
    /// Topic, a word such as `daftar_tte`.
    pub topic: &'a str,
    /// What it is about; masked and cut before it is stored.
    pub summary: &'a str,
    /// The NIP or NIK it is about, in full: without it nobody can follow it up.
    pub identity: Option<&'a str>,
    /// The same key again is the same ticket.
    pub key: Option<&'a str>,
}

/// A stored ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// `HD-YYYY-NNNNNN`.
    pub number: String,
    /// Conversation it belongs to.
    pub sender_id: String,
    /// Topic.
    pub topic: String,
    /// Masked summary.
    pub summary: String,
    /// The NIP or NIK it is about, in full.
    pub identity: Option<String>,
    /// Telephone numbers and e-mail addresses that the person left, in full; empty
    /// when there are none.
    pub contacts: String,
    /// Where it stands.
    pub status: TicketStatus,
    /// When it was made, ISO 8601.
    pub created: String,
}

impl<'r> FromRow<'r, SqliteRow> for Ticket {
    fn from_row(row: &'r SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            number: row.try_get("nomor")?,
            sender_id: row.try_get("sender_id")?,
            topic: row.try_get("topik")?,
            summary: row.try_get("ringkasan")?,
            identity: row.try_get("identitas")?,
            contacts: row.try_get("kontak")?,
            status: TicketStatus::named(row.try_get("status")?).unwrap_or(TicketStatus::New),
            created: row.try_get("dibuat_pada")?,
        })
    }
}

impl Store {
    /// Writes a ticket and returns its number once it is committed. A repeated
    /// key returns the number of the first time, and so does the same request of
    /// the same day as long as it is open: officers see it once.
    ///
    /// # Errors
    /// The database fails; then there is no ticket.
    pub async fn create_ticket(&self, ticket: NewTicket<'_>, now: &Moment) -> sqlx::Result<String> {
        let given = contacts(ticket.summary).join(", ");
        let summary: String = mask(ticket.summary).chars().take(SUMMARY_LENGTH).collect();
        let prefix = format!("HD-{:04}-", now.date.year);
        // One statement, a transaction by itself: it takes the write lock before it
        // reads the sequence, so that two processes cannot read the same one, and
        // leaves nothing open when the disk is full. All rows are fetched, as the
        // last step is the commit.
        let inserted: Vec<String> = sqlx::query_scalar(
            "INSERT INTO tiket (nomor, sender_id, topik, ringkasan, dibuat_pada, idempotency_key, identitas, kontak)
             SELECT ?1 || printf('%06d', coalesce(max(CAST(substr(nomor, 9) AS INTEGER)), 0) + 1),
                 ?2, ?3, ?4, ?5, ?6, ?7, substr(?8, 1, ?9)
             FROM tiket WHERE nomor LIKE ?1 || '%' HAVING NOT EXISTS (
                 SELECT 1 FROM tiket WHERE sender_id = ?2 AND topik = ?3 AND ringkasan = ?4 AND identitas IS ?7
                 AND status <> 'selesai' AND substr(dibuat_pada, 1, 10) = substr(?5, 1, 10))
             ON CONFLICT (idempotency_key) DO NOTHING RETURNING nomor",
        )
        .bind(&prefix)
        .bind(ticket.sender_id)
        .bind(ticket.topic)
        .bind(&summary)
        .bind(&now.text)
        .bind(ticket.key)
        .bind(ticket.identity)
        .bind(&given)
        .bind(CONTACTS_LENGTH)
        .fetch_all(&self.pool)
        .await?;
        let number = match inserted.into_iter().next() {
            Some(number) => number,
            None => {
                let number: String = sqlx::query_scalar(
                    "SELECT nomor FROM tiket
                     WHERE idempotency_key = ?1
                        OR (sender_id = ?2 AND topik = ?3 AND ringkasan = ?4 AND identitas IS ?5)
                     ORDER BY idempotency_key IS ?1 DESC, id DESC LIMIT 1",
                )
                .bind(ticket.key)
                .bind(ticket.sender_id)
                .bind(ticket.topic)
                .bind(&summary)
                .bind(ticket.identity)
                .fetch_one(&self.pool)
                .await?;
                self.add_contacts(&number, ticket.summary).await?;
                return Ok(number);
            }
        };
        tracing::info!(nomor = number, topik = ticket.topic, "a ticket was made");
        Ok(number)
    }

    /// Keeps the contacts of a text with a ticket, each once.
    async fn add_contacts(&self, number: &str, text: &str) -> sqlx::Result<()> {
        for contact in contacts(text) {
            sqlx::query(
                "UPDATE tiket SET kontak = substr(CASE kontak WHEN '' THEN ?2 ELSE kontak || ', ' || ?2 END, 1, ?3)
                 WHERE nomor = ?1 AND instr(kontak, ?2) = 0",
            )
            .bind(number)
            .bind(contact)
            .bind(CONTACTS_LENGTH)
            .execute(&self.pool)
            .await?;
        }
        Ok(())
    }

    /// Adds to a ticket's summary, masked, what it does not say yet; contacts in it
    /// are kept in full by themselves.
    ///
    /// # Errors
    /// The database fails.
    pub async fn add_to_ticket(&self, number: &str, said: &str) -> sqlx::Result<()> {
        self.add_contacts(number, said).await?;
        let said: String = mask(said).chars().take(SUMMARY_LENGTH).collect();
        sqlx::query(
            "UPDATE tiket SET ringkasan = substr(ringkasan || '; ' || ?2, 1, ?3)
             WHERE nomor = ?1 AND ?2 <> '' AND instr(ringkasan, ?2) = 0",
        )
        .bind(number)
        .bind(&said)
        .bind(FULL_LENGTH)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// The newest tickets of a conversation, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn tickets_of(&self, sender_id: &str, limit: u32) -> sqlx::Result<Vec<Ticket>> {
        sqlx::query_as("SELECT * FROM tiket WHERE sender_id = ?1 ORDER BY id DESC LIMIT ?2")
            .bind(sender_id)
            .bind(limit)
            .fetch_all(&self.pool)
            .await
    }

    /// The ticket of that number if it belongs to that conversation.
    ///
    /// # Errors
    /// The database fails.
    pub async fn ticket(&self, sender_id: &str, number: &str) -> sqlx::Result<Option<Ticket>> {
        sqlx::query_as("SELECT * FROM tiket WHERE nomor = ?1 AND sender_id = ?2")
            .bind(number)
            .bind(sender_id)
            .fetch_optional(&self.pool)
            .await
    }

    /// Gives a ticket another status; `false` when there is none of that number.
    ///
    /// # Errors
    /// The database fails.
    pub async fn set_status(&self, number: &str, status: TicketStatus) -> sqlx::Result<bool> {
        let update = sqlx::query("UPDATE tiket SET status = ?1 WHERE nomor = ?2").bind(status.name()).bind(number);
        Ok(update.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// All tickets, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn tickets(&self) -> sqlx::Result<Vec<Ticket>> {
        sqlx::query_as("SELECT * FROM tiket ORDER BY id").fetch_all(&self.pool).await
    }
}

#[cfg(test)]
mod tests {
    use sapa_sdk::Date;

    use super::*;
    use crate::{Clock as _, FixedClock, store::tests::store};

    fn day(year: i32) -> Moment {
        FixedClock(Date { year, month: 1, day: 2 }).now()
    }

    fn ticket<'a>(key: Option<&'a str>) -> NewTicket<'a> {
        NewTicket { sender_id: "s", topic: "umum", summary: "nip 198609262015051001", identity: None, key }
    }

    #[tokio::test]
    async fn the_same_request_is_one_ticket_until_it_is_done_or_the_day_is_over() {
        let (store, _directory) = store().await;
        let at = |month| FixedClock(Date { year: 2026, month, day: 2 }).now();
        let first = store.create_ticket(ticket(Some("a")), &at(1)).await.unwrap();
        assert_eq!(store.create_ticket(ticket(Some("b")), &at(1)).await.unwrap(), first);
        let other = NewTicket { summary: "nip lain", ..ticket(None) };
        assert_ne!(store.create_ticket(other, &at(1)).await.unwrap(), first);
        // The summary shows both numbers as `[nip]`: they are two people all the same.
        let person = NewTicket { identity: Some("198609262015051001"), ..ticket(None) };
        assert_ne!(store.create_ticket(person, &at(1)).await.unwrap(), first);
        assert_ne!(store.create_ticket(ticket(None), &at(2)).await.unwrap(), first);
        store.set_status(&first, TicketStatus::Done).await.unwrap();
        assert_ne!(store.create_ticket(ticket(None), &at(1)).await.unwrap(), first);
    }

    #[tokio::test]
    async fn what_is_said_later_is_added_once_and_masked() {
        let (store, _directory) = store().await;
        let number = store.create_ticket(ticket(None), &day(2026)).await.unwrap();
        for said in ["wa 081200000999", "wa 081200000999", ""] {
            store.add_to_ticket(&number, said).await.unwrap();
        }
        let ticket = &store.tickets().await.unwrap()[0];
        assert_eq!(ticket.summary, "nip [nip]; wa [telepon]");
        assert_eq!(ticket.contacts, "081200000999", "in full, once");
    }

    #[tokio::test]
    async fn contacts_are_kept_with_the_ticket_also_when_it_is_asked_for_again() {
        let (store, _directory) = store().await;
        for phone in ["081200000999", "081200000888"] {
            let summary = format!("hubungi {phone}");
            store.create_ticket(NewTicket { summary: &summary, ..ticket(None) }, &day(2026)).await.unwrap();
        }
        let tickets = store.tickets().await.unwrap();
        assert_eq!(tickets.len(), 1, "masked, they say the same");
        assert_eq!(
            (tickets[0].summary.as_str(), tickets[0].contacts.as_str()),
            ("hubungi [telepon]", "081200000999, 081200000888")
        );
    }

    #[tokio::test]
    async fn numbers_count_up_and_start_again_each_year() {
        let (store, _directory) = store().await;
        let mut numbers = Vec::new();
        for (year, summary) in [(2026, "a"), (2026, "b"), (2027, "a"), (2026, "c")] {
            numbers.push(store.create_ticket(NewTicket { summary, ..ticket(None) }, &day(year)).await.unwrap());
        }
        assert_eq!(numbers, ["HD-2026-000001", "HD-2026-000002", "HD-2027-000001", "HD-2026-000003"]);
    }

    #[tokio::test]
    async fn when_there_is_room_again_tickets_are_made_again() {
        let (store, _directory) = store().await;
        let most = |pages: u32| sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        // No fewer than are in use: the disk is full now.
        sqlx::raw_sql(most(1)).execute(&store.pool).await.unwrap();
        let long = |made: usize| format!("{made:x>SUMMARY_LENGTH$}");
        let mut made = 0;
        while store.create_ticket(NewTicket { summary: &long(made), ..ticket(None) }, &day(2026)).await.is_ok() {
            made += 1;
            assert!(made < 1_000, "the disk never was full");
        }
        sqlx::raw_sql(most(100_000)).execute(&store.pool).await.unwrap();
        let number = store.create_ticket(ticket(None), &day(2026)).await.unwrap();
        assert_eq!(number, format!("HD-2026-{:06}", made + 1));
    }

    #[tokio::test]
    async fn a_status_is_changed_by_its_name() {
        let (store, _directory) = store().await;
        let number = store.create_ticket(ticket(None), &day(2026)).await.unwrap();
        for name in TicketStatus::NAMES {
            let status = TicketStatus::named(name).unwrap();
            assert!(store.set_status(&number, status).await.unwrap());
            assert_eq!(store.ticket("s", &number).await.unwrap().unwrap().status, status, "{name}");
        }
        assert!(!store.set_status("HD-2026-999999", TicketStatus::Done).await.unwrap());
        assert_eq!(TicketStatus::named("hilang"), None);
    }

    #[tokio::test]
    async fn the_same_key_is_the_same_ticket() {
        let (store, _directory) = store().await;
        let first = store.create_ticket(ticket(Some("k")), &day(2026)).await.unwrap();
        let again = store.create_ticket(ticket(Some("k")), &day(2027)).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(store.tickets().await.unwrap().len(), 1);
        let other = NewTicket { summary: "lain", ..ticket(Some("l")) };
        assert_ne!(store.create_ticket(other, &day(2026)).await.unwrap(), first);
    }

    #[tokio::test]
    async fn two_processes_never_give_the_same_number() {
        let (store, directory) = store().await;
        let other = Store::open(&directory.path().join("helpdesk.db")).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for turn in 0..20 {
            let store = if turn % 2 == 0 { store.clone() } else { other.clone() };
            let summary = format!("permintaan {turn}");
            tasks.spawn(async move {
                store.create_ticket(NewTicket { summary: &summary, ..ticket(None) }, &day(2026)).await.unwrap()
            });
        }
        let numbers: std::collections::BTreeSet<_> = tasks.join_all().await.into_iter().collect();
        assert_eq!(numbers.len(), 20);
    }

    #[tokio::test]
    async fn summaries_are_masked_and_tickets_are_seen_by_their_owner_only() {
        let (store, _directory) = store().await;
        let number = store.create_ticket(ticket(None), &day(2026)).await.unwrap();
        let seen = store.ticket("s", &number).await.unwrap().unwrap();
        assert_eq!((seen.summary.as_str(), seen.status), ("nip [nip]", TicketStatus::New));
        assert_eq!(store.ticket("t", &number).await.unwrap(), None);
        assert_eq!(store.tickets_of("t", 5).await.unwrap(), []);
        assert_eq!(store.tickets_of("s", 5).await.unwrap(), [seen]);
    }
}
