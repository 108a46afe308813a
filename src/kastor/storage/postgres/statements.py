"""Every fixed statement of the engine, by name; `{graph}` stands for the graph's schema.

A point write is one statement: it compares the version that was decided on and the epoch of the
models, and writes row, superseded version and log entry, or nothing at all. So there is no moment
in which one is there without the others, and a lost race is an empty answer. Statements lock rows
in one order (twin or relationship, tombstone, the rest is only ever inserted), so that none waits
for another in a circle.
"""

from __future__ import annotations

from kastor.storage.keeping import NOTHING_KEPT, TELEMETRY_ROW_OVERHEAD, VERSION_ROW_OVERHEAD

_XID = "pg_current_xact_id()::text::bigint"
_TWIN = "t.key, t.id, t.model_key, t.etag, t.version, t.doc::text"
_RELATIONSHIP = """r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       r.doc::text"""


class Qualified(dict[str, str]):
    """Texts with the tables of one graph; filled as they are asked for."""

    def __init__(self, graph: str) -> None:
        super().__init__()
        self._graph = graph

    def again(self) -> Qualified:
        """Return the same for texts that are not worth keeping: there are as many as callers."""
        return Qualified(self._graph)

    def __missing__(self, text: str) -> str:
        """Qualify a text."""
        made = self[text] = text.replace("{graph}", self._graph)
        return made


# What a decision needs, with the epoch; one statement for each shape of need.

LOAD_META = "SELECT model_epoch, last_tick FROM {graph}.meta"

LOAD_TWIN = f"""
SELECT m.model_epoch, {_TWIN}, t.valid_from, d.key, d.last_version, d.deleted_at
FROM {{graph}}.meta m
LEFT JOIN {{graph}}.twins t ON t.id = $1
LEFT JOIN {{graph}}.tombstones d ON d.kind = 'twin' AND d.id = $1
"""

LOAD_TWIN_AND_ENDS = f"""
SELECT m.model_epoch, {_TWIN}, t.valid_from,
       EXISTS (SELECT 1 FROM {{graph}}.relationships WHERE source_key = t.key)
       OR EXISTS (SELECT 1 FROM {{graph}}.relationships WHERE target_key = t.key)
FROM {{graph}}.meta m
LEFT JOIN {{graph}}.twins t ON t.id = $1
"""

LOAD_RELATIONSHIP = f"""
SELECT m.model_epoch, {_TWIN}, {_RELATIONSHIP}, r.valid_from
FROM {{graph}}.meta m
LEFT JOIN {{graph}}.twins t ON t.id = $1
LEFT JOIN {{graph}}.relationships r ON r.source_key = t.key AND r.id = $2
LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
"""

LOAD_RELATIONSHIP_AND_TARGET = f"""
SELECT m.model_epoch, {_TWIN}, {_RELATIONSHIP}, r.valid_from,
       d.key, d.last_version, d.deleted_at,
       g.key, g.id, g.model_key, g.etag, g.version, g.doc::text
FROM {{graph}}.meta m
LEFT JOIN {{graph}}.twins t ON t.id = $1
LEFT JOIN {{graph}}.relationships r ON r.source_key = t.key AND r.id = $2
LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
LEFT JOIN {{graph}}.tombstones d ON d.kind = 'relationship' AND d.id = t.key::text || '/' || $2
LEFT JOIN {{graph}}.twins g ON g.id = $3
"""

# Point reads.

TWIN = f"SELECT {_TWIN} FROM {{graph}}.twins t WHERE t.id = $1"

RELATIONSHIP_OF = f"""
SELECT {_RELATIONSHIP}
FROM {{graph}}.twins t
LEFT JOIN {{graph}}.relationships r ON r.source_key = t.key AND r.id = $2
LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
WHERE t.id = $1
"""

# A document that stands there uncompressed is not written out to be measured.


