-- Who is sending a message, and until when it is theirs: what a process that is
-- gone was sending is sent again by the others.
ALTER TABLE sapa_outbox ADD COLUMN owner TEXT;
ALTER TABLE sapa_outbox ADD COLUMN held_until REAL;
CREATE INDEX sapa_outbox_sending ON sapa_outbox (held_until) WHERE state = 'sending';
UPDATE sapa_outbox SET held_until = 0 WHERE state = 'sending';
