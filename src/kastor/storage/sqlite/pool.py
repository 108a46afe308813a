"""Read connections in threads, for whatever may scan.

A statement ends at its deadline, or when its caller goes away, through the progress handler.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import apsw

from kastor.errors import QueryTimeout, Unavailable
from kastor.storage.bounds import impossible
from kastor.storage.sqlite.connection import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PROGRESS_STEPS = 20_000
"""Virtual machine steps between two looks at the clock; well under a millisecond."""

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
    """One statement's deadline; `cancelled` is set from the event loop."""

    __slots__ = ("cancelled", "deadline")

    def __init__(self, timeout: float) -> None:
        self.deadline = time.monotonic() + timeout
        self.cancelled = False

    def is_over(self) -> bool:
        return self.cancelled or time.monotonic() > self.deadline


class ReadPool:
    """A few threads, each with its own read connection and a warm statement cache."""

    def __init__(self, path: Path, threads: int, *, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._local = threading.local()
        self._connections: list[apsw.Connection] = []
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="kastor-reader")
        self._closed = False

    async def fetch_all(
        self, sql: str, params: Sequence[object], timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        Raises:
            QueryTimeout: it ran longer than `timeout` seconds.
            Unavailable: the graph was closed meanwhile.
        """
        run = _Run(timeout)
        try:
            rows: list[tuple[Any, ...]]
            rows = await self._submit(self._fetch, sql, params, run, timeout)
        except asyncio.CancelledError:
            run.cancelled = True
            raise
        return rows

    async def call(self, work: Callable[[apsw.Connection], Any]) -> Any:
        """Run a function on a read connection in one of the threads; raises Unavailable."""
        return await self._submit(lambda: work(self._connection()))

    async def _submit(self, work: Callable[..., Any], *values: object) -> Any:
        if self._closed:
            raise closed()
        future = asyncio.get_running_loop().run_in_executor(self._executor, work, *values)
        try:
            return await future
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            raise closed() from None  # `close` took it back from the queue

    def close(self) -> None:
        """Wait for running statements, then close the connections."""
        self._closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _fetch(
        self, sql: str, params: Sequence[object], run: _Run, timeout: float
    ) -> list[tuple[Any, ...]]:
        connection = self._connection()
        connection.set_progress_handler(run.is_over, PROGRESS_STEPS)
        explains = sql.startswith("EXPLAIN")
        try:
            if explains:
                # Alone of all statements it does not find out that the schema has changed.
                connection.execute(_LOOK_AT_SCHEMA).fetchall()
            return connection.execute(sql, tuple(params), can_cache=not explains).fetchall()
        except apsw.InterruptError:
            raise QueryTimeout(
                f"The query ran longer than its limit of {timeout:g} seconds. Narrow it down, "
                "for example by $dtId or IS_OF_MODEL, or raise the setting query_timeout."
            ) from None
        except (apsw.SQLError, apsw.TooBigError) as error:
            raise impossible(error) from error
        finally:
            connection.set_progress_handler(None)

    def _connection(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_reader(self._path, vfs=self._vfs)
            self._connections.append(connection)
        return connection
