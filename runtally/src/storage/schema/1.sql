-- Times are milliseconds since 1970. `queue` is `scoring` or `metrics`.

-- Counts what was ever put on a queue, so that no number is given twice, whatever was deleted.
CREATE TABLE sequence (last INTEGER NOT NULL) STRICT;
INSERT INTO sequence VALUES (0);

CREATE TABLE message (
    sequence INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    group_id TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    -- In the future: in flight or postponed.
    visible_at INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    first_received_at INTEGER,
    last_error TEXT
) STRICT;
CREATE INDEX message_by_group ON message (queue, group_id, visible_at);

-- The ids of the last five minutes. Outlives the messages.
CREATE TABLE deduplication (
    queue TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (queue, deduplication_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deduplication_by_age ON deduplication (sent_at);

CREATE TABLE dead_letter (
    sequence INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    -- The id it had on its queue.
    message_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    died_at INTEGER NOT NULL,
    UNIQUE (queue, message_id)
) STRICT;

CREATE TABLE event (
    run TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    run TEXT PRIMARY KEY,
    open INTEGER NOT NULL,
    -- JSON; null before the first projection.
    projection TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE simulator (
    service TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (service, key)
) STRICT, WITHOUT ROWID;
