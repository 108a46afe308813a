-- The past by positions in the change log, which are a total order; times are not.

ALTER TABLE {graph}.meta ADD COLUMN history_from bigint NOT NULL DEFAULT 0;
ALTER TABLE {graph}.meta ADD COLUMN history text;
ALTER TABLE {graph}.meta ADD COLUMN packed_to bigint NOT NULL DEFAULT 0;
ALTER TABLE {graph}.models ADD COLUMN change bigint NOT NULL DEFAULT 0;
ALTER TABLE {graph}.models ADD COLUMN ended_by bigint;
CREATE INDEX relationship_versions_out ON {graph}.relationship_versions (source_key, valid_to);
CREATE INDEX relationship_versions_in ON {graph}.relationship_versions (target_key, valid_to);
ALTER TABLE {graph}.twin_versions ADD COLUMN moved boolean NOT NULL DEFAULT false;
UPDATE {graph}.twin_versions v SET moved = true WHERE NOT EXISTS (
    SELECT 1 FROM {graph}.twins t WHERE t.key = v.key AND t.model_key = v.model_key);
ALTER TABLE {graph}.twin_versions ALTER COLUMN moved SET DEFAULT true;
CREATE INDEX twin_versions_moved ON {graph}.twin_versions (valid_to) WHERE moved;
ALTER TABLE {graph}.relationship_versions ADD COLUMN moved boolean NOT NULL DEFAULT false;
UPDATE {graph}.relationship_versions v SET moved = true WHERE NOT EXISTS (
    SELECT 1 FROM {graph}.relationships r
    WHERE r.key = v.key AND r.name_key = v.name_key AND r.target_key = v.target_key);
ALTER TABLE {graph}.relationship_versions ALTER COLUMN moved SET DEFAULT true;
CREATE INDEX relationship_versions_moved ON {graph}.relationship_versions (valid_to) WHERE moved;
ALTER TABLE {graph}.changes ADD COLUMN xid bigint;
ALTER TABLE {graph}.log_head ADD COLUMN placed bigint NOT NULL DEFAULT 0;
ALTER TABLE {graph}.log_head ADD COLUMN newest bigint NOT NULL DEFAULT 0;
ALTER TABLE {graph}.log_head ADD COLUMN xid bigint NOT NULL DEFAULT 0;

-- Which instant and which rows belong to a position, for as long as its state is kept; written with
-- the position. A transaction and a time tell an entry that changed something; those of one change
-- of models are one row. Rows that were copied in from elsewhere have minus their position in place
-- of a transaction, or 0 where it is not known any more.
CREATE TABLE {graph}.instants (
    pos       bigint PRIMARY KEY,
    upto      bigint  NOT NULL,            -- the last entry of the change
    time      bigint  NOT NULL,            -- what its rows have
    xid       bigint  NOT NULL,            -- what its rows have as `change`
    placed    bigint  NOT NULL,            -- when it came to be, in order of `pos` within a stretch
    newest    bigint  NOT NULL,            -- the latest time up to here
    behind    boolean NOT NULL DEFAULT false, -- its time is not after all of those before it
    late      boolean NOT NULL,            -- nor after those of long before
    kind      text    NOT NULL DEFAULT '', -- as the log's; empty where that is not known any more
    twin_key  bigint,
    subject   text COLLATE "C"             -- of what it created, else NULL
);
CREATE UNIQUE INDEX instants_by_xid ON {graph}.instants (time, xid);
CREATE INDEX instants_by_placed ON {graph}.instants (placed, pos);
CREATE INDEX instants_behind ON {graph}.instants (pos) WHERE behind;
CREATE INDEX instants_late ON {graph}.instants (pos) WHERE late;
CREATE INDEX instants_created ON {graph}.instants (kind, pos)
    WHERE subject IS NOT NULL OR kind = '';

-- Entries with which `placed` begins anew, since the clock was set back.
CREATE TABLE {graph}.setbacks (
    pos   bigint PRIMARY KEY,
    time  bigint NOT NULL
);

