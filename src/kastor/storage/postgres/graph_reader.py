"""A graph's schema read as tables; see `kastor.storage.transfer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kastor.storage.postgres.connections import Connection
from kastor.storage.postgres.documents import from_jsonb
from kastor.storage.postgres.statements import Qualified
from kastor.storage.transfer import Active, Identification, Identity, Row, Table

TEXT_KEYS = frozenset({"kind", "id", "name"})
"""Columns of identities that are texts; the others are whole numbers."""
_IDENTIFICATION = """
SELECT host_name, signing_key, model_epoch, last_tick, position
FROM {graph}.meta, {graph}.log_head
"""
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
        return int((await self.fetch(f"SELECT count(*) FROM {from_clause(table)}"))[0][0])

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
        text = f"SELECT {columns} FROM {from_clause(table)} {where} ORDER BY {order}"
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
        if table.document is not None:  # what stands there uncompressed is not written out
            size = (
                f"CASE WHEN pg_column_compression(c.{table.bulk}) IS NULL"
                f" THEN pg_column_size(c.{table.bulk}) ELSE octet_length(c.{table.bulk}::text) END"
            )
        rows = await self._of(table, identities, f"coalesce({size}, 0)", "LEFT JOIN")
        return [size for (size,) in rows]

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
        text += f" ({names}, nth) {join} {from_clause(table, 'c')} ON {same} ORDER BY w.nth"
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


def from_clause(table: Table, alias: str = "c") -> str:
    """Return a table as a statement reads it."""
    if table.name == "changes":  # what has no position yet comes with the next pass
        return f"(SELECT * FROM {{graph}}.changes WHERE pos IS NOT NULL) {alias}"
    return f"{{graph}}.{table.name} {alias}"


def column_of(table: Table, name: str) -> str:
    """Return what a column is called here."""
    return "pos" if (table.name, name) == ("changes", "seq") else name


def _out(row: Row, document: int | None) -> Row:
    if document is None:
        return row
    return (*row[:document], from_jsonb(row[document]).decode(), *row[document + 1 :])
