"""The statements of batches: each takes arrays, and does one thing for many rows.

They run one after another in one transaction, so that none has to carry the log entries of what it
writes, as those of single writes do; the last of a chunk writes the log and compares the epoch.
Each answers with the number of rows that it wrote, or with these; fewer than there should be are a
lost race, and everything is taken back. What keeps a statement moveable and shardable is said in
`statements`.

Columns go as one text each, since the driver takes longer for an array of texts than the server for
all else; ids alone, which may hold any character, are arrays (`listed`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from kastor.storage.postgres.statements import KEEPS_VERSIONS

SEPARATOR = "\x1e"
"""Between the values of a column; documents have none, since JSON escapes it."""

_LISTED = re.compile(r"\$(\d+)::text\[\]")


@lru_cache(maxsize=64)
def listed(text: str) -> frozenset[int]:
    """Return the numbers of a statement's parameters that are arrays."""
    return frozenset(int(number) for number in _LISTED.findall(text))


def _lists(first: int, kinds: str) -> str:
    """Return the columns of an `unnest` from parameter `first` on; `i` stands for one of ids."""
    return ", ".join(
        f"${number}::text[]" if kind == "i" else f"string_to_array(${number}::text, E'\\x1e', '')"
        for number, kind in enumerate(kinds, first)
    )


_XID = "pg_current_xact_id()::text::bigint"
_TWIN_COLUMNS = "key, id, model_key, etag, version, valid_from, change, actor, doc"
_RELATIONSHIP_COLUMNS = (
    "key, source_key, id, name_key, target_key, etag, version, valid_from, change, actor, doc"
)


def _of(row: str, columns: str) -> str:
    return ", ".join(f"{row}.{column}" for column in columns.split(", "))


# The planner knows nothing of what the arrays will hold, and statements are planned while the graph
# is empty that will run when it is full: every row is looked up, by its index.
BEGIN = """
BEGIN; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off
"""
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
SAVE = "SAVEPOINT chunk"
GO_BACK = "ROLLBACK TO SAVEPOINT chunk; RELEASE SAVEPOINT chunk"
KEEP_ON = "RELEASE SAVEPOINT chunk"

# What decisions have to see. Documents are left out from the one on that has $n bytes before it.

_SIZE = """CASE WHEN pg_column_compression(c.doc) IS NULL THEN pg_column_size(c.doc)
                ELSE octet_length(c.doc::text) END"""


def _ends(column: str) -> str:
    return f"""(SELECT string_agg(e.key::text, ',') FROM (
            SELECT key FROM {{graph}}.relationships WHERE {column} = t.key LIMIT $4::bigint) e)"""


# Of each id $1: its row; whether the document too ($2), and the relationships ($3), of which the
# first $4 will do.
LOAD_TWINS = f"""
SELECT m.model_epoch, f.key, f.model_key, f.etag, f.version,
       CASE WHEN f.ahead < $5::bigint THEN f.doc::text END, f.valid_from,
       f.dead_key, f.last_version, f.deleted_at, f.leaving, f.entering
FROM {{graph}}.meta m
LEFT JOIN (
    SELECT c.*, sum(c.size) OVER (ORDER BY c.nth) - c.size AS ahead FROM (
        SELECT c.*, CASE WHEN c.doc IS NULL THEN 0 ELSE {_SIZE} END AS size FROM (
            SELECT u.nth, t.key, t.model_key, t.etag, t.version, t.valid_from,
                   CASE WHEN u.whole = '1' THEN t.doc END AS doc,
                   d.key AS dead_key, d.last_version, d.deleted_at,
                   CASE WHEN u.ends = '1' THEN {_ends("source_key")} END AS leaving,
                   CASE WHEN u.ends = '1' THEN {_ends("target_key")} END AS entering
            FROM unnest({_lists(1, "i..")})
                 WITH ORDINALITY u (id, whole, ends, nth)
            LEFT JOIN {{graph}}.twins t ON t.id = u.id
            LEFT JOIN {{graph}}.tombstones d ON d.kind = 'twin' AND d.id = u.id
        ) c
    ) c
) f ON true
ORDER BY f.nth
"""

