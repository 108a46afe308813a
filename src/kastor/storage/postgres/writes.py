"""A write from load to outcome: decided on what was loaded, decided again when a race was lost.

Two round trips, one that reads and one that writes. What the server certainly did not commit is
done again; a write whose outcome is not known is looked up in the change log and never repeated.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from kastor.clock import Stamp, new_stamp
from kastor.errors import KastorError, SlowDecisionError
from kastor.records import C, ChangeModels, Context, Current, Needs, T, WriteRelationship
from kastor.storage.postgres import statements as sql
from kastor.storage.postgres.faults import unavailable
from kastor.storage.postgres.load_and_apply import LoadedRows, apply, load, log_values
from kastor.storage.postgres.models import Catalogs, change_models
from kastor.storage.postgres.outcomes import OutcomeFinder, Trace
from kastor.storage.postgres.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.records import Decision
    from kastor.storage.batches import Decide
    from kastor.storage.keeping import Rules
    from kastor.storage.postgres.connections import Connection, Connections
    from kastor.storage.postgres.load_and_apply import LoadedRows
    from kastor.storage.postgres.statements import Qualified
    from kastor.types import Ticks

LARGE_BYTES = 65_536
"""From so large a body, or twin, on a write is decided in a thread; others do not wait for it."""
ATTEMPTS = 50
"""Lost races against other processes before a write is given up."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.002, 0.1


@dataclass(slots=True)
class _Sent(Generic[C, T]):
    """The change whose statement has been sent, as it can be found again."""

    decision: Decision[C, T]
    trace: Trace


class Writes(Generic[C]):
    """Runs the writes of one graph."""

    def __init__(
        self,
        connections: Connections,
        texts: Qualified,
        catalogs: Catalogs[C],
        clock: Callable[[Ticks], Ticks],
        rules: Callable[[], Rules],
    ) -> None:
        self._rules = rules
        self._connections = connections
        self._texts = texts
        self._catalogs = catalogs
        self._clock = clock
        self._outcomes = OutcomeFinder(connections, texts, catalogs)
        self._turns = Turns()
        self._slow = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Writes that wait for others of the same twin."""
        return self._turns.waiting

    async def run(self, needs: Needs, decide: Decide[C, T], context: Context) -> T:
        """Make a write durable and return its outcome.

        Raises:
            KastorError: whatever `decide` raised.
            Unavailable: it could not be written, or it is not known whether it was.
        """
        async with self._turns.of((needs.twin_id, needs.relationship_id)):
            failures = 0
            for attempt in range(ATTEMPTS):
                if attempt:
                    await asyncio.sleep(pause(attempt))
                sent: list[_Sent[C, T]] = []
                try:
                    async with self._connections.lease() as connection:
                        decision = await self._attempt(connection, needs, decide, context, sent)
                        if decision is not None:
                            return decision.outcome
                except KastorError:
                    raise
                except Exception as error:  # noqa: BLE001 - what is not understood is raised again
                    failures += 1
                    trace = sent[0].trace if sent else None
                    if await self._outcomes.was_written(error, trace, failures):
                        await self._catch_up(sent[0].decision)
                        return sent[0].decision.outcome
        raise unavailable("others write the same resource all the time")

    async def _attempt(
        self,
        connection: Connection,
        needs: Needs,
        decide: Decide[C, T],
        context: Context,
        sent: list[_Sent[C, T]],
    ) -> Decision[C, T] | None:
        """Load, decide and write; return what was decided, None if a race was lost."""
        texts = self._texts
        loaded = await load(connection, texts, needs)
        catalog = await self._catalogs.at(connection, loaded.epoch)
        stamp = new_stamp(self._clock(loaded.since))
        current = _current(loaded, catalog)
        decision = await self._decide(decide, current, stamp, context.size)
        change = decision.change
        if change is None:
            return decision
        if isinstance(change, ChangeModels):
            event_id = change.logs[0].event_id if change.logs else stamp.event_id
            sent.append(_Sent(decision, Trace(sql.HAPPENED, (stamp.now, event_id))))
            written = await change_models(
                connection, texts, self._catalogs, change, stamp, context, catalog.epoch
            )
            return decision if written else None
        name_key = None
        if isinstance(change, WriteRelationship):
            name_key = await self._name_key(connection, change.name)
        sent.append(_Sent(decision, Trace(sql.HAPPENED, (stamp.now, change.log.event_id))))
        logged = log_values(change.log, catalog.epoch, stamp.now, context)
        written = await apply(
            *(connection, texts, change, loaded, logged, name_key),
            keeps_telemetry=not self._rules().telemetry.is_off,
        )
        return decision if written else None

    async def _decide(
        self, decide: Decide[C, T], current: Current[C], stamp: Stamp, size: int
    ) -> Decision[C, T]:
        stored = current.twin.doc if current.twin is not None else b""
        if max(size, len(stored)) > LARGE_BYTES:
            return await asyncio.to_thread(decide, current, stamp)
        try:
            return decide(current, stamp)
        except SlowDecisionError:
            async with self._slow:  # who waits here finds the model compiled
                return await asyncio.to_thread(decide, current, stamp)

    async def _name_key(self, connection: Connection, name: str) -> int:
        names = self._catalogs.names
        if name not in names:
            names[name] = await connection.fetchval(self._texts[sql.NAME_KEY], name)
        return names[name]

    async def _catch_up(self, decision: Decision[C, T]) -> None:
        """Publish the catalog that follows a change that was only found again."""
        if isinstance(decision.change, ChangeModels):
            async with self._connections.lease() as connection:
                await self._catalogs.load(connection)


def _current(loaded: LoadedRows, catalog: C) -> Current[C]:
    return Current(
        catalog, loaded.twin, loaded.relationship, loaded.target, loaded.has_relationships
    )


def pause(attempt: int) -> float:
    """Return the seconds before another attempt; random, so that two do not meet again."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**attempt)
    return random.random() * longest  # noqa: S311 - jitter
