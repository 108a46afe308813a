"""A graph's file read as tables; see `kastor.storage.transfer`."""

from __future__ import annotations

import contextlib
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kastor.storage.sqlite.documents import version_doc
from kastor.storage.sqlite.ends import end_near
from kastor.storage.sqlite.past_statements import KINDS
from kastor.storage.tables import Table
from kastor.storage.transfer import Active, Identification, Identity, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import apsw

    from kastor.storage.history import Kind

VERSIONS: dict[str, Kind] = {"twin_versions": "twin", "relationship_versions": "relationship"}
"""Tables whose documents may be packed."""

T = TypeVar("T")

_IDENTIFICATION = """
SELECT host_name, signing_key, model_epoch, last_tick,
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0), history_from, history
FROM meta
"""
# Those of entries that are still in the log are told by it; one for the models of one change.
_INSTANTS = """(
    SELECT change, time, written, kind, twin_key, subject FROM instants
    UNION ALL
    SELECT seq, time, NULL, CASE WHEN kind IN {creating} THEN kind END,
           CASE WHEN kind IN {creating} THEN twin_key END,
           CASE WHEN kind IN {creating} THEN subject END
    FROM changes c WHERE kind <> 'Telemetry'
        AND NOT EXISTS (SELECT 1 FROM instants WHERE change = c.seq)
        AND NOT EXISTS (SELECT 1 FROM changes b
                        WHERE b.seq = c.seq - 1 AND b.time = c.time AND b.kind <> 'Telemetry')
)""".replace("{creating}", "('Twin.Create', 'Relationship.Create')")
_ACTIVE = """
SELECT (SELECT count(*) FROM routes WHERE NOT paused),
       (SELECT count(*) FROM inputs WHERE NOT paused)
"""


class ReadsInThread(Protocol):
    """Runs work on a connection in its thread."""

    async def __call__(self, work: Callable[[apsw.Connection], T]) -> T:
        """Return what the work returns."""


class SqliteGraphReader:
    """Implements `GraphReader` over whatever runs work on a connection."""

    def __init__(self, call: ReadsInThread) -> None:
        self._call = call

    async def count(self, table: Table) -> int:
        """Return the number of rows."""
        rows = await self._run(f"SELECT count(*) FROM {_source(table)}")
        return int(rows[0][0])

    async def revisions(
        self, table: Table, after: Identity | None, limit: int
    ) -> list[tuple[Identity, Row]]:
        """Return (identity, revision) pairs after `after`."""
        identity = ", ".join(table.identity)
        columns = ", ".join((*table.identity, *table.revision))
        where, params = "", ()
        if after is not None:
            where = f"WHERE ({identity}) > ({', '.join('?' * len(after))})"
            params = after
        text = f"SELECT {columns} FROM {_source(table)} {where} ORDER BY {identity} LIMIT ?"
        width = len(table.identity)
        return [
            (tuple(row[:width]), tuple(row[width:]))
            for row in await self._run(text, (*params, limit))
        ]

    async def rows(self, table: Table, identities: Sequence[Identity]) -> list[Row]:
        """Return whole rows, documents as text."""
        columns = ", ".join(
            f"json({_bulk(table)})" if name == table.document else name for name in table.columns
        )
        return [row for found in await self._each(table, identities, columns) for row in found]

    async def sizes(self, table: Table, identities: Sequence[Identity]) -> list[int]:
        """Return the bytes of the rows' `bulk`."""
        found = await self._each(table, identities, f"coalesce(octet_length({_bulk(table)}), 0)")
        return [int(str(rows[0][0])) if rows else 0 for rows in found]

    async def identification(self) -> Identification:
        """Return host name, key, epoch and time."""
        return Identification(*(await self._run(_IDENTIFICATION))[0])

    async def active(self) -> Active:
        """Return how many routes and inputs are not paused."""
        return Active(*(await self._run(_ACTIVE))[0])

    async def _each(
        self, table: Table, identities: Sequence[Identity], columns: str
    ) -> list[list[Row]]:
        condition = " AND ".join(f"{name} = ?" for name in table.identity)
        text = f"SELECT {columns} FROM {_source(table)} c WHERE {condition}"

        def read(connection: apsw.Connection) -> list[list[Row]]:
            # One transaction for all, also where the caller has begun none.
            connection.execute("SAVEPOINT read").fetchall()
            try:
                if table.name in VERSIONS:
                    return _each_version(connection, table, identities, columns)
                return [connection.execute(text, each).fetchall() for each in identities]
            finally:
                connection.execute("RELEASE read").fetchall()

        return await self._call(read)

    async def _run(self, text: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        def run(connection: apsw.Connection) -> list[Row]:
            return connection.execute(text, params).fetchall()

        return await self._call(run)


def _bulk(table: Table) -> str:
    """The SQL of what may be large in a row; documents of versions, whole or packed."""
    kind = VERSIONS.get(table.name)
    return str(table.bulk) if kind is None else version_doc(table.name, kind)


def _each_version(
    connection: apsw.Connection, table: Table, identities: Sequence[Identity], columns: str
) -> list[list[Row]]:
    """Return versions by key and number; each key is passed through once, in order of ends.

    No index has the numbers: within a key, ends rise with them.
    """
    text = f"""
SELECT version, {columns} FROM {table.name} WHERE key = ? AND ended_by >= ? ORDER BY ended_by
"""
    found: dict[Identity, list[Row]] = {}
    for key, named in groupby(identities, key=itemgetter(0)):
        wanted = {version for _, version in named}
        first, last = min(wanted), max(wanted)
        start = end_near(connection.execute, VERSIONS[table.name], key, first)
        with contextlib.closing(connection.cursor()) as cursor:
            for version, *row in cursor.execute(text, (key, start)):
                if version in wanted:
                    found[key, version] = [tuple(row)]
                if version >= last:
                    break
    return [found.get(each, []) for each in identities]


def _source(table: Table) -> str:
    """Return what a table is read from."""
    return _INSTANTS if table.name == "instants" else table.name


def _document(table: Table) -> str:
    """Return the expression of a document that is whole, in a row `c`."""
    for kind in KINDS:
        if table.name == f"{kind}_versions":
            return version_doc("c", kind)
    return f"c.{table.document}"
