"""A state of the file that rehearsals decide on: a read transaction on a connection of its own.

While it is open the log cannot be folded into the file behind it, so it has its time; what takes
longer has a copy of the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Generic

from kastor.errors import TooManyRequests
from kastor.records import C, ModelRow, Needs, RelationshipRow, TwinRow
from kastor.storage.rehearsal import LONGEST_SECONDS, Rehearsing, ended
from kastor.storage.sqlite import statements as sql
from kastor.storage.sqlite.connection import open_reader
from kastor.storage.sqlite.pool import closed

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from kastor.storage.protocol import BuildCatalog
    from kastor.storage.sqlite.snapshot import SqliteSnapshot
    from kastor.storage.ticker import Ticker
    from kastor.types import RelationshipId, Ticks, TwinId

AT_ONCE = 4
"""FileRehearsals of a graph that are under way; others wait for a turn."""
WAIT_SECONDS = 10.0
PORTION = 256

_RELATIONSHIPS_AT = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM relationships WHERE source_key = ?1 LIMIT ?2))
     + (SELECT count(*) FROM (SELECT 1 FROM relationships
                              WHERE target_key = ?1 AND source_key <> ?1 LIMIT ?2))
"""


class FileBase(Generic[C]):
    """A state of one file, read row by row; also the facts of every portion.

    Attributes:
        catalog: of its models.
        newest: the time of its newest change.
    """

    portion = PORTION

    def __init__(self, connection: apsw.Connection, catalog: C, newest: Ticks) -> None:
        self.catalog, self.newest = catalog, newest
        self._connection: apsw.Connection | None = connection
        self._execute: Callable[..., Any] = connection.cursor().execute
        self._lock = threading.Lock()

    async def facts(self, needs: Sequence[Needs], based: Callable[[int], int]) -> FileBase[C]:
        """Return this."""
        del needs, based
        return self

    def twin(self, twin_id: TwinId) -> TwinRow | None:
        """Return a twin."""
        rows = self._rows(sql.TWIN, (twin_id,))
        return TwinRow(*rows[0]) if rows else None

    def relationship(
        self, source: TwinRow, relationship_id: RelationshipId
    ) -> RelationshipRow | None:
        """Return a relationship."""
        rows = self._rows(sql.LOAD_RELATIONSHIP, (source.key, relationship_id))
        return RelationshipRow(*rows[0]) if rows else None

    def relationships_at(self, twin: TwinRow, most: int) -> int:
        """Return how many relationships leave or enter a twin, none counted beyond `most`."""
        return int(self._rows(_RELATIONSHIPS_AT, (twin.key, most))[0][0])

    def end(self) -> apsw.Connection | None:
        """Let go of the state; return the connection, None if it was taken already."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.execute("ROLLBACK").fetchall()
        return connection

    def _rows(self, text: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._connection is None:
                raise ended()
            rows: list[tuple[Any, ...]] = self._execute(text, values).fetchall()
            return rows


class FileRehearsals(Generic[C]):
    """The rehearsals of one file that is served."""

    def __init__(
        self,
        path: Path,
        vfs: str | None,
        catalog: Callable[[], C],
        build_catalog: BuildCatalog[C],
        ticker: Ticker,
    ) -> None:
        """Prepare.

        Args:
            path: of the file.
            vfs: see apsw.
            catalog: returns the published catalog.
            build_catalog: makes one, where the file has another one already.
            ticker: of the graph.
        """
        self._path, self._vfs = path, vfs
        self._catalog, self._build_catalog = catalog, build_catalog
        self._ticker = ticker
        self._places = asyncio.Semaphore(AT_ONCE)
        self._idle: list[apsw.Connection] = []
        self._held: set[FileBase[C]] = set()
        self._gate = threading.Lock()
        self._closed = False

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Rehearsing[C]]:
        """Enter a block in which writes are decided on the state that the file has now.

        Raises:
            TooManyRequests: AT_ONCE others are under way, and none ends.
            Unavailable: the graph is closed.
        """
        await self._wait()
        try:
            base = await asyncio.to_thread(self._take)
            timer = asyncio.get_running_loop().call_later(LONGEST_SECONDS, self._discard, base)
            rehearsal = Rehearsing(base, self._ticker, base.newest)
            try:
                yield rehearsal
            finally:
                timer.cancel()
                rehearsal.close()
                self._give_back(base)
        finally:
            self._places.release()

    @contextlib.asynccontextmanager
    async def over(
        self, snapshot: AbstractAsyncContextManager[SqliteSnapshot]
    ) -> AsyncIterator[Rehearsing[C]]:
        """Enter a block in which writes are decided on a snapshot, for as long as it takes.

        Raises:
            Unavailable: there can be no snapshot now.
        """
        async with snapshot as copied:
            base = await asyncio.to_thread(self._begin, await copied.connection())
            rehearsal = Rehearsing(base, self._ticker, base.newest)
            try:
                yield rehearsal
            finally:
                rehearsal.close()
                base.end()

    def close(self) -> None:
        """End all of them, in a thread; what they are asked next is refused."""
        with self._gate:
            self._closed = True
            held, self._held = self._held, set()
            idle, self._idle = self._idle, []
        for base in held:
            _close(base.end())
        for connection in idle:
            connection.close()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise TooManyRequests(
                f"{AT_ONCE} dry runs are under way on this graph, and no more are taken. Try one "
                "after the other.",
                retry_after=2,
            ) from None

    def _take(self) -> FileBase[C]:
        """Return the present state, in a thread."""
        with self._gate:
            if self._closed:
                raise closed()
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = open_reader(self._path, vfs=self._vfs)
        try:
            base = self._begin(connection)
        except BaseException:
            connection.close()
            raise
        if self._hold(base):
            return base
        _close(base.end())
        raise closed()

    def _hold(self, base: FileBase[C]) -> bool:
        with self._gate:
            if not self._closed:
                self._held.add(base)
            return not self._closed

    def _begin(self, connection: apsw.Connection) -> FileBase[C]:
        execute: Callable[..., Any] = connection.execute
        execute("BEGIN").fetchall()
        epoch, newest, *_ = execute(sql.META).fetchall()[0]
        catalog = self._catalog()
        if catalog.epoch != epoch:  # it is published after the commit, so for a moment it is older
            rows = [
                ModelRow(key, model_id, text, uploaded, bool(decommissioned))
                for key, model_id, text, uploaded, decommissioned in execute(
                    sql.STORED_MODELS
                ).fetchall()
            ]
            keys = execute(sql.MODEL_KEYS).fetchall()
            catalog = self._build_catalog(rows, keys, epoch, catalog)
        return FileBase(connection, catalog, newest)

    def _discard(self, base: FileBase[C]) -> None:
        """End one whose time is over."""
        with self._gate:
            self._held.discard(base)
        _close(base.end())

    def _give_back(self, base: FileBase[C]) -> None:
        connection = base.end()
        with self._gate:
            self._held.discard(base)
            if connection is not None and not self._closed:
                self._idle.append(connection)
                return
        _close(connection)


def _close(connection: apsw.Connection | None) -> None:
    if connection is not None:
        connection.close()
