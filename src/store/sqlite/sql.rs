//! The SQL text of the SQLite store.
//!
//! Each writing job is one statement: it is a transaction of its own or a part
//! of one, undoes itself when it fails, and costs one trip to the connection's
//! thread. Jobs that write to several tables do it through [`views`].

use std::sync::LazyLock;

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// Fails when `events` has not Rasa's columns.
pub(super) const CHECK_EVENTS: &str =
    "SELECT id, sender_id, type_name, timestamp, intent_name, action_name, data FROM events LIMIT 0";

/// Whether there is an `events` table yet.
pub(super) const HAS_EVENTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'events'";

/// Events that the columns of a turn hold at most; more of them come as one JSON
/// text, which is slower to take apart.
pub(super) const MOST_EVENT_COLUMNS: usize = 12;

/// As [`MOST_EVENT_COLUMNS`], of a plain turn; one with more of them is not plain.
pub(super) const MOST_PLAIN_EVENTS: usize = 8;

/// The parts of an event, a column each.
const EVENT_PARTS: [&str; 5] = ["type", "time", "intent", "name", "data"];

/// A turn that only adds to its conversation: its own columns, then those of the
/// events. They are described at the view; a constraint fails when the turn is
/// refused.
pub(super) static PLAIN_TURN: LazyLock<String> =
    LazyLock::new(|| insert("sapa_plain_turn", "sender_id, expected_version, last_ts", MOST_PLAIN_EVENTS));

/// As [`PLAIN_TURN`], of any turn.
pub(super) static TURN: LazyLock<String> = LazyLock::new(|| {
    let own = "sender_id, expected_version, events, last_ts, inbox_id, channel, dedupe_key, payload, reply, turn_key, \
               now, publish, outbox, timers, event_count";
    insert("sapa_turn", own, MOST_EVENT_COLUMNS)
});

fn insert(view: &str, own: &str, events: usize) -> String {
    let columns = event_columns(events, |column| column);
    let values = vec!["?"; own.split(',').count() + events * EVENT_PARTS.len()].join(", ");
    format!("INSERT INTO {view} ({own}, {columns}) VALUES ({values})")
}

/// What the writer's connection has beside the tables; to be run on it first.
pub(super) fn views() -> String {
    let nulls = |events| event_columns(events, |column| format!("NULL AS {column}"));
    include_str!("views.sql")
        .replace("{plain_event_columns}", &nulls(MOST_PLAIN_EVENTS))
        .replace("{plain_event_rows}", &event_rows(MOST_PLAIN_EVENTS))
        .replace("{event_columns}", &nulls(MOST_EVENT_COLUMNS))
        .replace("{event_rows}", &event_rows(MOST_EVENT_COLUMNS))
}

fn event_rows(events: usize) -> String {
    let row = |event| EVENT_PARTS.map(|part| format!("NEW.e{event}_{part} AS {part}")).join(", ");
    (0..events).map(|event| format!("SELECT {}", row(event))).collect::<Vec<_>>().join(" UNION ALL ")
}

fn event_columns(events: usize, dress: impl Fn(String) -> String) -> String {
    let columns = (0..events).flat_map(|event| EVENT_PARTS.map(|part| dress(format!("e{event}_{part}"))));
    columns.collect::<Vec<_>>().join(", ")
}

/// Why a turn was refused. $1 sender, $2 id of the accepted message, $3 channel
/// and $4 dedupe key of a fresh one.
pub(super) const WHY: &str = "
    SELECT c.version, i.state, i.reply
    FROM (SELECT 1) LEFT JOIN sapa_conversation c ON c.sender_id = $1
        LEFT JOIN sapa_inbox i ON (i.id = $2 AND i.sender_id = $1) OR (i.channel = $3 AND i.dedupe_key = $4)";

/// $1 sender, $2 channel, $3 dedupe key, $4 payload, $5 time, $6 owner, $7 seconds. A
/// constraint fails when the message was accepted before. It is the owner's, unless an
/// earlier open one of its conversation is not.
pub(super) const ACCEPT: &str = "
    INSERT INTO sapa_inbox (sender_id, seq, channel, dedupe_key, payload, state, accepted_at, owner, held_until)
    SELECT $1, coalesce((SELECT next_seq FROM sapa_conversation WHERE sender_id = $1), 1), $2, $3, $4, 'accepted', $5,
        iif(free, $6, NULL), iif(free, $5 + $7, NULL)
    FROM (SELECT $7 > 0 AND NOT EXISTS (
        SELECT 1 FROM sapa_inbox WHERE sender_id = $1 AND state = 'accepted'
            AND (owner = $6 AND held_until > $5) IS NOT TRUE) AS free)
    RETURNING id, seq, state, reply, 1 AS fresh, owner IS NOT NULL AS held";

