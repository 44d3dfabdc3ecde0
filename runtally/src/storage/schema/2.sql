-- How often something was appended to a run: one that was appended to is not closed by a reader
-- that did not see it.
ALTER TABLE run ADD COLUMN appends INTEGER NOT NULL DEFAULT 0;
-- When the record was last written.
ALTER TABLE run ADD COLUMN written_at INTEGER;
UPDATE run SET written_at = CAST(unixepoch(projection ->> '$.at', 'subsec') * 1000 AS INTEGER);
CREATE INDEX run_by_age ON run (written_at) WHERE NOT open;

-- The harvests that were ever heard of.
CREATE TABLE heard (apify_run TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
