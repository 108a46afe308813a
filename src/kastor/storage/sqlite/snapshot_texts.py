"""The statements of a snapshot, for the newest state of a copied file and for one of the past.

They take values by name: `after` or `source` and `after`, where a portion begins; `limit`; `since`,
a position or NULL; and those of the past `at`, the position of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kastor.storage.sqlite.documents import version_doc
from kastor.storage.transfer import DeletedKind


@dataclass(frozen=True, slots=True)
class SnapshotTexts:
    """The statements of a snapshot, which are others for a state of the past."""

    models: str
    twins: str
    of_source: str
    of_next_sources: str
    deleted: Mapping[DeletedKind, str]


_MODELS = """
SELECT k.id, CAST(m.text AS BLOB)
FROM model_keys k JOIN models m ON m.key = k.key AND m.valid_to IS NULL
WHERE k.id > :after AND (:since IS NULL OR k.id IN (
    SELECT subject FROM changes WHERE seq > :since AND kind = 'Model.Upload'))
ORDER BY k.id LIMIT :limit
"""
# By time and subject: what `change` holds came from elsewhere in a graph that was copied.
_TWINS = """
SELECT etag, CAST(json(doc) AS BLOB), id FROM twins t
WHERE id > :after AND (:since IS NULL OR EXISTS (SELECT 1 FROM changes c
    WHERE c.time = t.valid_from AND c.subject = t.id AND c.seq > :since))
ORDER BY id LIMIT :limit
"""
_WRITTEN_LATER = """(:since IS NULL OR EXISTS (SELECT 1 FROM changes c
    WHERE c.time = r.valid_from AND c.subject = t.id || '/relationships/' || r.id
        AND c.seq > :since))"""
_OF_SOURCE = f"""
SELECT r.etag, CAST(json(r.doc) AS BLOB), t.id, r.id
FROM twins t CROSS JOIN relationships r ON r.source_key = t.key
WHERE t.id = :source AND r.id > :after AND {_WRITTEN_LATER}
ORDER BY r.id LIMIT :limit
"""
_OF_NEXT_SOURCES = f"""
SELECT r.etag, CAST(json(r.doc) AS BLOB), t.id, r.id
FROM twins t CROSS JOIN relationships r ON r.source_key = t.key
WHERE t.id > :source AND {_WRITTEN_LATER}
ORDER BY t.id, r.id LIMIT :limit
"""
_DELETED: dict[DeletedKind, str] = {
    "model": """
SELECT DISTINCT c.subject FROM changes c
WHERE c.seq > :since AND c.kind = 'Model.Delete' AND c.subject > :first
    AND NOT EXISTS (SELECT 1 FROM model_keys k JOIN models m ON m.key = k.key
                    WHERE k.id = c.subject AND m.valid_to IS NULL)
ORDER BY 1 LIMIT :limit
""",
    "twin": """
SELECT DISTINCT c.subject FROM changes c
WHERE c.seq > :since AND c.kind = 'Twin.Delete' AND c.subject > :first
    AND NOT EXISTS (SELECT 1 FROM twins t WHERE t.id = c.subject)
ORDER BY 1 LIMIT :limit
""",
    "relationship": """
SELECT source, id FROM (
    SELECT DISTINCT data ->> '$."$sourceId"' AS source, data ->> '$."$relationshipId"' AS id
    FROM changes WHERE seq > :since AND kind = 'Relationship.Delete') c
WHERE (source, id) > (:first, :second)
    AND NOT EXISTS (SELECT 1 FROM twins t JOIN relationships r ON r.source_key = t.key
                    WHERE t.id = c.source AND r.id = c.id)
ORDER BY source, id LIMIT :limit
""",
}

_MODEL_AT = "m.change <= :at AND (m.ended_by IS NULL OR m.ended_by > :at)"
_PAST_MODELS = f"""
SELECT k.id, CAST(m.text AS BLOB)
FROM model_keys k JOIN models m ON m.key = k.key AND {_MODEL_AT}
WHERE k.id > :after AND (:since IS NULL OR k.id IN (
    SELECT subject FROM changes WHERE seq > :since AND seq <= :at AND kind = 'Model.Upload'))