/// $1 channel, $2 dedupe key.
pub(super) const SEEN: &str =
    "SELECT id, seq, state, reply, 0 AS fresh, 0 AS held FROM sapa_inbox WHERE channel = $1 AND dedupe_key = $2";

/// $1 time, $2 conversations, $3 owner, $4 seconds, $5 channels, a JSON list, $6 messages
/// of one conversation. Those of a conversation up to the first that is another's, or of
/// another channel.
pub(super) const CLAIM_INBOX: &str = "
    UPDATE sapa_inbox SET owner = $3, held_until = $1 + $4, attempts = attempts + NOT EXISTS (
        SELECT 1 FROM sapa_inbox e
        WHERE e.sender_id = sapa_inbox.sender_id AND e.state = 'accepted' AND e.id < sapa_inbox.id
    ) WHERE id IN (
        SELECT i.id FROM (
            SELECT f.sender_id FROM sapa_inbox f
            WHERE f.state = 'accepted' AND f.channel IN (SELECT value FROM json_each($5))
                AND coalesce(f.held_until, 0) <= $1 AND NOT EXISTS (
                SELECT 1 FROM sapa_inbox e WHERE e.sender_id = f.sender_id AND e.state = 'accepted' AND e.id < f.id
            )
            ORDER BY f.id LIMIT $2
        ) c, sapa_inbox i
        WHERE i.id IN (
            SELECT n.id FROM sapa_inbox n WHERE n.sender_id = c.sender_id AND n.state = 'accepted'
            ORDER BY n.id LIMIT $6
        ) AND NOT EXISTS (
            SELECT 1 FROM sapa_inbox e WHERE e.sender_id = c.sender_id AND e.state = 'accepted' AND e.id <= i.id
                AND (e.held_until > $1 OR e.channel NOT IN (SELECT value FROM json_each($5)))
        )
    ) RETURNING id, seq, attempts, accepted_at, channel, dedupe_key, sender_id, payload";

/// $1 ids, a JSON list; $2 owner, $3 time, $4 seconds. Not those behind a row that has
/// become another's.
pub(super) const HOLD_INBOX: &str = "
    UPDATE sapa_inbox SET held_until = $3 + $4
    WHERE id IN (SELECT value FROM json_each($1)) AND state = 'accepted' AND owner = $2 AND NOT EXISTS (
        SELECT 1 FROM sapa_inbox e
        WHERE e.sender_id = sapa_inbox.sender_id AND e.state = 'accepted' AND e.id < sapa_inbox.id
            AND e.owner <> $2 AND e.held_until > $3
    ) RETURNING id";

/// Takes from its owner what is theirs for longer than until $1: each statement by itself.
pub(super) const RELEASE: [&str; 3] = [
    "UPDATE sapa_inbox SET held_until = NULL, owner = NULL WHERE state = 'accepted' AND held_until > $1",
    "UPDATE sapa_outbox SET held_until = 0 WHERE state = 'sending' AND held_until > $1",
    "DELETE FROM sapa_cursor WHERE name >= 'lead:' AND name < 'lead;' AND value ->> 1 > $1",
];

/// No parameters.
pub(super) const UNSERVED: &str = "SELECT count(*) AS count FROM sapa_inbox WHERE state = 'accepted'";

/// $1 id.
pub(super) const BURY: &str = "
    UPDATE sapa_inbox SET state = 'dead', payload = 'null' WHERE id = $1 AND state = 'accepted' RETURNING id";

