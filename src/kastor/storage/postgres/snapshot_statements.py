"""The statements of a snapshot, for the newest state of a schema and for one of the past.

Their values are where a portion begins ($1, and $4 of what has a source), a position after which
something was written or NULL ($2), and how many rows are wanted ($3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kastor.storage.postgres.documents import version_doc
from kastor.storage.postgres.past import begun, beyond, lasted, position_of


@dataclass(frozen=True, slots=True)
class SnapshotStatements:
    """What a snapshot reads documents by."""

    models: str
    twins: str
    of_source: str
    of_next_sources: str
    deleted: Mapping[str, str]


# What is after a position; NULL is before everything.
_LATER = "(c.pos > SINCE::bigint OR c.pos IS NULL)"
# By time and subject: `change` holds a number of another kind here.
_WRITTEN_LATER = f"""(SINCE::bigint IS NULL OR EXISTS (SELECT 1 FROM {{graph}}.changes c
    WHERE c.time = ROW.valid_from AND c.subject = SUBJECT AND {_LATER}))"""


def _since(text: str, mark: str, row: str = "", subject: str = "") -> str:
    return text.replace("SINCE", mark).replace("ROW", row).replace("SUBJECT", subject)


_MODELS = f"""
SELECT k.id, m.text FROM {{graph}}.model_keys k
JOIN {{graph}}.models m ON m.key = k.key AND m.valid_to IS NULL
WHERE k.id > $1 AND ($2::bigint IS NULL OR k.id IN (
    SELECT c.subject FROM {{graph}}.changes c
    WHERE {_since(_LATER, "$2")} AND c.kind = 'Model.Upload'))
ORDER BY k.id LIMIT $3
"""
_TWINS = f"""
SELECT t.etag, t.doc::text, t.id FROM {{graph}}.twins t
WHERE t.id > $1 AND {_since(_WRITTEN_LATER, "$2", "t", "t.id")} ORDER BY t.id LIMIT $3
"""
_SUBJECT = "t.id || '/relationships/' || r.id"
_RELATIONSHIPS = f"""
SELECT r.etag, r.doc::text, t.id, r.id
FROM {{graph}}.twins t JOIN {{graph}}.relationships r ON r.source_key = t.key
WHERE PLACE AND {_since(_WRITTEN_LATER, "$2", "r", _SUBJECT)}
ORDER BY t.id, r.id LIMIT $3
"""
_OF_SOURCE = _RELATIONSHIPS.replace("PLACE", "t.id = $1 AND r.id > $4")
_OF_NEXT_SOURCES = _RELATIONSHIPS.replace("PLACE", "t.id > $1")
_GONE = f"""
SELECT DISTINCT c.subject FROM {{graph}}.changes c
WHERE {_since(_LATER, "$2")} AND c.kind = 'KIND' AND c.subject > $1
    AND NOT EXISTS (PRESENT) ORDER BY 1 LIMIT $3
"""
_DELETED: dict[str, str] = {
    "model": _GONE.replace("KIND", "Model.Delete").replace(
        "PRESENT",
        "SELECT 1 FROM {graph}.model_keys k JOIN {graph}.models m ON m.key = k.key"
        " WHERE k.id = c.subject AND m.valid_to IS NULL",
    ),
    "twin": _GONE.replace("KIND", "Twin.Delete").replace(
        "PRESENT", "SELECT 1 FROM {graph}.twins t WHERE t.id = c.subject"
    ),
    "relationship": f"""
SELECT source, id FROM (
    SELECT DISTINCT data ->> '$sourceId' COLLATE "C" AS source,
        data ->> '$relationshipId' COLLATE "C" AS id
    FROM (SELECT convert_from(c.data, 'UTF8')::json AS data FROM {{graph}}.changes c
          WHERE {_since(_LATER, "$2")} AND c.kind = 'Relationship.Delete') bodies) c
WHERE (source, id) > ($1, $4) AND NOT EXISTS (
    SELECT 1 FROM {{graph}}.twins t JOIN {{graph}}.relationships r ON r.source_key = t.key
    WHERE t.id = c.source AND r.id = c.id)
ORDER BY source, id LIMIT $3
""",
}

# Of the past: over the temporary tables that `past_snapshot` fills.

STATE_TABLES = (
    "CREATE TEMP TABLE past_state (change bigint, newest bigint) ON COMMIT DROP",
    "CREATE TEMP TABLE past_beyond (time bigint, xid bigint) ON COMMIT DROP",
    "CREATE TEMP TABLE past_beyond_edge (settled bigint) ON COMMIT DROP",
    """CREATE TEMP TABLE past_twins (
        id text COLLATE "C" PRIMARY KEY, key bigint, version bigint) ON COMMIT DROP""",
    """CREATE TEMP TABLE past_relationships (
        source text COLLATE "C", id text COLLATE "C", key bigint, version bigint,
        PRIMARY KEY (source, id)) ON COMMIT DROP""",
)
_CHANGE = "(SELECT change FROM past_state)"
_NEWEST = "(SELECT newest FROM past_state)"
FILL_BEYOND = f"""
WITH found AS (
    INSERT INTO past_beyond {beyond("$1::bigint", "$2::bigint")} RETURNING time, xid
), state AS (
    INSERT INTO past_state VALUES ($1::bigint, $2::bigint)
), edge AS (
    INSERT INTO past_beyond_edge
    SELECT least($2::bigint, (SELECT min(time) - 1 FROM found))
)
SELECT time, xid FROM found
"""


def _held(row: str, *, now: bool = False) -> str:
    began = begun(row, _NEWEST, "past_beyond")
    return began if now else f"{began} AND {lasted(row, _NEWEST, 'past_beyond')}"


FILL_VERSIONS = (
    f"""
    INSERT INTO past_twins
    SELECT v.id, v.key, v.version FROM {{graph}}.twin_versions v WHERE {_held("v")}
    """,
    f"""
    INSERT INTO past_relationships
    SELECT coalesce(
        (SELECT t.id FROM {{graph}}.twins t WHERE t.key = v.source_key),
        (SELECT o.id FROM {{graph}}.twin_versions o WHERE o.key = v.source_key LIMIT 1)),
        v.id, v.key, v.version
    FROM {{graph}}.relationship_versions v WHERE {_held("v")}
    """,
)


def _written(row: str) -> str:
    position = position_of(f"{row}.valid_from", f"{row}.change")
    return f"($2::bigint IS NULL OR {position} > $2::bigint)"


_MODEL_HELD = f"""{_held("m", now=True)} AND (m.valid_to IS NULL OR m.valid_to > {_NEWEST}
    OR (m.valid_to, m.ended_by) IN (SELECT time, xid FROM past_beyond))"""
_PAST_MODELS = f"""
SELECT k.id, m.text FROM {{graph}}.model_keys k
JOIN {{graph}}.models m ON m.key = k.key AND {_MODEL_HELD}
WHERE k.id > $1 AND ($2::bigint IS NULL OR k.id IN (
    SELECT c.subject FROM {{graph}}.changes c
    WHERE c.pos > $2::bigint AND c.pos <= {_CHANGE} AND c.kind = 'Model.Upload'))
