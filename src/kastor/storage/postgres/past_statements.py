"""Statements over states of the past, by name; `$1` and `$2` are `AsOf.change` and `.newest`.

All begin with `history_from`, so that what is no longer kept is noticed in the same snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.storage.postgres.documents import PACKED_BYTES, version_doc
from kastor.storage.postgres.past import KINDS, held, position_of, state

if TYPE_CHECKING:
    from kastor.storage.history import Kind

_STATE = state("$1", "$2")


def twin_key(twin_id: str) -> str:
    """The query of the key of a twin that is there or is deleted."""
    return (
        f"SELECT key FROM {{graph}}.twins WHERE id = {twin_id} UNION ALL"
        f" SELECT key FROM {{graph}}.tombstones WHERE kind = 'twin' AND id = {twin_id} LIMIT 1"
    )


def relationship_key(source_key: str, relationship_id: str) -> str:
    """The query of the key of a relationship, as `twin_key`."""
    return (
        "SELECT key FROM {graph}.relationships"
        f" WHERE source_key = {source_key} AND id = {relationship_id} UNION ALL"
        " SELECT key FROM {graph}.tombstones WHERE kind = 'relationship'"
        f" AND id = {source_key}::text || '/' || {relationship_id} LIMIT 1"
    )


def _there(twin_id: str) -> str:
    return f"""LEFT JOIN LATERAL (
    {held("twin", f"o.key = ({twin_key(twin_id)})", "$2", doc=False)}) t ON true"""


_RELATIONSHIP = """r.key, r.source_key, r.id, n.name, r.target_key, r.etag, r.version,
       r.doc::text"""

TWIN = f"""
WITH {_STATE}
SELECT m.history_from, t.key, t.id, t.model_key, t.etag, t.version, t.doc::text
FROM {{graph}}.meta m LEFT JOIN LATERAL (
    {held("twin", f"o.key = ({twin_key('$3')})", "$2")}) t ON true
"""
RELATIONSHIP = f"""
WITH {_STATE}
SELECT m.history_from, t.key, {_RELATIONSHIP}
FROM {{graph}}.meta m {_there("$3")}
LEFT JOIN LATERAL (
    {held("relationship", f"o.key = ({relationship_key('t.key', '$4')})", "$2")}) r ON true
LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
"""
OUTGOING = f"""
WITH {_STATE}
SELECT m.history_from, t.key, {_RELATIONSHIP}, r.ahead
FROM {{graph}}.meta m {_there("$3")}
LEFT JOIN LATERAL (
    SELECT * FROM (
        SELECT *, count(*) OVER () AS ahead, sum(size) OVER (ORDER BY id) - size AS before FROM (
            SELECT *, octet_length(doc::text) AS size FROM (
                SELECT * FROM (
                    {held("relationship", "o.source_key = t.key AND o.id > $4", "$2")}) o
                WHERE $7::text IS NULL OR name_key = (
                    SELECT key FROM {{graph}}.relationship_names WHERE name = $7::text)
                ORDER BY id LIMIT $5
            ) c
        ) c
    ) c WHERE before < $6
) r ON true
LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
ORDER BY r.id
"""


def _entering() -> str:
    place = "o.target_key = t.key AND (o.name_key, o.source_key, o.key) > ($4, $5, $6)"
    return held("relationship", place, "$2", doc=False)


INCOMING = f"""
WITH {_STATE}
SELECT m.history_from, t.key, r.key, r.id,
       (SELECT id FROM {{graph}}.twins WHERE key = r.source_key UNION ALL (
            SELECT id FROM {{graph}}.twin_versions WHERE key = r.source_key LIMIT 1) LIMIT 1),
       n.name, r.name_key, r.source_key
FROM {{graph}}.meta m {_there("$3")}
LEFT JOIN LATERAL (
    SELECT * FROM ({_entering()}) o ORDER BY name_key, source_key, key LIMIT $7) r ON true
