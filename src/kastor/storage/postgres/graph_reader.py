"""A graph's schema read as tables; see `kastor.storage.transfer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kastor.storage.history import Kind
from kastor.storage.postgres.connections import Connection
from kastor.storage.postgres.documents import PACKED_BYTES, from_jsonb, version_doc
from kastor.storage.postgres.past import KINDS
from kastor.storage.postgres.statements import Qualified
from kastor.storage.postgres.vector_table import PACKED
from kastor.storage.tables import Table
from kastor.storage.transfer import Active, Identification, Identity, Row

_VERSIONS: dict[str, Kind] = {f"{kind}_versions": kind for kind in KINDS}
TEXT_KEYS = frozenset({"kind", "id", "name", "index_name"})
"""Columns of identities that are texts; the others are whole numbers."""
_IDENTIFICATION = """
SELECT host_name, signing_key, model_epoch,
       coalesce((SELECT placed FROM {graph}.instants ORDER BY pos DESC LIMIT 1), last_tick),
       position, least(history_from, position), history
FROM {graph}.meta, {graph}.log_head
"""
"""The time of the newest change is where it is placed: whatever comes later is behind it. Of a
graph that keeps nothing the newest state is the oldest, wherever it is brought."""
DROP_ORIGIN = """
DELETE FROM {graph}.origins o USING {graph}.instants i
WHERE i.pos = $1 AND i.time = o.time AND i.xid = o.xid
"""
"""Of the entry of a position."""
_ACTIVE = """
SELECT (SELECT count(*) FROM {graph}.routes WHERE NOT paused),
       (SELECT count(*) FROM {graph}.inputs WHERE NOT paused)
"""


class PostgresGraphReader:
    """Implements `GraphReader` over one connection."""

    def __init__(self, connection: Connection, texts: Qualified) -> None:
        self._connection = connection
        self._texts = texts

    async def count(self, table: Table) -> int:
        """Return the number of rows."""
        return int((await self.fetch(f"SELECT count(*) FROM {self._source(table)}"))[0][0])

    async def revisions(
        self, table: Table, after: Identity | None, limit: int
    ) -> list[tuple[Identity, Row]]:
        """Return (identity, revision) pairs after `after`."""
        identity = [column_of(table, name) for name in table.identity]
        columns = ", ".join([*identity, *table.revision])
        order, where, values = ", ".join(identity), "", list(after or ())
        if after is not None:
            marks = ", ".join(f"${n}" for n in range(1, len(after) + 1))
            where = f"WHERE ({order}) > ({marks})"
        text = f"SELECT {columns} FROM {self._source(table)} {where} ORDER BY {order}"
        rows = await self.fetch(f"{text} LIMIT {int(limit)}", *values)
        width = len(table.identity)
        return [(tuple(row)[:width], tuple(row)[width:]) for row in rows]

    async def rows(self, table: Table, identities: Sequence[Identity]) -> list[Row]:
        """Return whole rows, documents as text."""
        columns = [
            f"c.{name}::text" if name == table.document else f"c.{column_of(table, name)}"
            for name in table.columns
        ]
        rows = await self._of(table, identities, ", ".join(columns), "JOIN")
        place = table.columns.index(table.document) if table.document else None
        return [_out(tuple(row), place) for row in rows]

    async def sizes(self, table: Table, identities: Sequence[Identity]) -> list[int]:
        """Return the bytes of the rows' `bulk`."""
        size = f"octet_length(c.{table.bulk})"
        if table.name in _VERSIONS:
            size = "c.size"
        elif table.document is not None:  # what stands there uncompressed is not written out
            size = (
                f"CASE WHEN pg_column_compression(c.{table.bulk}) IS NULL"
                f" THEN pg_column_size(c.{table.bulk}) ELSE octet_length(c.{table.bulk}::text) END"
            )
        rows = await self._of(table, identities, f"coalesce({size}, 0)", "LEFT JOIN")
        return [size for (size,) in rows]

    def _source(self, table: Table) -> str:
        """Return what a table is read from, called `c`."""
        return from_clause(table)

    async def _of(
        self, table: Table, identities: Sequence[Identity], columns: str, join: str
    ) -> list[Any]:
        wanted = ", ".join(
            f"${n}::text[]{'' if name in TEXT_KEYS else '::bigint[]'}"
            for n, name in enumerate(table.identity, 1)
        )
        names = ", ".join(table.identity)
        same = " AND ".join(f"c.{column_of(table, name)} = w.{name}" for name in table.identity)
        text = f"SELECT {columns} FROM unnest({wanted}) WITH ORDINALITY AS w"
        text += f" ({names}, nth) {join} {self._source(table)} ON {same} ORDER BY w.nth"
        values = [[str(each) for each in column] for column in zip(*identities, strict=True)]
        return await self.fetch(text, *values)

    async def identification(self) -> Identification:
        """Return host name, key, epoch and time."""
        return Identification(*(await self.fetch(_IDENTIFICATION))[0])

    async def active(self) -> Active:
        """Return how many routes and inputs are not paused."""
        return Active(*(await self.fetch(_ACTIVE))[0])

    async def fetch(self, text: str, *values: object) -> list[Any]:
        """Run a statement; `{graph}` in it stands for the schema."""
        rows: list[Any] = await self._connection.fetch(self._texts[text], *values)
        return rows