def _outgoing(named: str) -> str:
    """Return the statement of a page that ends before it has too many bytes."""
    return f"""
SELECT {_RELATIONSHIP}, r.ahead
FROM {{graph}}.twins t
LEFT JOIN LATERAL (
    SELECT * FROM (
        SELECT *, count(*) OVER () AS ahead, sum(size) OVER (ORDER BY id) - size AS before FROM (
            SELECT o.*, CASE WHEN pg_column_compression(o.doc) IS NULL THEN pg_column_size(o.doc)
                             ELSE octet_length(o.doc::text) END AS size
            FROM {{graph}}.relationships o
            {named}
            WHERE o.source_key = t.key AND o.id > $2 ORDER BY o.id LIMIT $3
        ) c
    ) c WHERE before < $4
) r ON true
LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
WHERE t.id = $1 ORDER BY r.id
"""


OUTGOING = _outgoing("")
OUTGOING_NAMED = _outgoing(
    "JOIN {graph}.relationship_names p ON p.key = o.name_key AND p.name = $5"
)

INCOMING = """
SELECT r.key, r.id, s.id, n.name, r.name_key, r.source_key
FROM {graph}.twins t
LEFT JOIN LATERAL (
    SELECT key, id, name_key, source_key FROM {graph}.relationships
    WHERE target_key = t.key AND (name_key, source_key, key) > ($2, $3, $4)
    ORDER BY name_key, source_key, key LIMIT $5
) r ON true
LEFT JOIN {graph}.relationship_names n ON n.key = r.name_key
LEFT JOIN {graph}.twins s ON s.key = r.source_key
WHERE t.id = $1 ORDER BY r.name_key, r.source_key, r.key
"""

DEGREES = """
SELECT t.key, t.id,
    (SELECT count(*) FROM
        (SELECT 1 FROM {graph}.relationships WHERE source_key = t.key LIMIT $2) o),
    (SELECT count(*) FROM
        (SELECT 1 FROM {graph}.relationships WHERE target_key = t.key LIMIT $2) i)
FROM {graph}.twins t WHERE t.id = ANY($1::text[])
"""

# Point writes; each answers with the number of rows that it wrote: 1, or 0 for a lost race.
# All begin with the epoch ($1) and the log entry ($2 to $13; $7 is the time, $8 the actor).

KEEPS_VERSIONS = f"EXISTS (SELECT 1 FROM {{graph}}.meta WHERE history_from < {NOTHING_KEPT})"
_CURRENT = "EXISTS (SELECT 1 FROM {graph}.meta WHERE model_epoch = $1)"
_BURIED_TWIN = "{graph}.tombstones WHERE kind = 'twin' AND id = $14"
_BURIED_RELATIONSHIP = (
    "{graph}.tombstones WHERE kind = 'relationship' AND id = $14::bigint::text || '/' || $15"
)
_TWIN_COLUMNS = "key, id, model_key, etag, version, valid_from, change, actor, doc"
_RELATIONSHIP_COLUMNS = (
    "key, source_key, id, name_key, target_key, etag, version, valid_from, change, actor, doc"
)


def _of(row: str, columns: str) -> str:
    return ", ".join(f"{row}.{column}" for column in columns.split(", "))


def _log(twin_key: str, version: str, source: str) -> str:
    return f"""
    INSERT INTO {{graph}}.changes (bucket, subject, twin_key, version, kind, notify, event_id, time,
                                 actor, traceparent, model_id, component, content_type, data, xid)
    SELECT $2::smallint, $3::text, {twin_key}, {version}, $4::text, $5::boolean, $6::text,
           $7::bigint, $8::text, $9::text, $10::text, $11::text, $12::text, $13::bytea, {_XID}
    FROM {source}
    """


def _keep(table: str, columns: str, old: str, moved: str = "true") -> str:
    return f"""
    INSERT INTO {{graph}}.{table} ({columns}, valid_to, ended_by, ended_actor, moved)
    SELECT {_of("o", columns)},
           $7::bigint, {_XID}, $8::text, {moved}
    FROM {old} WHERE {KEEPS_VERSIONS}
    """


