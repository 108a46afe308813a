"""Reads from standby servers, for those who asked for it; whatever fails there, the primary does.

A standby that has replayed the log up to where the primary had flushed it when the read came has
every write that was acknowledged before, whichever process took it. That is how a read sees its
own writes without a token that clients would have to carry.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kastor.logs import get_logger
from kastor.records import ReadFrom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.postgres.connections import Connections

WAIT_SECONDS = 1.0
"""How long a read waits for a standby before it goes to the primary."""

FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.001, 0.05
DOWN_SECONDS = 2.0
"""How long a standby that failed is left alone."""

_FLUSHED = "SELECT pg_current_wal_flush_lsn()::text"
_HAS_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"

_log = get_logger("kastor.storage")


class Replicas:
    """The standby servers of one database."""

    def __init__(self, primary: Connections, pools: Sequence[Connections] = ()) -> None:
        self._primary = primary
        self._pools = list(pools)
        self._down_until: dict[Connections, float] = {}

    async def choose(self, wanted: ReadFrom) -> Connections | None:
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

    def note_failure(self, pool: Connections, error: BaseException) -> None:
        """Leave a standby alone for a while."""
        _log.warning("a read replica failed, reading from the primary", reason=str(error))
        self._down_until[pool] = asyncio.get_running_loop().time() + DOWN_SECONDS
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
            self.note_failure(pool, error)
            return False