LOAD_RELATIONSHIPS = f"""
SELECT f.key, f.name, f.target_key, f.etag, f.version,
       CASE WHEN f.ahead < $3::bigint THEN f.doc::text END, f.valid_from,
       f.dead_key, f.last_version, f.deleted_at
FROM (
    SELECT c.*, sum(c.size) OVER (ORDER BY c.nth) - c.size AS ahead FROM (
        SELECT c.*, CASE WHEN c.doc IS NULL THEN 0 ELSE {_SIZE} END AS size FROM (
            SELECT u.nth, r.key, n.name, r.target_key, r.etag, r.version, r.valid_from, r.doc,
                   d.key AS dead_key, d.last_version, d.deleted_at
            FROM unnest({_lists(1, ".i")}) WITH ORDINALITY u (source_key, id, nth)
            LEFT JOIN {{graph}}.relationships r
                 ON r.source_key = u.source_key::bigint AND r.id = u.id
            LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
            LEFT JOIN {{graph}}.tombstones d
                 ON d.kind = 'relationship' AND d.id = u.source_key || '/' || u.id
        ) c
    ) c
) f
ORDER BY f.nth
"""

# After a lost race nobody may be faster again.
LOCK_TWINS = """
SELECT 1 FROM {graph}.twins WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE
"""
LOCK_RELATIONSHIPS = f"""
SELECT 1 FROM {{graph}}.relationships r
JOIN unnest({_lists(1, ".i")}) u (source_key, id)
     ON r.source_key = u.source_key::bigint AND r.id = u.id
ORDER BY r.source_key, r.id FOR NO KEY UPDATE OF r
"""

NAME_KEYS = "SELECT name, key FROM {graph}.relationship_names WHERE name = ANY($1::text[])"
ADD_NAMES = """
INSERT INTO {graph}.relationship_names (name) SELECT unnest($1::text[])
ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name, key
"""

# Changes; $1 is the actor. What is created takes its key from the sequence of the coordinator, as
# in `statements.CREATE_TWIN`, so that it stands apart from the insertion.

CREATE_TWINS = f"""
WITH free AS MATERIALIZED (
    SELECT u.id, u.model_key::bigint AS model_key, u.etag, u.version::bigint AS version,
           u.time::bigint AS valid_from, u.doc::jsonb AS doc
    FROM unnest({_lists(2, "i.....")})
         u (id, model_key, etag, version, time, doc)
    WHERE NOT EXISTS (SELECT 1 FROM {{graph}}.tombstones d WHERE d.kind = 'twin' AND d.id = u.id)
), new AS (
    INSERT INTO {{graph}}.twins (id, model_key, etag, version, valid_from, change, actor, doc)
    SELECT id, model_key, etag, version, valid_from, {_XID}, $1::text, doc FROM free
    RETURNING id, key
)
SELECT id, key FROM new
"""

CREATE_RELATIONSHIPS = f"""
WITH free AS MATERIALIZED (
    SELECT u.source_key::bigint AS source_key, u.id, u.name_key::bigint AS name_key,
           u.target_key::bigint AS target_key, u.etag, u.version::bigint AS version,
           u.time::bigint AS valid_from, u.doc::jsonb AS doc
    FROM unnest({_lists(2, ".i......")})
         u (source_key, id, name_key, target_key, etag, version, time, doc)
    WHERE NOT EXISTS (SELECT 1 FROM {{graph}}.tombstones d
                      WHERE d.kind = 'relationship' AND d.id = u.source_key || '/' || u.id)
), new AS (
    INSERT INTO {{graph}}.relationships (source_key, id, name_key, target_key, etag, version,
                                         valid_from, change, actor, doc)
    SELECT source_key, id, name_key, target_key, etag, version, valid_from, {_XID}, $1::text, doc
    FROM free
    RETURNING source_key, id, key
)
SELECT source_key, id, key FROM new
"""

# What is created once more has its old key, and goes on with its versions.
UNBURY = f"""
WITH dead AS (
    DELETE FROM {{graph}}.tombstones d
    USING unnest({_lists(2, "i..")}) u (id, key, last_version)
    WHERE d.kind = $1::text AND d.id = u.id AND d.key = u.key::bigint
          AND d.last_version = u.last_version::bigint
    RETURNING 1
)
SELECT count(*) FROM dead
"""
REVIVE_TWINS = f"""
WITH new AS (
    INSERT INTO {{graph}}.twins ({_TWIN_COLUMNS})
    SELECT u.key::bigint, u.id, u.model_key::bigint, u.etag, u.version::bigint, u.time::bigint,
           {_XID}, $1::text, u.doc::jsonb
    FROM unnest({_lists(2, ".i.....")})
         u (key, id, model_key, etag, version, time, doc)
    RETURNING 1
)
SELECT count(*) FROM new
"""
REVIVE_RELATIONSHIPS = f"""
WITH new AS (
    INSERT INTO {{graph}}.relationships ({_RELATIONSHIP_COLUMNS})
    SELECT u.key::bigint, u.source_key::bigint, u.id, u.name_key::bigint, u.target_key::bigint,
           u.etag, u.version::bigint, u.time::bigint, {_XID}, $1::text, u.doc::jsonb
    FROM unnest({_lists(2, "..i......")})
         u (key, source_key, id, name_key, target_key, etag, version, time, doc)
    RETURNING 1
)
SELECT count(*) FROM new
"""