def _bury(kind: str, burial_id: str) -> str:
    # A tombstone can only be there already if two creations of this id met a deletion at the
    # very same instant; then the newer life counts.
    return f"""
    INSERT INTO {{graph}}.tombstones (kind, id, key, last_version, deleted_at)
    SELECT '{kind}', {burial_id}, key, version + 1, $7::bigint FROM gone
    ON CONFLICT (kind, id) DO UPDATE SET key = excluded.key, deleted_at = excluded.deleted_at,
        last_version = greatest(tombstones.last_version, excluded.last_version)
    """


# `free` apart from the insertion makes Citus take the key on the coordinator, whose sequences are
# those that a copy sets, and not on the shard's own server.
CREATE_TWIN = f"""
WITH free AS MATERIALIZED (
    SELECT 1::bigint AS version WHERE {_CURRENT}
      AND NOT EXISTS (SELECT 1 FROM {_BURIED_TWIN})
      AND NOT EXISTS (SELECT 1 FROM {{graph}}.twins WHERE id = $14)
), new AS (
    INSERT INTO {{graph}}.twins (id, model_key, etag, version, valid_from, change, actor, doc)
    SELECT $14::text, $15::bigint, $16::text, version, $7::bigint, {_XID}, $8::text, $17::jsonb
    FROM free
    ON CONFLICT (id) DO NOTHING
    RETURNING key, version
), logged AS ({_log("key", "version", "new")})
SELECT count(*) FROM new
"""

REVIVE_TWIN = f"""
WITH dead AS (
    DELETE FROM {_BURIED_TWIN} AND key = $18 AND last_version = $19 AND {_CURRENT}
    RETURNING key, last_version
), new AS (
    INSERT INTO {{graph}}.twins ({_TWIN_COLUMNS})
    SELECT key, $14::text, $15::bigint, $16::text, last_version + 1, $7::bigint, {_XID},
           $8::text, $17::jsonb
    FROM dead
    RETURNING key, version
), logged AS ({_log("key", "version", "new")})
SELECT count(*) FROM new
"""

UPDATE_TWIN = f"""
WITH old AS (
    UPDATE {{graph}}.twins t SET model_key = $16, etag = $17, version = $15 + 1,
        valid_from = $7::bigint, change = {_XID}, actor = $8::text, doc = $18::jsonb
    FROM {{graph}}.twins o
    WHERE t.key = $14 AND t.version = $15 AND o.key = $14 AND o.version = $15 AND {_CURRENT}
    RETURNING {_of("o", _TWIN_COLUMNS)}
), kept AS ({_keep("twin_versions", _TWIN_COLUMNS, "old o", "o.model_key <> $16")}
), logged AS ({_log("key", "version + 1", "old")})
SELECT count(*) FROM old
"""

DELETE_TWIN = f"""
WITH gone AS (
    DELETE FROM {{graph}}.twins WHERE key = $14 AND version = $15 AND {_CURRENT}
    RETURNING {_TWIN_COLUMNS}
), kept AS ({_keep("twin_versions", _TWIN_COLUMNS, "gone o")}
), buried AS ({_bury("twin", "id")}
), logged AS ({_log("key", "version + 1", "gone")})
SELECT count(*) FROM gone
"""

CREATE_RELATIONSHIP = f"""
WITH free AS MATERIALIZED (
    SELECT 1::bigint AS version WHERE {_CURRENT}
      AND NOT EXISTS (SELECT 1 FROM {_BURIED_RELATIONSHIP})
      AND NOT EXISTS (SELECT 1 FROM {{graph}}.relationships WHERE source_key = $14 AND id = $15)
), new AS (
    INSERT INTO {{graph}}.relationships (source_key, id, name_key, target_key, etag, version,
                                       valid_from, change, actor, doc)
    SELECT $14::bigint, $15::text, $16::bigint, $17::bigint, $18::text, version,
           $7::bigint, {_XID}, $8::text, $19::jsonb
    FROM free
    ON CONFLICT (source_key, id) DO NOTHING
    RETURNING source_key, version
), logged AS ({_log("source_key", "version", "new")})
SELECT count(*) FROM new
"""

