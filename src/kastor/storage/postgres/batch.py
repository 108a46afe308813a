"""Many writes in one transaction, which is done again whole if others were faster.

The round trips do not grow with the writes: see `batch_transaction`. A lost race takes back the
transaction; the next attempt locks the rows that it loads, so that writers of single twins cannot
be faster for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Generic

from kastor.errors import KastorError
from kastor.logs import get_logger
from kastor.records import C
from kastor.storage.batches import NotHeldError, NothingAppliedError, Results
from kastor.storage.postgres import batch_statements as sql
from kastor.storage.postgres.batch_apply import LostRaceError
from kastor.storage.postgres.batch_loading import CHUNK_SECONDS
from kastor.storage.postgres.batch_transaction import (
    Batch,
    BatchTransaction,
    CannotBeWrittenError,
    Means,
)
from kastor.storage.postgres.faults import Fault, fault_of, unavailable
from kastor.storage.postgres.outcomes import OutcomeFinder
from kastor.storage.postgres.writes import pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.storage.keeping import Rules
    from kastor.storage.postgres.connections import Connection, Connections
    from kastor.storage.postgres.models import Catalogs
    from kastor.storage.postgres.outcomes import Trace
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

ATTEMPTS = 20
"""Lost races and deadlocks before a batch is given up."""

_log = get_logger("kastor.storage")


class Batches(Generic[C]):
    """Runs the batches of one graph.

    Args:
        connections: to the database.
        texts: the statements of the graph.
        catalogs: of its models.
        reserve: takes so many instants of this process that come after another one; returns the
            first.
        rules: tells how much of the past is kept.
    """

    def __init__(
        self,
        connections: Connections,
        texts: Qualified,
        catalogs: Catalogs[C],
        reserve: Callable[[Ticks, int], Ticks],
        rules: Callable[[], Rules],
    ) -> None:
        self._connections = connections
        self._means = Means(texts, catalogs, reserve, asyncio.Lock(), rules)
        self._outcomes = OutcomeFinder(connections, texts, catalogs)

    async def run(self, batch: Batch[C]) -> Results:
        """Make the writes durable and return their outcomes.

        Raises:
            NotHeldError: the note's job is held by another process; nothing was written.
            TypeError: there is a change of models among the writes; nothing was written.
            Unavailable: nothing was written, or it is not known whether all was.
        """
        failures, apart = 0, False
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(pause(attempt))
            sent: list[tuple[Trace, Results]] = []
            try:
                async with self._connections.lease() as connection:
                    transaction = BatchTransaction(
                        self._means, connection, batch, lock=attempt > 0, apart=apart
                    )
                    return await _run(connection, transaction, sent)
            except NothingAppliedError as refused:
                return refused.results
            except LostRaceError:
                continue
            except CannotBeWrittenError:
                apart = True  # it becomes the outcome of the write whose fault it is
            except (KastorError, NotHeldError):
                raise
            except Exception as error:  # noqa: BLE001 - what is not understood is raised again
                if fault_of(error) not in (Fault.RACE, Fault.AGAIN):
                    failures += 1
                trace = sent[0][0] if sent else None
                if await self._outcomes.was_written(error, trace, failures):
                    return sent[0][1]
        raise unavailable("others write the same resources all the time")


async def _run(
    connection: Connection, transaction: BatchTransaction[C], sent: list[tuple[Trace, Results]]
) -> Results:
    """Run a transaction to its end; `sent` tells what it looks like once it may be committed."""
    await connection.execute(sql.BEGIN)
    try:
        results = await transaction.write()
        trace = transaction.trace
        if trace is not None:
            sent.append((trace, results))
        await connection.execute(sql.COMMIT, timeout=CHUNK_SECONDS)
    except BaseException:
        with contextlib.suppress(Exception):
            if connection.is_in_transaction():
                await connection.execute(sql.ROLLBACK)
        raise
    transaction.publish_names()
    return results