-- Documents of versions that are no longer young, many together; their rows hold null in place.
CREATE TABLE {graph}.version_blocks (
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('twin', 'relationship')),
    key       bigint NOT NULL,
    first     bigint NOT NULL,             -- versions without gaps
    last      bigint NOT NULL,
    ended     bigint NOT NULL,             -- valid_to of the last one
    docs      jsonb  NOT NULL,             -- an array of them
    bytes     integer NOT NULL,            -- what it takes where it is stored
    PRIMARY KEY (kind, key, first)
);
CREATE INDEX version_blocks_by_end ON {graph}.version_blocks (ended) INCLUDE (bytes);

-- Telemetry, where it is to be kept longer than the change log.
CREATE TABLE {graph}.telemetry (
    seq          bigint PRIMARY KEY,       -- changes.seq
    pos          bigint,                   -- given with that of its entry
    twin_key     bigint NOT NULL,
    component    text,
    time         bigint NOT NULL,
    source_time  bigint,
    data         bytea  NOT NULL           -- the message, byte for byte
);
CREATE INDEX telemetry_by_twin ON {graph}.telemetry (twin_key, pos);
CREATE INDEX telemetry_by_time ON {graph}.telemetry (time);

-- Which transaction wrote an entry say the rows of its time. What two wrote at the very same time
-- is told apart by nothing, so the past begins behind it.
CREATE TABLE {graph}.xids_of_old (time bigint PRIMARY KEY, xid bigint NOT NULL, sole boolean NOT NULL);
INSERT INTO {graph}.xids_of_old
SELECT time, min(xid), min(xid) = max(xid) FROM (
    SELECT valid_from AS time, change AS xid FROM {graph}.twins
    UNION ALL SELECT valid_from, change FROM {graph}.twin_versions
    UNION ALL SELECT valid_to, ended_by FROM {graph}.twin_versions
    UNION ALL SELECT valid_from, change FROM {graph}.relationships
    UNION ALL SELECT valid_from, change FROM {graph}.relationship_versions
    UNION ALL SELECT valid_to, ended_by FROM {graph}.relationship_versions) r
GROUP BY time;
UPDATE {graph}.changes c SET xid = o.xid FROM {graph}.xids_of_old o WHERE o.time = c.time;
UPDATE {graph}.changes SET xid = 0 WHERE xid IS NULL;
ALTER TABLE {graph}.changes ALTER COLUMN xid SET NOT NULL;
ALTER TABLE {graph}.changes ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint;
UPDATE {graph}.models m SET change = c.xid FROM {graph}.changes c WHERE c.time = m.valid_from;
UPDATE {graph}.models SET ended_by = 0 WHERE valid_to IS NOT NULL;
UPDATE {graph}.models m SET ended_by = c.xid FROM {graph}.changes c WHERE c.time = m.valid_to;

-- The clock's earlier leaps back of more than a minute, as far as the log tells of them.
INSERT INTO {graph}.setbacks
SELECT pos, time FROM (
    SELECT pos, time, lag(time) OVER (ORDER BY pos) AS before FROM {graph}.changes
    WHERE pos IS NOT NULL AND kind <> 'Telemetry') c
WHERE time < before - 600000000;

INSERT INTO {graph}.instants (pos, upto, time, xid, placed, newest, behind, late, kind, twin_key,
                              subject)
SELECT pos, upto, time, xid, max(time) OVER (PARTITION BY stretch ORDER BY pos),
       max(time) OVER (ORDER BY pos),
       coalesce(time <= max(time) OVER (ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING
                                        AND 1 PRECEDING), false),
       time <= coalesce(max(time) OVER (ORDER BY pos RANGE BETWEEN UNBOUNDED PRECEDING
                                        AND 1000 PRECEDING), 0),
       kind, twin_key, CASE WHEN kind IN ('Twin.Create', 'Relationship.Create') THEN subject END
FROM (
    SELECT min(pos) AS pos, max(pos) AS upto, time, xid, min(kind) AS kind,
           min(twin_key) AS twin_key, min(subject) AS subject,
           (SELECT count(*) FROM {graph}.setbacks s WHERE s.pos <= min(c.pos)) AS stretch
    FROM {graph}.changes c WHERE pos IS NOT NULL AND kind <> 'Telemetry' GROUP BY time, xid) c;

