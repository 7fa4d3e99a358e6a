//! The SQL text of the PostgreSQL store.
//!
//! Each job is one statement: one trip to the server, a transaction of its own.
//! Those that write to several tables are functions, which the migrations make.

/// What the session is like. One row.
pub(super) const SERVER: &str = "
    SELECT current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS sync,
        current_setting('fsync') AS fsync, current_schema()::text AS schema";

/// Columns of the table `events`; no rows when there is none.
pub(super) const EVENTS_COLUMNS: &str = "
    SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type, a.attnotnull AS required,
        a.atthasdef OR a.attidentity <> '' AS filled
    FROM pg_attribute a WHERE a.attrelid = to_regclass('events') AND a.attnum > 0 AND NOT a.attisdropped";

/// Whether there is a database. $1 name.
pub(super) const HAS_DATABASE: &str = "SELECT 1 FROM pg_database WHERE datname = $1";

/// A turn; the parameters are described at the function. Null when the
/// conversation is at another version.
pub(super) const COMMIT: &str = "
    SELECT sapa_commit_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23, $24, $25) AS version";

/// Why a turn was refused. $1 sender, $2 id of the accepted message, $3 channel
/// and $4 dedupe key of a fresh one.
pub(super) const WHY: &str = "
    SELECT c.version, c.last_commit, i.state, i.reply
    FROM (SELECT 1) one LEFT JOIN sapa_conversation c ON c.sender_id = $1
        LEFT JOIN sapa_inbox i ON (i.id = $2 AND i.sender_id = $1) OR (i.channel = $3 AND i.dedupe_key = $4)";

/// $1 sender, $2 channel, $3 dedupe key, $4 payload, $5 time, $6 owner, $7 seconds.
pub(super) const ACCEPT: &str =
    "SELECT id, seq, state, reply, fresh, held FROM sapa_accept_2($1, $2, $3, $4, $5, $6, $7)";

/// $1 channel, $2 dedupe key.
pub(super) const SEEN: &str = "SELECT id, seq, state, reply, FALSE AS fresh, FALSE AS held FROM sapa_inbox WHERE channel = $1 AND dedupe_key = $2";

/// $1 limit, $2 owner, $3 seconds, $4 channels.
pub(super) const CLAIM_INBOX: &str = "
    SELECT id, seq, attempts, accepted_at, channel, dedupe_key, sender_id, payload
    FROM sapa_claim_inbox_2($1, $2, $3, $4, $5)";

/// $1 ids, $2 owner, $3 seconds. Not those behind a row that has become another's.
pub(super) const HOLD_INBOX: &str = "
    UPDATE sapa_inbox i SET held_until = extract(epoch FROM clock_timestamp()) + $3
    WHERE id = ANY ($1) AND state = 'accepted' AND owner = $2 AND NOT EXISTS (
        SELECT 1 FROM sapa_inbox e
        WHERE e.sender_id = i.sender_id AND e.state = 'accepted' AND e.id < i.id
            AND e.owner <> $2 AND e.held_until > extract(epoch FROM clock_timestamp())
    ) RETURNING id";

/// No parameters.
pub(super) const UNSERVED: &str = "SELECT count(*) AS count FROM sapa_inbox WHERE state = 'accepted'";

/// $1 id.
pub(super) const BURY: &str = "UPDATE sapa_inbox SET state = 'dead' WHERE id = $1 AND state = 'accepted' RETURNING id";

