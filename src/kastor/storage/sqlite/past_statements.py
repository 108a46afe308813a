"""Statements over states of the past, by name.

State n holds the rows of now with `change` <= n, and the versions with `change` <= n that ended
later. Versions of one key follow one another without overlap, so at most one of these serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.storage.sqlite.documents import version_doc

if TYPE_CHECKING:
    from kastor.storage.history import Kind

KINDS: tuple[Kind, ...] = ("twin", "relationship")
_TWIN_DOC = f"CAST(json({version_doc('v', 'twin')}) AS BLOB)"
_RELATIONSHIP_DOC = f"CAST(json({version_doc('v', 'relationship')}) AS BLOB)"

LAST = """
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0), history_from,
       last_tick
FROM meta
"""
"""The newest position, the oldest state that is kept, and when the newest change was."""
FLOOR = "SELECT history_from FROM meta"
TWIN_KEY = """
SELECT key FROM twins WHERE id = ?1
UNION ALL SELECT key FROM tombstones WHERE kind = 'twin' AND id = ?1
"""
RELATIONSHIP_KEY = """
SELECT key FROM relationships WHERE source_key = ?1 AND id = ?2
UNION ALL SELECT key FROM tombstones WHERE kind = 'relationship' AND id = ?3
"""

BOUNDS: dict[Kind, str] = {
    kind: f"""
SELECT (SELECT min(version) FROM {kind}_versions WHERE key = ?1),
       (SELECT max(version) FROM {kind}_versions WHERE key = ?1)
"""
    for kind in KINDS
}
PROBE: dict[Kind, str] = {
    kind: f"""
SELECT version, change FROM {kind}_versions WHERE key = ? AND version >= ?
ORDER BY version LIMIT 1
"""
    for kind in KINDS
}
"""Numbers of deletions are in no row, hence the next one from there."""
ENDS = "SELECT 1 FROM twin_versions WHERE key = ? AND version = ? AND ended_by > ?"
VERSION: dict[Kind, str] = {
    "twin": f"""
SELECT v.key, v.id, v.model_key, v.etag, v.version, {_TWIN_DOC}
FROM twin_versions v WHERE v.key = ? AND v.version = ? AND v.ended_by > ?
""",
    "relationship": f"""
SELECT v.key, v.source_key, v.id, n.name, v.target_key, v.etag, v.version, {_RELATIONSHIP_DOC}
FROM relationship_versions v JOIN relationship_names n ON n.key = v.name_key
WHERE v.key = ? AND v.version = ? AND v.ended_by > ?
""",
}

THERE = "SELECT key FROM twins WHERE id = ? AND change <= ?"
TWIN = """
SELECT key, id, model_key, etag, version, CAST(json(doc) AS BLOB)
FROM twins WHERE id = ? AND change <= ?
"""
RELATIONSHIP = """
SELECT r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       CAST(json(r.doc) AS BLOB)
FROM relationships r JOIN relationship_names n ON n.key = r.name_key
WHERE r.source_key = ? AND r.id = ? AND r.change <= ?
"""

OUTGOING = f"""
SELECT r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       CAST(json(r.doc) AS BLOB)
FROM relationships r JOIN relationship_names n ON n.key = r.name_key
WHERE r.source_key = ?1 AND r.id > ?2 AND r.change <= ?3 AND (?4 IS NULL OR n.name = ?4)
UNION ALL
SELECT v.key, v.source_key, v.id, n.name, v.target_key, v.etag, v.version, {_RELATIONSHIP_DOC}
FROM relationship_versions v JOIN relationship_names n ON n.key = v.name_key
WHERE v.source_key = ?1 AND v.id > ?2 AND v.change <= ?3 AND v.ended_by > ?3
  AND (?4 IS NULL OR n.name = ?4)
ORDER BY 3 LIMIT ?5
"""

INCOMING = """
SELECT f.key, f.id,
       coalesce(s.id, (SELECT o.id FROM twin_versions o WHERE o.key = f.source_key LIMIT 1)),
       n.name, f.name_key, f.source_key
FROM (
    SELECT r.key, r.id, r.name_key, r.source_key FROM relationships r
    WHERE r.target_key = ?1 AND (r.name_key, r.source_key, r.key) > (?2, ?3, ?4)
      AND r.change <= ?5
    UNION ALL
    SELECT v.key, v.id, v.name_key, v.source_key FROM relationship_versions v
    WHERE v.target_key = ?1 AND (v.name_key, v.source_key, v.key) > (?2, ?3, ?4)
      AND v.change <= ?5 AND v.ended_by > ?5
    ORDER BY 3, 4, 1 LIMIT ?6
) f
JOIN relationship_names n ON n.key = f.name_key
LEFT JOIN twins s ON s.key = f.source_key
ORDER BY f.name_key, f.source_key, f.key
"""


def _deletes(kind: Kind) -> str:
    """The SQL of whether a deletion ended a version, where no other one has its number.

    While versions were not kept the log tells the two apart, for as long as it reaches back.
    """
    following = "key = v.key AND version = v.version + 1"
    return (
        f"NOT EXISTS (SELECT 1 FROM {kind}s WHERE {following})"
        f" AND NOT EXISTS (SELECT 1 FROM {kind}_versions WHERE {following})"
        " AND coalesce((SELECT kind LIKE '%.Delete' FROM changes WHERE seq = v.ended_by), 1)"
    )


def _timeline(kind: Kind) -> str:
    doc = version_doc("v", kind)
    again = "key = v.key AND version = v.version + 2"
    return f"""
