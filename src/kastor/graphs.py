"""The graphs of one server: opened at its start, or as soon as somebody asks, and closed with it.

Where a graph lives is its placement: with SQLite a file in the data folder, with PostgreSQL a
schema of some server. One graph is one ADT instance; nothing leads from one to another.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from kastor.api.hosting import GraphInfo, require_new_name
from kastor.api.services import Services
from kastor.errors import Conflict, NotAllowed, NotFound
from kastor.storage.protocol import Store

DEFAULT = "default"
_log = structlog.get_logger("kastor.graphs")


class Placement(Protocol):
    """Where graphs live."""

    async def names(self) -> list[str]:
        """Return the names of all graphs."""

    async def place(self, name: str) -> str | None:
        """Return where a graph lives, for people; None if there is none."""

    async def add(self, name: str) -> None:
        """Note a new graph; raises Conflict."""

    async def remove(self, name: str) -> None:
        """Forget a graph and delete what it holds; it is not open."""


@dataclass(slots=True)
class _Open:
    services: Services
    stack: AsyncExitStack


class ServerGraphs:
    """Implements `kastor.api.hosting.Graphs` over a placement."""

    def __init__(
        self,
        placement: Placement,
        open_store: Callable[[str], AbstractAsyncContextManager[Store]],
        build_services: Callable[[Store], Services],
        endpoints: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._placement = placement
        self._open_store = open_store
        self._build_services = build_services
        self._endpoints = endpoints
        self._open: dict[str, _Open] = {}
        self._lock = asyncio.Lock()
        self._opener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the default graph, making it if there is none."""
        if await self._placement.place(DEFAULT) is None:
            await self._placement.add(DEFAULT)
        await self.named(DEFAULT)
        self._opener = asyncio.create_task(self._open_rest())

    async def _open_rest(self) -> None:
        """Open the other graphs too: their routes and inputs have work that nobody asks for."""
        for name in await self._placement.names():
            try:
                await self.named(name)
            except Exception as error:  # noqa: BLE001 - one bad graph must not keep the rest shut
                _log.exception("a graph cannot be opened", graph=name, exc_info=error)

    async def close(self) -> None:
        """Close every open graph."""
        if self._opener is not None:
            self._opener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._opener
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

    async def named(self, name: str) -> Services:
        """Return a graph's services; raises NotFound."""
        graph = self._open.get(name)
        if graph is not None:
            return graph.services
        async with self._lock:
            if name not in self._open:
                self._open[name] = await self._start(name)
            return self._open[name].services

    async def infos(self) -> list[GraphInfo]:
        """Return every graph."""
        return [await self._info(name) for name in sorted(await self._placement.names())]

    async def create(self, name: str) -> GraphInfo:
        """Make an empty graph."""
        require_new_name(name)
        async with self._lock:
            if await self._placement.place(name) is not None:
                raise Conflict(f"There is a graph named {name} already.", code="GraphExists")
            await self._placement.add(name)
            self._open[name] = await self._start(name)
        return await self._info(name)

    async def delete(self, name: str) -> None:
        """Delete a graph with all it holds."""
        if name == DEFAULT:
            raise NotAllowed("The default graph cannot be deleted; `kastor reset` empties it.")
        async with self._lock:
            await self._require(name)
            graph = self._open.pop(name, None)
            if graph is not None:
                await graph.stack.aclose()
            await self._placement.remove(name)

    async def _start(self, name: str) -> _Open:
        await self._require(name)
        stack = AsyncExitStack()
        try:
            store = await stack.enter_async_context(self._open_store(name))
            services = self._build_services(store)
            stack.push_async_callback(services.feed.stop)
            stack.push_async_callback(services.live.stop)
            stack.push_async_callback(services.routes.stop)
            stack.push_async_callback(services.inputs.stop)
            await services.indexes.refresh()
            # Endpoints of the configuration file are the default graph's.
            await services.routes.start(self._endpoints if name == DEFAULT else {})
            await services.inputs.start()
        except BaseException:
            await stack.aclose()
            raise
        return _Open(services, stack)

    async def _info(self, name: str) -> GraphInfo:
        return GraphInfo(name, await self._require(name), "open" if name in self._open else "idle")

    async def _require(self, name: str) -> str:
        place = await self._placement.place(name)
        if place is None:
            raise NotFound(f"There is no graph named {name}.", code="GraphNotFound")
        return place
