//! The SQL text of the SQLite store.
//!
//! Each writing job is one text of several statements, so that it costs one
//! trip to the connection's thread. Parameters are written `$N`: sqlx counts
//! `?N` wrongly when a statement of such a text leaves numbers out.

/// The text of a job that writes.
pub(super) struct Job {
    /// In a transaction of its own.
    pub(super) alone: &'static str,
    /// As a savepoint in a transaction that is open.
    pub(super) within: &'static str,
}

macro_rules! job {
    ($($statement:literal)+) => {
        Job {
            alone: concat!("BEGIN IMMEDIATE;", $($statement, ";",)+ "COMMIT"),
            within: concat!("SAVEPOINT job;", $($statement, ";",)+ "RELEASE job"),
        }
    };
}

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";
/// Undoes a job that failed, and only it.
pub(super) const ROLLBACK_JOB: &str = "ROLLBACK TO job; RELEASE job";

/// Fails when `events` has not Rasa's columns.
pub(super) const CHECK_EVENTS: &str =
    "SELECT id, sender_id, type_name, timestamp, intent_name, action_name, data FROM events LIMIT 0";

/// Whether there is an `events` table yet.
pub(super) const HAS_EVENTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'events'";

/// The statements of every turn, then those given.
macro_rules! turn {
    ($($more:literal)*) => {
        job!(
            "INSERT INTO sapa_conversation (sender_id) VALUES ($1) ON CONFLICT DO NOTHING"
            "UPDATE sapa_conversation SET
                version = CASE WHEN version = $2 AND ($4 IS NULL OR EXISTS (
                    SELECT 1 FROM sapa_inbox WHERE id = $4 AND sender_id = $1 AND state = 'accepted'
                )) THEN version + 1 END,
                next_seq = next_seq + ($5 IS NOT NULL),
                last_ts = coalesce($10, last_ts)
             WHERE sender_id = $1"
            "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)
             SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each($3)"
            "UPDATE sapa_inbox SET state = 'done', reply = $8 WHERE id = $4"
            "INSERT INTO sapa_inbox (sender_id, seq, channel, dedupe_key, payload, state, reply, accepted_at)
             SELECT $1, next_seq - 1, $5, $6, $7, 'done', $8, $9
             FROM sapa_conversation WHERE sender_id = $1 AND $5 IS NOT NULL"
            "DELETE FROM sapa_step WHERE inbox_id = $11"
            $($more)*
        )
    };
}

/// A turn. $1 sender, $2 expected version, $3 events, $4 id of the accepted
/// message, $5 channel, $6 dedupe key and $7 payload of a fresh message, $8
/// reply, $9 time, $10 time of the last event, $11 key of the turn.
///
/// The fence: a version that does not fit, or a message that is not open,
/// becomes null, which the column refuses; that undoes the job.
pub(super) const TURN: Job = turn!();

/// A turn that also sends, sets timers or publishes: $12 outbox, $13 timers, $14
/// whether to publish.
pub(super) const TURN_AND_MORE: Job = turn!(
    "INSERT INTO sapa_outbox (inbox_id, ordinal, sender_id, channel, payload, not_before)
     SELECT coalesce($4, (
            SELECT i.id FROM sapa_inbox i JOIN sapa_conversation c ON c.sender_id = i.sender_id
            WHERE $5 IS NOT NULL AND i.sender_id = $1 AND i.seq = c.next_seq - 1
        )), key, $1, value ->> 0, value ->> 1, coalesce(value ->> 2, $9)
     FROM json_each($12)"
    "DELETE FROM sapa_timer WHERE sender_id = $1
        AND ($13 ->> '$.clear' OR name IN (SELECT value FROM json_each($13, '$.names')))"
    "INSERT INTO sapa_timer (sender_id, name, due_at, payload)
     SELECT $1, value ->> 0, value ->> 1, value ->> 2 FROM json_each($13, '$.set')"
    "INSERT INTO sapa_publish (event_id)
     SELECT id FROM events WHERE $14 AND id > (SELECT max(id) FROM events) - json_array_length($3)"
);

