"""A graph whose states are written down, with the job that goes back to one; on both engines."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from kastor.graph import commands as c
from kastor.graph.instants import Named
from kastor.history.diff import Comparison, DiffService, GraphPart
from kastor.history.differing import States
from kastor.history.revert import RevertKind
from kastor.history.reverting import Revert
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import AsOf
from kastor.storage.jobs import JobRow
from tests.store.graphs import Document, Graph

from .service import ANN, ended, serving

TIMES = ("$lastUpdateTime", "lastUpdateTime")
ALL = GraphPart()


class World:
    """An open graph, and what a revert needs of it."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.store = graph, graph.store
        self.service = graph.service
        store = self.store
        self.query = QueryService(
            store,
            lambda: store.catalog,
            store.signing_key,
            QuerySettings(),
            dialect=dialect_of(store.engine),
            refresh=store.refresh,
            resolve=lambda change: self.service.at(Named(change=change)),
        )
        self.diffs = DiffService(store, self.service, self.query)

    async def now(self) -> AsOf:
        """The present state."""
        return await self.diffs.at(None, ANN)

    async def lines(
        self, before: AsOf, after: AsOf | None = None, part: GraphPart = ALL, **form: Any
    ) -> list[Document]:
        """The lines of the comparison of two states."""
        newer = after or await self.now()
        found = await self.diffs.open(Comparison.of(before, newer, **form), part, ANN)
        return [msgspec.json.decode(line) async for text in found for line in text.splitlines()]

    async def tried(self, then: AsOf, part: GraphPart = ALL) -> list[Document]:
        """The lines of a dry run."""
        comparison = Comparison(States(then, await self.now()), backwards=True, of_revert=True)
        found = await self.diffs.open(comparison, part, ANN)
        return [msgspec.json.decode(line) async for text in found for line in text.splitlines()]

    async def content(self) -> dict[tuple[str, ...], Any]:
        """All that the graph holds, but for times of updates."""
        found: dict[tuple[str, ...], Any] = {}
        for text in ("SELECT * FROM DIGITALTWINS", "SELECT * FROM RELATIONSHIPS"):
            token = None
            while True:
                page = await self.query.run(text, ANN, token=token, max_items=1_000)
                for each in msgspec.json.decode(page.value):
                    key = [each.get(name) for name in ("$dtId", "$sourceId", "$relationshipId")]
                    found[tuple(filter(None, key))] = without_times(each)
                token = page.continuation
                if token is None:
                    break
        await self.store.refresh()
        for model in self.store.catalog.models.values():
            found["model", model.id] = (model.document(), model.decommissioned)
        return found

    async def asked(self, then: AsOf, part: GraphPart = ALL, *, atomic: bool = False) -> Revert:
        return Revert.asked(then, await self.now(), part, atomic=atomic)

    async def revert(self, then: AsOf, part: GraphPart = ALL, *, atomic: bool = False) -> JobRow:
        return await self.done(await self.asked(then, part, atomic=atomic))

    async def done(self, asked: Revert, graph: Any = None) -> JobRow:
        kind = RevertKind(self.diffs, graph or self.service, self.query)
        async with serving(self.store, kind) as jobs:
            row = await jobs.add(kind.name, None, asked.request(), ANN)
            return await ended(jobs, row.id, kind.name)

    async def log(self, row: JobRow) -> list[Document]:
        lines = await self.store.jobs.log_lines(row.kind, row.id, 0, 1_000)
        return [msgspec.json.decode(line) for _, line in lines]

    def events(self) -> list[str]:
        """Kinds of the change log."""
        return [each.kind for each in self.graph.history.log()]

    async def run(self, *commands: c.Command[Any]) -> None:
        results = await self.service.execute_many(commands, ANN)
        assert results.refused == 0, results.outcomes


class Hooked:
    """A graph service that does something before one of its methods.

    Args:
        graph: the service.
        before: what is done; it gets the number of the call, from 1.
        method: before which it is done.
    """

    def __init__(
        self,
        graph: Any,
        before: Callable[[int], Coroutine[Any, Any, None]],
        method: str = "execute_many",
    ) -> None:
        self._graph, self._before, self._method, self._calls = graph, before, method, 0

    def __getattr__(self, name: str) -> Any:
        return self._hooked if name == self._method else getattr(self._graph, name)

    async def _hooked(self, *given: Any, **named: Any) -> Any:
        self._calls += 1
        await self._before(self._calls)
        return await getattr(self._graph, self._method)(*given, **named)


def without_times(value: Any) -> Any:
    """A document without what is new with each write."""
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key not in (*TIMES, "$etag")}
        return {key: without_times(each) for key, each in kept.items()}
    return value


def error_of(row: JobRow) -> Document:
    assert row.error is not None
    error: Document = msgspec.json.decode(row.error)
    return error


def counts_of(row: JobRow) -> Document:
    counts: Document = msgspec.json.decode(row.progress)["counts"]
    return {name: count for name, count in counts.items() if count}
