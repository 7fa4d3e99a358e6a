-- Who has an accepted message for its turn, and until when: the messages of a
-- process that is gone have their turns with the others.
ALTER TABLE sapa_inbox ADD COLUMN owner TEXT;
ALTER TABLE sapa_inbox ADD COLUMN held_until REAL;
CREATE INDEX sapa_inbox_open ON sapa_inbox (sender_id, id) WHERE state = 'accepted';
