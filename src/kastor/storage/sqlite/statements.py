"""Every fixed statement of the engine, by name.

Documents leave as bytes (`CAST ... AS BLOB`), so that no text is decoded on its way to a
socket, and enter as text through `jsonb(?)`.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from kastor.storage.history import Kind
from kastor.storage.keeping import LOG_ROW_OVERHEAD, TELEMETRY_ROW_OVERHEAD, VERSION_ROW_OVERHEAD


def as_list(values: Iterable[str]) -> str:
    """Return texts as a parameter for `json_each`."""
    return orjson.dumps(sorted(str(each) for each in values)).decode()


TWIN = """
SELECT key, id, model_key, etag, version, CAST(json(doc) AS BLOB) FROM twins WHERE id = ?
"""

LOAD_TWIN = """
SELECT key, id, model_key, etag, version, CAST(json(doc) AS BLOB), length(doc)
FROM twins WHERE id = ?
"""
"""For who may supersede it: its size comes along for less than `RETURNING` takes, 3 us."""

LOAD_END = "SELECT key, id, model_key, etag, version, x'' FROM twins WHERE id = ?"
"""For who relates it: what it holds is not asked for, and takes 5 us."""

TWIN_KEY = "SELECT key FROM twins WHERE id = ?"

LOAD_RELATIONSHIP = """
SELECT r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       CAST(json(r.doc) AS BLOB), length(r.doc)
FROM relationships r JOIN relationship_names n ON n.key = r.name_key
WHERE r.source_key = ? AND r.id = ?
"""

LOAD_RELATIONSHIP_ROW = """
SELECT key, source_key, id, name_key, target_key, etag, version, CAST(json(doc) AS BLOB),
       length(doc)
FROM relationships WHERE source_key = ? AND id = ?
"""
"""Without the name, which the writer knows: to join it takes 8 us, found or not."""

NAME = "SELECT name FROM relationship_names WHERE key = ?"

RELATIONSHIP_OF = """
SELECT t.key, r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       CAST(json(r.doc) AS BLOB)
FROM twins t
LEFT JOIN relationships r ON r.source_key = t.key AND r.id = ?
LEFT JOIN relationship_names n ON n.key = r.name_key
WHERE t.id = ?
"""

OUTGOING = """
SELECT r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       CAST(json(r.doc) AS BLOB)
FROM relationships r JOIN relationship_names n ON n.key = r.name_key
WHERE r.source_key = ? AND r.id > ?
ORDER BY r.id LIMIT ?
"""

OUTGOING_NAMED = """
SELECT r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       CAST(json(r.doc) AS BLOB)
FROM relationships r JOIN relationship_names n ON n.key = r.name_key
WHERE r.source_key = ? AND r.id > ? AND n.name = ?
ORDER BY r.id LIMIT ?
"""

INCOMING = """
SELECT r.key, r.id, s.id, n.name, r.name_key, r.source_key
FROM relationships r
JOIN relationship_names n ON n.key = r.name_key
JOIN twins s ON s.key = r.source_key
WHERE r.target_key = ? AND (r.name_key, r.source_key, r.key) > (?, ?, ?)
ORDER BY r.name_key, r.source_key, r.key LIMIT ?
"""

DEGREES = """
SELECT t.key, t.id,
       (SELECT count(*) FROM (SELECT 1 FROM relationships WHERE source_key = t.key LIMIT ?2)),
       (SELECT count(*) FROM (SELECT 1 FROM relationships WHERE target_key = t.key LIMIT ?2))
FROM twins t WHERE t.id IN (SELECT value FROM json_each(?1))
"""

HAS_RELATIONSHIPS = """
SELECT EXISTS (SELECT 1 FROM relationships WHERE source_key = ?1)
    OR EXISTS (SELECT 1 FROM relationships WHERE target_key = ?1)
"""

TWIN_TO_VERSIONS = """
INSERT INTO twin_versions
SELECT key, id, model_key, etag, version, valid_from, change, actor, doc, ?, ?, ?
FROM twins WHERE key = ?
"""

INSERT_TWIN = """
INSERT INTO twins (key, id, model_key, etag, version, valid_from, change, actor, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, jsonb(?))
"""

UPDATE_TWIN = """
UPDATE twins SET etag = ?, version = ?, valid_from = ?, change = ?, actor = ?, doc = jsonb(?)
WHERE key = ?
"""
"""Without the model: SQLite writes an index anew for each column that is set, changed or not."""

UPDATE_TWIN_AND_MODEL = """
UPDATE twins SET etag = ?, version = ?, valid_from = ?, change = ?, actor = ?, doc = jsonb(?),
                 model_key = ?
