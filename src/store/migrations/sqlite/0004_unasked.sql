-- Messages that answer nobody (their payload begins with `unasked`) stand apart from
-- replies, which go before them.
DROP INDEX sapa_outbox_ready;
CREATE INDEX sapa_outbox_replies ON sapa_outbox (id)
    WHERE state = 'ready' AND substr(payload, 1, 16) <> '{"unasked":true,';
CREATE INDEX sapa_outbox_unasked ON sapa_outbox (id)
    WHERE state = 'ready' AND substr(payload, 1, 16) = '{"unasked":true,';
