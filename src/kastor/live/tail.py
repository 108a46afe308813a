"""The end of the change log: which twins and relationships changed, for every live query.

The feed does not do for this: it leaves out the changes that fire no event (of models, and writes
that change nothing but an ETag). One reader serves all listeners; what a listener has not looked
at yet is a bounded set of ids, however slow its client is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakSet

from kastor.errors import KastorError, Unavailable
from kastor.logs import get_logger
from kastor.vital import Kept, Vitals

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog
    from kastor.live.plan import RelationshipKey
    from kastor.storage.events import LoggedChange
    from kastor.storage.protocol import Store

BATCH = 256

_log = get_logger("kastor.live")


@dataclass(slots=True)
class Changed:
    """What changed up to a position of the log.

    Attributes:
        models: some model; twins may be of other models than before.
        everything: too much to name, or it is not known what.
    """

    position: int
    twins: set[str] = field(default_factory=set)
    relationships: set[RelationshipKey] = field(default_factory=set)
    models: bool = False
    everything: bool = False

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to look at."""
        return not (self.twins or self.relationships or self.models or self.everything)


class Listener:
    """What one live query has yet to look at."""

    def __init__(self, position: int, most: int, reads: frozenset[str]) -> None:
        self.reads = reads
        self.wake = asyncio.Event()
        self.failure: KastorError | None = None
        self._most = most
        self._pending = Changed(position)

    @property
    def position(self) -> int:
        """The position up to which the log was looked at."""
        return self._pending.position

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look at."""
        return self._pending.nothing

    def take(self) -> Changed:
        """Return what changed since the last time."""
        taken, self._pending = self._pending, Changed(self._pending.position)
        if self.failure is None:
            self.wake.clear()
        return taken

    def note(self, changed: Changed) -> None:
        """Add what changed, and wake the query if that matters to it."""
        pending = self._pending
        pending.position = changed.position
        pending.models |= changed.models
        pending.everything |= changed.everything
        if not pending.everything:
            if "twin" in self.reads:
                pending.twins |= changed.twins
            if "relationship" in self.reads:
                pending.relationships |= changed.relationships
            pending.everything = len(pending.twins) + len(pending.relationships) > self._most
        if pending.everything:
            pending.twins, pending.relationships = set(), set()
        if not pending.nothing:
            self.wake.set()

    def end(self, failure: KastorError) -> None:
        """End the query: the graph is closed, or its log cannot be read."""
        self.failure = failure
        self.wake.set()


class Tail:
    """Follows one graph's log while somebody listens."""

    def __init__(self, store: Store[ModelCatalog], vitals: Vitals | None = None) -> None:
        self._store = store
        self._seen = 0
        self._listeners: WeakSet[Listener] = WeakSet()  # one that is forgotten is gone
        self._vitals = vitals or Vitals()
        self._reader: Kept | None = None
        self._starting = asyncio.Lock()

    async def listen(self, most: int, reads: frozenset[str]) -> Listener:
        """Return a listener to what comes after its position; it names up to `most` things.

        A query that runs after this sees at least the state at that position.
        """
        async with self._starting:
            if self._reader is None or self._reader.ended:
                _, self._seen = await self._store.events.log_bounds()
                self._reader = self._vitals.keep("live", self._follow, may_end=True)
            listener = Listener(self._seen, most, reads)
            self._listeners.add(listener)
            return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener; the last one's leaving ends the reading."""
        self._listeners.discard(listener)
        if not self._listeners and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def stop(self) -> None:
        """Stop reading and end what is open."""
        reader, self._reader = self._reader, None
        for listener in list(self._listeners):
            listener.end(Unavailable("The graph was closed."))
        if reader is not None:
            await reader.stop()

    async def _follow(self) -> None:
        try:
            while self._listeners:
                entries = await self._store.events.changes_after(self._seen, BATCH)
                if entries:
                    await self._tell_of(entries)
                else:
                    await self._wait()
        except Exception as error:  # noqa: BLE001 - whatever it is, the listeners must be told
            _log.warning("live queries ended", reason=str(error))
            failure = Unavailable("The change log cannot be read now; start the query again.")
            for listener in list(self._listeners):
                listener.end(failure)

    async def _wait(self) -> None:
        """Wait for entries, or tell that some will never come."""
        reached = await self._store.events.before_next(self._seen)
        if reached == self._seen:
            await self._store.events.log_wake(self._seen)
            return
        await self._store.refresh()  # emptied, most likely, maybe through another process
        self._seen = reached
        self._tell(Changed(reached, models=True, everything=True))

    async def _tell_of(self, entries: list[LoggedChange]) -> None:
        changed = what_changed(entries)
        if entries[0].seq != self._seen + 1 or entries[-1].seq - self._seen != len(entries):
            oldest, _ = await self._store.events.log_bounds()
            changed.everything = oldest > self._seen + 1  # removed before it was read here
        if changed.models:
            # The log shows a commit an instant before the catalog is published.
            await self._store.events.log_wake(entries[-1].seq - 1)
            await self._store.refresh()
        self._seen = changed.position
        self._tell(changed)

    def _tell(self, changed: Changed) -> None:
        for listener in list(self._listeners):
            listener.note(changed)


def what_changed(entries: list[LoggedChange]) -> Changed:
    """Sum up entries of the log."""
    changed = Changed(entries[-1].seq)
    for entry in entries:
        family = entry.kind.partition(".")[0]
        if family == "Twin":
            changed.twins.add(entry.subject)
        elif family == "Relationship":
            source, _, relationship = entry.subject.partition("/relationships/")
            changed.relationships.add((source, relationship))
        elif family == "Model":
            changed.models = True
    return changed
