"""The search index of a graph, in a file beside it that may be thrown away.

It is written by one thread and read by others; a fault of the file is no fault of the graph.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import apsw
import orjson

from kastor.errors import Unavailable
from kastor.logs import get_logger
from kastor.private import open_private
from kastor.storage.search import (
    KINDS,
    NUMBERS,
    PORTION_BYTES,
    Candidates,
    IndexBatch,
    IndexDamagedError,
    IndexedKind,
    IndexQuestion,
    IndexState,
    NameCounts,
    Shares,
    SourceRow,
)
from kastor.storage.search_rows import shares_in, spread, state_of
from kastor.storage.sqlite import search_statements as sql
from kastor.storage.sqlite.connection import open_reader, writing
from kastor.storage.sqlite.files import CHECK_SECONDS
from kastor.storage.sqlite.pool import ReadPool, closed
from kastor.storage.sqlite.search_finding import find
from kastor.storage.sqlite.search_writing import IndexWriting
from kastor.storage.sqlite.statements import as_list
from kastor.storage.sqlite.unsynced import MARK_SUFFIX, UnsyncedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kastor.storage.sqlite.index_tables import Read

T = TypeVar("T")

SUFFIX = ".search"
SIDE_FILES = ("", "-wal", "-shm", "-journal", MARK_SUFFIX)
APPLICATION_ID = 0x4B535449  # "KSTI"
READERS = 2
_CHECK_STEPS = 1_000
_PAGES_IN_LOG = 4_000
"""Written before they are folded into the file; many are written again before."""

_log = get_logger("kastor.storage")


def index_file(graph: Path) -> Path:
    """Return where the index of a graph's file is."""
    return graph.with_name(graph.name.removesuffix(".sqlite3") + SUFFIX)


