-- Takes out accepted messages that nobody has, of at most so many conversations: of each
-- the first ones, up to one that is another's, or of another channel.
--
-- Rows that somebody writes at the moment are passed by, and with them what is behind
-- them: whoever holds on to a message just now goes on having it, and the rest of its
-- conversation.
CREATE FUNCTION sapa_claim_inbox_2(
    p_conversations BIGINT, p_owner TEXT, p_seconds DOUBLE PRECISION, p_channels TEXT[], p_of_one BIGINT
) RETURNS SETOF sapa_inbox LANGUAGE plpgsql AS $$
DECLARE
    clock DOUBLE PRECISION;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1935765602);
    clock := extract(epoch FROM clock_timestamp());
    RETURN QUERY
    WITH conversations AS MATERIALIZED (
        SELECT f.sender_id FROM sapa_inbox f
        WHERE f.state = 'accepted' AND f.channel = ANY (p_channels) AND coalesce(f.held_until, 0) <= clock
            AND NOT EXISTS (
                SELECT 1 FROM sapa_inbox e
                WHERE e.sender_id = f.sender_id AND e.state = 'accepted' AND e.id < f.id
            )
        ORDER BY f.id LIMIT p_conversations
    ), free AS MATERIALIZED (
        SELECT i.id, i.sender_id
        FROM conversations c CROSS JOIN LATERAL (
            SELECT n.id FROM sapa_inbox n WHERE n.sender_id = c.sender_id AND n.state = 'accepted'
            ORDER BY n.id LIMIT p_of_one
        ) first JOIN sapa_inbox i ON i.id = first.id
        WHERE i.state = 'accepted' AND i.channel = ANY (p_channels) AND coalesce(i.held_until, 0) <= clock
        FOR UPDATE OF i SKIP LOCKED
    )
    UPDATE sapa_inbox u SET owner = p_owner, held_until = clock + p_seconds,
        -- Only the turn of the first one begins now.
        attempts = u.attempts + CASE WHEN EXISTS (
            SELECT 1 FROM sapa_inbox e
            WHERE e.sender_id = u.sender_id AND e.state = 'accepted' AND e.id < u.id
        ) THEN 0 ELSE 1 END
    FROM free
    WHERE u.id = free.id AND NOT EXISTS (
        SELECT 1 FROM sapa_inbox e
        WHERE e.sender_id = free.sender_id AND e.state = 'accepted' AND e.id < free.id
            AND e.id NOT IN (SELECT f.id FROM free f)
    ) RETURNING u.*;
END
$$;
