-- What the writer's connection has beside the tables: views to be written to,
-- whose triggers do the work. A job is thus one statement: one trip to the
-- database's thread, undone as a whole when any part of it fails.
--
-- They are temporary, made on each connect: no other program that opens the
-- file, say Rasa with an older SQLite, has to understand them, and they change
-- without a migration.

-- A message that is accepted is counted; that of a turn is counted by the turn.
CREATE TEMP TRIGGER sapa_inbox_count AFTER INSERT ON sapa_inbox WHEN NEW.state = 'accepted' BEGIN
    INSERT INTO sapa_conversation (sender_id, next_seq) VALUES (NEW.sender_id, NEW.seq + 1)
    ON CONFLICT DO UPDATE SET next_seq = excluded.next_seq;
END;

-- A turn is one row, of one of two views. One that only adds to its conversation,
-- as most do, costs a third less apart from the others:
--   sender_id
--   expected_version  version of the conversation it was run on
--   last_ts           time of the last event, if there is one
--   e0_type, ...      of each event its type, timestamp, intent, name, data
CREATE TEMP VIEW sapa_plain_turn AS SELECT
    NULL AS sender_id, NULL AS expected_version, NULL AS last_ts, {plain_event_columns};

CREATE TEMP TRIGGER sapa_plain_turn_write INSTEAD OF INSERT ON sapa_plain_turn BEGIN
    -- The fence: the version must fit.
    SELECT RAISE(ABORT, 'the turn is refused')
    WHERE NEW.expected_version
            <> coalesce((SELECT version FROM sapa_conversation WHERE sender_id = NEW.sender_id), 0);

    INSERT INTO sapa_conversation (sender_id, version, last_ts) VALUES (NEW.sender_id, 1, NEW.last_ts)
    ON CONFLICT DO UPDATE SET version = version + 1, last_ts = coalesce(NEW.last_ts, last_ts);

    INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)
    SELECT NEW.sender_id, type, time, intent, name, data FROM ({plain_event_rows}) WHERE type IS NOT NULL;
END;

-- Any other turn has besides:
--   event_count       number of events
--   events            null, or [[type, timestamp, intent, name, data], ...] when they are too many for the columns
--   inbox_id          of the message it answers, when that was accepted before
--   channel, dedupe_key, payload   of that message, when it was not
--   reply             what a repetition of the message gets for an answer
--   turn_key          under which answers of its actions were kept
--   now               time
--   publish           whether the events go to the broker
--   outbox            null, or [[channel, payload, not_before], ...]
--   timers            null, or {"clear": whether all go, "names": [those that go],
--                     "set": [[name, due_at, payload], ...]}
CREATE TEMP VIEW sapa_turn AS SELECT
    NULL AS sender_id, NULL AS expected_version, NULL AS events, NULL AS last_ts, NULL AS inbox_id, NULL AS channel,
    NULL AS dedupe_key, NULL AS payload, NULL AS reply, NULL AS turn_key, NULL AS now, NULL AS publish,
    NULL AS outbox, NULL AS timers, NULL AS event_count, {event_columns};

CREATE TEMP TRIGGER sapa_turn_write INSTEAD OF INSERT ON sapa_turn BEGIN
    -- The fence: the version must fit, and an accepted message must be open.
    SELECT RAISE(ABORT, 'the turn is refused')
    WHERE NEW.expected_version
            <> coalesce((SELECT version FROM sapa_conversation WHERE sender_id = NEW.sender_id), 0)
        OR NEW.inbox_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM sapa_inbox WHERE id = NEW.inbox_id AND sender_id = NEW.sender_id AND state = 'accepted');

    INSERT INTO sapa_conversation (sender_id, version, next_seq, last_ts)
    VALUES (NEW.sender_id, 1, 1 + (NEW.channel IS NOT NULL), NEW.last_ts)
    ON CONFLICT DO UPDATE SET version = version + 1, next_seq = next_seq + (NEW.channel IS NOT NULL),
        last_ts = coalesce(NEW.last_ts, last_ts);

    INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)
    SELECT NEW.sender_id, type, time, intent, name, data FROM ({event_rows}) WHERE type IS NOT NULL;

    INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)
    SELECT NEW.sender_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
    FROM json_each(NEW.events) WHERE NEW.events IS NOT NULL;

    INSERT INTO sapa_publish (event_id)
    SELECT id FROM events
    WHERE NEW.publish AND id > (SELECT max(id) FROM events) - NEW.event_count;

    -- What it said stands in the conversation now.
    UPDATE sapa_inbox SET state = 'done', reply = NEW.reply, payload = 'null' WHERE id = NEW.inbox_id;

    INSERT INTO sapa_turn_message (sender_id, channel, dedupe_key, payload, reply, now)
    VALUES (NEW.sender_id, NEW.channel, NEW.dedupe_key, NEW.payload, NEW.reply, NEW.now);

    DELETE FROM sapa_step WHERE inbox_id = NEW.turn_key;

    INSERT INTO sapa_turn_outbox (sender_id, inbox_id, channel, outbox, now)
    VALUES (NEW.sender_id, NEW.inbox_id, NEW.channel, NEW.outbox, NEW.now);

    INSERT INTO sapa_turn_timers (sender_id, timers) VALUES (NEW.sender_id, NEW.timers);