ORDER BY k.id LIMIT $3
"""
_PAST_TWINS = f"""
SELECT etag, doc, id FROM (
    (SELECT t.etag, t.doc::text AS doc, t.id FROM {{graph}}.twins t
     WHERE t.id > $1 AND {_held("t", now=True)} AND {_written("t")} ORDER BY t.id LIMIT $3)
    UNION ALL
    (SELECT v.etag, ({version_doc("v", "twin")})::text, p.id
     FROM past_twins p JOIN {{graph}}.twin_versions v ON v.key = p.key AND v.version = p.version
     WHERE p.id > $1 AND {_written("v")} ORDER BY p.id LIMIT $3)
) c ORDER BY id LIMIT $3
"""
_PAST_RELATIONSHIPS = f"""
SELECT etag, doc, source, id FROM (
    (SELECT r.etag, r.doc::text AS doc, t.id AS source, r.id
     FROM {{graph}}.twins t JOIN {{graph}}.relationships r ON r.source_key = t.key
     WHERE NOW_PLACE AND {_held("r", now=True)} AND {_written("r")} ORDER BY t.id, r.id LIMIT $3)
    UNION ALL
    (SELECT v.etag, ({version_doc("v", "relationship")})::text, p.source, p.id
     FROM past_relationships p
     JOIN {{graph}}.relationship_versions v ON v.key = p.key AND v.version = p.version
     WHERE PAST_PLACE AND {_written("v")} ORDER BY p.source, p.id LIMIT $3)
) c ORDER BY source, id LIMIT $3
"""
_PAST_GONE = f"""
SELECT DISTINCT c.subject FROM {{graph}}.changes c
WHERE c.pos > $2::bigint AND c.pos <= {_CHANGE} AND c.kind = 'KIND' AND c.subject > $1
    AND NOT EXISTS (PRESENT) ORDER BY 1 LIMIT $3
"""
_PAST_DELETED: dict[str, str] = {
    "model": _PAST_GONE.replace("KIND", "Model.Delete").replace(
        "PRESENT",
        "SELECT 1 FROM {graph}.model_keys k JOIN {graph}.models m ON m.key = k.key"
        f" WHERE k.id = c.subject AND {_MODEL_HELD}",
    ),
    "twin": _PAST_GONE.replace("KIND", "Twin.Delete").replace(
        "PRESENT",
        f"SELECT 1 FROM {{graph}}.twins t WHERE t.id = c.subject AND {_held('t', now=True)}"
        " UNION ALL SELECT 1 FROM past_twins p WHERE p.id = c.subject",
    ),
    "relationship": f"""
SELECT source, id FROM (
    SELECT DISTINCT data ->> '$sourceId' COLLATE "C" AS source,
        data ->> '$relationshipId' COLLATE "C" AS id
    FROM (SELECT convert_from(c.data, 'UTF8')::json AS data FROM {{graph}}.changes c
          WHERE c.pos > $2::bigint AND c.pos <= {_CHANGE} AND c.kind = 'Relationship.Delete') bodies
) c
WHERE (source, id) > ($1, $4) AND NOT EXISTS (
    SELECT 1 FROM {{graph}}.twins t JOIN {{graph}}.relationships r ON r.source_key = t.key
    WHERE t.id = c.source AND r.id = c.id AND {_held("r", now=True)}
    UNION ALL SELECT 1 FROM past_relationships p WHERE p.source = c.source AND p.id = c.id)
ORDER BY source, id LIMIT $3
""",
}

PRESENT = SnapshotStatements(_MODELS, _TWINS, _OF_SOURCE, _OF_NEXT_SOURCES, _DELETED)
PAST = SnapshotStatements(
    _PAST_MODELS,
    _PAST_TWINS,
    _PAST_RELATIONSHIPS.replace("NOW_PLACE", "t.id = $1 AND r.id > $4").replace(
        "PAST_PLACE", "p.source = $1 AND p.id > $4"
    ),
    _PAST_RELATIONSHIPS.replace("NOW_PLACE", "t.id > $1").replace("PAST_PLACE", "p.source > $1"),
    _PAST_DELETED,
)
