"""Read connections in threads, for whatever may scan.

A statement ends at its deadline, when its caller goes away, or when the pool closes: it is
interrupted from outside, again and again until it has noticed. The engine notices between two
steps, and no step of a query takes long (`kastor.storage.limits`). Threads need not hold Python's
lock for that while they scan.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from kastor.errors import QueryTooLarge, Unavailable
from kastor.storage.limits import (
    MAX_BYTES,
    MAX_TEMPORARY_BYTES,
    impossible,
    too_large,
    too_long,
    too_much_sorted,
)
from kastor.storage.load import PoolLoad, pool_load
from kastor.storage.sqlite.connection import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

SORT_STEPS = 200_000
"""Virtual machine steps between two looks at what was sorted on disk; a few milliseconds."""
WATCH_SECONDS = 0.05
"""Between two looks at what is to end."""

_LOOK_AT_SCHEMA = "SELECT 1 FROM sqlite_schema LIMIT 1"


def closed() -> Unavailable:
    """Return what a client is told whose graph was closed while its request was under way."""
    return Unavailable(
        "The graph was deleted, or Kastor is shutting down. Nothing was changed; try again.",
        retry_after=1,
    )


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Run:
    """One statement on its way through a thread; it is ended from other threads.

    Attributes:
        most: bytes of rows to be fetched; None for all.
        ends: the loop's time at which it is ended.
        over: it is to end.
    """

    __slots__ = ("_connection", "_lock", "_sorted", "ends", "job", "most", "over", "sorts")

    def __init__(self, most: int | None, ends: float) -> None:
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._sorted = -1
        self.sorts = False
        self.most = most
        self.ends = ends
        self.over = False
        self.job: Future[Any] | None = None

    def end(self) -> None:
        """End it now; a statement that begins at this moment may need another call."""
        self.over = True
        with self._lock:  # so that no other run on that connection is meant
            if self._connection is not None:
                self._connection.interrupt()

    def begin(self, connection: apsw.Connection) -> None:
        with self._lock:
            self._connection = connection
        if self.over:
            raise apsw.InterruptError

    def finish(self) -> None:
        with self._lock:
            self._connection = None

    def sorts_too_much(self, connection: apsw.Connection) -> bool:
        """Whether it has written too much to disk since this was first asked."""
        written = connection.status(apsw.SQLITE_DBSTATUS_TEMPBUF_SPILL)[0]
        if self._sorted < 0:
            self._sorted = written
        self.sorts = written - self._sorted > MAX_TEMPORARY_BYTES
        return self.sorts


class ReadPool:
    """A few threads, each with its own read connection and a warm statement cache.

    `bounded` is for what clients write: values have `MAX_BYTES` at most there, and what is sorted
    goes to disk, as it does with `sorts_on_disk`. `connect` opens a connection where it is not one
    to the graph that is served.
    """

    def __init__(
        self,
        path: Path,
        threads: int,
        *,
        vfs: str | None = None,
        bounded: bool = False,
        sorts_on_disk: bool = False,
        connect: Callable[[], apsw.Connection] | None = None,
    ) -> None:
        self._connect = connect or partial(open_reader, path, vfs=vfs)
        self._bounded, self._sorts_on_disk = bounded, bounded or sorts_on_disk
        self._local = threading.local()
        self._connections: list[apsw.Connection] = []
        self._runs: set[_Run] = set()
        self._watched: set[_Run] = set()
        self._watches = False
        self._closing = False
        self._threads, self._under_way = threads, 0
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="kastor-reader")

    async def fetch_all(
        self, sql: str, params: Sequence[object], timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        Raises:
            QueryTimeout: it ran longer than `timeout` seconds.
            QueryTooLarge: it makes a value that is too large.
            Unavailable: the graph was closed meanwhile.
        """
        rows, _ = await self._run(None, sql, params, timeout)
        return rows

    async def fetch_some(
        self, sql: str, params: Sequence[object], timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Return rows until their first columns have `most` bytes, and whether there are more.

        Raises:
            QueryTimeout: it ran longer than `timeout` seconds.
            QueryTooLarge: the first row alone is too large.
            Unavailable: the graph was closed meanwhile.
        """
        return await self._run(most, sql, params, timeout)

    async def call(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run a function on a read connection in one of the threads; raises Unavailable."""
        if self._closing:
            raise closed()
        return await self._outcome(self._executor.submit(self._call, work))

    def _call(self, work: Callable[[apsw.Connection], T]) -> T:
        self._runs.add(run := _Run(None, 0.0))
        try:
            connection = self._connection()
            run.over = self._closing
            run.begin(connection)
            return work(connection)
        except apsw.InterruptError:
            raise closed() from None
        finally:
            run.finish()
            self._runs.discard(run)

    def load(self, name: str) -> PoolLoad:
        """Return how busy its threads are, under a name."""
        return pool_load(name, self._threads, self._under_way)

    async def _outcome(self, job: Future[T]) -> T:
        self._under_way += 1
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            raise closed() from None  # `close` took it back from the queue
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """End running statements, then close the connections."""
        self._closing = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        while self._runs:
            for run in list(self._runs):
                run.end()
            time.sleep(WATCH_SECONDS / 10)
        self._executor.shutdown(wait=True)
        for connection in self._connections:
            connection.close()

    async def _run(
        self, most: int | None, sql: str, params: Sequence[object], timeout: float
    ) -> tuple[list[tuple[Any, ...]], bool]:
        if self._closing:
            raise closed()
        loop = asyncio.get_running_loop()
        run = _Run(most, loop.time() + timeout)
        run.job = self._executor.submit(self._fetch, sql, params, run, timeout)
        self._watched.add(run)
        if not self._watches:
            self._watches = True
            loop.call_later(WATCH_SECONDS, self._watch, loop)
        try:
            found: tuple[list[tuple[Any, ...]], bool] = await self._outcome(run.job)
            return found
        finally:
            if run.job.done():
                self._watched.discard(run)
            else:  # nobody waits for it any more
                run.end()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is over, again and again until it has noticed."""
        now = loop.time()
        for run in list(self._watched):
            if run.job is None or run.job.done():
                self._watched.discard(run)
            elif run.over or now >= run.ends:
                run.end()
        self._watches = bool(self._watched)
        if self._watches:
            loop.call_later(WATCH_SECONDS, self._watch, loop)

    def _fetch(
        self, sql: str, params: Sequence[object], run: _Run, timeout: float
    ) -> tuple[list[tuple[Any, ...]], bool]:
        self._runs.add(run)
        explains = sql.startswith("EXPLAIN")
        try:
            run.over = run.over or self._closing
            connection = self._connection()
            self._local.run = run
            run.begin(connection)
            if explains:
                # Alone of all statements it does not find out that the schema has changed.
                connection.execute(_LOOK_AT_SCHEMA).fetchall()
            cursor = connection.execute(sql, tuple(params), can_cache=not explains)
            return (cursor.fetchall(), False) if run.most is None else _some(cursor, run.most)
        except apsw.InterruptError:
            if self._closing:
                raise closed() from None
            if run.sorts:
                raise too_much_sorted() from None
            raise too_long(timeout) from None
        except apsw.TooBigError:
            raise too_large() from None
        except apsw.SQLError as error:
            raise impossible(error) from error
        finally:
            run.finish()
            self._local.run = None
            self._runs.discard(run)

    def _connection(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            if self._sorts_on_disk:
                # When the page cache is full, and not into memory.
                connection.execute("PRAGMA temp_store = FILE").fetchall()
            if self._bounded:
                connection.limit(apsw.SQLITE_LIMIT_LENGTH, MAX_BYTES)
                connection.set_progress_handler(self._sorts_too_much, SORT_STEPS)
            self._connections.append(connection)
        return connection

    def _sorts_too_much(self) -> bool:
        """In a reader's thread, asked by its connection."""
        run: _Run | None = getattr(self._local, "run", None)
        return run is not None and run.sorts_too_much(self._local.connection)


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