REVIVE_RELATIONSHIP = f"""
WITH dead AS (
    DELETE FROM {_BURIED_RELATIONSHIP} AND key = $20 AND last_version = $21 AND {_CURRENT}
    RETURNING key, last_version
), new AS (
    INSERT INTO {{graph}}.relationships ({_RELATIONSHIP_COLUMNS})
    SELECT key, $14::bigint, $15::text, $16::bigint, $17::bigint, $18::text, last_version + 1,
           $7::bigint, {_XID}, $8::text, $19::jsonb
    FROM dead
    RETURNING source_key, version
), logged AS ({_log("source_key", "version", "new")})
SELECT count(*) FROM new
"""

_MOVED = "(o.name_key, o.target_key) <> ($16, $17)"
UPDATE_RELATIONSHIP = f"""
WITH old AS (
    UPDATE {{graph}}.relationships r SET name_key = $16, target_key = $17, etag = $18,
        version = $15 + 1, valid_from = $7::bigint, change = {_XID}, actor = $8::text,
        doc = $19::jsonb
    FROM {{graph}}.relationships o
    WHERE r.key = $14 AND r.version = $15 AND o.key = $14 AND o.version = $15 AND {_CURRENT}
    RETURNING {_of("o", _RELATIONSHIP_COLUMNS)}
), kept AS ({_keep("relationship_versions", _RELATIONSHIP_COLUMNS, "old o", _MOVED)}
), logged AS ({_log("source_key", "version + 1", "old")})
SELECT count(*) FROM old
"""

DELETE_RELATIONSHIP = f"""
WITH gone AS (
    DELETE FROM {{graph}}.relationships WHERE key = $14 AND version = $15 AND {_CURRENT}
    RETURNING {_RELATIONSHIP_COLUMNS}
), kept AS ({_keep("relationship_versions", _RELATIONSHIP_COLUMNS, "gone o")}
), buried AS ({_bury("relationship", "source_key::text || '/' || id")}
), logged AS ({_log("source_key", "version + 1", "gone")})
SELECT count(*) FROM gone
"""

LOG_TELEMETRY = f"""
WITH twin AS (
    SELECT key FROM {{graph}}.twins WHERE key = $14 AND {_CURRENT}
), logged AS ({_log("key", "NULL::bigint", "twin")})
SELECT count(*) FROM twin
"""
KEEP_TELEMETRY = f"""
WITH twin AS (
    SELECT key FROM {{graph}}.twins WHERE key = $14 AND {_CURRENT}
), logged AS ({_log("key", "NULL::bigint", "twin")} RETURNING seq
), kept AS (
    INSERT INTO {{graph}}.telemetry (seq, twin_key, component, time, source_time, data)
    SELECT seq, $14::bigint, $11::text, $7::bigint, $15::bigint, $13::bytea FROM logged
)
SELECT count(*) FROM twin
"""
"""As LOG_TELEMETRY, where messages are kept longer than the log."""

# Keeps a key for a name for good; the update that changes nothing makes it answer either way.
NAME_KEY = """
INSERT INTO {graph}.relationship_names (name) VALUES ($1)
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING key
"""

# After a connection was lost: did the write happen? Its log entry has this time and this id. The
# row lock makes the answer's own commit wait for a synchronous standby, and by that for the write.
HAPPENED = """
SELECT EXISTS (SELECT 1 FROM {graph}.changes WHERE time = $1 AND event_id = $2)
FROM {graph}.meta FOR UPDATE
"""

# Models: in a transaction that holds the row of meta.

LOCK_META = "SELECT model_epoch, last_tick FROM {graph}.meta FOR UPDATE"
RAISE_EPOCH = "UPDATE {graph}.meta SET model_epoch = model_epoch + 1, last_tick = $1"

