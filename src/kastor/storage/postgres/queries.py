"""Runs compiled queries: read-only, planned for their values, ended at their deadline.

Two round trips until the rows are there: one begins the transaction, sets what holds in it alone
and compares the epoch of the models; the commit is not waited for. Of the past it takes a third:
models are those of then, but what came late is found in the snapshot that is read (`past`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from kastor.clock import twin_time
from kastor.errors import CatalogChanged, Gone, KastorError
from kastor.records import C
from kastor.storage.limits import impossible, too_large, too_long
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.faults import Fault, fault_of, gone, unavailable
from kastor.storage.postgres.past_reads import no_longer_kept
from kastor.storage.postgres.past_statements import FLOOR
from kastor.storage.postgres.since import FOUND, Became, StateFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.records import AsOf, Context
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be run; without `at`, for the models of `epoch`."""

    text: str
    params: Sequence[object]
    timeout: float
    most: int | None
    epoch: int
    at: AsOf | None


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
        self._texts = texts
        self.became = Became()
        self._ending: set[asyncio.Task[None]] = set()

    async def fetch_all(
        self, text: str, params: Sequence[object], context: Context, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a statement that was compiled for what the context reads, where its source says.

        Raises:
            CatalogChanged: models have changed; the current catalog is another one now.
            Gone: the state that it reads is not kept any more.
            QueryTimeout: it ran longer than `timeout` seconds.
            Unavailable: no server answers.
        """
        rows, _ = await self._fetch(text, params, context, timeout, None)
        return rows

    async def fetch_some(
        self, text: str, params: Sequence[object], context: Context, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Return rows until their first columns have `most` bytes, and whether there are more.

        Raises:
            QueryTooLarge: the first row alone is too large; as `fetch_all` besides.
        """
        return await self._fetch(text, params, context, timeout, most)

    async def _fetch(
        self,
        text: str,
        params: Sequence[object],
        context: Context,
        timeout: float,
        most: int | None,
    ) -> _Rows:
        asked = _Asked(text, params, timeout, most, self._catalogs.current.epoch, context.at)
        ask, ask_primary = partial(self._ask, asked), partial(self._ask_primary, asked)
        return await self._replicas.read(context.source, ask, ask_primary)

    async def _ask_primary(self, asked: _Asked) -> _Rows:
        # Branches because each fault that a server can have means something else to the caller, and
        # only here is it known whether another attempt follows.
        async with self._connections.scans:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return await self._run(self._connections, asked)
                except TimeoutError:
                    raise too_long(asked.timeout) from None
                except KastorError:
                    raise
                except Exception as error:
                    _raise_if_told(error, asked)
                    fault = fault_of(error)
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

    async def _ask(self, asked: _Asked, replica: Connections) -> _Rows | None:
        """Return the rows of a standby; None if it has other models: the primary decides then."""
        try:
            async with replica.scans:
                return await self._run(replica, asked)
        except CatalogChanged:
            return None
        except TimeoutError:
            raise too_long(asked.timeout) from None
        except Exception as error:
            _raise_if_told(error, asked)
            raise

    async def _run(self, connections: Connections, asked: _Asked) -> _Rows:
        connection = await connections.take()
        usable = False
        try:
            status: str = await connection.execute(self._begin(asked))
            if status != "SELECT 1":
                await self._give_up(connections, connection, asked)
            values = [storable(each) for each in await self._settled(connection, asked)]
            if asked.most is None:
                rows = await connection.fetch(asked.text, *values, timeout=asked.timeout)
                found: _Rows = [tuple(row) for row in rows], False
            else:
                async with asyncio.timeout(asked.timeout):
                    found = await some_rows(connection, asked.text, values, asked.most)
            usable = True
        except (CatalogChanged, Gone, asyncio.CancelledError, OSError):
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

    def _begin(self, asked: _Asked) -> str:
        milliseconds = int((asked.timeout + SERVER_GRACE_SECONDS) * 1000)
        if asked.at is None:
            text = self._texts[sql.BEGIN_QUERY]
            return text.format(milliseconds=milliseconds, epoch=int(asked.epoch))
        text = self._texts[sql.BEGIN_PAST_QUERY]
        return text.format(milliseconds=milliseconds, change=int(asked.at.change))

    async def _settled(self, connection: Connection, asked: _Asked) -> Sequence[object]:
        """Return the parameters with what is found of the past in the snapshot that is read."""
        at = asked.at
        if at is None:
            return asked.params
        text = self._texts[FOUND]
        found = StateFacts.of(await connection.fetchrow(text, at.change, at.newest))
        if self.became.note(at, found.since):
            await connection.execute(sql.END_QUERY)
            raise CatalogChanged("More became of the past state meanwhile.")
        return found.bound(asked.params)

    async def _give_up(
        self, connections: Connections, connection: Connection, asked: _Asked
    ) -> None:
        # Ended first: behind a pooler a transaction that waits for the catalog would keep the
        # server connection that whoever loads it is waiting for.
        await connection.execute(sql.END_QUERY)
        if connections is self._connections and asked.at is not None:
            rows = await connection.fetch(self._texts[FLOOR])
            raise no_longer_kept(twin_time(asked.at.time), rows[0][1])
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


def _raise_if_told(error: Exception, asked: _Asked) -> None:
    """Raise what a client is told whose query itself is at fault, whichever server ran it."""
    state = str(getattr(error, "sqlstate", None))
    if state == _CANCELLED:
        raise too_long(asked.timeout) from None
    if state.startswith(IMPOSSIBLE):
        raise impossible(error) from error


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