LEFT JOIN {{graph}}.relationship_names n ON n.key = r.name_key
ORDER BY r.name_key, r.source_key, r.key
"""
DEGREES = f"""
WITH {_STATE}
SELECT m.history_from, t.key, t.id, o.n, i.n
FROM {{graph}}.meta m
LEFT JOIN unnest($3::text[]) u (id) ON true
{_there("u.id")}
LEFT JOIN LATERAL (SELECT count(*) AS n FROM (
    SELECT 1 FROM ({held("relationship", "o.source_key = t.key", "$2", doc=False)}) o LIMIT $4) o
) o ON true
LEFT JOIN LATERAL (SELECT count(*) AS n FROM (
    SELECT 1 FROM ({held("relationship", "o.target_key = t.key", "$2", doc=False)}) o LIMIT $4) o
) i ON true
"""

# Of one twin or relationship: all its versions. Those of one key and their positions rise together.

KEY: dict[Kind, str] = {
    "twin": twin_key("$1"),
    "relationship": relationship_key(f"({twin_key('$1')})", "$2"),
}


def _last_begun(kind: Kind, position: str) -> str:
    """The number of the last version of $1 that began up to a position, found by halving."""
    table = f"{{graph}}.{kind}_versions"
    middle = "(b.low + b.high) / 2"
    return f"""
    WITH RECURSIVE b (low, high, found) AS (
        SELECT (SELECT min(version) FROM {table} WHERE key = $1),
               (SELECT max(version) FROM {table} WHERE key = $1), 0::bigint
        UNION ALL
        SELECT CASE WHEN p.pos <= {position} THEN p.version + 1 ELSE b.low END,
               CASE WHEN p.pos <= {position} THEN b.high ELSE {middle} - 1 END,
               CASE WHEN p.pos <= {position} THEN p.version ELSE b.found END
        FROM b, LATERAL (
            SELECT version, coalesce({position_of("v.valid_from", "v.change")}, {2**62}) AS pos
            FROM {table} v WHERE v.key = $1 AND v.version >= {middle} ORDER BY v.version LIMIT 1) p
        WHERE b.low <= b.high
    ) SELECT max(found) FROM b"""


def _timeline(kind: Kind, versions: str, now: str) -> str:
    """The query of versions, and whether a deletion came behind: one that has no row itself."""
    following = "key = o.key AND version = o.version + 1"
    again = "key = o.key AND version = o.version + 2"
    names = "key, version, valid_from, change, actor, etag"
    via = "(SELECT via FROM {{graph}}.origins WHERE time = {} AND xid = {})"
    return f"""
    SELECT o.version, {position_of("o.valid_from", "o.change")} AS pos, o.valid_from, o.valid_to,
           o.actor, o.etag, o.doc,
           CASE WHEN o.deletes THEN {position_of("o.valid_to", "o.ended_by")} END AS ended_pos,
           o.ended_actor, o.deletes,
           CASE WHEN o.deletes THEN coalesce(
               (SELECT valid_from FROM {{graph}}.{kind}s WHERE {again}),
               (SELECT valid_from FROM {{graph}}.{kind}_versions WHERE {again})) END AS again,
           {via.format("o.valid_from", "o.change")} AS via,
           CASE WHEN o.deletes THEN {via.format("o.valid_to", "o.ended_by")} END AS ended_via
    FROM (
        SELECT {names}, valid_to, ended_by, ended_actor, {version_doc("o", kind)} AS doc,
               NOT EXISTS (SELECT 1 FROM {{graph}}.{kind}s WHERE {following})
               AND NOT EXISTS (SELECT 1 FROM {{graph}}.{kind}_versions WHERE {following})
               AND coalesce((SELECT i.kind = '' OR i.kind LIKE '%.Delete'
                             FROM {{graph}}.instants i
                             WHERE i.time = o.valid_to AND i.xid = o.ended_by), true) AS deletes
        FROM {{graph}}.{kind}_versions o WHERE o.key = $1 AND {versions}
        UNION ALL
        SELECT {names}, NULL, NULL, NULL, doc, false FROM {{graph}}.{kind}s o
        WHERE o.key = $1 AND {now}
    ) o"""


def _between(kind: Kind, order: str) -> str:
    chosen = _timeline(
        kind,
        f"o.version BETWEEN coalesce(({_last_begun(kind, '$2::bigint')}), 0)"
        f" AND coalesce(({_last_begun(kind, '$3::bigint')}), 0)",
        f"o.version >= coalesce(({_last_begun(kind, '$2::bigint')}), 0)",
    )
    return f"""
