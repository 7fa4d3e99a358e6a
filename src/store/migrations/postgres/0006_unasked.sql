-- Messages that answer nobody (their payload begins with `unasked`) stand apart from
-- replies, which go before them.
CREATE INDEX sapa_outbox_replies ON sapa_outbox (id)
    WHERE state = 'ready' AND substr(payload, 1, 16) <> '{"unasked":true,';
CREATE INDEX sapa_outbox_unasked ON sapa_outbox (id)
    WHERE state = 'ready' AND substr(payload, 1, 16) = '{"unasked":true,';

-- As `sapa_claim_outbox_2`, of one kind only. What answers nobody waits for all that is
-- before it in its conversation.
CREATE FUNCTION sapa_claim_outbox_3(
    p_now DOUBLE PRECISION, p_limit BIGINT, p_owner TEXT, p_seconds DOUBLE PRECISION, p_channels TEXT[],
    p_unasked BOOLEAN
) RETURNS SETOF sapa_outbox LANGUAGE plpgsql AS $$
DECLARE
    clock DOUBLE PRECISION;
    ids BIGINT[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1935765601);
    clock := extract(epoch FROM clock_timestamp());
    IF p_unasked THEN
        ids := ARRAY(
            SELECT o.id FROM sapa_outbox o
            WHERE o.state = 'ready' AND substr(o.payload, 1, 16) = '{"unasked":true,'
                AND o.not_before <= p_now AND o.channel = ANY (p_channels) AND NOT EXISTS (
                SELECT 1 FROM sapa_outbox e
                WHERE e.state IN ('ready', 'sending') AND e.sender_id = o.sender_id AND e.id < o.id
                    AND (e.state = 'sending' OR e.not_before > p_now OR substr(e.payload, 1, 16) <> '{"unasked":true,')
            )
            ORDER BY o.id LIMIT p_limit);
    ELSE
        ids := ARRAY(
            SELECT o.id FROM sapa_outbox o
            WHERE o.state = 'ready' AND substr(o.payload, 1, 16) <> '{"unasked":true,'
                AND o.not_before <= p_now AND o.channel = ANY (p_channels) AND NOT EXISTS (
                SELECT 1 FROM sapa_outbox e
                WHERE e.state IN ('ready', 'sending') AND e.sender_id = o.sender_id AND e.id < o.id
                    AND (e.state = 'sending' OR e.not_before > p_now)
            )
            ORDER BY o.id LIMIT p_limit);
    END IF;
    RETURN QUERY UPDATE sapa_outbox u SET state = 'sending', attempts = u.attempts + 1, owner = p_owner,
        held_until = clock + p_seconds
    WHERE u.id = ANY (ids) AND u.state = 'ready' RETURNING u.*;
END
$$;
