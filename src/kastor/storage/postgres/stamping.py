"""Gives entries of the change log their positions, and says which instant each of them is.

A position is given once an entry is committed, by whoever reads first; with it goes a row of
`instants`, by which a time leads to a state. Entries that come later are placed later, also those
of a transaction that began before: so a time that was asked for once leads to the same state for
good. Only where the clock was set back does `placed` begin anew, with a row of `setbacks`. What
tells it from a late commit is that the transaction began after everything that has its position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.storage.postgres.past import STEP_ROWS
from kastor.storage.ticker import LEAD

if TYPE_CHECKING:
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

GROWN = "SELECT EXISTS (SELECT 1 FROM {graph}.changes WHERE pos IS NULL)"
"""Whether anything that is committed has no position."""

_HOLD_HEAD = "SELECT position, placed, newest, xid FROM {graph}.log_head FOR UPDATE"
_STAMP = f"""
WITH fresh AS MATERIALIZED (
    SELECT seq, kind, twin_key, subject, time, xid, ordered,
           $1 + row_number() OVER (ORDER BY ordered, version, subject, seq) AS pos
    FROM (
        SELECT seq, kind, twin_key, time, xid, version, subject,
            -- Not before the version before it, where the clock was set back in between.
            CASE WHEN version IS NULL THEN time ELSE
                max(time) OVER (PARTITION BY subject, version IS NULL ORDER BY version)
            END AS ordered
        FROM (SELECT * FROM {{graph}}.changes WHERE pos IS NULL ORDER BY time LIMIT {STEP_ROWS}) c
    ) c
), back AS MATERIALIZED (
    SELECT min(time) AS time FROM fresh
    WHERE kind <> 'Telemetry' AND xid > $4::bigint AND time < $2::bigint - {LEAD}
), base AS MATERIALIZED (
    SELECT coalesce(back.time, $2::bigint) AS placed,
           coalesce((SELECT newest FROM {{graph}}.instants WHERE pos <= $1::bigint - {STEP_ROWS}
                     ORDER BY pos DESC LIMIT 1), 0) AS long_since
    FROM back
), begun AS (
    INSERT INTO {{graph}}.setbacks (pos, time)
    SELECT $1::bigint + 1, time FROM back WHERE time IS NOT NULL
), stamped AS (
    UPDATE {{graph}}.changes c SET pos = fresh.pos FROM fresh WHERE c.seq = fresh.seq
    RETURNING 1
), kept AS (
    UPDATE {{graph}}.telemetry t SET pos = fresh.pos FROM fresh
    WHERE t.seq = fresh.seq AND fresh.kind = 'Telemetry'
), noted AS (
    INSERT INTO {{graph}}.instants (pos, upto, time, xid, placed, newest, behind, late, kind,
                                    twin_key, subject)
    SELECT c.pos, c.upto, c.time, c.xid, greatest(base.placed, c.ordered),
           greatest($3::bigint, max(c.time) OVER (ORDER BY c.pos)),
           c.time <= greatest($3::bigint, max(c.time) OVER (
               ORDER BY c.pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)),
           c.time <= base.long_since,
           c.kind, c.twin_key,
           CASE WHEN c.kind IN ('Twin.Create', 'Relationship.Create') THEN c.subject END
    FROM base, (SELECT min(pos) AS pos, max(pos) AS upto, time, xid, max(ordered) AS ordered,
                       min(kind) AS kind, min(twin_key) AS twin_key, min(subject) AS subject
                FROM fresh WHERE kind <> 'Telemetry' GROUP BY time, xid) c
    ON CONFLICT (time, xid) DO UPDATE SET upto = greatest(instants.upto, excluded.upto)
)
UPDATE {{graph}}.log_head SET
    position = position + (SELECT count(*) FROM stamped),
    placed = greatest((SELECT placed FROM base),
                      (SELECT max(ordered) FROM fresh WHERE kind <> 'Telemetry')),
    newest = greatest(newest, (SELECT max(time) FROM fresh WHERE kind <> 'Telemetry')),
    xid = greatest(xid, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)
RETURNING position
"""
_CLOSE = """
UPDATE {graph}.log_head SET placed = $1::bigint + 1,
    xid = greatest(xid, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)
WHERE placed <= $1::bigint
"""


async def stamp(connection: Connection, texts: Qualified, upto: Ticks | None = None) -> None:
    """Give positions to all that is committed.

    Args:
        connection: to the server that takes writes.
        texts: of the graph.
        upto: whatever comes later is placed after this instant.
    """
    grown = True
    while grown:
        async with connection.transaction():
            head = await connection.fetchrow(texts[_HOLD_HEAD])
            now = await connection.fetchval(texts[_STAMP], *head)
            grown = now - head[0] == STEP_ROWS
            if upto is not None and not grown:
                await connection.execute(texts[_CLOSE], upto)