/// $1 key of the turn, $2 step, $3 action, $4 request hash, $5 response, $6 time.
pub(super) const JOURNAL: &str = "
    INSERT INTO sapa_step (inbox_id, step, action, request_hash, response, received_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO UPDATE SET action = excluded.action, request_hash = excluded.request_hash,
        response = excluded.response, received_at = excluded.received_at";

/// $1 key of the turn.
pub(super) const JOURNALLED: &str =
    "SELECT step AS id, action, request_hash, response FROM sapa_step WHERE inbox_id = $1 ORDER BY step";

/// Replies. $1 time, $2 limit, $3 owner, $4 seconds, $5 channels, a JSON list.
pub(super) const CLAIM_OUTBOX: &str = r#"
    UPDATE sapa_outbox SET state = 'sending', attempts = attempts + 1, owner = $3, held_until = $1 + $4 WHERE id IN (
        SELECT o.id FROM sapa_outbox o
        WHERE o.state = 'ready' AND substr(o.payload, 1, 16) <> '{"unasked":true,'
            AND o.not_before <= $1 AND o.channel IN (SELECT value FROM json_each($5)) AND NOT EXISTS (
            SELECT 1 FROM sapa_outbox e
            WHERE e.state IN ('ready', 'sending') AND e.sender_id = o.sender_id AND e.id < o.id
                AND (e.state = 'sending' OR e.not_before > $1)
        )
        ORDER BY o.id LIMIT $2
    ) RETURNING id, inbox_id, ordinal, sender_id, channel, payload, attempts, possible_double"#;

/// As [`CLAIM_OUTBOX`], what answers nobody: it waits for all that is before it in its
/// conversation.
pub(super) const CLAIM_UNASKED: &str = r#"
    UPDATE sapa_outbox SET state = 'sending', attempts = attempts + 1, owner = $3, held_until = $1 + $4 WHERE id IN (
        SELECT o.id FROM sapa_outbox o
        WHERE o.state = 'ready' AND substr(o.payload, 1, 16) = '{"unasked":true,'
            AND o.not_before <= $1 AND o.channel IN (SELECT value FROM json_each($5)) AND NOT EXISTS (
            SELECT 1 FROM sapa_outbox e
            WHERE e.state IN ('ready', 'sending') AND e.sender_id = o.sender_id AND e.id < o.id
                AND (e.state = 'sending' OR e.not_before > $1 OR substr(e.payload, 1, 16) <> '{"unasked":true,')
        )
        ORDER BY o.id LIMIT $2
    ) RETURNING id, inbox_id, ordinal, sender_id, channel, payload, attempts, possible_double"#;

/// $1 results: `[id, state, not_before, may have arrived]` each; $2 owner.
pub(super) const SETTLE_OUTBOX: &str = "
    UPDATE sapa_outbox SET state = r.value ->> 1, not_before = coalesce(r.value ->> 2, not_before),
        possible_double = possible_double OR r.value ->> 3
    FROM json_each($1) r WHERE sapa_outbox.id = r.value ->> 0 AND state = 'sending' AND owner = $2";

/// $1 ids, a JSON list; $2 owner, $3 time, $4 seconds.
pub(super) const HOLD_OUTBOX: &str = "
    UPDATE sapa_outbox SET held_until = $3 + $4
    WHERE id IN (SELECT value FROM json_each($1)) AND state = 'sending' AND owner = $2 RETURNING id";

/// $1 ids to leave alone, $2 time, $3 channels whose messages rest when in doubt; the
/// lists as JSON.
pub(super) const RECLAIM_OUTBOX: &str = "
    UPDATE sapa_outbox SET possible_double = 1,
        state = CASE WHEN channel IN (SELECT value FROM json_each($3)) THEN 'doubtful' ELSE 'ready' END
    WHERE state = 'sending' AND held_until <= $2 AND id NOT IN (SELECT value FROM json_each($1)) RETURNING id";

/// No parameters.
pub(super) const UNSENT: &str = "SELECT count(*) AS count FROM sapa_outbox WHERE state IN ('ready', 'sending')";

/// $1 time, $2 limit.
pub(super) const DUE_TIMERS: &str =
    "SELECT id, sender_id, name, due_at, payload FROM sapa_timer WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";

/// $1 sender.
pub(super) const TIMERS: &str =
    "SELECT id, sender_id, name, due_at, payload FROM sapa_timer WHERE sender_id = $1 ORDER BY name";

/// $1 id.
pub(super) const TAKE_TIMER: &str = "DELETE FROM sapa_timer WHERE id = $1 RETURNING id";

/// $1 limit.
pub(super) const UNPUBLISHED: &str = "
    SELECT e.id, e.sender_id, e.data FROM sapa_publish p JOIN events e ON e.id = p.event_id
    ORDER BY p.event_id LIMIT $1";

/// $1 event ids.
pub(super) const PUBLISHED: &str = "DELETE FROM sapa_publish WHERE event_id IN (SELECT value FROM json_each($1))";

/// $1 name.
pub(super) const CURSOR: &str = "SELECT value FROM sapa_cursor WHERE name = $1";

/// $1 name, $2 value.
pub(super) const SET_CURSOR: &str = "
    INSERT INTO sapa_cursor (name, value) VALUES ($1, $2)
    ON CONFLICT DO UPDATE SET value = excluded.value";

/// $1 task, $2 owner, $3 time, $4 seconds. A row when the owner leads. The cursor
/// holds `[owner, until]`.
pub(super) const LEAD: &str = "
    INSERT INTO sapa_cursor (name, value) VALUES ('lead:' || $1, json_array($2, $3 + $4))
    ON CONFLICT DO UPDATE SET value = excluded.value
    WHERE sapa_cursor.value ->> 0 = $2 OR sapa_cursor.value ->> 1 <= $3
    RETURNING 1";

/// What is put off for longer than until $1 is due.
pub(super) const PUT_OFF_NO_MORE: &str =
    "UPDATE sapa_outbox SET not_before = 0 WHERE state = 'ready' AND not_before > $1";

/// $1 time. One row for each row that went.
pub(super) const PRUNE: &str = "DELETE FROM sapa_finished WHERE time < $1 RETURNING 1";

/// The current session (spec §6.1), from its snapshot on where it has one. $1 sender, $2
/// fingerprint of a snapshot, or null for none. The first row carries the conversation,
/// and the snapshot as its data; the others an event each.
pub(super) const RESUME: &str = "
    WITH kept (id, snapshot) AS (
        SELECT snapshot_event_id, snapshot FROM sapa_conversation
        WHERE sender_id = $1 AND domain_fingerprint = $2 AND snapshot_event_id IS NOT NULL AND snapshot IS NOT NULL
    ), started (id) AS (
        SELECT id FROM events WHERE sender_id = $1 AND type_name = 'session_started'
            AND id > coalesce((SELECT id FROM kept), 0) ORDER BY id DESC LIMIT 1
    ), before (id, type_name, action_name) AS (
        SELECT id, type_name, action_name FROM events
        WHERE sender_id = $1 AND id < (SELECT id FROM started) ORDER BY id DESC LIMIT 1
    ), first (id) AS (
        SELECT coalesce(
            (SELECT id FROM before WHERE type_name = 'action' AND action_name = 'action_session_start'),
            (SELECT id FROM started), (SELECT id + 1 FROM kept), 0)
    )
    SELECT 0 AS id, coalesce(c.version, 0) AS version, coalesce(c.next_seq, 1) AS next_seq,
        (SELECT snapshot FROM kept WHERE NOT EXISTS (SELECT 1 FROM started)) AS data
    FROM (SELECT 1) LEFT JOIN sapa_conversation c ON c.sender_id = $1
    UNION ALL
    SELECT id, NULL, NULL, data FROM events WHERE sender_id = $1 AND id >= (SELECT id FROM first)
    ORDER BY 1";

/// The event behind which a snapshot is true; no row when the conversation has moved on.
/// $1 sender, $2 version, $3 newer events. Rows that are passed over when they are read
/// are none (spec §3.1). Looking through them takes a millisecond: not the writer's.
pub(super) const SNAPSHOT_PLACE: &str = "
    SELECT (
        SELECT id FROM events WHERE sender_id = $1 AND coalesce(data ->> '$.event', 'topic') <> 'topic' ORDER BY id DESC LIMIT 1 OFFSET $3
    ) AS id FROM sapa_conversation WHERE sender_id = $1 AND version = $2";

/// $1 sender, $2 version, $3 snapshot, $4 fingerprint, $5 the event it is true behind.
pub(super) const KEEP_SNAPSHOT: &str = "
    UPDATE sapa_conversation SET snapshot = $3, domain_fingerprint = $4, snapshot_event_id = $5
    WHERE sender_id = $1 AND version = $2";

/// A conversation with all its sessions. $1 sender. The first row carries the
/// conversation, the others an event each.
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