ADD_MODEL_KEYS = """
INSERT INTO {graph}.model_keys (id) SELECT unnest($1::text[]) ON CONFLICT (id) DO NOTHING
"""
MODEL_KEYS_OF = "SELECT id, key FROM {graph}.model_keys WHERE id = ANY($1::text[])"

ADD_MODELS = f"""
INSERT INTO {{graph}}.models (key, seq, text, uploaded, decommissioned, valid_from, valid_to,
                              change)
SELECT k.key, (SELECT coalesce(max(m.seq), 0) + 1 FROM {{graph}}.models m WHERE m.key = k.key),
       u.text, $3, NULL, $3, NULL, {_XID}
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY u (id, text, nth)
JOIN {{graph}}.model_keys k ON k.id = u.id
"""

END_MODEL = f"""
UPDATE {{graph}}.models SET valid_to = $1, ended_by = {_XID}
WHERE valid_to IS NULL AND key = (SELECT key FROM {{graph}}.model_keys WHERE id = $2)
"""

# After its row was ended; what was not stored stays away.
COMMISSION_MODEL = f"""
INSERT INTO {{graph}}.models (key, seq, text, uploaded, decommissioned, valid_from, valid_to,
                              change)
SELECT m.key, m.seq + 1, m.text, m.uploaded, $2, $3, NULL, {_XID} FROM {{graph}}.models m
WHERE m.key = (SELECT key FROM {{graph}}.model_keys WHERE id = $1) AND m.ended_by = {_XID}
      AND m.seq = (SELECT max(seq) FROM {{graph}}.models l WHERE l.key = m.key)
"""

LOG_MODEL = f"""
INSERT INTO {{graph}}.changes (bucket, subject, twin_key, version, kind, notify, event_id, time,
                             actor, traceparent, model_id, component, content_type, data, xid)
VALUES ($1, $2, NULL, NULL, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, {_XID})
"""

EPOCH = "SELECT model_epoch FROM {graph}.meta"

# One snapshot of everything: keys of models that were deleted too, and the text only of what was
# uploaded after $1.
STORED_MODELS = """
SELECT e.model_epoch, k.key, k.id, CASE WHEN m.uploaded > $1 THEN m.text ELSE '' END, m.uploaded,
       m.decommissioned IS NOT NULL
FROM {graph}.meta e
LEFT JOIN {graph}.model_keys k ON true
LEFT JOIN {graph}.models m ON m.key = k.key AND m.valid_to IS NULL
ORDER BY m.uploaded, k.key
"""

# Opening, status, emptying.

META = """
SELECT host_name, signing_key,
       greatest(last_tick, (SELECT max(time) FROM {graph}.changes)) FROM {graph}.meta
"""

LOG_SIZE = "SELECT coalesce(sum(bytes), 0) FROM {graph}.changes"
_VERSION_BYTES = f"""(SELECT coalesce(sum(bytes + {VERSION_ROW_OVERHEAD}), 0)
        FROM {{graph}}.twin_versions)
       + (SELECT coalesce(sum(bytes + {VERSION_ROW_OVERHEAD}), 0)
          FROM {{graph}}.relationship_versions)
       + (SELECT coalesce(sum(bytes), 0) FROM {{graph}}.version_blocks)"""

STATUS = """
SELECT (SELECT count(*) FROM {graph}.twins), (SELECT count(*) FROM {graph}.relationships),
       (SELECT count(*) FROM {graph}.models WHERE valid_to IS NULL),
       (SELECT count(*) FROM {graph}.twin_versions)
       + (SELECT count(*) FROM {graph}.relationship_versions),
       (SELECT count(*) FROM {graph}.changes),
       VERSION_BYTES,
       (SELECT coalesce(sum(bytes), 0) FROM {graph}.changes),
       (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
        JOIN pg_namespace s ON s.oid = c.relnamespace
        WHERE s.nspname = $1 AND c.relkind IN ('r', 'p')),
       (SELECT min(oldest) FROM (
            SELECT min(valid_to) AS oldest FROM {graph}.twin_versions
            UNION ALL SELECT min(valid_to) FROM {graph}.relationship_versions) v),
       (SELECT min(time) FROM {graph}.changes)
""".replace("VERSION_BYTES", _VERSION_BYTES)