SELECT version, pos, valid_from, valid_to, actor, etag, text, ended_pos, ended_actor, deletes,
       again, via, ended_via
FROM (
    SELECT *, sum(octet_length(text)) OVER (ORDER BY version {order}) - octet_length(text) AS before
    FROM (SELECT *, doc::text AS text FROM (
        SELECT * FROM ({chosen}) o WHERE coalesce(pos <= $3::bigint, true)
        ORDER BY version {order} LIMIT $4) o) o
) o WHERE before < $5 ORDER BY version {order}
"""


ASCENDING = {kind: _between(kind, "ASC") for kind in KINDS}
DESCENDING = {kind: _between(kind, "DESC") for kind in KINDS}
NEAREST = {
    kind: "SELECT version, pos, valid_from, valid_to, actor, etag, doc::text, ended_pos,"
    " ended_actor, deletes, again, via, ended_via FROM ("
    + _timeline(kind, "o.version <= $2::bigint", "o.version <= $2::bigint")
    + ") o ORDER BY version DESC LIMIT 1"
    for kind in KINDS
}

# Differences of two states; $1 and $2 are of the older one, $3 and $4 of the newer one.

_SOURCE_ID = """coalesce((SELECT id FROM {graph}.twins WHERE key = o.source_key),
            (SELECT id FROM {graph}.twin_versions WHERE key = o.source_key LIMIT 1))"""
CANDIDATES: dict[Kind, str] = {
    "twin": f"""
WITH {_STATE}
SELECT key, id, NULL FROM (
    SELECT key, id FROM {{graph}}.twin_versions
    WHERE valid_to > (SELECT settled FROM beyond_edge) AND valid_to <= $4::bigint
    UNION
    SELECT i.twin_key, coalesce(
        (SELECT id FROM {{graph}}.twins WHERE key = i.twin_key),
        (SELECT id FROM {{graph}}.twin_versions WHERE key = i.twin_key LIMIT 1))
    FROM {{graph}}.instants i
    WHERE i.pos > $1 AND i.pos <= $3::bigint AND i.kind = 'Twin.Create'
) o WHERE id > $5::text ORDER BY id LIMIT $6
""",
    "relationship": f"""
WITH {_STATE}
SELECT key, source, id FROM (
    SELECT key, id, {_SOURCE_ID} AS source FROM (
        SELECT key, source_key, id FROM {{graph}}.relationship_versions
        WHERE valid_to > (SELECT settled FROM beyond_edge) AND valid_to <= $4::bigint
        UNION
        SELECT r.key, r.source_key, r.id
        FROM (SELECT DISTINCT twin_key FROM {{graph}}.instants
              WHERE pos > $1 AND pos <= $3::bigint AND kind = 'Relationship.Create') i,
        LATERAL (
            SELECT key, source_key, id FROM {{graph}}.relationships WHERE source_key = i.twin_key
            UNION ALL
            SELECT key, source_key, id FROM {{graph}}.relationship_versions
            WHERE source_key = i.twin_key AND valid_to > (SELECT settled FROM beyond_edge)) r
    ) o
) o WHERE (source, id) > ($5::text, $7::text) ORDER BY source, id LIMIT $6
""",
}
"""Keys of what may differ, in order of identity."""
DIFFERENCES: dict[Kind, str] = {
    kind: f"""
