"""Which rows a state of the past held, as SQL.

A state is named by a position of the change log, but rows tell the transaction and the time that
made and ended them, since positions are given later. Where clocks agree, a row belongs to a state
if its time is not after the newest one up to there (`AsOf.newest`). The exceptions are entries
that come behind the position though their time does not: those of transactions that were committed
late, of processes whose clocks are behind, and of the time after a clock was set back. They are
few, are found by indexes (`beyond`), and are told by transaction and time. They have to be found
in the snapshot that the rows are read in, since whatever is committed late adds to them.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from kastor.storage.postgres.documents import version_doc

if TYPE_CHECKING:
    from kastor.storage.history import Kind

STEP_ROWS = 1_000
"""Entries that get their positions in one statement."""
NEAR = 2 * STEP_ROWS
"""Entries that are older than some of those before them are so near to these, or flagged `late`."""

COLUMNS: dict[Kind, str] = {
    "twin": "key, id, model_key, etag, version",
    "relationship": "key, source_key, id, name_key, target_key, etag, version",
}
KINDS: tuple[Kind, ...] = ("twin", "relationship")


class Unsettled(Enum):
    """Stands among a query's parameters for what is found in its own snapshot."""

    SETTLED = "settled"
    """Up to this time rows belong to the state whoever wrote them; in ticks."""
    BEYOND = "beyond"
    """Times and transactions of the entries beyond the position, each as ``time:xid``."""
    MOVED_TWINS = "moved twins"
    """Keys of those that are gone since or have another model, and maybe of some others."""
    MOVED_RELATIONSHIPS = "moved relationships"
    """Keys of those that are gone since or have another name or end, and maybe of some others."""
    MANY_TWINS = "many twins"
    """Whether these are too many to be told."""
    MANY_RELATIONSHIPS = "many relationships"
    """The same of relationships."""


MOVED: dict[Kind, Unsettled] = {
    "twin": Unsettled.MOVED_TWINS,
    "relationship": Unsettled.MOVED_RELATIONSHIPS,
}
MANY: dict[Kind, Unsettled] = {
    "twin": Unsettled.MANY_TWINS,
    "relationship": Unsettled.MANY_RELATIONSHIPS,
}
MOST_MOVED = 2_000
"""Keys that are told."""


def beyond(change: str, newest: str, graph: str = "{graph}") -> str:
    """The query of (time, xid) of entries behind a position whose time is not after its newest."""
    return f"""
    SELECT time, xid FROM {graph}.instants
    WHERE behind AND pos > {change} AND pos <= {change} + {NEAR} AND time <= {newest}
    UNION ALL
    SELECT time, xid FROM {graph}.instants
    WHERE late AND pos > {change} + {NEAR} AND time <= {newest}
    UNION ALL
    SELECT c.time, c.xid FROM {graph}.changes c
    WHERE c.pos IS NULL AND c.time <= {newest} AND c.kind <> 'Telemetry' AND NOT EXISTS (
        SELECT 1 FROM {graph}.instants i WHERE i.time = c.time AND i.xid = c.xid)
    """


def state(change: str, newest: str, name: str = "beyond") -> str:
    """The parts of a WITH that `begun` and `lasted` need, for the marks of an `AsOf`."""
    change, newest = f"{change}::bigint", f"{newest}::bigint"
    return (
        f"{name} AS MATERIALIZED ({beyond(change, newest)}), {name}_edge AS MATERIALIZED ("
        f"SELECT least({newest}, (SELECT min(time) - 1 FROM {name})) AS settled)"
    )


def begun(row: str, newest: str, name: str = "beyond") -> str:
    """The condition that a row began up to a state."""
    return (
        f"{row}.valid_from <= {newest}::bigint"
        f" AND ({row}.valid_from, {row}.change) NOT IN (SELECT time, xid FROM {name})"
    )


def lasted(row: str, newest: str, name: str = "beyond") -> str:
    """The condition that a version had not ended by a state."""
    return (
        f"{row}.valid_to > (SELECT settled FROM {name}_edge) AND ({row}.valid_to > {newest}::bigint"
        f" OR ({row}.valid_to, {row}.ended_by) IN (SELECT time, xid FROM {name}))"
    )


def held(kind: Kind, where: str, newest: str, name: str = "beyond", *, doc: bool = True) -> str:
    """The query of the twins or relationships of a state.

    Args:
        kind: which of the two.
        where: a condition on `o`, the row of now or the version.
        newest: the mark of `AsOf.newest`.
        name: of the `state` in the WITH.
        doc: whether the documents are wanted, as jsonb.
    """
    columns = ", ".join(f"o.{column}" for column in COLUMNS[kind].split(", "))
    now, then = ", o.doc", f", {version_doc('o', kind)} AS doc"
    return f"""
    SELECT {columns}{now if doc else ""} FROM {{graph}}.{kind}s o
    WHERE {where} AND {begun("o", newest, name)}
    UNION ALL
    SELECT {columns}{then if doc else ""} FROM {{graph}}.{kind}_versions o
    WHERE {where} AND {begun("o", newest, name)} AND {lasted("o", newest, name)}
    """


def position_of(time: str, xid: str) -> str:
    """The position of an entry; 0 where it is not known any more, NULL where it has none yet."""
    return f"""coalesce(
        (SELECT i.pos FROM {{graph}}.instants i WHERE i.time = {time} AND i.xid = {xid}),
        CASE WHEN {xid} <= 0 THEN -{xid} WHEN EXISTS (
            SELECT 1 FROM {{graph}}.changes c
            WHERE c.pos IS NULL AND c.time = {time} AND c.xid = {xid}) THEN NULL ELSE 0 END)"""