ORDER BY k.id LIMIT :limit
"""
_PAST_TWINS = f"""
SELECT t.etag, CAST(json(t.doc) AS BLOB), t.id FROM twins t
WHERE t.id > :after AND t.change <= :at AND (:since IS NULL OR t.change > :since)
UNION ALL
SELECT v.etag, CAST(json({version_doc("v", "twin")}) AS BLOB), p.id
FROM past_twins p CROSS JOIN twin_versions v ON v.rowid = p.place
WHERE p.id > :after AND (:since IS NULL OR v.change > :since)
ORDER BY 3 LIMIT :limit
"""
_PAST_RELATIONSHIPS = f"""
SELECT r.etag, CAST(json(r.doc) AS BLOB), t.id, r.id
FROM twins t CROSS JOIN relationships r ON r.source_key = t.key
WHERE {{now}} AND r.change <= :at AND (:since IS NULL OR r.change > :since)
UNION ALL
SELECT v.etag, CAST(json({version_doc("v", "relationship")}) AS BLOB), p.source, p.id
FROM past_relationships p CROSS JOIN relationship_versions v ON v.rowid = p.place
WHERE {{past}} AND (:since IS NULL OR v.change > :since)
ORDER BY 3, 4 LIMIT :limit
"""
_PAST_OF_SOURCE = _PAST_RELATIONSHIPS.format(
    now="t.id = :source AND r.id > :after", past="p.source = :source AND p.id > :after"
)
_PAST_OF_NEXT_SOURCES = _PAST_RELATIONSHIPS.format(now="t.id > :source", past="p.source > :source")
_PAST_DELETED: dict[DeletedKind, str] = {
    "model": f"""
SELECT DISTINCT c.subject FROM changes c
WHERE c.seq > :since AND c.seq <= :at AND c.kind = 'Model.Delete' AND c.subject > :first
    AND NOT EXISTS (SELECT 1 FROM model_keys k JOIN models m ON m.key = k.key
                    WHERE k.id = c.subject AND {_MODEL_AT})
ORDER BY 1 LIMIT :limit
""",
    "twin": """
SELECT DISTINCT c.subject FROM changes c
WHERE c.seq > :since AND c.seq <= :at AND c.kind = 'Twin.Delete' AND c.subject > :first
    AND NOT EXISTS (SELECT 1 FROM twins t WHERE t.id = c.subject AND t.change <= :at)
    AND NOT EXISTS (SELECT 1 FROM past_twins p WHERE p.id = c.subject)
ORDER BY 1 LIMIT :limit
""",
    "relationship": """
SELECT source, id FROM (
    SELECT DISTINCT data ->> '$."$sourceId"' AS source, data ->> '$."$relationshipId"' AS id
    FROM changes WHERE seq > :since AND seq <= :at AND kind = 'Relationship.Delete') c
WHERE (source, id) > (:first, :second)
    AND NOT EXISTS (SELECT 1 FROM twins t JOIN relationships r ON r.source_key = t.key
                    WHERE t.id = c.source AND r.id = c.id AND r.change <= :at)
    AND NOT EXISTS (SELECT 1 FROM past_relationships p WHERE p.source = c.source AND p.id = c.id)
ORDER BY source, id LIMIT :limit
""",
}

PRESENT = SnapshotTexts(_MODELS, _TWINS, _OF_SOURCE, _OF_NEXT_SOURCES, _DELETED)
PAST = SnapshotTexts(
    _PAST_MODELS, _PAST_TWINS, _PAST_OF_SOURCE, _PAST_OF_NEXT_SOURCES, _PAST_DELETED
)
"""Over the tables `past_twins` and `past_relationships`, which name the versions of the state."""
