"""A graph's SQLite file as tables, for copies and moves; see `kastor.storage.transfer`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import apsw

from kastor.storage.refusals import SchemaTooOldError
from kastor.storage.sqlite import files, schema
from kastor.storage.sqlite import statements as sql
from kastor.storage.sqlite.connection import open_reader, open_writer, writing
from kastor.storage.sqlite.documents import add_unpacking
from kastor.storage.sqlite.graph_reader import SqliteGraphReader
from kastor.storage.sqlite.index_tables import SqliteIndexes
from kastor.storage.tables import Table
from kastor.storage.transfer import Identification, Identity, Row

T = TypeVar("T")

_IDENTIFY = """
UPDATE meta SET
    host_name = ?1, signing_key = ?2, model_epoch = ?3, last_tick = ?4,
    twins_more = ?5, twins_other = ?5, relationships_more = ?5, relationships_other = ?5,
    history_from = ?6, history = ?7
"""
"""What became of earlier states the rows do not tell."""
_PAUSE = ("UPDATE routes SET paused = 1", "UPDATE inputs SET paused = 1")
_FORGET_POSITION = "DELETE FROM sqlite_sequence WHERE name = 'changes'"
_NOTE_POSITION = "INSERT INTO sqlite_sequence (name, seq) VALUES ('changes', ?)"


class SqliteGraphFile(SqliteGraphReader):
    """Reads or writes one file; statements run in a thread, one at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(self._in_thread)
        self._connection = connection
        self._whole = True

    @classmethod
    def reading(cls, path: Path) -> SqliteGraphFile:
        """Open a file to copy from; a server may be writing to it.

        Raises:
            GraphRefusedError: see `schema.require_ours`; an older Kastor wrote it, which reading
                does not change; or it is empty or cut short.
        """
        files.require_whole(path)
        connection = open_reader(path)
        try:
            _require_current(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    @classmethod
    def writing(cls, path: Path) -> SqliteGraphFile:
        """Open or create a file to copy into; nobody else may be using it.

        From the first row that is written it cannot be opened for serving, until `finish`.

        Raises:
            GraphRefusedError: see `schema.require_ours`, or it is empty or cut short.
        """
        if not path.exists():
            files.make(path, unfinished=True)
        files.require_whole(path)
        connection = open_writer(path)
        try:
            schema.prepare(connection, unfinished=True)
            add_unpacking(connection)
            # Rows come in the order that foreign keys allow, but are replaced in place too.
            connection.execute("PRAGMA foreign_keys = OFF").fetchall()
            graph = cls(connection)
            graph._whole = int(connection.pragma("application_id")) == schema.APPLICATION_ID
        except BaseException:
            connection.close()
            raise
        return graph

    @property
    def indexes(self) -> SqliteIndexes:
        """The property indexes."""
        return SqliteIndexes(
            self._in_thread, lambda work: self._in_thread(lambda at: work(at, None))
        )

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """Read one state in a block; a server may go on writing."""
        await self._run("BEGIN")
        try:
            yield
        finally:
            await self._run("COMMIT")

    async def put(
        self,
        table: Table,
        rows: Sequence[Row],
        *,
        fresh: bool,  # noqa: ARG002 - the protocol's; replacing costs nothing here
    ) -> None:
        """Write rows in one transaction."""
        marks = ", ".join("jsonb(?)" if name == table.document else "?" for name in table.columns)
        columns = ", ".join(table.columns)
        text = f"INSERT OR REPLACE INTO {table.name} ({columns}) VALUES ({marks})"
        await asyncio.to_thread(self._many, text, rows)

    async def drop(self, table: Table, identities: Sequence[Identity]) -> None:
        """Delete rows in one transaction."""
        condition = " AND ".join(f"{name} = ?" for name in table.identity)
        await asyncio.to_thread(
            self._many, f"DELETE FROM {table.name} WHERE {condition}", identities
        )

    async def identify(self, identification: Identification) -> None:
        """Take over another graph's identity and put the sizes right."""
        found = identification
        if self._whole and found == await self.identification():
            return  # nothing was written either
        await asyncio.to_thread(self._break)
        values = (found.host_name, found.signing_key, found.model_epoch, found.last_tick)
        past = (found.log_position, found.history_from, found.history)
        await self._run(_IDENTIFY, (*values, *past))
        await self._run(_FORGET_POSITION)
        await self._run(_NOTE_POSITION, (found.log_position,))
        await self._run(sql.COUNT_SIZES)

    async def pause(self) -> None:
        """Pause all routes and inputs, in one transaction."""
        await asyncio.to_thread(self._pause)

    async def finish(self) -> None:
        """Say that the copy is whole: it may be served from now on."""
        await asyncio.to_thread(schema.mark, self._connection, finished=True)
        self._whole = True

    def _pause(self) -> None:
        self._break()
        with writing(self._connection):
            for text in _PAUSE:
                self._connection.execute(text).fetchall()

    def _break(self) -> None:
        """Note, before anything is written, that the graph is not whole."""
        if self._whole:
            schema.mark(self._connection, finished=False)
            self._whole = False

    async def close(self) -> None:
        """Close the connection."""
        await asyncio.to_thread(self._connection.close)

    async def _in_thread(self, work: Callable[[apsw.Connection], T]) -> T:
        return await asyncio.to_thread(work, self._connection)

    def _many(self, text: str, rows: Sequence[Row]) -> None:
        self._break()
        with writing(self._connection):
            self._connection.executemany(text, rows)


def _require_current(connection: apsw.Connection) -> None:
    found = schema.require_ours(connection)
    if found < schema.SCHEMA_VERSION:
        raise SchemaTooOldError(str(connection.filename), found, schema.SCHEMA_VERSION)
