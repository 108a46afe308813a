"""The pool: a fixed number of connections, given out in turn.

Connections carry no session state, so that nothing is reset between two users: that is what makes
this cheaper than the driver's own pool (docs/decisions/0004-postgres-driver.md), and what lets
poolers that share connections stand in between. While no server takes writes, everybody is told
so at once, and only one attempt to connect is made every moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from kastor.dsn import for_driver
from kastor.logs import get_logger
from kastor.storage.load import PoolLoad
from kastor.storage.postgres.faults import unavailable

if TYPE_CHECKING:
    from types import TracebackType

Connection: TypeAlias = Any  # any: asyncpg has no types
"""asyncpg.Connection."""

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 10.0
"""A point statement that takes longer has lost its server."""

WAIT_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.05, 1.0
STATEMENTS = 256
CLOSE_SECONDS = 5.0
SCAN_SHARE = 0.75
"""Of the pool, what queries may take, so that point reads and writes always find a connection."""
ENCODING = {"client_encoding": "UTF8"}
"""As the server spells it: PgBouncer would set the driver's 'utf-8' anew in every transaction."""

_log = get_logger("kastor.storage")


class Connections:
    """Connections to the server that takes writes; `async with connections.lease() as c`."""

    def __init__(self, dsn: str, size: int, *, pooler: bool = False) -> None:
        self._dsn = dsn
        self._size = size
        self.scans = asyncio.Semaphore(max(1, int(size * SCAN_SHARE)))
        self._pooler = pooler
        self._count = 0
        self._idle: list[Connection] = []
        self._members: set[Connection] = set()
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._connecting: set[asyncio.Task[Connection]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False
        self._pause = 0.0
        self._down_until = 0.0
        self._reason: BaseException | str = ""

    def load(self, name: str) -> PoolLoad:
        """Return how busy its connections are, under a name."""
        used = self._count - len(self._idle)
        return PoolLoad(name, self._size, max(0, used), len(self._waiting))

    def lease(self) -> ConnectionLease:
        """Return a context manager around one connection."""
        return ConnectionLease(self)

    def single(self) -> Connections:
        """Return a pool of one more connection, for who keeps those of this pool waiting."""
        return Connections(self._dsn, 1, pooler=self._pooler)

    async def take(self) -> Connection:
        """Return a connection that is nobody else's until it is given back.

        Raises:
            Unavailable: none could be made, or none came back in time.
        """
        if self._closed:
            raise unavailable("Kastor is shutting down")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._members.discard(connection)
            self._count -= 1
        if self._count < self._size:
            self._count += 1
            return await self._connect()
        given = await self._wait()
        return await self._connect() if given is None else given

    async def apart(self) -> Connection:
        """Return a connection that does not count, for long work; whoever asked closes it.

        Raises:
            Unavailable: none could be made.
        """
        try:
            return await connect_for_long(self._dsn)
        except Exception as error:
            raise unavailable(error) from error

    def give(self, connection: Connection, *, sound: bool = True) -> None:
        """Take a connection back; one that is not sound is ended."""
        if sound and connection in self._members and not connection.is_closed():
            self._pass_on(connection)
            return
        self._members.discard(connection)
        if connection.is_closed():
            self._free_place()
            return
        task = asyncio.ensure_future(self._end(connection))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def expire(self, reason: BaseException) -> None:
        """Trust no connection made until now: the server went away or became a standby."""
        if not self._members:
            return
        _log.warning("connections to the database given up", reason=str(reason))
        self._members.clear()
        while self._idle:
            self._idle.pop().terminate()
            self._free_place()

    async def close(self) -> None:
        """End all connections; those in use when they are given back."""
        self._closed = True
        self._members.clear()
        while self._waiting:
            self._fail(self._waiting.popleft())
        await asyncio.gather(*self._connecting, return_exceptions=True)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(self._end(each) for each in idle), *self._ending)

    async def _connect(self) -> Connection:
        """Make a connection in a place that is held already."""
        if asyncio.get_running_loop().time() < self._down_until:
            self._free_place()
            raise unavailable(self._reason)
        task = asyncio.ensure_future(connect(self._dsn, pooler=self._pooler))
        try:
            connection = await asyncio.shield(task)
        except asyncio.CancelledError:
            # It is made all the same, for the next one: there may be many who wait.
            self._connecting.add(task)
            task.add_done_callback(self._adopt)
            raise
        except Exception as error:
            self._free_place()
            self._note_down(error)
            raise unavailable(error) from error
        self._pause = 0.0
        self._members.add(connection)
        return connection

    def _adopt(self, task: asyncio.Task[Connection]) -> None:
        self._connecting.discard(task)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._free_place()
            return
        if not self._closed:
            self._members.add(task.result())
        self.give(task.result())

    def _note_down(self, error: BaseException) -> None:
        if not self._pause:
            _log.error("database cannot be reached", reason=str(error))
        self._pause = min(LAST_PAUSE_SECONDS, self._pause * 2 or FIRST_PAUSE_SECONDS)
        self._down_until = asyncio.get_running_loop().time() + self._pause
        self._reason = error

    async def _wait(self) -> Connection | None:
        """Wait for a connection, or for a free place (None)."""
        future: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await future
        except BaseException as error:
            if future.done() and not future.cancelled() and future.exception() is None:
                # It came at the very moment in which nobody waited any more.
                connection = future.result()
                if connection is None:
                    self._free_place()
                else:
                    self.give(connection)
            if isinstance(error, TimeoutError):
                busy = f"no connection of {self._size} is free; see the setting db_pool"
                raise unavailable(busy) from None
            raise

    def _pass_on(self, connection: Connection) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(connection)
                return
        self._idle.append(connection)

    def _free_place(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._count -= 1

    def _fail(self, future: asyncio.Future[Connection | None]) -> None:
        if not future.done():
            future.set_exception(unavailable("Kastor is shutting down"))

    async def _end(self, connection: Connection) -> None:
        # The driver first waits for the end of a statement that was cancelled.
        try:
            await connection.close(timeout=CLOSE_SECONDS)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - it only has to go
            connection.terminate()
        finally:
            self._free_place()


class ConnectionLease:
    """One connection for the time of a block; whatever breaks the block breaks it too."""

    __slots__ = ("_connection", "_connections")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __aenter__(self) -> Connection:
        """Wait for the connection."""
        self._connection = await self._connections.take()
        return self._connection

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Give it back; after a time-out or a cancellation it is not used again."""
        broken = isinstance(error, OSError | asyncio.CancelledError | asyncpg.InterfaceError)
        broken = broken or self._connection.is_closed()
        in_transaction = not broken and self._connection.is_in_transaction()
        self._connections.give(self._connection, sound=not (broken or in_transaction))


async def connect(dsn: str, *, pooler: bool = False) -> Connection:
    """Return a connection to the host of the DSN that takes writes.

    With a pooler each transaction may meet another server connection: nothing is kept prepared.
    """
    address, password = for_driver(dsn)
    return await asyncpg.connect(
        address,
        password=password,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        statement_cache_size=0 if pooler else STATEMENTS,
        max_cached_statement_lifetime=0,
        server_settings=ENCODING,
        target_session_attrs=_wanted_session(dsn),
    )


async def connect_for_long(dsn: str) -> Connection:
    """Return a connection outside of any pool for work that takes its time: no time-out.

    It prepares nothing, since there may be a pooler in between.
    """
    address, password = for_driver(dsn)
    return await asyncpg.connect(
        address,
        password=password,
        timeout=CONNECT_SECONDS,
        statement_cache_size=0,
        server_settings=ENCODING,
        target_session_attrs=_wanted_session(dsn),
    )


def _wanted_session(dsn: str) -> str | None:
    return None if "target_session_attrs" in dsn else "read-write"
