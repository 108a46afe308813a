"""Read connections in threads, for whatever may scan.

A statement ends at its deadline, when its caller goes away, or when the pool closes: it is
interrupted from outside, again and again until it has noticed. The engine notices between two
steps, and no step of a query takes long (`kastor.storage.bounds`). Threads need not hold Python's
lock for that while they scan.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import apsw

from kastor.errors import QueryTooLarge
from kastor.storage.bounds import (
    MAX_BYTES,
    MAX_TEMPORARY_BYTES,
    impossible,
    too_large,
    too_long,
    too_much_sorted,
)
from kastor.storage.sqlite.connection import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SORT_STEPS = 200_000
"""Virtual machine steps between two looks at what was sorted on disk; a few milliseconds."""
AGAIN_SECONDS = 0.05
"""Until a statement is interrupted again that had not begun, or has not noticed."""

_LOOK_AT_SCHEMA = "SELECT 1 FROM sqlite_schema LIMIT 1"


class _Run:
    """One statement on its way through a thread; it is ended from other threads."""

    __slots__ = (
        "_connection",
        "_lock",
        "_sorted",
        "job",
        "most",
        "over",
        "sorted_too_much",
        "timer",
    )

    def __init__(self, most: int | None = None) -> None:
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._sorted = 0
        self.most = most
        self.over = False
        self.sorted_too_much = False
        self.job: Future[Any] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def end(self) -> None:
        """End it now; a statement that begins at this moment may need another call."""
        self.over = True
        with self._lock:  # so that no other run on that connection is meant
            if self._connection is not None:
                self._connection.interrupt()

    def end_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """End it, and go on until it has noticed; on the event loop only."""
        self.end()
        if self.job is None or not self.job.done():
            self.timer = loop.call_later(AGAIN_SECONDS, self.end_soon, loop)

    def begin(self, connection: apsw.Connection) -> None:
        with self._lock:
            self._connection = connection
        if self.over:
            raise apsw.InterruptError
        self._sorted = _sorted_bytes(connection)
        connection.set_progress_handler(self._sorts_too_much, SORT_STEPS)

    def finish(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.set_progress_handler(None)

    def _sorts_too_much(self) -> bool:
        connection = self._connection
        if connection is not None:
            grown = _sorted_bytes(connection) - self._sorted
            self.sorted_too_much = grown > MAX_TEMPORARY_BYTES
        return self.sorted_too_much


class ReadPool:
    """A few threads, each with its own read connection and a warm statement cache.

    `bounded` is for what clients write: values have `MAX_BYTES` at most there.
    """

    def __init__(
        self, path: Path, threads: int, *, vfs: str | None = None, bounded: bool = False
    ) -> None:
        self._path = path
        self._vfs = vfs
        self._bounded = bounded
        self._local = threading.local()
        self._connections: list[apsw.Connection] = []
        self._runs: set[_Run] = set()
        self._closing = False
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="kastor-reader")

    async def fetch_all(
        self, sql: str, params: Sequence[object], timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        Raises:
            QueryTimeout: it ran longer than `timeout` seconds.
            QueryTooLarge: it makes a value that is too large.
        """
        rows, _ = await self._run(_Run(), sql, params, timeout)
        return rows

    async def fetch_some(
        self, sql: str, params: Sequence[object], timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Return rows until their first columns have `most` bytes, and whether there are more.

        Raises:
            QueryTimeout: it ran longer than `timeout` seconds.
            QueryTooLarge: the first row alone is too large.
        """
        return await self._run(_Run(most), sql, params, timeout)

    async def call(self, work: Callable[[apsw.Connection], Any]) -> Any:
        """Run a function on a read connection in one of the threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: work(self._connection()))

    def close(self) -> None:
        """End running statements, then close the connections."""
        self._closing = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        while self._runs:
            for run in list(self._runs):
                run.end()
            time.sleep(AGAIN_SECONDS / 10)
        self._executor.shutdown(wait=True)
        for connection in self._connections:
            connection.close()

    async def _run(
        self, run: _Run, sql: str, params: Sequence[object], timeout: float
    ) -> tuple[list[tuple[Any, ...]], bool]:
        loop = asyncio.get_running_loop()
        run.timer = loop.call_later(timeout, run.end_soon, loop)
        run.job = self._executor.submit(self._fetch, sql, params, run, timeout)
        try:
            return await asyncio.wrap_future(run.job, loop=loop)
        finally:
            run.timer.cancel()
            if not run.job.done():  # nobody waits for it any more
                run.end_soon(loop)

    def _fetch(
        self, sql: str, params: Sequence[object], run: _Run, timeout: float
    ) -> tuple[list[tuple[Any, ...]], bool]:
        self._runs.add(run)
        explains = sql.startswith("EXPLAIN")
        try:
            run.over = run.over or self._closing
            connection = self._connection()
            run.begin(connection)
            if explains:
                # Alone of all statements it does not find out that the schema has changed.
                connection.execute(_LOOK_AT_SCHEMA).fetchall()
            cursor = connection.execute(sql, tuple(params), can_cache=not explains)
            return (cursor.fetchall(), False) if run.most is None else _some(cursor, run.most)
        except apsw.InterruptError:
            if run.sorted_too_much:
                raise too_much_sorted() from None
            raise too_long(timeout) from None
        except apsw.TooBigError:
            raise too_large() from None
        except apsw.SQLError as error:
            raise impossible(error) from error
        finally:
            run.finish()
            self._runs.discard(run)

    def _connection(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_reader(self._path, vfs=self._vfs)
            if self._bounded:
                connection.limit(apsw.SQLITE_LIMIT_LENGTH, MAX_BYTES)
                # What is sorted goes to disk when the page cache is full, and not into memory.
                connection.execute("PRAGMA temp_store = FILE").fetchall()
            self._connections.append(connection)
        return connection


def _some(cursor: Any, most: int) -> tuple[list[tuple[Any, ...]], bool]:
    """Rows until their first columns have `most` bytes, and whether there are more."""
    rows: list[tuple[Any, ...]] = []
    try:
        for row in cursor:
            most -= len(str(row[0]).encode())
            if most < 0:
                if not rows:
                    raise too_large()
                return rows, True
            rows.append(row)
    except (apsw.TooBigError, QueryTooLarge):
        if not rows:  # else the page ends before it, and the next one says what is wrong
            raise too_large() from None
        return rows, True
    finally:
        cursor.close(True)
    return rows, False


def _sorted_bytes(connection: apsw.Connection) -> int:
    return connection.status(apsw.SQLITE_DBSTATUS_TEMPBUF_SPILL)[0]