END;

-- What only some turns do, apart so that the others need not look at its tables:
-- a row of VALUES that a trigger's WHEN turns away costs next to nothing, while an
-- INSERT of a SELECT into what has a trigger fills a table of its own first.
CREATE TEMP VIEW sapa_turn_message AS
    SELECT NULL AS sender_id, NULL AS channel, NULL AS dedupe_key, NULL AS payload, NULL AS reply, NULL AS now;

CREATE TEMP TRIGGER sapa_turn_message_write INSTEAD OF INSERT ON sapa_turn_message WHEN NEW.channel IS NOT NULL BEGIN
    INSERT INTO sapa_inbox (sender_id, seq, channel, dedupe_key, payload, state, reply, accepted_at)
    VALUES (NEW.sender_id, (SELECT next_seq - 1 FROM sapa_conversation WHERE sender_id = NEW.sender_id),
        NEW.channel, NEW.dedupe_key, NEW.payload, 'done', NEW.reply, NEW.now);
END;

CREATE TEMP VIEW sapa_turn_outbox AS
    SELECT NULL AS sender_id, NULL AS inbox_id, NULL AS channel, NULL AS outbox, NULL AS now;

CREATE TEMP TRIGGER sapa_turn_outbox_write INSTEAD OF INSERT ON sapa_turn_outbox WHEN NEW.outbox IS NOT NULL BEGIN
    INSERT INTO sapa_outbox (inbox_id, ordinal, sender_id, channel, payload, not_before)
    SELECT iif(NEW.channel IS NULL, NEW.inbox_id, (SELECT max(id) FROM sapa_inbox)), key, NEW.sender_id,
        value ->> 0, value ->> 1, coalesce(value ->> 2, NEW.now)
    FROM json_each(NEW.outbox);
END;

CREATE TEMP VIEW sapa_turn_timers AS SELECT NULL AS sender_id, NULL AS timers;

CREATE TEMP TRIGGER sapa_turn_timers_write INSTEAD OF INSERT ON sapa_turn_timers WHEN NEW.timers IS NOT NULL BEGIN
    DELETE FROM sapa_timer WHERE sender_id = NEW.sender_id
        AND (NEW.timers ->> '$.clear' OR name IN (SELECT value FROM json_each(NEW.timers, '$.names')));

    INSERT INTO sapa_timer (sender_id, name, due_at, payload)
    SELECT NEW.sender_id, value ->> 0, value ->> 1, value ->> 2 FROM json_each(NEW.timers, '$.set');
END;

-- What may be forgotten once it is old, a row each, to be deleted here.
CREATE TEMP VIEW sapa_finished AS
    SELECT 'inbox' AS kind, id, NULL AS step, accepted_at AS time FROM sapa_inbox WHERE state IN ('done', 'dead')
    UNION ALL
    SELECT 'outbox', id, NULL, not_before FROM sapa_outbox WHERE state IN ('sent', 'failed')
    UNION ALL
    SELECT 'step', inbox_id, step, received_at FROM sapa_step WHERE NOT EXISTS (
        SELECT 1 FROM sapa_inbox i WHERE i.id = CAST(sapa_step.inbox_id AS INTEGER) AND i.state = 'accepted')
    UNION ALL
    SELECT 'lock', name, NULL, value ->> 1 FROM sapa_cursor WHERE name >= 'lead:lock ' AND name < 'lead:lock!';

CREATE TEMP TRIGGER sapa_finished_lock INSTEAD OF DELETE ON sapa_finished WHEN OLD.kind = 'lock' BEGIN
    DELETE FROM sapa_cursor WHERE name = OLD.id;
END;

CREATE TEMP TRIGGER sapa_finished_inbox INSTEAD OF DELETE ON sapa_finished WHEN OLD.kind = 'inbox' BEGIN
    DELETE FROM sapa_inbox WHERE id = OLD.id;
END;

CREATE TEMP TRIGGER sapa_finished_outbox INSTEAD OF DELETE ON sapa_finished WHEN OLD.kind = 'outbox' BEGIN
    DELETE FROM sapa_outbox WHERE id = OLD.id;
END;

CREATE TEMP TRIGGER sapa_finished_step INSTEAD OF DELETE ON sapa_finished WHEN OLD.kind = 'step' BEGIN
    DELETE FROM sapa_step WHERE inbox_id = OLD.id AND step = OLD.step;
END;