def from_clause(table: Table, unplaced: str | None = None) -> str:
    """Return a table as a statement reads it, called `c`.

    Positions stand in place of transactions, and documents are whole.

    Args:
        table: which one.
        unplaced: a query of (pos, time, xid, kind, twin_key, subject) of entries that changed
            something and are yet to get these positions. Without it what has no position comes
            with the next pass.
    """
    if table.name == "changes":
        return "(SELECT * FROM {graph}.changes WHERE pos IS NOT NULL) c"
    if table.name == "instants":
        return f"({_instants(unplaced)}) c"
    if table.name == "origins":
        return f"({_origins(unplaced)}) c"
    if table.name == "setbacks":
        return "(SELECT pos AS change, time FROM {graph}.setbacks) c"
    if table.name == "telemetry":
        return f"(SELECT {_names(table, 'pos')} FROM {{graph}}.telemetry WHERE pos IS NOT NULL) c"
    if table.name == "vectors":
        packed = PACKED.replace("VECTOR", "o.vector")
        return f"""(SELECT o.index_name, o.twin_key, o.version, {packed} AS vector
                    FROM {{graph}}.vectors o) c"""
    if "change" in table.columns:
        return f"({_positioned(table, unplaced)}) c"
    return f"{{graph}}.{table.name} c"


def column_of(table: Table, name: str) -> str:
    """Return what a column is called in `from_clause`."""
    return "pos" if (table.name, name) == ("changes", "seq") else name


def stored_column(table: Table, name: str) -> str:
    """Return what a column is called in the table itself."""
    if (table.name, name) == ("changes", "seq"):
        return "pos"
    return "pos" if name == "change" and table.identity == ("change",) else name


def _names(table: Table, change: str) -> str:
    return ", ".join(f"{change} AS change" if n == "change" else n for n in table.columns)


def _instants(unplaced: str | None) -> str:
    """The query of instants, without that of a beginning that no entry tells of (time 0)."""
    return " UNION ALL ".join(
        f"""
    SELECT {pos} AS change, {placed} AS time, nullif(time, {placed}) AS written,
           CASE WHEN subject IS NOT NULL AND kind <> '' THEN kind END AS kind,
           CASE WHEN subject IS NOT NULL THEN twin_key END AS twin_key, subject
    FROM {source}"""
        for pos, placed, source in (
            ("pos", "placed", "{graph}.instants WHERE time <> 0"),
            (
                "min(pos)",
                "greatest(time, (SELECT placed FROM {graph}.log_head))",
                f"({unplaced}) u GROUP BY time, xid, kind, twin_key, subject",
            ),
        )[: 1 if unplaced is None else 2]
    )


def _origins(unplaced: str | None) -> str:
    """The query of origins whose positions are known; others' states are not."""
    position = _position("i.pos", "o.time", "o.xid", unplaced)
    return f"""
    SELECT * FROM (
        SELECT {position} AS change, o.time, o.via FROM {{graph}}.origins o
        LEFT JOIN {{graph}}.instants i ON i.time = o.time AND i.xid = o.xid
    ) o WHERE change > 0"""


def _positioned(table: Table, unplaced: str | None) -> str:
    """The query of rows with positions; one LEFT JOIN for each, which plans can do as a whole."""
    ends = "ended_by" in table.columns
    columns = {name: f"o.{name}" for name in table.columns}
    columns["change"] = _position("b.pos", "o.valid_from", "o.change", unplaced)
    if ends:
        columns["ended_by"] = _position("e.pos", "o.valid_to", "o.ended_by", unplaced)
    kind = _VERSIONS.get(table.name)
    if kind is not None:
        doc = columns["doc"] = version_doc("o", kind)
        columns["size"] = (
            f"CASE WHEN o.bytes <> {PACKED_BYTES} THEN o.bytes ELSE octet_length(({doc})::text) END"
        )
    text = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    joined = """
    LEFT JOIN {graph}.instants b ON b.time = o.valid_from AND b.xid = o.change"""
    if ends:
        joined += """
    LEFT JOIN {graph}.instants e ON e.time = o.valid_to AND e.xid = o.ended_by"""
    return f"SELECT {text} FROM {{graph}}.{table.name} o{joined}"


def _position(found: str, time: str, xid: str, unplaced: str | None) -> str:
    otherwise = "0"
    if unplaced is not None:
        otherwise = (
            f"coalesce((SELECT min(u.pos) FROM ({unplaced}) u"
            f" WHERE u.time = {time} AND u.xid = {xid}), 0)"
        )
    return (
        f"coalesce({found}, CASE WHEN {xid} <= 0 THEN -{xid}"
        f" WHEN {xid} IS NOT NULL THEN {otherwise} END)"
    )


def _out(row: Row, document: int | None) -> Row:
    if document is None:
        return row
    return (*row[:document], from_jsonb(row[document]).decode(), *row[document + 1 :])