def remove_index(graph: Path) -> None:
    """Remove the index of a graph's file, which is closed."""
    path = index_file(graph)
    for suffix in SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class SqliteSearchIndex:
    """Implements `SearchStore` for one file.

    Args:
        graph: the graph's file.
        read: runs work on a connection to the graph.
    """

    shared = False

    def __init__(self, graph: Path, read: Read) -> None:
        self._graph, self._path, self._read = graph, index_file(graph), read
        self._unsynced = UnsyncedFile(self._path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kastor-search")
        self._connection: apsw.Connection | None = None
        self._writing: IndexWriting | None = None
        self._pool: ReadPool | None = None
        self._shares = Shares()
        self._damaged = False
        self._closed = False

    async def prepare(self) -> None:
        """Open the file; make it anew where it cannot be used."""
        await self._in_thread(self._open)

    async def clear(self) -> None:
        """Make the file anew."""
        self._damaged = True
        await self.prepare()

    async def hold(self, _owner: str, _seconds: float) -> bool:
        """Nobody else can have it."""
        return True

    async def keep(self, _owner: str, _seconds: float) -> bool:
        """Nobody else can take it."""
        return True

    async def let_go(self, _owner: str) -> None:
        """Do nothing."""

    async def holder(self) -> None:
        """Nobody but the one process that serves the graph."""

    async def state(self) -> IndexState:
        """Return where the index stands."""
        return await self._ask(_state) or IndexState()

    async def write(self, _owner: str, batch: IndexBatch) -> bool:
        """Write a batch."""
        if batch.sweep:
            after: int | None = -1
            while after is not None:
                after = await self._in_thread(partial(self._sweep, batch.state.scan, after))
            await self._in_thread(self._optimize)
        await self._in_thread(partial(self._write, batch))
        return True

    async def twins(self, ids: list[str]) -> list[SourceRow]:
        """Return those of these twins that exist."""
        return await self._rows(sql.TWINS, (as_list(ids),))

    async def models(self, ids: list[str]) -> list[SourceRow]:
        """Return those of these models that are stored."""
        return await self._rows(sql.MODELS, (as_list(ids),))

    async def next_rows(self, kind: IndexedKind, after: int, limit: int) -> list[SourceRow]:
        """Return rows in order of keys, until they are many bytes."""

        def read(connection: apsw.Connection) -> list[SourceRow]:
            left, rows = PORTION_BYTES, []
            with contextlib.closing(connection.cursor()) as cursor:
                for row in cursor.execute(sql.NEXT_ROWS[kind], (after, limit)):
                    rows.append(SourceRow(*row))
                    left -= len(rows[-1].doc)
                    if left <= 0:
                        break
            return rows

        found: list[SourceRow] = await self._read(read)
        return found

    async def count_names(self) -> NameCounts:
        """Count relationships by name, with the position of that state."""

        def count(connection: apsw.Connection) -> NameCounts:
            with connection:
                run: Callable[..., Any] = connection.execute
                position = run(sql.POSITION).fetchall()[0][0]
                counts = dict(run(sql.COUNT_NAMES).fetchall())
            return NameCounts(position, (), counts)

        found: NameCounts = await self._read(count)
        return found

    async def find(self, asked: IndexQuestion) -> Candidates:
        """Return rows that answer a question."""
        return await self._ask(partial(find, asked=asked, shares=self._shares))

    async def sample(self) -> None:
        """Look anew at how frequent trigrams are."""
        self._shares = await self._ask(_sampled)

    async def names(self, limit: int) -> list[tuple[str, int]]:
        """Return names of relationships with their counts."""
        rows: list[Any] = await self._ask(lambda c: c.execute(sql.NAMES, (limit,)).fetchall())
        return rows

    def close(self) -> None:
        """Fold the log into the file and release it."""
        if self._closed:
            return
        self._closed = True
        if self._connection is not None:
            self._connection.interrupt()
        self._thread.submit(self._let_go).result()
        self._thread.shutdown(wait=True)

    async def _rows(self, text: str, values: tuple[object, ...]) -> list[SourceRow]:
        rows = await self._read(lambda connection: connection.execute(text, values).fetchall())
        return [SourceRow(*row) for row in rows]

    async def _ask(self, work: Callable[[apsw.Connection], T]) -> T:
        pool = self._pool
        if self._damaged or pool is None:
            raise _not_ready()
        try:
            return await pool.call(work)
        except apsw.Error as error:
            raise self._fault(error) from error
        except Unavailable as error:
            if pool is self._pool or self._closed:
                raise
            raise _not_ready() from error

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise closed()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work)
        except apsw.InterruptError:
            raise closed() from None
        except apsw.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: apsw.Error) -> Exception:
        """Return what to raise; what is not damaged may be well the next time."""
        if isinstance(error, apsw.FullError | apsw.IOError | apsw.CantOpenError | apsw.BusyError):
            return Unavailable(f"The search index cannot be used now ({error}).", retry_after=5)
        is_gone = isinstance(error, apsw.SQLError) and "no such" in str(error)
        if not (is_gone or isinstance(error, apsw.CorruptError | apsw.NotADBError)):
            return error
        if not self._damaged:
            _log.error("the search index is damaged", file=str(self._path), reason=str(error))
        self._damaged = True
        return _not_ready()

    def _write(self, batch: IndexBatch) -> None:
        if self._writing is None or self._connection is None:
            raise _not_ready()
        self._writing.write(batch)

    def _sweep(self, scan: int, after: int) -> int | None:
        if self._writing is None:
            raise _not_ready()
        return self._writing.sweep(scan, after)

    def _optimize(self) -> None:
        if self._writing is None:
            raise _not_ready()
        self._writing.optimize()

    def _open(self) -> None:
        if self._connection is not None and not self._damaged:
            return
        self._let_go()
        if self._damaged or not self._is_sound():
            self._make()
        self._connection = self._connect()
        if self._unsynced.begin():
            self._connection.execute("PRAGMA synchronous = OFF").fetchall()
        self._writing = IndexWriting(self._connection)
        self._pool = ReadPool(self._path, READERS, connect=partial(open_reader, self._path))
        self._damaged = False

    def _is_sound(self) -> bool:
        """Whether the file can be used; looked at for as long as a start may take."""
        if not self._path.exists():
            return False
        if self._unsynced.may_be_torn():
            reason = "the system ended while it was written"
            _log.warning("the search index is made anew", file=str(self._path), reason=reason)
            return False
        try:
            with contextlib.closing(self._connect()) as connection:
                if connection.pragma("application_id") != APPLICATION_ID:
                    return False
                if _state(connection) is None:
                    return False
                deadline = time.monotonic() + CHECK_SECONDS
                connection.set_progress_handler(lambda: time.monotonic() > deadline, _CHECK_STEPS)
                try:
                    found = connection.execute("PRAGMA quick_check(1)").fetchall()
                except apsw.InterruptError:
                    return True
                return bool(found == [("ok",)])
        except (apsw.FullError, apsw.CantOpenError, apsw.BusyError):
            raise
        except apsw.Error as error:
            _log.warning("the search index is made anew", file=str(self._path), reason=str(error))
            return False

    def _make(self) -> None:
        remove_index(self._graph)
        os.close(open_private(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        with contextlib.closing(self._connect()) as connection:
            with writing(connection):
                connection.execute(sql.SCHEMA).fetchall()
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}").fetchall()
            IndexWriting(connection).write(IndexBatch(IndexState()))

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(5_000)
        for pragma in (
            "journal_mode = WAL",
            # A power cut may take the last batches and their position; they are read again.
            "synchronous = NORMAL",
            "cache_size = -32768",
            f"wal_autocheckpoint = {_PAGES_IN_LOG}",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    def _let_go(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
        connection, self._connection, self._writing = self._connection, None, None
        if connection is not None:
            # What interrupted the last statement would keep the log from being folded as well.
            with contextlib.suppress(apsw.Error, OSError):
                connection.execute("PRAGMA synchronous = NORMAL").fetchall()
                was_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
                if not was_busy:
                    self._unsynced.end()
            connection.close()


def _state(connection: apsw.Connection) -> IndexState | None:
    run: Callable[..., Any] = connection.execute
    rows = run(sql.STATE).fetchall()
    return state_of(rows[0][0]) if rows else None


def _sampled(connection: apsw.Connection) -> Shares:
    run: Callable[..., Any] = connection.execute
    rows = []
    for kind in KINDS.values():
        first, last = run(sql.ENDS, (kind * NUMBERS, (kind + 1) * NUMBERS)).fetchall()[0]
        if first is not None:
            numbers = orjson.dumps(spread(first, last)).decode()
            rows += run(sql.SAMPLE, (numbers,)).fetchall()
    return shares_in(rows)


def _not_ready() -> IndexDamagedError:
    return IndexDamagedError(
        "The search index is being made anew. Nothing else is touched by it; try again soon.",
        retry_after=2,
    )