# `until` is when what is there was first superseded: a batch may change a row several times.


def _keep(table: str, columns: str, moved: str = "true") -> str:
    return f"""
    INSERT INTO {{graph}}.{table} ({columns}, valid_to, ended_by, ended_actor, moved)
    SELECT {_of("o", columns)}, o.until, {_XID}, $1::text, {moved} FROM old o
    WHERE {KEEPS_VERSIONS}
    """


def _bury(kind: str, burial_id: str) -> str:
    return f"""
    INSERT INTO {{graph}}.tombstones (kind, id, key, last_version, deleted_at)
    SELECT '{kind}', {burial_id}, o.key, o.ended, o.deleted_at FROM old o
    ON CONFLICT (kind, id) DO UPDATE SET key = excluded.key, deleted_at = excluded.deleted_at,
        last_version = greatest(tombstones.last_version, excluded.last_version)
    """


UPDATE_TWINS = f"""
WITH old AS (
    UPDATE {{graph}}.twins t SET model_key = u.model_key::bigint, etag = u.etag,
        version = u.version::bigint, valid_from = u.time::bigint, change = {_XID},
        actor = $1::text, doc = u.doc::jsonb
    FROM unnest({_lists(2, "........")}) u (key, before, until, model_key, etag, version, time, doc)
    JOIN {{graph}}.twins o ON o.key = u.key::bigint AND o.version = u.before::bigint
    WHERE t.key = u.key::bigint AND t.version = u.before::bigint
    RETURNING {_of("o", _TWIN_COLUMNS)}, u.until::bigint AS until,
              o.model_key <> u.model_key::bigint AS moved
), kept AS ({_keep("twin_versions", _TWIN_COLUMNS, "o.moved")})
SELECT count(*) FROM old
"""

UPDATE_RELATIONSHIPS = f"""
WITH old AS (
    UPDATE {{graph}}.relationships r SET name_key = u.name_key::bigint,
        target_key = u.target_key::bigint, etag = u.etag, version = u.version::bigint,
        valid_from = u.time::bigint, change = {_XID}, actor = $1::text, doc = u.doc::jsonb
    FROM unnest({_lists(2, ".........")})
         u (key, before, until, name_key, target_key, etag, version, time, doc)
    JOIN {{graph}}.relationships o ON o.key = u.key::bigint AND o.version = u.before::bigint
    WHERE r.key = u.key::bigint AND r.version = u.before::bigint
    RETURNING {_of("o", _RELATIONSHIP_COLUMNS)}, u.until::bigint AS until,
              (o.name_key, o.target_key) <> (u.name_key::bigint, u.target_key::bigint) AS moved
), kept AS ({_keep("relationship_versions", _RELATIONSHIP_COLUMNS, "o.moved")})
SELECT count(*) FROM old
"""

DELETE_TWINS = f"""
WITH old AS (
    DELETE FROM {{graph}}.twins t
    USING unnest({_lists(2, ".....")})
          u (key, before, until, ended, deleted_at)
    WHERE t.key = u.key::bigint AND t.version = u.before::bigint
    RETURNING {_of("t", _TWIN_COLUMNS)}, u.until::bigint AS until, u.ended::bigint AS ended,
              u.deleted_at::bigint AS deleted_at
), kept AS ({_keep("twin_versions", _TWIN_COLUMNS)}
), buried AS ({_bury("twin", "o.id")})
SELECT count(*) FROM old
"""

DELETE_RELATIONSHIPS = f"""
WITH old AS (
    DELETE FROM {{graph}}.relationships r
    USING unnest({_lists(2, ".....")})
          u (key, before, until, ended, deleted_at)
    WHERE r.key = u.key::bigint AND r.version = u.before::bigint
    RETURNING {_of("r", _RELATIONSHIP_COLUMNS)}, u.until::bigint AS until, u.ended::bigint AS ended,
              u.deleted_at::bigint AS deleted_at
), kept AS ({_keep("relationship_versions", _RELATIONSHIP_COLUMNS)}
), buried AS ({_bury("relationship", "o.source_key::text || '/' || o.id")})
SELECT count(*) FROM old
"""

