-- What takes several statements, as functions: one trip to the server each, a
-- transaction of its own, undone as a whole when any part of it fails. Under
-- READ COMMITTED each statement in them sees what others committed before it.
--
-- A released function is never changed, as an older program may still run beside
-- a newer one: the newer one gets a function of another name.

-- Writes a turn. Gives the conversation's new version, or null when it is at
-- another one than the turn was run on: nothing is written then. An accepted
-- message that is not open, or a fresh one that was accepted before, is the
-- error SP001.
--
-- Arrays of one kind of row have the same length.
CREATE FUNCTION sapa_commit_1(
    p_sender TEXT, p_expected BIGINT, p_commit BIGINT, p_now DOUBLE PRECISION,
    -- Events, oldest first; the time of the last one, if there is one.
    e_types TEXT[], e_times DOUBLE PRECISION[], e_intents TEXT[], e_names TEXT[], e_data TEXT[],
    p_last_ts DOUBLE PRECISION, p_publish BOOLEAN,
    -- The message it answers: accepted before (its id), or fresh (all but the key
    -- set). Both: the reply, and the key that answers of actions were kept under.
    p_inbox BIGINT, p_channel TEXT, p_key TEXT, p_payload TEXT, p_reply TEXT, p_turn TEXT,
    -- Messages to send, in order.
    o_channels TEXT[], o_payloads TEXT[], o_times DOUBLE PRECISION[],
    -- Timers: all go, or those named; then some are set.
    t_clear BOOLEAN, t_gone TEXT[], t_names TEXT[], t_due DOUBLE PRECISION[], t_payloads TEXT[]
) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    fresh BIGINT := CASE WHEN p_channel IS NULL THEN 0 ELSE 1 END;
    next BIGINT;
    inbox BIGINT := p_inbox;
BEGIN
    -- The fence. A row that another turn is writing is waited for, then looked at
    -- again as that one left it.
    IF p_expected > 0 THEN
        UPDATE sapa_conversation SET version = version + 1, next_seq = next_seq + fresh,
            last_ts = coalesce(p_last_ts, last_ts), last_commit = p_commit
        WHERE sender_id = p_sender AND version = p_expected
        RETURNING next_seq INTO next;
    ELSE
        INSERT INTO sapa_conversation AS c (sender_id, version, next_seq, last_ts, last_commit)
        SELECT p_sender, 1, 1 + fresh, p_last_ts, p_commit WHERE p_expected = 0
        ON CONFLICT (sender_id) DO UPDATE SET version = 1, next_seq = c.next_seq + fresh,
            last_ts = coalesce(p_last_ts, c.last_ts), last_commit = p_commit
        WHERE c.version = 0
        RETURNING c.next_seq INTO next;
    END IF;
    IF next IS NULL THEN
        RETURN NULL;
    END IF;

    IF p_channel IS NOT NULL THEN
        INSERT INTO sapa_inbox (sender_id, seq, channel, dedupe_key, payload, state, reply, accepted_at)
        VALUES (p_sender, next - 1, p_channel, p_key, p_payload, 'done', p_reply, p_now)
        ON CONFLICT (channel, dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
        RETURNING id INTO inbox;
        IF inbox IS NULL THEN
            RAISE EXCEPTION 'the message was accepted before' USING ERRCODE = 'SP001';
        END IF;
    ELSIF p_inbox IS NOT NULL THEN
        UPDATE sapa_inbox SET state = 'done', reply = p_reply
        WHERE id = p_inbox AND sender_id = p_sender AND state = 'accepted';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the message is not open' USING ERRCODE = 'SP001';
        END IF;
    END IF;

    -- In the order of the array, as ids are what orders a conversation.
    WITH written AS (
        INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)
        SELECT p_sender, type, time, intent, name, data
        FROM unnest(e_types, e_times, e_intents, e_names, e_data)
            WITH ORDINALITY AS e (type, time, intent, name, data, place)
        ORDER BY place
        RETURNING id
    )
    INSERT INTO sapa_publish (event_id) SELECT id FROM written WHERE p_publish;

    IF p_turn IS NOT NULL THEN
        DELETE FROM sapa_step WHERE inbox_id = p_turn;
    END IF;

    IF cardinality(o_channels) > 0 THEN
        INSERT INTO sapa_outbox (inbox_id, ordinal, sender_id, channel, payload, not_before)
        SELECT inbox, place - 1, p_sender, channel, payload, coalesce(time, p_now)
        FROM unnest(o_channels, o_payloads, o_times) WITH ORDINALITY AS o (channel, payload, time, place)
        ORDER BY place;
    END IF;

    IF t_clear OR cardinality(t_gone) > 0 THEN
        DELETE FROM sapa_timer WHERE sender_id = p_sender AND (t_clear OR name = ANY (t_gone));
        INSERT INTO sapa_timer (sender_id, name, due_at, payload)
        SELECT p_sender, name, due, payload FROM unnest(t_names, t_due, t_payloads) AS t (name, due, payload);
    END IF;

    RETURN p_expected + 1;
END
$$;

-- Takes a message in, or says what became of it. Two that come at the very same
-- time can make the later one fail on the unique key.
CREATE FUNCTION sapa_accept_1(
    p_sender TEXT, p_channel TEXT, p_key TEXT, p_payload TEXT, p_now DOUBLE PRECISION
) RETURNS TABLE (id BIGINT, seq BIGINT, state TEXT, reply TEXT, fresh BOOLEAN) LANGUAGE plpgsql AS $$
DECLARE
    next BIGINT;
BEGIN
    RETURN QUERY SELECT i.id, i.seq, i.state, i.reply, FALSE FROM sapa_inbox i
        WHERE i.channel = p_channel AND i.dedupe_key = p_key;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO sapa_conversation AS c (sender_id, next_seq) VALUES (p_sender, 2)
    ON CONFLICT (sender_id) DO UPDATE SET next_seq = c.next_seq + 1
    RETURNING c.next_seq INTO next;
    RETURN QUERY INSERT INTO sapa_inbox AS i (sender_id, seq, channel, dedupe_key, payload, state, accepted_at)
        VALUES (p_sender, next - 1, p_channel, p_key, p_payload, 'accepted', p_now)
        RETURNING i.id, i.seq, i.state, i.reply, TRUE;
END
$$;

-- Takes out messages that are due. One process at a time: two that look at the
-- same moment could not see what the other takes, and would send out of order.
CREATE FUNCTION sapa_claim_outbox_1(p_now DOUBLE PRECISION, p_limit BIGINT)
RETURNS SETOF sapa_outbox LANGUAGE plpgsql AS $$
BEGIN
    -- Any number will do, as long as nobody else takes it: "sapa" in ASCII.
    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1935765601);
    RETURN QUERY UPDATE sapa_outbox u SET state = 'sending', attempts = u.attempts + 1 WHERE u.id IN (
        SELECT o.id FROM sapa_outbox o
        WHERE o.state = 'ready' AND o.not_before <= p_now AND NOT EXISTS (
            SELECT 1 FROM sapa_outbox e
            WHERE e.state IN ('ready', 'sending') AND e.sender_id = o.sender_id AND e.id < o.id
                AND (e.state = 'sending' OR e.not_before > p_now)
        )
        ORDER BY o.id LIMIT p_limit
    ) RETURNING u.*;
END
$$;