TWIN_IDS = "SELECT key, id FROM {graph}.twins WHERE key > $1 ORDER BY key LIMIT $2"
RELATIONSHIP_IDS = """
SELECT r.key, t.id, r.id
FROM {graph}.relationships r JOIN {graph}.twins t ON t.key = r.source_key
WHERE r.key > $1 ORDER BY r.key LIMIT $2
"""

ESCAPED_SLASHES = """
SELECT id, count(*) OVER () FROM (
    SELECT id FROM {graph}.twins UNION ALL SELECT id FROM {graph}.relationships) ids
WHERE position('%2f' IN lower(id)) > 0 ORDER BY id COLLATE "C" LIMIT $1
"""

# Whoever writes a twin or a relationship waits for this, and finds another epoch afterwards.
STOP_WRITES = "LOCK TABLE {graph}.relationships, {graph}.twins IN SHARE ROW EXCLUSIVE MODE"
FORGET_PAST = f"""
UPDATE {{graph}}.meta SET history_from = (SELECT position FROM {{graph}}.log_head)
WHERE history_from < {NOTHING_KEPT}
"""
RESET = (
    # Who follows the log sees that something is gone. First, as whoever gives positions locks it.
    "UPDATE {graph}.log_head SET position = position + 1",
    "DELETE FROM {graph}.instants",
    "DELETE FROM {graph}.setbacks",
    "DELETE FROM {graph}.version_blocks",
    "DELETE FROM {graph}.telemetry",
    # First, so that no trigger looks for what else leads to a twin, once for each relationship.
    "DELETE FROM {graph}.part_twins",
    "DELETE FROM {graph}.relationships",
    "DELETE FROM {graph}.relationship_versions",
    "DELETE FROM {graph}.relationship_names",
    "DELETE FROM {graph}.twins",
    "DELETE FROM {graph}.twin_versions",
    "DELETE FROM {graph}.tombstones",
    "DELETE FROM {graph}.parts_left",
    "DELETE FROM {graph}.models",
    "DELETE FROM {graph}.model_keys",
    "DELETE FROM {graph}.changes",
    "DELETE FROM {graph}.origins",
    "DELETE FROM {graph}.routes",
    "DELETE FROM {graph}.dead_letters",
    # Jobs would go on with what is gone, and answers tell of it; who works on one finds no row.
    "DELETE FROM {graph}.jobs",
    "DELETE FROM {graph}.job_lines",
    "DELETE FROM {graph}.kept_answers",
    "DELETE FROM {graph}.proposals",
    # Where nothing of the past is kept, that stays so.
    FORGET_PAST,
)
# The past begins here.
BEGIN_AGAIN = f"""
WITH head AS (
    UPDATE {{graph}}.log_head SET placed = $1, newest = $1 RETURNING position, placed, newest
)
INSERT INTO {{graph}}.instants (pos, upto, time, xid, placed, newest, late)
SELECT position, position, $1, {_XID}, placed, newest, false FROM head
"""

# Around a compiled query. The status of the last statement says whether the epoch still holds.
BEGIN_QUERY = """
BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL statement_timeout = {milliseconds};
SELECT 1 FROM {graph}.meta WHERE model_epoch = {epoch}
"""
# Of the past: one snapshot for the two statements that follow. A standby may not be there yet.
BEGIN_PAST_QUERY = """
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off;
SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = {milliseconds};
SELECT 1 FROM {graph}.meta, {graph}.log_head WHERE history_from <= {change} AND position >= {change}
"""
END_QUERY = "COMMIT"
OPEN_CURSOR = "DECLARE page NO SCROLL CURSOR FOR "
STEP_CURSOR = "FETCH {rows} FROM page"

# Retention: a step at a time, oldest first; rows that another process is removing are left to it. -

