"""Takes a stream of items, and has each written in its turn."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from kastor.client import features
from kastor.moving.items import ItemFault, ModelItem, Placed, RelationshipItem
from kastor.moving.loading.batches import SHARDS, BatchWriter
from kastor.moving.loading.lanes import WorkLanes
from kastor.moving.loading.models import ModelLoading
from kastor.moving.loading.outcomes import Outcomes, StopLoadingError
from kastor.moving.loading.patience import SECONDS, Patience
from kastor.moving.loading.singles import SingleWriter
from kastor.moving.loading.spool import RelationshipSpool

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.report import LoadReport

PARALLEL = 16
_WAITING = 32
"""Single calls that wait, for each that is under way."""


class _Writer(Protocol):
    """Writes twins and relationships."""

    async def add(self, placed: Placed) -> None:
        """Have one written."""

    async def drain(self) -> None:
        """Return when all is written."""


class Loader:
    """Puts streams of items into the graph of a client: in batches where it has them."""

    def __init__(
        self,
        client: AsyncKastorClient,
        *,
        parallel: int = PARALLEL,
        stop_on_error: bool = False,
        patience: float = SECONDS,
        on_fault: Callable[[ItemFault], None] | None = None,
        on_progress: Callable[[LoadReport], None] | None = None,
    ) -> None:
        """Make a loader; nothing is sent yet.

        Args:
            client: of the graph.
            parallel: how many single calls are made at once.
            stop_on_error: whether the first fault ends it. What was written stays.
            patience: seconds for which a server may refuse everything for its rate, or be away.
            on_fault: is called for each fault.
            on_progress: is called with the same report again and again, as it grows.
        """
        self._client, self._parallel = client, parallel
        self._stop_on_error, self._seconds = stop_on_error, patience
        self._on_fault = on_fault or (lambda _fault: None)
        self._on_progress = on_progress or (lambda _report: None)

    async def load(
        self, items: AsyncIterable[Placed | ItemFault], *, ordered: bool = False
    ) -> LoadReport:
        """Write all that a stream yields, and return what came of it.

        Models have to come before the twins of them; each waits in memory for the first item that
        is none. What is there already is replaced, as by PUT; an equal model is left.

        Args:
            items: of which only some are in memory at a time.
            ordered: that all twins come before the first relationship; without that promise
                relationships wait in a temporary file for the last twin.

        Raises:
            ClientError: nothing can be written any more: nobody answers for longer than the
                patience, no access, no server of this contract.
            OSError: there is no room for the temporary file.
        """
        outcomes = Outcomes(self._on_fault, self._on_progress, stop_on_error=self._stop_on_error)
        patience = Patience(self._seconds)
        in_batches = features.BATCH in await self._client.features()
        with RelationshipSpool() as spool, suppress(StopLoadingError):
            async with self._lanes(in_batches=in_batches) as lanes:
                singles = SingleWriter(self._client, lanes, patience, outcomes)
                writer: _Writer = singles
                if in_batches:
                    writer = BatchWriter(self._client, lanes, patience, outcomes, singles)
                models = ModelLoading(self._client, patience, outcomes)
                await _Load(writer, models, spool, outcomes).run(items, ordered=ordered)
        return outcomes.report

    def _lanes(self, *, in_batches: bool) -> WorkLanes:
        if in_batches:
            return WorkLanes(SHARDS, 2 * SHARDS)
        return WorkLanes(self._parallel, self._parallel * _WAITING)


class _Load:
    """One stream on its way."""

    def __init__(
        self, writer: _Writer, models: ModelLoading, spool: RelationshipSpool, outcomes: Outcomes
    ) -> None:
        self._writer, self._models = writer, models
        self._spool, self._outcomes = spool, outcomes
        self._among_relationships = False

    async def run(self, items: AsyncIterable[Placed | ItemFault], *, ordered: bool) -> None:
        async for each in items:
            if isinstance(each, ItemFault):
                self._outcomes.failed(each)
                continue
            self._outcomes.came(each)
            item = each.item
            if isinstance(item, ModelItem):
                self._models.add(each, item.document)
                continue
            await self._models.flush()
            if isinstance(item, RelationshipItem):
                await self._relationship(each, item, ordered=ordered)
            else:
                await self._writer.add(each)
        await self._models.flush()
        await self._writer.drain()
        for placed in self._spool.items():
            await self._writer.add(placed)
        await self._writer.drain()

    async def _relationship(self, placed: Placed, item: RelationshipItem, *, ordered: bool) -> None:
        if ordered:
            if not self._among_relationships:
                self._among_relationships = True
                await self._writer.drain()
            await self._writer.add(placed)
            return
        try:
            self._spool.add(item, placed.where)
        except (ValueError, TypeError) as error:
            self._outcomes.refused(placed, error)
