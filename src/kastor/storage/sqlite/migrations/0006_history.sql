-- The past by change numbers, which are a total order; times are not.

ALTER TABLE meta ADD COLUMN history_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN history TEXT;
ALTER TABLE meta ADD COLUMN packed_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN telemetry_bytes INTEGER NOT NULL DEFAULT 0;

-- From now on the rows of versions count beside their documents.
UPDATE meta SET version_bytes = version_bytes + 200 * (
    (SELECT count(*) FROM twin_versions) + (SELECT count(*) FROM relationship_versions));
ALTER TABLE meta ADD COLUMN twins_more INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN twins_other INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN relationships_more INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN relationships_other INTEGER NOT NULL DEFAULT 0;
-- What became of earlier states is not known.
UPDATE meta SET (twins_more, twins_other, relationships_more, relationships_other) = (
    SELECT n, n, n, n FROM (
        SELECT coalesce(max(seq), 0) AS n FROM sqlite_sequence WHERE name = 'changes'));

ALTER TABLE models ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
ALTER TABLE models ADD COLUMN ended_by INTEGER;
UPDATE models SET
    change = coalesce((SELECT min(seq) FROM changes WHERE time = models.valid_from), 0),
    ended_by = CASE WHEN valid_to IS NOT NULL
        THEN coalesce((SELECT min(seq) FROM changes WHERE time = models.valid_to), 0) END;

-- A graph that was copied from PostgreSQL has numbers of transactions in place of positions. Nobody
-- could read its versions yet, so they are given up, and its rows get positions as far as the log
-- knows them.
CREATE TEMP TABLE foreign_numbers AS
WITH log AS (
    SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) AS newest,
           (SELECT time FROM changes ORDER BY seq LIMIT 1) AS begun
), numbered AS (
    SELECT change, valid_from AS time FROM twins
    UNION ALL SELECT change, valid_from FROM relationships
    UNION ALL SELECT ended_by, valid_to FROM twin_versions
    UNION ALL SELECT ended_by, valid_to FROM relationship_versions
)
SELECT 1 FROM numbered n, log
WHERE n.change > log.newest OR (n.time >= log.begun AND NOT EXISTS (
    SELECT 1 FROM changes c WHERE c.seq = n.change AND c.time = n.time))
LIMIT 1;
DELETE FROM twin_versions WHERE EXISTS (SELECT 1 FROM foreign_numbers);
DELETE FROM relationship_versions WHERE EXISTS (SELECT 1 FROM foreign_numbers);
UPDATE meta SET version_bytes = 0 WHERE EXISTS (SELECT 1 FROM foreign_numbers);
UPDATE twins SET change = coalesce((
    SELECT max(c.seq) FROM changes c WHERE c.time = valid_from AND c.subject = id), 0)
WHERE EXISTS (SELECT 1 FROM foreign_numbers);
UPDATE relationships AS r SET change = coalesce((
    SELECT max(c.seq) FROM changes c JOIN twins t ON t.key = r.source_key
    WHERE c.time = r.valid_from AND c.subject = t.id || '/relationships/' || r.id), 0)
WHERE EXISTS (SELECT 1 FROM foreign_numbers);
DROP TABLE foreign_numbers;

DROP INDEX twin_versions_by_key;
CREATE UNIQUE INDEX twin_versions_by_key ON twin_versions (key, ended_by);
DROP INDEX twin_versions_by_end;
CREATE INDEX twin_versions_by_end ON twin_versions (ended_by);
DROP INDEX relationship_versions_by_key;
CREATE UNIQUE INDEX relationship_versions_by_key ON relationship_versions (key, ended_by);
DROP INDEX relationship_versions_by_end;
CREATE INDEX relationship_versions_by_end ON relationship_versions (ended_by);
-- For who asks what left and entered a twin once.
CREATE INDEX relationship_versions_out ON relationship_versions (source_key, ended_by, change);
CREATE INDEX relationship_versions_in ON relationship_versions (target_key, ended_by, change);

-- Times of entries that left the change log before the versions that they made, so that an instant
-- finds its entry for as long as its state is kept.
CREATE TABLE instants (
    change    INTEGER PRIMARY KEY,         -- changes.seq
    time      INTEGER NOT NULL,
    kind      TEXT,                        -- these as in changes where something was created, else NULL
    twin_key  INTEGER,
    subject   TEXT,
    written   INTEGER                      -- the time that rows have, where it is another
) STRICT;
CREATE INDEX instants_by_time ON instants (time);

-- Entries whose time is not after that of the one before: the clock was set back.
CREATE TABLE setbacks (
    change  INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL
) STRICT;

-- Documents of versions that are no longer young, many together; their rows hold x'' in place.
CREATE TABLE version_blocks (
    kind      TEXT    NOT NULL CHECK (kind IN ('twin', 'relationship')),
    key       INTEGER NOT NULL,
    first     INTEGER NOT NULL,            -- versions without gaps
    last      INTEGER NOT NULL,
    ended_by  INTEGER NOT NULL,            -- of the last one
    docs      BLOB    NOT NULL,            -- as storage/sqlite/documents.py packs them
    PRIMARY KEY (kind, key, first)
) STRICT;
CREATE INDEX version_blocks_by_end ON version_blocks (ended_by);

-- Telemetry, where it is to be kept longer than the change log.
CREATE TABLE telemetry (
    change       INTEGER PRIMARY KEY,      -- changes.seq
    twin_key     INTEGER NOT NULL,
    component    TEXT,
    time         INTEGER NOT NULL,
    source_time  INTEGER,
    data         BLOB    NOT NULL          -- the message, byte for byte
) STRICT;
CREATE INDEX telemetry_by_twin ON telemetry (twin_key, change, time, source_time);
CREATE INDEX telemetry_by_time ON telemetry (time);

-- The clock's earlier leaps back, as far as the log tells of them.
INSERT INTO setbacks
SELECT seq, time FROM (SELECT seq, time, lag(time) OVER (ORDER BY seq) AS before FROM changes)
WHERE time < before;

-- What was pruned until now was the oldest; before the log's beginning nothing has a time. What was
-- never written to has all of its past. Whether a model was in service was written over until now.
UPDATE meta SET history_from = max(
    coalesce((SELECT max(seq) FROM changes WHERE kind = 'Model.Update'), 0),
    coalesce((SELECT min(ended_by) - 1 FROM (
        SELECT min(ended_by) AS ended_by FROM twin_versions
        UNION ALL SELECT min(ended_by) FROM relationship_versions)),
        (SELECT coalesce(max(seq), 0) FROM changes)),
    coalesce((SELECT min(seq) - 1 FROM changes),
        (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'changes')));
