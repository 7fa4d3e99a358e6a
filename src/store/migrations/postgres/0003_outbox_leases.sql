-- Who is sending a message, and until when it is theirs, by the database's clock:
-- what a process that is gone was sending is sent again by the others.
ALTER TABLE sapa_outbox ADD COLUMN owner TEXT, ADD COLUMN held_until DOUBLE PRECISION;
CREATE INDEX sapa_outbox_sending ON sapa_outbox (held_until) WHERE state = 'sending';
UPDATE sapa_outbox SET held_until = 0 WHERE state = 'sending';

-- As `sapa_claim_outbox_1`, of these channels, for an owner, who has the messages for
-- so many seconds.
CREATE FUNCTION sapa_claim_outbox_2(
    p_now DOUBLE PRECISION, p_limit BIGINT, p_owner TEXT, p_seconds DOUBLE PRECISION, p_channels TEXT[]
) RETURNS SETOF sapa_outbox LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1935765601);
    RETURN QUERY UPDATE sapa_outbox u SET state = 'sending', attempts = u.attempts + 1, owner = p_owner,
        held_until = extract(epoch FROM clock_timestamp()) + p_seconds
    WHERE u.id IN (
        SELECT o.id FROM sapa_outbox o
        WHERE o.state = 'ready' AND o.not_before <= p_now AND o.channel = ANY (p_channels) AND NOT EXISTS (
            SELECT 1 FROM sapa_outbox e
            WHERE e.state IN ('ready', 'sending') AND e.sender_id = o.sender_id AND e.id < o.id
                AND (e.state = 'sending' OR e.not_before > p_now)
        )
        ORDER BY o.id LIMIT p_limit
    ) RETURNING u.*;
END
$$;
