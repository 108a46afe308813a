"""Runs compiled queries: read-only, planned for their values, ended at their deadline.

Two round trips until the rows are there: one begins the transaction, sets what holds in it alone
and compares the epoch of the models; the commit is not waited for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from kastor.errors import CatalogChanged, QueryTooLarge
from kastor.records import C
from kastor.storage.limits import impossible, too_large, too_long
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.faults import Fault, fault_of, gone, unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.records import ReadFrom
    from kastor.storage.postgres.connections import Connection, Connections
    from kastor.storage.postgres.models import Catalogs
    from kastor.storage.postgres.replicas import Replicas
    from kastor.storage.postgres.statements import Qualified

_Rows: TypeAlias = tuple[list[tuple[Any, ...]], bool]
"""Rows, and whether there are more."""

ATTEMPTS = 2
STEP_ROWS = 4
"""Rows fetched at once where they are large."""
SERVER_GRACE_SECONDS = 1.0
_CANCELLED = "57014"
IMPOSSIBLE = ("22", "54")
"""Classes of states: data exceptions, and what is too complex for the server."""
_NO_TEXT = "\x01\x02\x03\x02\x01"
"""Stands low in the order, as U+0000 does, and for no text that anybody stores."""


class Queries(Generic[C]):
    """Runs whatever may scan."""

    def __init__(
        self,
        connections: Connections,
        texts: Qualified,
        catalogs: Catalogs[C],
        replicas: Replicas,
    ) -> None:
        self._connections = connections
        self._replicas = replicas
        self._catalogs = catalogs
        self._begin = texts[sql.BEGIN_QUERY]
        self._ending: set[asyncio.Task[None]] = set()

    async def fetch_all(
        self, text: str, params: Sequence[object], source: ReadFrom, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a statement that was compiled for the current catalog, where `source` says.

        Raises:
            CatalogChanged: models have changed; the current catalog is another one now.
            QueryTimeout: it ran longer than `timeout` seconds.
            Unavailable: no server answers.
        """
        rows, _ = await self._fetch(text, params, source, timeout, None)
        return rows

    async def fetch_some(
        self, text: str, params: Sequence[object], source: ReadFrom, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Return rows until their first columns have `most` bytes, and whether there are more.

        Raises:
            QueryTooLarge: the first row alone is too large; as `fetch_all` besides.
        """
        return await self._fetch(text, params, source, timeout, most)

    async def _fetch(
        self,
        text: str,
        params: Sequence[object],
        source: ReadFrom,
        timeout: float,
        most: int | None,
    ) -> _Rows:
        # Branches because each fault that a server can have means something else to the caller, and
        # only here is it known whether another attempt follows.
        epoch: int = self._catalogs.current.epoch
        replica = await self._replicas.choose(source)
        if replica is not None:
            rows = await self._fetch_from(replica, epoch, text, params, timeout, most)
            if rows is not None:
                return rows
        async with self._connections.scans:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return await self._run(self._connections, epoch, text, params, timeout, most)
                except TimeoutError:
                    raise too_long(timeout) from None
                except QueryTooLarge:
                    raise
                except Exception as error:
                    fault, state = fault_of(error), str(getattr(error, "sqlstate", None))
                    if state == _CANCELLED:
                        raise too_long(timeout) from None
                    if state.startswith(IMPOSSIBLE):
                        raise impossible(error) from error
                    if fault in (Fault.OTHER, Fault.ELSEWHERE):  # read-only it is by our own wish
                        raise
                    if fault is Fault.GONE:
                        raise gone() from error
                    if fault is Fault.LOST:
                        self._connections.expire(error)
                    if attempt == ATTEMPTS:
                        raise unavailable(error) from error
        raise AssertionError

    async def close(self) -> None:
        """Wait for the last transactions to end."""
        await asyncio.gather(*self._ending)

    async def _fetch_from(
        self,
        replica: Connections,
        epoch: int,
        text: str,
        params: Sequence[object],
        timeout: float,
        most: int | None,
    ) -> _Rows | None:
        """Return the rows of a standby; None if it has other models, or fails."""
        try:
            async with replica.scans:
                return await self._run(replica, epoch, text, params, timeout, most)
        except CatalogChanged:
            return None  # it is behind; the primary decides
        except TimeoutError:
            raise too_long(timeout) from None
        except QueryTooLarge:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the primary answers
            if getattr(error, "sqlstate", None) == _CANCELLED:
                raise too_long(timeout) from None
            self._replicas.note_failure(replica, error)
            return None

    async def _run(
        self,
        connections: Connections,
        epoch: int,
        text: str,
        params: Sequence[object],
        timeout: float,
        most: int | None,
    ) -> _Rows:
        connection = await connections.take()
        usable = False
        try:
            milliseconds = int((timeout + SERVER_GRACE_SECONDS) * 1000)
            begin = self._begin.format(milliseconds=milliseconds, epoch=int(epoch))
            status: str = await connection.execute(begin)
            if status != "SELECT 1":
                await self._give_up(connections, connection)
            values = [storable(each) for each in params]
            if most is None:
                rows = await connection.fetch(text, *values, timeout=timeout)
                found: _Rows = [tuple(row) for row in rows], False
            else:
                async with asyncio.timeout(timeout):
                    found = await some_rows(connection, text, values, most)
            usable = True
        except (CatalogChanged, asyncio.CancelledError, OSError):
            raise
        except Exception:
            usable = not connection.is_closed()  # the server said what is wrong
            raise
        finally:
            if usable:
                self._end(connections, connection)
            else:
                connections.give(connection, sound=False)
        return found

    async def _give_up(self, connections: Connections, connection: Connection) -> None:
        # Ended first: behind a pooler a transaction that waits for the catalog would keep the
        # server connection that whoever loads it is waiting for.
        await connection.execute(sql.END_QUERY)
        if connections is self._connections:
            await self._catalogs.load(connection)
        raise CatalogChanged("The models changed meanwhile.")

    def _end(self, connections: Connections, connection: Connection) -> None:
        task = asyncio.ensure_future(self._commit(connections, connection))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _commit(self, connections: Connections, connection: Connection) -> None:
        sound = False
        try:
            await connection.execute(sql.END_QUERY)
            sound = True
        except Exception as error:  # noqa: BLE001 - it has read only, and the rows are there
            if fault_of(error) is Fault.LOST:
                connections.expire(error)
        finally:
            connections.give(connection, sound=sound)


async def some_rows(connection: Connection, text: str, values: list[Any], most: int) -> _Rows:
    """Rows until their first columns have `most` bytes; one without text is too large by itself."""
    await connection.fetch(sql.OPEN_CURSOR + text, *values)
    rows: list[tuple[Any, ...]] = []
    while step := await connection.fetch(sql.STEP_CURSOR.format(rows=STEP_ROWS)):
        for row in step:
            most -= len(row[0].encode()) if row[0] is not None else most + 1
            if most < 0 and rows:
                return rows, True
            if most < 0:
                raise too_large()
            rows.append(tuple(row))
    return rows, False


def storable(value: object) -> object:
    """Return a value as PostgreSQL takes it: U+0000, which no stored text has, as another text."""
    if isinstance(value, str):
        return value.replace("\0", _NO_TEXT)
    if isinstance(value, tuple):
        return tuple(storable(each) for each in value)
    return value
