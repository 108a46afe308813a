"""Writes that are only judged: decided on one state of the graph, and on what was decided before.

Nothing is written and the writer is not asked. An engine brings a `Base`, which reads one state;
what the decisions would have made of it stands in an overlay. Decisions run in threads, a portion
at a time, since nobody else shall wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol

from kastor.clock import new_stamp
from kastor.errors import KastorError, Unavailable
from kastor.logs import get_logger
from kastor.records import C, Current
from kastor.storage.batches import Results, require_few
from kastor.storage.overlay import RehearsalOverlay

if TYPE_CHECKING:
    from kastor.records import Needs, RelationshipRow, TwinRow
    from kastor.storage.batches import Write
    from kastor.storage.ticker import Ticker
    from kastor.types import RelationshipId, Ticks, TwinId

LONGEST_SECONDS = 10.0
"""That a state is held; an engine cannot tidy up behind what somebody reads."""

_log = get_logger("kastor.storage")


def ended() -> Unavailable:
    """Return what is told when a rehearsal has lost its state."""
    return Unavailable(
        f"The dry run was ended: it may take {LONGEST_SECONDS:g} seconds, and less where the graph "
        "is closed meanwhile. Nothing was changed; try fewer writes at once.",
        retry_after=1,
    )


class NotLoadedError(Exception):
    """A row was left out of the facts, which had enough bytes before; asked first, it is there."""


class Facts(Protocol):
    """What the graph says to the needs of some writes; asked in a thread.

    Attributes:
        newest: the time that the next write has to come after.
    """

    newest: Ticks

    def twin(self, twin_id: TwinId) -> TwinRow | None:
        """Return a twin; raises NotLoadedError."""

    def relationship(
        self, source: TwinRow, relationship_id: RelationshipId
    ) -> RelationshipRow | None:
        """Return a relationship of a twin that the graph has; raises NotLoadedError."""

    def relationships_at(self, twin: TwinRow, most: int) -> int:
        """Return how many relationships leave or enter such a twin; at `most` they may be more."""


class Base(Protocol[C]):
    """One state of a graph.

    Attributes:
        catalog: of its models.
        portion: writes whose facts are got together.
    """

    catalog: C
    portion: int

    async def facts(self, needs: Sequence[Needs], based: Callable[[int], int]) -> Facts:
        """Return what the graph says to `needs`.

        Args:
            needs: of writes that are decided in this order.
            based: tells how many relationships at a twin, named by its key, are known already.

        Raises:
            Unavailable: the state is not held any more, or the engine does not answer.
        """


class Rehearsing(Generic[C]):
    """One rehearsal; implements `kastor.storage.protocol.Rehearsal`."""

    def __init__(self, base: Base[C], ticker: Ticker, last: Ticks) -> None:
        """Prepare a rehearsal.

        Args:
            base: what it begins with.
            ticker: of the graph; nothing of it is moved.
            last: time of the newest change.
        """
        self._base = base
        self._ticker = ticker
        self._last = last
        self._overlay = RehearsalOverlay(base.catalog)
        self._turn = asyncio.Lock()
        self._working: asyncio.Future[Any] | None = None
        self._over = False

    @property
    def catalog(self) -> C:
        """The models as the writes that were decided would leave them."""
        return self._overlay.catalog

    async def decide(self, writes: Sequence[Write[C, Any]]) -> Results:
        """Decide writes in order, each after those before; see the protocol."""
        require_few(writes)
        outcomes: list[Any] = []
        async with self._turn:
            while len(outcomes) < len(writes):
                portion = writes[len(outcomes) : len(outcomes) + self._base.portion]
                needs = [each.needs for each in portion]
                facts = await self._base.facts(needs, self._based)
                outcomes += await self._in_thread(portion, facts)
        return Results(outcomes, applied=False)

    def close(self) -> None:
        """Forget everything, as soon as no thread works with it."""
        self._over = True
        if self._working is None or self._working.done():
            self._overlay.close()
        else:
            self._working.add_done_callback(lambda _: self._overlay.close())

    async def _in_thread(self, portion: Sequence[Write[C, Any]], facts: Facts) -> list[Any]:
        work = asyncio.to_thread(self._decide_portion, portion, facts)
        self._working = task = asyncio.ensure_future(work)
        try:
            outcomes = await asyncio.shield(task)
        except asyncio.CancelledError:
            self._over = True
            task.add_done_callback(_see)
            await asyncio.wait([task])
            raise
        self._working = None
        return outcomes

    def _decide_portion(self, portion: Sequence[Write[C, Any]], facts: Facts) -> list[Any]:
        """Return the outcomes of the writes whose facts are there; of the first one they are."""
        outcomes: list[Any] = []
        self._overlay.begin()
        try:
            for write in portion:
                if self._over:
                    raise ended()
                try:
                    current = self._current(write.needs, facts)
                except NotLoadedError:
                    break
                outcomes.append(self._decide(write, current, facts.newest))
        finally:
            self._overlay.end()
        return outcomes

    def _decide(self, write: Write[C, Any], current: Current[C], newest: Ticks) -> Any:
        stamp = new_stamp(self._ticker.look(self._last, newest))
        try:
            decision = write.decide(current, stamp)
            if decision.change is not None:
                self._overlay.apply(decision.change)
                self._last = stamp.now
        except Exception as error:
            if self._overlay.full:
                raise
            if not isinstance(error, KastorError):
                _log.exception("write of a rehearsal failed", exc_info=error)
            return error
        return decision.outcome

    def _current(self, needs: Needs, facts: Facts) -> Current[C]:
        twin = None if needs.twin_id is None else self._twin(needs.twin_id, facts)
        relationship = None
        if twin is not None and needs.relationship_id is not None:
            here, relationship = self._overlay.relationship(twin.key, needs.relationship_id)
            if not here and twin.key > 0:
                relationship = facts.relationship(twin, needs.relationship_id)
        return Current(
            catalog=self._overlay.catalog,
            twin=twin,
            relationship=relationship,
            target=None if needs.target_id is None else self._twin(needs.target_id, facts),
            has_relationships=bool(
                twin is not None
                and needs.relationships_of_twin
                and self._has_relationships(twin, facts)
            ),
        )

    def _twin(self, twin_id: TwinId, facts: Facts) -> TwinRow | None:
        here, twin = self._overlay.twin(twin_id)
        return twin if here else facts.twin(twin_id)

    def _has_relationships(self, twin: TwinRow, facts: Facts) -> bool:
        based, present = self._overlay.ends(twin.key)
        if present:
            return True
        return twin.key > 0 and facts.relationships_at(twin, based + 1) > based

    def _based(self, twin_key: int) -> int:
        return self._overlay.ends(twin_key)[0]


def _see(task: asyncio.Future[Any]) -> None:
    """Take note of how a thread's work has ended for which nobody waits any more."""
    if not task.cancelled():
        task.exception()