/// Why a turn was refused. $1 sender, $2 id of the accepted message, $3 channel
/// and $4 dedupe key of a fresh one.
pub(super) const WHY: &str = "
    SELECT c.version, i.state, i.reply
    FROM (SELECT 1) LEFT JOIN sapa_conversation c ON c.sender_id = $1
        LEFT JOIN sapa_inbox i ON (i.id = $2 AND i.sender_id = $1) OR (i.channel = $3 AND i.dedupe_key = $4)";

/// $1 sender, $2 channel, $3 dedupe key, $4 payload, $5 time. The first row is
/// the message's; `fresh` says whether it is new.
pub(super) const ACCEPT: Job = job!(
    "INSERT INTO sapa_conversation (sender_id) VALUES ($1) ON CONFLICT DO NOTHING"
    "INSERT INTO sapa_inbox (sender_id, seq, channel, dedupe_key, payload, state, accepted_at)
     SELECT $1, next_seq, $2, $3, $4, 'accepted', $5 FROM sapa_conversation
     WHERE sender_id = $1 AND NOT EXISTS (SELECT 1 FROM sapa_inbox WHERE channel = $2 AND dedupe_key = $3)
     RETURNING id, seq, state, reply, 1 AS fresh"
    "UPDATE sapa_conversation SET next_seq = max(next_seq, 1 + coalesce(
        (SELECT max(seq) FROM sapa_inbox WHERE sender_id = $1), 0)) WHERE sender_id = $1"
    "SELECT id, seq, state, reply, 0 AS fresh FROM sapa_inbox WHERE channel = $2 AND dedupe_key = $3"
);

/// $1 channel, $2 dedupe key.
pub(super) const SEEN: &str =
    "SELECT id, seq, state, reply, 0 AS fresh FROM sapa_inbox WHERE channel = $1 AND dedupe_key = $2";

/// $1 after that id, $2 limit.
pub(super) const PENDING: Job = job!(
    "UPDATE sapa_inbox SET attempts = attempts + 1 WHERE id IN (
        SELECT id FROM sapa_inbox WHERE state = 'accepted' AND id > $1 ORDER BY id LIMIT $2
     ) RETURNING id, seq, attempts, channel, dedupe_key, sender_id, payload"
);

/// $1 id.
pub(super) const BURY: Job =
    job!("UPDATE sapa_inbox SET state = 'dead' WHERE id = $1 AND state = 'accepted' RETURNING id");

/// $1 key of the turn, $2 step, $3 action, $4 request hash, $5 response, $6 time.
pub(super) const JOURNAL: Job = job!(
    "INSERT INTO sapa_step (inbox_id, step, action, request_hash, response, received_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO UPDATE SET action = excluded.action, request_hash = excluded.request_hash,
        response = excluded.response, received_at = excluded.received_at"
);

/// $1 key of the turn.
pub(super) const JOURNALLED: &str =
    "SELECT step AS id, action, request_hash, response FROM sapa_step WHERE inbox_id = $1 ORDER BY step";

/// $1 time, $2 limit.
pub(super) const CLAIM_OUTBOX: Job = job!(
    "UPDATE sapa_outbox SET state = 'sending', attempts = attempts + 1 WHERE id IN (
        SELECT o.id FROM sapa_outbox o
        WHERE o.state = 'ready' AND o.not_before <= $1 AND NOT EXISTS (
            SELECT 1 FROM sapa_outbox e
            WHERE e.state IN ('ready', 'sending') AND e.sender_id = o.sender_id AND e.id < o.id
                AND (e.state = 'sending' OR e.not_before > $1)
        )
        ORDER BY o.id LIMIT $2
     ) RETURNING id, inbox_id, ordinal, sender_id, channel, payload, attempts, possible_double"
);

/// $1 results: `[id, state, not_before]` each.
pub(super) const SETTLE_OUTBOX: Job = job!(
    "UPDATE sapa_outbox SET state = r.value ->> 1, not_before = coalesce(r.value ->> 2, not_before),
        possible_double = possible_double OR state = 'doubtful'
     FROM json_each($1) r WHERE sapa_outbox.id = r.value ->> 0"
);

/// No parameters.
pub(super) const DOUBT_OUTBOX: Job = job!(
    "UPDATE sapa_outbox SET state = 'doubtful' WHERE state = 'sending'"
    "SELECT id, inbox_id, ordinal, sender_id, channel, payload, attempts, 1 AS possible_double
     FROM sapa_outbox WHERE state = 'doubtful' ORDER BY id"
);

