"""What became of a write that met an error: certainly nothing, certainly all, or nobody knows.

What the server certainly did not commit may be done again; what it may have committed is looked up
and never repeated.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic

from msgspec import Struct

from kastor.errors import Unavailable
from kastor.records import C
from kastor.storage.postgres.faults import Fault, fault_of, gone, outcome_unknown, unavailable

if TYPE_CHECKING:
    from kastor.storage.postgres.connections import Connections
    from kastor.storage.postgres.models import Catalogs
    from kastor.storage.postgres.statements import Qualified

CONNECTION_ATTEMPTS = 4
CHECK_SECONDS = 5.0
CHECK_PAUSE_SECONDS = 0.1
LOOKS = 3


class Trace(Struct, frozen=True):
    """A question whose answer is true if what was sent was committed: a statement, its values."""

    text: str
    values: tuple[Any, ...]


class OutcomeFinder(Generic[C]):
    """Finds out what became of writes of one graph."""

    def __init__(self, connections: Connections, texts: Qualified, catalogs: Catalogs[C]) -> None:
        self._connections, self._texts, self._catalogs = connections, texts, catalogs

    async def was_written(self, error: Exception, sent: Trace | None, failures: int) -> bool:
        """Return True if the write happened after all, False if it may be tried again.

        Args:
            error: that it met.
            sent: the trace of it, if it has been sent to be committed.
            failures: so many times it met one.

        Raises:
            Unavailable: neither is known, or trying again makes no sense.
        """
        fault = fault_of(error)
        if fault is Fault.OTHER:
            raise error
        if fault is Fault.GONE:
            raise gone() from error
        if fault in (Fault.LOST, Fault.ELSEWHERE):
            self._connections.expire(error)
            self._catalogs.distrust()
        if fault in (Fault.LOST, Fault.BEHIND) and sent is not None:
            return await self._look_up(sent, error)
        out_of_time = isinstance(error, TimeoutError) or failures >= CONNECTION_ATTEMPTS
        if fault is Fault.FULL or (out_of_time and fault is not Fault.RACE):
            raise unavailable(error) from error
        return False

    async def _look_up(self, sent: Trace, error: Exception) -> bool:
        """Return True if the trace is there, as soon as a server answers.

        Raises:
            Unavailable: it is not, which proves nothing: the statement may be running yet.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CHECK_SECONDS
        looks = 0
        while looks < LOOKS and loop.time() < deadline:
            try:
                async with self._connections.lease() as connection:
                    if await connection.fetchval(self._texts[sent.text], *sent.values):
                        return True
                looks += 1
            except Unavailable:
                pass  # no server yet
            except Exception as again:
                fault = fault_of(again)
                if fault is Fault.OTHER:
                    raise
                if fault is not Fault.BEHIND:
                    self._connections.expire(again)
            await asyncio.sleep(CHECK_PAUSE_SECONDS)
        raise outcome_unknown(error) from error