WHERE key = ?
"""

DELETE_TWIN = "DELETE FROM twins WHERE key = ?"

RELATIONSHIP_TO_VERSIONS = """
INSERT INTO relationship_versions
SELECT key, source_key, id, name_key, target_key, etag, version, valid_from, change, actor, doc,
       ?, ?, ?
FROM relationships WHERE key = ?
"""

INSERT_RELATIONSHIP = """
INSERT INTO relationships (key, source_key, id, name_key, target_key, etag, version, valid_from,
                           change, actor, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, jsonb(?))
"""

UPDATE_RELATIONSHIP = """
UPDATE relationships SET name_key = ?, target_key = ?, etag = ?, version = ?, valid_from = ?,
                         change = ?, actor = ?, doc = jsonb(?)
WHERE key = ?
"""

DELETE_RELATIONSHIP = "DELETE FROM relationships WHERE key = ?"

TOMBSTONE = "SELECT key, last_version FROM tombstones WHERE kind = ? AND id = ?"
HAS_TOMBSTONES = "SELECT EXISTS (SELECT 1 FROM tombstones)"
BURY = "INSERT INTO tombstones (kind, id, key, last_version, deleted_at) VALUES (?, ?, ?, ?, ?)"
UNBURY = "DELETE FROM tombstones WHERE kind = ? AND id = ?"

NAME_KEY = "SELECT key FROM relationship_names WHERE name = ?"
INSERT_NAME = "INSERT INTO relationship_names (name) VALUES (?) RETURNING key"

LOG = """
INSERT INTO changes (seq, bucket, subject, twin_key, version, kind, notify, event_id, time, actor,
                     traceparent, model_id, component, content_type, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

KEEP_TELEMETRY = "INSERT INTO telemetry VALUES (?, ?, ?, ?, ?, ?)"

DROP_VERSIONS: dict[Kind, str] = {
    "twin": "DELETE FROM twin_versions WHERE key = ? AND ended_by <= ? RETURNING length(doc)",
    "relationship": """
DELETE FROM relationship_versions WHERE key = ? AND ended_by <= ? RETURNING length(doc)
""",
}
DROP_BLOCKS = """
DELETE FROM version_blocks WHERE kind = ? AND key = ? AND ended_by <= ? RETURNING length(docs)
"""

LAST_SEQ = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0)"

META = """
SELECT model_epoch, last_tick, version_bytes, log_bytes, telemetry_bytes, history_from, packed_to,
       twins_more, twins_other, relationships_more, relationships_other,
       history, host_name, signing_key
FROM meta
"""

SAVE_META = """
UPDATE meta SET model_epoch = ?, last_tick = ?, version_bytes = ?, log_bytes = ?,
                telemetry_bytes = ?, history_from = ?, packed_to = ?,
                twins_more = ?, twins_other = ?, relationships_more = ?, relationships_other = ?
"""

COUNT_SIZES = f"""
UPDATE meta SET
    version_bytes =
        (SELECT coalesce(sum(length(doc) + {VERSION_ROW_OVERHEAD}), 0) FROM twin_versions)
      + (SELECT coalesce(sum(length(doc) + {VERSION_ROW_OVERHEAD}), 0) FROM relationship_versions)
      + (SELECT coalesce(sum(length(docs)), 0) FROM version_blocks),
    log_bytes = (SELECT coalesce(sum(length(data) + {LOG_ROW_OVERHEAD}), 0) FROM changes),
    telemetry_bytes =
        (SELECT coalesce(sum(length(data) + {TELEMETRY_ROW_OVERHEAD}), 0) FROM telemetry)
"""
"""For a graph whose tables were filled from elsewhere."""

MODEL_KEYS = "SELECT key, id FROM model_keys"

STORED_MODELS = """
SELECT m.key, k.id, CAST(m.text AS BLOB), m.uploaded, m.decommissioned IS NOT NULL
FROM models m JOIN model_keys k ON k.key = m.key
WHERE m.valid_to IS NULL ORDER BY m.uploaded, m.key
"""

MODEL_KEY = "SELECT key FROM model_keys WHERE id = ?"
INSERT_MODEL_KEY = "INSERT INTO model_keys (id) VALUES (?) RETURNING key"

INSERT_MODEL = """
INSERT INTO models (key, seq, text, uploaded, decommissioned, valid_from, valid_to, change)
VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM models WHERE key = ?1), ?2, ?3, NULL, ?3, NULL,
        ?4)
"""