/// $1 time, $2 limit.
pub(super) const DUE_TIMERS: &str =
    "SELECT id, sender_id, name, due_at, payload FROM sapa_timer WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";

/// $1 sender.
pub(super) const TIMERS: &str =
    "SELECT id, sender_id, name, due_at, payload FROM sapa_timer WHERE sender_id = $1 ORDER BY name";

/// $1 id.
pub(super) const TAKE_TIMER: Job = job!("DELETE FROM sapa_timer WHERE id = $1 RETURNING id");

/// $1 limit.
pub(super) const UNPUBLISHED: &str = "
    SELECT e.id, e.sender_id, e.data FROM sapa_publish p JOIN events e ON e.id = p.event_id
    ORDER BY p.event_id LIMIT $1";

/// $1 event ids.
pub(super) const PUBLISHED: Job = job!("DELETE FROM sapa_publish WHERE event_id IN (SELECT value FROM json_each($1))");

/// $1 name.
pub(super) const CURSOR: &str = "SELECT value FROM sapa_cursor WHERE name = $1";

/// $1 name, $2 value.
pub(super) const SET_CURSOR: Job =
    job!("INSERT INTO sapa_cursor (name, value) VALUES ($1, $2) ON CONFLICT DO UPDATE SET value = excluded.value");

/// $1 time. One row for each row that went.
pub(super) const PRUNE: Job = job!(
    "DELETE FROM sapa_inbox WHERE state IN ('done', 'dead') AND accepted_at < $1 RETURNING 1"
    "DELETE FROM sapa_outbox WHERE state IN ('sent', 'failed') AND not_before < $1 RETURNING 1"
    "DELETE FROM sapa_step WHERE received_at < $1 AND NOT EXISTS (
        SELECT 1 FROM sapa_inbox WHERE id = CAST(inbox_id AS INTEGER) AND state = 'accepted') RETURNING 1"
);

/// The current session (spec §6.1). $1 sender. The first row carries the
/// conversation, the others an event each.
pub(super) const LOAD: &str = "
    WITH started (id) AS (
        SELECT id FROM events WHERE sender_id = $1 AND type_name = 'session_started' ORDER BY id DESC LIMIT 1
    ), before (id, type_name, action_name) AS (
        SELECT id, type_name, action_name FROM events
        WHERE sender_id = $1 AND id < (SELECT id FROM started) ORDER BY id DESC LIMIT 1
    ), first (id) AS (
        SELECT coalesce(
            (SELECT id FROM before WHERE type_name = 'action' AND action_name = 'action_session_start'),
            (SELECT id FROM started), 0)
    )
    SELECT 0 AS id, coalesce(c.version, 0) AS version, coalesce(c.next_seq, 1) AS next_seq, NULL AS data
    FROM (SELECT 1) LEFT JOIN sapa_conversation c ON c.sender_id = $1
    UNION ALL
    SELECT id, NULL, NULL, data FROM events WHERE sender_id = $1 AND id >= (SELECT id FROM first)
    ORDER BY 1";

/// As [`LOAD`], with all sessions.
pub(super) const LOAD_ALL: &str = "
    SELECT 0 AS id, coalesce(c.version, 0) AS version, coalesce(c.next_seq, 1) AS next_seq, NULL AS data
    FROM (SELECT 1) LEFT JOIN sapa_conversation c ON c.sender_id = $1
    UNION ALL
    SELECT id, NULL, NULL, data FROM events WHERE sender_id = $1
    ORDER BY 1";

/// $1 sender.
pub(super) const EXISTS: &str = "SELECT 1 FROM events WHERE sender_id = $1 LIMIT 1";

/// $1 after that sender, or null; $2 limit. Jumps from one sender to the next.
pub(super) const SENDERS: &str = "
    WITH RECURSIVE s (id) AS (
        SELECT min(sender_id) FROM events WHERE $1 IS NULL OR sender_id > $1
        UNION ALL
        SELECT (SELECT min(sender_id) FROM events WHERE sender_id > s.id) FROM s WHERE s.id IS NOT NULL
    )
    SELECT id FROM s WHERE id IS NOT NULL LIMIT $2";
