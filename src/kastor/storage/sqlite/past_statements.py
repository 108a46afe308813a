"""Statements over states of the past, by name.

State n holds the rows of now with `change` <= n, and the versions with `change` <= n that ended
later. Versions of one key follow one another without overlap, so at most one of these serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.storage.sqlite.documents import version_doc

if TYPE_CHECKING:
    from kastor.storage.history import Kind

NEVER = 2**63 - 1
KINDS: tuple[Kind, ...] = ("twin", "relationship")
_TWIN_DOC = f"CAST(json({version_doc('v', 'twin')}) AS BLOB)"
_RELATIONSHIP_DOC = f"CAST(json({version_doc('v', 'relationship')}) AS BLOB)"

LAST = """
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0), history_from,
       last_tick
FROM meta
"""
"""The newest position, the oldest state that is kept, and when the newest change was."""
SINCE = """
SELECT twins_more, twins_other, relationships_more, relationships_other FROM meta
"""
PACKED_TO = "SELECT packed_to FROM meta"
FLOOR = "SELECT history_from FROM meta"
TWIN_KEY = """
SELECT key FROM twins WHERE id = ?1
UNION ALL SELECT key FROM tombstones WHERE kind = 'twin' AND id = ?1
"""
RELATIONSHIP_KEY = """
SELECT key FROM relationships WHERE source_key = ?1 AND id = ?2
UNION ALL SELECT key FROM tombstones WHERE kind = 'relationship' AND id = ?3
"""

_AT = """(SELECT rowid FROM {kind}_versions WHERE key = ?1 AND ended_by > ?2
               ORDER BY ended_by LIMIT 1)"""
"""The version that a state holds, if it had begun by then: the first one that ended later."""
WAS_THERE = f"SELECT 1 FROM twin_versions WHERE rowid = {_AT.format(kind='twin')} AND change <= ?2"
VERSION: dict[Kind, str] = {
    "twin": f"""
SELECT v.key, v.id, v.model_key, v.etag, v.version, {_TWIN_DOC}
FROM twin_versions v WHERE v.rowid = {_AT.format(kind="twin")} AND v.change <= ?2
""",
    "relationship": f"""
SELECT v.key, v.source_key, v.id, n.name, v.target_key, v.etag, v.version, {_RELATIONSHIP_DOC}
FROM relationship_versions v JOIN relationship_names n ON n.key = v.name_key
WHERE v.rowid = {_AT.format(kind="relationship")} AND v.change <= ?2
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
FROM (
    SELECT rowid AS place FROM relationship_versions
    WHERE source_key = ?1 AND id > ?2 AND ended_by > ?3 AND change <= ?3
      AND (?4 IS NULL OR name_key = (SELECT key FROM relationship_names WHERE name = ?4))
    ORDER BY id LIMIT ?5
) f
CROSS JOIN relationship_versions v ON v.rowid = f.place
JOIN relationship_names n ON n.key = v.name_key
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
    WHERE v.target_key = ?1 AND v.ended_by > ?5 AND v.change <= ?5
      AND (v.name_key, v.source_key, v.key) > (?2, ?3, ?4)
    ORDER BY 3, 4, 1 LIMIT ?6
) f
JOIN relationship_names n ON n.key = f.name_key
LEFT JOIN twins s ON s.key = f.source_key
ORDER BY f.name_key, f.source_key, f.key
"""

_RELATED = """
       (SELECT count(*) FROM (
            SELECT 1 FROM relationships WHERE {end} = t.key AND change <= ?3
            UNION ALL SELECT 1 FROM relationship_versions
            WHERE {end} = t.key AND ended_by > ?3 AND change <= ?3 LIMIT ?2))"""
DEGREES = f"""
SELECT t.key, t.id, {_RELATED.format(end="source_key")}, {_RELATED.format(end="target_key")}
FROM (SELECT key, id, change FROM twins UNION ALL
      SELECT key, id, NULL FROM tombstones WHERE kind = 'twin') t
WHERE t.id IN (SELECT value FROM json_each(?1))
  AND (t.change <= ?3 OR (SELECT change FROM twin_versions WHERE key = t.key AND ended_by > ?3
                          ORDER BY ended_by LIMIT 1) <= ?3)
"""


_VIA = "(SELECT CAST(via AS BLOB) FROM origins WHERE change = {})"


def _timeline(kind: Kind) -> str:
    """Versions of a key, and how each ended: by the next one, or by a deletion.

    A deletion has the number behind the version that it ended, and nothing else has it.
    """
    later = f"FROM {kind}_versions WHERE key = v.key AND ended_by > v.ended_by"
    following = {
        column: f"""coalesce((SELECT {column} {later} ORDER BY ended_by LIMIT 1),
                    (SELECT {column} FROM {kind}s WHERE key = v.key))"""
        for column in ("version", "valid_from")
    }
    return f"""
SELECT v.version, v.change, v.valid_from, v.valid_to, v.actor, v.etag,
       CAST(json({version_doc("v", kind)}) AS BLOB), v.ended_by, v.ended_actor,
       {following["version"]}, {following["valid_from"]},
       {_VIA.format("v.change")}, {_VIA.format("v.ended_by")}
FROM {kind}_versions v WHERE v.key = ?1 AND {{versions}}
UNION ALL
SELECT version, change, valid_from, NULL, actor, etag, CAST(json(doc) AS BLOB), {NEVER},
       NULL, NULL, NULL, {_VIA.format(f"{kind}s.change")}, NULL
FROM {kind}s WHERE key = ?1 AND {{now}}
"""


_BETWEEN: dict[Kind, str] = {
    kind: _timeline(kind).format(
        versions=f"""v.ended_by >= ?2 AND v.ended_by <= coalesce((
    SELECT min(ended_by) FROM {kind}_versions WHERE key = ?1 AND ended_by > ?3), {NEVER})""",
        now="change <= ?3",
    )
    for kind in KINDS
}
ASCENDING = {kind: f"{text}ORDER BY 8" for kind, text in _BETWEEN.items()}
"""What changes from one position to another made, and some more."""
DESCENDING = {kind: f"{text}ORDER BY 8 DESC" for kind, text in _BETWEEN.items()}
UP_TO: dict[Kind, str] = {
    kind: _timeline(kind).format(versions="v.ended_by <= ?2", now="version <= ?3")
    + "ORDER BY 8 DESC LIMIT 1"
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
WHERE v.rowid = {_AT.format(kind=kind)} AND v.change <= ?2
"""
    for kind in KINDS
}
