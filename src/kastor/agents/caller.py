"""Who asks through the agents' server: every read of a tool has the context that is made here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from kastor.errors import Forbidden, Gone
from kastor.graph.instants import Named, read_instant
from kastor.records import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.agents.asking import Word
    from kastor.auth.roles import Permission
    from kastor.hosting.services import Services
    from kastor.proposals import Caller, Via
    from kastor.records import AsOf


T = TypeVar("T")

LARGE_AT_ONCE = 4
QUICK_BYTES = 65_536
"""Documents that are read and cut at once; more than these in a thread, so that others go on."""


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """A caller on one graph.

    Attributes:
        id: tells it from all others.
        name: the history keeps it.
        permissions: what it may do on the graph.
        graph: its name.
        services: of the graph.
        traceparent: of the request.
        client: name of its program, as it claims.
        asks: whether that program can ask its person something.
        word: what the person said when asked, if that was.
        proposer: tells how it deals with proposals by a way; None: it may not write.
        room: for work on many bytes; shared by all callers of a process.
    """

    id: str
    name: str
    permissions: frozenset[Permission]
    graph: str
    services: Services
    traceparent: str | None = None
    client: str | None = None
    asks: bool = False
    word: Word | None = None
    proposer: Callable[[Via], Caller] | None = None
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))

    def context(self, at: AsOf | None = None) -> Context:
        """Return what every read and write of this caller brings; rules by twin will enter here."""
        return Context(self.name, self.traceparent, at=at)

    async def worked(self, size: int, work: Callable[[], T]) -> T:
        """Return what some work on so many bytes comes to; of much of it few are done at a time.

        Decoded documents are many times as large as their text.
        """
        if size <= QUICK_BYTES:
            return work()
        async with self.room:
            return await asyncio.to_thread(work)

    def require(self, *permissions: Permission) -> None:
        """Raise Forbidden unless it has them all on this graph."""
        for each in permissions:
            if each not in self.permissions:
                raise Forbidden(f"{self.name} may not do this here: it needs {each}.")

    async def pinned(self, as_of: str | None, change: int | None = None) -> Context:
        """Return a context of one state that stays: the one of a cursor, that is asked for, or now.

        A graph that keeps no history is read as it is; nothing can go on there at the same state.

        Raises:
            InvalidArgument: the instant cannot be read, or lies in the future.
            Gone: it is not kept any more.
        """
        graph = self.services.graph
        if change is not None:
            return self.context(await graph.at(Named(change=change)))
        if as_of is not None:
            return self.context(await graph.at(read_instant(as_of, "as_of")))
        try:
            return self.context(await graph.at(Named()))
        except Gone:
            return self.context()
