CREATE TABLE IF NOT EXISTS tiket (
    id INTEGER PRIMARY KEY,
    nomor TEXT NOT NULL UNIQUE,
    sender_id TEXT NOT NULL,
    topik TEXT NOT NULL,
    ringkasan TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'baru' CHECK (status IN ('baru', 'diproses', 'menunggu_pemohon', 'selesai')),
    dibuat_pada TEXT NOT NULL,
    idempotency_key TEXT UNIQUE
) STRICT;
CREATE INDEX IF NOT EXISTS tiket_sender ON tiket (sender_id, id);
CREATE TABLE IF NOT EXISTS penilaian (
    id INTEGER PRIMARY KEY,
    sender_id TEXT NOT NULL,
    nilai INTEGER NOT NULL CHECK (nilai BETWEEN 1 AND 5),
    dibuat_pada TEXT NOT NULL,
    idempotency_key TEXT UNIQUE
) STRICT;