WITH {_STATE}, {state("$3", "$4", "later")}
SELECT m.history_from, u.nth::integer, a.doc, b.doc
FROM {{graph}}.meta m, unnest($5::text[]::bigint[]) WITH ORDINALITY u (key, nth)
LEFT JOIN LATERAL (SELECT doc::text FROM ({held(kind, "o.key = u.key", "$2")}) o) a ON true
LEFT JOIN LATERAL (SELECT doc::text FROM ({held(kind, "o.key = u.key", "$4", "later")}) o) b ON true
WHERE a.doc IS DISTINCT FROM b.doc ORDER BY u.nth
"""
    for kind in KINDS
}

# Models.

_BEGAN = """o.valid_from <= $2 AND (o.valid_from, o.change) NOT IN (
           SELECT time, xid FROM beyond)"""
MODELS = f"""
WITH {_STATE}
SELECT m.history_from, m.model_epoch, o.key, o.seq, o.valid_to IS NULL,
       coalesce({_BEGAN} AND (
           o.valid_to IS NULL OR o.valid_to > $2
           OR (o.valid_to, o.ended_by) IN (SELECT time, xid FROM beyond)), false),
       coalesce({_BEGAN}, false)
FROM {{graph}}.meta m LEFT JOIN {{graph}}.models o ON true ORDER BY o.uploaded, o.key
"""
MODEL_TEXTS = """
SELECT m.key, k.id, m.text, m.uploaded, m.decommissioned IS NOT NULL
FROM unnest($1::text[]::bigint[], $2::text[]::integer[]) WITH ORDINALITY u (key, seq, nth)
JOIN {graph}.models m ON m.key = u.key AND m.seq = u.seq
JOIN {graph}.model_keys k ON k.key = m.key ORDER BY u.nth
"""
MODEL_KEYS = """
SELECT key, id FROM {graph}.model_keys WHERE key <> ALL($1::text[]::bigint[]) ORDER BY key
"""

# What is kept.

FLOOR = """
SELECT m.history_from, i.placed FROM {graph}.meta m LEFT JOIN LATERAL (
    SELECT placed FROM {graph}.instants WHERE pos <= m.history_from ORDER BY pos DESC LIMIT 1
) i ON true
"""
"""The oldest state, and when it came to be."""
STATUS = """
SELECT (SELECT count(*) FROM {graph}.twin_versions)
       + (SELECT count(*) FROM {graph}.relationship_versions),
       (SELECT coalesce(sum(last - first + 1), 0) FROM {graph}.version_blocks)::bigint,
       ((SELECT coalesce(sum(bytes) FILTER (WHERE bytes <> PACKED), 0) FROM {graph}.twin_versions)
        + (SELECT coalesce(sum(bytes) FILTER (WHERE bytes <> PACKED), 0)
           FROM {graph}.relationship_versions))::bigint,
       (SELECT coalesce(sum(bytes), 0) FROM {graph}.version_blocks)::bigint,
       (SELECT count(*) FROM {graph}.telemetry),
       (SELECT coalesce(sum(octet_length(data)), 0) FROM {graph}.telemetry)::bigint
"""
STATUS = STATUS.replace("PACKED", str(PACKED_BYTES))
SETTINGS = "SELECT history FROM {graph}.meta"
_TELEMETRY = """
SELECT pos, time, source_time, component, data FROM (
    SELECT *, sum(octet_length(data)) OVER (ORDER BY pos) - octet_length(data) AS before FROM (
        SELECT * FROM {graph}.telemetry
        WHERE twin_key = $1 AND pos > $2 AND component IS NOT DISTINCT FROM $3::text
              AND TIME >= $4::bigint AND TIME < $5::bigint ORDER BY pos LIMIT $6) t
) t WHERE before < $7 ORDER BY pos
"""
TELEMETRY = _TELEMETRY.replace("TIME", "time")
TELEMETRY_BY_SOURCE = _TELEMETRY.replace("TIME", "coalesce(source_time, time)")