# The entry has its position, without which no instant would know of what it changed, and no active
# route still has to read it.
_PASSED = """pos IS NOT NULL AND (NOT EXISTS (SELECT 1 FROM {graph}.routes WHERE NOT paused)
              OR pos <= (SELECT min(position) FROM {graph}.routes WHERE NOT paused))"""

STRAY_LOG = """
WITH old AS (
    SELECT seq FROM {graph}.changes
    WHERE time > $1 AND {passed}
          AND pos < (SELECT max(pos) FROM {graph}.changes WHERE time < $2)
    ORDER BY pos LIMIT $3 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM {graph}.changes c USING old WHERE c.seq = old.seq RETURNING 1
)
SELECT count(*) FROM gone
""".replace("{passed}", _PASSED)

LOG_BY_AGE = """
WITH old AS (
    SELECT seq FROM {graph}.changes WHERE time < $1 AND {passed}
    ORDER BY time LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM {graph}.changes c USING old WHERE c.seq = old.seq RETURNING 1
)
SELECT count(*) FROM gone
""".replace("{passed}", _PASSED)

LOG_BY_SIZE = """
WITH first AS (
    SELECT seq, time, bytes FROM {graph}.changes WHERE {passed}
    ORDER BY time LIMIT $2 FOR UPDATE SKIP LOCKED
), old AS (
    SELECT seq, sum(bytes) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING) - bytes AS before
    FROM first
), gone AS (
    DELETE FROM {graph}.changes c USING old WHERE c.seq = old.seq AND old.before < $1
    RETURNING c.bytes
)
SELECT count(*), coalesce(sum(bytes), 0) FROM gone
""".replace("{passed}", _PASSED)

# Written while the clock was ahead: it goes with what was written after it.
TELEMETRY_BY_AGE = """
WITH gone AS (
    DELETE FROM {graph}.telemetry WHERE seq IN (
        SELECT seq FROM {graph}.telemetry
        WHERE time < $1 OR (time > $2 AND pos < (
            SELECT max(pos) FROM {graph}.telemetry WHERE time < $1))
        LIMIT $3
    ) RETURNING 1
)
SELECT count(*) FROM gone
"""
TELEMETRY_BY_SIZE = f"""
WITH old AS (
    SELECT seq FROM (
        SELECT seq, sum(bytes) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING) - bytes AS before
        FROM (SELECT seq, time, octet_length(data) + {TELEMETRY_ROW_OVERHEAD} AS bytes
              FROM {{graph}}.telemetry ORDER BY time LIMIT $2) t) t
    WHERE before < $1
), gone AS (
    DELETE FROM {{graph}}.telemetry t USING old WHERE t.seq = old.seq
    RETURNING octet_length(t.data) + {TELEMETRY_ROW_OVERHEAD} AS bytes
)
SELECT count(*), coalesce(sum(bytes), 0) FROM gone
"""
TELEMETRY_SIZE = f"""
SELECT coalesce(sum(octet_length(data) + {TELEMETRY_ROW_OVERHEAD}), 0) FROM {{graph}}.telemetry
"""

# A route's letters beyond so many, newest first; what was requeued is about to be sent again.
LETTERS_BY_COUNT = """
WITH old AS (
    SELECT key FROM (
        SELECT key, requeued, row_number() OVER (PARTITION BY route ORDER BY key DESC) AS nth
        FROM {graph}.dead_letters) counted
    WHERE nth > $1 AND NOT requeued LIMIT $2
), gone AS (
    DELETE FROM {graph}.dead_letters d USING old WHERE d.key = old.key RETURNING 1
)
SELECT count(*) FROM gone
"""

# One process prunes at a time; should it die, another one may after a while.
BEGIN_PRUNING = """
UPDATE {graph}.meta SET pruning_until = now() + interval '5 minutes'
WHERE pruning_until < now() OR pruning_until > now() + interval '10 minutes' RETURNING 1
"""
END_PRUNING = "UPDATE {graph}.meta SET pruning_until = 'epoch'"
