-- Who has an accepted message for its turn, and until when, by the database's clock:
-- the messages of a process that is gone have their turns with the others.
ALTER TABLE sapa_inbox ADD COLUMN owner TEXT, ADD COLUMN held_until DOUBLE PRECISION;
CREATE INDEX sapa_inbox_open ON sapa_inbox (sender_id, id) WHERE state = 'accepted';

-- What a message said stands in its conversation once it had its turn; it is not kept
-- twice.
CREATE FUNCTION sapa_inbox_closed_1() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    NEW.payload := 'null';
    RETURN NEW;
END
$$;
CREATE TRIGGER sapa_inbox_closed BEFORE UPDATE OF state ON sapa_inbox FOR EACH ROW
    WHEN (OLD.state = 'accepted' AND NEW.state <> 'accepted') EXECUTE FUNCTION sapa_inbox_closed_1();

-- As `sapa_accept_1`. The message is its owner's for so many seconds, unless there are
-- none or an earlier message of its conversation is open that is not the owner's.
CREATE FUNCTION sapa_accept_2(
    p_sender TEXT, p_channel TEXT, p_key TEXT, p_payload TEXT, p_now DOUBLE PRECISION,
    p_owner TEXT, p_seconds DOUBLE PRECISION
) RETURNS TABLE (id BIGINT, seq BIGINT, state TEXT, reply TEXT, fresh BOOLEAN, held BOOLEAN) LANGUAGE plpgsql AS $$
DECLARE
    next BIGINT;
    clock DOUBLE PRECISION;
    free BOOLEAN;
BEGIN
    RETURN QUERY SELECT i.id, i.seq, i.state, i.reply, FALSE, FALSE FROM sapa_inbox i
        WHERE i.channel = p_channel AND i.dedupe_key = p_key;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO sapa_conversation AS c (sender_id, next_seq) VALUES (p_sender, 2)
    ON CONFLICT (sender_id) DO UPDATE SET next_seq = c.next_seq + 1
    RETURNING c.next_seq INTO next;
    clock := extract(epoch FROM clock_timestamp());
    free := p_seconds > 0 AND NOT EXISTS (
        SELECT 1 FROM sapa_inbox e WHERE e.sender_id = p_sender AND e.state = 'accepted'
            AND (e.owner = p_owner AND e.held_until > clock) IS NOT TRUE);
    RETURN QUERY INSERT INTO sapa_inbox AS i
            (sender_id, seq, channel, dedupe_key, payload, state, accepted_at, owner, held_until)
        VALUES (p_sender, next - 1, p_channel, p_key, p_payload, 'accepted', p_now,
            CASE WHEN free THEN p_owner END, CASE WHEN free THEN clock + p_seconds END)
        RETURNING i.id, i.seq, i.state, i.reply, TRUE, free;
END
$$;

-- Takes out accepted messages that nobody has: of each conversation the first one.
CREATE FUNCTION sapa_claim_inbox_1(
    p_limit BIGINT, p_owner TEXT, p_seconds DOUBLE PRECISION, p_channels TEXT[]
) RETURNS SETOF sapa_inbox LANGUAGE plpgsql AS $$
DECLARE
    clock DOUBLE PRECISION;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1935765602);
    clock := extract(epoch FROM clock_timestamp());
    RETURN QUERY UPDATE sapa_inbox u SET attempts = u.attempts + 1, owner = p_owner, held_until = clock + p_seconds
    WHERE u.id IN (
        SELECT i.id FROM sapa_inbox i
        WHERE i.state = 'accepted' AND i.channel = ANY (p_channels) AND coalesce(i.held_until, 0) <= clock
            AND NOT EXISTS (
                SELECT 1 FROM sapa_inbox e
                WHERE e.sender_id = i.sender_id AND e.state = 'accepted' AND e.id < i.id
            )
        ORDER BY i.id LIMIT p_limit FOR UPDATE
    ) RETURNING u.*;
END
$$;