-- What was pruned until now was the oldest; before the log's beginning nothing has a time. What was
-- never written to has all of its past. Whether a model was in service was written over until now.
UPDATE {graph}.meta SET history_from = greatest(
    coalesce((SELECT max(pos) FROM {graph}.changes WHERE kind = 'Model.Update'), 0),
    coalesce((SELECT min(i.pos) - 1 FROM {graph}.instants i JOIN (
        SELECT valid_to, ended_by FROM {graph}.twin_versions
        UNION ALL SELECT valid_to, ended_by FROM {graph}.relationship_versions) v
        ON v.valid_to = i.time AND v.ended_by = i.xid), (SELECT position FROM {graph}.log_head)),
    coalesce((SELECT min(pos) - 1 FROM {graph}.changes), (SELECT position FROM {graph}.log_head)),
    coalesce((SELECT max(c.pos) FROM {graph}.changes c JOIN {graph}.xids_of_old o
              ON o.time = c.time AND NOT o.sole), 0));
DROP TABLE {graph}.xids_of_old;

-- All there is began by then, whatever the log tells of it.
UPDATE {graph}.log_head SET
    placed = coalesce((SELECT placed FROM {graph}.instants ORDER BY pos DESC LIMIT 1), 0),
    newest = greatest((SELECT max(newest) FROM {graph}.instants),
                      (SELECT max(valid_from) FROM {graph}.twins),
                      (SELECT max(valid_from) FROM {graph}.relationships),
                      (SELECT last_tick FROM {graph}.meta));
-- What entries without a position made comes behind all of them; of what nothing tells it is only
-- known that it was there, whatever its time is.
CREATE TABLE {graph}.untold (time bigint NOT NULL);
INSERT INTO {graph}.untold SELECT coalesce(max(time), 0) FROM (
    SELECT max(valid_from) AS time FROM {graph}.twins t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_from AND i.xid = t.change)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_from AND c.xid = t.change)
    UNION ALL SELECT max(valid_from) AS time FROM {graph}.relationships t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_from AND i.xid = t.change)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_from AND c.xid = t.change)
    UNION ALL SELECT max(valid_from) AS time FROM {graph}.twin_versions t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_from AND i.xid = t.change)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_from AND c.xid = t.change)
    UNION ALL SELECT max(valid_from) AS time FROM {graph}.relationship_versions t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_from AND i.xid = t.change)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_from AND c.xid = t.change)
    UNION ALL SELECT max(valid_from) AS time FROM {graph}.models t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_from AND i.xid = t.change)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_from AND c.xid = t.change)
    UNION ALL SELECT max(valid_to) AS time FROM {graph}.twin_versions t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_to AND i.xid = t.ended_by)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_to AND c.xid = t.ended_by)
    UNION ALL SELECT max(valid_to) AS time FROM {graph}.relationship_versions t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_to AND i.xid = t.ended_by)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_to AND c.xid = t.ended_by)
    UNION ALL SELECT max(valid_to) AS time FROM {graph}.models t WHERE NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = t.valid_to AND i.xid = t.ended_by)
        AND NOT EXISTS (SELECT 1 FROM {graph}.changes c
                        WHERE c.pos IS NULL AND c.time = t.valid_to AND c.xid = t.ended_by)) r;
UPDATE {graph}.instants e SET newest = o.time, behind = true, late = true
FROM {graph}.untold o WHERE e.newest <= o.time;

-- The state that the past begins with has an instant as well.
INSERT INTO {graph}.instants (pos, upto, time, xid, placed, newest, late)
SELECT history_from, history_from, 0, -history_from,
       coalesce((SELECT min(placed) - 1 FROM {graph}.instants), h.newest), o.time, false
FROM {graph}.meta m, {graph}.log_head h, {graph}.untold o
WHERE history_from > 0 AND NOT EXISTS (
    SELECT 1 FROM {graph}.instants i WHERE i.pos <= m.history_from);
DROP TABLE {graph}.untold;

-- The planner knows nothing of what was just made, and much has been rewritten.
ANALYZE {graph}.instants;
ANALYZE {graph}.changes;
