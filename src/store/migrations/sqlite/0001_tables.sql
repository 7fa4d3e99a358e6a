-- Released migrations are never edited: a change is a new file.

-- Rasa's own table, column for column as its SQL tracker store makes it. A file
-- that Rasa wrote is taken over in place, and Rasa can go on with ours.
CREATE TABLE IF NOT EXISTS events (
    id INTEGER NOT NULL,
    sender_id VARCHAR(255) NOT NULL,
    type_name VARCHAR(255) NOT NULL,
    timestamp FLOAT,
    intent_name VARCHAR(255),
    action_name VARCHAR(255),
    data TEXT,
    PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS ix_events_sender_id ON events (sender_id);

-- One row a conversation. `version` counts commits and fences them; `next_seq`
-- is the number of the next accepted message.
CREATE TABLE sapa_conversation (
    sender_id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 0,
    next_seq INTEGER NOT NULL DEFAULT 1,
    lease TEXT,
    last_ts REAL,
    snapshot TEXT,
    snapshot_event_id INTEGER,
    domain_fingerprint TEXT
) WITHOUT ROWID;

-- Accepted messages. AUTOINCREMENT: an id is part of the Idempotency-Key that
-- action servers see, so it is never given twice. `seq` is unique within a
-- conversation without an index that every turn would have to write: it is taken
-- from the conversation's row and counted on there in the same statement.
CREATE TABLE sapa_inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    channel TEXT NOT NULL,
    dedupe_key TEXT,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('accepted', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    reply TEXT,
    accepted_at REAL NOT NULL,
    UNIQUE (sender_id, seq)
);
CREATE UNIQUE INDEX sapa_inbox_dedupe ON sapa_inbox (channel, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX sapa_inbox_accepted ON sapa_inbox (id) WHERE state = 'accepted';

-- Answers of actions received in turns that have not committed. `inbox_id` names
-- the turn's message: the id of its inbox row, or `["<channel>","<dedupe key>"]`
-- when its commit is what writes that row.
CREATE TABLE sapa_step (
    inbox_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    action TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    response TEXT NOT NULL,
    received_at REAL NOT NULL,
    PRIMARY KEY (inbox_id, step)
) WITHOUT ROWID;

-- Messages to send. `possible_double`: it was once unknown whether this message
-- had left.
CREATE TABLE sapa_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    inbox_id INTEGER REFERENCES sapa_inbox (id) ON DELETE SET NULL,
    ordinal INTEGER NOT NULL,
    sender_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'sending', 'sent', 'doubtful', 'failed')),
    not_before REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    possible_double INTEGER NOT NULL DEFAULT 0,
    UNIQUE (inbox_id, ordinal)
);
CREATE INDEX sapa_outbox_ready ON sapa_outbox (id) WHERE state = 'ready';
CREATE INDEX sapa_outbox_waiting ON sapa_outbox (sender_id, id) WHERE state IN ('ready', 'sending');

CREATE TABLE sapa_timer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender_id TEXT NOT NULL,
    name TEXT NOT NULL,
    due_at REAL NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (sender_id, name)
);
CREATE INDEX sapa_timer_due ON sapa_timer (due_at);

-- Events the broker has not confirmed yet.
CREATE TABLE sapa_publish (
    event_id INTEGER PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE
);

-- Positions in streams outside, such as a poller's offset.
CREATE TABLE sapa_cursor (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
