"""Statements over states of the past, by name.

State n holds the rows of now with `change` <= n, and the versions with `change` <= n that ended
later. Versions of one key follow one another without overlap, so at most one of these serves.
"""

from __future__ import annotations

from kastor.storage.sqlite.documents import version_doc

_TWIN_DOC = f"CAST(json({version_doc('v', 'twin')}) AS BLOB)"
_RELATIONSHIP_DOC = f"CAST(json({version_doc('v', 'relationship')}) AS BLOB)"

FLOOR = "SELECT history_from FROM meta"
TIME_OF = """
SELECT time FROM (
    SELECT * FROM (SELECT seq AS change, time FROM changes WHERE seq <= ?1
                   ORDER BY seq DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT change, time FROM instants WHERE change <= ?1
                   ORDER BY change DESC LIMIT 1)
) ORDER BY change DESC LIMIT 1
"""
"""When the last entry up to a position was made, as far as that is known."""

TWIN_KEY = """
SELECT key FROM twins WHERE id = ?1
UNION ALL SELECT key FROM tombstones WHERE kind = 'twin' AND id = ?1
"""
RELATIONSHIP_KEY = """
SELECT key FROM relationships WHERE source_key = ?1 AND id = ?2
UNION ALL SELECT key FROM tombstones WHERE kind = 'relationship' AND id = ?3
"""

BOUNDS = {
    kind: f"""
SELECT (SELECT min(version) FROM {kind}_versions WHERE key = ?1),
       (SELECT max(version) FROM {kind}_versions WHERE key = ?1)
"""
    for kind in ("twin", "relationship")
}
PROBE = {
    kind: f"""
SELECT version, change FROM {kind}_versions WHERE key = ? AND version >= ?
ORDER BY version LIMIT 1
"""
    for kind in ("twin", "relationship")
}
"""Numbers of deletions are in no row, hence the next one from there."""
ENDS = "SELECT 1 FROM twin_versions WHERE key = ? AND version = ? AND ended_by > ?"
VERSION = {
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
