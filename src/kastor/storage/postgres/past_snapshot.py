"""A state of the past, read whole in a transaction of its own.

Superseded versions have no order that a listing could follow, so those that the state holds are
put in order of identity once, in temporary tables that are gone with the transaction.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from kastor.clock import twin_time
from kastor.storage.postgres.past_reads import no_longer_kept
from kastor.storage.postgres.past_statements import FLOOR
from kastor.storage.postgres.since import FOUND, StateFacts
from kastor.storage.postgres.snapshot import BY_INDEX, PostgresSnapshot, begun_on
from kastor.storage.postgres.snapshot_statements import (
    FILL_BEYOND,
    FILL_VERSIONS,
    PAST,
    STATE_TABLES,
)
from kastor.storage.transfer import Instant
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.records import AsOf
    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.since import Became
    from kastor.storage.postgres.statements import Qualified

# Not read-only, since temporary tables are made.
_BEGIN = """
BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL jit = off;
SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0
"""


class PostgresPastSnapshot(PostgresSnapshot):
    """Implements `Snapshot` for a state that is not the newest one."""

    statements = PAST

    def __init__(
        self,
        connection: Connection,
        texts: Qualified,
        at: AsOf,
        found: StateFacts,
    ) -> None:
        super().__init__(connection, texts, Instant(at.change, at.time), ())
        self._found = found

    @override
    def _settled(self, params: Sequence[object]) -> Sequence[object]:
        return self._found.bound(params)


def past_snapshot_of(
    connect: Callable[[], Awaitable[Connection]], texts: Qualified, at: AsOf, became: Became
) -> AbstractAsyncContextManager[PostgresSnapshot]:
    """Read a state of the past in a block; servers may go on writing.

    Args:
        connect: makes the connection, which is closed at the end.
        texts: of the graph.
        at: which state.
        became: takes note of what became of it.

    Raises:
        Gone: it is not kept any more.
        Unavailable: the server does not answer, or the graph is no longer there.
    """

    async def begin(connection: Connection) -> PostgresSnapshot:
        await connection.execute(_BEGIN)
        oldest, placed = await connection.fetchrow(texts[FLOOR])
        if oldest > at.change:
            raise no_longer_kept(twin_time(at.time), placed)
        for statement in STATE_TABLES:
            await connection.execute(statement)
        await connection.execute(texts[FILL_BEYOND], at.change, at.newest)
        found = StateFacts.of(await connection.fetchrow(texts[FOUND], at.change, at.newest))
        became.note(at, found.since)
        for statement in FILL_VERSIONS:
            await connection.execute(texts[statement])
        await connection.execute(BY_INDEX.format("off"))
        return PostgresPastSnapshot(connection, texts, at, found)

    return begun_on(connect, begin)