SELECT version, change, valid_from, valid_to, actor, etag, CAST(json(doc) AS BLOB), ended_by,
       ended_actor, deletes,
       CASE WHEN deletes THEN coalesce(
           (SELECT valid_from FROM {kind}s WHERE {again}),
           (SELECT valid_from FROM {kind}_versions WHERE {again})) END
FROM (
    SELECT v.version, v.change, v.valid_from, v.valid_to, v.actor, v.etag, {doc} AS doc, v.ended_by,
           v.ended_actor, v.key, {_deletes(kind)} AS deletes
    FROM {kind}_versions v WHERE v.key = ?1 AND {{versions}}
    UNION ALL
    SELECT version, change, valid_from, NULL, actor, etag, doc, NULL, NULL, key, 0
    FROM {kind}s WHERE key = ?1 AND {{now}}
) v
"""


_BETWEEN = {
    kind: _timeline(kind).format(
        versions="v.version BETWEEN ?2 AND ?3", now="version >= ?2 AND change <= ?4"
    )
    for kind in KINDS
}
ASCENDING = {kind: f"{text}ORDER BY 1" for kind, text in _BETWEEN.items()}
DESCENDING = {kind: f"{text}ORDER BY 1 DESC" for kind, text in _BETWEEN.items()}
NEAREST = {
    kind: _timeline(kind).format(versions="v.version <= ?2", now="version <= ?2")
    + "ORDER BY 1 DESC LIMIT 1"
    for kind in KINDS
}

_BORN = """
    SELECT twin_key AS source_key, subject FROM changes
    WHERE seq > ?1 AND seq <= ?2 AND kind = '{kind}.Create'
    UNION ALL
    SELECT twin_key, subject FROM instants
    WHERE change > ?1 AND change <= ?2 AND kind = '{kind}.Create'
"""
_SOURCE_ID = """coalesce((SELECT id FROM twins WHERE key = {0}.source_key),
                (SELECT id FROM twin_versions WHERE key = {0}.source_key LIMIT 1))"""
CANDIDATES: dict[Kind, str] = {
    "twin": f"""
SELECT key FROM (
    SELECT key, id FROM twin_versions WHERE ended_by > ?1 AND ended_by <= ?2 AND id > ?3
    UNION
    SELECT source_key, subject FROM ({_BORN.format(kind="Twin")}) WHERE subject > ?3
) ORDER BY id LIMIT ?4
""",
    # A subject is `source/relationships/id`.
    "relationship": f"""
WITH found AS (
    SELECT source_key, id FROM relationship_versions WHERE ended_by > ?1 AND ended_by <= ?2
    UNION
    SELECT b.source_key, substr(b.subject, length(b.source) + length('/relationships/') + 1)
    FROM (SELECT o.source_key, o.subject, {_SOURCE_ID.format("o")} AS source
          FROM ({_BORN.format(kind="Relationship")}) o) b
)
SELECT coalesce((SELECT key FROM relationships r WHERE r.source_key = f.source_key AND r.id = f.id),
                (SELECT key FROM tombstones
                 WHERE kind = 'relationship' AND id = f.source_key || '/' || f.id)) AS key
FROM (SELECT source_key, id, {_SOURCE_ID.format("g")} AS source FROM found g) f
WHERE (f.source, f.id) > (?3, ?4) AND key IS NOT NULL ORDER BY f.source, f.id LIMIT ?5
""",
}
"""Keys of what may differ, in order of identity."""
IDENTITY: dict[Kind, str] = {
    "twin": """
SELECT coalesce((SELECT id FROM twins WHERE key = ?1),
                (SELECT id FROM twin_versions WHERE key = ?1 LIMIT 1))
""",
    "relationship": f"""
SELECT {_SOURCE_ID.format("r")}, r.id FROM (
    SELECT source_key, id FROM relationships WHERE key = ?1
    UNION ALL SELECT * FROM (
        SELECT source_key, id FROM relationship_versions WHERE key = ?1 LIMIT 1)
) r LIMIT 1
""",
}
PRESENT_DOC: dict[Kind, str] = {
    kind: f"SELECT CAST(json(doc) AS BLOB) FROM {kind}s WHERE key = ? AND change <= ?"
    for kind in KINDS
}
VERSION_DOC: dict[Kind, str] = {
    kind: f"""
SELECT CAST(json({version_doc("v", kind)}) AS BLOB) FROM {kind}_versions v
WHERE v.key = ? AND v.version = ? AND v.ended_by > ?
"""
    for kind in KINDS
}