COMMISSION_MODEL = """
INSERT INTO models (key, seq, text, uploaded, decommissioned, valid_from, valid_to, change)
SELECT key, seq + 1, text, uploaded, ?2, ?3, NULL, ?4 FROM models
WHERE key = ?1 AND ended_by = ?4 AND seq = (SELECT max(seq) FROM models WHERE key = ?1)
"""
"""After its row was ended; what was not stored stays away."""
END_MODEL = "UPDATE models SET valid_to = ?, ended_by = ? WHERE key = ? AND valid_to IS NULL"

NOTE_SETBACK = "INSERT OR REPLACE INTO setbacks VALUES (?, ?)"

NOTE_PROGRESS = "UPDATE jobs SET progress = ?, starts = 0 WHERE kind = ? AND id = ? RETURNING 1"
ADD_JOB_LINE = """
INSERT INTO job_lines (kind, id, n, line)
VALUES (?1, ?2, (SELECT coalesce(max(n), 0) + 1 FROM job_lines WHERE kind = ?1 AND id = ?2), ?3)
"""
KEEP_ANSWER = """
INSERT INTO kept_answers (id, digest, answer, done, created) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET answer = excluded.answer, done = excluded.done
WHERE digest = excluded.digest AND NOT done AND octet_length(answer) = ?
RETURNING 1
"""

NOTE_ORIGINS = """
INSERT INTO origins (change, time, via)
SELECT seq, time, ?1 FROM changes WHERE seq > ?2 AND kind <> 'Telemetry'
"""
USE_PROPOSAL = """
UPDATE proposals SET answer = ?1, applied = ?2
WHERE id = ?3 AND caller = ?4 AND applied IS NULL AND expires > ?2
      AND (NOT needs_approval OR approver IS NOT NULL)
RETURNING 1
"""

STATUS = """
SELECT (SELECT count(*) FROM twins), (SELECT count(*) FROM relationships),
       (SELECT count(*) FROM models WHERE valid_to IS NULL),
       (SELECT count(*) FROM twin_versions) + (SELECT count(*) FROM relationship_versions),
       (SELECT count(*) FROM changes),
       (SELECT version_bytes FROM meta), (SELECT log_bytes FROM meta),
       (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),
       (SELECT min(oldest) FROM (
            SELECT (SELECT valid_to FROM twin_versions ORDER BY ended_by LIMIT 1) AS oldest
            UNION ALL SELECT (SELECT valid_to FROM relationship_versions ORDER BY ended_by LIMIT 1)
        )),
       (SELECT min(time) FROM changes)
"""

TWIN_IDS = "SELECT key, id FROM twins WHERE key > ? ORDER BY key LIMIT ?"
RELATIONSHIP_IDS = """
SELECT r.key, t.id, r.id FROM relationships r JOIN twins t ON t.key = r.source_key
WHERE r.key > ? ORDER BY r.key LIMIT ?
"""

ESCAPED_SLASHES = """
SELECT id, count(*) OVER () FROM (SELECT id FROM twins UNION ALL SELECT id FROM relationships)
WHERE instr(lower(id), '%2f') ORDER BY id LIMIT ?
"""

RESET = (
    # First, so that no trigger looks for what else leads to a twin, once for each relationship.
    "DELETE FROM part_twins",
    "DELETE FROM relationships",
    "DELETE FROM relationship_versions",
    "DELETE FROM relationship_names",
    "DELETE FROM twins",
    "DELETE FROM twin_versions",
    "DELETE FROM tombstones",
    "DELETE FROM parts_left",
    "DELETE FROM models",
    "DELETE FROM model_keys",
    "DELETE FROM changes",
    "DELETE FROM instants",
    "DELETE FROM origins",
    "DELETE FROM setbacks",
    "DELETE FROM version_blocks",
    "DELETE FROM telemetry",
    "DELETE FROM routes",
    "DELETE FROM dead_letters",
    # Jobs would go on with what is gone, and answers tell of it; who works on one finds no row.
    "DELETE FROM jobs",
    "DELETE FROM job_lines",
    "DELETE FROM kept_answers",
    "DELETE FROM proposals",
    # Who follows the log sees that something is gone.
    "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'changes'",
    """
    UPDATE meta SET history_from =
        (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'changes')
    """,
)
BEGIN_AGAIN = "INSERT INTO instants (change, time) VALUES (?, ?)"
"""The past begins here."""