/// $1 key of the turn, $2 step, $3 action, $4 request hash, $5 response, $6 time.
pub(super) const JOURNAL: &str = "
    INSERT INTO sapa_step (inbox_id, step, action, request_hash, response, received_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (inbox_id, step) DO UPDATE SET action = excluded.action, request_hash = excluded.request_hash,
        response = excluded.response, received_at = excluded.received_at";

/// $1 key of the turn.
pub(super) const JOURNALLED: &str =
    "SELECT step AS id, action, request_hash, response FROM sapa_step WHERE inbox_id = $1 ORDER BY step";

/// $1 time, $2 limit, $3 owner, $4 seconds, $5 channels.
pub(super) const CLAIM_OUTBOX: &str = "
    SELECT id, inbox_id, ordinal, sender_id, channel, payload, attempts, possible_double
    FROM sapa_claim_outbox_3($1, $2, $3, $4, $5, $6)";

/// $1 ids, $2 states, $3 times, $4 whether they may have arrived, $5 owner.
pub(super) const SETTLE_OUTBOX: &str = "
    UPDATE sapa_outbox o SET state = r.state, not_before = coalesce(r.time, o.not_before),
        possible_double = o.possible_double OR r.doubt
    FROM unnest($1::bigint[], $2::text[], $3::double precision[], $4::boolean[]) AS r (id, state, time, doubt)
    WHERE o.id = r.id AND o.state = 'sending' AND o.owner = $5";

/// $1 ids, $2 owner, $3 seconds.
pub(super) const HOLD_OUTBOX: &str = "
    UPDATE sapa_outbox SET held_until = extract(epoch FROM clock_timestamp()) + $3
    WHERE id = ANY ($1) AND state = 'sending' AND owner = $2 RETURNING id";

/// $1 channels whose messages rest when in doubt, $2 ids to leave alone.
pub(super) const RECLAIM_OUTBOX: &str = "
    UPDATE sapa_outbox SET possible_double = TRUE,
        state = CASE WHEN channel = ANY ($1) THEN 'doubtful' ELSE 'ready' END
    WHERE state = 'sending' AND held_until <= extract(epoch FROM clock_timestamp()) AND id <> ALL ($2) RETURNING id";

/// No parameters.
pub(super) const UNSENT: &str = "SELECT count(*) AS count FROM sapa_outbox WHERE state IN ('ready', 'sending')";

/// $1 time, $2 limit.
pub(super) const DUE_TIMERS: &str =
    "SELECT id, sender_id, name, due_at, payload FROM sapa_timer WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";

/// $1 sender.
pub(super) const TIMERS: &str = r#"
    SELECT id, sender_id, name, due_at, payload FROM sapa_timer WHERE sender_id = $1 ORDER BY name COLLATE "C""#;

/// $1 id.
pub(super) const TAKE_TIMER: &str = "DELETE FROM sapa_timer WHERE id = $1 RETURNING id";

/// $1 limit.
pub(super) const UNPUBLISHED: &str = "
    SELECT e.id::bigint AS id, e.sender_id, e.data FROM sapa_publish p JOIN events e ON e.id = p.event_id
    ORDER BY p.event_id LIMIT $1";

/// $1 event ids.
pub(super) const PUBLISHED: &str = "DELETE FROM sapa_publish WHERE event_id = ANY ($1)";

/// $1 name.
pub(super) const CURSOR: &str = "SELECT value FROM sapa_cursor WHERE name = $1";

/// $1 name, $2 value.
pub(super) const SET_CURSOR: &str = "
    INSERT INTO sapa_cursor (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// $1 task, $2 owner, $3 seconds. A row when the owner leads, by the clock of the
/// database. The cursor holds `[owner, until]`.
pub(super) const LEAD: &str = "
    INSERT INTO sapa_cursor (name, value)
    VALUES ('lead:' || $1, json_build_array($2::text, extract(epoch FROM clock_timestamp()) + $3::float8)::text)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE sapa_cursor.value::json ->> 0 = $2
        OR (sapa_cursor.value::json ->> 1)::float8 <= extract(epoch FROM clock_timestamp())
    RETURNING value";

/// Takes from its owner what is theirs for longer than $1 seconds from now: each statement
/// by itself.
pub(super) const RELEASE: [&str; 3] = [
    "UPDATE sapa_inbox SET held_until = NULL, owner = NULL
        WHERE state = 'accepted' AND held_until > extract(epoch FROM clock_timestamp()) + $1",
    "UPDATE sapa_outbox SET held_until = 0
        WHERE state = 'sending' AND held_until > extract(epoch FROM clock_timestamp()) + $1",
    "DELETE FROM sapa_cursor WHERE name >= 'lead:' COLLATE \"C\" AND name < 'lead;' COLLATE \"C\"
        AND (value::json ->> 1)::float8 > extract(epoch FROM clock_timestamp()) + $1",
];
/// What is put off for longer than until $1, by the clock of the processes, is due.
pub(super) const PUT_OFF_NO_MORE: &str =
    "UPDATE sapa_outbox SET not_before = 0 WHERE state = 'ready' AND not_before > $1";

/// $1 time, $2 most rows of a kind. How many rows went. Rows that another
/// process is about to remove are left to it.
pub(super) const PRUNE: &str = "
    WITH inbox AS (
        DELETE FROM sapa_inbox WHERE id IN (
            SELECT id FROM sapa_inbox WHERE state IN ('done', 'dead') AND accepted_at < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1
    ), outbox AS (
        DELETE FROM sapa_outbox WHERE id IN (
            SELECT id FROM sapa_outbox WHERE state IN ('sent', 'failed') AND not_before < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1
    ), steps AS (
        DELETE FROM sapa_step WHERE (inbox_id, step) IN (
            SELECT inbox_id, step FROM sapa_step s WHERE received_at < $1 AND NOT EXISTS (
                SELECT 1 FROM sapa_inbox i WHERE i.state = 'accepted' AND i.id::text = s.inbox_id)
            LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1
    ), locks AS (
        DELETE FROM sapa_cursor WHERE name IN (
            SELECT name FROM sapa_cursor
            WHERE starts_with(name, 'lead:lock ') AND (value::json ->> 1)::float8 < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1
    )
    SELECT (SELECT count(*) FROM inbox) AS inbox, (SELECT count(*) FROM outbox) AS outbox,
        (SELECT count(*) FROM steps) AS steps, (SELECT count(*) FROM locks) AS locks";

/// The current session (spec §6.1), from its snapshot on where it has one. $1 sender, $2
/// fingerprint of a snapshot, or null for none. The first row carries the conversation,
/// and the snapshot as its data; the others an event each.
pub(super) const RESUME: &str = "
    WITH kept (id, snapshot) AS (
        SELECT snapshot_event_id, snapshot FROM sapa_conversation
        WHERE sender_id = $1 AND domain_fingerprint = $2 AND snapshot_event_id IS NOT NULL AND snapshot IS NOT NULL
    ), started (id) AS (
        SELECT max(id + 0) FROM events WHERE sender_id = $1 AND type_name = 'session_started'
            AND id > coalesce((SELECT id FROM kept), 0)
    ), before (id) AS (
        SELECT max(id + 0) FROM events WHERE sender_id = $1 AND id < (SELECT id FROM started)
    ), first (id) AS (
        SELECT coalesce(
            (SELECT id FROM events WHERE id = (SELECT id FROM before)
                AND type_name = 'action' AND action_name = 'action_session_start'),
            (SELECT id FROM started), (SELECT id + 1 FROM kept), 0)
    )
    SELECT 0::bigint AS id, coalesce(c.version, 0) AS version, coalesce(c.next_seq, 1) AS next_seq,
        (SELECT snapshot FROM kept WHERE (SELECT id FROM started) IS NULL) AS data
    FROM (SELECT 1) one LEFT JOIN sapa_conversation c ON c.sender_id = $1
    UNION ALL
    SELECT id, NULL, NULL, data FROM events WHERE sender_id = $1 AND id >= (SELECT id FROM first)
    ORDER BY 1";

/// $1 sender, $2 version, $3 snapshot, $4 fingerprint, $5 newer events. Rows that are
/// passed over when they are read are none (spec §3.1).
pub(super) const KEEP_SNAPSHOT: &str = "
    UPDATE sapa_conversation SET snapshot = $3, domain_fingerprint = $4, snapshot_event_id = (
        SELECT id FROM events WHERE sender_id = $1 AND coalesce(data::json ->> 'event', 'topic') <> 'topic'
        ORDER BY id + 0 DESC LIMIT 1 OFFSET $5
    ) WHERE sender_id = $1 AND version = $2";

/// A conversation with all its sessions. $1 sender. The first row carries the
/// conversation, the others an event each.
pub(super) const LOAD_ALL: &str = "
    SELECT 0::bigint AS id, coalesce(c.version, 0) AS version, coalesce(c.next_seq, 1) AS next_seq, NULL AS data
    FROM (SELECT 1) one LEFT JOIN sapa_conversation c ON c.sender_id = $1
    UNION ALL
    SELECT id, NULL, NULL, data FROM events WHERE sender_id = $1
    ORDER BY 1";

/// $1 sender.
pub(super) const EXISTS: &str = "SELECT 1 FROM events WHERE sender_id = $1 LIMIT 1";

/// $1 after that sender, or null; $2 limit. Jumps from one sender to the next,
/// in the order of Rasa's index, which is that of the database's language.
pub(super) const SENDERS: &str = "
    WITH RECURSIVE s (id) AS (
        (SELECT sender_id FROM events WHERE $1::varchar IS NULL OR sender_id > $1 ORDER BY sender_id LIMIT 1)
        UNION ALL
        SELECT (SELECT sender_id FROM events WHERE sender_id > s.id ORDER BY sender_id LIMIT 1)
        FROM s WHERE s.id IS NOT NULL
    )
    SELECT id FROM s WHERE id IS NOT NULL LIMIT $2";
