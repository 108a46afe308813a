"""The graphs of one server: opened at its start, or as soon as somebody asks, and closed with it.

One graph is one ADT instance; nothing leads from one to another. Where they live other processes
may change as well: a graph that is somewhere else by now is opened there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from kastor.backup.writing import ShowGraph, ShownGraph
from kastor.errors import Conflict, KastorError, NotAllowed, NotFound
from kastor.hosting.assembly import OpenGraph
from kastor.hosting.names import require_name, require_new_name
from kastor.hosting.services import Services
from kastor.logs import get_logger
from kastor.records import Context
from kastor.storage.limits import require_room
from kastor.storage.placement import DEFAULT, Place, Placement, Wish
from kastor.storage.refusals import GraphRefusedError, UnfinishedGraphError
from kastor.vital import Kept, Vitals
from kastor.words import counted

FOLLOW_SECONDS = 1.0
"""How soon a process sees that another one made, moved or deleted a graph."""

_log = get_logger("kastor.graphs")


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """A graph in the list.

    Attributes:
        name: under which it is reached.
        place: where it lives, for people.
        state: open, idle (opened when somebody asks) or moving.
        progress: what a move is doing now.
        error: why it cannot be opened, or why the last move did not happen.
    """

    name: str
    place: str
    state: str
    progress: str | None = None
    error: str | None = None


@dataclass(slots=True)
class _Open:
    services: Services
    stack: AsyncExitStack
    place: Place


class Graphs:
    """Knows every graph of the server, and has the services of those that are open.

    Attributes:
        max_graphs: how many there may be; those that are there are served all the same.
    """

    def __init__(
        self,
        placement: Placement,
        open_graph: OpenGraph,
        vitals: Vitals | None = None,
        max_graphs: int = 100,
    ) -> None:
        self._placement = placement
        self._open_graph = open_graph
        self._vitals = vitals or Vitals()
        self._follower: Kept | None = None
        self.max_graphs = max_graphs
        self._open: dict[str, _Open] = {}
        self._shut: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the default graph, making it if there is none; the others follow."""
        if await self._placement.place(DEFAULT) is None:
            await self._placement.add(DEFAULT, Wish())
        await self.named(DEFAULT)
        self._follower = self._vitals.keep("graphs", self._follow, may_end=True)

    async def close(self) -> None:
        """Close every open graph; a move that is under way stays where it was."""
        if self._follower is not None:
            await self._follower.stop()
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        async with self._lock:
            while self._open:
                _, graph = self._open.popitem()
                await graph.stack.aclose()

    @property
    def default(self) -> Services:
        """The default graph."""
        return self._open[DEFAULT].services

    def opened(self) -> dict[str, Services]:
        """Return the graphs that are open now, by name."""
        return {name: graph.services for name, graph in self._open.items()}

    def shut(self) -> list[str]:
        """Return the graphs that cannot be opened."""
        return sorted(self._shut)

    async def named(self, name: str) -> Services:
        """Return a graph's services, opening it if it is not open yet.

        Raises:
            NotFound: there is no graph of that name.
            Conflict: what is in its place cannot be opened, or is not it.
        """
        graph = self._open.get(name)
        if graph is not None:
            return graph.services
        async with self._lock:
            if name not in self._open:
                with _told_of(name):
                    self._open[name] = await self._start(name)
            return self._open[name].services

    async def shown(self, context: Context) -> dict[str, ShowGraph]:
        """Return how each graph is read for a backup, by name; each is open by then.

        Raises:
            Conflict: one cannot be opened; a backup without it would be none.
        """
        names = sorted(await self._placement.places())
        for name in names:
            await self.named(name)
        return {name: partial(self._show, name, context) for name in names}

    @contextlib.asynccontextmanager
    async def _show(self, name: str, context: Context) -> AsyncIterator[ShownGraph]:
        services = await self.named(name)
        async with services.snapshot(context) as snapshot:
            yield ShownGraph(snapshot, await snapshot.indexes())

    async def infos(self) -> list[GraphInfo]:
        """Return every graph."""
        places = await self._placement.places()
        return [self._info(name, places[name]) for name in sorted(places)]

    async def info(self, name: str) -> GraphInfo:
        """Return a graph; raises NotFound."""
        return self._info(name, await self._require(name))

    async def create(self, name: str, wish: Wish, *, dry_run: bool = False) -> GraphInfo:
        """Make an empty graph, or serve the one in the schema that is wished for.

        A dry run looks only whether that can be, and returns the graph as it would be.
        """
        require_new_name(name)
        async with self._lock:
            if await self._placement.place(name) is not None:
                raise Conflict(f"There is a graph named {name} already.", code="GraphExists")
            await self._require_room()
            if dry_run:
                place = await self._placement.would_add(name, wish)
                return GraphInfo(name, place.address, "open")
            await self._placement.add(name, wish)
            with _told_of(name):
                self._open[name] = await self._start(name)
        return await self.info(name)

    async def delete(self, name: str, *, dry_run: bool = False) -> None:
        """Delete a graph with all it holds."""
        if name == DEFAULT:
            raise NotAllowed("The default graph cannot be deleted; `kastor reset` empties it.")
        async with self._lock:
            place = await self._require(name)
            if place.moving is not None:
                raise Conflict(f"The graph {name} is moving.", code="GraphMoving")
            await self._placement.require_removable(name)
            if dry_run:
                return
            graph = self._open.pop(name, None)
            if graph is not None:
                await graph.stack.aclose()
            await self._placement.remove(name)

    async def move(self, name: str, wish: Wish, *, dry_run: bool = False) -> GraphInfo:
        """Begin to move a graph; it is served meanwhile."""
        await self._require(name)
        if dry_run:
            await self._placement.require_movable(name, wish)
            return replace(await self.info(name), state="moving", progress="begins")
        await self._placement.begin_move(name, wish)
        self._spawn(self._move(name))
        return await self.info(name)

    async def _move(self, name: str) -> None:
        try:
            await self._placement.move(name)
        except Exception as error:  # noqa: BLE001 - whoever tends to the placements ends the move
            _log.exception("a move broke off", graph=name, exc_info=error)
        await self._catch_up()

    async def _follow(self) -> None:
        """Keep what is open in step with the placements, where other processes change them.

        All graphs are opened: their routes and inputs have work that nobody asks for.
        """
        trouble = ""
        while True:
            try:
                await self._catch_up()
                await self._placement.tend()
                trouble = ""
            except Exception as error:  # noqa: BLE001 - the database comes back
                if str(error) != trouble:
                    trouble = str(error)
                    _log.warning("placements not looked up", reason=trouble)
            if not self._placement.shared:
                return
            await asyncio.sleep(FOLLOW_SECONDS)

    async def _catch_up(self) -> None:
        places = await self._placement.places()
        self._shut = {name: why for name, why in self._shut.items() if name in places}
        async with self._lock:
            for name, graph in list(self._open.items()):
                if name not in places or places[name].home != graph.place.home:
                    del self._open[name]
                    await graph.stack.aclose()
        for name in places.keys() - self._open.keys():
            await self._try_to_open(name)

    async def _try_to_open(self, name: str) -> None:
        """Open a graph; one bad graph must not keep the rest shut."""
        try:
            await self.named(name)
            self._shut.pop(name, None)
        except NotFound:
            return  # deleted meanwhile
        except KastorError as error:
            if self._shut.get(name) != error.message:
                _log.error("a graph cannot be opened", graph=name, reason=error.message)
            self._shut[name] = error.message
        except Exception as error:  # noqa: BLE001 - said once
            if name not in self._shut:
                _log.exception("a graph cannot be opened", graph=name, exc_info=error)
            self._shut[name] = "It cannot be opened; the log says why."

    async def _start(self, name: str) -> _Open:
        place = await self._require(name)
        stack = AsyncExitStack()
        services = await stack.enter_async_context(self._open_graph(name, place, self.shown))
        return _Open(services, stack, place)

    def _info(self, name: str, place: Place) -> GraphInfo:
        state = "open" if name in self._open else "idle"
        if place.moving is not None:
            state = "moving"
        error = None if name in self._open else self._shut.get(name)
        return GraphInfo(name, place.address, state, place.moving, error or place.error)

    async def _require_room(self) -> None:
        count = len(await self._placement.places())
        require_room(
            count, self.max_graphs, f"The server has {counted(count, 'graph')}", "max_graphs"
        )

    async def _require(self, name: str) -> Place:
        place = await self._placement.place(require_name(name))
        if place is None:
            raise NotFound(f"There is no graph named {name}.", code="GraphNotFound")
        return place

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextlib.contextmanager
def _told_of(name: str) -> Iterator[None]:
    """Tell clients in their words why a graph cannot be opened; the default one ends the start."""
    try:
        yield
    except GraphRefusedError as error:
        if name == DEFAULT:
            raise
        code = "GraphUnfinished" if isinstance(error, UnfinishedGraphError) else "GraphNotUsable"
        raise Conflict(str(error), code=code) from error
