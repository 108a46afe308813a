"""Reads from standby servers, for those who asked for it; whatever fails there, the primary does.

A standby that has replayed the log up to where the primary had flushed it when the read came has
every write that was acknowledged before, whichever process took it. That is how a read sees its
own writes without a token that clients would have to carry.

A standby that failed is left alone for a while, for the primary answers; where it does not, who
accepts what a standby has is better served by one that failed a moment ago than by nobody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from kastor.errors import GraphMoved, KastorError, Unavailable
from kastor.logs import get_logger
from kastor.records import ReadFrom
from kastor.storage.postgres.faults import Fault, fault_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.storage.postgres.connections import Connections

T = TypeVar("T")
Ask: TypeAlias = "Callable[[Connections], Awaitable[T | None]]"
"""Reads from a standby; None where what it has is no answer, since it is behind."""

WAIT_SECONDS = 1.0
"""How long a read waits for a standby before it goes to the primary."""

FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.001, 0.05
DOWN_SECONDS = 2.0
"""How long a standby that failed is left alone while the primary answers."""

_FLUSHED = "SELECT pg_current_wal_flush_lsn()::text"
_HAS_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"

_log = get_logger("kastor.storage")


class Replicas:
    """The standby servers of one database."""

    def __init__(self, primary: Connections, pools: Sequence[Connections] = ()) -> None:
        self._primary = primary
        self._pools = list(pools)
        self._down_until: dict[Connections, float] = {}

    async def read(
        self, wanted: ReadFrom, ask: Ask[T], ask_primary: Callable[[], Awaitable[T]]
    ) -> T:
        """Return the answer of a standby where the request wants it read there, else the primary's.

        Args:
            wanted: where the request wants to read.
            ask: reads from a standby.
            ask_primary: reads from the primary.

        Raises:
            Unavailable: neither answers; it is the primary's error.
            KastorError: what either answers.
        """
        pool = await self._choose(wanted)
        if pool is not None and (found := await self._asked(pool, ask)) is not None:
            return found
        try:
            return await ask_primary()
        except GraphMoved:
            raise  # it has answered
        except Unavailable:
            if wanted is ReadFrom.REPLICA:
                for each in list(self._pools):
                    if (found := await self._asked(each, ask)) is not None:
                        return found
            raise

    async def _choose(self, wanted: ReadFrom) -> Connections | None:
        """Return where a request that wants this may read; None for the primary."""
        if not self._pools or wanted is ReadFrom.PRIMARY:
            return None
        now = asyncio.get_running_loop().time()
        for _ in self._pools:
            pool = self._pools.pop(0)
            self._pools.append(pool)  # in turn
            if now < self._down_until.get(pool, 0.0):
                continue
            if wanted is ReadFrom.REPLICA or await self._is_current(pool):
                return pool
        return None

    async def _asked(self, pool: Connections, ask: Ask[T]) -> T | None:
        """Return what a standby answers; None if it fails or is behind."""
        try:
            found = await ask(pool)
        except Exception as error:
            if isinstance(error, KastorError) and not isinstance(error, Unavailable):
                raise  # that is an answer
            self._note_failure(pool, error)
            return None
        if found is not None:
            self._down_until.pop(pool, None)
        return found

    def _note_failure(self, pool: Connections, error: BaseException) -> None:
        """Leave a standby alone for a while, one that is left alone already for no longer."""
        now = asyncio.get_running_loop().time()
        if now >= self._down_until.get(pool, 0.0):
            _log.warning("a read replica failed, reading from the primary", reason=str(error))
            self._down_until[pool] = now + DOWN_SECONDS
        # One that is behind lacks the tables of a new graph: the connections of others are sound.
        if fault_of(error) in (Fault.LOST, Fault.ELSEWHERE):
            pool.expire(error)

    async def _is_current(self, pool: Connections) -> bool:
        """Wait until a standby has what the primary had flushed when this was called."""
        async with self._primary.lease() as connection:
            flushed = await connection.fetchval(_FLUSHED)
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        pause = FIRST_PAUSE_SECONDS
        try:
            while True:
                async with pool.lease() as connection:
                    if await connection.fetchval(_HAS_REPLAYED, flushed):
                        return True
                if asyncio.get_running_loop().time() + pause > deadline:
                    return False
                await asyncio.sleep(pause)
                pause = min(LAST_PAUSE_SECONDS, pause * 2)
        except Exception as error:  # noqa: BLE001 - whatever it is, the primary answers
            self._note_failure(pool, error)
            return False