# Versions that began and ended within the chunk, and never stood in the tables of what is there,
# which hold by now what the chunk leaves.

KEEP_TWINS = f"""
WITH kept AS (
    INSERT INTO {{graph}}.twin_versions ({_TWIN_COLUMNS}, valid_to, ended_by, ended_actor,
                                         moved)
    SELECT u.key::bigint, u.id, u.model_key::bigint, u.etag, u.version::bigint, u.time::bigint,
           {_XID}, $1::text, u.doc::jsonb, u.until::bigint, {_XID}, $1::text,
           NOT EXISTS (SELECT 1 FROM {{graph}}.twins t
                       WHERE t.key = u.key::bigint AND t.model_key = u.model_key::bigint)
    FROM unnest({_lists(2, ".i......")}) u (key, id, model_key, etag, version, time, doc, until)
    WHERE {KEEPS_VERSIONS}
    RETURNING 1
)
SELECT count(*) FROM kept
"""
KEEP_RELATIONSHIPS = f"""
WITH kept AS (
    INSERT INTO {{graph}}.relationship_versions ({_RELATIONSHIP_COLUMNS}, valid_to, ended_by,
                                                 ended_actor, moved)
    SELECT u.key::bigint, u.source_key::bigint, u.id, u.name_key::bigint, u.target_key::bigint,
           u.etag, u.version::bigint, u.time::bigint, {_XID}, $1::text, u.doc::jsonb,
           u.until::bigint, {_XID}, $1::text,
           NOT EXISTS (SELECT 1 FROM {{graph}}.relationships r
                       WHERE r.key = u.key::bigint AND r.name_key = u.name_key::bigint
                             AND r.target_key = u.target_key::bigint)
    FROM unnest({_lists(2, "..i.......")})
         u (key, source_key, id, name_key, target_key, etag, version, time, doc, until)
    WHERE {KEEPS_VERSIONS}
    RETURNING 1
)
SELECT count(*) FROM kept
"""

# Telemetry changes no row, but the twin has to be there.
COUNT_TWINS = "SELECT count(*) FROM {graph}.twins WHERE key = ANY($1::text[]::bigint[])"

# In the order of the writes. The bodies are one text of bytes ($4), since they may be any bytes.
LOG = f"""
WITH logged AS (
    INSERT INTO {{graph}}.changes (bucket, subject, twin_key, version, kind, notify, event_id, time,
                                 actor, traceparent, model_id, component, content_type, data, xid)
    SELECT u.bucket::smallint, u.subject, u.twin_key::bigint, u.version::bigint, u.kind,
           u.notify::boolean, u.event_id, u.time::bigint, $2::text, $3::text, u.model_id,
           u.component, u.content_type,
           substr($4::bytea, u.start::integer, u.length::integer), {_XID}
    FROM unnest({_lists(5, ".i.......ii..")})
         WITH ORDINALITY
         u (bucket, subject, twin_key, version, kind, notify, event_id, time, model_id, component,
            content_type, start, length, nth)
    WHERE EXISTS (SELECT 1 FROM {{graph}}.meta WHERE model_epoch = $1::bigint)
    ORDER BY u.nth
    RETURNING 1
)
SELECT count(*) FROM logged
"""

# Of telemetry that is kept longer than the log, once its entries are there.
KEEP_TELEMETRY = f"""
WITH kept AS (
    INSERT INTO {{graph}}.telemetry (seq, twin_key, component, time, source_time, data)
    SELECT c.seq, c.twin_key, c.component, c.time, u.source_time::bigint, c.data
    FROM unnest({_lists(2, ".i.")}) u (time, event_id, source_time)
    JOIN {{graph}}.changes c ON c.time = u.time::bigint AND c.event_id = u.event_id
         AND c.kind = $1::text
    RETURNING 1
)
SELECT count(*) FROM kept
"""

# After a connection was lost; as `statements.HAPPENED`, for a batch that wrote nothing but a note.
NOTED_PROGRESS = """
SELECT EXISTS (SELECT 1 FROM {graph}.jobs
               WHERE kind = $1 AND id = $2 AND owner = $3 AND progress = $4)
FROM {graph}.meta FOR UPDATE
"""
APPLIED_PROPOSAL = """
SELECT EXISTS (SELECT 1 FROM {graph}.proposals WHERE id = $1 AND applied = $2)
FROM {graph}.meta FOR UPDATE
"""
KEPT_ANSWER = """
SELECT EXISTS (SELECT 1 FROM {graph}.kept_answers WHERE id = $1 AND answer = $2)
FROM {graph}.meta FOR UPDATE
"""
